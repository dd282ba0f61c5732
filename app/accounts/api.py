"""HTTP API of this slice."""

from apiflask import APIBlueprint
from pydantic import BaseModel, Field

from app.accounts import queries
from app.accounts.current import current
from app.accounts.today import today
from app.web.rights import SIGNED_IN, open_to

bp = APIBlueprint("accounts-api", __name__, url_prefix="/api/v1", tag="Me")


class Role(BaseModel):
    """A role, and of what: a facility, an institution, or nothing for the site."""

    role: str
    facility: str | None = Field(None, description="Slug of the facility.")
    institution: str | None = Field(None, description="Slug of the institution.")


class Me(BaseModel):
    """The person who asks."""

    email: str
    name: str
    language: str
    timezone: str | None = Field(None, description="None: the facility's zone.")
    institution: str | None = Field(None, description="Slug; none without an affiliation today.")
    department: str
    roles: list[Role]


@bp.get("/me")
@bp.output(
    Me,
    example={
        "email": "sora@kaist.example.org",
        "name": "박소라",
        "language": "ko",
        "timezone": None,
        "institution": "kaist",
        "department": "바이오코어",
        "roles": [{"role": "facility_manager", "facility": "kaist-biocore", "institution": None}],
    },
)
@bp.doc(summary="Who am I?")
@open_to(SIGNED_IN)
def me() -> Me:
    """The account of the token or session with which you ask."""
    user = current()
    affiliation = next(iter(queries.current_affiliations(user, today=today())), None)
    return Me(
        email=user.email,
        name=user.name,
        language=user.language,
        timezone=user.timezone,
        institution=affiliation.institution.slug if affiliation else None,
        department=affiliation.department if affiliation else "",
        roles=[
            Role(role=held.grant.role.value, facility=held.facility, institution=held.institution)
            for held in queries.roles_of(user)
        ],
    )
