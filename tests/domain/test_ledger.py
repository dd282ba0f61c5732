from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.ledger import Entry, Posting, complaints, totals

MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 2)


def entry(uid="r1", kind="use", amount=70_000, **fields):
    postings = (Posting("kaist", amount), Posting("cnu", -amount))
    return Entry((uid, kind), MARCH, fields.pop("postings", postings), **fields)


@pytest.mark.parametrize(
    ("postings", "why"),
    [
        ((Posting("kaist", 5), Posting("cnu", -4)), r"does not balance: \+1 won"),
        ((Posting("kaist", 0),), "moves nothing"),
        ((), "moves nothing"),
    ],
)
def test_an_entry_that_does_not_balance_cannot_be_made(postings, why):
    with pytest.raises(ValueError, match=why):
        entry(postings=postings)


def test_an_entry_is_in_whole_won():
    with pytest.raises(TypeError, match="whole won"):
        entry(amount=0.5)


def test_a_mistake_is_undone_by_an_entry_that_names_it():
    wrong = entry()
    back = wrong.reversed("use-undone", APRIL)

    assert (back.reverses, back.key) == (("r1", "use"), ("r1", "use-undone"))
    assert set(totals([wrong, back]).values()) == {0}
    assert complaints([wrong, back]) == []


def test_an_entry_cannot_undo_itself():
    with pytest.raises(ValueError, match="undo itself"):
        entry().reversed("use", APRIL)


def test_the_same_kind_of_entry_of_a_reservation_is_there_once():
    assert complaints([entry(), entry("r2"), entry(kind="cancelled")]) == []
    assert complaints([entry(), entry()]) == ["('r1', 'use') was posted twice."]


def test_what_is_undone_must_stand_before_and_only_once_and_to_the_won():
    back = entry().reversed("back", APRIL)
    other = entry(kind="other", amount=-69_999, reverses=("r1", "use"))

    assert "not posted before" in complaints([back, entry()])[0]
    assert "undone twice" in complaints([entry(), back, entry().reversed("again", APRIL)])[0]
    assert "to the won" in complaints([entry(), other])[0]


@given(st.lists(st.tuples(st.integers(1, 10**9), st.booleans()), max_size=20))
def test_all_accounts_add_up_to_zero(amounts):
    entries = []
    for n, (amount, undone) in enumerate(amounts):
        made = entry(f"r{n}", amount=amount)
        entries += [made, made.reversed("undone", APRIL)] if undone else [made]

    assert sum(totals(entries).values()) == 0
    assert complaints(entries) == []
    assert totals(entries).get("kaist", 0) == sum(a for a, undone in amounts if not undone)
