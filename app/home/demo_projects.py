"""A joint project of the demonstration, with accounts of a university each and a company."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from fractions import Fraction
from typing import Any

from sqlalchemy import insert, select

from app.accounts.models import Institution, User
from app.accounts.today import home_zone
from app.db import db, table_of
from app.domain.approval import HOLDING
from app.domain.local_time import day_of
from app.domain.shares import DECIMALS, Share
from app.projects.budgets import paid_by
from app.projects.models import (
    AccountHold,
    AccountUser,
    Consent,
    FundingAccount,
    Project,
    ProjectMember,
    ProjectShare,
)
from app.reservations.models import Reservation

#: Number, institution, who holds it, Korean and English name, funder, won, percent of the project.
_ACCOUNTS = (
    (
        "RS-2026-00012",
        "kaist",
        "haeun.shin",
        "종양미세환경 단일세포 분석",
        "Single-cell atlas of tumours",
        "한국연구재단",
        480_000_000,
        50,
    ),
    (
        "CNU-2026-017",
        "cnu",
        "eunji.song",
        "정밀의료 임상 중개연구",
        "Clinical translation of precision medicine",
        "보건복지부",
        220_000_000,
        30,
    ),
    (
        "YESI-2026-03",
        "yesi-bio",
        "donghyun.noh",
        "항체 후보물질 공동개발",
        "Joint development of antibody candidates",
        "예시바이오",
        150_000_000,
        20,
    ),
)
_OWN = (
    "RS-2025-00871",
    "kaist",
    "seoyeon.choi",
    "생체재료 표면 특성 연구",
    "Surfaces of biomaterials",
    "한국연구재단",
    60_000_000,
)
_MEMBERS = (
    "minseo.kim",
    "jiwoo.park",
    "junho.lee",
    "hyunwoo.jang",
    "yuri.ha",
    "eunji.song",
    "donghyun.noh",
)


#: What the members of the project charge to those who have agreed.
_SPLIT = (Share("RS-2026-00012", Fraction(60)), Share("CNU-2026-017", Fraction(40)))


def fund(
    institutions: Mapping[str, Institution], users: Mapping[str, User], now: datetime
) -> dict[int, tuple[Share, ...]]:
    """Register the accounts, and let the project split its costs over them.

    Who charges which accounts, by the ids of people.
    """
    people = {address.partition("@")[0]: user for address, user in users.items()}
    if not all(each[1] in institutions and each[2] in people for each in (*_ACCOUNTS, _OWN)):
        return {}
    first, last = date(now.year - 1, 3, 1), date(now.year + 2, 2, 28)
    project = Project(
        uid="d0c5e7a1b2f34e6f9a8b7c6d5e4f3a21",
        institution_id=institutions["kaist"].id,
        name_ko="종양면역 공동연구",
        name_en="Tumour Immunology Consortium",
        leader=people["haeun.shin"],
        institutions=[institutions["cnu"], institutions["yesi-bio"]],
        starts_on=first,
        ends_on=last,
        made_at=now,
    )
    db.session.add(project)
    db.session.flush()
    for name in _MEMBERS:
        db.session.add(ProjectMember(project_id=project.id, user_id=people[name].id, added_at=now))
    for place, (*given, percent) in enumerate(_ACCOUNTS):
        account = _account(institutions, people, tuple(given), (first, last), now)
        account.project_id = project.id
        agreed = place < 2  # The company is still to say.
        db.session.add(
            ProjectShare(
                project_id=project.id,
                account=account,
                parts=percent * 10**DECIMALS,
                takes_remainder=place == 0,
                consent=Consent.STANDING if agreed else None,
                agreed_at=now if agreed else None,
                agreed_by_id=account.holder.id if agreed else None,
            )
        )
    own = _account(institutions, people, _OWN, (first, last), now)
    db.session.flush()
    for name in ("doyun.jung", "theo.berg"):
        db.session.add(AccountUser(account_id=own.id, user_id=people[name].id, added_at=now))
    db.session.flush()
    alone = (Share(own.number, Fraction(100)),)
    payers = {people[name].id: _SPLIT for name in ("haeun.shin", *_MEMBERS)}
    return payers | {people[name].id: alone for name in ("seoyeon.choi", "doyun.jung", "theo.berg")}


def hold(rows: Sequence[Mapping[str, Any]]) -> None:
    """Hold of the budgets what the rows of reservations say."""
    held = [each for each in rows if each["shares"] and each["status"] in HOLDING]
    ids = dict(
        db.session.execute(
            select(Reservation.uid, Reservation.id).where(
                Reservation.uid.in_([each["uid"] for each in held])
            )
        ).all()
    )
    by_number = dict(db.session.execute(select(FundingAccount.number, FundingAccount.id)).all())
    zone = home_zone()
    found = [
        {
            "account_id": by_number[number],
            "reservation_id": ids[each["uid"]],
            "user_id": each["holder_id"],
            "day": day_of(each["starts_at"], zone),
            "amount": amount,
            "taken": False,
        }
        for each in held
        for number, amount in paid_by(each["quote"]).items()
    ]
    if found:
        db.session.connection().execute(insert(table_of(AccountHold)), found)


def _account(
    institutions: Mapping[str, Institution],
    people: Mapping[str, User],
    given: tuple[object, ...],
    days: tuple[date, date],
    now: datetime,
) -> FundingAccount:
    number, institution, holder, name_ko, name_en, funder, budget = given
    account = FundingAccount(
        number=number,
        institution_id=institutions[str(institution)].id,
        holder=people[str(holder)],
        name_ko=name_ko,
        name_en=name_en,
        funder=funder,
        budget=budget,
        starts_on=days[0],
        ends_on=days[1],
        made_at=now,
    )
    db.session.add(account)
    return account
