"""An institution's month before and after it is closed: what is open, what it will come to."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import Row, and_, func, or_, select

from app.accounts.models import Institution, User
from app.billing.charge_rows import LOOK_BACK, over
from app.billing.charges import NO_PAYER, Charging, Unknown
from app.billing.models import Charge, LineDispute, MonthClose, Statement, StatementLine
from app.billing.months import interval_of
from app.catalog.models import Facility, Instrument
from app.db import db
from app.domain.approval import Status
from app.domain.booking import Mode
from app.reservations.models import Reservation


class Open(StrEnum):
    """Why a use is not charged by a close, or perhaps not as it should be."""

    NO_PRICE = "no-price"
    NO_PAYER = "no-payer"
    IN_USE = "in-use"  # nobody checked out
    UNCONFIRMED = "unconfirmed"  # whether anybody came is not known yet
    UNDECIDED = "undecided"
    NO_SAMPLES = "no-samples"  # charged all the same
    DISPUTED = "disputed"  # a line of an earlier statement


class State(StrEnum):
    """What can be done with a supplier's month."""

    RUNNING = "running"
    OPEN = "open"
    CLOSED = "closed"
    PASSED = "passed"  # a later one is closed, and has taken it along


@dataclass(frozen=True, slots=True)
class OpenUse:
    """A reservation that somebody should look at before the month is closed."""

    uid: str
    name_ko: str
    name_en: str
    holder: str
    starts_at: datetime
    timezone: str


@dataclass(frozen=True, slots=True)
class Expected:
    """What a payer would be charged if the month were closed now."""

    payer: str
    net: int
    vat: int
    lines: int

    @property
    def total(self) -> int:
        return self.net + self.vat


@dataclass(slots=True)
class Outlook:
    """A month that is not closed."""

    open: dict[Open, list[OpenUse]] = field(default_factory=lambda: defaultdict(list))
    expected: Sequence[Expected] = ()
    corrections: int = 0  # of what was posted before and is otherwise now

    @property
    def total(self) -> int:
        return sum(each.total for each in self.expected)


@dataclass(frozen=True, slots=True)
class Turnover:
    """How many statements of a month, and what they come to."""

    statements: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class MonthLine:
    """A month in the list of an institution's months."""

    month: date
    state: State
    issued: Turnover
    received: Turnover


def states(supplier: Institution, months: Sequence[date], *, now: datetime) -> Mapping[date, State]:
    """The state of each of the months."""
    closed = set(
        db.session.scalars(select(MonthClose.month).where(MonthClose.supplier_id == supplier.id))
    )
    last = max(closed, default=None)

    def state(month: date) -> State:
        if month in closed:
            return State.CLOSED
        if last and month < last:
            return State.PASSED
        return State.RUNNING if interval_of(month).end > now else State.OPEN

    return {month: state(month) for month in months}


def month_lines(
    institution: Institution, months: Sequence[date], *, now: datetime
) -> list[MonthLine]:
    """The months of an institution, as it lends and as it pays."""
    state = states(institution, months, now=now)
    issued = _turnover(Statement.supplier_id == institution.id, months)
    received = _turnover(
        and_(Statement.payer_id == institution.id, Statement.supplier_id != institution.id), months
    )
    none = Turnover()
    return [
        MonthLine(each, state[each], issued.get(each, none), received.get(each, none))
        for each in months
    ]


def _turnover(whose: Any, months: Sequence[date]) -> dict[date, Turnover]:
    amount = func.sum(Statement.net + Statement.vat)
    rows = db.session.execute(
        select(Statement.month, func.count(), amount)
        .where(whose, Statement.month.in_(months))
        .group_by(Statement.month)
    )
    return {month: Turnover(count, int(total)) for month, count, total in rows}


def close_of(supplier: Institution, month: date) -> MonthClose | None:
    return db.session.scalar(
        select(MonthClose).where(MonthClose.supplier_id == supplier.id, MonthClose.month == month)
    )


def outlook(supplier: Institution, month: date, *, now: datetime) -> Outlook:
    """What a close would post now, and what it would leave open."""
    found, charging = Outlook(), Charging(supplier)
    sums: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for row in over(supplier, interval_of(month), now):
        due = charging.of(row)
        if row.charge_id is not None:
            found.corrections += 1
        elif isinstance(due, Unknown):
            found.open[_why(row, due)].append(_open_use(row))
        elif due is not None:
            if row.mode is Mode.COMMISSIONED and row.samples is None:
                found.open[Open.NO_SAMPLES].append(_open_use(row))
            for part in due.parts:
                if part.total:
                    sums[part.payer.institution].update(net=part.net, vat=part.vat, lines=1)
    for why, row in _unsettled(supplier, month, now):
        found.open[why].append(_open_use(row))
    if disputed := _disputed(supplier):
        found.open[Open.DISPUTED] = [_open_use(row) for row in disputed]
    found.expected = [Expected(payer, **sums[payer]) for payer in sorted(sums)]
    return found


_USE = (
    select(
        Reservation.uid,
        Reservation.status,
        Reservation.starts_at,
        Instrument.name_ko,
        Instrument.name_en,
        Facility.timezone,
        User.name.label("holder"),
    )
    .join(Instrument, Instrument.id == Reservation.instrument_id)
    .join(Facility, Facility.id == Instrument.facility_id)
    .join(User, User.id == Reservation.holder_id)
)


def _why(row: Row[Any], due: Unknown) -> Open:
    if due.why is NO_PAYER:
        return Open.NO_PAYER
    missing = row.mode is Mode.COMMISSIONED and row.samples is None
    return Open.NO_SAMPLES if missing else Open.NO_PRICE


def _open_use(row: Any) -> OpenUse:
    return OpenUse(row.uid, row.name_ko, row.name_en, row.holder, row.starts_at, row.timezone)


def _disputed(supplier: Institution) -> Sequence[Any]:
    """The uses of lines that wait for the supplier's answer."""
    return db.session.execute(
        _USE.join(Charge, Charge.reservation_id == Reservation.id)
        .join(StatementLine, StatementLine.charge_id == Charge.id)
        .join(LineDispute, LineDispute.line_id == StatementLine.id)
        .where(Charge.supplier_id == supplier.id, LineDispute.answered_at.is_(None))
        .order_by(LineDispute.id)
    ).all()


_UNSETTLED = {
    Status.IN_USE: Open.IN_USE,
    Status.CONFIRMED: Open.UNCONFIRMED,
    Status.PENDING: Open.UNDECIDED,
}


def _unsettled(supplier: Institution, month: date, now: datetime) -> Iterator[tuple[Open, Any]]:
    """What has ended by the clock, and whose end nobody has said."""
    whole = interval_of(month)
    waits = or_(
        Reservation.status.in_((Status.IN_USE, Status.PENDING)),
        and_(Reservation.status == Status.CONFIRMED, Reservation.no_show_at.is_not(None)),
    )
    rows = db.session.execute(
        _USE.where(
            Facility.institution_id == supplier.id,
            or_(Reservation.bundle.is_(None), Reservation.bundle == Reservation.uid),
            Reservation.starts_at > whole.start - LOOK_BACK,
            Reservation.ends_at <= min(whole.end, now),
            waits,
        ).order_by(Reservation.starts_at, Reservation.id)
    )
    for row in rows:
        yield _UNSETTLED[row.status], row
