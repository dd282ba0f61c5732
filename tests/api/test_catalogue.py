"""The catalogue by the API: open to everyone, narrowed by words and facets, page by page."""

from app.accounts.models import User
from app.catalog.models import Instrument
from tests import factories
from tests.api.conftest import Program, Programs, problem

SHORT = {
    "slug", "name", "kind", "institution", "facility", "techniques", "classification",
    "use_scope", "use_state", "maker", "model", "registration_number", "location", "timezone",
    "capacity", "booking", "prices", "illustrative", "booking_illustrative", "retired", "links",
}  # fmt: skip


def slugs(program: Program, query: str = "") -> list[str]:
    found: list[str] = []
    cursor = ""
    while True:
        answer = program.get(f"/instruments?{query}&cursor={cursor}")
        assert answer.status_code == 200, answer.text
        found += [item["slug"] for item in answer.json["items"]]
        if not (cursor := answer.json["next"] or ""):
            return found


def test_everyone_may_look_around(program_of: Programs, microscope: Instrument) -> None:
    nobody = program_of()

    listed = nobody.get("/instruments")
    one = nobody.get("/instruments/microscope")

    assert listed.json.keys() == {"items", "next"}
    (item,) = listed.json["items"]
    assert item.keys() == SHORT
    assert item["name"] == {"ko": "공초점 현미경", "en": "Microscope"}
    assert item["institution"]["slug"] == "kaist"
    assert item["booking"]["longest"] == "PT8H"
    assert one.json.keys() > SHORT
    assert {name: one.json[name] for name in SHORT} == item
    assert one.json["links"]["self"] == "http://localhost/api/v1/instruments/microscope"
    assert nobody.client.get(one.json["links"]["busy"]).status_code == 422, "asks start and end"
    assert problem(nobody.get("/instruments/nothing")) == (404, "not-found")


def test_pages_join_without_loss(program_of: Programs, microscope: Instrument) -> None:
    made = [
        factories.instrument(slug=f"item-{n}", facility=microscope.facility).slug for n in range(6)
    ]
    for limit in (1, 2, 3, 7, 200):
        assert slugs(program_of(), f"limit={limit}") == [*made, "microscope"]


def test_it_is_narrowed_by_all_that_is_asked(program_of: Programs, microscope: Instrument) -> None:
    at_cnu = factories.facility(slug="cnu-core", institution_id=factories.cnu().id)
    factories.instrument(slug="scanner", facility=at_cnu, name_ko="전자 현미경", name_en="Scanner")
    nobody = program_of()

    assert slugs(nobody, "q=현미경") == ["microscope", "scanner"]
    assert slugs(nobody, "q=현미경 전자") == ["scanner"]
    assert slugs(nobody, "institution=cnu") == ["scanner"]
    assert slugs(nobody, "institution=cnu,kaist") == ["microscope", "scanner"]
    assert slugs(nobody, "facility=cnu-core&q=scan") == ["scanner"]
    assert slugs(nobody, "use_scope=private_use") == []
    assert slugs(nobody, "use_scope=private_use,public_use_service&q=scan") == ["scanner"]
    assert slugs(nobody, "technique=no-such-thing") == []


def test_questions_that_make_no_sense(program_of: Programs, mina: User) -> None:
    nobody = program_of()
    for query in (
        "limit=0", "limit=201", "limit=x", "cursor=!!!", "cursor=%00", "cursor=가",
        "nonsense=1", "q=" + "x" * 201, "institution=" + "x" * 1001,
    ):  # fmt: skip
        assert problem(nobody.get(f"/instruments?{query}")) == (422, "invalid"), query
    for query in (
        "q=%00", "q=%", "q=_", "q='", "q=\\", "q=%F0%9F%94%AC", "q=%ED%A0%80", "q=ㅎ",
        "institution=%00", "facility=,,,", "technique=%27%20or%201=1--", "cursor=AA",
    ):  # fmt: skip
        answer = nobody.get(f"/instruments?{query}")
        assert answer.status_code in {200, 422}, query
