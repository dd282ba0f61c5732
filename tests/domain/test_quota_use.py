"""What somebody who decides reads of quotas: what is held, this reservation with it."""

from datetime import timedelta

from app.domain.quota import Quota, Whose, Within
from app.domain.quota_use import used
from tests.domain.test_booking import NOW, SEOUL
from tests.domain.test_quotas import at, held

HOUR = timedelta(hours=1)


def of(quota: Quota, *others):
    """What is held of a quota by who asks for two hours on Tuesday; and whether it is too much."""
    found = used([quota], at(10, 12), others, now=NOW, zone=SEOUL)
    return [(each.held, each.most, each.is_over) for each in found]


def test_hours_count_up_to_the_limit_and_not_over_it():
    week = Quota(per=Whose.PERSON, within=Within.WEEK, hours=5 * HOUR)
    assert of(week, *held(at(10, 13, 1))) == [(5 * HOUR, 5 * HOUR, False)]
    assert of(week, *held(at(10, 14, 1))) == [(6 * HOUR, 5 * HOUR, True)]
    assert of(week, *held(at(10, 14, 7))) == [(2 * HOUR, 5 * HOUR, False)]


def test_numbers_are_of_reservations():
    day = Quota(per=Whose.PERSON, within=Within.DAY, number=2)
    assert of(day, *held(at(1, 2), at(3, 4))) == [(3, 2, True)]


def test_what_others_hold_does_not_count():
    day = Quota(per=Whose.PERSON, within=Within.DAY, hours=4 * HOUR)
    assert of(day, *held(at(1, 3), person=False)) == [(2 * HOUR, 4 * HOUR, False)]
