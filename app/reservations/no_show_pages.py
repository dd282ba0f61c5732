"""Buttons of managers: nobody came, or somebody had come after all."""

from datetime import datetime
from typing import Any

from flask import flash, redirect, url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response as AnyResponse
from wtforms import IntegerField, StringField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.catalog.policy import zone_of
from app.domain.approval import Status
from app.domain.errors import Invalid, Stale, Text, WrongState
from app.domain.interval import Interval
from app.reservations import no_shows, queries, use
from app.reservations.forms import Times, UseForm, shown_text
from app.reservations.models import Reservation
from app.reservations.no_shows import CameAfterAll
from app.web.pages import localized
from app.web.rights import open_to

#: What a person may get wrong here: said on the page that they came from.
WRONG = (Invalid, WrongState, Stale)


class CameForm(Times):
    """From when until when it was used after all, and how one knows."""

    samples = IntegerField(
        _l("Samples"),
        [Optional(), NumberRange(1, 100_000, _l("A number from 1 to 100,000."))],
    )
    reason = StringField(
        _l("How do you know?"),
        [
            DataRequired(_l("Say how you know.")),
            Length(max=500, message=_l("At most 500 characters, please.")),
        ],
        filters=[shown_text],
    )

    @classmethod
    def of(cls, reservation: Reservation, *, now: datetime) -> "CameForm":
        """As if all of the time had been used, as far as it has passed."""
        form = cls(zone_of(reservation.instrument), formdata=None)
        reserved = reservation.reserved
        if reserved.start < now:
            form.fill_in(Interval(reserved.start, min(reserved.end, now)))
        form.samples.data = reservation.samples
        return form

    def to_came(self) -> CameAfterAll:
        """Raises `Invalid` with all that is wrong."""
        if not self.validate():
            said = " ".join(str(each) for field in self for each in field.errors)
            raise Invalid(Text(said, said))
        return CameAfterAll(self.interval, str(self.reason.data), self.samples.data)


@open_to(Action.DECIDE_RESERVATION)
def no_show(uid: str) -> AnyResponse:
    """Say that nobody came."""
    user = current()
    queries.by_uid(uid, viewer=user)
    try:
        use.mark_no_show(user, uid, reason=UseForm().check(), now=clock.now())
        flash(gettext("Marked as a no-show. The holder is told by mail."), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


@open_to(Action.DECIDE_RESERVATION)
def undo_no_show(uid: str) -> AnyResponse:
    """Say that the holder was there after all."""
    user = current()
    reservation = queries.by_uid(uid, viewer=user)
    try:
        came = CameForm(zone_of(reservation.instrument)).to_came()
        no_shows.restore(user, uid, came, now=clock.now())
        flash(gettext("It counts as used now. The holder is told by mail."), "success")
    except WRONG as wrong:
        flash(localized(wrong.text), "error")
    return redirect(url_for(".show", uid=uid), 303)


def undoing(reservation: Reservation, *, manages: bool, now: datetime) -> dict[str, Any]:
    """What the page of a reservation offers to whoever may undo a no-show."""
    missed = manages and reservation.status is Status.NO_SHOW
    return {"came_form": CameForm.of(reservation, now=now) if missed else None}


ROUTES = (
    ("/reservations/<uid>/no-show", no_show, ("POST",)),
    ("/reservations/<uid>/undo-no-show", undo_no_show, ("POST",)),
)
