"""Every mail exists in both languages, as text and as HTML."""

from pathlib import Path

import pytest

from app import mail

FOLDER = Path(mail.__file__).parent / "templates" / "mail"
NAMES = sorted({path.name.split(".")[0] for path in FOLDER.glob("[!_]*.*.txt")})


def test_there_are_mails() -> None:
    assert len(NAMES) >= 7


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_exists_in_korean_and_english_as_text_and_html(name: str) -> None:
    for language in ("ko", "en"):
        for kind in ("txt", "html"):
            assert (FOLDER / f"{name}.{language}.{kind}").exists(), (language, kind)


@pytest.mark.parametrize("name", NAMES)
def test_a_mail_begins_with_its_subject_and_a_blank_line(name: str) -> None:
    for language in ("ko", "en"):
        first, second, *_ = (FOLDER / f"{name}.{language}.txt").read_text("utf-8").split("\n")
        assert first.startswith(("Subject: [Dure] ", "Subject: [두레] "))
        assert second == ""
