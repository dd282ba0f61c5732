"""The mails about accounts say what happened, in both languages."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import db, transaction
from app.mail import outbox
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from tests.factories import NOW

ROLE = {"role": {"ko": "장비담당자", "en": "Facility manager"}}
LINK = {"link": "http://localhost/reset/a.b.c"}
CASES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("reset_instructions", LINK, {"ko": LINK["link"], "en": LINK["link"]}),
    ("welcome", LINK, {"ko": LINK["link"], "en": LINK["link"]}),
    ("password_changed", {}, {"ko": "/reset", "en": "/reset"}),
    ("role_granted", {**ROLE, "of": None}, {"ko": "장비담당자", "en": "Facility manager"}),
    ("role_revoked", {**ROLE, "of": {"ko": "실", "en": "Lab"}}, {"ko": "실의", "en": "for Lab"}),
    ("suspended", {"reason": "<b>", "ends_at": None}, {"ko": "<b>", "en": "until this is lifted"}),
    (
        "suspended",
        {"reason": "x", "ends_at": "2026-03-02T15:00:00+00:00"},
        {"ko": "2026년 3월 3일", "en": "3 Mar 2026"},
    ),
    (
        "suspended_by_rule",
        {
            "facility": {"ko": "<b>시설", "en": "<b>Lab"},
            "reason": {"ko": "노쇼 3회", "en": "3 no-shows"},
            "ends_at": "2026-03-02T15:00:00+00:00",
        },
        {"ko": "노쇼 3회", "en": "3 no-shows"},
    ),
    ("assistant_named", {"person": "<b>"}, {"ko": "<b> 님", "en": "<b> lets you"}),
    ("suspension_lifted", {}, {"ko": "다시 예약", "en": "may reserve again"}),
    ("suspension_lifted", {"reason": "<b>"}, {"ko": "사유: <b>", "en": "Reason: <b>"}),
]


@pytest.mark.parametrize(("template", "particulars", "said"), CASES)
def test_each_mail_says_it_in_both_languages(
    app: Flask, template: str, particulars: dict[str, Any], said: dict[str, str]
) -> None:
    for language in said:
        with transaction():
            outbox.enqueue(
                template,
                to="mina@example.org",
                language=language,
                key=f"{template}-{language}",
                particulars={"reader": "<i>Mina</i>", **particulars},
                now=NOW,
            )
    for mail in db.session.scalars(select(OutgoingMail)):
        made = message(mail)
        text, html = (part.get_content() for part in made.iter_parts())
        assert made["Subject"].startswith("[두레]" if mail.language == "ko" else "[Dure]")
        assert said[mail.language] in text
        assert "<i>Mina</i>" in text
        assert "<i>Mina</i>" not in html
        assert "<b>" not in html
