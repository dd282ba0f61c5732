"""The demonstration's data: people of every role and a year of plausible reservations."""

import heapq
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random

from sqlalchemy import insert, select, update
from sqlalchemy.orm import joinedload, selectinload

from app.accounts.models import Affiliation, Institution, RoleGrant, RoleName, User
from app.accounts.passwords import hashed
from app.accounts.queries import DEMO_PASSWORD
from app.audit.models import AuditRow
from app.catalog.models import Blackout, BlackoutKind, Facility, Instrument
from app.catalog.policy import hours_of, zone_of
from app.db import db, transaction
from app.domain.booking import UseState
from app.domain.interval import Interval
from app.domain.local_time import day_of, first_instant
from app.domain.opening_hours import ALWAYS_OPEN
from app.home import (
    demo_commissions,
    demo_groups,
    demo_health,
    demo_operators,
    demo_projects,
    demo_training,
)
from app.home.demo_people import PEOPLE, DemoPerson
from app.home.demo_purposes import FAULTS, MAINTENANCE
from app.home.demo_reservations import Book, Researcher, Row
from app.home.demo_year import lane
from app.reservations.models import Reservation, StandingApproval

PASSWORD = DEMO_PASSWORD
#: A visitor can always reserve this one tomorrow, from 10:00 to 12:00 and at any time nearby.
KEPT_FREE = "kaist-biocore-confocal"

_SEED = "두레 2026"
_DAY = timedelta(days=1)
_BEFORE, _AHEAD = 365 * _DAY, 21 * _DAY
_IN_DEMAND = frozenset({"confocal", "flow-cytometry", "sem", "nmr", "lc-ms", "sequencing", "mri"})

Progress = Callable[[int, int], None]


def people() -> list[DemoPerson]:
    """Who can sign in, the four that a visitor needs first."""
    return list(PEOPLE)


def fill(*, now: datetime, progress: Progress | None = None) -> bool:
    """Give the synced catalogue people and a year of reservations, in one transaction.

    A second time nothing is done, and False given back. `progress` hears how many of how
    many instruments are done. Depends on nothing but the catalogue and `now`.
    """
    if db.session.scalar(select(User.id).where(User.email == PEOPLE[0].email)):
        return False
    password = hashed(PASSWORD)  # before the transaction: it is meant to take long
    with transaction():
        _Filling(now, password, progress or (lambda _done, _all: None)).run()
    return True


@dataclass(slots=True)
class _Filling:
    now: datetime
    password: str
    progress: Progress
    institutions: dict[str, Institution] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    blackouts: list[Row] = field(default_factory=list)

    def run(self) -> None:
        self.institutions = {row.slug: row for row in db.session.scalars(select(Institution))}
        self._number_institutions()
        self._add_people()
        managers = self._managers()
        self._give_roles(managers)
        demo_groups.gather(self.institutions, self.users, self.now)
        payers = demo_projects.fund(self.institutions, self.users, self.now)
        book = Book(self._researchers(), managers, self.now, payers)
        instruments = _instruments()
        by_slug = {each.slug: each for each in instruments}
        # What is reserved along has no reservations of its own: it follows its main instrument.
        along = {slug for each in instruments for slug in (*each.needs, *each.accessories)}
        for done, instrument in enumerate(instruments, 1):
            if instrument.slug not in along:
                self._reserve(book, instrument, managers[instrument.facility_id])
                book.take_along(instrument, by_slug)
            self.progress(done, len(instruments))
        demo_training.teach(instruments, book, self.now)
        asked = demo_commissions.ask(instruments, book)
        self._write(book)
        demo_projects.hold(book.reservations)
        demo_commissions.keep(asked)
        demo_operators.attend(instruments, managers, self.users, self.now)
        demo_health.ail(instruments, managers, book.researchers, self.blackouts, self.now)

    def _number_institutions(self) -> None:
        """Business numbers for statements; none that is ever given out begins with 000."""
        for number, slug in enumerate(sorted(self.institutions), 1):
            institution = self.institutions[slug]
            institution.registration_number = (
                institution.registration_number or f"000-00-{number:05}"
            )

    def _add_people(self) -> None:
        since = self.now - 500 * _DAY
        for person in PEOPLE:
            institution = self.institutions.get(person.institution)
            if institution is None:
                continue
            user = User(
                email=person.email,
                name=person.name,
                password=self.password,
                fs_uniquifier=f"{_random(person.email).getrandbits(256):064x}",
                language=person.language,
                created_at=since,
                confirmed_at=since,
            )
            user.affiliations.append(
                Affiliation(
                    institution_id=institution.id,
                    department=person.department,
                    position=person.position,
                    starts_on=since.date(),
                )
            )
            self.users[person.email] = user
        db.session.add_all(self.users.values())
        db.session.flush()

    def _managers(self) -> dict[int, User]:
        """Who decides for each facility: the person it names, else a colleague nearby."""
        home = {p.email: p.institution for p in PEOPLE if p.duty is RoleName.FACILITY_MANAGER}
        everyone = [self.users[email] for email in home if email in self.users]
        everyone = everyone or list(self.users.values())[:1]
        facilities = db.session.scalars(
            select(Facility).options(joinedload(Facility.institution)).order_by(Facility.slug)
        )
        found = {}
        for number, facility in enumerate(facilities):
            named = [self.users[a] for a in facility.managers if a in self.users]
            near = [u for u in everyone if home.get(u.email) == facility.institution.slug]
            able = named or near or everyone
            found[facility.id] = able[number % len(able)]
        return found

    def _give_roles(self, managers: Mapping[int, User]) -> None:
        grants = [
            RoleGrant(user_id=user.id, role=RoleName.FACILITY_MANAGER, facility_id=facility_id)
            for facility_id, user in managers.items()
        ]
        for person in PEOPLE:
            user = self.users.get(person.email)
            if user is None or person.duty in (None, RoleName.FACILITY_MANAGER):
                continue
            grants.append(RoleGrant(user_id=user.id, role=person.duty))
            if person.duty is RoleName.INSTITUTION_ADMINISTRATOR:
                grants[-1].institution_id = self.institutions[person.institution].id
        for grant in grants:
            grant.granted_at = self.now - 400 * _DAY
        db.session.add_all(grants)
        db.session.flush()

    def _researchers(self) -> list[Researcher]:
        return [
            Researcher(
                self.users[person.email], self.institutions[person.institution].id, person.trainee
            )
            for person in PEOPLE
            if person.reserves and person.email in self.users
        ]

    def _reserve(self, book: Book, instrument: Instrument, manager: User) -> None:
        rng = _random(instrument.slug)
        during = Interval(_midnight(self.now - _BEFORE, instrument), self.now + _AHEAD)
        closed = [*self._close(instrument, manager, rng), *_kept_free(instrument, self.now)]
        lanes = (
            lane(instrument, during, closed, busyness=_busyness(instrument, rng), rng=rng)
            for _ in range(min(instrument.capacity, 3))
        )
        # Merged while they run, as all lanes draw from one source of chance.
        book.fill(instrument, heapq.merge(*lanes), rng)

    def _close(self, instrument: Instrument, manager: User, rng: Random) -> list[Interval]:
        """Maintenance every month or two, a fault now and then, a visit in the coming week."""
        closed: list[Interval] = []
        if rng.random() < 0.4:
            day = rng.randint(-360, -330)
            while day < -3:
                closed.append(_hours_of_day(self.now + day * _DAY, instrument, 9, 12))
                day += rng.randint(28, 56)
        faults = len(closed)
        if rng.random() < 0.15:
            day = rng.randint(-300, -20)
            start = _hours_of_day(self.now + day * _DAY, instrument, 13, 18).start
            closed.append(Interval(start, start + rng.randint(20, 70) * timedelta(hours=1)))
        coming = len(closed)
        if rng.random() < 0.12 and instrument.slug != KEPT_FREE:
            day = rng.randint(2, 7)
            closed.append(_hours_of_day(self.now + day * _DAY, instrument, 13, 17))
        for number, interval in enumerate(closed):
            fault = faults <= number < coming
            why = rng.choice(FAULTS if fault else MAINTENANCE)
            kind = BlackoutKind.FAULT if fault else BlackoutKind.MAINTENANCE
            ahead = timedelta(hours=1) if fault else 12 * _DAY
            self.blackouts.append(
                {
                    "instrument_id": instrument.id,
                    "starts_at": interval.start,
                    "ends_at": interval.end,
                    "kind": kind,
                    "reason_ko": why.ko,
                    "reason_en": why.en,
                    "made_by_id": manager.id,
                    "made_at": interval.start - ahead,
                }
            )
        return closed

    def _write(self, book: Book) -> None:
        longest: dict[int, timedelta] = {}
        for row in book.reservations:
            length = row["ends_at"] - row["starts_at"]
            longest[row["instrument_id"]] = max(
                length, longest.get(row["instrument_id"], timedelta())
            )
        # The lock of every calendar concerned, in the order of the ids, before its holds.
        for instrument_id in sorted(longest):
            db.session.execute(
                update(Instrument)
                .where(Instrument.id == instrument_id)
                .values(
                    calendar_version=Instrument.calendar_version + 1,
                    longest_hold=longest[instrument_id],
                )
                .execution_options(synchronize_session=False)
            )
        for table, rows in (
            (Reservation, sorted(book.reservations, key=lambda row: row["requested_at"])),
            (StandingApproval, book.approvals),
            (Blackout, self.blackouts),
            (AuditRow, sorted(book.audit, key=lambda row: row["at"])),
        ):
            if rows:
                db.session.connection().execute(insert(table), rows)


def _instruments() -> Sequence[Instrument]:
    """What can be reserved, in an order that never changes."""
    return db.session.scalars(
        select(Instrument)
        .join(Instrument.facility)
        .where(
            Instrument.retired_at.is_(None),
            Facility.retired_at.is_(None),
            Instrument.use_state.in_((UseState.IN_USE, UseState.LOW_USE)),
        )
        .options(
            joinedload(Instrument.facility).joinedload(Facility.institution),
            selectinload(Instrument.techniques),
        )
        .order_by(Instrument.slug)
    ).all()


def _random(name: str) -> Random:
    """A source of chance that is the same on every machine, and of each name another."""
    return Random(zlib.crc32(f"{_SEED} {name}".encode()))  # noqa: S311 – nothing secret


def _busyness(instrument: Instrument, rng: Random) -> float:
    if instrument.use_state is UseState.LOW_USE:
        return 0.004
    wanted = 0.07 if any(t.slug in _IN_DEMAND for t in instrument.techniques) else 0.018
    if hours_of(instrument) == ALWAYS_OPEN:
        wanted *= 0.8
    return wanted * rng.uniform(0.6, 1.6)


def _midnight(instant: datetime, instrument: Instrument) -> datetime:
    zone = zone_of(instrument)
    return first_instant(datetime.combine(day_of(instant, zone), time()), zone)


def _hours_of_day(instant: datetime, instrument: Instrument, first: int, last: int) -> Interval:
    """From one hour to another of the local day of `instant`."""
    zone = zone_of(instrument)
    day = datetime.combine(day_of(instant, zone), time())
    return Interval(
        first_instant(day + timedelta(hours=first), zone),
        first_instant(day + timedelta(hours=last), zone),
    )


def _kept_free(instrument: Instrument, now: datetime) -> list[Interval]:
    """Tomorrow's office hours, and the middle of each day to come: whenever somebody tries it."""
    if instrument.slug != KEPT_FREE:
        return []
    days = range(1, _AHEAD // _DAY + 2)
    return [_hours_of_day(now + day * _DAY, instrument, 8, 18 if day == 1 else 14) for day in days]
