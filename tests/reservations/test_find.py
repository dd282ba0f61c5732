"""The page “Who is free”: what is typed becomes a search, and each answer leads to the form."""

import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from app.accounts.models import Suspension
from app.catalog.models import Technique
from app.db import transaction
from app.domain.booking import UseScope
from app.projects import overdue
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked

pytestmark = pytest.mark.usefixtures("fixed_now")

ANY_HOUR = "hours_from=&hours_until="


def found(page):
    return re.findall(r'data-slug="([^"]+)"', page)


def forms(page):
    return [
        each.replace("&amp;", "&") for each in re.findall(r'href="([^"]+/reserve\?[^"]+)"', page)
    ]


def test_the_first_look_finds_two_hours_within_the_working_day(client, mina, microscope):
    page = client.sign_in(mina).get("/find").text
    # Today's hours are over: it is 18:00 in Daejeon.
    first = parse_qs(urlsplit(forms(page)[0]).query)
    assert first["start"] == ["2026-03-03T00:00:00+00:00"]
    assert first["end"] == ["2026-03-03T02:00:00+00:00"]
    assert 'value="09:00"' in page
    assert "2026-03-02" not in page


def test_one_press_leads_to_the_form_with_the_time_filled_in(client, mina, microscope):
    way = forms(client.sign_in(mina).get("/find").text)[0]
    assert 'value="2026-03-03T09:00"' in client.get(way).text


def test_a_day_has_each_instrument_once_with_its_further_times(client, mina, microscope):
    booked(mina, microscope, hours(16, 19))
    page = client.sign_in(mina).get(
        "/find?duration=PT1H&when=dates&first=2026-03-03&last=2026-03-03"
    )
    assert found(page.text) == ["microscope"]
    starts = [parse_qs(urlsplit(each).query)["start"][0][11:16] for each in forms(page.text)]
    assert starts == ["00:00", "04:00", "05:00", "06:00", "07:00"]


def test_the_price_is_the_readers_own_or_said_to_be_unknown(client, mina, theo, microscope):
    with transaction():
        microscope.prices = {"unit": "hour", "own_institution": 1_000, "partner": 3_000}
    factories.instrument(slug="unpriced", facility=microscope.facility)
    assert "2,000원" in client.sign_in(mina).get("/find").text
    page = client.sign_in(theo).get("/find").text
    assert "₩6,000" in page
    assert "Price not known here" in page
    assert set(found(client.get("/find?max_price=5999").text)) == {"unpriced"}
    assert set(found(client.get("/find?max_price=6000").text)) == {"microscope", "unpriced"}


def test_a_visitor_is_asked_to_sign_in_for_a_price(client, microscope):
    assert "로그인하면" in client.get("/find", headers={"Accept-Language": "ko"}).text


def test_what_the_reader_cannot_have_is_counted_and_not_shown(client, theo, microscope):
    factories.instrument(slug="private", use_scope=UseScope.PRIVATE_USE)
    factories.instrument(slug="brief", booking={"longest": "PT1H"})
    page = client.sign_in(theo).get("/find").text
    assert set(found(page)) == {"microscope"}
    assert "1 is for its own institution only" in page
    assert "1 is reserved only for shorter or longer times" in page


def test_who_does_the_work_is_asked_for_and_filled_in(client, mina, microscope):
    modes = {"modes": ["self_operated", "commissioned"]}
    factories.instrument(slug="lab", facility=microscope.facility, booking=modes)
    page = client.sign_in(mina).get("/find?mode=commissioned").text
    assert set(found(page)) == {"lab"}
    assert "그 이용 방식을 제공하지 않는 장비 1대" in page
    asked = re.search(r'<input[^>]*value="commissioned"[^>]*>', client.get(forms(page)[0]).text)
    assert asked
    assert "checked" in asked[0]


def test_who_has_not_paid_is_not_offered_what_would_refuse_them(client, theo, microscope):
    with transaction():
        microscope.booking = {**microscope.booking, "refuse_overdue_after": 10}
    factories.instrument(slug="lenient", facility=microscope.facility)
    head = factories.user("head", administers=factories.kaist())
    since = NOW.date() - timedelta(days=10)
    bill = {"since": since, "reason": "Bill 2026-01", "now": NOW, "today": NOW.date()}
    overdue.mark(head, factories.kaist(), factories.cnu(), **bill)
    page = client.sign_in(theo).get("/find").text
    assert set(found(page)) == {"lenient"}
    assert "1 refuses your institution, which has not paid" in page
    with transaction():
        microscope.booking = {**microscope.booking, "refuse_overdue_after": 11}
    assert set(found(client.get("/find").text)) == {"lenient", "microscope"}


def test_a_suspended_person_reads_so_first(client, mina, microscope):
    factories.save(Suspension(user_id=mina.id, reason="수칙 위반", starts_at=NOW))
    assert "수칙 위반" in client.sign_in(mina).get("/find").text


def test_where_nothing_is_free_the_nearest_way_out_is_named(client, theo, microscope):
    sem = factories.save(Technique(slug="sem", name_ko="주사전자현미경", name_en="SEM"))
    there = factories.instrument(slug="there", techniques=[sem])
    factories.blackout(there, hours(0, 24 * 8))
    page = client.sign_in(theo).get("/find?technique=sem").text

    assert found(page) == []
    ways = re.findall(r'class="link font-semibold" href="([^"]+)">([^<]+)<', page)
    assert [text for _, text in ways] == ["In the next 4 weeks", "With any technique"]
    assert found(client.get(ways[0][0].replace("&amp;", "&")).text)[0] == "there"
    assert found(client.get(ways[1][0].replace("&amp;", "&")).text)[0] == "microscope"


def test_giving_up_the_hours_is_proposed_where_they_are_in_the_way(client, theo, microscope):
    factories.blackout(microscope, hours(15, 24 * 40))
    page = client.sign_in(theo).get("/find").text
    (way, text), *_ = re.findall(r'class="link font-semibold" href="([^"]+)">([^<]+)<', page)
    assert text == "At any hour of any day"
    assert found(client.get(way.replace("&amp;", "&")).text) == ["microscope"] * 2


def test_later_times_go_on_where_the_page_ended(client, app):
    place = factories.facility()
    for number in range(13):
        factories.instrument(slug=f"many-{number:02}", facility=place)
    page = client.get("/find").text
    seen = found(page)
    assert len(seen) == 20
    more = re.search(r'rel="next" href="([^"]+)"', page)
    following = found(client.get(more[1].replace("&amp;", "&")).text)
    assert (seen + following)[:26] == [f"many-{number:02}" for number in range(13)] * 2


def test_the_address_says_all_that_was_asked(client, mina, microscope):
    asked = (
        "/find?q=현미&technique=&duration=PT45M&when=28days&weekdays=tue&weekdays=thu"
        f"&{ANY_HOUR}&max_price=9&mode=self_operated&no_approval=1&institution=kaist&instrument=microscope"
    )
    page = client.sign_in(mina).get(asked).text
    assert page.count("checked") == 3
    assert 'value="PT45M"' in page
    assert "45분" in page
    assert set(found(page)) == {"microscope"}
    asked = asked.replace("weekdays=tue&weekdays=thu&", "").replace("q=현미", "q=")
    factories.instrument(slug="second", facility=microscope.facility)
    more = re.search(
        r'rel="next" href="([^"]+)"', client.get(asked.replace("&instrument=microscope", "")).text
    )
    assert more
    words = parse_qs(urlsplit(more[1].replace("&amp;", "&")).query, keep_blank_values=True)
    assert words.pop("after")
    assert words == {
        "duration": ["PT45M"],
        "when": ["28days"],
        "hours_from": [""],
        "hours_until": [""],
        "max_price": ["9"],
        "mode": ["self_operated"],
        "no_approval": ["1"],
        "institution": ["kaist"],
    }


@pytest.mark.parametrize(
    "wrong",
    [
        "duration=2h",
        "when=someday",
        "when=dates&first=2026-03-05&last=2026-03-04",
        "when=dates&first=2026-03-05&last=2026-06-04",
        "when=dates&first=0001-01-01",
        "when=dates&first=heute",
        "hours_from=25:00",
        "max_price=-1",
        "max_price=viel",
        "mode=magic",
        "after=nonsense",
        f"q={'x' * 201}",
    ],
)
def test_what_makes_no_sense_is_said_and_nothing_lost(client, microscope, wrong):
    answer = client.get(f"/find?{wrong}")
    assert answer.status_code == 422
    if not wrong.startswith("after"):
        assert "data-form-errors" in answer.text


@pytest.mark.parametrize(
    "odd",
    [
        "q=%00&technique=%00&institution=%00&facility=%ff",
        "technique=nothing",
        "weekdays=nonday&weekdays=mon",
        "when=dates&last=2026-03-01",
        "when=dates&first=2199-12-31",
        "when=dates",
        "hours_from=09:00&hours_until=09:00",
        "hours_from=18:00&hours_until=",
        "duration=P366D&when=28days",
    ],
)
def test_what_is_only_odd_finds_what_there_is(client, microscope, odd):
    assert client.get(f"/find?{odd}").status_code == 200


def test_an_instrument_that_is_not_there_is_said_to_be_unknown(client, microscope):
    assert client.get("/find?instrument=nothing").status_code == 404
    assert found(client.get("/find?instrument=microscope").text)


def test_it_is_in_the_navigation_and_beside_the_quick_search(client, mina, microscope):
    page = client.sign_in(mina).get("/").text
    assert 'href="/find"' in page
    assert 'formaction="/find"' in page
