"""A row of the outbox becomes a message that every mail program can read."""

from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from flask import Flask

from app.mail import rendering
from app.mail.models import OutgoingMail
from app.mail.rendering import Unsendable
from tests.conftest import NOW
from tests.mail.conftest import row, write


def message(**about: Any) -> EmailMessage:
    """The message as it arrives."""
    write(key="it", **about)
    sent: Any = message_from_bytes(rendering.message(row("it")).as_bytes(), policy=default)  # type: ignore[arg-type]
    assert not sent.defects
    return sent  # type: ignore[no-any-return]


def part(sent: EmailMessage, kind: str) -> str:
    found = sent.get_body((kind,))
    assert found is not None
    return str(found.get_content())


@pytest.fixture(autouse=True)
def _app(app: Flask) -> None:
    """Each test has its own Dure."""


def test_a_mail_is_text_and_html_in_the_readers_language() -> None:
    sent = message()

    assert sent.get_content_type() == "multipart/alternative"
    assert sent["Subject"] == "[두레] 예약 확정: 공초점 현미경, 2026년 3월 3일 (화) 10:00"
    assert "김미나님, 안녕하세요." in part(sent, "plain")
    assert "<strong>공초점 현미경</strong>" in part(sent, "html")
    assert sent["Content-Language"] == "ko"


def test_english_readers_get_english_dates() -> None:
    sent = message(language="en")
    assert "Tue 3 Mar 2026 10:00" in part(sent, "plain")


def test_all_headers_are_ascii_on_the_wire() -> None:
    write(key="it")
    head, _, body = rendering.message(row("it")).as_bytes().partition(b"\r\n\r\n")

    assert head.isascii()
    assert body.isascii()
    assert all(len(line) <= 998 for line in body.splitlines())


def test_addresses_lead_to_the_public_url() -> None:
    assert "http://localhost/reservations/abc" in part(message(), "plain")


def test_the_same_mail_made_twice_is_the_same_to_the_byte() -> None:
    write(key="it")
    assert rendering.message(row("it")).as_bytes() == rendering.message(row("it")).as_bytes()


def test_the_message_id_tells_nothing_of_the_key_and_differs_by_key() -> None:
    write(key="reset-mina")
    write(key="other")

    one, other = (rendering.message(row(key))["Message-ID"] for key in ("reset-mina", "other"))

    assert one != other
    assert "mina" not in one
    assert one.endswith("@localhost>")


def test_machines_are_told_not_to_answer() -> None:
    sent = message()

    assert sent["Auto-Submitted"] == "auto-generated"
    assert sent["Date"].datetime == NOW


def test_styles_are_written_into_the_elements() -> None:
    html = part(message(), "html")
    assert '<a class="button" href="http://localhost/reservations/abc" style="' in html


def test_what_people_typed_is_escaped_in_html_alone() -> None:
    sent = message(purpose="<script>alert(1)</script> & more")

    assert "<script>" not in part(sent, "html")
    assert "&lt;script&gt;" in part(sent, "html")
    assert "<script>alert(1)</script> & more" in part(sent, "plain")


@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r", "\u2028", "\x0b", "\x85"])
def test_no_text_adds_a_header(newline: str) -> None:
    name = f"현미경{newline}Bcc: all@example.org{newline}{newline}<b>"
    sent = message(instrument={"ko": name, "en": name})

    assert sent["Bcc"] is None
    assert "\n" not in sent["Subject"]


@pytest.mark.parametrize(
    "recipient",
    ["mina@example.org\r\nBcc: all@example.org", "mina@example.org, jun@example.org", "mina", ""],
)
def test_a_recipient_is_one_address(recipient: str) -> None:
    mail = OutgoingMail(
        key="it",
        recipient=recipient,
        language="ko",
        template="reservation_confirmed",
        particulars={},
        created_at=NOW,
    )
    with pytest.raises(Unsendable):
        rendering.message(mail)


def test_a_template_that_is_missing_is_named() -> None:
    with pytest.raises(Unsendable, match=r"mail/nonsense\.ko\.txt"):
        message(template="nonsense")
