"""Where to go after a form: only within Dure."""

from urllib.parse import urlsplit

from flask import request


def within(target: str | None, otherwise: str = "/") -> str:
    """`target` if it is a path of Dure, else `otherwise`.

    Browsers read a backslash as a slash and drop control characters, so that
    `/\\host` and a tab between slashes lead elsewhere: both are refused.
    """
    if not target or not target.startswith("/") or target.startswith("//"):
        return otherwise
    if "\\" in target or any(ord(letter) < 33 or ord(letter) == 127 for letter in target):
        return otherwise
    parts = urlsplit(target)
    return otherwise if parts.scheme or parts.netloc else target


def back(otherwise: str = "/") -> str:
    """The page that the reader came from, as far as it is one of ours."""
    parts = urlsplit(request.referrer or "")
    if parts.netloc != request.host:
        return otherwise
    return within(f"{parts.path}?{parts.query}" if parts.query else parts.path, otherwise)
