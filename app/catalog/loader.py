"""The folder of the contributed catalogue → checked values, or everything that is wrong with it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from app.catalog import marked_yaml
from app.catalog.booking_settings import BookingSettings, effective_booking
from app.catalog.contributed import (
    FILES,
    FacilityFile,
    InstitutionFile,
    InstrumentFile,
)
from app.catalog.marked_yaml import MarkedYaml
from app.catalog.notations import Names
from app.catalog.problems import CatalogInvalid, Problem, place_of, wording
from app.domain.linked import circle

TECHNIQUES = "techniques.yaml"
INSTITUTION = "institution.yaml"
FACILITIES = "facilities"
SCHEMAS = "schema"


@dataclass(frozen=True, slots=True)
class Contributions:
    """What the files say, by slug."""

    institutions: Mapping[str, InstitutionFile]
    facilities: Mapping[str, FacilityFile]
    instruments: Mapping[str, InstrumentFile]
    techniques: Mapping[str, Names]
    #: The slug of the institution, by the slug of its facility or instrument.
    institution_of: Mapping[str, str]

    def booking_of(self, instrument: str) -> BookingSettings:
        """All booking settings of an instrument, none left open."""
        file = self.instruments[instrument]
        return effective_booking(self.facilities[file.facility].booking, file.booking)


def problems(folder: Path) -> list[Problem]:
    """All that is wrong in `folder`, in the order of files and lines; empty if it may be taken."""
    return _Folder(folder).checked()


def read(folder: Path) -> Contributions:
    """The contributed catalogue in `folder`. Raises `CatalogInvalid` with every problem of it."""
    contributed = _Folder(folder)
    if found := contributed.checked():
        raise CatalogInvalid(found)
    return contributed.contributions()


@dataclass(slots=True)
class _File:
    """One file, read; `value` is None if it does not fit its model."""

    path: Path
    slug: str
    institution: str
    marked: MarkedYaml
    value: Any = None

    def problem(self, text: str, *place: str | int) -> Problem:
        return Problem(self.path, self.marked.line_of(place), text)


@dataclass(slots=True)
class _Folder:
    """The files of one folder and what is wrong with them."""

    folder: Path
    found: list[Problem] = field(default_factory=list)
    files: dict[str, list[_File]] = field(default_factory=lambda: {kind: [] for kind in FILES})

    def checked(self) -> list[Problem]:
        self._walk()
        for check in (
            self._slugs,
            self._facilities_exist,
            self._techniques_exist,
            self._bookings,
            self._links,
        ):
            self.found.extend(check())
        return sorted(set(self.found))

    def contributions(self) -> Contributions:
        institutions, facilities, instruments = (
            {file.slug: file.value for file in self.files[kind]}
            for kind in ("institution", "facility", "instrument")
        )
        return Contributions(
            institutions,
            facilities,
            instruments,
            self._techniques(),
            {f.slug: f.institution for f in self.files["facility"] + self.files["instrument"]},
        )

    # The walk goes exactly as deep as the layout, so that no link can lead it in circles.

    def _walk(self) -> None:
        if not self.folder.is_dir():
            self._complain(self.folder, "there is no such folder")
            return
        names = {path.name for path in self._children(self.folder)}
        if TECHNIQUES not in names:
            self._complain(self.folder / TECHNIQUES, "the file is missing: it names the techniques")
        for path in self._children(self.folder):
            if path.is_dir():
                if path.name != SCHEMAS:
                    self._institution(path)
            elif path.name == TECHNIQUES:
                self._take("techniques", path, "", "")
            else:
                self._stray(path)

    def _institution(self, folder: Path) -> None:
        slug = folder.name
        if not (folder / INSTITUTION).exists():
            self._complain(folder / INSTITUTION, "the file is missing: every institution needs one")
        for path in self._children(folder):
            if path.is_dir():
                if path.name == FACILITIES:
                    self._facilities(path, slug)
                else:
                    self._complain(path, "no folder is read here but “facilities”")
            elif path.name == INSTITUTION:
                self._take("institution", path, slug, slug)
            elif path.suffix == ".yaml":
                self._take("instrument", path, path.stem, slug)
            else:
                self._stray(path)

    def _facilities(self, folder: Path, institution: str) -> None:
        for path in self._children(folder):
            if path.suffix == ".yaml" and not path.is_dir():
                self._take("facility", path, path.stem, institution)
            else:
                self._stray(path)

    def _children(self, folder: Path) -> Iterator[Path]:
        """What lies in `folder`, without hidden files; links that lead out are refused."""
        try:
            inside = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
        except OSError as wrong:
            self._complain(folder, f"the folder cannot be read: {wrong.strerror}")
            return
        root = self.folder.resolve()
        for path in inside:
            try:
                stays = path.resolve().is_relative_to(root)
            except (OSError, RuntimeError):  # a link to itself
                stays = False
            if stays:
                yield path
            else:
                self._complain(path, "this link leads out of the folder: put a copy here instead")

    def _stray(self, path: Path) -> None:
        if path.suffix == ".yml":
            self._complain(path, "the file is not read: name it “.yaml”")
        elif path.suffix not in (".md", ".txt"):
            self._complain(path, "the file does not belong here: move or remove it")

    def _complain(self, path: Path, text: str) -> None:
        self.found.append(Problem(path, 1, text))

    def _take(self, kind: str, path: Path, slug: str, institution: str) -> None:
        try:
            with path.open("rb") as stream:
                raw = stream.read(marked_yaml.LARGEST + 1)
        except OSError as wrong:
            self._complain(path, f"the file cannot be read: {wrong.strerror}")
            return
        file = _File(path, slug, institution, marked_yaml.read(raw))
        self.files[kind].append(file)
        self.found.extend(Problem(path, fault.line, fault.text) for fault in file.marked.faults)
        if file.marked.faults and not isinstance(file.marked.data, dict):
            return
        if not isinstance(file.marked.data, dict):
            self.found.append(file.problem("the file must be fields with values, such as “name:”"))
            return
        try:
            # Through JSON, because only there “strict” lets words stand for dates and choices.
            file.value = FILES[kind].validate_json(json.dumps(file.marked.data))
        except ValidationError as wrong:
            for error in wrong.errors(include_url=False):
                self.found.append(file.problem(wording(error), *place_of(error)))

    def _techniques(self) -> dict[str, Names]:
        return {
            slug: name for f in self.files["techniques"] for slug, name in (f.value or {}).items()
        }

    def _slugs(self) -> Iterator[Problem]:
        """Slugs are plain, begin with their institution's, and mean one thing for ever."""
        taken: dict[str, Path] = {}
        things = [*self.files["institution"], *self.files["facility"], *self.files["instrument"]]
        for file in things:
            if not _is_slug(file.slug):
                yield file.problem(
                    f"“{file.slug}” is not a slug: small letters, digits and hyphens, at most 64"
                )
            if file.slug in taken:
                yield file.problem(f"the slug “{file.slug}” is taken by {taken[file.slug]}")
            taken.setdefault(file.slug, file.path)
            if file.slug != file.institution and not file.slug.startswith(f"{file.institution}-"):
                yield file.problem(f"the slug “{file.slug}” must begin with “{file.institution}-”")
        for file in things:
            for n, former in enumerate(file.value.former_slugs if file.value else ()):
                if former in taken:
                    yield file.problem(
                        f"the former slug “{former}” is taken by {taken[former]}", "former_slugs", n
                    )
                taken.setdefault(former, file.path)

    def _facilities_exist(self) -> Iterator[Problem]:
        home = {file.slug: file.institution for file in self.files["facility"]}
        for file in self.files["instrument"]:
            facility = _given(file, "facility")
            if not isinstance(facility, str):
                continue  # missing or no text: the model has said so
            if facility not in home:
                yield file.problem(
                    f"there is no facility “{facility}”: add {FACILITIES}/{facility}.yaml",
                    "facility",
                )
            elif home[facility] != file.institution:
                yield file.problem(
                    f"the facility “{facility}” belongs to “{home[facility]}”: "
                    "put this file into that folder",
                    "facility",
                )

    def _techniques_exist(self) -> Iterator[Problem]:
        known = self._techniques()
        for file in self.files["instrument"]:
            techniques = _given(file, "techniques")
            for n, slug in enumerate(techniques if isinstance(techniques, list) else ()):
                if isinstance(slug, str) and slug not in known:
                    yield file.problem(
                        f"there is no technique “{slug}”: choose one of {TECHNIQUES} or add it",
                        "techniques",
                        n,
                    )

    def _links(self) -> Iterator[Problem]:
        """What is reserved along exists, in the same facility, and nothing needs itself."""
        files = {file.slug: file for file in self.files["instrument"]}
        needs = {slug: _slugs_in(file.marked.data, "needs") for slug, file in files.items()}
        for file in self.files["instrument"]:
            for name in ("needs", "accessories"):
                for n, slug in enumerate(_slugs_in(file.marked.data, name)):
                    other = files.get(slug)
                    if other is None:
                        yield file.problem(f"there is no instrument “{slug}”", name, n)
                    elif slug == file.slug:
                        yield file.problem(
                            "an instrument is not reserved along with itself", name, n
                        )
                    elif _given(other, "facility") != _given(file, "facility"):
                        yield file.problem(
                            f"“{slug}” is of another facility: only what the same managers answer "
                            "for is reserved together",
                            name,
                            n,
                        )
            if (way := circle(file.slug, needs)) and len(way) > 2:
                said = " → ".join(way)
                yield file.problem(f"it would come to need itself: {said}", "needs")

    def _bookings(self) -> Iterator[Problem]:
        """The settings must fit together as they add up, not only within one file."""
        facilities = {file.slug: file.value for file in self.files["facility"] if file.value}
        for file in [*self.files["facility"], *self.files["instrument"]]:
            if file.value is None:
                continue
            settings = file.value.booking or BookingSettings()
            if isinstance(file.value, InstrumentFile):
                facility = facilities.get(file.value.facility)
                settings = effective_booking(facility.booking if facility else None, settings)
            for name, text in settings.contradictions():
                yield file.problem(text, "booking", name)


def _slugs_in(data: Any, name: str) -> list[str]:
    """The slugs that a file gives under `name`, as far as they are any."""
    said = data.get(name) if isinstance(data, dict) else None
    return [each for each in said if isinstance(each, str)] if isinstance(said, list) else []


def _given(file: _File, name: str) -> Any:
    return file.marked.data.get(name) if isinstance(file.marked.data, dict) else None


def _is_slug(text: str) -> bool:
    return (
        0 < len(text) <= 64
        and text.isascii()
        and text == text.lower()
        and all(part.isalnum() for part in text.split("-"))
    )
