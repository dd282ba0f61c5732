"""What funds give for a person's uses of an instrument; held with a reservation, freed with it."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import case, delete, func, insert, select, update
from sqlalchemy.orm import joinedload

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import affiliation_on, zone_of
from app.db import db, table_of
from app.domain.booking import Mode
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import day_of
from app.domain.quote import Given, Quote
from app.domain.subsidy import Fund, Spent, reason_against, sponsored
from app.programmes.models import ConditionKind, FundHold, SponsorFund
from app.programmes.queries import as_rule

_holds = table_of(FundHold)
_funds = table_of(SponsorFund)


@dataclass(slots=True)
class Purse:
    """The funds that may give for one person's uses of an instrument, in their order.

    What it gives for one date it gives for no other.
    """

    zone: ZoneInfo
    facts: Mapping[str, frozenset[str]]
    funds: Sequence[tuple[SponsorFund, Fund]] = ()
    _whole: Counter[str] = field(default_factory=Counter)
    _person: Counter[str] = field(default_factory=Counter)
    _month: Counter[tuple[str, date]] = field(default_factory=Counter)

    def gives(self, quoted: Quote, interval: Interval, mode: Mode) -> Quote:
        """The quote with what each fund gives of it; those that never would are left out."""
        if not self.funds or quoted.total <= 0:
            return replace(quoted, funds=())
        day = day_of(interval.start, self.zone)
        month = day.replace(day=1)
        facts = {**self.facts, ConditionKind.MODE.value: frozenset({mode.value})}
        fit = [pair for pair in self.funds if reason_against(pair[1], facts, day) is None]
        asked = [(rule, self._spent(rule.slug, month)) for _, rule in fit]
        found = sponsored(quoted.total, asked, facts, day)
        for each in found:
            self._count(each.fund, month, each.amount)
        return replace(
            quoted,
            funds=tuple(
                Given(
                    fund=fund.slug,
                    sponsor=fund.sponsor.slug,
                    name=Text(fund.name_ko, fund.name_en),
                    percent=fund.percent,
                    amount=each.amount,
                    left=each.left,
                )
                for (fund, _), each in zip(fit, found, strict=True)
                if each.amount or each.why_not
            ),
        )

    def _spent(self, slug: str, month: date) -> Spent:
        return Spent(
            person=self._person[slug], period=self._month[slug, month], whole=self._whole[slug]
        )

    def _count(self, slug: str, month: date, amount: int, *, own: int | None = None) -> None:
        self._whole[slug] += amount
        self._person[slug] += amount if own is None else own
        self._month[slug, month] += amount

    def read_spent(self, person: User, besides: Collection[int]) -> None:
        """Count what the funds hold and have paid for other reservations."""
        slugs = {fund.id: fund.slug for fund, _ in self.funds}
        own = func.sum(case((_holds.c.user_id == person.id, _holds.c.amount), else_=0))
        rows = db.session.connection().execute(
            select(_holds.c.fund_id, _holds.c.day, func.sum(_holds.c.amount), own)
            .where(_holds.c.fund_id.in_(slugs), _holds.c.reservation_id.not_in(besides))
            .group_by(_holds.c.fund_id, _holds.c.day)
        )
        for fund_id, day, amount, mine in rows:
            self._count(slugs[fund_id], day.replace(day=1), int(amount), own=int(mine))


def purse_of(
    instrument: Instrument,
    person: User,
    *,
    now: datetime,
    lock: bool = False,
    besides: Collection[int] = (),
) -> Purse:
    """What there is for the person; with `lock`, nobody else is given of it meanwhile.

    `besides`: reservations that are to be held for anew. The calendars, and the person's, are
    locked before the funds; the funds in the order of their ids.
    """
    zone = zone_of(instrument)
    today = day_of(now, zone)
    affiliation = affiliation_on(person, today)
    open_ = _open(today)
    facts = {
        ConditionKind.PERSON.value: frozenset({str(person.id)}),
        ConditionKind.INSTITUTION.value: frozenset(
            {affiliation.institution.slug} if affiliation else ()
        ),
    }
    if any(fund.values(ConditionKind.TECHNIQUE) for fund in open_):
        slugs = frozenset(each.slug for each in instrument.techniques)
        facts[ConditionKind.TECHNIQUE.value] = slugs
    purse = Purse(zone, facts, _for(open_, facts))
    if lock and purse.funds:
        ids = sorted(fund.id for fund, _ in purse.funds)
        for each in ids:
            _take_turn(each)
        purse.funds = _for(_open(today, ids), facts)  # As they are now that they are ours.
    if purse.funds:
        purse.read_spent(person, besides)
    return purse


def _open(today: date, ids: Collection[int] | None = None) -> Sequence[SponsorFund]:
    query = (
        select(SponsorFund)
        .where(SponsorFund.closed_at.is_(None), SponsorFund.ends_on >= today)
        .options(joinedload(SponsorFund.sponsor), joinedload(SponsorFund.conditions))
        .order_by(SponsorFund.rank, SponsorFund.id)
    )
    if ids is not None:
        query = query.where(SponsorFund.id.in_(ids)).execution_options(populate_existing=True)
    return db.session.scalars(query).unique().all()


def _for(
    funds: Iterable[SponsorFund], facts: Mapping[str, frozenset[str]]
) -> list[tuple[SponsorFund, Fund]]:
    """Those that may give, whatever the mode and the day."""
    asked = [(fund, as_rule(fund)) for fund in funds]
    return [
        (fund, rule)
        for fund, rule in asked
        if not any(
            values.isdisjoint(facts.get(kind, ()))
            for kind, values in rule.only.items()
            if kind != ConditionKind.MODE
        )
    ]


def _take_turn(fund_id: int) -> None:
    """Let nobody else give of the fund until this transaction ends.

    A write, not `SELECT … FOR UPDATE`, because SQLite ignores the latter.
    """
    db.session.connection().execute(
        update(_funds).where(_funds.c.id == fund_id).values(version=_funds.c.version + 1)
    )


def hold(reservations: Iterable[Any], zone: ZoneInfo) -> None:
    """Hold what the quotes of these reservations say, and nothing else."""
    rows = list(reservations)
    given = {each.id: given_by(each.quote) for each in rows}
    slugs = {fund["fund"] for funds in given.values() for fund in funds}
    release([each.id for each in rows])
    if not slugs:
        return
    ids = dict(
        db.session.connection()
        .execute(select(_funds.c.slug, _funds.c.id).where(_funds.c.slug.in_(slugs)))
        .all()
    )
    db.session.connection().execute(
        insert(_holds),
        [
            {
                "fund_id": ids[fund["fund"]],
                "reservation_id": each.id,
                "user_id": each.holder_id,
                "institution_id": each.institution_id,
                "day": day_of(each.starts_at, zone),
                "amount": fund["amount"],
                "taken": False,
            }
            for each in rows
            for fund in given[each.id]
        ],
    )


def given_by(quote: Mapping[str, Any] | None) -> list[Mapping[str, Any]]:
    """The funds that give something, as a quote keeps them."""
    return [each for each in (quote or {}).get("fund") or () if each["amount"]]


def release(reservation_ids: Collection[int]) -> None:
    """Free what is held for these reservations; needs no turn."""
    db.session.connection().execute(
        delete(_holds).where(_holds.c.reservation_id.in_(reservation_ids))
    )


def take(reservation_id: int, amounts: Mapping[str, int]) -> None:
    """What the funds pay of a reservation in the end, by their slugs; the rest is free again."""
    rows = db.session.connection().execute(
        select(_holds.c.id, _funds.c.slug)
        .join(_funds, _funds.c.id == _holds.c.fund_id)
        .where(_holds.c.reservation_id == reservation_id)
    )
    for row_id, slug in rows.all():
        db.session.connection().execute(
            update(_holds)
            .where(_holds.c.id == row_id)
            .values(amount=amounts.get(slug, 0), taken=True)
        )


def held_for(reservation_id: int) -> dict[str, int]:
    """What each fund holds for a reservation or has paid of it, by its slug."""
    rows = db.session.connection().execute(
        select(_funds.c.slug, _holds.c.amount)
        .join(_funds, _funds.c.id == _holds.c.fund_id)
        .where(_holds.c.reservation_id == reservation_id)
    )
    return dict(rows.all())
