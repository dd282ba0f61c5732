"""Research groups of the demonstration: laboratories with their people, one who asks to join."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from app.accounts.models import Institution, User
from app.db import db
from app.projects.models import Belonging, GroupMembership, ResearchGroup

_YEAR = timedelta(days=365)


@dataclass(frozen=True, slots=True)
class _Laboratory:
    institution: str  # slug
    name_ko: str
    name_en: str
    leader: str  # what stands before @example.org
    members: tuple[str, ...]
    asked: tuple[str, ...] = ()
    invited: tuple[str, ...] = ()


_LABORATORIES = (
    _Laboratory(
        "kaist",
        "종양면역 연구실",
        "Tumour Immunology Laboratory",
        "haeun.shin",
        ("minseo.kim", "jiwoo.park", "linh.nguyen", "yejun.hwang"),
        asked=("chaewon.yu",),
        invited=("sofia.marin",),
    ),
    _Laboratory(
        "kaist",
        "생체재료 연구실",
        "Biomaterials Laboratory",
        "seoyeon.choi",
        ("doyun.jung", "theo.berg", "amara.okafor"),
    ),
    _Laboratory(
        "cnu",
        "정밀의료 연구실",
        "Precision Medicine Laboratory",
        "eunji.song",
        ("junho.lee", "hyunwoo.jang", "sofia.marin", "gaeun.moon"),
        asked=("taeyang.kwon",),
    ),
    _Laboratory(
        "cnuh",
        "혈액종양 중개연구실",
        "Translational Haemato-oncology Group",
        "jiho.son",
        ("nayeon.baek", "priya.raman", "minjun.heo"),
    ),
    _Laboratory(
        "yesi-bio",
        "항체공정팀",
        "Antibody Process Team",
        "donghyun.noh",
        ("yuri.ha",),
    ),
)


def gather(
    institutions: Mapping[str, Institution], users: Mapping[str, User], now: datetime
) -> list[ResearchGroup]:
    """Make the laboratories, as far as their institutions and people are there."""
    made = []
    for lab in _LABORATORIES:
        leader = users.get(f"{lab.leader}@example.org")
        if leader is None or lab.institution not in institutions:
            continue
        group = ResearchGroup(
            institution_id=institutions[lab.institution].id,
            name_ko=lab.name_ko,
            name_en=lab.name_en,
            leader=leader,
            made_at=now - _YEAR,
            made_by_id=leader.id,
        )
        made.append(group)
        rows = [
            *((name, Belonging.MEMBER) for name in lab.members),
            *((name, Belonging.ASKED) for name in lab.asked),
            *((name, Belonging.INVITED) for name in lab.invited),
        ]
        for name, belonging in rows:
            user = users[f"{name}@example.org"]
            invited = belonging is Belonging.INVITED
            member = belonging is Belonging.MEMBER
            db.session.add(
                GroupMembership(
                    group=group,
                    user=None if invited else user,
                    email=user.email if invited else None,
                    belonging=belonging,
                    made_at=now - _YEAR if member else now - timedelta(days=2),
                    starts_on=(now - _YEAR).date() if member else None,
                )
            )
    db.session.add_all(made)
    db.session.flush()
    return made
