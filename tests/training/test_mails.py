"""The mails about training say what happened, in both languages."""

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.db import db, transaction
from app.mail import outbox
from app.mail.models import OutgoingMail
from app.mail.rendering import message
from tests.factories import NOW

SESSION: dict[str, Any] = {
    "session_id": 7,
    "title": {"ko": "NMR 기초", "en": "NMR basics"},
    "facility": {"ko": "NMR실", "en": "NMR room"},
    "place": "E7 1123",
    "trainer": "<i>Sora</i>",
    "starts_at": "2026-03-10T05:00:00+00:00",
    "ends_at": "2026-03-10T07:00:00+00:00",
    "zone": "Asia/Seoul",
    "online_url": None,
    "contact": "nmr@kaist.example",
    "waiting": False,
    "reason": "",
}
CERTIFICATE: dict[str, Any] = {
    "thing": {"ko": "분광기", "en": "Spectrometer"},
    "things": [
        {"ko": "분광기", "en": "Spectrometer", "ends_on": "2028-03-02"},
        {"ko": "질량분석기", "en": "Mass spectrometer", "ends_on": None},
    ],
    "session": None,
    "facility": {"ko": "NMR실", "en": "NMR room"},
    "level": {"ko": "야간 이용", "en": "Night use"},
    "contact": None,
    "ends_on": "2026-04-01",
    "unused": False,
}
CASES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("training_signed_up", SESSION, {"ko": "3월 10일 (화) 14:00", "en": "10 Mar 2026 14:00"}),
    (
        "training_signed_up",
        {**SESSION, "waiting": True},
        {"ko": "자리가 모두 찼습니다", "en": "All seats are taken"},
    ),
    ("training_moved_up", SESSION, {"ko": "/training/7", "en": "/training/7"}),
    (
        "training_changed",
        {**SESSION, "online_url": "https://example.org/c"},
        {"ko": "https://example.org/c", "en": "https://example.org/c"},
    ),
    ("training_cancelled", {**SESSION, "reason": "<b>"}, {"ko": "사유: <b>", "en": "Reason: <b>"}),
    ("certificate_granted", CERTIFICATE, {"ko": "분광기 (2028-03-02까지)", "en": "without end"}),
    (
        "certificate_granted",
        {**CERTIFICATE, "session": SESSION["title"]},
        {"ko": "‘NMR 기초’ 교육을 수료하여", "en": "You passed “NMR basics”"},
    ),
    ("certificate_withdrawn", {**CERTIFICATE, "reason": "<b>"}, {"ko": "<b>", "en": "<b>"}),
    ("certificate_expiring", CERTIFICATE, {"ko": "2026-04-01까지만", "en": "be trained again"}),
    (
        "certificate_expiring",
        {**CERTIFICATE, "unused": True},
        {"ko": "한 번 사용하면", "en": "Use it once by that day"},
    ),
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
        assert "<i>" not in html
        assert "<b>" not in html
