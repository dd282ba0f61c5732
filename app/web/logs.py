"""Logs: one line for each request, JSON or text, with the request's id; no secrets.

The code logs by the standard library; structlog gives the lines their form. Lines go to
the standard error stream of the processes that serve (`dure serve`, `dure worker`).
"""

import logging
import re
import sys
import uuid
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, TextIO

import structlog
from flask import Flask, Response, g, request

from app import clock
from app.config import Settings

log = logging.getLogger("dure.request")

_SANE_ID = re.compile(r"[A-Za-z0-9_.-]{8,64}")
#: A feed's address is its key; the words in links sent by mail are keys as well.
_SECRETS = re.compile(
    r"(?P<feed>/calendars/)(?:[^/\s\"'?]+(?P<ics>\.ics)|[\w-]{20,})|(?P<link>/(?:reset|confirm|verify)/)[^\s\"'?/]+"
)
_Event = MutableMapping[str, Any]


def masked(text: str) -> str:
    """The text without the secrets that addresses contain."""
    return _SECRETS.sub(
        lambda found: f"{found['feed'] or found['link']}***{found['ics'] or ''}", text
    )


def register(app: Flask) -> None:
    """Give each request an id and log it when it is answered."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get("X-Request-ID", "")
        g.request_id = given if _SANE_ID.fullmatch(given) else uuid.uuid4().hex
        g.broken = False
        g.began = clock.monotonic()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(request_id=g.request_id)

    @app.after_request
    def end(response: Response) -> Response:
        if "request_id" not in g:  # refused before the first of our own steps
            return response
        response.headers["X-Request-ID"] = g.request_id
        # The query is left out: it may hold `next` and tokens.
        log.info(
            "request",
            extra={
                "method": request.method,
                "path": masked(request.path),
                "status": response.status_code,
                "ms": round((clock.monotonic() - g.began) * 1000, 1),
                "user_id": getattr(g.get("_login_user"), "id", None),
            },
        )
        return response


@contextmanager
def job(name: str) -> Iterator[None]:
    """Lines written within carry the job's name and an id of this run."""
    with structlog.contextvars.bound_contextvars(job=name, request_id=uuid.uuid4().hex):
        yield


def configure(settings: Settings) -> None:
    """Send the lines of this process to standard error, in the form that the settings ask."""
    handler = _ToStandardError()
    handler.setFormatter(_formatter(settings.log_format))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level.upper())
    for name in ("alembic", "werkzeug"):  # they tell every step
        logging.getLogger(name).setLevel(logging.WARNING)
    # That a long job is still running when it is due again is no news.
    logging.getLogger("apscheduler").setLevel(logging.ERROR)


class _ToStandardError(logging.StreamHandler[TextIO]):
    """Writes to what is the standard error stream at that moment."""

    def __init__(self) -> None:
        super().__init__(sys.stderr)

    def emit(self, record: logging.LogRecord) -> None:
        self.stream = sys.stderr
        super().emit(record)


def _formatter(form: str) -> logging.Formatter:
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    if form == "json":
        last: list[Any] = [
            structlog.processors.format_exc_info,
            _mask,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ]
    else:
        last = [
            structlog.processors.format_exc_info,
            _mask,
            structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty()),
        ]
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
    )


def _mask(_logger: object, _method: str, event: _Event) -> _Event:
    for name, value in event.items():
        if isinstance(value, str):
            event[name] = masked(value)
    return event
