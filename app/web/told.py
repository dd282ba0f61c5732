"""What the documentation of a call tells beyond its schemas: headers, and problems it meets."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

View = TypeVar("View", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Header:
    """A header that a call reads or sets."""

    name: str
    description: str
    example: str
    pattern: str
    required: bool = False

    def in_openapi(self) -> dict[str, Any]:
        """The header as OpenAPI describes it, its name and place left to the caller."""
        return {
            "description": self.description,
            "required": self.required,
            "schema": {"type": "string", "pattern": self.pattern},
            "example": self.example,
        }


@dataclass(frozen=True, slots=True)
class Told:
    """All that a call declares of itself."""

    problems: tuple[str, ...] = ()
    asks: tuple[Header, ...] = ()
    gives: tuple[Header, ...] = ()


ETAG = Header("ETag", "The version of what is answered.", '"1"', r'^"\d+"$')
LOCATION = Header("Location", "Where it can be read.", "/api/v1/…", "^/api/v1/")
CHALLENGE = Header("WWW-Authenticate", "How to sign in.", 'Bearer realm="Dure"', "^Bearer ")
RETRY_AFTER = Header("Retry-After", "Seconds to wait.", "5", r"^\d+$")


def told(
    *problems: str, asks: Iterable[Header] = (), gives: Iterable[Header] = ()
) -> Callable[[View], View]:
    """Declare the problems and headers of a call; what every call has is added by itself."""

    def declare(view: View) -> View:
        view.told = Told(problems, tuple(asks), tuple(gives))  # type: ignore[attr-defined]
        return view

    return declare


def headers(given: Iterable[Header]) -> dict[str, Any]:
    """The headers of an answer as OpenAPI describes them; each is always set."""
    return {header.name: {**header.in_openapi(), "required": True} for header in given}
