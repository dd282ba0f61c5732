"""Finding instruments: words in both languages, facets, pages, hostile input."""

import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from app.catalog import searchable
from app.catalog.filters import Filter
from app.catalog.models import Technique
from app.catalog.search import after, search
from app.catalog.techniques import give_techniques
from app.db import db, transaction
from app.domain.booking import UseScope, UseState
from tests import factories
from tests.conftest import NOW


def an_instrument(slug: str, *, techniques=(), **fields):
    made = factories.instrument(slug=slug, **fields)
    with transaction():
        db.session.add(made)
        give_techniques(made, list(techniques))
        db.session.flush()
        made.search_text = searchable.text_of(made)
    return made


@pytest.fixture
def catalogue(app):
    """Four instruments in three facilities of two institutions."""
    for slug, ko, en in (("confocal", "공초점", "Confocal"), ("ms", "질량분석", "Mass spec")):
        factories.save(Technique(slug=slug, name_ko=ko, name_en=en))
    imaging = factories.facility(slug="kaist-imaging", name_ko="영상센터", name_en="Imaging")
    analysis = factories.facility(slug="kaist-analysis", name_ko="분석센터", name_en="Analysis")
    cnu = factories.facility(
        slug="cnu-core", name_ko="공동실", name_en="Core", institution=factories.cnu()
    )
    an_instrument(
        "confocal",
        name_ko="공초점 현미경",
        name_en="Confocal microscope",
        maker="Nikon",
        facility=imaging,
        techniques=["confocal"],
    )
    an_instrument(
        "orbitrap",
        name_ko="고분해능 질량분석기",
        name_en="Orbitrap",
        features_ko="현미경 옆에 있습니다.",
        facility=analysis,
        techniques=["ms"],
        classification="chemical-pretreatment-analysis",
    )
    an_instrument(
        "sem",
        name_ko="주사전자현미경",
        name_en="SEM 100%",
        facility=cnu,
        use_scope=UseScope.PRIVATE_USE,
    )
    an_instrument(
        "old",
        name_ko="가장 오래된 현미경",
        name_en="A broken microscope",
        facility=cnu,
        use_state=UseState.DISUSED,
    )
    db.session.rollback()


def found(q: str = "", *, language: str = "ko", **how) -> list[str]:
    return [i.slug for i in search(Filter(q=q, **how), language=language).page.items]


def counts(facet: str, q: str = "", **how) -> dict[str, int]:
    return {option.value: option.count for option in search(Filter(q=q, **how)).facets[facet]}


def test_two_syllables_are_enough(catalogue):
    assert set(found("현미")) == {"confocal", "orbitrap", "sem", "old"}
    assert found("초점") == ["confocal"]


def test_matches_in_the_name_come_first_and_what_is_out_of_use_last(catalogue):
    assert found("현미경") == ["confocal", "sem", "old", "orbitrap"]


@pytest.mark.parametrize("q", ["confocal", "CONFOCAL", "Confocal"])
def test_english_is_found_in_any_case(catalogue, q):
    assert found(q) == ["confocal"]


@pytest.mark.parametrize(
    "q", ["공초점 현미경", "현미경 공초점", "공초점현미경", " 공초점\t현미경 "]
)
def test_words_may_come_in_any_order_and_blanks_do_not_matter(catalogue, q):
    assert found(q) == ["confocal"]


def test_all_words_must_be_there(catalogue):
    assert found("현미경 nikon") == ["confocal"]
    assert found("현미경 zeiss") == []


def test_hangul_typed_in_its_parts_is_found(catalogue):
    assert found(unicodedata.normalize("NFD", "초점")) == ["confocal"]


@pytest.mark.parametrize("q", ["Chungnam", "충남대", "cnu"])
def test_an_institution_finds_its_instruments(catalogue, q):
    assert set(found(q)) == {"sem", "old"}


def test_the_reader_language_decides_the_order(catalogue):
    assert found(language="ko") == ["orbitrap", "confocal", "sem", "old"]
    assert found(language="en") == ["confocal", "orbitrap", "sem", "old"]


@pytest.mark.parametrize(("q", "slugs"), [("100%", ["sem"]), ("%", ["sem"]), ("_", []), ("\\", [])])
def test_wildcards_are_plain_characters(catalogue, q, slugs):
    assert found(q) == slugs


@pytest.mark.parametrize(
    "q", ["' OR 1=1 --", '"; DROP TABLE instrument', "\x00", "현미\x00", "😀", "a" * 100_000, "ㅎ"]
)
def test_hostile_words_find_little_and_break_nothing(catalogue, q):
    search(Filter(q=q))


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(q=st.text(max_size=60), value=st.text(max_size=20))
def test_whatever_is_typed_is_answered(catalogue, q, value):
    search(Filter(q=q, institution=(value,), use_scope=(value,), technique=(value,)))


def test_facets_narrow(catalogue):
    assert found(institution=("cnu",)) == ["sem", "old"]
    assert found(facility=("kaist-imaging", "kaist-analysis")) == ["orbitrap", "confocal"]
    assert found(technique=("confocal",)) == ["confocal"]
    assert found(classification=("chemical-pretreatment-analysis",)) == ["orbitrap"]
    assert found(use_scope=("private_use",)) == ["sem"]
    assert found("현미경", institution=("kaist",), technique=("ms",)) == ["orbitrap"]


def test_an_unknown_value_finds_nothing(catalogue):
    assert found(use_scope=("everything",)) == []
    assert found(institution=("nowhere",)) == []


def test_each_facet_is_counted_under_all_other_filters(catalogue):
    assert counts("institution") == {"kaist": 2, "cnu": 2}
    assert counts("institution", institution=("kaist",)) == {"kaist": 2, "cnu": 2}
    assert counts("facility", institution=("kaist",)) == {"kaist-imaging": 1, "kaist-analysis": 1}
    assert counts("technique", institution=("kaist",)) == {"confocal": 1, "ms": 1}
    assert counts("institution", technique=("ms",)) == {"kaist": 1}
    assert counts("technique", technique=("ms",)) == {"confocal": 1, "ms": 1}
    assert counts("use_scope", "현미") == {"public_use_service": 3, "private_use": 1}


def test_what_is_chosen_stays_on_the_page_even_if_it_finds_nothing(catalogue):
    assert counts("technique", "sem", technique=("ms",)) == {"ms": 0}


def test_a_count_is_what_choosing_shows(catalogue):
    for facet, options in search(Filter(q="현미")).facets.items():
        for option in options:
            narrowed = search(Filter(q="현미", **{facet: (option.value,)}))
            assert narrowed.page.total == option.count, (facet, option.value)


def test_only_some_ids(catalogue):
    confocal = search(Filter(q="confocal")).page.items[0]
    assert found(only=frozenset({confocal.id})) == ["confocal"]
    assert found(only=frozenset()) == []


def test_what_is_retired_is_not_found(catalogue):
    with transaction():
        search(Filter(q="confocal")).page.items[0].retired_at = NOW
    assert "confocal" not in found()


def test_instruments_of_a_retired_facility_are_not_found(catalogue):
    with transaction():
        search(Filter(q="confocal")).page.items[0].facility.retired_at = NOW
    assert "confocal" not in found()
    assert "kaist-imaging" not in counts("facility")


def test_pages_share_out_what_was_found(catalogue):
    pages = [search(Filter(), page=number, size=3) for number in (1, 2)]
    assert [len(page.page.items) for page in pages] == [3, 1]
    assert {(page.page.pages, page.page.total) for page in pages} == {(2, 4)}


def test_a_page_behind_the_last_is_the_last(catalogue):
    page = search(Filter(), page=99, size=3).page
    assert (page.number, len(page.items)) == (2, 1)


def test_nothing_found_is_one_empty_page(catalogue):
    page = search(Filter(q="없는말")).page
    assert (page.number, page.pages, page.total, list(page.items)) == (1, 1, 0, [])


def test_all_can_be_read_by_slug(catalogue):
    first = after(Filter(), "", limit=2)
    rest = after(Filter(), first[-1].slug, limit=9)
    assert [i.slug for i in (*first, *rest)] == ["confocal", "old", "orbitrap", "sem"]


@contextmanager
def statements() -> Iterator[list[str]]:
    seen: list[str] = []

    def note(_connection, _cursor, statement, *_rest) -> None:
        if statement.lstrip().upper().startswith(("SELECT", "WITH")):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(db.engine, "before_cursor_execute", note)


def test_a_search_costs_the_same_few_statements_whatever_it_finds(catalogue):
    with statements() as few:
        search(Filter(q="초점"))
    with statements() as many:
        search(Filter(q="현미"))
    assert len(many) == len(few) <= 5
