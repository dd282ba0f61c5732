"""What a use case raises; `web/errors.py` alone knows their HTTP status."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.domain.interval import Interval


@dataclass(frozen=True, slots=True)
class Text:
    """The same words in Korean and English."""

    ko: str
    en: str

    def in_(self, language: str) -> str:
        return self.ko if language.startswith("ko") else self.en


@dataclass(frozen=True, slots=True)
class Refusal:
    """One reason why something may not be done; the code never changes its meaning."""

    code: str
    reason: Text
    limit: str | None = None  # the limit that was broken, ISO 8601 or a plain number
    field: str | None = None  # the field of the request that would have to change
    of_others: bool = False  # only because others hold it: another time would do
    because: tuple[str, ...] = ()  # the codes of its reasons, where it sums up several


@dataclass(frozen=True, slots=True)
class Reserved:
    """A reservation that stands in the way of whoever manages it."""

    uid: str
    instrument: str  # slug
    interval: Interval
    version: int


class DureError(Exception):
    """Anything that a person may do wrong; `text` tells them what and what to do."""

    reserved: Sequence[Reserved] = ()  # what a manager would have to deal with

    def __init__(self, text: Text) -> None:
        super().__init__(text.en)
        self.text = text


class NotFound(DureError):
    """There is no such thing, or the asker may not know that there is."""


class NotAllowed(DureError):
    """The asker's rights do not grant this."""


class SignInNeeded(DureError):
    """Nobody is signed in, or the API token is not, or no longer, good."""

    def __init__(self, text: Text | None = None) -> None:
        super().__init__(
            text
            or Text(
                "로그인이 필요합니다. 웹에서는 로그인하고, 프로그램에서는 유효한 API 토큰을 "
                "Authorization: Bearer 헤더로 보내세요.",
                "You need to sign in. In the browser sign in; from a program send a valid API "
                "token in the header Authorization: Bearer.",
            )
        )


class TooManyAttempts(DureError):
    """Too many failures in a short time; `retry_after` says in how many seconds to try again."""

    def __init__(self, text: Text, *, retry_after: int) -> None:
        super().__init__(text)
        self.retry_after = retry_after


class Invalid(DureError):
    """The input makes no sense; `fields` maps each faulty field to its reason."""

    def __init__(self, text: Text, fields: dict[str, Text] | None = None) -> None:
        super().__init__(text)
        self.fields = fields or {}


class WrongState(DureError):
    """The thing is in a state in which this cannot be done; perhaps because of reservations."""


class Stale(DureError):
    """Somebody else changed it first."""


class PreconditionNeeded(DureError):
    """A change must say which version it is made to."""


class BookingRefused(DureError):
    """A booking broke one or more rules."""

    def __init__(self, refusals: Sequence[Refusal]) -> None:
        super().__init__(
            Text(
                " ".join(refusal.reason.ko for refusal in refusals),
                " ".join(refusal.reason.en for refusal in refusals),
            )
        )
        self.refusals = tuple(refusals)


@dataclass(frozen=True, slots=True)
class TakenTime:
    """What stands in the way: a reservation or a blackout."""

    interval: Interval
    kind: str  # "reservation" or "blackout"


@dataclass(frozen=True, slots=True)
class FreeSlot:
    """A time at which an instrument could be reserved instead."""

    instrument: str  # slug
    interval: Interval


class Taken(BookingRefused):
    """Somebody holds the time; says what, and which times near it are free."""

    def __init__(
        self,
        refusals: Sequence[Refusal],
        *,
        taken: Sequence[TakenTime],
        alternatives: Sequence[FreeSlot],
    ) -> None:
        super().__init__(refusals)
        self.taken = tuple(taken)
        self.alternatives = tuple(alternatives)
