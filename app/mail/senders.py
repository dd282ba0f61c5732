"""Where mail goes: a mail server, or a folder that keeps it."""

import hashlib
import os
import re
import smtplib
import ssl
from datetime import UTC
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr, parsedate_to_datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self
from urllib.parse import unquote, urlsplit

from flask import current_app

TIMEOUT_SECONDS = 20
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class Refused(Exception):
    """This mail will never be taken; trying again is of no use."""


class Postponed(Exception):
    """This mail was not taken now; others may be."""


class Unreachable(Exception):
    """Nothing can be sent now."""


class Sender(Protocol):
    """Sends messages one by one; raises `Refused`, `Postponed` or `Unreachable`."""

    def send(self, message: EmailMessage, recipient: str) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def configured() -> Sender:
    """The sender that the settings name."""
    settings = current_app.config["SETTINGS"]
    parts = urlsplit(settings.mail_url)
    if parts.scheme == "file":
        return FolderSender(Path(unquote(parts.path)))
    return SmtpSender(settings.mail_url, hello=urlsplit(settings.public_url).hostname)


class FolderSender:
    """Keeps each mail as an .eml file; a mail sent twice is one file."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open."""

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Write the file whole or not at all, named so that files sort by time."""
        path = self.folder / self._name(message, recipient)
        begun = path.with_suffix(f".{os.getpid()}.part")
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            with begun.open("wb") as file:
                file.write(message.as_bytes(policy=SMTP))
                file.flush()
                os.fsync(file.fileno())
            begun.replace(path)
        except OSError as failed:
            raise Unreachable(f"{self.folder}: {failed.strerror}") from failed

    def _name(self, message: EmailMessage, recipient: str) -> str:
        at = parsedate_to_datetime(message["Date"]).astimezone(UTC)
        whom = re.sub(r"[^A-Za-z0-9.@_-]", "_", recipient)[:60]
        key = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:12]
        return f"{at:%Y%m%dT%H%M%SZ}-{whom}-{key}.eml"


class SmtpSender:
    """Hands mail to a server: smtps, or smtp with STARTTLS where it is offered.

    One connection serves many mails; it is opened when the first one is sent.
    """

    def __init__(self, url: str, *, hello: str | None = None) -> None:
        parts = urlsplit(url)
        self.host = parts.hostname or "localhost"
        self.tls = parts.scheme == "smtps"
        self.user = unquote(parts.username or "")
        self.password = unquote(parts.password or "")
        self.port = parts.port or (465 if self.tls else 587 if self.user else 25)
        # Else the standard library asks the name service who we are, which may take long.
        self.hello = hello or "localhost"
        self._server: smtplib.SMTP | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._server:
            try:
                self._server.quit()
            except (smtplib.SMTPException, OSError):
                self._server.close()
            self._server = None

    def check(self) -> None:
        """Connect and sign in; raises `Unreachable`."""
        self._connected()

    def send(self, message: EmailMessage, recipient: str) -> None:
        """Hand one mail over; returns once the server has taken it."""
        server = self._connected()
        sender = parseaddr(str(message["From"]))[1]
        try:
            server.sendmail(sender, [recipient], message.as_bytes(policy=SMTP))
        except smtplib.SMTPRecipientsRefused as refused:
            raise _judged(*refused.recipients[recipient]) from refused
        except smtplib.SMTPDataError as refused:
            raise _judged(refused.smtp_code, refused.smtp_error) from refused
        except smtplib.SMTPSenderRefused as refused:
            # Our own address or credentials: somebody has to mend the settings first.
            said = _said(refused.smtp_code, refused.smtp_error)
            raise Postponed(f"sender refused: {said}") from refused
        except (smtplib.SMTPNotSupportedError, UnicodeEncodeError) as refused:
            raise Refused(f"the server takes no such address: {refused}") from refused
        except (smtplib.SMTPException, OSError) as failed:
            self._drop()
            raise Postponed(f"connection lost: {failed}") from failed
        if server.sock is None:  # it answered and closed
            self._server = None

    def _connected(self) -> smtplib.SMTP:
        if self._server and self._server.sock is not None:
            return self._server
        try:
            self._server = self._connect()
        except (smtplib.SMTPException, OSError) as failed:
            self._drop()
            raise Unreachable(f"{self.host}:{self.port}: {failed}") from failed
        return self._server

    def _connect(self) -> smtplib.SMTP:
        trusted = ssl.create_default_context()
        server: smtplib.SMTP
        if self.tls:
            server = smtplib.SMTP_SSL(
                self.host, self.port, self.hello, timeout=TIMEOUT_SECONDS, context=trusted
            )
        else:
            server = smtplib.SMTP(self.host, self.port, self.hello, timeout=TIMEOUT_SECONDS)
        self._server = server  # so that a failure below closes it
        server.ehlo_or_helo_if_needed()
        if not self.tls and server.has_extn("starttls"):
            server.starttls(context=trusted)
            server.ehlo()
        elif not self.tls and self.user and self.host not in _LOOPBACK:
            raise smtplib.SMTPException("no STARTTLS; a password is never sent unencrypted")
        if self.user:
            server.login(self.user, self.password)
        return server

    def _drop(self) -> None:
        if self._server:
            self._server.close()
            self._server = None


def _judged(code: int, said: bytes | str) -> Refused | Postponed:
    """5xx is final for this mail, except where it is about us: 530, sign in first."""
    kind = Refused if 500 <= code < 600 and code != 530 else Postponed
    return kind(_said(code, said))


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"{code} {text}"
