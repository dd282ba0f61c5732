"""What is reserved along with an instrument: what it needs, and accessories that people choose.

The main reservation and its companions share a `bundle`, its uid. Companions do as it does: they
are written where it is, and nobody acts on one of them alone.
"""

import uuid
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import contains_eager, joinedload

from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.errors import Invalid, Text, WrongState
from app.domain.interval import Interval
from app.domain.linked import together
from app.reservations.answering import asked_of, own_answers
from app.reservations.models import Reservation

#: Reservations that are asked for, decided and used; companions follow them.
MAIN = or_(Reservation.bundle.is_(None), Reservation.bundle == Reservation.uid)

_WITH_FACILITY = contains_eager(Instrument.facility).contains_eager(Facility.institution)
#: What a companion has of its main reservation.
_SAME = (
    *("status", "purpose", "note", "decided_at", "decided_by_id", "decision_reason", "ended_at"),
    *("used_from", "used_until", "reserved_from", "reserved_until"),
)


@dataclass(frozen=True, slots=True)
class Along:
    """An instrument that is reserved along with another."""

    instrument: Instrument
    accessory: bool = False
    moved: int | None = None  # the id of its own reservation, which is moved with the main one


def check_offered(instrument: Instrument, accessories: Collection[str]) -> None:
    """Raise `Invalid` for what cannot be chosen along with the instrument."""
    if unknown := sorted(set(accessories) - set(instrument.accessories)):
        wrong = Text(
            f"‘{unknown[0]}’은(는) 이 장비와 함께 고를 수 있는 부속 장비가 아닙니다.",
            f"“{unknown[0]}” is no accessory of this instrument. Choose from those it offers.",
        )
        raise Invalid(wrong, {"accessories": wrong})


def calendars(instrument_id: int, first: Sequence[str]) -> list[int]:
    """The ids of an instrument and of all that is reserved along, in the order of taking turns."""
    if not first:
        return [instrument_id]
    ids, wanted, seen = {instrument_id}, set(first), set(first)
    while wanted:
        rows = db.session.execute(
            select(Instrument.id, Instrument.needs).where(Instrument.slug.in_(wanted))
        ).all()
        ids |= {id_ for id_, _ in rows}
        wanted = {slug for _, needs in rows for slug in needs} - seen
        seen |= wanted
    return sorted(ids)


def of_bundles(reservations: Collection[Reservation]) -> set[int]:
    """The ids of the instruments that these and all reserved together with them hold."""
    bundles = {each.bundle for each in reservations if each.bundle is not None}
    ids = {each.instrument_id for each in reservations}
    if bundles:
        ids.update(
            db.session.scalars(
                select(Reservation.instrument_id).where(Reservation.bundle.in_(bundles))
            )
        )
    return ids


def along(
    instrument: Instrument,
    accessories: Collection[str] = (),
    known: Mapping[str, Instrument] | None = None,
) -> tuple[Along, ...]:
    """What a reservation of the instrument takes along, in the order of ids.

    `known`: read before, by slug, with the calendars locked. Raises `WrongState` if something
    is not among them, as the catalogue changed meanwhile, or is not to be found at all.
    """
    if not instrument.needs and not accessories:
        return ()
    if known is None:
        known = _read({*instrument.needs, *accessories})
    needs = {slug: each.needs for slug, each in known.items()}
    needed = together(instrument.needs, needs)
    wanted = [each for each in together([*needed, *accessories], needs) if each != instrument.slug]
    if missing := [slug for slug in wanted if slug not in known]:
        raise WrongState(
            Text(
                f"함께 예약하는 ‘{missing[0]}’ 장비를 찾을 수 없습니다. 잠시 뒤 다시 시도하고, "
                "계속되면 장비담당자에게 알려 주세요.",
                f"“{missing[0]}”, which is reserved along with it, cannot be found. Try again in a "
                "moment, and tell the facility's manager if it stays so.",
            )
        )
    found = [Along(known[slug], accessory=slug not in needed) for slug in wanted]
    return tuple(sorted(found, key=lambda each: each.instrument.id))


def _read(slugs: set[str]) -> dict[str, Instrument]:
    """Instruments with all that they need, by slug."""
    found: dict[str, Instrument] = {}
    while slugs:
        read = db.session.scalars(
            select(Instrument)
            .join(Instrument.facility)
            .join(Facility.institution)
            .where(Instrument.slug.in_(slugs))
            .options(_WITH_FACILITY)
        ).all()
        found |= {each.slug: each for each in read}
        slugs = {need for each in read for need in each.needs} - found.keys() - slugs
    return found


def may_come_along(instrument: Instrument) -> list[Instrument]:
    """All that is, or may be chosen to be, reserved along with it, as far as it can be found."""
    if not instrument.needs and not instrument.accessories:
        return []
    found = _read({*instrument.needs, *instrument.accessories})
    return [found[slug] for slug in sorted(found) if slug != instrument.slug]


def moved_along(reservation_id: int) -> tuple[Along, ...]:
    """What is moved along with a reservation."""
    own = select(Reservation.bundle).where(Reservation.id == reservation_id).scalar_subquery()
    rows = db.session.scalars(
        _whole().where(Reservation.bundle == own, Reservation.id != reservation_id)
    ).all()
    main = db.session.get(Reservation, reservation_id) if rows else None
    offered = set(main.instrument.accessories) - set(main.instrument.needs) if main else set()
    return tuple(
        Along(row.instrument, row.instrument.slug in offered, row.id)
        for row in sorted(rows, key=lambda row: row.instrument_id)
    )


def companions(reservation: Reservation) -> Sequence[Reservation]:
    """What was reserved along with it; none for a companion itself."""
    return companions_of([reservation])[reservation.uid]


def companions_of(
    reservations: Iterable[Reservation],
) -> defaultdict[str, list[Reservation]]:
    """The same of several, by their uids, in one statement; in none where nothing came along."""
    uids = {each.uid for each in reservations if each.bundle and not each.is_companion}
    found: defaultdict[str, list[Reservation]] = defaultdict(list)
    if uids:
        for row in db.session.scalars(
            _whole()
            .where(Reservation.bundle.in_(uids), Reservation.uid != Reservation.bundle)
            .order_by(Reservation.id)
        ):
            found[row.bundle].append(row)
    return found


def main_of(reservation: Reservation) -> Reservation:
    """The reservation that a companion follows; itself for any other."""
    if not reservation.is_companion:
        return reservation
    found: Reservation = db.session.scalars(
        _whole().where(Reservation.uid == reservation.bundle)
    ).one()
    return found


def _whole() -> Any:
    return select(Reservation).options(
        joinedload(Reservation.instrument)
        .joinedload(Instrument.facility)
        .joinedload(Facility.institution),
        joinedload(Reservation.holder),
    )


def bundled_with(instrument_ids: Collection[int], *, now: datetime) -> set[int]:
    """The ids of instruments that are reserved together with one of these, now or later."""
    bundles = select(Reservation.bundle).where(
        Reservation.instrument_id.in_(instrument_ids),
        Reservation.ends_at > now,
        Reservation.bundle.is_not(None),
    )
    return set(
        db.session.scalars(select(Reservation.instrument_id).where(Reservation.bundle.in_(bundles)))
    )


def mains_of(found: Sequence[Reservation]) -> list[Reservation]:
    """Each companion replaced by what it follows, each once, in the same order."""
    return list({main.id: main for main in map(main_of, found)}.values())


def check_ours(hit: Collection[Reservation], locked: Collection[int]) -> None:
    """Raise `WrongState` if one holds an instrument whose calendar is not ours."""
    if of_bundles(hit) - set(locked):
        raise WrongState(
            Text(
                "그사이 예약이 바뀌었습니다. 다시 시도해 주세요.",
                "The reservations have changed meanwhile. Try again.",
            )
        )


def row_along(main: Mapping[str, Any], instrument: Instrument) -> dict[str, Any]:
    """The values of a companion, as those of the main reservation, that has its bundle."""
    return {
        **main,
        "uid": uuid.uuid4().hex,
        "instrument_id": instrument.id,
        "exclusive": instrument.capacity == 1,
        "answers": own_answers(instrument, main["answers"]),
        "shares": [],
        "asked": asked_of(instrument),
        "refusals_overridden": [],
        "override_reason": "",
        "decide_by": None,
        "answer_by": None,
        "quote": None,  # The price is that of the main instrument.
        "charging": None,
        "series_id": None,  # Of a series are the main ones.
        "original_start": None,
        "operator_id": None,  # Who attends the main instrument attends all.
        "no_show_at": None,  # Whoever comes to the main instrument has come to all.
    }


def follow(mains: Sequence[Reservation], now: datetime) -> None:
    """Let the companions be as their main reservations have become; their calendars are ours."""
    beside = companions_of(mains)
    for main in mains:
        for each in beside[main.uid]:
            for name in _SAME:
                setattr(each, name, getattr(main, name))
            each.interval = Interval(main.starts_at, main.ends_at)
            each.version += 1
            each.sequence += 1
            each.updated_at = each.shown_at = now


def answer(main: Reservation, beside: Iterable[Reservation], answers: Mapping[str, str]) -> None:
    """Keep what was answered with what was asked, by the main reservation and its companions."""
    main.answers, main.asked = dict(answers), asked_of(main.instrument)
    for each in beside:
        each.answers, each.asked = own_answers(each.instrument, answers), asked_of(each.instrument)


def refuse_alone(reservation: Reservation) -> None:
    """Raise `WrongState` for a companion: it does as its main reservation does."""
    if not reservation.is_companion:
        return
    main = main_of(reservation).instrument
    raise WrongState(
        Text(
            f"‘{main.name_ko}’와(과) 함께 예약된 것입니다. 그 예약에서 처리해 주세요.",
            f"This was reserved along with “{main.name_en}”. Do it with that reservation.",
        )
    )


def in_use_with(instrument_ids: Collection[int]) -> set[int]:
    """The ids of instruments that are in use together with one of these."""
    bundles = select(Reservation.bundle).where(
        Reservation.instrument_id.in_(instrument_ids),
        Reservation.status == Status.IN_USE,
        Reservation.bundle.is_not(None),
    )
    return set(
        db.session.scalars(select(Reservation.instrument_id).where(Reservation.bundle.in_(bundles)))
    )
