"""The page of what a reservation comes to, on which a manager waives it or sets another amount."""

from flask import flash, redirect, render_template, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.billing import deciding, disputes, queries
from app.billing.charges import Due, Unknown
from app.billing.forms import AnswerForm, DecisionForm
from app.catalog.policy import zone_of
from app.domain.errors import Invalid, WrongState
from app.reservations.queries import by_uid, scope_of_reservation
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

Page = str | AnyResponse | tuple[str, int]


@open_to(Action.SEE_RESERVATION)
def charge(uid: str) -> str:
    """What it comes to, who pays, what was posted."""
    return _page(uid, DecisionForm(formdata=None))


def _page(
    uid: str, form: DecisionForm, dispute_id: int = 0, answered: AnswerForm | None = None
) -> str:
    user = current()
    found = deciding.standing(user, uid, now=clock.now())
    reservation = by_uid(uid, viewer=user)
    if found.decided and len(form.what.choices) == 2:
        form.offer_rules()
    may_decide = access.may(user, Action.DECIDE_CHARGE, scope_of_reservation(reservation))
    objections = disputes.of_reservation(reservation) if may_decide else ()
    return render_template(
        "billing/charge.html",
        reservation=reservation,
        instrument=reservation.instrument,
        zone=zone_of(reservation.instrument),
        standing=found,
        due=found.due if isinstance(found.due, Due) else None,
        unknown=found.due.why if isinstance(found.due, Unknown) else None,
        names=queries.institution_names(),
        may_decide=found.due is not None and may_decide,
        disputes=objections,
        answer_forms={
            each.id: answered
            if answered and each.id == dispute_id
            else _answer_form(each.id, formdata=None)
            for each in objections
        },
        form=form,
    )


@open_to(Action.DECIDE_CHARGE)
def decide(uid: str) -> Page:
    """Waive it, set another amount, or let the rules count again."""
    form = DecisionForm()
    form.offer_rules()
    if form.validate():
        try:
            deciding.decide(current(), uid, form.to_net(), reason=form.reason.data, now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        except WrongState as wrong:
            form.form_errors.append(localized(wrong.text))
        else:
            flash(gettext("Decided. The holder is told by mail."), "success")
            return redirect(url_for("billing.charge", uid=uid), 303)
    return _page(uid, form), KINDS["invalid"].status


def _answer_form(dispute_id: int, **options: None) -> AnswerForm:
    """Of several disputes, each has fields of its own names."""
    return AnswerForm(prefix=f"d{dispute_id}-", **options)


@open_to(Action.DECIDE_CHARGE)
def answer(uid: str, dispute_id: int) -> Page:
    """Say whether a payer is right, and what it costs then."""
    form = _answer_form(dispute_id)
    if form.validate():
        try:
            disputes.answer(current(), uid, dispute_id, form.to_answer(), now=clock.now())
        except Invalid as wrong:
            form.show(wrong)
        except WrongState as wrong:
            form.form_errors.append(localized(wrong.text))
        else:
            flash(gettext("Answered. Whoever objected is told by mail."), "success")
            return redirect(url_for("billing.charge", uid=uid), 303)
    return _page(uid, DecisionForm(formdata=None), dispute_id, form), KINDS["invalid"].status


ROUTES = (
    ("GET", "/reservations/<uid>/charge", charge),
    ("POST", "/reservations/<uid>/charge", decide),
    ("POST", "/reservations/<uid>/disputes/<int(max=2147483647):dispute_id>", answer),
)
