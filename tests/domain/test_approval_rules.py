from datetime import UTC, datetime, timedelta

import pytest

from app.domain.approval_rules import Overdue, Reapproval, asked_again, decide_by, may_escalate

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("rule", "changed", "anew"),
    [
        ("always", {"purpose"}, True),
        ("always", set(), False),
        ("if_it_matters", {"purpose", "note"}, False),
        ("if_it_matters", {"starts_at"}, True),
        ("if_it_matters", {"samples", "cost"}, True),
        ("if_it_matters", {"answers"}, True),
        ("never", {"starts_at", "cost"}, False),
    ],
)
def test_what_changes_is_approved_anew_as_the_instrument_says(rule, changed, anew):
    assert asked_again(Reapproval(rule), changed) is anew


def test_a_request_is_decided_in_time_and_never_after_its_start():
    assert decide_by(NOW, 2 * HOUR, NOW + 5 * HOUR) == NOW + 2 * HOUR
    assert decide_by(NOW, 9 * HOUR, NOW + 5 * HOUR) == NOW + 5 * HOUR
    assert decide_by(NOW, timedelta(0), NOW + 5 * HOUR) is None


def test_it_goes_to_those_above_once_and_while_there_is_time():
    def escalates(rule=Overdue.ESCALATE, start=NOW + HOUR, *, escalated=False):
        return may_escalate(rule, escalated=escalated, start=start, now=NOW)

    assert escalates()
    assert not escalates(escalated=True)
    assert not escalates(start=NOW)
    assert not escalates(Overdue.RELEASE)
