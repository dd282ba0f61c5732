"""What one reservation comes to in the end; a manager waives it, or sets what it costs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.billing.charge_rows import row_of
from app.billing.charges import Charging, Due, Unknown
from app.billing.models import Charge, ChargeDecision, Statement, StatementLine
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.mail import outbox
from app.reservations import queries
from app.reservations.models import Reservation
from app.reservations.particulars import particulars

#: A trillion won: far above what anything costs, far below what a database can keep.
MOST = 10**12
LONGEST_REASON = 500


@dataclass(frozen=True, slots=True)
class Standing:
    """What a reservation is charged: by its rules or a decision, and what was posted of it."""

    due: Due | Unknown | None  # none: nothing to charge for
    over: bool
    decisions: Sequence[ChargeDecision]  # the last first
    posted: Charge | None
    lines: Sequence[StatementLine]

    @property
    def decided(self) -> ChargeDecision | None:
        last = self.decisions[0] if self.decisions else None
        return last if last and last.net is not None else None


def standing(viewer: User, uid: str, *, now: datetime) -> Standing:
    """What is charged for a reservation; `NotFound` to who may not see all of it."""
    reservation = queries.by_uid(uid, viewer=viewer)
    if not queries.sees_whole(viewer, reservation):
        raise NotFound(
            Text(
                "이 예약의 이용료는 예약자와 장비담당자만 볼 수 있습니다.",
                "What it costs is shown to the holder and the managers alone.",
            )
        )
    return standing_of(reservation, now)


def standing_of(reservation: Reservation, now: datetime) -> Standing:
    """What is charged for a reservation, for whoever may see it."""
    over = is_over(reservation, now)
    posted = db.session.scalar(
        select(Charge)
        .where(Charge.reservation_id == reservation.id)
        .order_by(Charge.number.desc())
        .limit(1)
    )
    lines = db.session.scalars(
        select(StatementLine)
        .join(Charge, Charge.id == StatementLine.charge_id)
        .where(Charge.reservation_id == reservation.id)
        .options(joinedload(StatementLine.statement).joinedload(Statement.payer))
        .order_by(StatementLine.id)
    ).all()
    decisions = db.session.scalars(
        select(ChargeDecision)
        .where(ChargeDecision.reservation_id == reservation.id)
        .options(joinedload(ChargeDecision.decided_by))
        .order_by(ChargeDecision.id.desc())
    ).all()
    return Standing(due_of(reservation) if over else None, over, decisions, posted, lines)


def due_of(reservation: Reservation) -> Due | Unknown | None:
    """What it comes to by its rules or the last decision, as if it were charged now."""
    supplier = reservation.instrument.facility.institution
    return Charging(supplier).of(row_of(reservation.id))


def is_over(reservation: Reservation, now: datetime) -> bool:
    """Whether there may be something to charge for; not what was reserved along."""
    if reservation.is_companion:
        return False
    if reservation.status is Status.CONFIRMED:
        return reservation.ends_at <= now
    if reservation.status is Status.CANCELLED:
        return reservation.given_up
    return reservation.status in (Status.COMPLETED, Status.NO_SHOW)


def decide(user: User, uid: str, net: int | None, *, reason: str, now: datetime) -> Reservation:
    """Set the net amount that a reservation costs: 0 waives it, None has the rules count again.

    What was posted before is corrected by the next close. The holder is told. Raises `Invalid`,
    `NotAllowed`, and `WrongState` where there is nothing to charge for.
    """
    reason = reason.strip()
    check(net, reason)
    user_id = user.id
    before = queries.by_uid(uid, viewer=user)
    access.require(user, Action.DECIDE_CHARGE, queries.scope_of_reservation(before))
    with transaction():
        user = queries.person(user_id)
        reservation = queries.by_uid(uid, viewer=user, anew=True)
        access.require(user, Action.DECIDE_CHARGE, queries.scope_of_reservation(reservation))
        found = standing_of(reservation, now)
        if found.due is None:
            raise WrongState(
                Text(
                    "이 예약에는 청구할 이용료가 없습니다.",
                    "There is nothing to charge for this reservation.",
                )
            )
        if net is None and found.decided is None:
            raise WrongState(
                Text(
                    "정해 둔 금액이 없습니다. 이미 이용료 규정대로 계산됩니다.",
                    "Nobody has set an amount: it costs what the rules say already.",
                )
            )
        write(reservation, found.due, (net, reason), by=user, now=now)
    return reservation


def write(
    reservation: Reservation,
    due: Due | Unknown,
    decided: tuple[int | None, str],
    *,
    by: User,
    now: datetime,
) -> None:
    """Keep a decision, its net amount and reason, in the caller's transaction; tell the holder."""
    net, reason = decided
    made = ChargeDecision(
        reservation_id=reservation.id,
        net=net,
        reason=reason,
        decided_at=now,
        decided_by_id=by.id,
    )
    db.session.add(made)
    db.session.flush()
    audit.record(
        "decide-charge",
        "reservation",
        reservation.uid,
        actor_id=by.id,
        now=now,
        detail={"net": net, "reason": reason},
    )
    _tell(reservation, made, (_total(due), _total(due_of(reservation))), by=by, now=now)


def check(net: int | None, reason: str) -> None:
    """Raises `Invalid` for an amount or a reason that makes no sense."""
    wrong: dict[str, Text] = {}
    if not reason:
        wrong["reason"] = Text("사유를 적어 주세요.", "Say why.")
    elif len(reason) > LONGEST_REASON:
        wrong["reason"] = Text("500자까지 적을 수 있습니다.", "At most 500 characters, please.")
    if net is not None and not 0 <= net <= MOST:
        wrong["net"] = Text(
            f"0원부터 {MOST:,}원까지 적을 수 있습니다.",
            f"An amount from 0 to {MOST:,} won.",
        )
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)


def _total(due: Due | Unknown | None) -> int | None:
    """Net and VAT; None where it is not known."""
    return due.quote.total if isinstance(due, Due) else None


def _tell(
    reservation: Reservation,
    decision: ChargeDecision,
    totals: tuple[int | None, int | None],
    *,
    by: User,
    now: datetime,
) -> None:
    holder = reservation.holder
    told: dict[str, Any] = particulars(reservation, reader=holder, by=by)
    told |= {
        "reason": decision.reason,
        "waived": decision.net == 0,
        "was": totals[0],
        "total": totals[1],
    }
    outbox.enqueue(
        "charge_decided",
        to=holder.email,
        language=holder.language,
        key=f"charge_decided-{decision.id}",
        particulars=told,
        now=now,
    )
