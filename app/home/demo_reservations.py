"""Whose the demonstration's reservations are, what became of them, and how they came about."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from random import Random
from typing import Any

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import policy_of, training_of, use_policy_of, zone_of
from app.domain.approval import ApprovalMode, Status
from app.domain.booking import Mode, UseScope
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.permits import until_key
from app.domain.shares import Share, show_percent
from app.domain.use import CheckIn, no_show_at
from app.domain.window_rules import running_day
from app.home.demo_purposes import BY_TECHNIQUE, CANCELLATIONS, ELSEWHERE, REJECTIONS
from app.rates.queries import RateBook

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
#: As many reservations of one person as are plausible.
_A_DAY, _A_WEEK = 2, 5
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Researcher:
    """Somebody who reserves: the row of the person, and whose researcher they are."""

    user: User
    institution_id: int
    trainee: bool = False


@dataclass(slots=True)
class Book:
    """The rows to be written, and what must be known to make plausible ones."""

    researchers: Sequence[Researcher]
    managers: dict[int, User]  # who decides, by facility
    now: datetime
    payers: Mapping[int, tuple[Share, ...]]  # what some charge to accounts, by person
    reservations: list[Row] = field(default_factory=list)
    approvals: list[Row] = field(default_factory=list)
    audit: list[Row] = field(default_factory=list)
    #: The rates of the instrument that is being filled.
    _rates: RateBook = field(default_factory=lambda: RateBook(()))
    #: Hours at which a person is already at some instrument.
    _busy: dict[int, set[int]] = field(default_factory=dict)
    #: How often a person reserves on a day and in a week.
    _often: Counter[tuple[int, date | tuple[int, int]]] = field(default_factory=Counter)

    def fill(self, instrument: Instrument, times: Iterator[Interval], rng: Random) -> None:
        """Give each of the times to somebody who uses this instrument."""
        regulars = self._regulars(instrument, rng)
        approved: set[int] = set()
        zone, self._rates = zone_of(instrument), RateBook.of(instrument)
        for interval in times:
            hours, day = _hours(interval), day_of(interval.start, zone)
            free = [
                each
                for each in regulars
                if self._has_time(each, day) and self._hours_of(each).isdisjoint(hours)
            ]
            if free:
                self._reserve(instrument, interval, rng.choice(free), approved, rng)

    def take_along(self, main: Instrument, by_slug: Mapping[str, Instrument]) -> None:
        """Let what the instrument needs be reserved with it, and sometimes an accessory."""
        for row in [each for each in self.reservations if each["instrument_id"] == main.id]:
            chosen = [slug for slug in main.accessories if int(row["uid"], 16) % 3 == 0]
            for slug in (*main.needs, *chosen):
                row["bundle"] = row["uid"]
                chance = Random(f"{row['uid']} {slug}")  # noqa: S311 – nothing secret
                self.reservations.append(
                    row
                    | {
                        "uid": f"{chance.getrandbits(128):032x}",
                        "instrument_id": by_slug[slug].id,
                        "exclusive": by_slug[slug].capacity == 1,
                        "answers": {},
                        "no_show_at": None,
                        "quote": None,
                        "shares": [],
                    }
                )

    def _regulars(self, instrument: Instrument, rng: Random) -> list[Researcher]:
        """The few people who use an instrument, mostly from its own institution."""
        home = instrument.facility.institution_id
        may = [
            each
            for each in self.researchers
            if (instrument.use_scope is not UseScope.PRIVATE_USE or each.institution_id == home)
            # Trainees still have to learn what needs a certificate.
            and not (each.trainee and training_of(instrument).certificate)
        ]
        ranked = sorted(
            may, key=lambda each: rng.random() * (3 if each.institution_id == home else 1)
        )
        return ranked[-8:]

    def _has_time(self, who: Researcher, day: date) -> bool:
        """Nobody spends their life at instruments, and some come more often than others."""
        return (
            self._often[who.user.id, day] < _A_DAY
            and self._often[who.user.id, _week(day)] < _A_WEEK - who.user.id % 3
        )

    def _hours_of(self, who: Researcher) -> set[int]:
        return self._busy.setdefault(who.user.id, set())

    def _reserve(
        self,
        instrument: Instrument,
        interval: Interval,
        who: Researcher,
        approved: set[int],
        rng: Random,
    ) -> None:
        policy = policy_of(instrument)
        requested_at = _requested_at(interval, instrument, self.now, rng)
        if requested_at is None:
            return
        asks = policy.approval is ApprovalMode.EACH or (
            policy.approval is ApprovalMode.ONCE and who.user.id not in approved
        )
        status = self._status(interval, requested_at, asks=asks, rng=rng)
        row = _row(instrument, interval, who, requested_at, rng)
        row["status"] = status
        tariff = self._rates.tariff(instrument, who.user, now=self.now)
        shares = self._shares(row)
        row["shares"] = [
            {"account": each.account, "percent": show_percent(each.percent)} for each in shares
        ]
        row |= tariff.kept(interval, row["mode"], row["samples"], shares)
        self._hours_of(who).update(_hours(interval))
        day = day_of(interval.start, zone_of(instrument))
        self._often.update([(who.user.id, day), (who.user.id, _week(day))])
        self.reservations.append(row)
        first = Status.PENDING if asks else Status.CONFIRMED
        detail = _visible(instrument, row, first)
        self._note("request-reservation", row, who.user, requested_at, detail)
        if asks and status is not Status.PENDING:
            self._decide(instrument, interval, row, rng)
        if status is Status.CANCELLED:
            ended_at = _between(row["decided_at"] or requested_at, self._last(interval), rng)
            self._end(row, "cancel-reservation", who.user, ended_at, rng.choice(CANCELLATIONS))
        elif status is Status.COMPLETED:
            row |= {"version": row["version"] + 1, "updated_at": interval.end}
        self._use(instrument, interval, row, who.user)
        if policy.approval is ApprovalMode.ONCE and asks and row["decided_at"] and _agreed(row):
            approved.add(who.user.id)
            self._approve_for_good(row)

    def _shares(self, row: Row) -> tuple[Share, ...]:
        """Two of three uses of whoever has an account to charge are for its project."""
        shares = self.payers.get(row["holder_id"], ())
        return shares if int(row["uid"], 16) % 3 else ()

    def _use(self, instrument: Instrument, interval: Interval, row: Row, who: User) -> None:
        """Where people check in: when they came, and when they went."""
        policy = use_policy_of(instrument)
        if policy.check_in is CheckIn.OFF:
            return
        row["no_show_at"] = no_show_at(policy, interval)
        chance = Random(row["uid"])  # noqa: S311 – of its own, so that nothing else changes
        came = interval.start + chance.choice((0, 0, 1, 2, 3, 5, 9)) * _MINUTE
        going_on = interval.start <= self.now < interval.end
        if row["status"] is Status.CONFIRMED and going_on:
            came = min(came, self.now.replace(second=0, microsecond=0))
            row |= {"status": Status.IN_USE, "used_from": came, "version": row["version"] + 1}
            self._note("check-in", row, who, came, {"reason": ""})
        elif row["status"] is Status.COMPLETED:
            early = chance.choice((0, 0, 0, 1, 4, 8, 15)) * interval.duration // 30
            went = interval.end - early // _MINUTE * _MINUTE
            row |= {"used_from": came, "used_until": went, "version": row["version"] + 1}
            if went < interval.end:
                row |= {"ends_at": went, "reserved_until": interval.end, "updated_at": went}
            used = {"used": [came.isoformat(), went.isoformat()]}
            self._note("check-in", row, who, came, {"reason": ""})
            self._note("check-out", row, who, went, {"reason": "", **used})

    def _status(
        self, interval: Interval, requested_at: datetime, *, asks: bool, rng: Random
    ) -> Status:
        chance = rng.random()
        if chance < 0.08:
            return Status.CANCELLED
        if interval.end <= self.now:
            if asks and chance < 0.12:
                return Status.REJECTED
            return Status.NO_SHOW if chance > 0.98 else Status.COMPLETED
        if asks and interval.start > self.now:
            recent = requested_at > self.now - 3 * _DAY
            return Status.PENDING if chance < (0.85 if recent else 0.2) else Status.CONFIRMED
        return Status.CONFIRMED

    def _decide(self, instrument: Instrument, interval: Interval, row: Row, rng: Random) -> None:
        """The manager agreed or not, some time between the request and the start."""
        manager = self.managers[instrument.facility_id]
        at = _between(row["requested_at"], self._last(interval), rng)
        row |= {"decided_at": at, "decided_by_id": manager.id}
        if row["status"] is Status.REJECTED:
            self._end(row, "reject-reservation", manager, at, rng.choice(REJECTIONS))
        else:
            row |= {"version": 2, "sequence": 1, "updated_at": at, "shown_at": at}
            self._note("approve-reservation", row, manager, at, {"reason": ""})

    def _end(self, row: Row, action: str, by: User, at: datetime, why: Text) -> None:
        reason = why.in_(by.language)
        row |= {
            "decision_reason": reason,
            "ended_at": at,
            "updated_at": at,
            "shown_at": at,
            "version": row["version"] + 1,
            "sequence": row["sequence"] + 1,
        }
        self._note(action, row, by, at, {"reason": reason})

    def _approve_for_good(self, row: Row) -> None:
        self.approvals.append(
            {
                "instrument_id": row["instrument_id"],
                "user_id": row["holder_id"],
                "approved_at": row["decided_at"],
                "approved_by_id": row["decided_by_id"],
            }
        )

    def _note(self, action: str, row: Row, by: User, at: datetime, detail: Row) -> None:
        self.audit.append(
            {
                "at": at,
                "actor_id": by.id,
                "action": action,
                "kind": "reservation",
                "subject": row["uid"],
                "detail": detail,
            }
        )

    def _last(self, interval: Interval) -> datetime:
        return min(interval.start, self.now)


def _week(day: date) -> tuple[int, int]:
    return day.isocalendar()[:2]


def _hours(interval: Interval) -> range:
    """The hours that somebody spends there, counted from the epoch; over long runs they go home."""
    first = int(interval.start.timestamp()) // 3600
    last = -(-int(interval.end.timestamp()) // 3600)
    return range(first, min(last, first + 9))


def _requested_at(
    interval: Interval, instrument: Instrument, now: datetime, rng: Random
) -> datetime | None:
    """A moment in the past at which the rules allowed it; None if there was none yet."""
    policy = policy_of(instrument)
    first, last = interval.start - policy.earliest, min(interval.start - policy.latest, now)
    if policy.same_day:
        day = running_day(policy.same_day, zone_of(instrument), now=interval.start)
        if not day.contains(interval):
            return None
        first = max(first, day.start)
    if first >= last:
        return None
    wanted = last - rng.randint(0, 10) * _DAY - rng.randint(7, 240) * _MINUTE
    return wanted if wanted > first else _between(first, last, rng)


def _between(first: datetime, last: datetime, rng: Random) -> datetime:
    """Some whole second between the two, nearer to the first."""
    return (first + (last - first) * (rng.random() ** 2 * 0.9)).replace(microsecond=0)


def _row(
    instrument: Instrument,
    interval: Interval,
    who: Researcher,
    requested_at: datetime,
    rng: Random,
) -> Row:
    modes = sorted(policy_of(instrument).modes)
    mode = modes[0] if len(modes) == 1 or rng.random() < 0.2 else Mode.SELF_OPERATED
    return {
        "uid": f"{rng.getrandbits(128):032x}",
        "instrument_id": instrument.id,
        "holder_id": who.user.id,
        "institution_id": who.institution_id,
        "starts_at": interval.start,
        "ends_at": interval.end,
        "exclusive": instrument.capacity == 1,
        "version": 1,
        "sequence": 0,
        "purpose": _purpose(instrument, who.user.language, rng),
        "mode": mode,
        "samples": rng.randint(1, 24) if mode is Mode.COMMISSIONED or rng.random() < 0.3 else None,
        "note": "",
        "answers": _answers(instrument, interval, rng),
        "requested_at": requested_at,
        "updated_at": requested_at,
        "shown_at": requested_at,
        "decided_at": None,
        "decided_by_id": None,
        "decision_reason": "",
        "ended_at": None,
        "no_show_at": None,
        "used_from": None,
        "used_until": None,
        "reserved_from": None,
        "reserved_until": None,
        "bundle": None,
    }


def _answers(instrument: Instrument, interval: Interval, rng: Random) -> dict[str, str]:
    """Made-up numbers of the permits that the instrument asks for, valid to the year's end."""
    until = f"{interval.end.year + 1}-12-31"
    return {
        key: value
        for permit in policy_of(instrument).permits
        if permit.required
        for key, value in (
            (permit.kind.value, f"{permit.kind.upper()}-{rng.randint(100, 999)}"),
            (until_key(permit.kind), until),
        )
    }


def _purpose(instrument: Instrument, language: str, rng: Random) -> str:
    fitting = [
        purpose
        for technique in instrument.techniques
        for purpose in BY_TECHNIQUE.get(technique.slug, ())
    ]
    wanted = fitting if fitting and rng.random() < 0.85 else ELSEWHERE
    return rng.choice(wanted).in_(language)


def _visible(instrument: Instrument, row: Row, first: Status) -> Row:
    """As the use case notes a request."""
    return {
        "instrument": instrument.slug,
        "starts_at": row["starts_at"].isoformat(),
        "ends_at": row["ends_at"].isoformat(),
        "status": first.value,
        "purpose": row["purpose"],
        "samples": row["samples"],
        "note": row["note"],
    }


def _agreed(row: Row) -> bool:
    return row["status"] is not Status.REJECTED
