"""HTTP API of billing: statements and the settlement of a month."""

from typing import Any

from apiflask import APIBlueprint
from flask import current_app, url_for
from flask.blueprints import BlueprintSetupState

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.today import today
from app.billing import (
    deciding,
    disputes,
    examples,
    payments,
    queries,
    settlements,
    statements,
)
from app.billing.charge_schemas import (
    ChargeDecisionIn,
    ChargeOut,
    DisputeAnswerIn,
    DisputeIn,
    DisputeOut,
    charge_out,
    dispute_out,
)
from app.billing.models import Statement
from app.billing.months import month_of
from app.billing.schemas import (
    PaymentIn,
    SettlementOut,
    StatementListOut,
    StatementQuery,
    StatementWholeOut,
    statement_out,
    whole_out,
)
from app.reservations.models import Reservation
from app.web.rights import SIGNED_IN, open_to
from app.web.told import told

bp = APIBlueprint("billing-api", __name__, url_prefix="/api/v1", tag="Billing")


@bp.record_once
def _tell_reservations(state: BlueprintSetupState) -> None:
    """Reservations stand below and ask by name what one comes to."""
    state.app.extensions["dure-charge"] = _of_reservation


def _of_reservation(reservation: Reservation) -> dict[str, Any] | None:
    found = deciding.standing_of(reservation, clock.now())
    return charge_out(reservation.uid, found) if found.due else None


@bp.get("/statements")
@open_to(SIGNED_IN)
@bp.input(StatementQuery, location="query", arg_name="query")
@bp.output(StatementListOut, example=examples.STATEMENTS)
def index(query: StatementQuery) -> dict[str, Any]:
    """Statements of the institutions that you administer, as supplier or payer; latest first."""
    found = statements.listed(
        current(),
        month=month_of(query.month) if query.month else None,
        supplier=query.supplier,
        payer=query.payer,
        before=query.before,
        limit=query.limit + 1,
    )
    items = found[: query.limit]
    return {
        "items": [statement_out(each, _links) for each in items],
        "next": str(items[-1].id) if len(found) > query.limit else None,
    }


@bp.get("/statements/<statement_uid>")
@open_to(Action.SEE_STATEMENTS)
@bp.output(StatementWholeOut, example=examples.STATEMENT)
def statement(statement_uid: str) -> dict[str, Any]:
    """A statement with its lines, as it was issued."""
    return _whole(statements.seen(current(), statement_uid))


def _whole(found: Statement) -> dict[str, Any]:
    whole = queries.statement_of(found.supplier.slug, found.payer.slug, found.month)
    return whole_out(whole, payments.of_statement(whole), _links)


@bp.post("/statements/<statement_uid>/payments")
@open_to(Action.ENTER_PAYMENT)
@bp.input(PaymentIn, arg_name="body", example=examples.PAYMENT)
@bp.output(StatementWholeOut, example=examples.STATEMENT)
@told("not-allowed", "stale")
def pay(statement_uid: str, body: PaymentIn) -> dict[str, Any]:
    """Enter what came in of a statement; a mistake is put right by the opposite amount."""
    payments.enter(
        current(),
        statement_uid,
        body.to_paid(),
        number=body.number,
        now=clock.now(),
        today=today(),
    )
    return _whole(statements.seen(current(), statement_uid))


@bp.post("/statements/<statement_uid>/lines/<int(max=2147483647):position>/dispute")
@open_to(Action.DISPUTE_LINE)
@bp.input(DisputeIn, arg_name="body", example=examples.OBJECTION)
@bp.output(DisputeOut, example=examples.DISPUTE)
@told("not-allowed", "wrong-state")
def dispute(statement_uid: str, position: int, body: DisputeIn) -> dict[str, Any]:
    """Object to a line of a statement to an institution that you administer."""
    made = disputes.dispute(current(), statement_uid, position, reason=body.reason, now=clock.now())
    return dispute_out(made)


@bp.post("/reservations/<uid>/disputes/<int(max=2147483647):dispute_id>")
@open_to(Action.DECIDE_CHARGE)
@bp.input(DisputeAnswerIn, arg_name="body", example=examples.ANSWER)
@bp.output(DisputeOut, example=examples.ANSWERED)
@told("not-allowed", "wrong-state")
def answer(uid: str, dispute_id: int, body: DisputeAnswerIn) -> dict[str, Any]:
    """Answer an objection to what a reservation was charged; the next close corrects it."""
    made = disputes.answer(current(), uid, dispute_id, body.to_answer(), now=clock.now())
    return dispute_out(made)


@bp.get("/settlements/<month>")
@open_to(Action.SEE_SETTLEMENT)
@bp.output(SettlementOut, example=examples.SETTLEMENT)
@told("not-allowed", "invalid")
def settlement(month: str) -> dict[str, Any]:
    """What institutions owe one another for a month, and the fewest transfers that clear it.

    Provisional until each supplier has closed the month.
    """
    return settlements.seen(current(), month_of(month), now=clock.now()).as_json()


@bp.get("/reservations/<uid>/charge")
@open_to(Action.SEE_RESERVATION)
@bp.output(ChargeOut, example=examples.CHARGE)
def charge(uid: str) -> dict[str, Any]:
    """What a reservation that is over comes to, and who pays which part."""
    return charge_out(uid, deciding.standing(current(), uid, now=clock.now()))


@bp.post("/reservations/<uid>/charge")
@open_to(Action.DECIDE_CHARGE)
@bp.input(ChargeDecisionIn, arg_name="body", example=examples.WAIVED)
@bp.output(ChargeOut, example=examples.CHARGE)
@told("not-allowed", "wrong-state")
def decide(uid: str, body: ChargeDecisionIn) -> dict[str, Any]:
    """Waive what a reservation costs, or set another amount; the holder is told by mail.

    What is on a statement already is corrected by the next close.
    """
    user, now = current(), clock.now()
    deciding.decide(user, uid, body.net, reason=body.reason, now=now)
    return charge_out(uid, deciding.standing(current(), uid, now=now))


def _links(uid: str) -> dict[str, str]:
    here = current_app.config["SETTINGS"].public_url
    return {
        "self": here + url_for("billing-api.statement", statement_uid=uid),
        "page": here + url_for("billing.statement", statement_uid=uid),
    }
