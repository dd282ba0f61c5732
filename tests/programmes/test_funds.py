"""A fund is set up, changed and closed by its sponsor's administrator, seen by everybody."""

from datetime import date

import pytest
from sqlalchemy import select

from app.accounts.models import RoleGrant, RoleName, User
from app.audit.models import AuditRow
from app.db import db
from app.domain.booking import Mode
from app.domain.errors import Invalid, NotAllowed, NotFound, WrongState
from app.programmes import queries, services
from tests import factories
from tests.factories import NOW
from tests.programmes.conftest import fund_of, plan

TYPED = {
    "slug": "voucher-2026", "sponsor": "daejeon", "name_ko": "지원금", "name_en": "Voucher",
    "percent": "70", "rank": "1", "starts_on": "2026-01-01", "ends_on": "2026-12-31",
    "cap_person": "500,000",
}  # fmt: skip


def acts():
    return db.session.scalars(select(AuditRow.action).where(AuditRow.kind == "sponsor-fund")).all()


def test_a_fund_knows_what_it_pays_for_whom(hana, city, mina):
    asked = {"institutions": frozenset({"cnu"}), "modes": frozenset({Mode.SELF_OPERATED})}
    made = fund_of(hana, city, cap_person=500_000, people=(mina.email.upper(),), **asked)

    rule = queries.as_rule(queries.fund_by_slug(hana, made.slug))

    assert (rule.percent, rule.caps.person, rule.caps.whole) == (70, 500_000, None)
    assert rule.only == {
        "institution": {"cnu"},
        "mode": {"self_operated"},
        "person": {str(mina.id)},
    }


def test_what_changed_is_told_by_the_trail(hana, city):
    fund_of(hana, city, institutions=frozenset({"cnu", "kaist"}))
    services.change_fund(
        hana, "voucher", plan(percent=50, institutions=frozenset({"cnu"})), now=NOW
    )
    services.change_fund(
        hana, "voucher", plan(percent=50, institutions=frozenset({"cnu"})), now=NOW
    )

    assert acts() == ["make-fund", "change-fund"]
    row = db.session.scalars(select(AuditRow).where(AuditRow.action == "change-fund")).one()
    assert row.detail == {"percent": [70, 50], "institution": [["cnu", "kaist"], ["cnu"]]}


def test_a_closed_fund_stays_as_it_is(hana, city):
    fund_of(hana, city)
    services.close_fund(hana, "voucher", now=NOW)

    for again in (
        lambda: services.close_fund(hana, "voucher", now=NOW),
        lambda: services.change_fund(hana, "voucher", plan(percent=1), now=NOW),
    ):
        with pytest.raises(WrongState):
            again()
    assert queries.fund_by_slug(hana, "voucher").percent == 70


def test_only_the_sponsors_keep_their_funds(hana, city, sora, ada):
    with pytest.raises(NotAllowed):
        fund_of(sora, city)
    fund_of(hana, city)
    with pytest.raises(NotFound):
        services.close_fund(sora, "voucher", now=NOW)
    officer = factories.user("officer")
    role = RoleGrant(user_id=officer.id, role=RoleName.SPONSOR_OFFICER, granted_at=NOW)
    factories.save(role)
    officer = db.session.get_one(User, officer.id)
    assert queries.fund_by_slug(officer, "voucher").slug == "voucher"
    assert queries.sponsors(hana) == [city]
    services.close_fund(ada, "voucher", now=NOW)


def test_all_that_makes_no_sense_is_told_at_once_and_nothing_is_written(hana, city):
    wrong = {"percent": 101, "rank": 0, "cap_month": -1, "cap_whole": 10**16 + 1}
    with pytest.raises(Invalid) as refused:
        fund_of(hana, city, ends_on=date(2025, 12, 31), **wrong)
    assert refused.value.fields.keys() == {*wrong, "ends_on"}

    with pytest.raises(Invalid) as unknown:
        fund_of(hana, city, people=("nobody@example.org",))
    assert "nobody@example.org" in unknown.value.fields["people"].en
    assert queries.funds() == []


def test_the_page_sets_up_changes_and_closes(client, hana, mina, fixed_now):
    token = client.sign_in(hana).form_token("/account")

    def send(path, **typed):
        return client.post(path, data={"csrf_token": token, **typed})

    made = send("/programmes/funds/new", **TYPED)
    assert made.status_code == 303

    shown = client.get(made.location).text
    assert "500,000" in shown
    wrong = send(f"{made.location}/edit", **TYPED | {"people": "x@y.kr"})
    assert wrong.status_code == 422
    assert "x@y.kr" in wrong.text
    assert send(f"{made.location}/edit", **TYPED | {"percent": "50"}).status_code == 303
    assert send(f"{made.location}/close").status_code == 303

    client.sign_in(mina)
    everybody = client.get("/programmes").text
    assert 'data-fund="voucher-2026"' in everybody
    assert made.location not in everybody
