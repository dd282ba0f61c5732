"""Deciding on several requests at once: each by itself, so that one that fails keeps none back."""

import re
from collections.abc import Iterator

from flask import flash, redirect, request, url_for
from flask_babel import gettext, ngettext
from werkzeug.wrappers import Response as AnyResponse

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.errors import BookingRefused, Invalid, NotAllowed, NotFound, Stale, WrongState
from app.reservations import deciding, queries
from app.reservations.forms import ReasonForm
from app.web.pages import localized
from app.web.rights import open_to

_CHOSEN = re.compile(r"([0-9a-f]{32}):([0-9]{1,9})")
#: As many as one page of the list shows, and some to spare.
_MOST = 200


@open_to(Action.DECIDE_RESERVATION)
def decide() -> AnyResponse:
    """Approve or reject all that were chosen; says how many it were, and what could not be."""
    approve = request.form.get("decision") == "approve"
    chosen = list(_chosen())
    back = redirect(url_for(".approvals", facility=request.form.get("facility") or None), 303)
    if not chosen:
        flash(gettext("Choose at least one request."), "error")
        return back
    try:
        reason = ReasonForm().check()
    except Invalid as wrong:
        flash(localized(wrong.text), "error")
        return back
    if not approve and not reason:
        flash(gettext("Say why you reject them; each holder reads it."), "error")
        return back
    done = 0
    use_case = deciding.approve_reservation if approve else deciding.reject_reservation
    for uid, version in chosen:
        try:
            use_case(current(), uid, now=clock.now(), reason=reason, version=version)
            done += 1
        except (BookingRefused, Invalid, NotAllowed, Stale, WrongState) as wrong:
            holder = queries.by_uid(uid, viewer=current()).holder.name
            flash(f"{holder}: {localized(wrong.text)}", "error")
        except NotFound as wrong:
            flash(localized(wrong.text), "error")
    if done and approve:
        said = ngettext("%(num)s approved.", "%(num)s approved.", done)
        flash(f"{said} {gettext('The holders are told by mail.')}", "success")
    elif done:
        said = ngettext("%(num)s rejected.", "%(num)s rejected.", done)
        flash(f"{said} {gettext('The holders are told by mail.')}", "success")
    return back


def _chosen() -> Iterator[tuple[str, int]]:
    """What was ticked: each with the version that was seen; what makes no sense is left out."""
    for text in dict.fromkeys(request.form.getlist("chosen")[:_MOST]):
        if found := _CHOSEN.fullmatch(text):
            yield found[1], int(found[2])


ROUTES = (("/approvals/decide", decide, ("POST",)),)
