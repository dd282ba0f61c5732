"""Files that come in and go out by HTTP: how large, and with which headers."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar
from urllib.parse import quote

from flask import Flask, Response, current_app, request

from app.domain.file_kinds import LARGEST

View = TypeVar("View", bound=Callable[..., object])

#: What a form may weigh that brings files, besides the files themselves.
_FORM = 1024 * 1024


def takes_files(number: int = 1) -> Callable[[View], View]:
    """Declare that a view takes so many files; all others are refused large bodies."""

    def declare(view: View) -> View:
        view.files = number  # type: ignore[attr-defined]
        return view

    return declare


def register(app: Flask) -> None:
    """Before whatever reads the form, as the check of its token does."""

    @app.before_request
    def allow_files() -> None:
        view = app.view_functions.get(request.endpoint or "")
        if number := getattr(view, "files", 0):
            # One byte more than allowed still comes in, so that a sentence can refuse it.
            request.max_content_length = number * (LARGEST + 1024) + _FORM


def folder() -> Path:
    """Where files are kept: beside the database, outside all that is served."""
    found: Path = current_app.config["SETTINGS"].instance_dir
    return found


def sent(content: bytes, *, name: str, content_type: str, inline: bool = False) -> Response:
    """A file of somebody's, which no browser takes for a page of ours."""
    answer = Response(content, mimetype=content_type)
    how = "inline" if inline else "attachment"
    answer.headers["Content-Disposition"] = f"{how}; filename*=UTF-8''{quote(name, safe='')}"
    answer.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    answer.headers["Cache-Control"] = "private, no-store"
    return answer
