import csv
import io
import json

import pytest
from openpyxl import load_workbook
from sqlalchemy import text

from app.billing import closing, queries
from app.billing.models import Statement
from app.db import db
from tests import factories
from tests.billing.conftest import CLOSING, MARCH


@pytest.fixture
def run(app, monkeypatch):
    monkeypatch.setattr("app.clock.now", lambda: CLOSING)
    runner = app.test_cli_runner()
    return lambda *words: runner.invoke(args=["billing", *words])


@pytest.fixture
def uses(confocal, reserve):
    user = factories.user("theo", name='=cmd|"/c calc"!A1', institution=factories.cnu())
    reserve(user, 1, 3)


STATEMENT = ("statement", "--month", "2026-03", "--supplier", "kaist", "--payer", "cnu")


def test_a_month_is_closed_stated_settled_and_verified_by_command(run, uses):
    assert "kaist: 1 charges, 1 statements." in run("close", "--month", "2026-03").stdout
    again = run("close", "--month", "2026-03")
    assert (again.exit_code, again.stdout) == (0, "kaist: closed already.\n")

    said = json.loads(run(*STATEMENT).stdout)
    assert (said["number"], said["due"], said["payer"]["slug"]) == ("2026-0001", 20_000, "cnu")
    settled = json.loads(run("settlement", "--month", "2026-03").stdout)
    assert settled["transfers"] == [{"from": "cnu", "to": "kaist", "amount": 20_000}]
    assert run("verify").exit_code == 0


def test_files_hold_the_lines_and_run_nothing_that_people_typed(run, uses, tmp_path):
    run("close", "--month", "2026-03")
    for kind in ("csv", "xlsx"):
        out = tmp_path / f"statement.{kind}"
        assert run(*STATEMENT, "--format", kind, "--out", str(out)).exit_code == 0
        if kind == "csv":
            rows = list(csv.reader(io.StringIO(out.read_text("utf-8-sig"))))
            assert rows[1][6] == '\'=cmd|"/c calc"!A1'
        else:
            sheet = load_workbook(out).active
            assert sheet["G2"].value == '=cmd|"/c calc"!A1'
            assert sheet["G2"].data_type == "s"
            rows = [[cell.value for cell in row] for row in sheet]
        assert int(rows[1][14]) == int(rows[-1][14]) == 20_000


def test_what_was_changed_behind_the_ledgers_back_is_found(run, uses, boss):
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    taken = "DROP TRIGGER statement_only_added_update"
    if db.engine.dialect.name == "postgresql":
        taken = "DROP TRIGGER only_added ON statement"
    db.session.execute(text(taken))
    db.session.execute(text("UPDATE statement SET net = net + 1, number = 3"))
    db.session.commit()

    wrong = run("verify")

    assert wrong.exit_code == 1
    assert "says 20,001" in wrong.stderr
    assert "after 0 comes 3" in wrong.stderr


@pytest.mark.parametrize("month", ["2026-13", "2026-3", "march", "٢٠٢٦-٠٣", "0000-01", ""])
def test_what_is_no_month_is_refused(run, confocal, month):
    refused = run("close", "--month", month)

    assert refused.exit_code == 1
    assert "2026-11" in str(refused.exception)


def test_a_month_without_a_statement_says_so(run, confocal):
    missing = run(*STATEMENT)

    assert missing.exit_code == 1
    assert "no statement of kaist to cnu for 2026-03" in str(missing.exception)


def test_people_see_the_statements_of_the_institutions_they_administer(boss, uses, theo_boss, mina):
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)

    assert len(queries.statements_seen(boss)) == 1
    assert len(queries.statements_seen(theo_boss, month=MARCH)) == 1
    assert queries.statements_seen(mina) == []
    uid = db.session.query(Statement).one().uid
    assert queries.statement_seen(theo_boss, uid).total == 20_000


@pytest.fixture
def theo_boss(confocal):
    """Administers CNU."""
    return factories.user(administers=factories.cnu(), institution=factories.cnu())
