"""What contributed files may say, and what their settings add up to."""

import json
from datetime import timedelta
from pathlib import Path
from typing import get_args

import pytest
from pydantic import ValidationError

from app.catalog import contributed, vocabulary
from app.catalog.booking_settings import BookingSettings, effective_booking
from app.catalog.contributed import FILES, InstrumentFile, schema_text
from app.catalog.notations import duration, duration_text
from app.domain.booking import Mode, UseScope, UseState

REPOSITORY = Path(__file__).parents[2]

MICROSCOPE = {
    "name": {"ko": "공초점 현미경", "en": "Confocal microscope"},
    "facility": "hanguk-imaging",
    "kind": "instrument",
    "classification": "optical-electron-imaging",
    "techniques": ["confocal"],
    "use_scope": "joint_use",
    "illustrative": True,
}


def microscope(**fields) -> InstrumentFile:
    return InstrumentFile.model_validate_json(json.dumps(MICROSCOPE | fields))


def complaints(**fields) -> str:
    with pytest.raises(ValidationError) as refused:
        microscope(**fields)
    return str(refused.value)


def settings(**fields) -> BookingSettings:
    return BookingSettings.model_validate_json(json.dumps(fields))


@pytest.mark.parametrize(
    ("text", "span"),
    [
        ("PT30M", timedelta(minutes=30)),
        ("PT1H30M", timedelta(minutes=90)),
        ("PT24H", timedelta(days=1)),
        ("P14D", timedelta(days=14)),
        ("P1DT12H", timedelta(hours=36)),
        ("P2W", timedelta(days=14)),
        ("PT0S", None),
        ("P1M", None),
        ("P1Y", None),
        ("P", None),
        ("PT", None),
        ("30", None),
        (45, None),
        ("PT0H", timedelta(0)),
    ],
)
def test_durations_are_weeks_days_hours_and_minutes(text, span):
    if span is None:
        with pytest.raises(ValueError, match="is not a duration"):
            duration(text)
    else:
        assert duration(text) == span


@pytest.mark.parametrize("text", ["PT30M", "PT1H30M", "PT24H", "P14D", "PT36H", "PT0H"])
def test_a_duration_is_written_as_it_was_read(text):
    assert duration_text(duration(text)) == text


def test_an_entry_without_source_must_be_called_illustrative():
    assert "sources" in complaints(illustrative=False)
    assert microscope(illustrative=False, sources=["Annual report 2025"]).sources


def test_private_use_needs_a_reason_and_only_private_use_has_one():
    reason = {"ko": "실험실 전용", "en": "Belongs to one laboratory."}
    assert "needed there" in complaints(use_scope="private_use")
    assert "needed there" in complaints(private_use_reason=reason)
    assert microscope(use_scope="private_use", private_use_reason=reason)


def test_only_a_facility_suspends_for_no_shows():
    limit = {"number": 3, "within": "P30D", "suspended": "P14D"}
    assert "for the whole facility" in complaints(booking={"no_show_limit": limit})


def test_the_projects_that_paid_sum_to_the_whole():
    def part(weight):
        return {"project_number": "RS-1", "amount": 1_000, "weight": weight}

    assert "sum to 100" in complaints(funding=[part(60), part(30)])
    assert microscope(funding=[part(60), part(40)])


@pytest.mark.parametrize(
    "fields",
    [
        {"colour": "red"},
        {"capacity": "2"},
        {"capacity": 0},
        {"illustrative": "true"},
        {"name": {"ko": "현미경"}},
        {"name": {"ko": " ", "en": "Microscope"}},
        {"model": 980},
        {"website": "javascript:alert(1)"},
        {"website": "https://user:secret@example.org/"},
        {"website": "http://"},
        {"sources": ["ftp://example.org/list"]},
        {"contact": {"email": "nobody"}},
        {"registration_number": "NFEC-2024-13-000001"},
        {"techniques": []},
        {"classification": "optics"},
        {"acquisition": {"on": "2024-02-30"}},
        {"prices": {"unit": "hour", "partner": 10.5}},
        {"booking": {"modes": []}},
    ],
)
def test_what_makes_no_sense_is_refused(fields):
    complaints(**fields)


def test_a_source_may_be_a_reference_in_words():
    assert microscope(sources=["Newspaper X, 2 March 2026"]).sources == [
        "Newspaper X, 2 March 2026"
    ]


def test_the_instrument_has_the_last_word_then_the_facility_then_dure():
    facility = settings(slot="PT10M", longest="PT12H")
    instrument = settings(longest="PT4H", approval="each")

    both = effective_booking(facility, instrument)

    assert (both.slot, both.longest, both.approval) == (
        timedelta(minutes=10),
        timedelta(hours=4),
        "each",
    )
    assert both.earliest == timedelta(days=30)
    assert effective_booking(None, None).contradictions() == []


@pytest.mark.parametrize(
    ("fields", "fields_at_fault"),
    [
        ({"longest": "P31D"}, []),
        ({"longest": "P32D"}, ["longest"]),
        ({"shortest": "PT8H"}, []),
        ({"shortest": "PT9H"}, ["longest"]),
        ({"shortest": "PT45M"}, ["shortest"]),
        ({"slot": "PT0H"}, ["slot"]),
        ({"latest": "P29D"}, []),
        ({"latest": "P30D"}, ["latest"]),
        ({"shortest": "PT0H", "longest": "P32D"}, ["shortest", "longest"]),
    ],
)
def test_settings_that_contradict_each_other_are_named(fields, fields_at_fault):
    found = effective_booking(settings(**fields)).contradictions()
    assert [name for name, _ in found] == fields_at_fault


def test_the_words_of_the_files_are_those_of_the_domain():
    fields = InstrumentFile.model_fields
    assert set(get_args(fields["use_scope"].annotation)) == set(UseScope)
    assert set(get_args(fields["use_state"].annotation)) == set(UseState)
    assert set(get_args(fields["classification"].annotation)) == set(vocabulary.CLASSIFICATIONS)
    assert settings(modes=list(Mode)).modes == list(Mode)


def test_a_file_survives_being_written_and_read_again():
    file = microscope(booking={"slot": "PT10M", "earliest": "P14D"}, opening_hours={"daily": "24h"})
    text = file.model_dump_json(exclude_none=True)
    assert InstrumentFile.model_validate_json(text) == file


@pytest.mark.parametrize("kind", FILES)
def test_the_committed_schema_is_that_of_the_model(kind):
    committed = (REPOSITORY / "instruments/schema" / f"{kind}.json").read_text(encoding="utf-8")
    assert committed == schema_text(kind), (
        "write it anew: python -c 'from pathlib import Path; from app.catalog.contributed import "
        'write_schemas; write_schemas(Path("instruments/schema"))\''
    )


@pytest.mark.parametrize("kind", FILES)
def test_every_field_is_explained_to_contributors(kind):
    readme = (REPOSITORY / "instruments/README.md").read_text(encoding="utf-8")
    schema = contributed.schema(kind)
    for node in (schema, *schema.get("$defs", {}).values()):
        for name, field in node.get("properties", {}).items():
            assert field.get("description"), name
            assert f"`{name}`" in readme, name
