"""Contracts of use: whose institution needs one, and on which days it holds."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from app.domain.booking import SOFT, refusals
from app.domain.booking import AffiliationClass as Who
from app.domain.contracts import Contract, ContractNeeded
from app.domain.interval import Interval
from tests.domain.test_booking import FACTS, POLICY, SEOUL, asked


def local(day: float, hour: float) -> datetime:
    """An hour of a day in March, by the clocks of the facility."""
    return datetime(2026, 3, 1, tzinfo=SEOUL) + timedelta(days=day - 1, hours=hour)


FIRST, LAST = date(2026, 3, 3), date(2026, 3, 4)


def found(needed=ContractNeeded.OUTSIDE, who=Who.PARTNER, interval=None, *contracts, contact=""):
    policy = replace(POLICY, contract=needed)
    facts = replace(FACTS, policy=policy, affiliation=who, contracts=contracts, contact=contact)
    request = asked(interval or Interval(local(3, 10), local(3, 12)))
    return [each for each in refusals(request, facts) if each.code == "contract-missing"]


@pytest.mark.parametrize(
    ("needed", "asked_of"),
    [
        (ContractNeeded.OFF, set()),
        (ContractNeeded.COMPANIES, {Who.SMALL_COMPANY, Who.LARGE_COMPANY}),
        (ContractNeeded.OUTSIDE, set(Who) - {Who.OWN_DEPARTMENT, Who.OWN_INSTITUTION}),
    ],
)
def test_who_needs_one_is_a_setting(needed, asked_of):
    assert {who for who in Who if found(needed, who)} == asked_of


@pytest.mark.parametrize(
    ("start", "end", "covered"),
    [
        (local(2, 23.5), local(3, 1), False),  # begins the evening before
        (local(3, 0), local(3, 2), True),
        (local(4, 22), local(5, 0), True),  # to midnight is still the last day
        (local(4, 23), local(5, 0.5), False),
    ],
)
def test_a_contract_covers_its_first_to_its_last_day(start, end, covered):
    wrong = found(
        ContractNeeded.OUTSIDE, Who.PARTNER, Interval(start, end), Contract("A-1", FIRST, LAST)
    )
    assert bool(wrong) is not covered


def test_one_contract_covers_all_of_the_use():
    night = Interval(local(3, 23), local(4, 1))
    parts = (Contract("A", FIRST, FIRST), Contract("B", LAST))
    assert found(ContractNeeded.OUTSIDE, Who.PARTNER, night, *parts)
    assert not found(ContractNeeded.OUTSIDE, Who.PARTNER, night, *parts, Contract("C", FIRST))


def test_the_reason_names_the_contract_that_ended_and_whom_to_ask():
    over = Contract("CNU-2025-7", date(2025, 1, 1), date(2026, 3, 2))
    (reason,) = found(ContractNeeded.OUTSIDE, Who.PARTNER, None, over, contact="core@kaist.example")
    assert reason.limit == "2026-03-02"
    assert "(CNU-2025-7) is good until Mon 2 Mar only" in reason.reason.en
    assert "ask the facility (core@kaist.example)" in reason.reason.en
    assert "장비담당자(core@kaist.example)에게" in reason.reason.ko


def test_one_that_has_not_begun_is_said_so():
    coming = Contract("K-9", date(2026, 3, 20))
    (reason,) = found(ContractNeeded.OUTSIDE, Who.PARTNER, None, coming)
    assert "(K-9) begins on Fri 20 Mar" in reason.reason.en


def test_a_manager_cannot_set_it_aside():
    (reason,) = found()
    assert reason.code not in SOFT
