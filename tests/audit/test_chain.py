"""The audit trail shows when somebody changed it."""

import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from app.audit import chain, jobs, queries, services
from app.audit.models import AuditRow
from app.db import db, transaction
from tests.conftest import NOW


def act(count: int = 1, *, subject: str = "예약-1") -> None:
    with transaction():
        for number in range(count):
            services.record(
                "reserve", "reservation", subject, actor_id=None, now=NOW, detail={"n": number}
            )


def problems() -> list[str]:
    return queries.verify().problems


def delete_place(place: int) -> None:
    with transaction():
        db.session.execute(delete(AuditRow).where(AuditRow.sealed == place))


def test_an_untouched_trail_is_whole(app: Flask) -> None:
    act(3)
    assert jobs.seal(NOW) == 3
    act(2)
    assert jobs.seal(NOW) == 2

    verdict = queries.verify()
    assert (verdict.sealed, verdict.unsealed, verdict.problems) == (5, 0, [])


def test_sealing_again_changes_nothing(app: Flask) -> None:
    act(3)
    jobs.seal(NOW)
    assert jobs.seal(NOW) == 0


def test_rows_not_sealed_yet_are_counted_and_no_problem(app: Flask) -> None:
    act(2)

    verdict = queries.verify()
    assert (verdict.sealed, verdict.unsealed, verdict.problems) == (0, 2, [])


def test_more_rows_than_one_batch_make_one_chain(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jobs, "BATCH", 4)
    act(10)

    assert jobs.seal(NOW) == 10
    assert problems() == []


@pytest.mark.parametrize(
    "change",
    [
        {"action": "cancel"},
        {"subject": "예약-2"},
        {"detail": {"n": 7}},
        {"at": NOW.replace(year=2025)},
        {"seal": "0" * 64},
    ],
)
def test_a_changed_row_is_found(app: Flask, change: dict[str, object]) -> None:
    act(3)
    jobs.seal(NOW)
    with transaction():
        db.session.execute(update(AuditRow).where(AuditRow.sealed == 2).values(**change))

    assert any("(place 2): changed" in problem for problem in problems())


def test_a_row_deleted_in_the_middle_is_found(app: Flask) -> None:
    act(4)
    jobs.seal(NOW)
    delete_place(2)

    assert problems() == ["place 2: missing"]


def test_the_last_rows_cut_off_are_found_by_what_is_kept_beside_the_database(app: Flask) -> None:
    act(4)
    jobs.seal(NOW)
    delete_place(4)
    delete_place(3)

    (problem,) = problems()
    assert problem.startswith("places 3–4: missing: the chain was longer")


def test_a_cut_end_is_found_after_new_rows_took_its_places(
    app: Flask, caplog: pytest.LogCaptureFixture
) -> None:
    act(4)
    jobs.seal(NOW)
    delete_place(4)
    act(1)
    caplog.set_level(logging.CRITICAL, "dure.audit")
    jobs.seal(NOW)

    assert problems() == ["place 4: not the seal that this machine remembers"]


def test_a_closed_gap_is_found(app: Flask) -> None:
    """Renumbering hides the hole but not that the seal before is another."""
    act(4)
    jobs.seal(NOW)
    delete_place(2)
    with transaction():
        for place in (3, 4):
            db.session.execute(
                update(AuditRow).where(AuditRow.sealed == place).values(sealed=place - 1)
            )

    assert any("changed" in problem for problem in problems())


def test_rows_that_changed_places_are_found(app: Flask) -> None:
    act(3)
    jobs.seal(NOW)
    with transaction():
        first, second = db.session.scalars(
            select(AuditRow).where(AuditRow.sealed.in_([1, 2])).order_by(AuditRow.sealed)
        )
        first.subject, second.subject = "x", "y"

    assert len(problems()) >= 2


def test_another_key_makes_every_seal_wrong(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    act(2)
    jobs.seal(NOW)
    monkeypatch.setattr(chain, "_key", lambda: b"guessed")

    assert len(problems()) == 2


@pytest.mark.race
def test_two_sealers_at_once_make_one_chain(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "BATCH", 5)
    together = Barrier(4)

    def work(_: int) -> int:
        with app.app_context():
            together.wait()
            return jobs.seal(NOW)

    act(200)
    with ThreadPoolExecutor(4) as sealers:
        # Two that seal the same rows come to the same seals, so both may count them.
        assert sum(sealers.map(work, range(4))) > 0
    jobs.seal(NOW)

    verdict = queries.verify()
    assert (verdict.sealed, verdict.unsealed, verdict.problems) == (200, 0, [])


def test_the_command_says_what_is_wrong_and_fails(app: Flask) -> None:
    act(3)
    jobs.seal(NOW)
    run = app.test_cli_runner()

    whole = run.invoke(args=["audit", "verify"])
    assert (whole.exit_code, "3 rows sealed, 0 not sealed" in whole.output) == (0, True)
    delete_place(2)
    broken = run.invoke(args=["audit", "verify"])
    assert (broken.exit_code, "place 2: missing" in broken.output) == (1, True)
