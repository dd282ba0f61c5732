"""A real mail server whose answers a test decides."""

import socket
from collections.abc import Iterator
from datetime import datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from app.config import Settings
from app.db import db, transaction
from app.mail import outbox
from app.mail.models import OutgoingMail
from tests.conftest import NOW


class Post:
    """Takes mail, unless told to answer otherwise."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        #: What to answer to a recipient, instead of taking the mail.
        self.answers: dict[str, str] = {}
        #: How many mails are taken and then not confirmed, as if the server died.
        self.deaths = 0

    async def handle_RCPT(  # noqa: N802, named by aiosmtpd
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        made: Any = message_from_bytes(envelope.content or b"", policy=default)  # type: ignore[arg-type]
        self.taken.append((envelope.rcpt_tos[0], made))
        if self.deaths:
            self.deaths -= 1
            server.transport.abort()
        return "250 OK"


@pytest.fixture
def post() -> Iterator[Post]:
    """What the server on `mail_server` does."""
    return Post()


class MailServer:
    """A mail server on a port of its own, which can be stopped and started again."""

    def __init__(self, post: Post) -> None:
        self.post = post
        # The controller connects to the port that it is given, so it has to be a real one.
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]

    def start(self) -> None:
        self.controller = Controller(self.post, hostname="127.0.0.1", port=self.port)
        self.controller.start()

    def stop(self) -> None:
        self.controller.stop(no_assert=True)


@pytest.fixture
def mail_server(app: Flask, post: Post) -> Iterator[MailServer]:
    """A running mail server, named in the settings."""
    server = MailServer(post)
    server.start()
    send_to(app, f"smtp://127.0.0.1:{server.port}")
    yield server
    server.stop()


def send_to(app: Flask, mail_url: str) -> None:
    """Change where mail goes."""
    settings: Settings = app.config["SETTINGS"]
    values = {name: getattr(settings, name) for name in Settings.__slots__}
    app.config["SETTINGS"] = Settings(**{**values, "mail_url": mail_url})


def write(
    to: str = "mina@example.org",
    *,
    key: str = "",
    template: str = "reservation_confirmed",
    language: str = "ko",
    now: datetime = NOW,
    **particulars: Any,
) -> None:
    """Put a mail about a reservation into the outbox."""
    about = {
        "reader": "김미나",
        "holder": "김미나",
        "uid": "abc",
        "instrument": {"ko": "공초점 현미경", "en": "Confocal microscope"},
        "facility": {"ko": "바이오코어", "en": "Biocore"},
        "location": {"ko": "", "en": ""},
        "contact": "desk@example.org",
        "starts_at": "2026-03-03T01:00:00+00:00",
        "ends_at": "2026-03-03T03:00:00+00:00",
        "zone": "Asia/Seoul",
        "status": "confirmed",
        "purpose": "막 관찰",
    }
    with transaction():
        outbox.enqueue(
            template,
            to=to,
            language=language,
            key=key or f"{template}-{to}",
            particulars={**about, **particulars},
            now=now,
        )


def row(key: str) -> OutgoingMail:
    """The row as the database has it now."""
    db.session.rollback()
    return db.session.query(OutgoingMail).filter_by(key=key).populate_existing().one()
