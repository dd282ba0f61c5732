from datetime import date

import pytest

from app.domain.period import NO_END, Period


@pytest.mark.parametrize(
    ("text", "day", "after"),
    [
        ("P2Y", date(2026, 3, 2), date(2028, 3, 2)),
        ("P1Y", date(2028, 2, 29), date(2029, 2, 28)),
        ("P1M", date(2026, 1, 31), date(2026, 2, 28)),
        ("P1M", date(2026, 12, 1), date(2027, 1, 1)),
        ("P6M", date(2026, 8, 31), date(2027, 2, 28)),
        ("P30D", date(2026, 3, 2), date(2026, 4, 1)),
        ("P2W", date(2026, 3, 2), date(2026, 3, 16)),
    ],
)
def test_a_period_ends_on_the_same_day_or_the_last_of_a_shorter_month(text, day, after):
    assert Period.parse(text).after(day) == after


@pytest.mark.parametrize("text", ["", "P", "2Y", "P-1Y", "P1Y6M", "PT2H", "P2Y ", "P1000Y", "p2y"])
def test_what_is_no_period_is_refused(text):
    with pytest.raises(ValueError, match="P2Y"):
        Period.parse(text)


@pytest.mark.parametrize(
    ("text", "kept"), [("P24M", "P2Y"), ("P18M", "P18M"), ("P2W", "P14D"), ("P0Y", "P0D")]
)
def test_a_period_is_kept_in_its_shortest_writing(text, kept):
    assert str(Period.parse(text)) == kept


def test_nothing_stands_for_no_end():
    assert not Period.parse("P0D")
    assert Period.parse("P0D") == NO_END
    assert Period.parse("P1D")


def test_a_period_is_told_in_both_languages():
    assert Period.parse("P2Y").in_words().ko == "2년"
    assert Period.parse("P1Y").in_words().en == "1 year"
    assert Period.parse("P18M").in_words().en == "18 months"
    assert Period.parse("P30D").in_words().ko == "30일"
    assert NO_END.in_words().en == "no limit"
