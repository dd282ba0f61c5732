import csv
import io
import json

import pytest
from openpyxl import load_workbook
from pypdf import PdfReader
from sqlalchemy import select, text

from app.accounts.access import OPERATOR
from app.billing import closing, deciding
from app.db import db
from app.domain.rate_card import Tax, Terms
from app.rates.services import set_terms
from app.reservations.models import Reservation
from tests import factories
from tests.billing.conftest import APRIL, CLOSING, LATER, MARCH
from tests.factories import NOW


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


def test_each_row_tells_of_which_statement_it_is(run, uses):
    run("close", "--month", "2026-03")
    said = run(*STATEMENT, "--format", "csv").stdout
    head, line, total = csv.reader(io.StringIO(said.removeprefix("\ufeff")))
    for row in (line, total):
        told = dict(zip(head, row, strict=True))
        assert (told["statement"], told["month"]) == ("2026-0001", "2026-03")
        assert (told["dated"], told["due on"]) == ("2026-03-31", "2026-04-30")
        assert (told["supplier"], told["payer"]) == ("한국과학기술원", "충남대학교")


def test_tax_invoices_are_by_kind_over_the_whole_amount(run, uses):
    early = run("tax-invoices", "--month", "2026-03", "--supplier", "kaist")
    assert "has not closed 2026-03" in str(early.exception)
    run("close", "--month", "2026-03")
    said = run("tax-invoices", "--month", "2026-03", "--supplier", "kaist").stdout
    [head, row] = csv.reader(io.StringIO(said.removeprefix("\ufeff")))
    told = dict(zip(head, row, strict=True))
    assert (told["종류"], told["품목"]) == ("계산서", "장비사용료 (2026-03)")
    assert (told["공급가액"], told["세액"], told["합계금액"]) == ("20000", "0", "20000")
    assert (told["작성일자"], told["비고"]) == ("2026-03-31", "2026-0001")


def test_what_is_taxed_is_invoiced_with_its_tax(run, boss, confocal, reserve):
    taxed = Terms(tax=Tax.TAXABLE, vat_percent=10)
    set_terms(boss, confocal.facility.institution, taxed, now=NOW)
    reserve(factories.user("theo", institution=factories.cnu()), 1, 3)
    run("close", "--month", "2026-03")
    said = run("tax-invoices", "--month", "2026-03", "--supplier", "kaist").stdout
    assert "세금계산서,2026-03-31," in said
    assert ",20000,2000,22000,청구," in said


def test_what_a_correction_takes_back_is_an_invoice_of_its_own(run, uses, boss, mina, reserve):
    reserve(mina, 9, 10)  # of KAIST itself: nobody sends themselves an invoice
    run("close", "--month", "2026-03")
    cnu = factories.cnu().id
    charged = db.session.scalars(select(Reservation).where(Reservation.institution_id == cnu)).one()
    deciding.decide(boss, charged.uid, 5_000, reason="Half of it failed.", now=CLOSING)
    closing.close_month(boss, "kaist", APRIL, now=LATER)

    said = run("tax-invoices", "--month", "2026-04", "--supplier", "kaist").stdout
    _head, *rows = csv.reader(io.StringIO(said.removeprefix("\ufeff")))
    told = [(row[0], row[7], row[11]) for row in rows]
    assert told == [
        ("계산서", "5000", "2026-0003"),
        ("수정계산서", "-20000", "2026-0003 (당초 2026-0001, 2026-03-31)"),
    ]


def test_what_was_changed_behind_the_ledgers_back_is_found(run, uses, boss):
    closing.close_month(boss, "kaist", MARCH, now=CLOSING)
    taken = "DROP TRIGGER statement_only_added_update"
    if db.engine.dialect.name == "postgresql":
        taken = "DROP TRIGGER only_added ON statement"
    db.session.execute(text(taken))
    db.session.execute(text("UPDATE statement SET net = net + 1, number = 3"))
    db.session.commit()

    db.session.execute(text(taken.replace("statement", "ledger_posting")))
    db.session.execute(text("UPDATE ledger_posting SET amount = amount + 7 WHERE amount > 0"))
    db.session.commit()

    wrong = run("verify")

    assert wrong.exit_code == 1
    assert "does not balance: +7 won" in wrong.stderr
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


def test_one_supplier_that_is_refused_holds_up_no_other(run, uses, boss):
    home = factories.institution(slug="kribb")
    factories.instrument(facility=factories.facility(institution=home))
    closing.close_month(OPERATOR, "kaist", MARCH, now=CLOSING)

    done = run("close", "--month", "2026-02")

    assert done.exit_code == 1
    assert "kaist: It is closed up to 2026-03" in done.stderr
    assert done.stdout == "kribb: 0 charges, 0 statements.\n"


@pytest.mark.parametrize(
    ("language", "title", "total"),
    [("ko", "거래명세서", "납부할 금액"), ("en", "Statement", "Amount due")],
)
def test_a_statement_on_paper_says_all_in_one_language_and_twice_the_same_bytes(
    run, uses, tmp_path, language, title, total
):
    run("close", "--month", "2026-03")
    files = [tmp_path / name for name in ("a.pdf", "b.pdf")]
    for out in files:
        words = ("--format", "pdf", "--language", language, "--out", str(out))
        assert run(*STATEMENT, *words).exit_code == 0
    assert files[0].read_bytes() == files[1].read_bytes()
    text = read(files[0])
    assert title in text.splitlines()[0]
    for word in (total, "NFEC-2020-01-000001", "2026-0001", '=cmd|"/c calc"!A1', "₩20,000"):
        assert word in text


def test_a_settlement_on_paper_names_who_pays_whom(run, uses, tmp_path):
    run("close", "--month", "2026-03")
    out = tmp_path / "settlement.pdf"
    settle = ("settlement", "--month", "2026-03", "--format", "pdf", "--out", str(out))
    assert run(*settle).exit_code == 0
    text = read(out)
    assert "기관 간 정산서" in text
    assert "충남대학교" in text
    assert "20,000" in text


def read(file):
    return "\n".join(page.extract_text() for page in PdfReader(file).pages)
