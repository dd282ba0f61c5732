"""HTTP API of billing: statements and the settlement of a month."""

from typing import Any

from apiflask import APIBlueprint
from flask import current_app, url_for

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.billing import deciding, examples, queries, settlements, statements
from app.billing.months import month_of
from app.billing.schemas import (
    ChargeDecisionIn,
    ChargeOut,
    SettlementOut,
    StatementListOut,
    StatementQuery,
    StatementWholeOut,
    charge_out,
    statement_out,
    whole_out,
)
from app.web.rights import SIGNED_IN, open_to
from app.web.told import told

bp = APIBlueprint("billing-api", __name__, url_prefix="/api/v1", tag="Billing")


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
    found = statements.seen(current(), statement_uid)
    whole = queries.statement_of(found.supplier.slug, found.payer.slug, found.month)
    return whole_out(whole, _links)


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
