"""Commissions: where each step leads, and for which time one without any is judged."""

from dataclasses import replace
from datetime import timedelta
from itertools import product
from zoneinfo import ZoneInfo

import pytest

from app.domain import commission
from app.domain.commission import CommissionState, CommissionStep
from app.domain.errors import WrongState
from app.domain.interval import Interval
from tests.domain.test_booking import POLICY
from tests.factories import NOW, hours

SEOUL = ZoneInfo("Asia/Seoul")
ALLOWED = {
    ("waiting", "change"): "waiting",
    ("waiting", "place"): "placed",
    ("waiting", "decline"): "declined",
    ("waiting", "withdraw"): "withdrawn",
    ("placed", "return"): "waiting",
}


@pytest.mark.parametrize(("state", "step"), list(product(CommissionState, CommissionStep)))
def test_a_step_leads_where_it_says_or_is_refused_with_what_to_do(state, step):
    if led := ALLOWED.get((state, step)):
        assert commission.after(state, step) == led
        return
    with pytest.raises(WrongState) as refused:
        commission.after(state, step)
    assert ("reservation that it became" in refused.value.text.en) == (state == "placed")


@pytest.mark.parametrize(
    ("opened", "duration", "supposed"),
    [
        ([hours(3, 9), hours(1, 2)], None, hours(1, 1.5)),  # as soon as it is open, as short
        (
            [hours(-5, 9)],
            timedelta(hours=4),
            hours(0.25, 4.25),
        ),  # not before the first, on the grid
        ([], None, hours(0.25, 0.75)),  # never open: the rules will say so once it has a time
    ],
)
def test_what_has_no_time_is_judged_by_the_first_that_could_be(opened, duration, supposed):
    policy = replace(POLICY, slot=timedelta(minutes=15), shortest=timedelta(minutes=30))
    first = NOW + timedelta(minutes=7)
    found = commission.supposed(opened, first, duration, policy, SEOUL)
    assert found == Interval(supposed.start, supposed.end)


def test_yesterday_by_the_calendar_of_the_facility_is_one_day():
    late = hours(5.5, 6).start  # 23:30 in Seoul
    assert commission.days_waiting(late, late + timedelta(hours=1), SEOUL) == 1
