"""Joint projects and funding accounts: who makes them, who is in them, who agreed to pay."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from sqlalchemy import select

from app.audit.models import AuditRow
from app.db import db
from app.domain.booking import Mode
from app.domain.errors import Invalid, NotAllowed
from app.domain.shares import Share, Shares
from app.mail.models import OutgoingMail
from app.projects import charging, funding, joint
from app.projects.funding import AccountPlan
from app.projects.joint import ProjectPlan
from app.projects.models import Consent, FundingAccount, Project, ProjectShare
from tests import factories
from tests.factories import NOW
from tests.projects.conftest import TODAY

pytestmark = pytest.mark.usefixtures("fixed_now")
AT = {"now": NOW, "today": TODAY}
DAYS = {"starts_on": date(2026, 1, 1), "ends_on": date(2026, 12, 31)}


def rows(wanted):
    """What is in the database now: the pages have transactions of their own."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(wanted))


def project_of(leader, *institutions, **fields):
    plan = ProjectPlan(name_ko="공동연구", name_en="Consortium", institutions=institutions, **DAYS)
    return joint.make_project(leader, fields.get("of", factories.kaist()), plan, **AT)


def account_of(holder, number, project=None, of=None, **fields):
    plan = AccountPlan(
        name_ko="과제", name_en="Grant", funder="NRF", project=project, **DAYS | fields
    )
    return funding.register(holder, of or factories.kaist(), number, plan, **AT)


def split(*pairs):
    return Shares(tuple(Share(n, Fraction(p)) for n, p in pairs), pairs[0][0])


@pytest.fixture
def joined(haeun, theo):
    """A project of Haeun's with Theo of CNU in it, and an account of each."""
    project = project_of(haeun, factories.cnu())
    joint.let_in(haeun, project.uid, theo.email, **AT)
    account_of(haeun, "K-1", project)
    account_of(theo, "C-1", project, factories.cnu())
    return project


def numbers(user, day=TODAY):
    return [each.number for each in charging.chargeable(user.id, today=day)]


def test_only_people_of_participating_institutions_are_let_in(haeun, theo):
    project = project_of(haeun)
    with pytest.raises(Invalid, match="participating"):
        joint.let_in(haeun, project.uid, theo.email, **AT)

    plan = ProjectPlan(name_ko="가", name_en="A", institutions=[factories.cnu()], **DAYS)
    joint.change_project(haeun, project.uid, plan, now=NOW)
    joint.let_in(haeun, project.uid, theo.email, **AT)

    assert [each.uid for each in charging.projects_in(theo.id, today=TODAY)] == [project.uid]
    assert [mail.particulars["what"] for mail in rows(select(OutgoingMail))] == ["let_in"]
    acts = [row.action for row in rows(select(AuditRow).order_by(AuditRow.id))]
    assert acts == ["make-project", "change-project", "let-into-project"]


def test_a_member_leads_nothing(joined, theo, mina):
    with pytest.raises(NotAllowed):
        joint.let_in(theo, joined.uid, mina.email, **AT)


def test_a_removal_needs_a_reason(joined, haeun, theo):
    (member,) = charging.members_of(joined)
    with pytest.raises(Invalid):
        joint.take_out(haeun, joined.uid, member.id, reason="", now=NOW)

    joint.take_out(haeun, joined.uid, member.id, reason="done", now=NOW)
    assert charging.projects_in(theo.id, today=TODAY) == []


def test_a_share_opens_the_account_to_the_project_once_its_holder_agrees(joined, haeun, theo):
    joint.set_shares(haeun, joined.uid, split(("K-1", 60), ("C-1", 40)), now=NOW)
    assert numbers(haeun) == ["K-1"]
    assert numbers(theo) == ["C-1", "K-1"], "what the PI holds is agreed as it is set"

    share = rows(select(ProjectShare).where(ProjectShare.consent.is_(None)))[0]
    joint.agree(theo, share.id, Consent.STANDING, now=NOW)

    assert numbers(haeun) == ["C-1", "K-1"]
    joint.agree(theo, share.id, None, now=NOW)
    assert numbers(haeun) == ["K-1"]


def test_a_share_that_changes_is_agreed_anew(joined, haeun, theo):
    joint.set_shares(haeun, joined.uid, split(("K-1", 60), ("C-1", 40)), now=NOW)
    share = rows(select(ProjectShare).where(ProjectShare.consent.is_(None)))[0]
    joint.agree(theo, share.id, Consent.STANDING, now=NOW)

    joint.set_shares(haeun, joined.uid, split(("K-1", "60"), ("C-1", "40")), now=NOW)
    assert numbers(haeun) == ["C-1", "K-1"], "the same shares need no new word"
    joint.set_shares(haeun, joined.uid, split(("K-1", 50), ("C-1", 50)), now=NOW)

    assert numbers(haeun) == ["K-1"]
    asked = [m for m in rows(select(OutgoingMail)) if m.particulars["what"] == "share"]
    assert [mail.particulars["percent"] for mail in asked] == ["40", "50"]


def test_nobody_agrees_for_another(joined, haeun, theo):
    joint.set_shares(haeun, joined.uid, split(("K-1", 60), ("C-1", 40)), now=NOW)
    share = rows(select(ProjectShare).where(ProjectShare.consent.is_(None)))[0]

    with pytest.raises(NotAllowed):
        joint.agree(haeun, share.id, Consent.STANDING, now=NOW)


def test_only_accounts_of_the_project_pay_for_it(joined, haeun):
    account_of(haeun, "K-2")
    with pytest.raises(Invalid, match="K-2"):
        joint.set_shares(haeun, joined.uid, split(("K-1", 60), ("K-2", 40)), now=NOW)
    assert rows(select(ProjectShare)) == []


def test_the_holder_lets_people_charge_an_account(haeun, mina):
    account = account_of(haeun, "K-1")
    assert numbers(mina) == []

    funding.let_charge(haeun, account.id, mina.email, now=NOW)

    assert numbers(mina) == ["K-1"]
    (row,) = charging.users_of(account)
    funding.let_charge_no_more(haeun, account.id, row.id, now=NOW)
    assert numbers(mina) == []


@pytest.mark.parametrize(("day", "found"), [(-1, False), (0, True), (364, True), (365, False)])
def test_an_account_pays_from_its_first_to_its_last_day(haeun, day, found):
    account_of(haeun, "K-1")
    assert bool(numbers(haeun, date(2026, 1, 1) + timedelta(days=day))) is found


def test_a_number_is_registered_once(haeun, theo):
    account_of(haeun, "K-1")
    with pytest.raises(Invalid, match="registered already"):
        account_of(theo, "K-1", of=factories.cnu())


class TestPages:
    @pytest.fixture
    def send(self, client):
        def _send(path, **fields):
            token = client.form_token("/account")
            return client.post(path, data={"csrf_token": token, **fields})

        return _send

    def typed(self, **fields):
        return {
            "institution": "kaist",
            "number": "RS-2026-1",
            "name_ko": "과제",
            "name_en": "Grant",
            "starts_on": "2026-01-01",
            "ends_on": "2026-12-31",
            "budget": "50,000,000",
            "project": "",
            **fields,
        }

    def test_empty_pages_say_what_to_do(self, client, mina):
        client.sign_in(mina)
        assert "참여하는 공동 과제가 없습니다" in client.get("/projects").text
        assert "쓸 수 있는 계정이 없습니다" in client.get("/funding-accounts").text

    def test_an_account_is_registered_with_its_budget(self, client, send, haeun):
        client.sign_in(haeun)
        answer = send("/funding-accounts/new", **self.typed(modes="commissioned"))

        assert answer.status_code == 303
        (account,) = rows(select(FundingAccount))
        assert (account.budget, account.modes) == (50_000_000, [Mode.COMMISSIONED])
        assert "50,000,000원" in client.get(answer.location).text
        assert client.get(f"{answer.location}/edit").status_code == 200

    @pytest.mark.parametrize(
        "fields",
        [
            {"budget": str(2**63)},
            {"budget": "-5"},
            {"budget": "오천만"},
            {"budget": "５０"},
            {"ends_on": "2025-12-31"},
            {"starts_on": "0001-01-01"},
            {"number": " "},
            {"number": "x" * 65},
            {"institution": "cnu"},
            {"project": "guessed"},
        ],
        ids=str,
    )
    def test_what_makes_no_sense_is_refused_with_words(self, client, send, haeun, fields):
        client.sign_in(haeun)
        answer = send("/funding-accounts/new", **self.typed(**fields))

        assert answer.status_code == 422
        assert "data-form-errors" in answer.text
        assert rows(select(FundingAccount)) == []

    def test_a_project_is_made_and_shares_are_set(self, client, send, haeun, theo):
        client.sign_in(haeun)
        fields = self.typed(institutions="cnu")
        made = send("/projects/new", **fields)
        assert made.status_code == 303
        assert send(f"{made.location}/people", email=theo.email).status_code == 303
        (project,) = rows(select(Project))
        account_of(haeun, "K-1", project)

        assert send(f"{made.location}/shares", **{"percent-K-1": "100"}).status_code == 303
        assert 'value="100"' in client.get(made.location).text

    @pytest.mark.parametrize(
        ("one", "two", "said"),
        [
            ("60", "39.99", "99.99%"),
            ("-60", "160", "-60"),
            ("1e9", "40", "1e9"),
            ("６０", "40", "６０"),
            ("육십", "40", "육십"),
            ("", "", "적어도 한 계정"),
        ],
    )
    def test_shares_that_make_no_sense_change_nothing(
        self, client, send, joined, haeun, one, two, said
    ):
        client.sign_in(haeun)
        answer = send(f"/projects/{joined.uid}/shares", **{"percent-K-1": one, "percent-C-1": two})

        assert answer.status_code == 422
        assert said in answer.text
        assert rows(select(ProjectShare)) == []

    def test_three_hundred_accounts_are_too_many(self, client, send, joined, haeun):
        client.sign_in(haeun)
        many = {f"percent-{n}": "0.3" for n in range(300)}

        answer = send(f"/projects/{joined.uid}/shares", **many)

        assert answer.status_code == 422
        assert "50개까지" in answer.text

    def test_the_holder_agrees_on_the_page_of_the_account(self, client, send, joined, haeun, theo):
        joint.set_shares(haeun, joined.uid, split(("K-1", 60), ("C-1", 40)), now=NOW)
        account = rows(select(FundingAccount).where(FundingAccount.number == "C-1"))[0]
        share = rows(select(ProjectShare).where(ProjectShare.account_id == account.id))[0]
        client.sign_in(theo)
        page = client.get(f"/funding-accounts/{account.id}").text
        assert f"/project-shares/{share.id}/standing" in page

        send(f"/project-shares/{share.id}/single")

        assert rows(select(ProjectShare.consent).where(ProjectShare.id == share.id)) == [
            Consent.SINGLE
        ]


def test_a_program_reads_what_its_owner_may_charge(client, joined, haeun, theo):
    joint.set_shares(haeun, joined.uid, split(("K-1", 60), ("C-1", 40)), now=NOW)
    client.sign_in(theo)

    accounts = client.get("/api/v1/funding-accounts").json
    (project,) = client.get("/api/v1/projects").json["items"]

    assert [(each["account"], each["institution"]) for each in accounts["items"]] == [
        ("C-1", "cnu"),
        ("K-1", "kaist"),
    ]
    assert project["institutions"] == ["kaist", "cnu"]
    assert project["shares"] == [
        {"account": "K-1", "percent": "60", "agreed": True},
        {"account": "C-1", "percent": "40", "agreed": False},
    ]
    assert project["remainder_to"] == "K-1"
    assert client.get("/api/v1/groups").json == {"items": [], "next": None}
