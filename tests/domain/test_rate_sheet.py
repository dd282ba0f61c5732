"""Rates as people write them in a spreadsheet: read in both languages, each fault at its cell."""

import pytest

from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.rate_card import Unit
from app.domain.rate_sheet import HEADS, MOST_WON, RateSheet
from app.domain.spreadsheet import cell_name

HEAD = tuple(name.ko for name in HEADS.values())
PRICES = (0, 10_000, 20_000, 20_000, 30_000, 40_000)
GOOD = ("confocal", "공초점", "직접사용", "시간", "아니요", 0, *PRICES)
COLUMN = dict(zip(HEADS, "ABCDEFGHIJKL", strict=True))


def read(*rows, head=HEAD):
    return RateSheet([head, *rows], {"confocal": "confocal", "facility": "facility"})


def changed(**cells):
    return [cells.get(head, cell) for head, cell in zip(HEADS, GOOD, strict=True)]


def wrong(*rows, **options):
    return [(each.cell, each.text.en) for each in read(*rows, **options).wrong]


def test_a_row_is_read_with_its_line_and_a_price_for_each_class():
    (row,) = read(GOOD).rows

    assert (row.of, row.line, row.started, row.minimum) == (
        "confocal", (Mode.SELF_OPERATED, Unit.HOUR), False, 0,
    )  # fmt: skip
    assert tuple(row.prices.values()) == PRICES
    assert {rate.who for rate in row.rates} == set(AffiliationClass)


@pytest.mark.parametrize(
    "cells",
    [
        {"mode": "self_operated"},
        {"mode": " Self-Operated  Use "},
        {"unit": "HOUR"},
        {"started": None},
        {"started": False},
        {"minimum": None},
        {"of": "CONFOCAL"},
        {"name": "=anything"},
        {"partner": "20,000"},
        {"partner": "20,000원"},
        {"partner": "₩20,000"},
    ],
)
def test_the_same_is_said_in_many_ways(cells):
    assert read(changed(**cells)).rows == read(GOOD).rows


def test_columns_are_known_by_their_heads_wherever_they_stand():
    english = [name.en for name in HEADS.values()]
    assert read(GOOD, head=english).rows == read(GOOD).rows
    assert read(GOOD[::-1], head=HEAD[::-1]).rows == read(GOOD).rows
    assert read([*GOOD, "a note"], head=[*HEAD, None]).rows == read(GOOD).rows


@pytest.mark.parametrize(
    ("cells", "said"),
    [
        ({"of": "tem"}, "no such instrument"),
        ({"of": None}, "no such instrument"),
        ({"of": 7}, "no such instrument"),
        ({"mode": "빌리기"}, "operator-assisted use, commissioned analysis"),
        ({"mode": None}, "Write one of"),
        ({"unit": "분"}, "hour, half-day, day, session, sample"),
        ({"started": "maybe"}, "yes or no"),
        *(
            ({head: amount}, "digits 0–9")
            for head in ("minimum", "partner", "large_company")
            for amount in (
                -1, "-1", 1.5, "1.5", 1e30, float("nan"), float("inf"), True, MOST_WON + 1, 2**64,
                "이만", "２００", "٢٠", "1e9", "=1+1", "1,00", "₩", "9" * 30, "#REF!",
            )
        ),
    ],
)  # fmt: skip
def test_a_fault_is_told_at_its_cell_with_what_to_do(cells, said):
    ((cell, text),) = wrong(GOOD, changed(**{"unit": "day", **cells}))

    assert cell == f"{COLUMN[next(iter(cells))]}3"
    assert said in text


def test_amounts_up_to_the_most_are_taken():
    assert not wrong(changed(partner=MOST_WON), changed(unit="day", partner=0))


def test_all_faults_are_told_at_once():
    found = wrong(changed(of="x", mode="x", unit="x", partner=-1), changed(started="x"))
    assert [cell for cell, _ in found] == ["A2", "C2", "D2", "I2", "E3"]


def test_two_rows_for_the_same_overlap():
    ((cell, text),) = wrong(GOOD, [], changed(partner=1))
    assert (cell, "Row 2 is for the same" in text) == ("D4", True)


@pytest.mark.parametrize(
    ("head", "cell", "said"),
    [
        ([*HEAD, "졸업생"], "M1", "no column “졸업생”"),
        ([*HEAD, HEAD[0]], "M1", "twice"),
        (HEAD[:-1], "A1", "“Large companies” is missing"),
        ((), "A1", "is missing"),
    ],
)
def test_unknown_repeated_and_missing_columns_are_told(head, cell, said):
    found = wrong(GOOD, head=head)
    assert found[0][0] == cell
    assert said in found[0][1]


def test_a_sheet_may_do_without_the_names():
    assert not wrong([*GOOD[:1], *GOOD[2:]], head=[*HEAD[:1], *HEAD[2:]])


def test_an_empty_table_lacks_all_its_columns():
    assert len(RateSheet([], {}).wrong) == len(HEADS) - 1


def test_cells_are_called_as_spreadsheets_call_them():
    assert [cell_name(0, n) for n in (0, 25, 26, 701, 702)] == ["A1", "Z1", "AA1", "ZZ1", "AAA1"]
