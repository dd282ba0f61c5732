"""Plausible rows: say what matters, the rest is filled in."""

import itertools
from datetime import UTC, date, datetime, timedelta
from typing import Any, TypeVar

from flask import current_app
from flask_security.utils import hash_password
from sqlalchemy import select

from app.accounts.models import (
    Affiliation,
    Institution,
    InstitutionKind,
    RoleGrant,
    RoleName,
    User,
)
from app.catalog.models import Blackout, BlackoutKind, Facility, Instrument, InstrumentKind
from app.db import Model, db, normalised, transaction
from app.domain.booking import UseScope, UseState
from app.domain.interval import Interval
from app.reservations.operator_models import Operator

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
PASSWORD = "correct horse 배터리"
T = TypeVar("T", bound=Model)
_serial = itertools.count(1)
_hashed: list[str] = []


def save(row: T) -> T:
    with transaction():
        db.session.add(row)
    return row


def hours(start: float, end: float, *, after: datetime = NOW) -> Interval:
    """From `start` to `end` hours after the fixed now."""
    return Interval(after + timedelta(hours=start), after + timedelta(hours=end))


def institution(**fields: Any) -> Institution:
    n = next(_serial)
    fields.setdefault("slug", f"institution-{n}")
    fields.setdefault("name_ko", f"기관 {n}")
    fields.setdefault("name_en", f"Institution {n}")
    fields.setdefault("kind", InstitutionKind.UNIVERSITY)
    return save(Institution(**fields))


def _once(slug: str, **fields: Any) -> Institution:
    found = db.session.scalar(select(Institution).where(Institution.slug == slug))
    return found or institution(slug=slug, **fields)


def kaist() -> Institution:
    return _once("kaist", name_ko="한국과학기술원", name_en="KAIST")


def cnu() -> Institution:
    return _once("cnu", name_ko="충남대학교", name_en="Chungnam National University")


def facility(**fields: Any) -> Facility:
    n = next(_serial)
    if "institution" not in fields and "institution_id" not in fields:
        fields["institution_id"] = kaist().id
    fields.setdefault("slug", f"facility-{n}")
    fields.setdefault("name_ko", f"시설 {n}")
    fields.setdefault("name_en", f"Facility {n}")
    fields.setdefault("timezone", "Asia/Seoul")
    fields.setdefault("opening_hours", {"daily": ["24h"], "holiday": ["24h"]})
    fields.setdefault("holidays", "none")
    return save(Facility(**fields))


def instrument(**fields: Any) -> Instrument:
    """Open round the clock to everyone, 30-minute slots, up to 8 hours, 90 days ahead."""
    n = next(_serial)
    if "facility" not in fields and "facility_id" not in fields:
        fields["facility_id"] = facility().id
    fields.setdefault("slug", f"instrument-{n}")
    fields.setdefault("name_ko", f"장비 {n}")
    fields.setdefault("name_en", f"Instrument {n}")
    fields.setdefault("kind", InstrumentKind.INSTRUMENT)
    fields.setdefault("classification", "optical-electron-imaging")
    fields.setdefault("use_scope", UseScope.PUBLIC_USE_SERVICE)
    fields.setdefault("use_state", UseState.IN_USE)
    booking = {
        "slot": "PT30M",
        "shortest": "PT30M",
        "longest": "PT8H",
        "earliest": "P90D",
        "latest": "PT0H",
        "approval": "open",
    }
    fields["booking"] = {**booking, **fields.get("booking", {})}
    fields.setdefault(
        "search_text", normalised(f"{fields['slug']} {fields['name_ko']} {fields['name_en']}")
    )
    return save(Instrument(**fields))


def user(
    name_of: str | None = None,
    *,
    institution: Institution | None = None,
    manages: Facility | None = None,
    administers: Institution | None = None,
    site_administrator: bool = False,
    **fields: Any,
) -> User:
    """A person with the password `PASSWORD`; `mina` gets mina@example.org."""
    n = next(_serial)
    fields.setdefault("email", f"{name_of or f'person-{n}'}@example.org")
    fields.setdefault("name", f"Person {n}")
    fields.setdefault("language", "ko")
    if not _hashed and "security" in current_app.extensions:
        _hashed.append(hash_password(PASSWORD))
    person = User(
        password=_hashed[0] if _hashed else None,
        fs_uniquifier=f"{fields['email']}-uniquifier",
        created_at=NOW,
        confirmed_at=NOW,
        active=fields.pop("active", True),
        **fields,
    )
    home = institution or kaist()
    with transaction():
        db.session.add(person)
        db.session.flush()
        db.session.add(
            Affiliation(
                user_id=person.id,
                institution_id=home.id,
                department=fields.get("department", ""),
                starts_on=date(2020, 1, 1),
            )
        )
        grants = []
        if manages:
            grants.append(RoleGrant(role=RoleName.FACILITY_MANAGER, facility_id=manages.id))
        if administers:
            grants.append(
                RoleGrant(role=RoleName.INSTITUTION_ADMINISTRATOR, institution_id=administers.id)
            )
        if site_administrator:
            grants.append(RoleGrant(role=RoleName.SITE_ADMINISTRATOR))
        for grant in grants:
            grant.user_id = person.id
            grant.granted_at = NOW
            db.session.add(grant)
    return person


def operator(person: User, *instruments: Instrument, **fields: Any) -> Operator:
    """Somebody who operates instruments of one facility; at any hour, unless said."""
    fields.setdefault("hours", {"daily": ["24h"], "holiday": ["24h"]})
    return save(
        Operator(
            user_id=person.id,
            facility_id=instruments[0].facility_id,
            instruments=[db.session.merge(each, load=False) for each in instruments],
            named_at=NOW,
            named_by_id=person.id,
            **fields,
        )
    )


def blackout(instrument: Instrument, interval: Interval, **fields: Any) -> Blackout:
    return save(
        Blackout(
            instrument_id=None if fields.get("facility_id") else instrument.id,
            starts_at=interval.start,
            ends_at=interval.end,
            kind=fields.pop("kind", BlackoutKind.MAINTENANCE),
            made_at=NOW,
            **fields,
        )
    )
