"""Which funding accounts pay for a reservation: as asked, as kept, and whether they may."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import zone_of
from app.domain.account_rules import not_theirs
from app.domain.booking_facts import BookingRequest
from app.domain.errors import BookingRefused, Invalid, Text
from app.domain.interval import Interval
from app.domain.local_time import day_of, days_of
from app.domain.paying import NOT_CHARGED, Charged
from app.domain.quote import Quote
from app.domain.rate_card import Unpriced
from app.domain.shares import Share, parse_percent, show_percent
from app.programmes.holding import purse_of
from app.projects import charging
from app.rates.queries import tariff_of


class Charging:
    """What the accounts of a request may pay, at any of its dates; read once."""

    def __init__(
        self,
        instrument: Instrument,
        person: User,
        request: BookingRequest,
        *,
        now: datetime,
        besides: Collection[int] = (),
    ) -> None:
        numbers = [each.account for each in request.shares]
        found = charging.to_charge(person.id, numbers, besides)
        self._accounts = {
            number: replace(account, let=account.let or number in request.agreed)
            for number, account in found.items()
        }
        self._request = request
        self._tariff = tariff_of(instrument, person, now=now)
        self._purse = purse_of(instrument, person, now=now, besides=besides)
        self._dues: dict[Interval, int | None] = {}

    def at(self, interval: Interval, placed: Iterable[Interval] = ()) -> Charged:
        """For one date, where `placed` are others that are asked for together with it."""
        before = [self._due(each) or 0 for each in placed]
        return Charged(
            accounts=self._accounts,
            due=self._due(interval),
            due_before=sum(before),
            dates_before=len(before),
        )

    def _due(self, interval: Interval) -> int | None:
        if interval not in self._dues:
            asked = self._request
            try:
                quoted = self._tariff.quote(interval, asked.mode, asked.samples)
            except Unpriced:
                self._dues[interval] = None
            else:
                self._dues[interval] = self._purse.gives(quoted, interval, asked.mode).due
        return self._dues[interval]


def charging_of(
    instrument: Instrument,
    person: User,
    request: BookingRequest | None,
    *,
    now: datetime,
    besides: Collection[int] = (),
) -> Charging | None:
    """None, and nothing read, where no account is named; `besides`: what is asked for anew."""
    if request is None or not request.shares:
        return None
    return Charging(instrument, person, request, now=now, besides=besides)


def charged_by(
    instrument: Instrument,
    person: User,
    request: BookingRequest | None,
    *,
    now: datetime,
    besides: Collection[int] = (),
) -> Charged:
    """What the rules ask about the accounts of a request."""
    found = charging_of(instrument, person, request, now=now, besides=besides)
    return found.at(request.interval) if found and request else NOT_CHARGED


def left_after(quoted: Quote | None, charged: Charged) -> dict[str, int]:
    """What is left of each budget that is known once a quote is paid, in won, by account."""
    known = {number: each.remaining for number, each in charged.accounts.items()}
    return {
        paid.account: left - paid.amount
        for paid in (quoted.shares if quoted else ())
        if (left := known.get(paid.account)) is not None
    }


def settled(
    request: BookingRequest, holder: User, instrument: Instrument, *, now: datetime
) -> BookingRequest:
    """With the default shares of the project that it names, if it names one.

    Raises `Invalid` for a project that is not the holder's, has no shares, or comes with others.
    """
    if not request.project:
        return request
    if request.shares:
        raise _wrong(
            "shares와 project 가운데 하나만 보내세요.", "Send either shares or project, not both."
        )
    today = day_of(now, zone_of(instrument))
    mine = {each.uid: each for each in charging.projects_in(holder.id, today=today)}
    project = mine.get(request.project)
    if project is None:
        raise _wrong(
            "지금 참여하고 있는 과제가 아닙니다. GET /projects에 있는 과제를 적어 주세요.",
            "This is no running project that the person is in. Name one of GET /projects.",
        )
    shares = default_shares(charging.shares_of(project))
    if not shares:
        raise _wrong(
            "기본 분담 비율이 없는 과제입니다. shares에 계정과 비율을 적어 주세요.",
            "This project has no default shares. Name accounts and percentages as shares.",
        )
    return replace(request, shares=shares, project="")


def default_shares(shares: Sequence[Any]) -> tuple[Share, ...]:
    """A project's shares, that which takes the odd won first."""
    first_remainder = sorted(shares, key=lambda each: not each.takes_remainder)
    return tuple(Share(each.account.number, each.percent) for each in first_remainder)


def _wrong(ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {"project": text})


def use_up(
    request: BookingRequest, charged: Charged, holder: User, instrument: Instrument
) -> BookingRequest:
    """Take the consents that hold for one reservation alone; within the transaction.

    Raises `BookingRefused` where another reservation was faster.
    """
    first, last = days_of(request.interval, zone_of(instrument))
    once = {
        each.account
        for each in request.shares
        if each.account in charged.accounts and charged.accounts[each.account].once(first, last)
    }
    for number in sorted(once):
        if not charging.use_up(holder.id, number, first, last):
            raise BookingRefused([not_theirs(number)])
    return replace(request, agreed=request.agreed | once)


def kept(request: BookingRequest) -> list[dict[str, Any]]:
    """The shares as a reservation keeps them."""
    return [
        {"account": each.account, "percent": show_percent(each.percent)}
        | ({"once": True} if each.account in request.agreed else {})
        for each in request.shares
    ]


def shares_from(kept: Iterable[Mapping[str, Any]]) -> tuple[Share, ...]:
    """The shares that a reservation or a wait keeps."""
    return tuple(Share(each["account"], parse_percent(each["percent"])) for each in kept)


def agreed_in(kept: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The accounts whose holders agreed to this one reservation."""
    return frozenset(each["account"] for each in kept if each.get("once"))
