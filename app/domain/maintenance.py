"""The words of faults and of the maintenance log (유지보수일지, MSIT notice 2026-25, annex 10)."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from app.domain.errors import Text


class Severity(StrEnum):
    """How bad a fault is for whoever wants to use the instrument."""

    USABLE = "usable"
    OUT_OF_ORDER = "out_of_order"


class Condition(StrEnum):
    """How the instrument was found (장비상태)."""

    NORMAL = "normal"
    MALFUNCTION = "malfunction"
    OTHER = "other"


class Result(StrEnum):
    """How the work left it (처리결과)."""

    RUNNING = "running"
    OUT_OF_ORDER = "out_of_order"
    OTHER = "other"


SEVERITY_NAMES: Mapping[Severity, Text] = MappingProxyType(
    {
        Severity.USABLE: Text("사용은 가능", "Usable"),
        Severity.OUT_OF_ORDER: Text("사용 불가", "Out of order"),
    }
)
CONDITION_NAMES: Mapping[Condition, Text] = MappingProxyType(
    {
        Condition.NORMAL: Text("정상", "Normal"),
        Condition.MALFUNCTION: Text("고장", "Malfunction"),
        Condition.OTHER: Text("기타", "Other"),
    }
)
RESULT_NAMES: Mapping[Result, Text] = MappingProxyType(
    {
        Result.RUNNING: Text("정상 가동", "Running"),
        Result.OUT_OF_ORDER: Text("가동 불가", "Out of order"),
        Result.OTHER: Text("기타", "Other"),
    }
)
