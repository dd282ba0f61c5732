"""Contributed files → database: what is taken, what is kept, what is refused."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.accounts.access import Action, may
from app.accounts.models import Institution
from app.audit.models import AuditRow
from app.catalog import loader, queries
from app.catalog.changes import SyncRefused
from app.catalog.models import CatalogVersion, Facility, FormerSlug, Instrument
from app.catalog.sync import plan, sync
from app.db import db, transaction
from app.domain.approval import Status
from app.domain.booking import Mode
from app.reservations.models import Reservation
from tests import factories
from tests.catalog.folder import CONFOCAL, FACILITY, INSTITUTION, Folder
from tests.conftest import NOW

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder(app, tmp_path) -> Folder:
    return Folder(tmp_path / "instruments")


@pytest.fixture
def synced(folder) -> Folder:
    sync(folder.read(), now=NOW)
    return folder


def again(folder: Folder, **how: bool) -> list[str]:
    return [str(change) for change in sync(folder.read(), now=NOW, **how)]


def confocal() -> Instrument:
    db.session.rollback()
    return queries.instrument_by_slug("hanguk-confocal")


def edited(row, **fields) -> None:
    """As if somebody had changed it in the browser."""
    with transaction():
        for name, value in fields.items():
            setattr(row, name, value)


def reserve(
    instrument: Instrument, hours_from_now: float, status=Status.CONFIRMED, *, exclusive=True
) -> None:
    span = factories.hours(hours_from_now, hours_from_now + 1)
    factories.save(
        Reservation(
            uid=f"uid-{hours_from_now}-{status}",
            instrument_id=instrument.id,
            holder_id=factories.user().id,
            interval=span,
            status=status,
            exclusive=exclusive,
            purpose="imaging",
            mode=Mode.SELF_OPERATED,
            requested_at=NOW,
            updated_at=NOW,
            shown_at=NOW,
        )
    )


def test_new_files_become_rows(folder):
    changes = again(folder)

    assert "new instrument hanguk-confocal" in changes
    found = confocal()
    assert found.name_ko == "공초점 현미경"
    assert found.facility.slug == "hanguk-imaging"
    assert found.facility.institution.name_en == "Hanguk University"
    assert found.acquired_on.isoformat() == "2024-03-31"
    assert found.contact == {"email": "imaging@example.org"}
    assert found.prices["partner"] == 20_000


def test_the_main_technique_stays_first(synced):
    assert [technique.slug for technique in confocal().techniques] == ["widefield", "confocal"]


def test_a_second_sync_changes_nothing(synced):
    audited = db.session.scalar(select(func.count()).select_from(AuditRow))

    assert again(synced) == []
    assert db.session.scalar(select(func.count()).select_from(AuditRow)) == audited


def test_a_change_in_the_file_is_taken_and_told_in_words(synced):
    synced.confocal(name={"ko": "공초점 현미경", "en": "Confocal 2"})

    assert again(synced) == ["hanguk-confocal: name_en “Confocal microscope” → “Confocal 2”"]
    assert confocal().name_en == "Confocal 2"


def test_a_change_in_the_browser_is_kept_and_reported(synced):
    edited(confocal(), maker="Zeiss")
    synced.confocal(maker="Leica")

    changes = sync(synced.read(), now=NOW)

    assert [(change.what, change.field, change.before) for change in changes] == [
        ("kept", "maker", "Zeiss")
    ]
    assert confocal().maker == "Zeiss"


def test_a_change_in_the_browser_is_kept_while_the_file_stays(synced):
    edited(confocal(), maker="Zeiss")

    assert "kept: hanguk-confocal: maker is “Zeiss”" in again(synced)[0]
    assert confocal().maker == "Zeiss"


def test_take_files_overwrites_what_was_changed_in_the_browser(synced):
    edited(confocal(), maker="Zeiss")

    assert again(synced, take_files=True) == ["hanguk-confocal: maker “Zeiss” → “Nikon”"]
    assert confocal().maker == "Nikon"


def test_a_file_that_comes_round_to_the_browser_is_followed_from_then_on(synced):
    edited(confocal(), maker="Zeiss")
    synced.confocal(maker="Zeiss")
    assert again(synced) == []

    synced.confocal(maker="Leica")
    assert again(synced) == ["hanguk-confocal: maker “Zeiss” → “Leica”"]


def test_what_vanished_is_retired_and_not_deleted(synced):
    synced.without("hanguk/hanguk-confocal.yaml")

    assert again(synced) == ["retired instrument hanguk-confocal"]
    assert confocal().retired_at == NOW
    assert again(synced) == []


def test_what_comes_back_is_no_longer_retired(synced):
    synced.without("hanguk/hanguk-confocal.yaml")
    again(synced)
    synced.confocal()

    assert again(synced) == ["returned instrument hanguk-confocal"]
    assert confocal().retired_at is None


def test_what_never_came_from_a_file_is_left_alone(synced, microscope):
    assert again(synced) == []
    assert queries.instrument_by_slug("microscope").retired_at is None


def test_what_people_have_reserved_is_not_retired(synced):
    reserve(confocal(), 2)
    synced.without("hanguk/hanguk-confocal.yaml")

    with pytest.raises(SyncRefused, match="has 1 future reservations"):
        again(synced)
    assert confocal().retired_at is None


def test_room_is_not_made_less_than_what_is_held_at_once(synced):
    synced.with_("hanguk/hanguk-confocal.yaml", CONFOCAL, capacity=2)
    again(synced)
    reserve(confocal(), 2)
    reserve(confocal(), 2.5, exclusive=False)
    synced.with_("hanguk/hanguk-confocal.yaml", CONFOCAL, capacity=1)

    with pytest.raises(SyncRefused, match="cannot fall to 1"):
        again(synced)
    assert confocal().capacity == 2


def test_room_is_made_less_where_reservations_follow_one_another(synced):
    synced.with_("hanguk/hanguk-confocal.yaml", CONFOCAL, capacity=2)
    again(synced)
    reserve(confocal(), 2)
    reserve(confocal(), 3)
    synced.with_("hanguk/hanguk-confocal.yaml", CONFOCAL, capacity=1)

    again(synced)
    assert confocal().capacity == 1


def test_what_people_have_reserved_is_retired_when_told(synced):
    reserve(confocal(), 2)
    synced.without("hanguk/hanguk-confocal.yaml")

    assert again(synced, retire_reserved=True) == [
        "retired instrument hanguk-confocal, with 1 future reservations"
    ]


@pytest.mark.parametrize(("start", "status"), [(-3, Status.COMPLETED), (2, Status.CANCELLED)])
def test_past_and_cancelled_reservations_do_not_keep_it(synced, start, status):
    reserve(confocal(), start, status)
    synced.without("hanguk/hanguk-confocal.yaml")
    assert again(synced) == ["retired instrument hanguk-confocal"]


def test_a_refused_sync_changes_nothing_at_all(synced):
    reserve(confocal(), 2)
    synced.without("hanguk/hanguk-confocal.yaml")
    synced.with_("hanguk/institution.yaml", INSTITUTION, website="https://example.org")

    with pytest.raises(SyncRefused):
        again(synced)
    db.session.rollback()
    assert db.session.scalar(select(Institution.website)) is None


def test_a_plan_changes_nothing(folder):
    assert "new instrument hanguk-confocal" in map(str, plan(folder.read(), now=NOW))
    db.session.rollback()
    assert db.session.scalars(select(Instrument)).all() == []
    assert db.session.scalars(select(AuditRow)).all() == []


def test_a_renamed_instrument_keeps_its_row_and_its_old_slug_leads_to_it(synced):
    before = confocal().id
    synced.without("hanguk/hanguk-confocal.yaml")
    synced.with_("hanguk/hanguk-a1.yaml", CONFOCAL, former_slugs=["hanguk-confocal"])

    assert again(synced) == ["renamed instrument hanguk-confocal → hanguk-a1"]
    assert (confocal().id, confocal().slug) == (before, "hanguk-a1")
    assert again(synced) == []


def test_what_is_reserved_along_follows_its_new_slug(synced):
    synced.with_("hanguk/hanguk-stage.yaml", CONFOCAL, needs=["hanguk-confocal"])
    again(synced)
    edited(queries.instrument_by_slug("hanguk-stage"), accessories=["hanguk-confocal"])
    synced.without("hanguk/hanguk-confocal.yaml")
    synced.with_("hanguk/hanguk-a1.yaml", CONFOCAL, former_slugs=["hanguk-confocal"])
    synced.with_("hanguk/hanguk-stage.yaml", CONFOCAL, needs=["hanguk-a1"])
    renamed, kept = again(synced)
    assert renamed == "renamed instrument hanguk-confocal → hanguk-a1"
    assert kept.startswith("kept: hanguk-stage: accessories")
    stage = queries.instrument_by_slug("hanguk-stage")
    assert (stage.needs, stage.accessories) == (["hanguk-a1"], ["hanguk-a1"])


def test_a_slug_leads_on_over_several_renames(synced):
    for old, new in (("hanguk-confocal", "hanguk-a1"), ("hanguk-a1", "hanguk-a2")):
        synced.without(f"hanguk/{old}.yaml")
        formers = ["hanguk-confocal", "hanguk-a1"][: 1 if new == "hanguk-a1" else 2]
        synced.with_(f"hanguk/{new}.yaml", CONFOCAL, former_slugs=formers)
        again(synced)
    assert confocal().slug == "hanguk-a2"


def test_a_thing_may_get_its_own_slug_back(synced):
    synced.without("hanguk/hanguk-confocal.yaml")
    synced.with_("hanguk/hanguk-a1.yaml", CONFOCAL, former_slugs=["hanguk-confocal"])
    again(synced)
    synced.without("hanguk/hanguk-a1.yaml")
    synced.confocal(former_slugs=["hanguk-a1"])

    assert again(synced) == ["renamed instrument hanguk-a1 → hanguk-confocal"]
    assert queries.instrument_by_slug("hanguk-a1").slug == "hanguk-confocal"


def test_a_former_slug_is_never_given_to_another_thing(synced):
    synced.without("hanguk/hanguk-confocal.yaml")
    synced.with_("hanguk/hanguk-a1.yaml", CONFOCAL, former_slugs=["hanguk-confocal"])
    again(synced)
    synced.with_("hanguk/hanguk-a1.yaml", CONFOCAL)
    synced.confocal()

    with pytest.raises(SyncRefused, match="hanguk-confocal is the former slug of hanguk-a1"):
        again(synced)


def test_two_instruments_do_not_become_one(synced):
    synced.with_("hanguk/hanguk-a1.yaml", CONFOCAL)
    again(synced)
    synced.without("hanguk/hanguk-confocal.yaml")
    synced.with_("hanguk/hanguk-a1.yaml", CONFOCAL, former_slugs=["hanguk-confocal"])

    with pytest.raises(SyncRefused, match="two cannot become one"):
        again(synced)


def test_a_renamed_facility_takes_its_instruments_along(synced):
    synced.without("hanguk/facilities/hanguk-imaging.yaml")
    synced.with_("hanguk/facilities/hanguk-light.yaml", FACILITY, former_slugs=["hanguk-imaging"])
    synced.confocal(facility="hanguk-light")

    assert again(synced) == ["renamed facility hanguk-imaging → hanguk-light"]
    assert confocal().facility.slug == "hanguk-light"


def test_an_instrument_moves_to_another_facility(synced):
    synced.with_("hanguk/facilities/hanguk-light.yaml", FACILITY)
    synced.confocal(facility="hanguk-light")

    assert "hanguk-confocal: facility “hanguk-imaging” → “hanguk-light”" in again(synced)
    assert confocal().facility.slug == "hanguk-light"


def test_managers_named_in_a_file_may_manage_once_they_have_accounts(synced):
    person = factories.user("sora")
    assert again(synced) == ["hanguk-imaging: sora@example.org manages it now"]
    assert again(synced) == []
    db.session.refresh(person)
    assert may(person, Action.EDIT_FACILITY, queries.scope_of(confocal()))


def test_a_manager_whom_the_file_drops_stays_until_told_otherwise(synced):
    person = factories.user("sora")
    again(synced)
    synced.with_("hanguk/facilities/hanguk-imaging.yaml", FACILITY, managers=[])
    again(synced)
    db.session.refresh(person)
    assert may(person, Action.EDIT_FACILITY, queries.scope_of(confocal()))


def versions() -> tuple[int, int, int]:
    found = confocal()
    catalog = db.session.scalar(select(CatalogVersion.version)) or 0
    return found.face_version, found.calendar_version, catalog


def test_calendars_hear_of_a_new_name(synced):
    assert versions() == (0, 0, 0)
    synced.confocal(name={"ko": "새 이름", "en": "New name"})
    again(synced)
    assert versions() == (1, 1, 1)
    assert confocal().face_changed_at == NOW


def test_calendars_hear_when_the_facility_moves(synced):
    synced.with_("hanguk/facilities/hanguk-imaging.yaml", FACILITY, timezone="Asia/Tokyo")
    again(synced)
    assert versions() == (1, 1, 1)


def test_new_hours_touch_the_calendar_and_not_the_face(synced):
    synced.confocal(opening_hours={"daily": ["24h"]})
    again(synced)
    assert versions() == (0, 1, 0)


def test_a_new_maker_touches_neither(synced):
    synced.confocal(maker="Zeiss")
    again(synced)
    assert versions() == (0, 0, 0)


def test_every_changed_thing_has_its_audit_row(synced):
    synced.confocal(maker="Zeiss")
    again(synced)
    row = db.session.scalars(select(AuditRow).order_by(AuditRow.id.desc())).first()
    assert (row.action, row.subject, row.actor_id) == ("sync-instrument", "hanguk-confocal", None)
    assert row.detail == {"changes": {"maker": ["Nikon", "Zeiss"]}}


def test_an_instrument_is_found_by_all_that_the_files_say(synced):
    text = confocal().search_text
    for word in (
        "공초점현미경",
        "nikon",
        "형광현미경법",
        "hangukuniversity",
        "영상센터",
        "nfec-2024",
    ):
        assert word in text


def test_a_new_name_of_the_institution_is_found_at_its_instruments(synced):
    synced.with_(
        "hanguk/institution.yaml", INSTITUTION, name={"ko": "두레대학교", "en": "Dure University"}
    )
    again(synced)
    assert "두레대학교" in confocal().search_text


def test_the_catalogue_of_this_repository_is_taken_as_it_is(app):
    contributions = loader.read(REPOSITORY / "instruments")
    sync(contributions, now=NOW)

    assert sync(contributions, now=NOW + timedelta(days=1)) == []
    assert db.session.scalar(select(func.count()).select_from(Facility)) == len(
        contributions.facilities
    )
    assert db.session.scalars(select(FormerSlug)).all() == []
