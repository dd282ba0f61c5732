"""The contributed files → the tables, three-way: what files said last, say now, and a row holds.

A field that was changed in the browser since the files last spoke is kept and reported.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.orm import selectinload

from app.accounts.models import Institution, RoleName
from app.audit import services as audit
from app.catalog import entries, faces, holds, named_managers, renaming, searchable
from app.catalog.changes import Change, SyncRefused
from app.catalog.entries import Entry, Flat, Row
from app.catalog.loader import Contributions
from app.catalog.models import Facility, Instrument
from app.catalog.techniques import give_techniques, take_techniques
from app.db import db, transaction

#: Changes of the instrument that its calendar's readers must hear of, its face aside.
_OF_CALENDAR = frozenset(
    {
        *("opening_hours", "holidays", "extra_holidays", "skipped_holidays"),
        *("booking", "capacity", "use_state", "needs", "accessories"),
    }
)
#: Flat values that are slugs, and follow when what they name is renamed.
_SLUGS = frozenset({"institution", "facility"})
#: The same as lists; also in the rows, where no key of the database would follow.
_LISTS = frozenset({"needs", "accessories"})
#: What the audit trail calls a change.
_ACTS = {
    "new": "add",
    "retired": "retire",
    "returned": "return",
    "renamed": "rename",
    "manager": "grant-role-for",
}


class _OnlyAsked(Exception):
    """Undoes a transaction that was made to see what it would change."""


def _rows(kind: str) -> dict[str, Row]:
    """Every row of a kind by its slug, as the database has it now."""
    wanted: Select[Any] = select(entries.KINDS[kind])
    if kind == "instrument":
        wanted = wanted.options(
            selectinload(Instrument.techniques),
            selectinload(Instrument.facility).selectinload(Facility.institution),
        )
    # As they are now, whatever this session has seen before.
    wanted = wanted.order_by("id").execution_options(populate_existing=True)
    return {row.slug: row for row in db.session.scalars(wanted)}


def sync(
    contributions: Contributions,
    *,
    now: datetime,
    take_files: bool = False,
    retire_reserved: bool = False,
    dry_run: bool = False,
    step: Callable[[int], None] = lambda _count: None,
) -> list[Change]:
    """Bring the tables up to the files, in one transaction; a second time changes nothing.

    What differs from what the files last said was changed in the browser: it is kept and
    reported, unless `take_files`. What vanished from the files is retired, never deleted;
    raises `SyncRefused` if people have reserved it, unless `retire_reserved`, and if a former
    slug would lead to another thing. `step` hears of every entry done, for progress bars;
    with `dry_run` all is undone at the end.
    """
    work = _Sync(contributions, now, take_files, retire_reserved, step)
    try:
        with transaction():
            work.run()
            if dry_run:
                raise _OnlyAsked
    except _OnlyAsked:
        pass
    return work.changes


def plan(contributions: Contributions, *, now: datetime) -> list[Change]:
    """What `sync` would change; changes nothing. Raises `SyncRefused` as `sync` would."""
    return sync(contributions, now=now, dry_run=True)


@dataclass(slots=True)
class _Sync:
    """One run: what is given, what is there, what was found."""

    contributions: Contributions
    now: datetime
    take_files: bool = False
    retire_reserved: bool = False
    step: Callable[[int], None] = lambda _count: None
    changes: list[Change] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    rows: dict[str, dict[str, Row]] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    faces: set[int] = field(default_factory=set)
    calendars: set[int] = field(default_factory=set)

    def run(self) -> None:
        # Writes the lock of every calendar in the order of ids, as every booking does, so
        # that neither waits for the other for ever.
        db.session.scalars(select(Instrument.id).order_by(Instrument.id).with_for_update()).all()
        given: dict[str, Mapping[str, Entry]] = {
            "institution": self.contributions.institutions,
            "facility": self.contributions.facilities,
            "instrument": self.contributions.instruments,
        }
        self.rows = {kind: _rows(kind) for kind in entries.KINDS}
        for kind, files in given.items():
            self._rename(kind, files)
        if self.problems:
            raise SyncRefused(self.problems)
        self._techniques()
        for kind, files in given.items():
            for slug, file in files.items():
                self._entry(kind, slug, file)
                self.step(1)
            db.session.flush()
            self._retire(kind, files)
        if self.problems:
            raise SyncRefused(self.problems)
        self._managers()
        self._searchable()
        if self.faces:
            faces.changed(self.faces, now=self.now)
        faces.calendars_changed(self.calendars - self.faces)

    def _note(self, change: Change, detail: dict[str, Any] | None = None) -> None:
        self.changes.append(change)
        if not change.kept and change.what != "changed":
            audit.record(
                f"{_ACTS[change.what]}-{change.kind}",
                change.kind,
                change.slug,
                actor_id=None,
                now=self.now,
                detail=detail or {},
            )

    def _rename(self, kind: str, files: Mapping[str, Entry]) -> None:
        found = renaming.rename(kind, files, self.rows[kind])
        self.problems.extend(found.problems)
        for before, after in found.renamed.items():
            self.renamed[before] = after
            self._note(Change("renamed", kind, after, before=before), {"before": before})
        if found.renamed and kind == "instrument":
            for row in self.rows[kind].values():
                assert isinstance(row, Instrument)
                row.needs = self._as_named_now("needs", row.needs)
                row.accessories = self._as_named_now("accessories", row.accessories)

    def _techniques(self) -> None:
        for slug, before, after in take_techniques(self.contributions.techniques):
            if before is None:
                self._note(Change("new", "technique", slug))
            else:
                self.changes.append(Change("changed", "technique", slug, "name", before, after))

    def _entry(self, kind: str, slug: str, file: Entry) -> None:
        institution = self.contributions.institution_of.get(slug, "")
        flat = entries.of_file(kind, file, institution)
        row = self.rows[kind].get(slug)
        if row is None:
            self._add(kind, slug, flat)
            return
        if row.retired_at is not None:
            row.retired_at = None
            self._note(Change("returned", kind, slug))
        self._merge(kind, slug, row, flat)

    def _add(self, kind: str, slug: str, flat: Flat) -> None:
        row = entries.KINDS[kind](slug=slug)
        self._take(kind, row, flat)
        row.from_file = flat
        self.rows[kind][slug] = row
        db.session.add(row)
        if isinstance(row, Instrument):
            db.session.flush()
            give_techniques(row, flat["techniques"])
        self._note(Change("new", kind, slug))

    def _refuse_too_small(self, row: Row, capacity: int) -> None:
        most = holds.most_at_once(row.id, self.now)
        if most > capacity:
            self.problems.append(
                f"{row.slug}: “capacity” cannot fall to {capacity}, as up to {most} coming "
                "reservations overlap; move or cancel some first"
            )

    def _merge(self, kind: str, slug: str, row: Row, flat: Flat) -> None:
        held = entries.of_row(kind, row)
        base = {name: self._as_named_now(name, value) for name, value in row.from_file.items()}
        taken: dict[str, Any] = {}
        for name, value in flat.items():
            if held[name] == value:
                continue
            edited = name in base and held[name] != base[name]
            if edited and not self.take_files:
                self._note(Change("kept", kind, slug, name, held[name], value))
                continue
            if name == "capacity" and value < held[name]:
                self._refuse_too_small(row, value)
            taken[name] = value
            self.changes.append(Change("changed", kind, slug, name, held[name], value))
        if row.from_file != flat:
            row.from_file = flat
        if not taken:
            return
        self._take(kind, row, taken)
        if isinstance(row, Instrument) and "techniques" in taken:
            give_techniques(row, taken["techniques"])
        self._hear(kind, row, taken.keys())
        audit.record(
            f"sync-{kind}",
            kind,
            slug,
            actor_id=None,
            now=self.now,
            detail={"changes": {name: [held[name], value] for name, value in taken.items()}},
        )

    def _as_named_now(self, name: str, value: Any) -> Any:
        if name in _SLUGS:
            return self.renamed.get(value, value)
        return [self.renamed.get(each, each) for each in value] if name in _LISTS else value

    def _take(self, kind: str, row: Row, values: Mapping[str, Any]) -> None:
        entries.assign(row, values)
        if isinstance(row, Facility) and "institution" in values:
            institution = self.rows["institution"][values["institution"]]
            assert isinstance(institution, Institution)
            row.institution = institution
        if isinstance(row, Instrument) and "facility" in values:
            facility = self.rows["facility"][values["facility"]]
            assert isinstance(facility, Facility)
            row.facility = facility

    def _hear(self, kind: str, row: Row, names: Collection[str]) -> None:
        """Remember whose calendars must be read again."""
        face = faces.FACES[kind].intersection(names)
        if not face and _OF_CALENDAR.isdisjoint(names):
            return
        (self.faces if face else self.calendars).update(
            instrument.id
            for instrument in self.rows["instrument"].values()
            if isinstance(instrument, Instrument)
            and instrument.id is not None
            and row in (instrument, instrument.facility, instrument.facility.institution)
        )

    def _retire(self, kind: str, files: Mapping[str, Entry]) -> None:
        gone = {
            slug: row
            for slug, row in self.rows[kind].items()
            # A row that never came from a file was made otherwise, and stays.
            if slug not in files and row.from_file and row.retired_at is None
        }
        held = (
            holds.future([row.id for row in gone.values()], self.now)
            if kind == "instrument"
            else {}
        )
        for slug, row in gone.items():
            count = held.get(row.id, 0)
            if count and not self.retire_reserved:
                self.problems.append(
                    f"{slug} is not in the files but has {count} future reservations: put its file "
                    "back, cancel them, or retire it all the same with --retire-reserved"
                )
                continue
            row.retired_at = self.now
            self._note(Change("retired", kind, slug, after=count))
            self._hear(kind, row, ("use_state",))

    def _managers(self) -> None:
        ids = {slug: row.id for slug, row in self.rows["facility"].items()}
        found = named_managers.grant(self.contributions.facilities, ids, now=self.now)
        for slug, address in found:
            self._note(
                Change("manager", "facility", slug, after=address),
                {"role": RoleName.FACILITY_MANAGER.value, "email": address},
            )

    def _searchable(self) -> None:
        db.session.flush()
        for row in (*self.rows["facility"].values(), *self.rows["instrument"].values()):
            assert isinstance(row, Facility | Instrument)
            if row.from_file and row.search_text != (text := searchable.text_of(row)):
                row.search_text = text
        db.session.flush()
