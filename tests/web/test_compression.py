"""Long answers travel compressed to those who can take it, and mean the same."""

import gzip

import pytest

LONG = "/api/v1/docs"


def test_a_long_page_is_compressed_for_those_who_can_take_it(client):
    plain = client.get(LONG)
    packed = client.get(LONG, headers={"Accept-Encoding": "br, gzip"})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert int(packed.headers["Content-Length"]) == len(packed.data) < len(plain.data) / 3
    assert b"<h1" in gzip.decompress(packed.data)


@pytest.mark.parametrize("accepts", ["", "identity", "br", "gzip;q=0"])
def test_who_cannot_take_it_gets_it_as_it_is(client, accepts):
    answer = client.get(LONG, headers={"Accept-Encoding": accepts})
    assert "Content-Encoding" not in answer.headers
    assert "Accept-Encoding" in answer.vary


def test_what_is_short_is_not_worth_it(client):
    answer = client.get("/healthz", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in answer.headers


def test_files_and_answers_without_a_body_are_left_alone(client):
    asked = {"Accept-Encoding": "gzip"}
    with client.get("/static/logo.svg", headers=asked) as file:
        assert "Content-Encoding" not in file.headers
    document = client.get("/api/v1/openapi.json", headers=asked)
    assert document.headers["Content-Encoding"] == "gzip"
    again = client.get(
        "/api/v1/openapi.json", headers={**asked, "If-None-Match": document.headers["ETag"]}
    )
    assert (again.status_code, again.data) == (304, b"")


def test_its_length_tells_nothing_exactly(client):
    lengths = {len(client.get(LONG, headers={"Accept-Encoding": "gzip"}).data) for _ in range(12)}
    assert len(lengths) > 2
