"""Techniques: their names from the files, and which instrument offers which, the main one first."""

from collections.abc import Iterator, Mapping, Sequence

from sqlalchemy import delete, insert, select

from app.catalog.models import Instrument, Technique, instrument_technique
from app.catalog.notations import Names
from app.db import db


def take_techniques(given: Mapping[str, Names]) -> Iterator[tuple[str, str | None, str]]:
    """Bring the techniques up to the file; yields slug, names before (None: new), names now.

    One that vanished from the file stays, as instruments of the past may name it.
    """
    there = {technique.slug: technique for technique in db.session.scalars(select(Technique))}
    for slug, names in given.items():
        now = f"{names.ko} / {names.en}"
        technique = there.get(slug)
        if technique is None:
            db.session.add(Technique(slug=slug, name_ko=names.ko, name_en=names.en))
            yield slug, None, now
        elif (technique.name_ko, technique.name_en) != (names.ko, names.en):
            before = f"{technique.name_ko} / {technique.name_en}"
            technique.name_ko, technique.name_en = names.ko, names.en
            yield slug, before, now
    db.session.flush()


def give_techniques(instrument: Instrument, slugs: Sequence[str]) -> None:
    """Let the instrument offer these techniques, in this order."""
    ids = {
        slug: id_
        for id_, slug in db.session.execute(
            select(Technique.id, Technique.slug).where(Technique.slug.in_(slugs))
        )
    }
    db.session.flush()
    db.session.execute(
        delete(instrument_technique).where(instrument_technique.c.instrument_id == instrument.id)
    )
    rows = [
        {"instrument_id": instrument.id, "technique_id": ids[slug], "position": position}
        for position, slug in enumerate(dict.fromkeys(slugs))
    ]
    if rows:
        db.session.execute(insert(instrument_technique), rows)
    db.session.expire(instrument, ["techniques"])
