"""Training in the demonstration: sessions past and to come, certificates that fit the year."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import training_of, zone_of
from app.db import db
from app.domain.booking import Mode
from app.domain.interval import Interval
from app.domain.local_time import day_of, first_instant
from app.domain.period import Period
from app.domain.training import Level, SafetyKind, TrainingPolicy, hours_of_levels
from app.home.demo_reservations import Book
from app.training.models import (
    Certificate,
    Result,
    SafetyTraining,
    SignUp,
    Standing,
    TrainingCover,
    TrainingSession,
)

_DAY = timedelta(days=1)
#: Before the first request of the demonstration's year.
_LONG_AGO = -420
#: Safety training is taken again each half year or so: it lies back a year at most.
_SAFETY = (-420, -190)
_YEAR = Period.parse("P1Y")


def teach(instruments: Sequence[Instrument], book: Book, now: datetime) -> None:
    """Give everyone who reserves what the instruments ask for, and newcomers a session to go to."""
    safe: set[tuple[int, SafetyKind]] = set()
    for instrument in instruments:
        training = training_of(instrument)
        if training.asks_nothing:
            continue
        used = _used(instrument, book)
        if training.certificate:
            _Course(instrument, training, book, now).run(used)
        for kind in training.safety:
            for user_id in used:
                if (user_id, kind) not in safe:
                    safe.add((user_id, kind))
                    _record(user_id, kind, instrument, book, now)
    db.session.flush()


def _used(instrument: Instrument, book: Book) -> dict[int, list[Interval]]:
    """When each person works the instrument themselves."""
    found: dict[int, list[Interval]] = {}
    for row in book.reservations:
        if row["instrument_id"] == instrument.id and row["mode"] is Mode.SELF_OPERATED:
            during = Interval(row["starts_at"], row["ends_at"])
            found.setdefault(row["holder_id"], []).append(during)
    return found


def _record(
    user_id: int, kind: SafetyKind, instrument: Instrument, book: Book, now: datetime
) -> None:
    manager = book.managers[instrument.facility_id]
    for days in _SAFETY:
        at = now + days * _DAY
        done_on = day_of(at, zone_of(instrument))
        db.session.add(
            SafetyTraining(
                user_id=user_id,
                kind=kind,
                done_on=done_on,
                valid_until=_YEAR.after(done_on),
                facility_id=instrument.facility_id,
                recorded_by_id=manager.id,
                recorded_at=at,
            )
        )


class _Course:
    """The sessions for one instrument."""

    def __init__(
        self, instrument: Instrument, training: TrainingPolicy, book: Book, now: datetime
    ) -> None:
        self.instrument, self.training, self.book, self.now = instrument, training, book, now
        self.manager: User = book.managers[instrument.facility_id]

    def run(self, used: dict[int, list[Interval]]) -> None:
        # Those who use it were all trained before their first request.
        first = self._session(_LONG_AGO, seats=max(8, len(used)))
        for user_id, times in used.items():
            self._seat(first, user_id, Result.PASSED)
            self._certify(first, user_id, self._level(times))
        others, trainees = self._newcomers(set(used))
        last = self._session(-24, seats=4)
        for user_id, result in zip(others[:2], (Result.PASSED, Result.ABSENT), strict=False):
            self._seat(last, user_id, result)
            if result is Result.PASSED:
                self._certify(last, user_id, Level.DAYTIME, ends_soon=True)
        held = self._session(-2, seats=8)  # its results are still to be noted
        for user_id in trainees:
            self._seat(held, user_id, None)
        for session, count in ((self._session(5, seats=4), 2), (self._session(12, seats=2), 3)):
            for user_id in others[2 : 2 + count]:
                self._seat(session, user_id, None)

    def _newcomers(self, trained: set[int]) -> tuple[list[int], list[int]]:
        """Researchers who do not use it yet, those of its own institution first; trainees apart."""
        home = self.instrument.facility.institution_id
        left = [each for each in self.book.researchers if each.user.id not in trained]
        left.sort(key=lambda each: each.institution_id != home)
        return (
            [each.user.id for each in left if not each.trainee],
            [each.user.id for each in left if each.trainee][:3],
        )

    def _session(self, days: int, *, seats: int) -> TrainingSession:
        zone = zone_of(self.instrument)
        day = day_of(self.now, zone) + days * _DAY
        day -= max(0, day.weekday() - 4) * _DAY  # on Friday instead of a weekend
        hour = 10 + len(self.instrument.slug) % 6
        start = first_instant(datetime.combine(day, time(hour)), zone)
        of = self.instrument
        made = TrainingSession(
            facility_id=of.facility_id,
            title_ko=f"{of.name_ko} 이용 교육",
            title_en=f"Training: {of.name_en}",
            trainer=self.manager.name,
            place=of.location_ko or of.facility.location_ko,
            seats=seats,
            starts_at=start,
            ends_at=start + timedelta(hours=2),
            sign_up_until=start - timedelta(hours=20),
            level=Level.DAYTIME if days > _LONG_AGO else Level.NIGHT,
            made_by_id=self.manager.id,
            made_at=start - 21 * _DAY,
        )
        made.covers = [TrainingCover(instrument_id=of.id)]
        db.session.add(made)
        db.session.flush()
        return made

    def _seat(self, session: TrainingSession, user_id: int, result: Result | None) -> None:
        session.version += 1
        full = session.version > session.seats
        db.session.add(
            SignUp(
                session_id=session.id,
                user_id=user_id,
                standing=Standing.WAITING if full else Standing.SEATED,
                signed_up_at=min(session.made_at + _DAY, self.now),
                turn=session.version,
                result=result,
                decided_at=session.ends_at if result else None,
                decided_by_id=self.manager.id if result else None,
            )
        )

    def _certify(
        self, session: TrainingSession, user_id: int, level: Level, *, ends_soon: bool = False
    ) -> None:
        at = session.ends_at
        granted_on = day_of(at, zone_of(self.instrument))
        validity = self.training.validity
        expires_on: date | None = validity.after(granted_on) if validity else None
        if ends_soon and validity:
            # Given on trial: the first warning goes out as soon as the worker runs.
            expires_on = day_of(self.now, zone_of(self.instrument)) + 20 * _DAY
        made = Certificate(
            user_id=user_id,
            facility_id=self.instrument.facility_id,
            instrument_id=self.instrument.id,
            level=level,
            granted_at=at,
            granted_on=granted_on,
            granted_by_id=self.manager.id,
            reason=session.title_ko,
            session_id=session.id,
            expires_on=expires_on,
        )
        db.session.add(made)
        db.session.flush()
        self.book.audit.append(
            {
                "at": at,
                "actor_id": self.manager.id,
                "action": "grant-certificate",
                "kind": "certificate",
                "subject": str(made.id),
                "detail": {
                    "user": user_id,
                    "facility": self.instrument.facility.slug,
                    "level": level.value,
                    "session": session.id,
                },
            }
        )

    def _level(self, times: Sequence[Interval]) -> Level:
        """The lowest level that opens all of these times."""
        zone = zone_of(self.instrument)
        around = Interval(min(each.start for each in times), max(each.end for each in times))
        spans = hours_of_levels([Level.DAYTIME], self.training, around, zone)
        by_day = all(any(span.contains(each) for span in spans) for each in times)
        return Level.DAYTIME if by_day else Level.NIGHT
