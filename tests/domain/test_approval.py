import itertools

import pytest

from app.domain.approval import (
    BY_MANAGER,
    HOLDING,
    STATUS_NAMES,
    TRANSITIONS,
    ApprovalMode,
    Approver,
    ForWhom,
    Stage,
    Status,
    Step,
    after,
    after_change,
    first_status,
    is_passed,
    stages_left,
    steps_from,
)
from app.domain.errors import WrongState

ALL = frozenset(ForWhom)
FINAL = {
    *(Status.COMPLETED, Status.REJECTED, Status.CANCELLED, Status.LAPSED),
}

#: Written out once more, so that a slip in the table shows.
ALLOWED = {
    ("pending", "approve"): "confirmed",
    ("pending", "ask"): "pending",
    ("pending", "answer"): "pending",
    ("pending", "reject"): "rejected",
    ("pending", "cancel"): "cancelled",
    ("pending", "change"): "pending",
    ("confirmed", "cancel"): "cancelled",
    ("confirmed", "change"): "pending",
    ("confirmed", "check_in"): "in_use",
    ("confirmed", "mark_no_show"): "no_show",
    ("no_show", "restore"): "completed",
    ("in_use", "extend"): "in_use",
    ("in_use", "check_out"): "completed",
    ("offered", "accept"): "confirmed",
    ("offered", "cancel"): "lapsed",
    ("offered", "lapse"): "lapsed",
}
PAIRS = list(itertools.product(Status, Step))


@pytest.mark.parametrize(("status", "step"), PAIRS)
def test_every_step_from_every_status_is_decided(status, step):
    if (status, step) in ALLOWED:
        assert after(status, step) == ALLOWED[status, step]
        return
    with pytest.raises(WrongState) as refused:
        after(status, step)
    assert STATUS_NAMES[status].ko in refused.value.text.ko
    assert STATUS_NAMES[status].en in refused.value.text.en


def test_the_table_names_every_status():
    assert set(TRANSITIONS) == set(STATUS_NAMES) == set(Status)


@pytest.mark.parametrize("status", sorted(FINAL))
def test_no_step_leaves_a_final_status(status):
    assert steps_from(status) == frozenset()


@pytest.mark.parametrize("status", sorted(set(Status) - FINAL))
def test_every_other_status_reaches_a_final_one(status):
    reached, frontier = set(), {status}
    while frontier:
        reached |= frontier
        frontier = {after(s, step) for s in frontier for step in steps_from(s)} - reached
    assert reached & FINAL


def test_who_waits_holds_the_time_and_who_gave_it_up_does_not():
    let_go = {Status.REJECTED, Status.CANCELLED, Status.NO_SHOW, Status.LAPSED}
    assert set(Status) - HOLDING == let_go


@pytest.mark.parametrize(
    ("mode", "approved_before", "may_approve", "status"),
    [
        ("open", False, False, "confirmed"),
        ("open", True, True, "confirmed"),
        ("each", False, False, "pending"),
        ("each", True, False, "pending"),
        ("each", False, True, "confirmed"),
        ("once", False, False, "pending"),
        ("once", True, False, "confirmed"),
        ("once", False, True, "confirmed"),
    ],
)
def test_a_new_reservation_waits_only_for_an_agreement_that_is_missing(
    mode, approved_before, may_approve, status
):
    known = {Approver.FACILITY_MANAGER} if approved_before else set()
    own = set(BY_MANAGER) if may_approve else set()
    left = stages_left(ApprovalMode(mode), BY_MANAGER, ALL, known=known, own=own)
    assert first_status(left) == status


def changed(status, mode):
    return after_change(status, stages_left(mode, BY_MANAGER, ALL))


def test_a_changed_reservation_must_be_approved_anew():
    assert changed(Status.CONFIRMED, ApprovalMode.EACH) is Status.PENDING


def test_a_changed_reservation_stays_confirmed_where_nobody_approves():
    assert changed(Status.CONFIRMED, ApprovalMode.OPEN) is Status.CONFIRMED


def test_a_cancelled_reservation_cannot_be_changed():
    with pytest.raises(WrongState, match="cannot be changed"):
        changed(Status.CANCELLED, ApprovalMode.OPEN)


INSTITUTION = Stage(Approver.INSTITUTION, ForWhom.COMPANIES)


def test_stages_keep_their_order_and_are_for_those_whom_they_name():
    stages = (INSTITUTION, *BY_MANAGER)

    assert stages_left(ApprovalMode.EACH, stages, ALL) == stages
    assert stages_left(ApprovalMode.EACH, stages, {ForWhom.EVERYONE}) == BY_MANAGER


def test_who_agreed_for_good_is_not_asked_again_but_the_others_are():
    stages = (INSTITUTION, *BY_MANAGER)
    known = {Approver.FACILITY_MANAGER}

    assert stages_left(ApprovalMode.ONCE, stages, ALL, known=known) == (INSTITUTION,)
    assert stages_left(ApprovalMode.EACH, stages, ALL, known=known) == stages


@pytest.mark.parametrize(
    ("every", "agreed", "passed"),
    [
        (False, set(), False),
        (False, {1}, True),
        (False, {9}, True),  # who stands in counts where one is enough
        (True, {1}, False),
        (True, {1, 2}, True),
        (True, {9}, False),
    ],
)
def test_a_stage_takes_one_or_all_of_its_approvers(every, agreed, passed):
    assert is_passed(every=every, named={1, 2}, agreed=agreed) is passed


def test_where_all_have_to_agree_and_nobody_is_left_one_who_stands_in_is_enough():
    assert is_passed(every=True, named=set(), agreed={9})
