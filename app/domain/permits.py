"""Permits and questions that an instrument asks for when it is booked."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from app.domain.errors import Text


class PermitKind(StrEnum):
    """The permits that laws and boards ask of experiments in Korea."""

    IRB = "irb"
    IACUC = "iacuc"
    LMO = "lmo"
    BIOSAFETY = "biosafety"
    CONTRACT = "contract"


PERMIT_NAMES: Mapping[PermitKind, Text] = MappingProxyType(
    {
        PermitKind.IRB: Text("IRB 승인번호", "IRB approval"),
        PermitKind.IACUC: Text("IACUC 승인번호", "IACUC approval"),
        PermitKind.LMO: Text("LMO 승인·신고번호", "LMO approval or notice"),
        PermitKind.BIOSAFETY: Text("생물안전(IBC) 승인번호", "biosafety (IBC) approval"),
        PermitKind.CONTRACT: Text("이용 계약 번호", "contract of use"),
    }
)


def until_key(kind: str) -> str:
    """Under which key of the answers the day stands on which a permit expires."""
    return f"{kind}_until"


def answers_along(slug: str, answers: Mapping[str, str]) -> dict[str, str]:
    """The answers as what is reserved along reads them.

    What is asked by the same key is answered once for all, unless there is an answer for this
    instrument alone, `slug.key`.
    """
    start = f"{slug}."
    own = {key.removeprefix(start): said for key, said in answers.items() if key.startswith(start)}
    return {**answers, **own}


@dataclass(frozen=True, slots=True)
class Permit:
    """A permit that is asked for; what is not required may be left out."""

    kind: PermitKind
    required: bool = True


class QuestionKind(StrEnum):
    TEXT = "text"
    NUMBER = "number"
    CHOICE = "choice"
    FILE = "file"


_KEY = re.compile(r"[a-z][a-z0-9_]{0,31}")
_UID = re.compile(r"[0-9a-f]{32}")


def is_uid(answer: str) -> bool:
    """Whether it may be what a question of the kind `file` is answered with."""
    return bool(_UID.fullmatch(answer))


@dataclass(frozen=True, slots=True)
class Question:
    """Something that a facility asks at booking. Raises `ValueError` if it makes no sense."""

    key: str
    label: Text
    kind: QuestionKind = QuestionKind.TEXT
    required: bool = False
    options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _KEY.fullmatch(self.key):
            raise ValueError("The key of a question is a word of small letters.")
        if (self.kind is QuestionKind.CHOICE) != bool(self.options):
            raise ValueError("A choice has options, and nothing else has.")
