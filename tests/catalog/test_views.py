"""The pages of the catalogue, as readers and as facility managers meet them."""

import re
from datetime import datetime
from html import unescape

import pytest
from sqlalchemy import select

from app import clock
from app.audit.models import AuditRow
from app.catalog import queries
from app.catalog.models import Facility, Instrument
from app.catalog.sync import sync
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import Mode
from app.reservations.models import Reservation
from tests import factories
from tests.catalog.folder import CONFOCAL, FACILITY, INSTITUTION, Folder
from tests.conftest import NOW, Visitor

KOREAN = {"Accept-Language": "ko"}
ENGLISH = {"Accept-Language": "en"}
EVIL = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>"


@pytest.fixture(autouse=True)
def _fixed_day(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def folder(app, tmp_path) -> Folder:
    made = Folder(tmp_path / "instruments")
    sync(made.read(), now=NOW)
    return made


@pytest.fixture
def manager(folder):
    """Manages the imaging centre of the folder."""
    return factories.user("hana", name="하나", manages=db.session.scalar(select(Facility)))


@pytest.fixture
def in_english(manager):
    """The manager reads English."""
    with transaction():
        manager.language = "en"
    return manager


def confocal() -> Instrument:
    db.session.rollback()
    db.session.expire_all()
    return queries.instrument_by_slug("hanguk-confocal")


def form_of(browser: Visitor, page: str) -> dict[str, object]:
    """What a browser would send if nobody changed anything."""
    html = browser.get(page).text
    html = html[html.index('<form method="post" novalidate') :]
    sent: dict[str, object] = {}
    for tag in re.findall(r"<input [^>]*>", html):
        name, value = re.search(r'name="([^"]+)"', tag), re.search(r'value="([^"]*)"', tag)
        if not name:
            continue
        if 'type="checkbox"' in tag and "checked" not in tag:
            continue
        text = unescape(value[1]) if value else "y"
        sent.setdefault(name[1], [])
        sent[name[1]].append(text)
    for name, body in re.findall(r'<textarea[^>]*name="([^"]+)"[^>]*>(.*?)</textarea>', html, re.S):
        sent[name] = [unescape(body).lstrip("\r\n")]
    for name, body in re.findall(r'<select[^>]*name="([^"]+)"[^>]*>(.*?)</select>', html, re.S):
        chosen = re.search(r'<option selected[^>]*value="([^"]*)"', body)
        sent[name] = [chosen[1] if chosen else re.search(r'value="([^"]*)"', body)[1]]
    return sent


def send(browser: Visitor, page: str, **changed):
    return browser.post(page, data={**form_of(browser, page), **changed}, headers=ENGLISH)


EDIT = "/instruments/hanguk-confocal/edit"


@pytest.mark.parametrize(
    ("language", "shown"), [(KOREAN, "공초점 현미경"), (ENGLISH, "Confocal microscope")]
)
@pytest.mark.parametrize(
    "page", ["/instruments", "/instruments/hanguk-confocal", "/facilities/hanguk-imaging"]
)
def test_pages_speak_both_languages(client, folder, page, language, shown):
    answer = client.get(page, headers=language)
    assert answer.status_code == 200
    assert shown in answer.text


@pytest.mark.parametrize(
    ("page", "shown"),
    [("/institutions", "Hanguk University"), ("/institutions/hanguk", "Imaging centre")],
)
def test_institutions_have_their_pages(client, folder, page, shown):
    assert shown in client.get(page, headers=ENGLISH).text


@pytest.mark.parametrize(
    "page",
    [
        "/instruments/nothing",
        "/facilities/nothing",
        "/institutions/nothing",
        "/instruments/%00",
        "/facilities/%00",
        "/institutions/%00",
    ],
)
def test_what_there_is_not_answers_404(client, folder, page):
    assert client.get(page).status_code == 404


def test_the_catalogue_is_searched_by_its_address(client, folder, microscope):
    page = client.get("/instruments?q=nikon&technique=confocal&use_scope=joint_use").text
    assert "hanguk-confocal" in page
    assert 'data-total="1"' in page
    assert "/instruments/microscope" not in page


def test_an_empty_catalogue_says_how_it_is_filled(client, app):
    assert "dure catalog sync" in client.get("/instruments", headers=ENGLISH).text


def test_a_search_without_result_says_what_to_try(client, folder):
    assert "Nothing fits" in client.get("/instruments?q=zzz", headers=ENGLISH).text


@pytest.mark.parametrize(
    "query", ["page=0", "page=-1", "page=x", "page=99999999999999", "page=²", "q=%00&technique=%00"]
)
def test_odd_addresses_are_answered(client, folder, query):
    assert client.get(f"/instruments?{query}").status_code == 200


def test_a_filter_can_be_taken_off_alone(client, folder):
    page = client.get("/instruments?q=nikon&technique=confocal&institution=hanguk").text
    assert 'href="/instruments?q=nikon&amp;institution=hanguk"' in page
    assert 'href="/instruments?q=nikon&amp;technique=confocal"' in page


def test_readers_see_which_price_is_theirs_and_all_others(client, folder):
    page = "/instruments/hanguk-confocal"
    rows = r"<tr (.*?)>.*?([0-9,]+)원"
    assert re.findall(rows, client.get(page, headers=KOREAN).text, re.S) == [
        ("", "10,000"),
        ("", "20,000"),
    ]
    own = queries.institution_by_slug("hanguk")
    client.sign_in(factories.user(institution=own))
    assert re.findall(rows, client.get(page, headers=KOREAN).text, re.S) == [
        ('class="font-semibold" data-own-price', "10,000"),
        ("", "20,000"),
    ]


def test_the_catalogue_tells_each_reader_their_own_price(client, folder):
    assert "20,000원" in client.get("/instruments", headers=KOREAN).text  # a partner's
    client.sign_in(factories.user(institution=queries.institution_by_slug("hanguk")))
    page = client.get("/instruments", headers=KOREAN).text
    assert "10,000원" in page
    assert "20,000원" not in page


def test_free_today_asks_the_slice_that_knows(app, client, folder, microscope):
    app.extensions["dure-free-today"] = lambda now: {microscope.id} if now == NOW else set()
    page = client.get("/instruments?free=today").text
    assert "/instruments/microscope" in page
    assert "/instruments/hanguk-confocal" not in page


def test_without_that_slice_nothing_asks_for_it(app, client, folder):
    del app.extensions["dure-free-today"]
    page = client.get("/instruments?free=today")
    assert page.status_code == 200
    assert 'name="free"' not in page.text


def test_the_page_says_everything_needed_to_decide(client, folder):
    page = client.get("/instruments/hanguk-confocal", headers=ENGLISH).text
    for text in (
        "<strong>",  # features are Markdown
        "NFEC-2024-03-123456",
        "1 h to 4 h",
        "Mon–Fri",
        "09:00–18:00",
        "Widefield microscopy, Confocal microscopy",
        "₩20,000",
        "imaging@example.org",
        "https://example.org/guide",
        "Korean Time",
        "/instruments/hanguk-confocal/reserve",
        "/instruments/hanguk-confocal/busy",
        "/instruments/hanguk-confocal/free",
    ):
        assert text in page or text in page.replace("<em>", "<strong>"), text


def test_an_illustrative_entry_says_so_in_plain_sight(client, folder):
    assert "data-illustrative" in client.get("/instruments/hanguk-confocal").text
    assert "Illustrative entry" in client.get("/instruments", headers=ENGLISH).text


def test_a_real_entry_with_invented_rules_says_that(client, folder):
    folder.confocal(
        illustrative=False, booking_illustrative=True, sources=["https://example.org/a"]
    )
    sync(folder.read(), now=NOW)
    page = client.get("/instruments/hanguk-confocal", headers=ENGLISH).text
    assert "data-booking-illustrative" in page
    assert "data-illustrative" not in page
    assert 'href="https://example.org/a"' in page


def test_a_retired_instrument_can_be_read_and_not_reserved(client, folder):
    folder.without("hanguk/hanguk-confocal.yaml")
    sync(folder.read(), now=NOW)
    page = client.get("/instruments/hanguk-confocal", headers=ENGLISH)
    assert page.status_code == 200
    assert "is retired" in page.text
    assert "/instruments/hanguk-confocal/reserve" not in page.text


def test_blackouts_to_come_are_shown(client, folder):
    factories.blackout(confocal(), factories.hours(24, 30), reason_en="New lamp")
    factories.blackout(confocal(), factories.hours(-30, -24), reason_en="Old lamp")
    page = client.get("/instruments/hanguk-confocal", headers=ENGLISH).text
    coming, _, past = page.partition('id="health"')
    assert "New lamp" in coming
    assert "Old lamp" not in coming
    assert "Old lamp" in past


def test_former_slugs_lead_on(client, folder):
    folder.without("hanguk/hanguk-confocal.yaml")
    folder.without("hanguk/facilities/hanguk-imaging.yaml")
    folder.with_("hanguk/facilities/hanguk-light.yaml", FACILITY, former_slugs=["hanguk-imaging"])
    folder.with_(
        "hanguk/hanguk-a1.yaml",
        CONFOCAL,
        facility="hanguk-light",
        former_slugs=["hanguk-confocal"],
    )
    sync(folder.read(), now=NOW)
    for old, new in (
        ("/instruments/hanguk-confocal", "/instruments/hanguk-a1"),
        ("/facilities/hanguk-imaging", "/facilities/hanguk-light"),
        ("/api/v1/instruments/hanguk-confocal", "/api/v1/instruments/hanguk-a1"),
    ):
        answer = client.get(old)
        assert (answer.status_code, answer.location) == (301, new)


def test_no_text_of_an_entry_becomes_markup(client, folder, manager):
    """Every text column of all three kinds holds a script; no page runs it."""
    rows = [confocal(), confocal().facility, confocal().facility.institution]
    with transaction():
        for row in rows:
            db.session.add(row)
            for column in row.__table__.columns:
                if column.name.endswith(("_ko", "_en")) or column.name in (
                    "maker",
                    "model",
                    "campus",
                    "asset_number",
                    "phone",
                    "website",
                ):
                    setattr(row, column.name, EVIL[: getattr(column.type, "length", None) or 999])
            row.sources = [EVIL, "javascript:alert(1)", "https://x.example/ " + EVIL]
        rows[0].documents = [{"title_ko": EVIL, "title_en": EVIL, "url": "javascript:alert(1)"}]
        rows[0].contact = {"email": EVIL, "phone": EVIL}
        rows[0].prices = {"unit": EVIL, "partner": 1, "note": {"ko": EVIL, "en": EVIL}}
        rows[0].registration_number = "<b>"
    client.sign_in(manager)
    for page in (
        "/instruments",
        "/instruments/hanguk-confocal",
        "/facilities/hanguk-imaging",
        "/institutions",
        "/institutions/hanguk",
        EDIT,
        "/facilities/hanguk-imaging/edit",
    ):
        answer = client.get(page)
        assert answer.status_code == 200, page
        assert "<script>alert" not in answer.text, page
        assert "<img src=x" not in answer.text, page
        assert 'href="javascript' not in answer.text, page


def test_the_form_says_what_holds_where_nothing_is_typed(client, folder, manager):
    page = client.sign_in(manager).get(EDIT, headers=KOREAN).text
    hint = re.search(r'id="booking_slot-hint"[^>]*>([^<]+)<', page)
    assert hint
    assert "1시간" in hint[1]
    levels = re.search(r'id="booking_daytime_hours-hint"[^>]*>([^<]+)<', page)
    assert levels
    assert "매일 09:00-18:00" in levels[1]
    assert re.search(r'id="booking_credit_early-hint"[^>]*>[^<]*아니요', page)
    facility = client.get("/facilities/hanguk-imaging/edit", headers=KOREAN).text
    assert re.search(r'id="booking_free_cancel-hint"[^>]*>[^<]*1일', facility)


def test_pages_below_the_catalogue_are_marked_as_such(client, folder):
    for page in ("/instruments", "/instruments/hanguk-confocal", "/facilities/hanguk-imaging"):
        assert 'href="/instruments" aria-current="page"' in client.get(page).text, page
    assert 'href="/instruments" aria-current="page"' not in client.get("/schedule").text


@pytest.mark.parametrize("page", [EDIT, "/facilities/hanguk-imaging/edit"])
def test_only_managers_edit(client, folder, manager, page):
    assert client.get(page).status_code == 303
    visitor = factories.user("theo", institution=factories.cnu())
    assert client.sign_in(visitor).get(page).status_code == 403
    other = factories.user("mira", manages=factories.facility())
    assert client.sign_in(other).get(page).status_code == 403
    assert client.sign_in(manager).get(page).status_code == 200
    ada = factories.user("ada", site_administrator=True)
    assert client.sign_in(ada).get(page).status_code == 200


def test_others_cannot_send_the_form_either(client, folder, manager):
    sent = form_of(client.sign_in(manager), EDIT)
    visitor = factories.user("theo", institution=factories.cnu())
    client.sign_in(visitor)
    sent["csrf_token"] = client.form_token("/account")
    assert client.post(EDIT, data={**sent, "maker": "Zeiss"}).status_code == 403
    assert confocal().maker == "Nikon"


@pytest.mark.parametrize("language", [KOREAN, ENGLISH])
def test_a_form_sent_unchanged_changes_nothing(client, folder, manager, language):
    client.sign_in(manager)
    for page in (EDIT, "/facilities/hanguk-imaging/edit"):
        before = db.session.scalars(select(AuditRow.id)).all()
        answer = client.post(page, data=form_of(client, page), headers=language)
        assert answer.status_code == 303, answer.text
        db.session.rollback()
        assert db.session.scalars(select(AuditRow.id)).all() == before


def test_an_edit_is_saved_audited_and_found(client, folder, manager):
    answer = send(client.sign_in(manager), EDIT, maker="Zeiss", booking_longest="3 h")

    assert answer.status_code == 303
    assert (confocal().maker, confocal().booking["longest"]) == ("Zeiss", "PT3H")
    assert "zeiss" in confocal().search_text
    row = db.session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert (row.action, row.subject, row.actor_id) == (
        "edit-instrument",
        "hanguk-confocal",
        manager.id,
    )
    assert row.detail["changes"]["maker"] == ["Nikon", "Zeiss"]


def test_an_edit_survives_the_next_sync(client, folder, manager):
    send(client.sign_in(manager), EDIT, maker="Zeiss")
    changes = sync(folder.read(), now=NOW)
    assert [change.what for change in changes] == ["kept"]
    assert confocal().maker == "Zeiss"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [("90분", "PT90M"), ("1시간 30분", "PT1H30M"), ("1 h 30 min", "PT1H30M"), ("PT2H", "PT2H")],
)
def test_lengths_of_time_are_typed_as_people_write_them(client, folder, manager, typed, kept):
    answer = send(client.sign_in(manager), EDIT, booking_slot="30 min", booking_shortest=typed)
    assert answer.status_code == 303, answer.text
    assert confocal().booking["shortest"] in (kept, "PT1H30M")


def test_what_must_be_learned_is_edited_like_any_other_rule(client, folder, manager):
    answer = send(
        client.sign_in(manager),
        EDIT,
        booking_certificate="required",
        booking_certificate_validity="2년",
        booking_certificate_unused="6 months",
        booking_daytime_hours="월-금 10:00-17:00",
        booking_safety_training="radiation",
        booking_safety_validity="없음",
    )
    assert answer.status_code == 303, answer.text
    booking = confocal().booking
    of_training = ("certificate", "assisted", "daytime", "night_hours", "safety")
    assert {name: booking[name] for name in booking if name.startswith(of_training)} == {
        "certificate": "required",
        "certificate_validity": "P2Y",
        "certificate_unused": "P6M",
        "daytime_hours": {"mon-fri": ["10:00-17:00"]},
        "safety_training": ["radiation"],
        "safety_validity": "P0D",
    }
    page = client.get(EDIT, headers=KOREAN).text
    assert 'value="2년"' in page
    assert 'value="없음"' in page
    assert "유효 기간은 2년" in client.get("/instruments/hanguk-confocal").text


def test_no_safety_training_goes_with_another(client, folder, manager):
    answer = send(client.sign_in(manager), EDIT, booking_safety_training=["none", "radiation"])
    assert answer.status_code == 422
    assert "‘필요 없음’은" in answer.text


def test_opening_hours_are_typed_in_either_language(client, folder, manager):
    send(client.sign_in(manager), EDIT, opening_hours="월-금 09:00-18:00\n공휴일 10:00–12:00")
    assert confocal().opening_hours == {"mon-fri": ["09:00-18:00"], "holiday": ["10:00-12:00"]}


def test_room_cannot_be_made_less_than_what_is_held_at_once(client, folder, manager):
    send(client.sign_in(manager), EDIT, capacity="2")
    for start in (2, 2.5):
        factories.save(
            Reservation(
                uid=f"uid-{start}",
                instrument_id=confocal().id,
                holder_id=manager.id,
                interval=factories.hours(start, start + 1, after=clock.now()),
                status=Status.CONFIRMED,
                exclusive=False,
                purpose="imaging",
                mode=Mode.SELF_OPERATED,
                requested_at=NOW,
                updated_at=NOW,
                shown_at=NOW,
            )
        )
    answer = send(client.sign_in(manager), EDIT, capacity="1")

    assert answer.status_code == 422
    assert "동시에 2건" in answer.text
    assert confocal().capacity == 2


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("name_en", ""),
        ("registration_number", "12345"),
        ("contact_email", "nobody"),
        ("website", "javascript:alert(1)"),
        ("acquisition_on", "yesterday"),
        ("acquisition_cost", "much"),
        ("capacity", "0"),
        ("opening_hours", "some day"),
        ("booking_slot", "0"),
        ("booking_longest", "for ever"),
        ("booking_longest", "90 min"),
        ("booking_latest", "90 days"),
        ("booking_certificate_validity", "for ever"),
        ("booking_certificate_unused", "2 years 3 months"),
        ("booking_safety_validity", "PT2H"),
        ("booking_daytime_hours", "some day"),
        ("documents", "only a title"),
        ("features_en", ""),
        ("prices_partner", "-5"),
    ],
)
def test_a_faulty_field_is_told_at_its_place_and_nothing_is_lost(
    client, folder, manager, field, typed
):
    answer = send(client.sign_in(manager), EDIT, **{field: typed, "maker": "Zeiss"})

    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert 'value="Zeiss"' in answer.text
    assert confocal().maker == "Nikon"


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("booking_shortest", "8 h", "booking_longest"),
        ("private_use_reason_ko", "이유", "private_use_reason_en"),
        ("use_scope", "private_use", "private_use_reason_ko"),
    ],
)
def test_what_does_not_fit_together_is_told_where_it_can_be_mended(
    client, folder, manager, field, typed, told
):
    answer = send(client.sign_in(manager), EDIT, **{field: typed})
    assert answer.status_code == 422
    assert f'href="#{told}"' in answer.text


def test_a_facility_may_not_contradict_its_instruments(client, folder, manager):
    page = "/facilities/hanguk-imaging/edit"
    answer = send(client.sign_in(manager), page, booking_slot="8 h", booking_shortest="8 h")
    assert answer.status_code == 422  # the confocal lasts 4 hours at most


def test_nobody_overwrites_what_another_changed_meanwhile(client, folder, manager):
    sent = form_of(client.sign_in(manager), EDIT)
    send(client, EDIT, maker="Zeiss")

    answer = client.post(EDIT, data={**sent, "maker": "Leica"}, headers=ENGLISH)

    assert answer.status_code == 412
    assert "그사이 다른 사람이 고쳤습니다" in answer.text
    assert 'value="Leica"' in answer.text
    assert confocal().maker == "Zeiss"


def test_a_facility_is_edited_and_its_calendars_hear(client, folder, manager):
    answer = send(
        client.sign_in(manager), "/facilities/hanguk-imaging/edit", name_en="Light centre"
    )
    assert answer.status_code == 303
    assert confocal().facility.name_en == "Light centre"
    assert (confocal().face_version, confocal().calendar_version) == (1, 1)
    assert "lightcentre" in confocal().search_text


def test_the_history_shows_before_and_after_and_by_whom(client, folder, manager):
    send(client.sign_in(manager), EDIT, maker="Zeiss", booking_longest="3 h")
    page = client.get("/instruments/hanguk-confocal/history", headers=ENGLISH).text
    for text in ("Nikon", "Zeiss", "4시간", "3시간", "하나", "등록 파일에서 추가"):
        assert text in page


def test_the_history_follows_a_rename(client, folder, manager):
    send(client.sign_in(manager), EDIT, maker="Zeiss")
    folder.without("hanguk/hanguk-confocal.yaml")
    folder.with_("hanguk/hanguk-a1.yaml", CONFOCAL, former_slugs=["hanguk-confocal"])
    sync(folder.read(), now=NOW)
    assert "Zeiss" in client.get("/instruments/hanguk-a1/history").text


def test_only_managers_see_the_history(client, folder, manager):
    visitor = factories.user("theo", institution=factories.cnu())
    page = "/instruments/hanguk-confocal/history"
    assert client.sign_in(visitor).get(page).status_code == 403
    assert client.sign_in(manager).get(page).status_code == 200


def undo(browser: Visitor, change_id: int, slug: str = "hanguk-confocal"):
    token = browser.form_token(f"/instruments/{slug}/history")
    return browser.post(f"/instruments/{slug}/history/{change_id}/undo", data={"csrf_token": token})


def last_change() -> int:
    db.session.rollback()
    return db.session.scalars(select(AuditRow.id).order_by(AuditRow.id.desc())).first()


def test_a_change_can_be_undone_and_that_again(client, folder, manager):
    send(client.sign_in(manager), EDIT, maker="Zeiss", name_en="Scope")
    assert undo(client, last_change()).status_code == 303
    assert (confocal().maker, confocal().name_en) == ("Nikon", "Confocal microscope")
    undo(client, last_change())
    assert confocal().maker == "Zeiss"


def test_the_change_of_another_thing_is_not_undone_here(client, folder, manager):
    send(client.sign_in(manager), EDIT, maker="Zeiss")
    page = "/facilities/hanguk-imaging/edit"
    send(client, page, campus="Main")
    assert undo(client, last_change()).status_code == 404
    assert confocal().facility.campus == "Main"


def test_an_undo_is_never_a_link(client, folder, manager):
    send(client.sign_in(manager), EDIT, maker="Zeiss")
    address = f"/instruments/hanguk-confocal/history/{last_change()}/undo"
    assert client.get(address).status_code == 405
    assert client.post(address).status_code == 400  # no token


def test_a_renamed_institution_is_found_under_both(client, folder):
    for path in (folder.path / "hanguk").rglob("*.yaml"):
        path.unlink()
    folder.with_("dure/institution.yaml", INSTITUTION, former_slugs=["hanguk"])
    (folder.path / "hanguk" / "facilities").rmdir()
    (folder.path / "hanguk").rmdir()
    sync(folder.read(), now=NOW)
    answer = client.get("/institutions/hanguk")
    assert (answer.status_code, answer.location) == (301, "/institutions/dure")


def test_the_day_of_the_tests_is_fixed():
    assert clock.now() == datetime(2026, 3, 2, 9, tzinfo=NOW.tzinfo)


@pytest.mark.parametrize("language", ["ko", "en"])
def test_rules_of_the_facility_are_typed_a_line_each_and_stay_as_typed(
    folder, client, manager, language
):
    with transaction():
        manager.language = language
    client.sign_in(manager)
    typed = {
        "booking_setup": "15 min",
        "booking_same_day": "09:00",
        "booking_fixed_slots": "daily 09:00-13:00, 13:00-18:00",
        "booking_quotas": "person | week | 8 h\nperson | ahead | 3\n사람 | 하루 | 2시간 | 집중",
        "booking_peak": "mon-fri 09:00-18:00",
        "booking_permits": "iacuc\nlmo optional",
        "booking_questions": "strain* | 계통 | Strain | text\ngas | 가스 | Gas | CO2; O2\n"
        "sheet | 시료 정보서 | Sample sheet | file",
        "booking_two_places": "refuse",
        "booking_fault_stops": "yes",
        "booking_owner_share": "20",
        "booking_owner": "department",
    }
    assert send(client, EDIT, **typed).status_code == 303

    kept = confocal().booking
    assert kept["setup"] == "PT15M"
    assert kept["fixed_slots"] == {"daily": ["09:00-13:00", "13:00-18:00"]}
    assert kept["quotas"] == [
        {"per": "person", "within": "week", "hours": "PT8H", "peak": False},
        {"per": "person", "within": "ahead", "number": 3, "peak": False},
        {"per": "person", "within": "day", "hours": "PT2H", "peak": True},
    ]
    assert kept["permits"] == [
        {"kind": "iacuc", "required": True},
        {"kind": "lmo", "required": False},
    ]
    assert [question["key"] for question in kept["questions"]] == ["strain", "gas", "sheet"]
    assert kept["questions"][1]["options"] == ["CO2", "O2"]
    assert kept["questions"][2]["kind"] == "file"
    # Sent again as the page shows it, nothing is different.
    assert send(client, EDIT).status_code == 303
    assert confocal().booking == kept
    shown = client.get("/instruments/hanguk-confocal").text
    quota, permit = {
        "ko": ("한 사람은 한 주에 8시간", "LMO 승인·신고번호 (선택)"),
        "en": ("One person: 8 hours a week", "LMO approval or notice (optional)"),
    }[language]
    assert quota in shown
    assert permit in shown


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("booking_quotas", "person | year | 3", "Write lines such as “person | week | 8 h”"),
        ("booking_quotas", "eight hours", "Write lines such as “person | week | 8 h”"),
        ("booking_quotas", "person | day | 2 h | peak", "no peak hours are given"),
        ("booking_permits", "passport", "Write one of irb, iacuc"),
        ("booking_permits", "irb perhaps", "Write one of irb, iacuc"),
        ("booking_questions", "Key! | 가 | a | text", "the key in small letters"),
        ("booking_questions", "irb | 가 | a | text", "a key of its own"),
        ("booking_same_day", "9 o'clock", "Write an hour such as 09:00."),
        ("booking_fixed_slots", "daily at noon", "These hours cannot be read"),
        ("booking_owner_share", "101", "at most 100"),
    ],
)
def test_rules_that_make_no_sense_are_refused_where_they_were_typed(
    folder, client, in_english, field, typed, said
):
    client.sign_in(in_english)
    answer = send(client, EDIT, **{field: typed})
    assert answer.status_code == 422
    assert said in unescape(answer.text)
    assert unescape(typed) in unescape(answer.text)


def test_no_quotas_are_other_than_those_of_the_facility(folder, client, manager):
    client.sign_in(manager)
    assert send(client, EDIT, booking_quotas="none").status_code == 303
    assert confocal().booking["quotas"] == []


def test_who_approves_and_until_when_is_typed_and_stays_as_typed(folder, client, in_english):
    client.sign_in(in_english)
    typed = {
        "booking_approval": "each",
        "booking_approval_stages": "pi | outsiders\nfacility_manager | every",
        "booking_reapproval": "always",
        "booking_approval_deadline": "2 days",
        "booking_approval_overdue": "escalate",
    }
    assert send(client, EDIT, **typed).status_code == 303
    kept = confocal().booking
    assert [(each["by"], each["whom"], each["every"]) for each in kept["approval_stages"]] == [
        ("pi", "outsiders", False),
        ("facility_manager", "everyone", True),
    ]
    assert (kept["reapproval"], kept["approval_overdue"]) == ("always", "escalate")
    assert kept["approval_deadline"] == "P2D"
    shown = unescape(client.get(EDIT, headers=ENGLISH).text)
    assert "pi | outsiders\nfacility_manager | every" in shown.replace("\r", "")
    assert 'value="2 days"' in shown

    for wrong in ("dean", "pi | friends", "pi\npi"):
        assert send(client, EDIT, booking_approval_stages=wrong).status_code == 422
    assert confocal().booking == kept


def test_how_many_no_shows_suspend_is_a_line_of_the_facility(folder, client, in_english):
    page = "/facilities/hanguk-imaging/edit"
    client.sign_in(in_english)
    for typed in ("often", "3 | 30 days", "0 | 30 d | 14 d", "3 | soon | 14 d", "3 | 0 | 14 d"):
        answer = send(client, page, booking_no_show_limit=typed)
        assert answer.status_code == 422, typed
        assert "3 | 30 days | 14 days" in answer.text
        assert f'value="{typed}"' in answer.text
    assert send(client, page, booking_no_show_limit="3 | 30 days | 2주").status_code == 303
    kept = db.session.scalars(select(Facility.booking)).first()
    assert kept["no_show_limit"] == {"number": 3, "within": "P30D", "suspended": "P14D"}
    assert send(client, page).status_code == 303
    assert '3 | 30 days | 14 days"' in client.get(page, headers=ENGLISH).text
