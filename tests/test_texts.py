"""What people write comes out as they wrote it: in every JSON, feed and page of every route.

Every free text of the database is set to one text of everything that breaks programs; then every
address is read by those who may read all. Whatever tells the text at all must tell all of it.
"""

import json
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import sqlalchemy as sa
from flask import Flask
from icalendar import Calendar

from app.accounts.models import User
from app.billing.models import APPEND_ONLY
from app.calendars.models import Cancelled, Detail, FeedKind
from app.calendars.services import FeedRequest, make_feed
from app.db import db, transaction
from tests.factories import NOW
from tests.test_rights_of_routes import Stage, Stranger, sent, stage, tries

__all__ = ["stage"]  # a fixture

LINE = "⟦\\\"'\\n</script><img src=x onerror=alert(1)>&amp;{{7*7}}%s%0A;,:é한🔬\u2028⟧"
LINES = LINE[:-1] + "\r\nX-EVIL:1\r\n\tEND⟧"
#: As Markdown reads it on a page; everywhere else it, too, is told as it was written.
MARKED = LINES.replace('\\"', '"').replace("&amp;", "&").replace("\t", "")
MULTILINE = {"note", "description", "content", "features", "capability", "examples", "safety"}
SINGLE = {
    "name", "purpose", "reason", "title", "trainer", "place", "location", "person_in_charge",
    "repairer", "user_name", "organisation", "position", "department", "funder", "maker", "model",
    "decision_reason", "override_reason", "correction_reason",
}  # fmt: skip
#: Whose names are chosen from a list, or end as the content of the file says.
NOT_WRITTEN = {("stored_file", "name"), ("technique", "name_ko"), ("technique", "name_en")}


@pytest.fixture
def evil(stage: Stage) -> Stage:
    """The stage with every free text replaced."""
    with transaction():
        posted = {model.__tablename__ for model in APPEND_ONLY}  # the database refuses changes
        for table in db.metadata.sorted_tables:
            if table.name in posted:
                continue
            texts = {
                column.name: text
                for column in table.columns
                if (text := text_of(table.name, column.name)) and isinstance(column.type, sa.String)
            }
            for name, text in texts.items():
                some = table.c[name].is_not(None)
                db.session.execute(sa.update(table).where(some).values({name: text}))
        db.session.execute(
            sa.text("UPDATE reservation SET answers = :it"), {"it": json.dumps({"medium": LINE})}
        )
    db.session.expire_all()
    return stage


def text_of(table: str, column: str) -> str | None:
    stem = column.removesuffix("_ko").removesuffix("_en")
    if (table, column) in NOT_WRITTEN:
        return None
    return LINES if stem in MULTILINE else LINE if stem in SINGLE else None


def strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            yield from strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from strings(each)


class Page(HTMLParser):
    """The texts and attributes of a page as a browser sees them, and what must not be there."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.wrong: list[str] = []
        self.script = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.script = str(dict(attrs).get("type")) if tag == "script" else ""
        self.texts += [value for _, value in attrs if value]
        if any(name == "onerror" for name, _ in attrs):
            self.wrong.append("an element made of a text")

    def handle_endtag(self, tag: str) -> None:
        self.script = ""

    def handle_data(self, data: str) -> None:
        if "json" in self.script:
            self.texts += strings(json.loads(data))
        else:
            self.texts.append(data)


def broken(texts: list[str], *wholes: str) -> list[str]:
    """The texts that tell the beginning of what was written, but not all of it."""
    seen = [each for each in texts if "⟦" in each]
    return [each for each in seen if not any(whole in each for whole in (LINE, *wholes))]


def read(text: str) -> str:
    """As a browser reads it: it knows one kind of line end."""
    return text.replace("\r\n", "\n")


def test_every_route_tells_a_text_whole(app: Flask, evil: Stage, sora: User, ada: User) -> None:
    wrong, told = [], {"application/json": 0, "text/html": 0}
    for user in (evil.mina, sora, ada):
        person = Stranger(app, user)
        for rule, method in tries(app):
            if method != "GET":
                continue
            answer = person.open(evil.path(rule), method, **sent(rule, method, evil))
            here = f"GET {rule.rule} for {user.id}"
            assert answer.status_code < 500, here
            if answer.mimetype in {"application/json", "application/problem+json"}:
                texts, wholes = list(strings(answer.json)), (LINES,)
            elif answer.mimetype == "text/html":
                page = Page(answer.text)
                wrong += [f"{here}: {each}" for each in page.wrong]
                texts, wholes = [read(each) for each in page.texts], (read(LINES), read(MARKED))
            else:
                continue
            if any("⟦" in each for each in texts):
                told[answer.mimetype] += 1
            wrong += [f"{here}: {each!r}" for each in broken(texts, *wholes)]
    assert not wrong, "\n".join(wrong)
    assert told["application/json"] > 20
    assert told["text/html"] > 40


def test_every_feed_tells_a_text_whole(client: Any, evil: Stage, sora: User) -> None:
    kinds = {FeedKind.MINE: None, FeedKind.INSTRUMENT: evil.slugs["instruments"]}
    for kind, of in kinds.items():
        _, secret = make_feed(
            evil.mina, FeedRequest(kind, of, Detail.FULL, Cancelled.OMIT, LINE), now=NOW
        )
        calendar = Calendar.from_ical(client.get(f"/calendars/{secret}.ics").data)
        texts = [
            " ".join(str(value).split())  # a separator of Unicode is a line end or a space there
            for name, value in calendar.property_items()
            if name not in {"NAME", "X-WR-CALNAME"}  # which icalendar leaves escaped
        ]
        assert any("⟦" in each for each in texts)
        assert not broken(texts, *(" ".join(each.split()) for each in (LINE, LINES)))
        assert "X-EVIL" not in {name for name, _ in calendar.property_items()}
