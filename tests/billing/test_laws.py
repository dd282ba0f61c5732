"""Whatever is reserved, closed, disputed, corrected and paid: the books add up, to the won."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select

from app.accounts.access import OPERATOR
from app.billing import closing, deciding, disputes, payments, posting, queries
from app.billing.disputes import Answer
from app.billing.models import (
    Charge,
    LedgerPosting,
    LineDispute,
    Payment,
    Statement,
    StatementLine,
)
from app.billing.months import interval_of, next_month
from app.billing.payments import Paid
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import DureError
from app.domain.interval import Interval
from app.reservations import services
from app.reservations.models import Reservation
from tests import factories
from tests.billing.conftest import MARCH
from tests.factories import NOW
from tests.projects.test_projects import account_of
from tests.reservations.test_laws import silent
from tests.reservations.test_paying import pay

ANY = st.integers(0, 99)
WON = st.integers(0, 60_000)
PRICE = 10_010  # an hour; accounts cannot share it evenly


class Books(RuleBasedStateMachine):
    """A supplier, people of two others, and accounts that share what they cost."""

    @initialize()
    def begin(self) -> None:
        self.supplier = factories.institution()
        payer = factories.institution()
        prices = {"unit": "hour"} | dict.fromkeys(("own_institution", "partner"), PRICE)
        self.instrument = factories.instrument(
            facility=factories.facility(institution_id=self.supplier.id), prices=prices
        )
        self.boss = factories.user(institution=self.supplier, administers=self.supplier)
        self.payers = [factories.user(institution=payer, administers=payer), self.boss]
        number = self.supplier.id
        for letter, holder in zip("abc", [*self.payers, self.payers[0]], strict=True):
            of = self.supplier if holder is self.boss else payer
            account_of(holder, f"{letter}{number}", of=of)
        self.accounts = [f"{letter}{number}" for letter in "ac"]
        self.month, self.now, self.hour = MARCH, NOW, 1
        self.expected: dict[str, int] = {}

    @rule(who=st.integers(0, 1), hours=st.integers(1, 5), shared=st.booleans())
    def reserve(self, who: int, hours: int, shared: bool) -> None:
        start = self.now.replace(minute=0, second=0) + timedelta(hours=self.hour)
        self.hour += hours
        percents = dict(zip(self.accounts, (33.3333, 66.6667), strict=True))
        shares = pay(**{n: str(p) for n, p in percents.items()}) if shared and who == 0 else ()
        wanted = BookingRequest(
            self.instrument.slug,
            Interval(start, start + timedelta(hours=hours)),
            purpose="imaging",
            shares=shares,
        )
        with _allowed():
            made = services.request_reservation(self.payers[who], wanted, now=self.now)
            self.expected[made.uid] = hours * PRICE

    @rule()
    def close(self) -> None:
        """The month ends and is closed; the next one begins."""
        after = interval_of(self.month).end + timedelta(days=2)
        closing.close_month(OPERATOR, self.supplier.slug, self.month, now=after)
        self.month, self.now, self.hour = next_month(self.month), after, 1
        self._all_is_charged_as_expected()

    @rule(which=ANY, net=WON)
    def set_or_waive(self, which: int, net: int) -> None:
        if uid := self._one(list(self.expected), which):
            with _allowed():
                deciding.decide(self.boss, uid, net, reason="It was so.", now=self.now)
                self.expected[uid] = net

    @rule(which=ANY)
    def let_the_rules_say_again(self, which: int) -> None:
        if uid := self._one(list(self.expected), which):
            with _allowed():
                deciding.decide(self.boss, uid, None, reason="As agreed.", now=self.now)
                made = db.session.scalars(select(Reservation).where(Reservation.uid == uid)).one()
                self.expected[uid] = made.quote["total"]

    @rule(which=ANY)
    def dispute(self, which: int) -> None:
        if line := self._one(self._lines(), which):
            with _allowed():
                payer = self.payers[line.statement.payer_id == self.supplier.id]
                uid, place = line.statement.uid, line.position
                disputes.dispute(payer, uid, place, reason="I was not there.", now=self.now)

    @rule(which=ANY, net=st.none() | WON)
    def answer(self, which: int, net: int | None) -> None:
        found = db.session.execute(
            select(LineDispute, Reservation.uid)
            .join(StatementLine, StatementLine.id == LineDispute.line_id)
            .join(Charge, Charge.id == StatementLine.charge_id)
            .join(Reservation, Reservation.id == Charge.reservation_id)
            .where(Charge.supplier_id == self.supplier.id, LineDispute.answered_at.is_(None))
            .order_by(LineDispute.id)
        ).all()
        if one := self._one(found, which):
            with _allowed():
                said = Answer("So it is.", net)
                disputes.answer(self.boss, one[1], one[0].id, said, now=self.now)
                if net is not None:
                    self.expected[one[1]] = net

    @rule(which=ANY, amount=st.integers(-30_000, 60_000))
    def pay(self, which: int, amount: int) -> None:
        statements = db.session.scalars(
            select(Statement)
            .where(Statement.supplier_id == self.supplier.id)
            .order_by(Statement.id)
        ).all()
        if one := self._one(statements, which):
            number = 1 + (
                db.session.scalar(
                    select(func.count()).select_from(Payment).where(Payment.statement_id == one.id)
                )
                or 0
            )
            with _allowed():
                today = self.now.date()
                paid = Paid(amount, today)
                payments.enter(self.boss, one.uid, paid, number=number, now=self.now, today=today)

    @invariant()
    def the_books_add_up(self) -> None:
        db.session.rollback()
        assert list(queries.complaints()) == []

    def _all_is_charged_as_expected(self) -> None:
        """What statements say of each reservation is what it is to cost, and so says the ledger."""
        db.session.rollback()
        told = dict(
            db.session.execute(
                select(Reservation.uid, func.sum(StatementLine.net + StatementLine.vat))
                .join(Charge, Charge.id == StatementLine.charge_id)
                .join(Reservation, Reservation.id == Charge.reservation_id)
                .where(Charge.supplier_id == self.supplier.id)
                .group_by(Reservation.uid)
            ).all()
        )
        over = {uid: net for uid, net in self.expected.items() if self._is_over(uid) and net}
        assert {uid: int(amount) for uid, amount in told.items() if amount} == over
        income = db.session.scalar(
            select(func.sum(LedgerPosting.amount)).where(
                LedgerPosting.account == f"income:{self.supplier.slug}"
            )
        )
        assert int(income or 0) == sum(over.values())

    def _is_over(self, uid: str) -> bool:
        end = db.session.scalar(select(Reservation.ends_at).where(Reservation.uid == uid))
        return end <= interval_of(self.month).start

    def _lines(self) -> list[StatementLine]:
        return list(
            db.session.scalars(
                select(StatementLine)
                .join(Statement, Statement.id == StatementLine.statement_id)
                .where(Statement.supplier_id == self.supplier.id)
                .order_by(StatementLine.id)
            )
        )

    def _one(self, of: Any, which: int) -> Any:
        return of[which % len(of)] if of else None


class _allowed:  # noqa: N801 – reads as a word of the rule
    """What is refused leaves everything as it was."""

    def __enter__(self) -> None: ...

    def __exit__(self, kind: type | None, error: BaseException | None, _: object) -> bool:
        db.session.rollback()
        return isinstance(error, DureError)


CALM = settings(
    max_examples=8,
    stateful_step_count=30,
    deadline=None,
    database=None,
    derandomize=True,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_after_any_sequence_the_books_add_up(app):
    run_state_machine_as_test(Books, settings=CALM)


def _takes_nothing_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting.Posting, "_take_back", lambda *_: None)


def _forgets_decisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(posting, "_same", lambda *_: True)


FAULTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "what was charged before is not taken back": _takes_nothing_back,
    "what was decided after the close is forgotten": _forgets_decisions,
    "an answer changes nothing": silent(deciding, "write"),
}


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_of_the_books_is_noticed(app, monkeypatch, fault):
    FAULTS[fault](monkeypatch)
    hunting = settings(CALM, max_examples=100, report_multiple_bugs=False)
    with pytest.raises(Exception, match=r".") as noticed:
        run_state_machine_as_test(Books, settings=hunting)
    assert not isinstance(noticed.value, DureError)
