"""Renamed things: the row stays, its old slug leads to it for ever and is never given away."""

from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass, field

from sqlalchemy import select

from app.catalog.entries import Entry, Row
from app.catalog.models import FormerSlug
from app.db import db


@dataclass(slots=True)
class Renaming:
    """What was renamed, old slug → new, and what cannot be."""

    renamed: dict[str, str] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def rename(kind: str, files: Mapping[str, Entry], rows: MutableMapping[str, Row]) -> Renaming:
    """Give the rows of a kind the slugs that the files give them now; `rows` follows."""
    found = Renaming()
    formers = {
        former.slug: former
        for former in db.session.scalars(select(FormerSlug).where(FormerSlug.kind == kind))
    }
    for slug, file in files.items():
        for old in file.former_slugs:
            _lead(kind, old, slug, rows, formers, found)
    for slug, file in files.items():
        former = formers.get(slug)
        if former is not None and former.now != slug:
            found.problems.append(
                f"{slug} is the former slug of {former.now} and cannot be given to another "
                f"{kind}: choose another slug"
            )
        for old in file.former_slugs:
            if (former := formers.get(old)) is not None and former.now != slug:
                found.problems.append(
                    f"{slug}: its former slug {old} already leads to {former.now}: remove it"
                )
    db.session.flush()
    return found


def _lead(
    kind: str,
    old: str,
    slug: str,
    rows: MutableMapping[str, Row],
    formers: dict[str, FormerSlug],
    found: Renaming,
) -> None:
    """Let `old` lead to `slug`; the row of `old`, if there is one, becomes that of `slug`."""
    if old in rows and slug in rows:
        found.problems.append(
            f"{slug}: its former slug {old} is another {kind}; two cannot become one"
        )
        return
    if old in rows:
        # Renamed back: what was its former slug is its own again.
        if (own_again := formers.get(slug)) is not None and own_again.now == old:
            db.session.delete(formers.pop(slug))
            db.session.flush()
        row = rows.pop(old)
        row.slug = slug
        rows[slug] = row
        found.renamed[old] = slug
        for former in formers.values():
            if former.now == old:
                former.now = slug
    if old not in formers:
        formers[old] = FormerSlug(kind=kind, slug=old, now=slug)
        db.session.add(formers[old])
