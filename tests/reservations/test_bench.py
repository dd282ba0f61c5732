"""At the instrument: what the page tells to whom, codes that prove presence, and the buttons."""

from datetime import timedelta

import pytest

from app import clock
from app.domain.approval import Status
from app.reservations import presence, screens, use
from tests import factories
from tests.factories import NOW, hours
from tests.reservations.conftest import booked
from tests.reservations.test_use import asking, now_of

MINUTE = timedelta(minutes=1)


@pytest.fixture(autouse=True)
def begun(monkeypatch):
    """The pages believe that it is a quarter past ten: what Mina has reserved has begun."""
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=75))


@pytest.fixture
def strict(microscope):
    """Whoever does not check in within half an hour is a no-show."""
    return asking(microscope)


def send(client, user, path, **fields):
    client.sign_in(user)
    token = client.form_token("/account")
    return client.post(path, data={"csrf_token": token, **fields}, follow_redirects=True)


def test_strangers_see_what_it_is_doing_and_no_names(client, mina, jun, strict):
    booked(mina, strict, hours(1, 3), purpose="purpose-of-mina")
    booked(jun, strict, hours(3, 4), purpose="purpose-of-jun")
    page = client.get(f"/instruments/{strict.slug}/bench").text

    assert "21:00" in page
    assert "/sign-in?next=" in page
    for secret in (mina.name, jun.name, "purpose-of"):
        assert secret not in page


def test_anyone_sees_whether_somebody_has_come(client, mina, strict):
    made = booked(mina, strict, hours(1, 3))
    bench = f"/instruments/{strict.slug}/bench"
    english = {"Accept-Language": "en"}
    assert "In use" not in client.get(bench, headers=english).text
    use.check_in(mina, made.uid, now=clock.now())
    page = client.get(bench, headers=english).text
    assert "In use" in page
    assert mina.name not in page


def test_the_holder_comes_stays_longer_and_goes_by_the_buttons(client, mina, strict):
    made = booked(mina, strict, hours(1, 3))
    bench = f"/instruments/{strict.slug}/bench"
    client.sign_in(mina)
    assert f"/reservations/{made.uid}/check-in" in client.get(bench).text

    send(client, mina, f"/reservations/{made.uid}/check-in", back="bench")
    assert now_of(made).status is Status.IN_USE
    page = client.get(bench).text
    until = (NOW + timedelta(hours=3.5)).isoformat()
    assert f'value="{until}"' in page

    send(client, mina, f"/reservations/{made.uid}/extend", back="bench", until=until)
    assert now_of(made).interval == hours(1, 3.5)

    answer = send(client, mina, f"/reservations/{made.uid}/check-out", back="home", samples="3")
    assert answer.request.path == "/"
    assert (now_of(made).status, now_of(made).samples) == (Status.COMPLETED, 3)


def test_the_start_page_and_the_reservation_offer_it_too(client, mina, strict):
    made = booked(mina, strict, hours(1, 3))
    client.sign_in(mina)
    for page in ("/", f"/reservations/{made.uid}"):
        assert f'action="/reservations/{made.uid}/check-in"' in client.get(page).text
    use.check_in(mina, made.uid, now=clock.now())
    for page in ("/", f"/reservations/{made.uid}"):
        assert f'action="/reservations/{made.uid}/check-out"' in client.get(page).text


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("extend", {"until": "soon"}),
        ("extend", {}),
        ("extend", {"until": "9999-12-31T23:59:59Z"}),
        ("check-out", {"samples": "many"}),
        ("check-in", {"reason": "x" * 501}),
        ("no-show", {"reason": ""}),
    ],
)
def test_what_makes_no_sense_is_said_and_changes_nothing(client, mina, sora, strict, path, fields):
    made = booked(mina, strict, hours(1, 3))
    if path in {"extend", "check-out"}:
        use.check_in(mina, made.uid, now=clock.now())
    before = now_of(made).version
    who = sora if path == "no-show" else mina
    answer = send(client, who, f"/reservations/{made.uid}/{path}", **fields)

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert now_of(made).version == before


def test_a_manager_says_why_on_the_page(client, mina, sora, strict):
    made = booked(mina, strict, hours(1, 3))
    client.sign_in(sora)
    page = client.get(f"/reservations/{made.uid}").text
    assert 'id="check-in-reason"' in page
    assert 'id="no-show-reason"' in page

    send(client, sora, f"/reservations/{made.uid}/no-show", reason="자리에 없었습니다")

    assert now_of(made).status is Status.NO_SHOW
    assert "자리에 없었습니다" in client.get(f"/reservations/{made.uid}").text


def test_where_it_is_set_only_the_code_of_the_screen_lets_one_in(client, mina, microscope):
    here = asking(microscope, check_in_at="instrument")
    made = booked(mina, here, hours(1, 3))
    path = f"/reservations/{made.uid}/check-in"
    client.sign_in(mina)
    bench = f"/instruments/{here.slug}/bench"
    assert f'action="{path}"' not in client.get(bench).text
    send(client, mina, path, code="guessed")
    assert now_of(made).status is Status.CONFIRMED

    code = presence.code(here, now=clock.now())
    assert f'value="{code}"' in client.get(f"{bench}?code={code}").text
    send(client, mina, path, code=code)
    assert now_of(made).status is Status.IN_USE


@pytest.mark.parametrize(("minutes", "good"), [(0, True), (5, True), (6, False), (-2, False)])
def test_a_code_is_good_for_minutes_at_its_own_instrument(strict, microscope, minutes, good):
    shown = presence.code(strict, now=NOW)
    assert presence.is_shown(strict, shown, now=NOW + minutes * MINUTE) is good
    assert not presence.is_shown(microscope, shown, now=NOW)
    assert not presence.is_shown(strict, "\ud800", now=NOW)


def test_a_code_changes_every_minute_and_is_long(strict):
    codes = {presence.code(strict, now=NOW + n * MINUTE) for n in range(50)}
    assert len(codes) == 50
    assert min(map(len, codes)) >= 22


def test_the_screen_is_open_by_its_address_alone_until_it_is_renewed(client, mina, sora, strict):
    booked(mina, strict, hours(1, 3))
    address = f"/instruments/{strict.slug}/bench/screen/{screens.key(strict)}"
    page = client.get(address)
    assert page.status_code == 200
    assert "data:image/svg+xml" in page.text
    assert mina.name not in page.text
    assert client.get(address + "x").status_code == 404

    send(client, sora, f"/instruments/{strict.slug}/bench/screen")
    assert client.get(address).status_code == 404
    assert address not in client.get(f"/instruments/{strict.slug}/bench").text


def test_only_who_manages_it_learns_the_address_of_the_screen(client, mina, sora, strict):
    bench = f"/instruments/{strict.slug}/bench"
    for user, known in ((None, False), (mina, False), (sora, True)):
        if user:
            client.sign_in(user)
        assert (screens.key(strict) in client.get(bench).text) is known


def test_the_sheet_to_print_leads_to_the_bench(client, strict):
    page = client.get(f"/instruments/{strict.slug}/bench/sign").text
    assert f"http://localhost/instruments/{strict.slug}/bench" in page


def test_it_says_free_closed_and_out_of_order(client, microscope):
    office = factories.instrument(
        facility=microscope.facility,
        opening_hours={"daily": ["09:00-18:00"], "holiday": ["09:00-18:00"]},
    )
    factories.blackout(microscope, hours(1, 2), reason_en="laser is being replaced")

    def said(instrument):
        address = f"/instruments/{instrument.slug}/bench"
        return client.get(address, headers={"Accept-Language": "en"}).text

    assert "Closed" in said(office)
    assert "laser is being replaced" in said(microscope)
    assert "Free" in said(factories.instrument(facility=microscope.facility))
