"""What is promised for reservations, by sponsor funds and of budgets: quoted, held, freed."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import zone_of
from app.db import db
from app.domain.booking import BookingRequest
from app.domain.errors import Invalid, Text
from app.domain.quote import Quote
from app.programmes import holding
from app.programmes.holding import Purse
from app.projects import budgets
from app.reservations import paying
from app.reservations.models import Reservation
from app.reservations.turns import touch_calendar


def purse(
    instrument: Instrument, holder: User, now: datetime, besides: Sequence[int] = ()
) -> Purse:
    """The funds for the holder, ours until the transaction ends.

    The calendars are ours already, and the holder's: people before funds, as everyone does, so
    that nobody waits for ever.
    """
    return holding.purse_of(instrument, holder, now=now, lock=True, besides=besides)


def with_funds(
    quote: dict[str, Any] | None, purse: Purse, request: BookingRequest
) -> dict[str, Any] | None:
    """A quote as a reservation keeps it, with what the funds give."""
    if quote is None or not purse.funds:
        return quote
    given = purse.gives(Quote.from_json(quote), request.interval, request.mode)
    return given.paid_by(request.shares).as_json()


def renew(
    reservations: Sequence[Reservation],
    quotes: Mapping[int, dict[str, Any] | None],
    now: datetime,
    *,
    refuse: bool = True,
) -> None:
    """Give them these quotes, with what the funds give; all are of one person and instrument.

    What was held for them before is free for them first. Raises `BookingRefused` where a budget
    does not cover it, unless it is not to `refuse`.
    """
    first = reservations[0]
    before = [each.quote for each in reservations]
    touch_calendar(first.holder.id)
    mine = purse(first.instrument, first.holder, now, [each.id for each in reservations])
    for each in reservations:
        asked = BookingRequest(
            first.instrument.slug,
            each.reserved,
            mode=each.mode,
            shares=paying.shares_from(each.shares),
        )
        each.quote = with_funds(quotes[each.id], mine, asked)
    db.session.flush()
    _hold(reservations, [*before, *(each.quote for each in reservations)], now, refuse=refuse)


def hold(reservations: Sequence[Reservation], now: datetime) -> None:
    """Hold what their quotes say; raises `BookingRefused` where a budget does not cover it."""
    _hold(reservations, [each.quote for each in reservations], now, refuse=True)


def _hold(
    reservations: Sequence[Reservation],
    quotes: Sequence[dict[str, Any] | None],
    now: datetime,
    *,
    refuse: bool,
) -> None:
    """Funds before budgets, as everyone does. Nothing is written where `quotes` promise nothing."""
    zone = zone_of(reservations[0].instrument)
    if any(map(holding.given_by, quotes)):
        holding.hold(reservations, zone)
    if any(map(budgets.paid_by, quotes)):
        budgets.hold(reservations, zone, now, refuse=refuse)


def free(reservation: Reservation) -> None:
    """Give back what was held for a reservation that is no more."""
    if holding.given_by(reservation.quote):
        holding.release([reservation.id])
    if budgets.paid_by(reservation.quote):
        budgets.release([reservation.id])


def refuse_unagreed(request: BookingRequest, quotes: Sequence[dict[str, Any] | None]) -> None:
    """Raise `Invalid` where it would cost more, or be given less, than whoever asks counts on."""
    known = [Quote.from_json(each) if each else None for each in quotes]
    refuse_without_fund(request, known)
    due = sum(each.due for each in known if each)
    if request.most is None or due <= request.most:
        return
    text = Text(
        f"그사이 낼 금액이 {request.most:,}원에서 {due:,}원으로 바뀌었습니다. 다른 예약이 지원금을 "
        "썼거나 이용단가가 바뀌었습니다. 이 금액으로 예약하려면 다시 보내 주세요.",
        f"The price has changed meanwhile: you would pay {due:,} won, not {request.most:,}. Others "
        "used the fund, or the rates changed. Send it again to reserve at this price.",
    )
    raise Invalid(text, {"most": text})


def refuse_without_fund(request: BookingRequest, quotes: Sequence[Quote | None]) -> None:
    """Raise `Invalid` where the fund that is named gives nothing, be it for one date of many."""
    gives = [each and {fund.fund for fund in each.funds if fund.amount} for each in quotes]
    if not request.fund or all(each and request.fund in each for each in gives):
        return
    text = Text(
        f"{request.fund}: 이 예약에 쓸 수 있는 지원금이 아니거나 한도가 남아 있지 않습니다. "
        "이용료와 지원 내용을 확인하거나 fund를 빼고 다시 보내 주세요.",
        f"{request.fund}: this fund gives nothing for this reservation, or has nothing left. Look "
        "at its quote for what others give, or send it without a fund.",
    )
    raise Invalid(text, {"fund": text})
