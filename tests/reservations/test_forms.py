"""What is typed becomes instants – or a message that says what to do."""

from datetime import UTC, datetime

import pytest

from app import create_app
from app.catalog.models import Facility, Instrument
from app.domain.booking import Mode
from app.domain.errors import Refusal, Text
from app.reservations.forms import ChangeForm, ReservationForm, parsed_instant
from app.reservations.models import Reservation
from tests.conftest import settings
from tests.factories import hours
from tests.reservations.conftest import typed


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """Dure without a database: forms ask none."""
    folder = tmp_path_factory.mktemp("forms")
    return create_app(settings(f"sqlite:///{folder}/none.sqlite3", folder))


def an_instrument(timezone="Asia/Seoul", **booking):
    return Instrument(
        slug="microscope", booking=booking, facility=Facility(timezone=timezone, booking={})
    )


def a_reservation(instrument, interval):
    return Reservation(
        shares=[],
        instrument=instrument,
        starts_at=interval.start,
        ends_at=interval.end,
        interval=interval,
        purpose="막단백질 영상",
        note="",
        mode=Mode.SELF_OPERATED,
        version=1,
    )


@pytest.fixture
def filled(app):
    """The form as sent with these fields, without the token that pages carry."""

    def fill(data, *, instrument=None, language="en"):
        with app.test_request_context(
            method="POST", data=data, headers={"Accept-Language": language}
        ):
            form = ReservationForm(instrument or an_instrument(), meta={"csrf": False})
            form.validate()
            return form

    return fill


def test_local_times_become_instants_of_the_facilitys_zone(filled):
    request = filled(
        {"starts_at": "2026-03-03T10:00", "ends_at": "2026-03-03T12:00", "purpose": "x"}
    ).to_request()

    assert request.interval.start == datetime(2026, 3, 3, 1, tzinfo=UTC)
    assert request.interval.end == datetime(2026, 3, 3, 3, tzinfo=UTC)


def test_what_is_typed_around_a_purpose_is_dropped(filled):
    assert filled(typed(1, 2, purpose="  imaging ")).to_request().purpose == "imaging"


@pytest.mark.parametrize("missing", ["starts_at", "ends_at", "purpose"])
def test_a_missing_field_is_named(filled, missing):
    assert set(filled(typed(1, 2, **{missing: ""})).errors) == {missing}


def test_an_end_before_its_start_is_refused_at_the_end(filled):
    assert set(filled(typed(3, 2)).errors) == {"ends_at"}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("starts_at", "tomorrow"),
        ("starts_at", "2026-02-30T10:00"),
        ("ends_at", "0001-01-01T00:00"),
        ("ends_at", "9999-12-31T23:59"),
        ("samples", "-1"),
        ("samples", "many"),
        ("samples", "9" * 5000),
        ("purpose", "x" * 301),
        ("purpose", " \0 "),
        ("note", "x" * 2001),
    ],
)
def test_nonsense_is_refused_at_its_field(filled, field, value):
    assert field in filled(typed(1, 2, **{field: value})).errors


def test_control_characters_are_dropped(filled):
    request = filled(typed(1, 2, purpose="a\0b\x1bc", note="a\nb\0")).to_request()
    assert (request.purpose, request.note) == ("abc", "a\nb")


class TestWhereTheClocksChange:
    @pytest.fixture
    def new_york(self):
        return an_instrument("America/New_York")

    def test_a_time_that_the_clocks_skip_is_refused_with_one_that_exists(self, filled, new_york):
        form = filled(
            {"starts_at": "2026-03-08T02:30", "ends_at": "2026-03-08T05:00", "purpose": "x"},
            instrument=new_york,
        )
        assert "03:30" in form.errors["starts_at"][0]

    def test_a_time_that_the_clocks_show_twice_is_refused(self, filled, new_york):
        form = filled(
            {"starts_at": "2026-11-01T00:30", "ends_at": "2026-11-01T01:30", "purpose": "x"},
            instrument=new_york,
        )
        assert "twice" in form.errors["ends_at"][0]

    def test_the_message_is_in_the_readers_language(self, filled, new_york):
        form = filled(
            {"starts_at": "2026-03-08T02:30", "ends_at": "2026-03-08T05:00", "purpose": "x"},
            instrument=new_york,
            language="ko",
        )
        assert "앞당기는" in form.errors["starts_at"][0]


def test_the_mode_is_not_asked_where_there_is_only_one(filled):
    form = filled(typed(1, 2, mode="commissioned"))
    assert (form.mode, form.to_request().mode) == (None, Mode.SELF_OPERATED)


def test_a_mode_that_is_not_offered_is_no_choice(filled):
    both = an_instrument(modes=["self_operated", "commissioned"])
    assert filled(typed(1, 2, mode="commissioned"), instrument=both).to_request().mode == (
        Mode.COMMISSIONED
    )
    assert "mode" in filled(typed(1, 2, mode="by_magic"), instrument=both).errors


def test_a_refusal_stands_at_the_field_that_would_have_to_change(filled, app):
    form = filled(typed(1, 2))
    with app.test_request_context(headers={"Accept-Language": "en"}):
        form.show(
            [
                Refusal("longest", Text("길다", "too long"), field="ends_at"),
                Refusal("suspended", Text("정지", "suspended")),
            ]
        )
    assert form.ends_at.errors == ["too long"]
    assert form.form_errors == ["suspended"]


def test_an_alternative_takes_the_place_of_what_was_typed(filled, app):
    form = filled(typed(1, 2))
    with app.test_request_context():
        chosen = hours(5, 7)
        form.take(f"{chosen.start.isoformat()}/{chosen.end.isoformat()}")
        assert 'value="2026-03-02T23:00"' in form.starts_at()


@pytest.mark.parametrize("nonsense", ["", "/", "a/b", "2026-03-02T10:00:00Z", "2026/2027"])
def test_a_broken_alternative_changes_nothing(filled, nonsense):
    form = filled(typed(1, 2))
    form.take(nonsense)
    assert typed(1, 2)["starts_at"] in form.starts_at()


def test_another_like_it_is_a_week_later_by_the_local_clock(app):
    instrument = an_instrument("America/New_York")
    made = a_reservation(instrument, hours(16, 17))  # 20:00; the clocks go forward on the 8th
    with app.test_request_context():
        form = ReservationForm(instrument)
        form.fill_in_like(made)
        assert f"{form.starts_at.data:%m-%dT%H:%M}" == "03-09T20:00"
        assert form.purpose.data == made.purpose


def test_a_change_form_shows_the_reservation_by_the_facilitys_clocks(app):
    made = a_reservation(an_instrument(), hours(1, 3))
    with app.test_request_context():
        form = ChangeForm.of(made)
        assert f"{form.starts_at.data:%H:%M}" == "19:00"
        assert (form.purpose.data, form.seen) == (made.purpose, 1)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("2026-03-02T10:00:00Z", datetime(2026, 3, 2, 10, tzinfo=UTC)),
        ("2026-03-02T10:00:00+09:00", datetime(2026, 3, 2, 1, tzinfo=UTC)),
        ("2026-03-02T10:00:00 09:00", datetime(2026, 3, 2, 1, tzinfo=UTC)),
        ("2026-03-02T10:00:00", None),
        ("soon", None),
        (None, None),
    ],
)
def test_an_instant_in_an_address_has_a_zone(text, instant):
    assert parsed_instant(text) == instant
