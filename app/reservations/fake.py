"""Deterministic synthetic data for load tests: people, instruments, and many reservations.

Each instrument has reservations one after another before and after `now`, so that none
overlap; the database's own net stays up and would refuse it otherwise.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from sqlalchemy import insert, select, update

from app.accounts.models import Affiliation, Institution, InstitutionKind, User
from app.catalog import searchable
from app.catalog.models import Facility, Instrument, InstrumentKind, Technique
from app.db import db, transaction
from app.domain.booking import UseScope, UseState
from app.domain.errors import Text
from app.reservations.fake_rows import Pattern, write
from app.reservations.models import Reservation

INSTITUTIONS = 5
INSTRUMENTS_PER_FACILITY = 50
#: How many rows are held in memory and written in one transaction.
AT_ONCE = 50_000

_KINDS = (
    ("confocal", Text("공초점 현미경", "Confocal microscope")),
    ("sem", Text("주사전자현미경", "Scanning electron microscope")),
    ("flow-cytometry", Text("유세포 분석기", "Flow cytometer")),
    ("nmr", Text("핵자기공명 분광기", "NMR spectrometer")),
    ("lc-ms", Text("질량분석기", "Mass spectrometer")),
    ("sequencing", Text("염기서열 분석기", "Sequencer")),
    ("mri", Text("자기공명영상 장치", "MRI scanner")),
    ("centrifugation", Text("초고속 원심분리기", "Ultracentrifuge")),
    ("thin-film", Text("박막 증착기", "Thin-film deposition system")),
    ("computing", Text("계산 서버", "Compute server")),
)
_BOOKING = {
    "slot": "PT30M",
    "shortest": "PT30M",
    "longest": "PT8H",
    "earliest": "P90D",
    "latest": "PT0M",
    "approval": "open",
}
Step = Callable[[int], None]


class NotEmpty(Exception):
    """There are reservations already, and nobody said to add to them."""


class SeedUsed(Exception):
    """The same seed would make the same things again."""


@dataclass(frozen=True, slots=True)
class Load:
    """How much of what to make."""

    instruments: int
    reservations: int
    users: int
    seed: int = 1


def make(load: Load, *, now: datetime, add: bool = False, step: Step = lambda _: None) -> None:
    """Make the load; `step` hears how many reservations were written since it last heard.

    The same load and `now` make the same rows. Raises `NotEmpty` where people have reserved
    already, unless `add`, and `SeedUsed` where the seed made something before.
    """
    if not add and db.session.scalar(select(Reservation.id).limit(1)) is not None:
        raise NotEmpty
    mark = f"load-{load.seed}"
    if db.session.scalar(select(Institution.id).where(Institution.slug == f"{mark}-1")):
        raise SeedUsed
    with transaction():
        institutions = _institutions(mark)
        holders = _people(mark, load.users, institutions, now)
        instruments = _instruments(mark, load.instruments, institutions)
    _reserve(load, instruments, holders, now, step)


def _institutions(mark: str) -> list[Institution]:
    made = [
        Institution(
            slug=f"{mark}-{number}",
            name_ko=f"부하 시험 기관 {number}",
            name_en=f"Load institution {number}",
            kind=InstitutionKind.UNIVERSITY,
            illustrative=True,
        )
        for number in range(1, INSTITUTIONS + 1)
    ]
    db.session.add_all(made)
    db.session.flush()
    return made


def _people(
    mark: str, count: int, institutions: Sequence[Institution], now: datetime
) -> list[tuple[int, int]]:
    """People who cannot sign in; their ids, and those of their institutions."""
    names = [f"{mark}-{number}" for number in range(1, count + 1)]
    if not names:
        return []
    db.session.execute(
        insert(User),
        [
            {
                "email": f"{name}@example.org",
                "name": f"이용자 {number}" if number % 4 else f"User {number}",
                "fs_uniquifier": name,
                "language": "ko" if number % 4 else "en",
                "created_at": now,
                "confirmed_at": now,
            }
            for number, name in enumerate(names, 1)
        ],
    )
    ids = db.session.scalars(
        select(User.id).where(User.fs_uniquifier.startswith(f"{mark}-")).order_by(User.id)
    ).all()
    holders = [
        (user_id, institutions[number % len(institutions)].id) for number, user_id in enumerate(ids)
    ]
    since = (now - timedelta(days=3650)).date()
    db.session.execute(
        insert(Affiliation),
        [
            {"user_id": user_id, "institution_id": institution_id, "starts_on": since}
            for user_id, institution_id in holders
        ],
    )
    return holders


def _instruments(mark: str, count: int, institutions: Sequence[Institution]) -> list[int]:
    """Open round the clock to everyone, without approval; their ids."""
    techniques = _techniques()
    facilities = [
        Facility(
            slug=f"{mark}-facility-{number + 1}",
            institution=institutions[number % len(institutions)],
            name_ko=f"부하 시험 시설 {number + 1}",
            name_en=f"Load facility {number + 1}",
            timezone="Asia/Seoul",
            opening_hours={"daily": ["24h"], "holiday": ["24h"]},
            holidays="none",
            illustrative=True,
        )
        for number in range(-(-count // INSTRUMENTS_PER_FACILITY))
    ]
    made = []
    for number in range(count):
        slug, name = _KINDS[number % len(_KINDS)]
        instrument = Instrument(
            slug=f"{mark}-{number + 1}",
            facility=facilities[number // INSTRUMENTS_PER_FACILITY],
            kind=InstrumentKind.INSTRUMENT,
            name_ko=f"{name.ko} {number + 1}",
            name_en=f"{name.en} {number + 1}",
            maker=f"Maker {number % 97}",
            model=f"M-{number % 389}",
            classification="optical-electron-imaging",
            use_scope=UseScope.PUBLIC_USE_SERVICE,
            use_state=UseState.IN_USE,
            booking=_BOOKING,
            techniques=[techniques[slug]],
            illustrative=True,
        )
        instrument.search_text = searchable.text_of(instrument)
        made.append(instrument)
    for facility in facilities:
        facility.search_text = searchable.text_of(facility)
    db.session.add_all([*facilities, *made])
    db.session.flush()
    return [instrument.id for instrument in made]


def _techniques() -> dict[str, Technique]:
    """Those of the catalogue, and what is missing of them."""
    wanted = dict(_KINDS)
    found = {
        row.slug: row
        for row in db.session.scalars(select(Technique).where(Technique.slug.in_(wanted)))
    }
    for slug in wanted.keys() - found.keys():
        found[slug] = Technique(slug=slug, name_ko=wanted[slug].ko, name_en=wanted[slug].en)
    return found


def _reserve(
    load: Load,
    instruments: Sequence[int],
    holders: Sequence[tuple[int, int]],
    now: datetime,
    step: Step,
) -> None:
    if not instruments or not holders:
        return
    at = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    pattern = Pattern(Random(load.seed), holders, at)  # noqa: S311 – nothing secret
    each, more = divmod(load.reservations, len(instruments))
    together = max(1, AT_ONCE // max(1, each))
    for first in range(0, len(instruments), together):
        with transaction():
            for number in range(first, min(first + together, len(instruments))):
                count = each + (number < more)
                # The calendar's lock and its longest hold, before its holds, as ever.
                db.session.execute(
                    update(Instrument)
                    .where(Instrument.id == instruments[number])
                    .values(
                        calendar_version=Instrument.calendar_version + 1,
                        longest_hold=pattern.longest(number, count),
                    ),
                    execution_options={"synchronize_session": False},
                )
                rows = pattern.rows(number, instruments[number], count)
                for written in write(rows, AT_ONCE):
                    step(written)
