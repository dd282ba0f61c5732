"""A commission (분석의뢰): an analysis asked for without a time, for which a manager finds one.

What becomes of it, and for which time it is judged and priced while it has none.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo

from app.domain.booking_facts import Policy
from app.domain.errors import Text, WrongState
from app.domain.grid import next_on_grid
from app.domain.interval import Interval
from app.domain.local_time import day_of


class CommissionState(StrEnum):
    """Where a commission stands; once it is placed, its reservation tells the rest."""

    WAITING = "waiting"
    PLACED = "placed"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


class CommissionStep(StrEnum):
    """What somebody does to a commission."""

    CHANGE = "change"
    PLACE = "place"
    DECLINE = "decline"
    WITHDRAW = "withdraw"
    RETURN = "return"  # to those that wait, as its time is given up


_S, _T = CommissionState, CommissionStep
TRANSITIONS: Mapping[CommissionState, Mapping[CommissionStep, CommissionState]] = MappingProxyType(
    {
        _S.WAITING: {
            _T.CHANGE: _S.WAITING,
            _T.PLACE: _S.PLACED,
            _T.DECLINE: _S.DECLINED,
            _T.WITHDRAW: _S.WITHDRAWN,
        },
        _S.PLACED: {_T.RETURN: _S.WAITING},
        _S.DECLINED: {},
        _S.WITHDRAWN: {},
    }
)
STATE_NAMES: Mapping[CommissionState, Text] = MappingProxyType(
    {
        _S.WAITING: Text("일정 배정 대기", "waiting for a time"),
        _S.PLACED: Text("일정 배정됨", "placed"),
        _S.DECLINED: Text("거절됨", "declined"),
        _S.WITHDRAWN: Text("의뢰 취소됨", "withdrawn"),
    }
)
_CANNOT: Mapping[CommissionStep, Text] = MappingProxyType(
    {
        _T.CHANGE: Text("변경할", "changed"),
        _T.PLACE: Text("일정을 배정할", "placed"),
        _T.DECLINE: Text("거절할", "declined"),
        _T.WITHDRAW: Text("취소할", "withdrawn"),
        _T.RETURN: Text("대기로 되돌릴", "returned to those that wait"),
    }
)


def steps_from(state: CommissionState) -> frozenset[CommissionStep]:
    """The steps that may be taken from `state`; none if it is over."""
    return frozenset(TRANSITIONS[state])


def after(state: CommissionState, step: CommissionStep) -> CommissionState:
    """Where `step` leads from `state`; raises `WrongState` if it may not be taken."""
    try:
        return TRANSITIONS[state][step]
    except KeyError:
        is_, verb = STATE_NAMES[state], _CANNOT[step]
        if state is _S.PLACED:
            todo = Text(
                "배정된 예약에서 변경하거나 취소해 주세요.",
                "Change or cancel the reservation that it became.",
            )
        else:
            todo = Text(
                "화면을 새로 고쳐 현재 상태를 확인해 주세요.", "Reload it to see where it stands."
            )
        raise WrongState(
            Text(
                f"‘{is_.ko}’ 상태의 분석의뢰는 {verb.ko} 수 없습니다. {todo.ko}",
                f"A commission that is “{is_.en}” cannot be {verb.en}. {todo.en}",
            )
        ) from None


def days_waiting(asked_at: datetime, now: datetime, zone: ZoneInfo) -> int:
    """By the calendar of the facility: asked for yesterday is one day."""
    return (day_of(now, zone) - day_of(asked_at, zone)).days


def supposed(
    opened: Iterable[Interval],
    first: datetime,
    duration: timedelta | None,
    policy: Policy,
    zone: ZoneInfo,
) -> Interval:
    """The time by which one that has none yet is judged and priced: as soon as it is open.

    As long as was estimated, else as short as it may be.
    """
    length = duration or policy.shortest
    starts = (next_on_grid(max(span.start, first), policy.slot, zone) for span in opened)
    start = min(starts, default=next_on_grid(first, policy.slot, zone))
    return Interval(start, start + length)
