"""Is this instance well? One finding for each thing that could be wrong."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.config import Settings
from app.db import db
from app.home import leadership
from app.mail import queries as mail
from app.mail.senders import SmtpSender, Unreachable
from app.web import pages, readiness

LEAST_DISK = 200 * 2**20
LITTLE_DISK = 2 * 2**30
SKEW = timedelta(seconds=5)
LATE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what mends it."""

    what: str
    state: str  # ok, warn, fail
    said: str
    mend: str = ""


def findings(settings: Settings) -> Iterator[Finding]:
    """Look at everything, one by one; what needs the database is left out if it is away."""
    yield Finding("settings", "ok", "all known, all valid")
    yield from _public_url(settings)
    database = _database()
    yield database
    if database.state != "fail":
        yield _clock()
        yield _worker(settings)
        yield _outbox(clock.now())
    yield _mail(settings)
    yield _disk(settings)
    yield _front_end()
    yield _translations()


def _public_url(settings: Settings) -> Iterator[Finding]:
    host = urlsplit(settings.public_url).hostname or ""
    if host in {"localhost", "127.0.0.1"}:
        yield Finding(
            "public address",
            "warn",
            f"{settings.public_url} works on this machine alone",
            "set DURE_PUBLIC_URL to the address that people use",
        )
    elif settings.public_url.startswith("http:"):
        yield Finding(
            "public address",
            "warn",
            f"{settings.public_url} is not encrypted",
            "put a reverse proxy with https in front, set DURE_PUBLIC_URL=https://…",
        )
    else:
        yield Finding("public address", "ok", settings.public_url)
    if settings.demo:
        yield Finding(
            "demonstration",
            "warn",
            "the sign-in page shows passwords",
            "unset DURE_DEMO on a real instance",
        )


def _database() -> Finding:
    if problem := readiness.database_problem():
        return Finding("database", "fail", problem, "the address is DURE_DATABASE_URL")
    return Finding("database", "ok", f"{db.engine.dialect.name}, migrations at head")


def _clock() -> Finding:
    """Compared with the database's: another machine, or else the same clock."""
    now = clock.now()
    if now.year < 2026:
        return Finding("clock", "fail", f"{now:%Y-%m-%d %H:%M} UTC lies in the past", "run NTP")
    if db.engine.dialect.name == "sqlite":
        return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC")
    there = db.session.scalar(text("SELECT clock_timestamp()"))
    skew = abs(there - clock.now()) if there else timedelta()
    if skew > SKEW:
        return Finding(
            "clock", "fail", f"{skew.total_seconds():.0f} s off the database's", "run NTP on both"
        )
    return Finding("clock", "ok", f"{now:%Y-%m-%d %H:%M} UTC, as the database's")


def _worker(settings: Settings) -> Finding:
    try:
        taken = leadership.of(settings).is_taken()
    except SQLAlchemyError as failed:
        return Finding("worker", "fail", str(failed), "see the database")
    if taken:
        return Finding("worker", "ok", "one leads")
    return Finding(
        "worker", "warn", "none leads: no mail goes out", "start `dure worker` or `dure serve`"
    )


def _outbox(now: datetime) -> Finding:
    waiting, oldest, lost = mail.waiting(), mail.oldest_waiting(), mail.given_up()
    said = f"{waiting} waiting, {lost} given up"
    if oldest and now - oldest > LATE:
        mend = "see the column last_error of outgoing_mail and the worker's log"
        return Finding("outbox", "warn", f"{said}; the oldest since {oldest:%Y-%m-%d %H:%M}", mend)
    return Finding("outbox", "ok", said)


def _mail(settings: Settings) -> Finding:
    parts = urlsplit(settings.mail_url)
    if parts.scheme == "file":
        folder = Path(unquote(parts.path))
        return Finding(
            "mail",
            "warn",
            f"kept in {folder}, sent to nobody",
            "set DURE_MAIL_URL to a mail server on a real instance",
        )
    try:
        with SmtpSender(settings.mail_url) as sender:
            sender.check()
    except Unreachable as away:
        return Finding("mail", "fail", str(away), "see DURE_MAIL_URL")
    return Finding("mail", "ok", f"{parts.hostname} answers")


def _disk(settings: Settings) -> Finding:
    folder = settings.instance_dir
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".doctor"
        probe.write_text("may I write?", encoding="ascii")
        probe.unlink()
    except OSError as failed:
        return Finding("disk", "fail", f"{folder}: {failed.strerror}", "see DURE_INSTANCE_DIR")
    free = shutil.disk_usage(folder).free
    said = f"{free / 2**30:.1f} GiB free in {folder}"
    if free < LEAST_DISK:
        return Finding("disk", "fail", said, "make room at once: SQLite stops when it is full")
    return Finding("disk", "warn" if free < LITTLE_DISK else "ok", said, "make room")


def _front_end() -> Finding:
    if (pages.BUILD / "manifest.json").exists():
        return Finding("front end", "ok", "built")
    return Finding("front end", "fail", "scripts and styles are missing", "run `make setup`")


def _translations() -> Finding:
    folder = Path(pages.__file__).parent / "translations"
    stale = [
        path.parent.parent.name
        for path in sorted(folder.glob("*/LC_MESSAGES/*.po"))
        if _is_stale(path)
    ]
    if stale or not folder.is_dir():
        names = ", ".join(stale) or "all"
        return Finding("translations", "fail", f"not compiled: {names}", "run `make setup`")
    return Finding("translations", "ok", "compiled")


def _is_stale(path: Path) -> bool:
    compiled = path.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < path.stat().st_mtime


#: The words of the states, for the eye that runs along the lines.
COLOURS: dict[str, str] = {"ok": "green", "warn": "yellow", "fail": "red"}
