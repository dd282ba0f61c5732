"""HTTP API of training: what the caller is qualified for."""

from datetime import date

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from app import clock
from app.accounts.current import current
from app.catalog.schemas import Named
from app.domain.training import Level, SafetyKind
from app.training import queries
from app.training.queries import Shown
from app.web.rights import SIGNED_IN, open_to

bp = APIBlueprint("training-api", __name__, url_prefix="/api/v1", tag="Me")


class CertificateOut(BaseModel):
    """A certificate: for one instrument, for a technique, or for all of a facility."""

    facility: Named
    instrument: Named | None = Field(description="None: for more than one.")
    technique: Named | None = Field(description="None, without an instrument: for all.")
    level: Level
    granted_on: date
    ends_on: date | None = Field(
        description="The last day, if it is not used before; none: no end."
    )
    state: str = Field(description="current, expired or withdrawn.")


class SafetyOut(BaseModel):
    """A safety training that the caller has had."""

    kind: SafetyKind
    done_on: date
    valid_until: date | None = Field(description="The last day; none: without end.")


class CertificatesOut(BaseModel):
    """What the caller has learned."""

    items: list[CertificateOut]
    safety: list[SafetyOut]
    next: str | None = Field(description="Always none: they are few.")


_EXAMPLE = {
    "items": [
        {
            "facility": {
                "slug": "kaist-chemistry-nmr",
                "name": {"ko": "화학과 NMR실", "en": "Department of Chemistry NMR room"},
            },
            "instrument": None,
            "technique": None,
            "level": "night",
            "granted_on": "2026-03-02",
            "ends_on": "2028-03-02",
            "state": "current",
        }
    ],
    "safety": [{"kind": "laboratory", "done_on": "2026-02-02", "valid_until": "2027-02-02"}],
    "next": None,
}


@bp.get("/me/certificates")
@bp.output(CertificatesOut, example=_EXAMPLE)
@bp.doc(summary="My certificates")
@open_to(SIGNED_IN)
def certificates() -> CertificatesOut:
    """What you are qualified for, and your safety training."""
    user = current()
    return CertificatesOut(
        items=[_out(each) for each in queries.certificates_of(user, now=clock.now())],
        safety=[
            SafetyOut(kind=each.kind, done_on=each.done_on, valid_until=each.valid_until)
            for each in queries.safety_of(user)
        ],
        next=None,
    )


def _out(shown: Shown) -> CertificateOut:
    certificate = shown.certificate
    state = "withdrawn" if certificate.withdrawn_at else "expired" if shown.over else "current"
    return CertificateOut(
        facility=_named(certificate.facility),
        instrument=_named(certificate.instrument) if certificate.instrument else None,
        technique=_named(certificate.technique) if certificate.technique else None,
        level=certificate.level,
        granted_on=certificate.granted_on,
        ends_on=shown.ends_on,
        state=state,
    )


def _named(thing: object) -> Named:
    return Named.model_validate(
        {
            "slug": getattr(thing, "slug", ""),
            "name": {"ko": getattr(thing, "name_ko", ""), "en": getattr(thing, "name_en", "")},
        }
    )
