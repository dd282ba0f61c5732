"""Budgets of funding accounts: when to warn, and how far the money reaches at the pace so far."""

from datetime import date

#: At these parts of a budget, in percent, the holder of an account is warned.
WARN_AT = (80, 100)


def reached(committed: int, budget: int) -> int:
    """The highest percentage of `WARN_AT` that what is held and spent has reached, else 0.

    Of a budget of nothing, all is used up from the start.
    """
    return max((each for each in WARN_AT if committed * 100 >= each * budget), default=0)


def at_this_pace(until_now: int, first: date, last: date, today: date) -> int | None:
    """What will have been spent by the account's last day, if it goes on as until today.

    `until_now` is what uses up to today cost, in won. None before the first day: there is no
    pace yet. After the last day it is what was spent.
    """
    if today < first:
        return None
    days = (min(today, last) - first).days + 1
    whole = (last - first).days + 1
    return until_now * whole // days
