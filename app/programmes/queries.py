"""Reads of sponsor funds."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.models import Institution, User
from app.db import db
from app.domain.errors import NotFound, Text
from app.domain.subsidy import Caps, Fund
from app.programmes.models import ConditionKind, FundHold, SponsorFund

_WHOLE = (joinedload(SponsorFund.sponsor), selectinload(SponsorFund.conditions))


def scope_of(fund: SponsorFund) -> Scope:
    """Whose it is: the sponsor's."""
    return Scope(institution_id=fund.sponsor_id)


def funds() -> Sequence[SponsorFund]:
    """All funds in the order in which they pay, those that are closed last."""
    return db.session.scalars(
        select(SponsorFund)
        .options(*_WHOLE)
        .order_by(SponsorFund.closed_at.is_not(None), SponsorFund.rank, SponsorFund.id)
    ).all()


def fund_by_slug(user: User, slug: str, *, anew: bool = False) -> SponsorFund:
    """The fund for those who keep it; raises `NotFound` for all others."""
    found = db.session.scalar(
        select(SponsorFund)
        .where(SponsorFund.slug == slug)
        .options(*_WHOLE)
        .execution_options(populate_existing=anew)
    )
    if found is None or not access.may(user, Action.KEEP_FUND, scope_of(found)):
        raise NotFound(
            Text("해당 지원금을 찾을 수 없습니다.", "There is no such fund. Look at the list.")
        )
    return found


def sponsors(user: User) -> list[Institution]:
    """The institutions whose funds the user may keep."""
    found = db.session.scalars(
        select(Institution).where(Institution.retired_at.is_(None)).order_by(Institution.slug)
    )
    return [
        each for each in found if access.may(user, Action.KEEP_FUND, Scope(institution_id=each.id))
    ]


def people_of(fund: SponsorFund) -> Sequence[User]:
    """The people whom it names, by their addresses."""
    ids = [int(each) for each in fund.values(ConditionKind.PERSON)]
    if not ids:
        return ()
    return db.session.scalars(select(User).where(User.id.in_(ids)).order_by(User.email)).all()


def as_rule(fund: SponsorFund) -> Fund:
    """The fund as the rules know it."""
    asked = {each.kind for each in fund.conditions}
    return Fund(
        slug=fund.slug,
        percent=fund.percent,
        caps=Caps(
            use=fund.cap_use, person=fund.cap_person, period=fund.cap_month, whole=fund.cap_whole
        ),
        first=fund.starts_on,
        last=fund.ends_on,
        only={kind.value: frozenset(fund.values(kind)) for kind in asked},
    )


@dataclass(slots=True)
class Line:
    """What a fund holds and has paid for somebody in a month, or for all in it."""

    held: int = 0
    taken: int = 0
    uses: int = 0

    @property
    def given(self) -> int:
        return self.held + self.taken

    def count(self, row: FundHold) -> None:
        self.uses += 1
        if row.taken:
            self.taken += row.amount
        else:
            self.held += row.amount


@dataclass(slots=True)
class Balance:
    """What became of a fund's money: in all, by month and person, by institution."""

    whole: int | None  # none: it has no limit
    all: Line = field(default_factory=Line)
    months: dict[tuple[date, User], Line] = field(default_factory=dict)
    institutions: Counter[Institution] = field(default_factory=Counter)

    @property
    def left(self) -> int | None:
        return None if self.whole is None else max(0, self.whole - self.all.given)

    def count(self, rows: Iterable[FundHold]) -> None:
        for row in rows:
            key = row.day.replace(day=1), row.user
            for line in (self.all, self.months.setdefault(key, Line())):
                line.count(row)
            if row.institution:
                self.institutions[row.institution] += row.amount


def balance_of(fund: SponsorFund) -> Balance:
    """What the fund holds, has paid and has left; newest month first, people by name."""
    found = Balance(fund.cap_whole)
    rows = db.session.scalars(
        select(FundHold)
        .where(FundHold.fund_id == fund.id)
        .options(joinedload(FundHold.user), joinedload(FundHold.institution))
    ).all()
    rows = sorted(rows, key=lambda row: (-row.day.toordinal() + row.day.day, row.user.name, row.id))
    found.count(rows)
    return found
