"""What an address may hold: keys that fit the database's columns, text without control characters.

Anything else is no address of ours, and answers 404 before a database is asked about it.
"""

from typing import Any

from flask import Flask
from werkzeug.routing import IntegerConverter, PathConverter, UnicodeConverter

#: The largest key that an integer column of either database holds.
LARGEST_KEY = 2**31 - 1
#: PostgreSQL, for one, has no NUL; none of the others is ever in a name of ours.
_CONTROL = r"\x00-\x1f\x7f-\x9f\ud800-\udfff"


class _Key(IntegerConverter):
    """A whole number that may be a key."""

    regex = "[0-9]{1,10}"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max", LARGEST_KEY)
        super().__init__(*args, **kwargs)


class _Word(UnicodeConverter):
    """One step of a path."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.regex = self.regex.replace("[^/]", f"[^/{_CONTROL}]")


class _Path(PathConverter):
    """Several steps of a path."""

    regex = f"[^/{_CONTROL}][^{_CONTROL}]*?"


def register(app: Flask) -> None:
    """Read all addresses so; before the first route is added."""
    app.url_map.converters.update(int=_Key, default=_Word, string=_Word, path=_Path)
