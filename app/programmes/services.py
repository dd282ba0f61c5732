"""Use cases of sponsor funds: made, changed, closed."""

import re
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import select, update

from app.accounts import access
from app.accounts import queries as people
from app.accounts.access import Action, Scope
from app.accounts.acts import filled, invalid
from app.accounts.models import Institution, User
from app.audit import services as audit
from app.db import db, table_of, transaction
from app.domain.booking import Mode
from app.domain.errors import Invalid, Text, WrongState
from app.programmes import queries
from app.programmes.models import ConditionKind, FundCondition, SponsorFund

#: In won; as for the budget of a funding account.
MOST = 10**16
#: So many people are named one by one; more are a group of their own.
MOST_PEOPLE = 500
LAST_RANK = 1_000
CAPS = ("cap_use", "cap_person", "cap_month", "cap_whole")
_SLUG = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class FundPlan:
    """A fund as it is to be."""

    name_ko: str
    name_en: str
    percent: int
    starts_on: date
    ends_on: date
    rank: int = 1
    cap_use: int | None = None
    cap_person: int | None = None
    cap_month: int | None = None
    cap_whole: int | None = None
    institutions: frozenset[str] = frozenset()  # slugs; none named: all
    techniques: frozenset[str] = frozenset()
    modes: frozenset[Mode] = frozenset()
    people: tuple[str, ...] = field(default=())  # addresses


def make_fund(
    user: User, sponsor: Institution, slug: str, plan: FundPlan, *, now: datetime
) -> SponsorFund:
    """Set up a fund of a sponsor; from then on it pays by itself for whom it is."""
    with transaction():
        user = db.session.get_one(User, user.id)
        access.require(user, Action.KEEP_FUND, Scope(institution_id=sponsor.id))
        if len(slug) > 64 or not _SLUG.fullmatch(slug):
            raise invalid(
                "slug",
                "영어 소문자와 숫자, 붙임표로 적어 주세요. 예: daejeon-voucher-2026",
                "Write small letters, digits and hyphens, such as daejeon-voucher-2026.",
            )
        if db.session.scalar(select(SponsorFund.id).where(SponsorFund.slug == slug)):
            raise invalid(
                "slug", "이미 쓰고 있는 이름입니다.", "There is a fund with this name already."
            )
        fund = SponsorFund(slug=slug, sponsor_id=sponsor.id, made_at=now)
        _apply(plan, fund)
        db.session.add(fund)
        db.session.flush()
        _note("make-fund", fund, user, now, **_visible(fund))
    return fund


def change_fund(user: User, slug: str, plan: FundPlan, *, now: datetime) -> SponsorFund:
    """Change what a fund pays from now on; what it has promised already stays promised."""
    with transaction():
        fund, user = _kept(user, slug)
        _require_open(fund)
        before = _visible(fund)
        _apply(plan, fund)
        db.session.flush()
        after = _visible(fund)
        if changes := {k: [before[k], v] for k, v in after.items() if before[k] != v}:
            _note("change-fund", fund, user, now, **changes)
    return fund


def close_fund(user: User, slug: str, *, now: datetime) -> SponsorFund:
    """Promise nothing more from a fund. What it has promised, it still pays."""
    with transaction():
        fund, user = _kept(user, slug)
        _require_open(fund)
        fund.closed_at = now
        _note("close-fund", fund, user, now)
    return fund


def _kept(user: User, slug: str) -> tuple[SponsorFund, User]:
    """The fund, locked for this transaction, for those who keep it."""
    rows = table_of(SponsorFund)
    db.session.connection().execute(
        update(rows).where(rows.c.slug == slug).values(version=rows.c.version + 1)
    )
    user = db.session.get_one(User, user.id)
    return queries.fund_by_slug(user, slug, anew=True), user


def _require_open(fund: SponsorFund) -> None:
    if fund.closed_at:
        raise WrongState(Text("이미 마감한 지원금입니다.", "That fund is closed already."))


def _apply(plan: FundPlan, fund: SponsorFund) -> None:
    _check(plan)
    fund.name_ko = filled(plan.name_ko, "name_ko")
    fund.name_en = filled(plan.name_en, "name_en")
    for name in ("percent", "starts_on", "ends_on", "rank", *CAPS):
        setattr(fund, name, getattr(plan, name))
    wanted = {
        ConditionKind.INSTITUTION: plan.institutions,
        ConditionKind.TECHNIQUE: plan.techniques,
        ConditionKind.MODE: {mode.value for mode in plan.modes},
        ConditionKind.PERSON: _ids_of(plan.people),
    }
    asked = {(kind, value) for kind, values in wanted.items() for value in values}
    kept = [each for each in fund.conditions if (each.kind, each.value) in asked]
    new = asked - {(each.kind, each.value) for each in kept}
    fund.conditions = kept + [FundCondition(kind=k, value=v) for k, v in sorted(new)]


def _check(plan: FundPlan) -> None:
    """Raise `Invalid` with all that makes no sense."""
    wrong: dict[str, Text] = {}
    if not 1 <= plan.percent <= 100:
        wrong["percent"] = Text("1에서 100까지의 정수로 적어 주세요.", "Write 1 to 100.")
    if not 1 <= plan.rank <= LAST_RANK:
        wrong["rank"] = Text(
            f"1에서 {LAST_RANK}까지의 정수로 적어 주세요.", f"Write 1 to {LAST_RANK}."
        )
    if plan.ends_on < plan.starts_on:
        wrong["ends_on"] = Text(
            "마지막 날이 시작일보다 앞섭니다.", "The last day lies before the first."
        )
    for name in CAPS:
        cap = getattr(plan, name)
        if cap is not None and not 0 <= cap <= MOST:
            wrong[name] = Text(
                "0원 이상, 1경 원 이하로 적어 주세요.",
                "Write an amount between 0 and 10,000,000,000,000,000 won.",
            )
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)


def _ids_of(addresses: tuple[str, ...]) -> set[str]:
    """The keys of the people with these addresses; raises `Invalid` with those nobody has."""
    if len(addresses) > MOST_PEOPLE:
        raise invalid(
            "people",
            f"{MOST_PEOPLE}명까지 적을 수 있습니다.",
            f"At most {MOST_PEOPLE} people can be named.",
        )
    known = people.users_by_email(addresses)
    if missing := [each for each in addresses if each not in known]:
        shown = ", ".join(each[:60] for each in missing[:5])
        raise invalid(
            "people",
            f"두레에 계정이 없는 주소입니다: {shown}. 확인해 주세요.",
            f"Nobody has an account by this address: {shown}. Check it.",
        )
    return {str(known[each].id) for each in addresses}


def _visible(fund: SponsorFund) -> dict[str, object]:
    said: dict[str, object] = {
        name: getattr(fund, name) for name in ("name_ko", "name_en", "percent", "rank", *CAPS)
    }
    said |= {"starts_on": fund.starts_on.isoformat(), "ends_on": fund.ends_on.isoformat()}
    return said | {kind.value: sorted(fund.values(kind)) for kind in ConditionKind}


def _note(act: str, fund: SponsorFund, user: User, now: datetime, **detail: object) -> None:
    audit.record(act, "sponsor-fund", fund.slug, actor_id=user.id, now=now, detail=detail)
