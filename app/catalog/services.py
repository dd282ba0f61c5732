"""Use cases of the catalogue: edit an instrument or a facility, undo a change."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.audit.models import AuditRow
from app.catalog import complaints, entries, faces, holds, searchable
from app.catalog.booking_settings import BookingSettings, effective_booking
from app.catalog.contributed import FILES, FacilityFile, InstrumentFile
from app.catalog.entries import Flat
from app.catalog.models import Facility, FormerSlug, Instrument
from app.catalog.queries import facility_by_slug, instrument_by_slug, scope_of
from app.catalog.techniques import give_techniques
from app.db import db, transaction
from app.domain.errors import Invalid, NotFound, Stale, Text
from app.domain.linked import circle

Kind = Literal["instrument", "facility"]
Editable = Instrument | Facility

_RIGHTS = {"instrument": Action.EDIT_INSTRUMENT, "facility": Action.EDIT_FACILITY}
#: Changes that the readers of a calendar must hear of, the face aside.
_OF_CALENDAR = frozenset(
    {
        *("opening_hours", "holidays", "extra_holidays", "skipped_holidays"),
        *("booking", "capacity", "use_state", "needs", "accessories"),
    }
)
_BOOKING: TypeAdapter[BookingSettings] = TypeAdapter(BookingSettings)


def editable(user: User | None, kind: Kind, slug: str) -> tuple[Editable, dict[str, Any], str]:
    """The thing, what a file would say of it, and the version that an edit must name.

    Raises `NotFound`, and `NotAllowed` to those who may not edit it.
    """
    row = instrument_by_slug(slug) if kind == "instrument" else facility_by_slug(slug)
    access.require(user, _RIGHTS[kind], scope_of(row))
    flat = entries.of_row(kind, row)
    return row, entries.said_by(kind, flat), version_of(flat)


def version_of(flat: Mapping[str, Any]) -> str:
    """A word that changes with every value of an entry."""
    text = json.dumps(flat, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:20]


def edit(
    user: User,
    kind: Kind,
    slug: str,
    said: Mapping[str, Any],
    *,
    version: str,
    now: datetime,
) -> list[str]:
    """Let the thing be as `said`, fields as a file would give them; those not named stay.

    Gives the columns that changed. Raises `NotFound`, `NotAllowed`, `Stale` if somebody changed
    it since `version`, `Invalid` with every faulty field, judged by the rules for files.
    """
    with transaction():
        row = _locked(kind, slug)
        access.require(user, _RIGHTS[kind], scope_of(row))
        flat = entries.of_row(kind, row)
        if version_of(flat) != version:
            raise Stale(
                Text(
                    "그사이 다른 사람이 고쳤습니다. 지금 내용을 확인하고 다시 저장하세요.",
                    "Somebody else changed this meanwhile. See how it is now, then save again.",
                )
            )
        wanted = {k: v for k, v in entries.said_by(kind, flat).items() if k not in said}
        wanted |= {k: v for k, v in said.items() if v not in (None, "", [], {})}
        return _write(user, kind, row, flat, wanted, now=now)


def undo(user: User, kind: Kind, slug: str, change_id: int, *, now: datetime) -> list[str]:
    """Give the fields of one past change the values that they had before it.

    Raises as `edit` does; `NotFound` also if the thing has no such change.
    """
    with transaction():
        row = _locked(kind, slug)
        access.require(user, _RIGHTS[kind], scope_of(row))
        flat = entries.of_row(kind, row)
        before = {
            name: values[0]
            for name, values in _change(kind, row.slug, change_id).items()
            if name in flat and name not in ("facility", "institution")
        }
        wanted = entries.said_by(kind, {**flat, **before})
        return _write(user, kind, row, flat, wanted, now=now, undone=change_id)


def _change(kind: Kind, slug: str, change_id: int) -> Mapping[str, Sequence[Any]]:
    """Field → before and after of one audit row of the thing; raises `NotFound`."""
    formers = select(FormerSlug.slug).where(FormerSlug.kind == kind, FormerSlug.now == slug)
    subjects = {slug, *db.session.scalars(formers)}
    row = db.session.get(AuditRow, change_id)
    changes = row.detail.get("changes") if row is not None else None
    if row is None or row.kind != kind or row.subject not in subjects or not changes:
        raise NotFound(
            Text("해당 변경 기록을 찾을 수 없습니다.", "There is no such change in the history.")
        )
    found: Mapping[str, Sequence[Any]] = changes
    return found


def _locked(kind: Kind, slug: str) -> Editable:
    """The row as it is now, kept from others until the transaction ends."""
    if kind == "instrument":
        id_ = instrument_by_slug(slug).id
        return db.session.scalars(
            select(Instrument)
            .where(Instrument.id == id_)
            .options(
                joinedload(Instrument.facility).joinedload(Facility.institution),
                selectinload(Instrument.techniques),
            )
            .with_for_update(of=Instrument)
            .execution_options(populate_existing=True)
        ).one()
    facility = facility_by_slug(slug)
    # Its instruments first and by their ids, as everywhere, so that nobody waits for ever.
    db.session.scalars(
        select(Instrument.id)
        .where(Instrument.facility_id == facility.id)
        .order_by(Instrument.id)
        .with_for_update()
    ).all()
    return db.session.scalars(
        select(Facility)
        .where(Facility.id == facility.id)
        .options(joinedload(Facility.institution))
        .with_for_update(of=Facility)
        .execution_options(populate_existing=True)
    ).one()


def _write(
    user: User,
    kind: Kind,
    row: Editable,
    flat: Flat,
    wanted: Mapping[str, Any],
    *,
    now: datetime,
    undone: int | None = None,
) -> list[str]:
    entry = _judged(kind, row, wanted)
    after = entries.of_file(kind, entry, flat.get("institution", ""))
    changes = {name: [flat[name], value] for name, value in after.items() if flat[name] != value}
    if not changes:
        return []
    if isinstance(row, Instrument) and after["capacity"] < flat["capacity"]:
        _refuse_too_small(row, after["capacity"], now)
    entries.assign(row, {name: values[1] for name, values in changes.items()})
    if isinstance(row, Instrument) and "techniques" in changes:
        give_techniques(row, after["techniques"])
    db.session.flush()
    _tell(kind, row, changes.keys(), now=now)
    detail: dict[str, Any] = {"changes": changes}
    if undone is not None:
        detail["undone"] = undone
    audit.record(f"edit-{kind}", kind, row.slug, actor_id=user.id, now=now, detail=detail)
    return list(changes)


def _refuse_too_small(instrument: Instrument, capacity: int, now: datetime) -> None:
    """Raise `Invalid` if more people hold the instrument at once than would have room."""
    held = holds.most_at_once(instrument.id, now)
    if held > capacity:
        wrong = Text(
            f"앞으로의 예약이 동시에 {held}건까지 겹칩니다. 먼저 예약을 조정하세요.",
            f"Up to {held} coming reservations overlap. Move or cancel some before making it less.",
        )
        raise Invalid(wrong, {"capacity": wrong})


def _judged(kind: Kind, row: Editable, wanted: Mapping[str, Any]) -> InstrumentFile | FacilityFile:
    """The entry, if a file might say the same; raises `Invalid` with every faulty field."""
    found: dict[str, Text] = {}
    entry: InstrumentFile | FacilityFile | None = None
    try:
        entry = FILES[kind].validate_json(json.dumps(dict(wanted)))
    except ValidationError as wrong:
        for error in wrong.errors(include_url=False):
            field, text = complaints.of_error(error)
            found.setdefault(field, text)
    if entry is not None:
        found = dict(map(complaints.of_booking, _contradictions(row, entry.booking)))
        if isinstance(row, Instrument) and isinstance(entry, InstrumentFile):
            found |= _wrong_links(row, entry)
    if found or entry is None:
        raise Invalid(
            Text("표시된 항목을 고쳐 주세요.", "Please correct the fields that are marked."), found
        )
    return entry


def _wrong_links(row: Instrument, entry: InstrumentFile) -> dict[str, Text]:
    """What is wrong with what is to be reserved along, by field."""
    rows = db.session.execute(
        select(Instrument.slug, Instrument.needs).where(Instrument.facility_id == row.facility_id)
    )
    needs = {slug: list(needed) for slug, needed in rows}
    found = {
        name: complaints.NOT_BESIDE
        for name in ("needs", "accessories")
        if {*getattr(entry, name)} - (needs.keys() - {row.slug})
    }
    if circle(row.slug, {**needs, row.slug: entry.needs}):
        found.setdefault("needs", complaints.CIRCLE)
    return found


def _contradictions(row: Editable, booking: BookingSettings | None) -> list[str]:
    """Settings that do not fit together as they add up, at the instrument or any below."""
    if isinstance(row, Instrument):
        facility = _BOOKING.validate_json(json.dumps(row.facility.booking))
        return [field for field, _ in effective_booking(facility, booking).contradictions()]
    below = db.session.scalars(
        select(Instrument.booking).where(
            Instrument.facility_id == row.id, Instrument.retired_at.is_(None)
        )
    )
    own = [BookingSettings(), *(_BOOKING.validate_json(json.dumps(b)) for b in below)]
    return [
        field
        for settings in own
        for field, _ in effective_booking(booking, settings).contradictions()
    ]


def _tell(kind: Kind, row: Editable, names: Any, *, now: datetime) -> None:
    """Let searches and calendars see what changed."""
    instruments = (
        [row]
        if isinstance(row, Instrument)
        else list(
            db.session.scalars(
                select(Instrument)
                .where(Instrument.facility_id == row.id)
                .options(selectinload(Instrument.techniques))
                .order_by(Instrument.id)
            )
        )
    )
    for thing in (row, *instruments):
        thing.search_text = searchable.text_of(thing)
    db.session.flush()
    ids = [instrument.id for instrument in instruments]
    if not faces.FACES[kind].isdisjoint(names):
        faces.changed(ids, now=now)
    elif not _OF_CALENDAR.isdisjoint(names):
        faces.calendars_changed(ids)
