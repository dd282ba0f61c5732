"""Telling calendars and feeds that what they show of an instrument has changed."""

from collections.abc import Collection, Mapping
from datetime import datetime
from types import MappingProxyType

from sqlalchemy import select, update

from app.catalog.models import CatalogVersion, Instrument
from app.db import db

#: What an event in a calendar shows of its instrument: name, place, zone, technique, contact.
FACES: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        "institution": frozenset({"name_ko", "name_en"}),
        "facility": frozenset(
            {"name_ko", "name_en", "location_ko", "location_en", "timezone", "email", "phone"}
        ),
        "instrument": frozenset(
            {
                *("name_ko", "name_en", "location_ko", "location_en", "facility"),
                *("techniques", "contact"),
            }
        ),
    }
)


def changed(instrument_ids: Collection[int], *, now: datetime) -> None:
    """Raise the versions of instruments whose face changed, and that of the catalogue.

    Locks their calendars, in the order of their ids as every booking does.
    """
    for instrument_id in sorted(instrument_ids):
        db.session.execute(
            update(Instrument)
            .where(Instrument.id == instrument_id)
            .values(
                face_version=Instrument.face_version + 1,
                face_changed_at=now,
                calendar_version=Instrument.calendar_version + 1,
            )
            .execution_options(synchronize_session=False)
        )
    version = db.session.scalar(select(CatalogVersion).with_for_update())
    if version is None:
        version = CatalogVersion(id=1, version=0)
        db.session.add(version)
    version.version += 1
    version.changed_at = now
    db.session.flush()


def calendars_changed(instrument_ids: Collection[int]) -> None:
    """Raise the versions of calendars whose rules or hours changed, faces unchanged."""
    for instrument_id in sorted(instrument_ids):
        db.session.execute(
            update(Instrument)
            .where(Instrument.id == instrument_id)
            .values(calendar_version=Instrument.calendar_version + 1)
            .execution_options(synchronize_session=False)
        )
