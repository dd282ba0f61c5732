"""The tables → contributed files, so that an edit in the browser can find its way back."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from app.accounts.models import Institution
from app.catalog import entries
from app.catalog.contributed import FILES
from app.catalog.loader import FACILITIES, INSTITUTION, TECHNIQUES
from app.catalog.models import Facility, FormerSlug, Instrument, Technique
from app.catalog.problems import place_of, wording
from app.db import db

_LINE = 100


class NotExportable(Exception):
    """Rows that no file could say; `problems` names each of them."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


def export(folder: Path, *, step: Callable[[int], None] = lambda _count: None) -> int:
    """Write all that is not retired into `folder`, which `catalog check` then takes.

    Gives the number of files. Raises `NotExportable` before the first of them is written.
    """
    texts = dict(_files())
    for path, text in texts.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
        step(1)
    return len(texts)


def _files() -> Iterator[tuple[Path, str]]:
    problems: list[str] = []
    formers = _former_slugs()
    found: list[tuple[Path, str]] = []
    for kind, institution, row in _rows():
        path, up = _place(kind, institution, row.slug)
        said = entries.said_by(kind, entries.of_row(kind, row))
        if former := formers.get((kind, row.slug)):
            said["former_slugs"] = former
        try:
            found.append((path, _written(kind, said, up)))
        except ValidationError as wrong:
            problems += [
                f"{row.slug}: {wording(e)} (at {'.'.join(map(str, place_of(e)))})"
                for e in wrong.errors(include_url=False)
            ]
    if problems:
        raise NotExportable(problems)
    yield Path(TECHNIQUES), _techniques()
    yield from found


def _rows() -> Iterator[tuple[str, str, entries.Row]]:
    """Every row that is not retired, with its kind and its institution's slug."""
    for institution in db.session.scalars(
        select(Institution).where(Institution.retired_at.is_(None)).order_by(Institution.slug)
    ):
        yield "institution", institution.slug, institution
    for facility in db.session.scalars(
        select(Facility)
        .where(Facility.retired_at.is_(None))
        .options(selectinload(Facility.institution))
        .order_by(Facility.slug)
    ):
        yield "facility", facility.institution.slug, facility
    for instrument in db.session.scalars(
        select(Instrument)
        .where(Instrument.retired_at.is_(None))
        .options(
            selectinload(Instrument.techniques),
            selectinload(Instrument.facility).selectinload(Facility.institution),
        )
        .order_by(Instrument.slug)
    ):
        yield "instrument", instrument.facility.institution.slug, instrument


def _former_slugs() -> Mapping[tuple[str, str], list[str]]:
    formers: dict[tuple[str, str], list[str]] = {}
    for former in db.session.scalars(select(FormerSlug).order_by(FormerSlug.id)):
        formers.setdefault((former.kind, former.now), []).append(former.slug)
    return formers


def _place(kind: str, institution: str, slug: str) -> tuple[Path, str]:
    """The path of a file and the way from it up to the folder."""
    match kind:
        case "institution":
            return Path(institution, INSTITUTION), "../"
        case "facility":
            return Path(institution, FACILITIES, f"{slug}.yaml"), "../../"
        case _:
            return Path(institution, f"{slug}.yaml"), "../"


def _written(kind: str, said: Mapping[str, Any], up: str) -> str:
    adapter: TypeAdapter[Any] = FILES[kind]
    # Read as a file would be, and only what is not said by itself is written.
    entry = adapter.validate_python(adapter.validate_json(_json(said)))
    content = entry.model_dump(mode="json", exclude_defaults=True)
    return _head(kind, up) + _yaml(content)


def _json(said: Mapping[str, Any]) -> bytes:
    return TypeAdapter(dict[str, Any]).dump_json(dict(said))


def _techniques() -> str:
    names = {
        technique.slug: {"ko": technique.name_ko, "en": technique.name_en}
        for technique in db.session.scalars(select(Technique).order_by(Technique.id))
    }
    return _head("techniques", "") + _yaml(names)


def _head(kind: str, up: str) -> str:
    return f"# yaml-language-server: $schema={up}schema/{kind}.json\n"


class _Dumper(yaml.SafeDumper):
    """Text of several lines stands as a block."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)
# An anchor would be refused by the reader: the same list twice is written twice.
_Dumper.ignore_aliases = lambda *_: True  # type: ignore[method-assign]


def _yaml(content: Mapping[str, Any]) -> str:
    text: str = yaml.dump(
        dict(content), Dumper=_Dumper, allow_unicode=True, sort_keys=False, width=_LINE
    )
    return text
