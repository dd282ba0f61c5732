"""The catalogue over HTTP, as programs read it."""

import pytest

from app.catalog.sync import sync
from tests.catalog.folder import CONFOCAL, Folder
from tests.conftest import NOW


@pytest.fixture
def folder(app, tmp_path) -> Folder:
    made = Folder(tmp_path / "instruments")
    for name in ("a", "b"):
        made.with_(f"hanguk/hanguk-{name}.yaml", CONFOCAL, use_scope="public_use_service")
    sync(made.read(), now=NOW)
    return made


def slugs(client, query: str = "") -> list[str]:
    return [item["slug"] for item in client.get(f"/api/v1/instruments?{query}").json["items"]]


def test_instruments_are_listed_by_slug(client, folder):
    assert slugs(client) == ["hanguk-a", "hanguk-b", "hanguk-confocal"]
    assert client.get("/api/v1/instruments").json["next"] is None


def test_a_list_goes_on_where_the_cursor_says(client, folder):
    first = client.get("/api/v1/instruments?limit=2").json
    rest = client.get(f"/api/v1/instruments?limit=2&cursor={first['next']}").json
    assert [i["slug"] for i in (*first["items"], *rest["items"])] == slugs(client)
    assert rest["next"] is None


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("q=nikon", 3),
        ("q=초점&use_scope=joint_use", 1),
        ("use_scope=joint_use,public_use_service", 3),
        ("institution=hanguk&facility=hanguk-imaging&technique=confocal", 3),
        ("institution=kaist", 0),
        ("classification=data-processing", 0),
    ],
)
def test_lists_are_narrowed_as_on_the_page(client, folder, query, number):
    assert len(slugs(client, query)) == number


def test_one_instrument_says_all(client, folder):
    found = client.get("/api/v1/instruments/hanguk-confocal").json
    assert found["name"] == {"ko": "공초점 현미경", "en": "Confocal microscope"}
    assert found["institution"]["slug"] == "hanguk"
    assert [technique["slug"] for technique in found["techniques"]] == ["widefield", "confocal"]
    assert found["booking"]["longest"] == "PT4H"
    assert found["booking"]["slot"] == "PT1H"  # from the facility
    assert found["opening_hours"] == {"mon-fri": ["09:00-18:00"]}
    assert found["location"]["en"] == "Main building, room 101"
    assert found["prices"]["partner"] == 20_000
    assert found["illustrative"] is True
    assert found["acquired_on"] == "2024-03-31"
    assert found["links"]["self"].endswith("/api/v1/instruments/hanguk-confocal")


def test_managers_addresses_are_not_given_out(client, folder):
    assert "sora@example.org" not in client.get("/api/v1/instruments/hanguk-confocal").text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/nothing", 404),
        ("?limit=0", 422),
        ("?limit=201", 422),
        ("?limit=x", 422),
        ("?cursor=%25", 422),
        ("?cursor=한글", 422),
        ("?colour=red", 422),
    ],
)
def test_what_makes_no_sense_is_a_problem(client, folder, address, status):
    answer = client.get(f"/api/v1/instruments{address}")
    assert answer.status_code == status
    assert answer.mimetype == "application/problem+json"


@pytest.mark.parametrize("query", ["q=%00", "technique=%00", "cursor=AA", "q=%F0%9F%98%80", "q=%"])
def test_odd_but_harmless_words_are_answered(client, folder, query):
    assert client.get(f"/api/v1/instruments?{query}").status_code == 200
