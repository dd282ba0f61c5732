"""The booking rule about institutions whose bills have long been due."""

from datetime import timedelta

from app.domain.booking_facts import BookingFacts, BookingRequest
from app.domain.errors import Refusal, Text
from app.domain.local_time import day_of


def institution_has_paid(_: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Where the facility refuses them after so many days, counted from the day it was due."""
    grace, since = facts.policy.refuse_overdue_after, facts.overdue_since
    if grace is None or since is None:
        return None
    if day_of(facts.now, facts.zone) < since + timedelta(days=grace):
        return None
    return Refusal(
        "overdue",
        Text(
            f"소속 기관의 이용료가 {since.isoformat()}부터 연체되어 예약할 수 없습니다"
            f"({facts.overdue_reason}). 소속 기관의 담당자에게 납부를 문의해 주세요.",
            f"Your institution's fees have been overdue since {since.isoformat()} "
            f"({facts.overdue_reason}). Please ask your institution's administrator to settle "
            "them; until then nobody of it can reserve here.",
        ),
        f"P{grace}D",
        "instrument",
    )
