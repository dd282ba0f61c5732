"""Photos of faults: handed in with the report or after it, seen by whoever reads the report."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from app.accounts import access
from app.accounts.access import Action, may
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Fault, FaultPhoto, Instrument
from app.catalog.queries import instrument_by_slug, instrument_id_of, scope_of
from app.db import db, transaction
from app.domain.errors import NotAllowed, NotFound, Text, WrongState
from app.domain.file_kinds import PHOTOS
from app.files import photos
from app.files.models import StoredFile
from app.files.services import Upload, put
from app.reservations import queries
from app.reservations.turns import lock_calendar

NO_FAULT = Text("해당 고장 신고를 찾을 수 없습니다.", "There is no such fault.")


@dataclass(frozen=True, slots=True)
class Pictures:
    """Photos that come with a report, and where they are kept."""

    uploads: Sequence[Upload]
    folder: Path


def drawn_anew(user: User, slug: str, pictures: Pictures) -> Pictures:
    """As they may be kept; outside of transactions, as nobody should wait for what is decoded."""
    access.require(user, Action.REPORT_FAULT, scope_of(instrument_by_slug(slug)))
    return Pictures(photos.drawn_anew(pictures.uploads, field="photos"), pictures.folder)


def attach(fault: Fault, pictures: Pictures, user: User, *, now: datetime) -> None:
    """Keep photos that were drawn anew with a fault, within the caller's transaction."""
    for photo in pictures.uploads:
        file = put(pictures.folder, photo, PHOTOS, field="photos", owner=user, now=now, kept=True)
        fault.photos.append(FaultPhoto(file=file))
    db.session.flush()


def add_photo(
    user: User, slug: str, fault_id: int, photo: Upload, folder: Path, *, now: datetime
) -> Fault:
    """One more photo of a fault that stands, by who reported it or deals with it.

    Raises `NotFound`, `NotAllowed`, `WrongState` once it is closed, and `Invalid`.
    """
    _may_add(user, instrument_by_slug(slug), fault_id)  # before anything is decoded
    drawn = photos.drawn_anew([photo], field="photo")
    instrument_id = instrument_id_of(slug)
    with transaction():
        instrument, user = lock_calendar(instrument_id), queries.person(user.id)
        fault = _may_add(user, instrument, fault_id)
        if len(fault.photos) >= photos.MOST:
            raise photos.too_many("photo")
        attach(fault, Pictures(drawn, folder), user, now=now)
        added = fault.photos[-1].file
        audit.record(
            "add-fault-photo",
            "fault",
            str(fault.id),
            actor_id=user.id,
            now=now,
            detail={"instrument": instrument.slug, "sha256": added.sha256},
        )
    return fault


def photo_of(user: User, slug: str, fault_id: int, uid: str) -> StoredFile:
    """A photo, for who may read the report: all who may report while the fault stands, later
    who reported it and who deals with faults."""
    instrument = instrument_by_slug(slug)
    scope = scope_of(instrument)
    fault = found(instrument, fault_id)
    if fault.closed_at is None:
        access.require(user, Action.REPORT_FAULT, scope)
    elif fault.reported_by_id != user.id:
        access.require(user, Action.HANDLE_FAULT, scope)
    for photo in fault.photos:
        if photo.file.uid == uid:
            return photo.file
    raise NotFound(Text("해당 사진을 찾을 수 없습니다.", "There is no such photo."))


def _may_add(user: User, instrument: Instrument, fault_id: int) -> Fault:
    scope = scope_of(instrument)
    access.require(user, Action.REPORT_FAULT, scope)
    fault = found(instrument, fault_id)
    if fault.reported_by_id != user.id and not may(user, Action.HANDLE_FAULT, scope):
        raise NotAllowed(
            Text(
                "신고한 사람과 고장을 처리하는 사람만 사진을 더할 수 있습니다.",
                "Only who reported it and who deals with it can add photos.",
            )
        )
    if fault.closed_at is not None:
        raise WrongState(Text("이미 처리된 고장입니다.", "That fault has been dealt with."))
    return fault


def found(instrument: Instrument, fault_id: int) -> Fault:
    """A fault of the instrument; raises `NotFound`."""
    fault = db.session.get(Fault, fault_id, populate_existing=True)
    if fault is None or fault.instrument_id != instrument.id:
        raise NotFound(NO_FAULT)
    return fault
