"""What a request that is approved anew differs in from what was approved, read from its trail."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask_babel import gettext
from sqlalchemy import select

from app.audit.models import AuditRow
from app.catalog.policy import zone_of
from app.db import db
from app.domain.approval import Status
from app.domain.interval import Interval
from app.domain.permits import is_uid
from app.files.models import StoredFile
from app.files.queries import by_uids
from app.reservations.answer_fields import said_in_words
from app.reservations.history import FIELDS, value_in_words
from app.reservations.models import Reservation
from app.web.pages import time_range

#: After these it may be confirmed; whether it was, tells the change that ended it.
_CONFIRM = frozenset({"request-reservation", "approve-reservation", "accept-offer", "take-over"})
_AGREE, _CHANGE = "agree-to-reservation", "change-reservation"
#: From here on it is another person's: what was said before was of who held it then.
_TAKEN_OVER = "take-over"
#: In the order in which they are read; the time goes before them as one.
_SHOWN = ("samples", "purpose", "answers", "note", "fee")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing: as it was approved, and as it is asked for now."""

    what: str
    was: str
    now: str


def differences(reservations: Iterable[Reservation]) -> dict[int, list[Difference]]:
    """Of each that was approved and changed since, by its id: what differs; in few statements."""
    wanted = {each.uid: each for each in reservations}
    if not wanted:
        return {}
    trails: dict[str, list[tuple[str, Mapping[str, Any]]]] = {uid: [] for uid in wanted}
    rows = db.session.execute(
        select(AuditRow.subject, AuditRow.action, AuditRow.detail)
        .where(
            AuditRow.kind == "reservation",
            AuditRow.subject.in_(wanted),
            AuditRow.action.in_((*_CONFIRM, _AGREE, _CHANGE)),
        )
        .order_by(AuditRow.id)
    )
    for uid, action, detail in rows:
        if action == _TAKEN_OVER:
            trails[uid].clear()
        trails[uid].append((action, detail))
    before = {uid: _was(trail) for uid, trail in trails.items()}
    files = _files(wanted, before)
    found = {each.id: _in_words(each, before[uid], files) for uid, each in wanted.items()}
    return {key: told for key, told in found.items() if told}


def _files(
    wanted: Mapping[str, Reservation], before: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, StoredFile]:
    """Those among the answers that changed, then and now; one statement more where there are."""
    uids = {
        said
        for uid, was in before.items()
        if "answers" in was
        for said in (*(was["answers"] or {}).values(), *wanted[uid].answers.values())
        if is_uid(said)
    }
    return by_uids(uids) if uids else {}


def _was(trail: Sequence[tuple[str, Mapping[str, Any]]]) -> dict[str, Any]:
    """The values that were approved and have changed since; none if nothing was."""
    changed = [at for at, (action, _) in enumerate(trail) if action == _CHANGE]
    left = [at for at in changed if trail[at][1].get("status", [""])[0] == Status.CONFIRMED]
    # Confirmed as a whole counts for more than what one stage had said.
    actions, before = (_CONFIRM, left) if left else ({_AGREE}, changed)
    if not before:
        return {}
    agreed = [at for at, (action, _) in enumerate(trail[: before[-1]]) if action in actions]
    if not agreed:
        return {}
    was: dict[str, Any] = {}
    for at in changed:
        if at > agreed[-1]:
            for name, change in trail[at][1].items():
                if isinstance(change, list) and len(change) == 2:
                    was.setdefault(name, change[0])
    return was


def _in_words(
    reservation: Reservation, was: Mapping[str, Any], files: Mapping[str, StoredFile]
) -> list[Difference]:
    told = []
    if {"starts_at", "ends_at"} & set(was):
        start, end = (
            datetime.fromisoformat(was[name]) if name in was else getattr(reservation, name)
            for name in ("starts_at", "ends_at")
        )
        before = Interval(start, end)
        if before != reservation.interval:
            zone = zone_of(reservation.instrument)
            spans = (time_range(each, zone) for each in (before, reservation.interval))
            told.append(Difference(gettext("Time"), *spans))
    for name in _SHOWN:
        present = (reservation.quote or {}).get("total") if name == "fee" else None
        present = present if name == "fee" else getattr(reservation, name, None)
        if name == "answers" and name in was:
            told += _answers(reservation, was[name] or {}, files)
        elif name in was and was[name] != present:
            words = (value_in_words(name, each, reservation) for each in (was[name], present))
            told.append(Difference(str(FIELDS[name]), *words))
    return told


def _answers(
    reservation: Reservation, was: Mapping[str, str], files: Mapping[str, StoredFile]
) -> list[Difference]:
    """Each question whose answer is another now; files side by side, to be opened."""
    before, after = (
        dict(said_in_words(reservation, reservation.asked, said, files))
        for said in (was, reservation.answers)
    )
    nothing = gettext("nothing")
    return [
        Difference(asked, before.get(asked, nothing), after.get(asked, nothing))
        for asked in {**before, **after}
        if before.get(asked) != after.get(asked)
    ]
