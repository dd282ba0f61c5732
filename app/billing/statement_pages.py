"""Pages of one statement: its lines and payments, how a line came about, objections to it."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.current import current
from app.accounts.today import today
from app.billing import disputes, documents, payments, queries, statements
from app.billing.documents import number_of
from app.billing.downloads import download, must_be_a_kind
from app.billing.forms import DisputeForm, PaymentForm
from app.billing.models import Statement
from app.domain.ageing import days_late
from app.domain.errors import Invalid, Stale, WrongState
from app.domain.quote import Line
from app.web.pages import locale_word, localized
from app.web.problems import KINDS
from app.web.rights import open_to

Page = str | AnyResponse | tuple[str, int]

_INVALID = KINDS["invalid"].status


@open_to(Action.SEE_STATEMENTS)
def statement(statement_uid: str) -> Page:
    """A statement with its lines and payments; `?as=csv` as a file."""
    found = statements.seen(current(), statement_uid)
    if "as" in request.args:
        return _file(found, request.args["as"])
    return _statement_page(found, None)


def _statement_page(found: Statement, form: PaymentForm | None) -> str:
    user, day = current(), today()
    lines, paid = statements.lines_of(found), payments.of_statement(found)
    left = found.due - sum(each.amount for each in paid)
    if form is None:
        form = PaymentForm(formdata=None)
        form.begin(len(paid) + 1, left, day)
    return render_template(
        "billing/statement.html",
        statement=found,
        lines=lines,
        heads=documents.by_head(lines),
        disputed=disputes.of_statement(found),
        kinds=documents.KINDS,
        payments=paid,
        left=left,
        late=days_late(found.due_on, day) if left > 0 else 0,
        may_enter=access.may(user, Action.ENTER_PAYMENT, Scope(institution_id=found.supplier_id)),
        form=form,
    )


@open_to(Action.ENTER_PAYMENT)
def pay(statement_uid: str) -> Page:
    """Enter what came in."""
    user, form = current(), PaymentForm()
    found = statements.seen(user, statement_uid)
    access.require(user, Action.ENTER_PAYMENT, Scope(institution_id=found.supplier_id))
    if form.validate():
        try:
            paid, number = form.to_paid()
            payments.enter(user, statement_uid, paid, number=number, now=clock.now(), today=today())
        except Invalid as wrong:
            form.show(wrong)
        except Stale as wrong:
            flash(localized(wrong.text), "error")
            return redirect(url_for("billing.statement", statement_uid=statement_uid), 303)
        else:
            flash(gettext("The payment is entered."), "success")
            return redirect(
                url_for("billing.statement", statement_uid=statement_uid, _anchor="flashes"), 303
            )
    return _statement_page(statements.seen(current(), statement_uid), form), _INVALID


def _file(found: Statement, kind: str) -> Response:
    must_be_a_kind(kind)
    whole = queries.statement_of(found.supplier.slug, found.payer.slug, found.month)
    name = f"{found.supplier.slug}-{found.payer.slug}-{number_of(found)}"
    return download(documents.of_statement(whole, kind, locale_word()), name, kind)


@open_to(Action.SEE_STATEMENTS)
def line(statement_uid: str, position: int) -> str:
    """How a line came about: its use, its price, what it corrects."""
    return _line_page(statement_uid, position, DisputeForm(formdata=None))


def _line_page(statement_uid: str, position: int, form: DisputeForm) -> str:
    user = current()
    found = statements.seen(user, statement_uid)
    line = statements.line_of(found, position)
    return render_template(
        "billing/line.html",
        statement=found,
        line=line,
        made_of=[Line.from_json(each) for each in line.charge.lines],
        corrects=statements.taken_back(line),
        corrected_by=statements.taken_back_by(line),
        sees_reservation=access.may(
            user, Action.SEE_RESERVATION, Scope(institution_id=found.supplier_id)
        ),
        disputes=disputes.of_line(line),
        may_dispute=disputes.may_dispute(user, line),
        form=form,
    )


@open_to(Action.DISPUTE_LINE)
def dispute(statement_uid: str, position: int) -> Page:
    """Object to a line."""
    user, form = current(), DisputeForm()
    if form.validate():
        try:
            disputes.dispute(
                user, statement_uid, position, reason=form.reason.data, now=clock.now()
            )
        except Invalid as wrong:
            form.show(wrong)
        except WrongState as wrong:
            form.form_errors.append(localized(wrong.text))
        else:
            flash(gettext("Disputed. Who manages the instrument is told by mail."), "success")
            return redirect(
                url_for("billing.line", statement_uid=statement_uid, position=position), 303
            )
    return _line_page(statement_uid, position, form), _INVALID


_ONE = "/statements/<statement_uid>"
_LINE = f"{_ONE}/lines/<int(max=2147483647):position>"
ROUTES = (
    ("GET", _ONE, statement),
    ("POST", f"{_ONE}/payments", pay),
    ("GET", _LINE, line),
    ("POST", f"{_LINE}/dispute", dispute),
)
