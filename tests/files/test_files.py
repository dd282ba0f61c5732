"""Stored files: drafts are forgotten after a day, what belongs to something is not."""

import os
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from app.db import db, transaction
from app.domain.errors import Invalid, NotFound
from app.domain.file_kinds import PHOTOS
from app.files import services
from app.files.jobs import DRAFTS_KEPT, forget_drafts
from app.files.models import StoredFile
from app.files.services import Upload, content_of, place_of, put, put_draft
from tests.domain.test_file_kinds import PNG
from tests.factories import NOW

SECOND = timedelta(seconds=1)


def draft(folder: Path, owner, name="../사진.jpg"):
    return put_draft(folder, Upload(name, PNG), PHOTOS, field="photo", owner=owner, now=NOW)


def on_disk(folder: Path) -> set[str]:
    return {path.name for path in (folder / "files").rglob("*") if path.is_file()}


def test_a_file_lies_under_a_random_name_and_is_read_as_it_came(app, mina, tmp_path):
    made = draft(tmp_path, mina)
    assert (made.name, made.content_type, made.size) == ("사진.png", "image/png", len(PNG))
    assert on_disk(tmp_path) == {made.uid}
    assert content_of(tmp_path, made) == PNG


def test_a_file_that_was_changed_behind_our_back_is_not_served(app, mina, tmp_path):
    made = draft(tmp_path, mina)
    place_of(tmp_path, made.uid).write_bytes(PNG + b"!")
    with pytest.raises(NotFound):
        content_of(tmp_path, made)
    place_of(tmp_path, made.uid).unlink()
    with pytest.raises(NotFound):
        content_of(tmp_path, made)


def test_what_is_refused_leaves_nothing(app, mina, tmp_path):
    with pytest.raises(Invalid):
        put_draft(tmp_path, Upload("x.png", b"MZ"), PHOTOS, field="photo", owner=mina, now=NOW)
    assert on_disk(tmp_path) == set()
    assert db.session.scalars(select(StoredFile)).all() == []


def test_nobody_fills_the_disk_with_drafts(app, mina, jun, tmp_path, monkeypatch):
    monkeypatch.setattr(services, "MOST_DRAFTS", 2)
    for _ in range(2):
        draft(tmp_path, mina)
    with pytest.raises(Invalid, match="Finish with those"):
        draft(tmp_path, mina)
    assert draft(tmp_path, jun).kept_at is None
    with transaction():
        put(tmp_path, Upload("b.png", PNG), PHOTOS, field="photo", owner=mina, now=NOW, kept=True)


def test_drafts_are_forgotten_after_a_day_and_nothing_else(app, mina, tmp_path):
    old = draft(tmp_path, mina)
    with transaction():
        kept = put(
            tmp_path, Upload("b.png", PNG), PHOTOS, field="photo", owner=mina, now=NOW, kept=True
        )

    assert forget_drafts(tmp_path, NOW + DRAFTS_KEPT) == 0
    assert on_disk(tmp_path) == {old.uid, kept.uid}
    assert forget_drafts(tmp_path, NOW + DRAFTS_KEPT + SECOND) == 1
    assert forget_drafts(tmp_path, NOW + DRAFTS_KEPT + SECOND) == 0
    assert on_disk(tmp_path) == {kept.uid}
    assert db.session.scalars(select(StoredFile.uid)).all() == [kept.uid]


def test_what_no_row_names_goes_once_it_is_old(app, mina, tmp_path):
    """As after a transaction that was undone when its file lay there already."""
    uid = draft(tmp_path, mina).uid
    stray = place_of(tmp_path, "ab" + "0" * 30)
    stray.parent.mkdir(parents=True, exist_ok=True)
    stray.write_bytes(b"stray")
    os.utime(stray, (NOW.timestamp(),) * 2)

    assert forget_drafts(tmp_path, NOW + SECOND) == 0
    assert forget_drafts(tmp_path, NOW + DRAFTS_KEPT - SECOND) == 0
    assert forget_drafts(tmp_path, NOW + DRAFTS_KEPT + SECOND) == 2
    assert uid not in on_disk(tmp_path)
    assert not stray.exists()
