"""One entry of the catalogue in three shapes: a file's model, a row, and flat values between them.

Flat values are JSON-safe and named like the columns, so that files, rows, forms and the audit
trail can be compared field by field. Empty text and nothing are both "nothing said": "" in columns
of text, None elsewhere.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any

from app.accounts.models import Institution
from app.catalog.contributed import FacilityFile, InstitutionFile, InstrumentFile
from app.catalog.models import Facility, Instrument
from app.db import Word

Entry = InstitutionFile | FacilityFile | InstrumentFile
Row = Institution | Facility | Instrument
Flat = dict[str, Any]

KINDS: Mapping[str, type[Row]] = MappingProxyType(
    {"institution": Institution, "facility": Facility, "instrument": Instrument}
)

#: Fields with a text in both languages: “name” in a file is name_ko and name_en in a row.
_BOTH = MappingProxyType(
    {
        "institution": ("name", "description", "note"),
        "facility": ("name", "description", "department", "location", "note"),
        "instrument": (
            *("name", "private_use_reason", "location", "features", "capability", "examples"),
            *("safety", "note"),
        ),
    }
)
#: Fields that are the same in a file and in a row.
_SAME = MappingProxyType(
    {
        "institution": (
            *("kind", "partner", "ror", "registration_number", "website", "sources"),
            "illustrative",
        ),
        "facility": (
            *("campus", "latitude", "longitude", "managers", "website", "timezone"),
            *("opening_hours", "holidays", "extra_holidays", "skipped_holidays", "booking"),
            *("sources", "illustrative", "booking_illustrative"),
        ),
        "instrument": (
            *("facility", "kind", "registration_number", "asset_number", "maker", "model"),
            *("model_example", "classification", "techniques", "use_scope", "use_state"),
            *("purposes", "funding", "website", "contact", "opening_hours", "booking", "prices"),
            *("capacity", "needs", "accessories"),
            *("sources", "illustrative", "booking_illustrative"),
        ),
    }
)
#: Fields that a file groups: column → place in the file.
_GROUPED = MappingProxyType(
    {
        "institution": {
            "colour_light": ("colours", "light"),
            "colour_dark": ("colours", "dark"),
        },
        "facility": {"email": ("contact", "email"), "phone": ("contact", "phone")},
        "instrument": {
            "acquired_on": ("acquisition", "on"),
            "acquisition_cost": ("acquisition", "cost"),
        },
    }
)
#: What a column holds when the file says nothing, where that is not None.
_NOTHING: Mapping[str, Any] = MappingProxyType(
    {
        **dict.fromkeys(("sources", "managers", "purposes", "funding", "documents"), ()),
        **dict.fromkeys(("needs", "accessories"), ()),
        **dict.fromkeys(("extra_holidays", "skipped_holidays"), ()),
        **dict.fromkeys(("contact", "booking"), MappingProxyType({})),
        "campus": "",
    }
)
#: Not columns of the table itself: written by their own means.
LINKS = frozenset({"institution", "facility", "techniques"})


def of_file(kind: str, entry: Entry, institution: str = "") -> Flat:
    """The flat values of a file; a facility names its `institution` too."""
    said = entry.model_dump(mode="json", exclude_none=True)
    flat = _flattened(kind, said)
    if kind == "facility":
        flat["institution"] = institution
    return flat


def _flattened(kind: str, said: Mapping[str, Any]) -> Flat:
    flat: Flat = {}
    for field in _BOTH[kind]:
        for language in ("ko", "en"):
            flat[f"{field}_{language}"] = said.get(field, {}).get(language, "")
    for field in _SAME[kind]:
        flat[field] = said.get(field, _nothing(field))
    for column, (group, field) in _GROUPED[kind].items():
        flat[column] = said.get(group, {}).get(field)
    if kind == "instrument":
        flat["documents"] = [
            {"title_ko": d["title"]["ko"], "title_en": d["title"]["en"], "url": d["url"]}
            for d in said.get("documents", [])
        ]
    return flat


def _nothing(field: str) -> Any:
    nothing = _NOTHING.get(field)
    if isinstance(nothing, tuple):
        return []
    return {} if isinstance(nothing, MappingProxyType) else nothing


def said_by(kind: str, flat: Mapping[str, Any]) -> dict[str, Any]:
    """What a file would say for these flat values: the way back, unchecked."""
    said: dict[str, Any] = {}
    for field in _BOTH[kind]:
        texts = {
            language: flat[f"{field}_{language}"]
            for language in ("ko", "en")
            if flat.get(f"{field}_{language}")
        }
        if texts:
            said[field] = texts
    for field in _SAME[kind]:
        if flat.get(field) not in (None, "", [], {}):
            said[field] = flat[field]
    for column, (group, field) in _GROUPED[kind].items():
        if flat.get(column) is not None:
            said.setdefault(group, {})[field] = flat[column]
    if documents := flat.get("documents"):
        said["documents"] = [
            {"title": {"ko": d["title_ko"], "en": d["title_en"]}, "url": d["url"]}
            for d in documents
        ]
    return said


def fields_of(kind: str) -> tuple[str, ...]:
    """The names of all flat values of a kind of entry."""
    names = tuple(_flattened(kind, {}))
    return (*names, "institution") if kind == "facility" else names


def of_row(kind: str, row: Row) -> Flat:
    """The flat values that a row holds now."""
    flat: Flat = {}
    for field in fields_of(kind):
        match field:
            case "institution":
                flat[field] = row.institution.slug  # type: ignore[union-attr]
            case "facility":
                flat[field] = row.facility.slug  # type: ignore[union-attr]
            case "techniques":
                flat[field] = [technique.slug for technique in row.techniques]  # type: ignore[union-attr]
            case _:
                flat[field] = _json_safe(field, getattr(row, field))
    return flat


def _json_safe(field: str, value: Any) -> Any:
    if isinstance(value, StrEnum):
        return value.value
    if isinstance(value, date) and not isinstance(value, datetime):
        return value.isoformat()
    if value is None and field.endswith(("_ko", "_en")):
        return ""
    return value


def assign(row: Row, values: Mapping[str, Any]) -> None:
    """Put flat values into a row, all but `LINKS`, which need other rows."""
    columns = type(row).__table__.columns
    for field, value in values.items():
        if field in LINKS:
            continue
        kind = columns[field].type
        if value is not None and isinstance(kind, Word):
            value = kind.words(value)  # noqa: PLW2901
        elif value is not None and field == "acquired_on":
            value = date.fromisoformat(value)  # noqa: PLW2901
        setattr(row, field, value)
