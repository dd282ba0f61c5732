"""The demonstration: people of every role and a year that breaks no rule."""

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from flask import Flask
from flask_security.utils import verify_password
from sqlalchemy import func, select

from app import create_app
from app.accounts.models import RoleGrant, RoleName, User
from app.audit.models import AuditRow
from app.catalog import loader
from app.catalog.models import Blackout, Fault, Instrument, MaintenanceEntry
from app.catalog.policy import open_spans, policy_of, training_of, use_policy_of, zone_of
from app.catalog.queries import instrument_by_slug
from app.catalog.sync import sync
from app.db import db
from app.domain import training_rules
from app.domain.approval import HOLDING, ApprovalMode, Status
from app.domain.booking import BookingFacts, BookingRequest, Mode, UseScope
from app.domain.grid import is_on_grid
from app.domain.interval import Interval, fullest
from app.domain.use import CheckIn
from app.domain.window_rules import running_day
from app.home import demo, demo_rates
from app.mail.models import OutgoingMail
from app.projects.budgets import committed_of, paid_by
from app.projects.models import FundingAccount, ResearchGroup
from app.projects.queries import groups_of
from app.rates.cards import listed_card
from app.rates.queries import RateBook
from app.rates.shown import holding, kept_at
from app.reservations import services
from app.reservations.commission_models import Commission
from app.reservations.linked import MAIN
from app.reservations.models import Reservation, StandingApproval
from app.training.models import Result, SignUp, Standing, TrainingSession
from app.training.qualification import qualifications
from tests.conftest import settings

CATALOGUE = Path(__file__).parents[2] / "instruments"
NOW = datetime(2026, 3, 5, 1, 17, 5, tzinfo=UTC)  # Thursday, 10:17 in Daejeon


@pytest.fixture(scope="module")
def catalogue(empty_sqlite: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the catalogue and nobody in it; tests copy it."""
    folder = tmp_path_factory.mktemp("catalogue")
    path = folder / "dure.sqlite3"
    shutil.copy(empty_sqlite, path)
    with _dure(path):
        sync(loader.read(CATALOGUE), now=NOW)
        with db.engine.connect() as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@contextmanager
def _dure(path: Path) -> Iterator[Flask]:
    app = create_app(settings(f"sqlite:///{path}", path.parent))
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="module")
def filled(catalogue: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Flask]:
    """Filled once; the tests that share it only read."""
    path = tmp_path_factory.mktemp("filled") / "dure.sqlite3"
    shutil.copy(catalogue, path)
    with _dure(path) as app:
        assert demo.fill(now=NOW)
        yield app


def _by_instrument() -> dict[int, list[Reservation]]:
    found: dict[int, list[Reservation]] = {}
    for row in db.session.scalars(select(Reservation).order_by(Reservation.starts_at)):
        found.setdefault(row.instrument_id, []).append(row)
    return found


def _everything() -> list[object]:
    return [
        *db.session.execute(select(Reservation.__table__).order_by(Reservation.id)),
        *db.session.execute(select(Blackout.__table__).order_by(Blackout.id)),
        *db.session.execute(select(Fault.__table__).order_by(Fault.id)),
        *db.session.execute(select(MaintenanceEntry.__table__).order_by(MaintenanceEntry.id)),
        *db.session.execute(select(User.email, User.name).order_by(User.id)),
        *db.session.execute(select(AuditRow.__table__).order_by(AuditRow.id)),
    ]


def test_the_year_breaks_no_rule(filled: Flask):
    """One look at all of it: filling it anew for each question would cost minutes."""
    held = _by_instrument()
    assert len(held) > 100
    for instrument in db.session.scalars(select(Instrument)):
        rows = held.get(instrument.id, [])
        if not rows:
            continue
        policy, zone = policy_of(instrument), zone_of(instrument)
        year = Interval(rows[0].starts_at, max(row.reserved.end for row in rows))
        opened = open_spans(instrument, Interval(year.start - timedelta(2), year.end))
        holds = [row.interval for row in rows if row.status in HOLDING]
        for row in rows:
            assert policy.shortest <= row.reserved.duration <= policy.longest, instrument.slug
            assert is_on_grid(row.reserved.start, policy.slot, zone)
            assert is_on_grid(row.reserved.end, policy.slot, zone)
            assert any(span.contains(row.reserved) for span in opened), instrument.slug
            assert row.requested_at <= min(NOW, row.starts_at - policy.latest)
            assert row.starts_at - row.requested_at <= policy.earliest
            assert row.mode in policy.modes
            assert row.exclusive == (instrument.capacity == 1)
            if policy.same_day:
                day = running_day(policy.same_day, zone, now=row.requested_at)
                assert day.contains(row.reserved), instrument.slug
            assert all(row.answers[permit.kind] for permit in policy.permits), instrument.slug
            assert row.requested_at <= (row.decided_at or row.requested_at) <= NOW
            assert row.requested_at <= (row.ended_at or row.requested_at) <= NOW
        assert instrument.longest_hold == max(row.interval.duration for row in rows)
        assert fullest(holds, year) <= instrument.capacity
        if instrument.capacity == 1:
            assert all(one.end <= other.start for one, other in pairwise(holds))


def test_every_state_has_its_reasons(filled: Flask):
    rows = db.session.scalars(select(Reservation).where(MAIN)).all()
    counted = Counter(row.status for row in rows)

    assert 0.06 < counted[Status.CANCELLED] / len(rows) < 0.10
    assert 0 < counted[Status.REJECTED] / len(rows) < 0.04
    assert 0.01 < counted[Status.NO_SHOW] / len(rows) < 0.03
    assert counted[Status.PENDING] > 20
    assert counted[Status.CONFIRMED] > 200
    for row in rows:
        past = row.ends_at <= NOW
        assert (row.status in (Status.COMPLETED, Status.NO_SHOW)) <= past
        assert (row.status in (Status.PENDING, Status.CONFIRMED)) <= (not past)
        assert (row.status in (Status.CANCELLED, Status.REJECTED)) == (row.ended_at is not None)
        assert (row.status is Status.REJECTED) <= (row.decision_reason != "")
        if row.status is Status.PENDING:
            assert policy_of(row.instrument).approval is not ApprovalMode.OPEN
            assert row.starts_at > NOW
        if row.instrument.use_scope is UseScope.PRIVATE_USE:
            assert row.institution_id == row.instrument.facility.institution_id


def test_nobody_lives_at_the_instruments(filled: Flask):
    """Two a day and five a week at most, and all who reserve have some."""
    days: Counter[tuple[int, date]] = Counter()
    weeks: Counter[tuple[int, int, int]] = Counter()
    rows = db.session.scalars(select(Reservation).where(MAIN)).all()
    for row in rows:
        day = row.starts_at.astimezone(zone_of(row.instrument)).date()
        days[row.holder_id, day] += 1
        weeks[row.holder_id, *day.isocalendar()[:2]] += 1
    assert max(days.values()) <= 2
    assert max(weeks.values()) <= 5
    assert len({row.holder_id for row in rows}) == sum(p.reserves for p in demo.people())
    # Instruments late in the list find people who still have time.
    held = Counter(row.instrument.slug for row in rows)
    early, late = (sum(held[s] for s in half) for half in _halves(sorted(held)))
    assert late > early / 2


def _halves(names: list[str]) -> tuple[list[str], list[str]]:
    middle = len(names) // 2
    return names[:middle], names[middle:]


def test_where_people_check_in_they_have_used_what_they_reserved(filled: Flask):
    rows = db.session.scalars(select(Reservation)).all()
    asked = {CheckIn.ASKED, CheckIn.REQUIRED}
    used = [row for row in rows if row.used]

    assert len(used) > 200
    for row in rows:
        asks = use_policy_of(row.instrument).check_in in asked
        assert (row.used is not None) == (asks and row.status is Status.COMPLETED)
        assert (row.status is Status.IN_USE) <= (row.used_from is not None)
    assert all(row.reserved.contains(row.used) for row in used)
    assert any(row.used.end < row.reserved.end for row in used)
    assert all(row.interval.end == row.used.end for row in used)


def test_nobody_reserves_what_is_closed(filled: Flask):
    held = _by_instrument()
    blackouts = db.session.scalars(select(Blackout)).all()

    assert any(each.starts_at > NOW for each in blackouts)
    for blackout in blackouts:
        assert blackout.instrument_id is not None
        for row in held.get(blackout.instrument_id, []):
            assert not row.interval.overlaps(blackout.interval)


def test_every_maintenance_that_was_is_in_the_log_and_a_few_faults_stand(filled: Flask):
    past = db.session.scalars(select(Blackout).where(Blackout.ends_at <= NOW)).all()
    logged = db.session.scalars(select(MaintenanceEntry)).all()
    assert len(logged) == len(past) > 20
    assert len({entry.condition for entry in logged}) == 2
    faults = db.session.scalars(select(Fault)).all()
    assert len(faults) == 3
    assert {fault.confirmed_at is None for fault in faults} == {True, False}
    assert all(fault.closed_at is None for fault in faults)


def test_what_is_reserved_along_does_as_its_main_reservation(filled: Flask):
    rows = db.session.scalars(select(Reservation).where(Reservation.bundle.is_not(None))).all()
    mains = {row.uid: row for row in rows if not row.is_companion}
    along = [row for row in rows if row.is_companion]
    assert {row.bundle for row in along} == mains.keys()
    for row in along:
        main = mains[row.bundle]
        assert (row.interval, row.status) == (main.interval, main.status)
        assert row.instrument.slug in (*main.instrument.needs, *main.instrument.accessories)
    for instrument in db.session.scalars(select(Instrument)):
        for row in _by_instrument().get(instrument.id, []) if instrument.needs else ():
            assert row.bundle == row.uid


def test_history_tells_of_every_reservation_and_no_mail_of_any(filled: Flask):
    requests = select(func.count()).where(AuditRow.action == "request-reservation")

    mains = select(func.count(Reservation.id)).where(MAIN)
    assert db.session.scalar(requests) == db.session.scalar(mains)
    assert db.session.scalar(select(func.count(OutgoingMail.id))) == 0
    ordered = db.session.scalars(select(AuditRow.at).order_by(AuditRow.id)).all()
    ours = ordered[-1000:]
    assert ours == sorted(ours)


def test_standing_approvals_are_of_those_who_were_approved(filled: Flask):
    approvals = db.session.scalars(select(StandingApproval)).all()

    assert approvals
    for approval in approvals:
        first = db.session.scalars(
            select(Reservation)
            .where(
                Reservation.instrument_id == approval.instrument_id,
                Reservation.holder_id == approval.user_id,
                Reservation.decided_at == approval.approved_at,
            )
            .limit(1)
        ).one()
        assert first.status is not Status.REJECTED


def test_who_reserves_has_learned_what_is_asked(filled: Flask):
    """Reservations to come pass all rules of training; those past were asked for by the trained."""
    taught = [
        instrument
        for instrument in db.session.scalars(select(Instrument))
        if not training_of(instrument).asks_nothing
    ]
    judged = 0
    for instrument in taught:
        rows = db.session.scalars(
            select(Reservation).where(
                Reservation.instrument_id == instrument.id,
                Reservation.mode == Mode.SELF_OPERATED,
            )
        )
        for row in rows:
            learned = qualifications(row.holder, [instrument], now=NOW)[instrument.id]
            certified = training_of(instrument).certificate
            assert certified <= any(
                held.granted_on <= row.requested_at.date() for held in learned.certificates
            ), (instrument.slug, row.holder.email)
            request = BookingRequest(instrument.slug, row.interval, mode=row.mode)
            facts = BookingFacts(
                now=NOW,
                zone=zone_of(instrument),
                policy=policy_of(instrument),
                open_hours=(),
                training=training_of(instrument),
                qualification=learned,
            )
            assert training_rules.still_to_learn(request, facts) == [], instrument.slug
            assert training_rules.within_level_hours(request, facts) is None
            judged += 1
    assert judged > 100
    assert len(taught) < 2 * db.session.scalar(select(func.count(Instrument.id))) / 3


def test_sessions_are_past_and_to_come_and_some_results_are_still_to_be_noted(filled: Flask):
    sessions = db.session.scalars(select(TrainingSession)).all()
    assert any(each.ends_at < NOW for each in sessions)
    assert any(each.starts_at > NOW for each in sessions)
    seats = db.session.scalars(select(SignUp)).all()
    assert {each.result for each in seats} >= {None, Result.PASSED, Result.ABSENT}
    assert {each.standing for each in seats} >= {Standing.SEATED, Standing.WAITING}
    begun = {each.id for each in sessions if each.starts_at < NOW}
    assert any(each.session_id in begun and each.result is None for each in seats)
    for each in sessions:
        seated = [s for s in seats if s.session_id == each.id and s.standing is Standing.SEATED]
        assert len(seated) <= each.seats


def test_every_role_can_sign_in(filled: Flask):
    people = demo.people()

    assert len(people) == 40
    assert {person.duty for person in people} == {None, *RoleName}
    assert [person.institution for person in people[:2]] == ["kaist", "cnu"]
    assert people[2].email == "kaist-biocore@kaist.example"
    assert people[3].duty is RoleName.SITE_ADMINISTRATOR
    for person in people:
        user = db.session.scalars(select(User).where(User.email == person.email)).one()
        assert user.name == person.name
        assert user.affiliations[0].institution.slug == person.institution
        assert (person.duty is None) == (not user.grants)
    assert verify_password(demo.PASSWORD, user.password)


def test_somebody_decides_for_every_facility(filled: Flask):
    facilities = set(db.session.scalars(select(Instrument.facility_id)))
    managed = set(db.session.scalars(select(RoleGrant.facility_id)))

    assert facilities <= managed


def test_a_second_time_changes_nothing(app: Flask):
    sync(loader.read(CATALOGUE), now=NOW)
    assert demo.fill(now=NOW)
    before = _everything()

    assert not demo.fill(now=NOW + timedelta(days=1))
    assert _everything() == before


@pytest.mark.parametrize("hour", [0, 14, 15, 23])  # around midnight of Daejeon, too
def test_the_microscope_is_free_tomorrow(
    catalogue: Path, tmp_path: Path, hour: int, monkeypatch: pytest.MonkeyPatch
):
    now = NOW.replace(hour=hour)
    shutil.copy(catalogue, tmp_path / "dure.sqlite3")
    with _dure(tmp_path / "dure.sqlite3"):
        microscope = instrument_by_slug(demo.KEPT_FREE)
        monkeypatch.setattr(demo, "_instruments", lambda: [microscope])
        demo.fill(now=now)
        first = demo.people()[0].email
        researcher = db.session.scalars(select(User).where(User.email == first)).one()

        assert len(_by_instrument()[microscope.id]) > 100
        for day in range(18):
            then = now + timedelta(days=day)
            for start in range(8, 18) if day == 0 else range(10, 13):
                request = BookingRequest(demo.KEPT_FREE, _tomorrow(then, start, microscope))
                trial = services.try_reservation(researcher, request, now=then)
                assert not trial.refusals, (day, start)


def _tomorrow(now: datetime, hour: int, instrument: Instrument) -> Interval:
    local = now.astimezone(zone_of(instrument)) + timedelta(days=1)
    start = local.replace(hour=hour, minute=0, second=0)
    return Interval(start, start + timedelta(hours=1))


@pytest.mark.usefixtures("filled")
def test_a_visitor_has_a_group_and_somebody_waits_for_its_leader() -> None:
    visitor = db.session.scalars(select(User).where(User.email == demo.people()[0].email)).one()

    (group,) = groups_of(visitor.id, today=NOW.date())

    assert group.leader_id != visitor.id
    assert len(db.session.scalars(select(ResearchGroup)).all()) >= 4


def test_a_reservation_of_a_priced_instrument_tells_what_it_cost(filled: Flask) -> None:
    """By the list, as nobody has set rates: people of the owner pay the owner's price."""
    priced = [
        each
        for each in db.session.scalars(select(Reservation))
        if (each.instrument.prices or {}).get("unit") == "hour"
    ]

    assert len(priced) > 100
    for each in priced:
        assert each.quote
        if each.institution_id == each.instrument.facility.institution_id:
            unit_price = each.quote["lines"][0]["unit_price"]
            assert unit_price == each.instrument.prices["own_institution"], each.uid


def test_budgets_hold_what_is_charged_to_their_accounts_and_none_is_overspent(filled: Flask):
    charged: Counter[str] = Counter()
    for each in db.session.scalars(select(Reservation).where(Reservation.status.in_(HOLDING))):
        charged.update(paid_by(each.quote))
    accounts = db.session.scalars(select(FundingAccount)).all()
    held = {each.number: committed_of([each.id]).get(each.id, 0) for each in accounts}
    assert {number: amount for number, amount in held.items() if amount} == charged
    assert len(charged) == 3
    over = {each.number for each in accounts if held[each.number] >= each.budget}
    assert over == set()


def test_one_analysis_waits_for_a_time_and_one_has_it(filled: Flask) -> None:
    found = db.session.scalars(select(Commission).order_by(Commission.asked_at.desc())).all()
    assert [each.state.value for each in found] == ["waiting", "placed"]
    reservation = found[1].reservation
    assert reservation
    assert (reservation.mode, reservation.starts_at > NOW) == (Mode.COMMISSIONED, True)
    assert reservation.holder_id == found[1].holder_id


def test_prices_are_invented_only_where_the_catalogue_has_none_and_one_changes_soon(
    filled: Flask, tmp_path: Path
):
    path = tmp_path / "dure.sqlite3"
    there, here = sqlite3.connect(db.engine.url.database), sqlite3.connect(path)
    with closing(there), closing(here):
        there.backup(here)
    with _dure(path):
        demo_rates.announce(now=NOW)
        invented = [instrument_by_slug(slug) for slug in demo_rates.INVENTED]
        book = RateBook.of(*invented)
        for instrument in invented:
            assert listed_card(instrument.prices) is None
            found = holding(instrument, book, now=NOW)
            assert found
            assert found.whose == "instrument"
            assert found.modes - {Mode.ASSISTED} <= {row.mode for row in found.rows}

        facility = instrument_by_slug("kaist-biocore-flow").facility
        states = Counter(kept.state for kept in kept_at(facility, NOW.date()))
        assert (states["past"], states["coming"]) == (1, 1)
