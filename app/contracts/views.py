"""The manager's page of contracts of use."""

from zoneinfo import ZoneInfo

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_babel import gettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts import access
from app.accounts.access import Action
from app.accounts.current import current
from app.accounts.models import User
from app.catalog.models import Facility
from app.catalog.queries import facility_by_slug, scope_of
from app.contracts import queries, services
from app.contracts.forms import ContractForm, EndForm
from app.domain.errors import Invalid, NotFound, Text, WrongState
from app.domain.local_time import day_of
from app.files.services import content_of
from app.web import uploads
from app.web.pages import localized
from app.web.problems import KINDS
from app.web.rights import open_to

bp = Blueprint("contracts", __name__, template_folder="templates")

_ONE = "/facilities/<slug>/contracts/<int(max=2147483647):contract_id>"


def _facility(slug: str) -> tuple[User, Facility]:
    user, facility = current(), facility_by_slug(slug)
    access.require(user, Action.KEEP_CONTRACTS, scope_of(facility))
    return user, facility


@bp.route("/facilities/<slug>/contracts", methods=["GET", "POST"])
@open_to(Action.KEEP_CONTRACTS)
@uploads.takes_files()
def index(slug: str) -> str | AnyResponse | tuple[str, int]:
    """All contracts of a facility; another may be recorded."""
    user, facility = _facility(slug)
    form = ContractForm(queries.partners(facility))
    if request.method == "GET":
        return _page(facility, form)
    if not form.validate():
        return _page(facility, form), KINDS["invalid"].status
    try:
        signed = form.to_signed()
        services.record(user, facility, signed, folder=uploads.folder(), now=clock.now())
    except Invalid as wrong:
        form.show(wrong)
        return _page(facility_by_slug(slug), form), KINDS["invalid"].status
    flash(gettext("Recorded. People of that institution can reserve for its days."), "success")
    return redirect(url_for(".index", slug=slug), 303)


def _page(facility: Facility, form: ContractForm) -> str:
    return render_template(
        "contracts/index.html",
        facility=facility,
        lines=queries.listed(facility, today=day_of(clock.now(), ZoneInfo(facility.timezone))),
        needed=facility.booking.get("contract", "off"),
        form=form,
        end_form=EndForm(formdata=None),
    )


@bp.post(f"{_ONE}/end")
@open_to(Action.KEEP_CONTRACTS)
def end(slug: str, contract_id: int) -> AnyResponse:
    """End a contract before its time."""
    user, facility = _facility(slug)
    form = EndForm()
    form.validate()
    try:
        reason = str(form.reason.data or "")[:500]
        services.end(user, facility, contract_id, reason=reason, now=clock.now())
        flash(gettext("Ended. What is reserved already stays reserved."), "success")
    except (Invalid, WrongState) as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".index", slug=slug), 303)


@bp.get(f"{_ONE}/document")
@open_to(Action.KEEP_CONTRACTS)
def document(slug: str, contract_id: int) -> AnyResponse:
    """The signed document, to be kept or printed."""
    _, facility = _facility(slug)
    found = queries.of_facility(facility, contract_id).document
    if found is None:
        raise NotFound(
            Text("이 계약에는 문서가 없습니다.", "No document is kept with this contract.")
        )
    return uploads.sent(
        content_of(uploads.folder(), found), name=found.name, content_type=found.content_type
    )
