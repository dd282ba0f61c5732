"""What happened to a reservation, in words."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l

from app.catalog.policy import zone_of
from app.domain.approval import STATUS_NAMES, Status
from app.domain.booking import CODES
from app.domain.interval import Interval
from app.reservations import answer_files, queries
from app.reservations.commission_models import Commission
from app.reservations.models import Reservation
from app.web.pages import local_time, localized, time_range, won

_TAKEN_OVER = "take-over"
_ACTS: Mapping[str, Any] = {
    "request-reservation": _l("Reserved"),
    "change-reservation": _l("Changed"),
    "cancel-reservation": _l("Cancelled"),
    "approve-reservation": _l("Approved"),
    "escalate-request": _l("Brought before those above"),
    "release-request": _l("Turned down: nobody decided in time"),
    "agree-to-reservation": _l("Agreed at one stage"),
    "ask-holder": _l("Asked the holder"),
    "propose-time": _l("Another time proposed"),
    "answer-question": _l("Answered"),
    "release-unanswered": _l("Turned down: the question was not answered"),
    "reject-reservation": _l("Rejected"),
    "check-in": _l("Checked in"),
    "extend-reservation": _l("Extended"),
    "check-out": _l("Checked out"),
    "mark-no-show": _l("Marked as a no-show"),
    "add-participant": _l("Participant added"),
    "remove-participant": _l("Participant taken off"),
    "offer-hand-over": _l("Offered to somebody else"),
    "withdraw-hand-over": _l("No longer offered to somebody else"),
    "decline-hand-over": _l("Not taken over"),
    "end-hand-over": _l("Can no longer be taken over"),
    _TAKEN_OVER: _l("Taken over"),
    "undo-no-show": _l("No-show undone"),
    "close-use": _l("Closed as ended in time"),
    "correct-usage": _l("Usage log corrected"),
    "offer-time": _l("Offered from the waitlist"),
    "accept-offer": _l("Offer accepted"),
    "end-offer": _l("Offer ended"),
    "choose-operator": _l("Operator changed"),
    "miss-operator": _l("No other operator was free; the managers were told"),
}

_OF_COMMISSIONS: Mapping[str, Any] = {
    "ask-for-commission": _l("Asked for"),
    "change-commission": _l("Changed"),
    "place-commission": _l("Placed"),
    "return-commission": _l("Returned to those that wait"),
    "decline-commission": _l("Declined"),
    "withdraw-commission": _l("Withdrawn"),
}

FIELDS: Mapping[str, Any] = {
    "starts_at": _l("Start"),
    "ends_at": _l("End"),
    "status": _l("State"),
    "purpose": _l("Purpose"),
    "samples": _l("Samples"),
    "note": _l("Note"),
    "answers": _l("Permits and answers"),
    "shares": _l("Funding accounts"),
    "refusals_overridden": _l("Rules set aside"),
    "override_reason": _l("Reason"),
    "fee": _l("Fee"),
    "operator": _l("Operator"),
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One act: when, who, what, and what became of what."""

    at: datetime
    who: str
    what: str
    details: tuple[str, ...]


def happenings(reservation: Reservation, *, manages: bool) -> list[Happening]:
    """All that was done to the reservation, latest first.

    What it said for who held it before is told to those alone who manage it.
    """
    rows = queries.history(reservation.uid)
    taken_at = [at for at, (row, _) in enumerate(rows) if row.action == _TAKEN_OVER]
    hidden = 0 if manages or not taken_at else taken_at[-1]
    told = [
        Happening(
            row.at,
            actor.name if actor else gettext("Dure"),
            str(_ACTS.get(row.action, row.action)),
            _details(row.action, row.detail, reservation) if at >= hidden else (),
        )
        for at, (row, actor) in enumerate(rows)
    ]
    return told[::-1]


def of_commission(found: Commission) -> list[Happening]:
    """All that was done to a commission, latest first."""
    told = []
    for row, actor in queries.history(found.uid, "commission"):
        who, what = actor.name if actor else gettext("Dure"), _OF_COMMISSIONS[row.action]
        reason = row.detail.get("reason")
        said = (gettext("Reason: %(reason)s", reason=reason),) if reason else ()
        told.append(Happening(row.at, who, str(what), said))
    return told[::-1]


def _details(action: str, detail: Mapping[str, Any], reservation: Reservation) -> tuple[str, ...]:
    if action in ("change-reservation", "choose-operator"):
        return tuple(
            gettext(
                "%(what)s: %(was)s → %(became)s",
                what=FIELDS[name],
                was=value_in_words(name, change[0], reservation),
                became=value_in_words(name, change[1], reservation),
            )
            for name, change in detail.items()
            if name in FIELDS and isinstance(change, list) and len(change) == 2
        )
    told = []
    if action == "extend-reservation":
        was, became = (value_in_words("ends_at", each, reservation) for each in detail["ends_at"])
        told.append(
            gettext(
                "%(what)s: %(was)s → %(became)s", what=FIELDS["ends_at"], was=was, became=became
            )
        )
    if used := detail.get("used"):
        start, end = (datetime.fromisoformat(each) for each in used)
        span = time_range(Interval(start, end), zone_of(reservation.instrument))
        told.append(gettext("Used: %(time)s", time=span))
    if detail.get("by_rule"):
        told.append(
            gettext(
                "Nobody had checked in by %(time)s.",
                time=value_in_words("ends_at", detail["by_rule"], reservation),
            )
        )
    if other := detail.get("for"):
        told.append(gettext("In place of %(name)s", name=other))
    if person := detail.get("participant") or detail.get("person"):
        told.append(person)
    if proposed := detail.get("proposed"):
        start, end = (datetime.fromisoformat(each) for each in proposed)
        told.append(time_range(Interval(start, end), zone_of(reservation.instrument)))
    told += [detail[said] for said in ("question", "answer") if detail.get(said)]
    if reason := detail.get("reason"):
        told.append(gettext("Reason: %(reason)s", reason=reason))
    return tuple(told)


def value_in_words(name: str, value: Any, reservation: Reservation) -> str:
    """A value of the audit trail as people read it."""
    if not value and value != 0:
        return str(gettext("nothing"))
    if name in {"starts_at", "ends_at"}:
        return local_time(datetime.fromisoformat(value), zone_of(reservation.instrument))
    if name == "fee":
        return won(value)
    if name == "status":
        return localized(STATUS_NAMES[Status(value)])
    if name == "refusals_overridden":
        return " ".join(localized(CODES[code]) for code in value)
    if name == "shares":
        return ", ".join(f"{each['account']} {each['percent']}%" for each in value)
    if name == "answers":
        return ", ".join(answer_files.names_for(value.values()))
    return str(value)
