"""Research groups: who makes them, who comes in and how, who is told, who may see."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.audit.models import AuditRow
from app.db import db
from app.domain.errors import Invalid, NotAllowed, NotFound, WrongState
from app.mail.models import OutgoingMail
from app.projects import groups, queries
from app.projects.groups import GroupPlan
from app.projects.models import Belonging, GroupMembership, ResearchGroup
from tests import factories
from tests.factories import NOW
from tests.projects.conftest import TODAY, group_of, member

pytestmark = pytest.mark.usefixtures("fixed_now")
AT = {"now": NOW, "today": TODAY}


def rows(wanted):
    """What is in the database now: the pages have transactions of their own."""
    db.session.rollback()
    db.session.expire_all()
    return list(db.session.scalars(wanted))


def mails():
    return [
        (mail.recipient.split("@")[0], mail.particulars.get("what", "invited"))
        for mail in rows(select(OutgoingMail).order_by(OutgoingMail.id))
    ]


def invitation():
    return rows(select(GroupMembership).where(GroupMembership.belonging == Belonging.INVITED))[-1]


def names(found):
    return [each.name_en for each in found]


class TestMaking:
    def test_a_researcher_leads_the_group_that_they_make(self, haeun):
        made = group_of(haeun)

        assert made.leader_id == haeun.id
        assert names(queries.groups_of(haeun.id, today=TODAY)) == ["Molecular Imaging Lab"]
        assert [row.action for row in rows(select(AuditRow))] == ["make-group"]

    def test_nobody_makes_a_group_of_another_institution(self, haeun):
        with pytest.raises(Invalid, match="belongs to this institution"):
            group_of(haeun, factories.cnu())

    def test_an_administrator_names_another_leader_who_is_told(self, haeun):
        head = factories.user("head", administers=factories.kaist())
        plan = GroupPlan(name_ko="가", name_en="A", leader=haeun.email)

        made = groups.make_group(head, factories.kaist(), plan, **AT)

        assert made.leader_id == haeun.id
        assert mails() == [("haeun", "leads")]

    def test_a_researcher_makes_nobody_else_a_leader(self, haeun, mina):
        plan = GroupPlan(name_ko="가", name_en="A", leader=haeun.email)

        with pytest.raises(NotAllowed):
            groups.make_group(mina, factories.kaist(), plan, **AT)

    def test_handing_over_keeps_the_former_leader_in_the_group(self, lab, haeun, mina):
        member(lab, mina)
        plan = GroupPlan(name_ko="나", name_en="B", leader=mina.email)

        groups.change_group(haeun, lab.id, plan, **AT)

        assert queries.group_by_id(lab.id).leader_id == mina.id
        assert names(queries.groups_of(haeun.id, today=TODAY)) == ["B"]
        assert mails() == [("mina", "leads")]


class TestComingIn:
    def test_whoever_accepts_an_invitation_is_in_the_group(self, lab, haeun, theo):
        groups.invite(haeun, lab.id, "THEO@example.org ", **AT)
        groups.answer_invitation(theo, invitation().id, accept=True, **AT)

        assert names(queries.groups_of(theo.id, today=TODAY)) == ["Molecular Imaging Lab"]
        assert mails() == [("theo", "invited"), ("haeun", "accepted")]

    def test_an_address_without_account_is_invited_just_the_same(self, lab, haeun):
        groups.invite(haeun, lab.id, "nobody@example.org", **AT)

        assert invitation().email == "nobody@example.org"
        assert mails() == []

    def test_nobody_answers_for_another(self, lab, haeun, theo, mina):
        groups.invite(haeun, lab.id, theo.email, **AT)

        with pytest.raises(NotFound):
            groups.answer_invitation(mina, invitation().id, accept=True, **AT)

    def test_an_invitation_is_answered_once(self, lab, haeun, theo):
        groups.invite(haeun, lab.id, theo.email, **AT)
        asked = invitation().id
        groups.answer_invitation(theo, asked, accept=False, **AT)

        with pytest.raises(WrongState):
            groups.answer_invitation(theo, asked, accept=True, **AT)
        assert queries.groups_of(theo.id, today=TODAY) == []

    @pytest.mark.parametrize("email", ["", "한글", "a@b", "haeun@example.org"])
    def test_an_address_that_makes_no_sense_invites_nobody(self, lab, haeun, email):
        with pytest.raises(Invalid):
            groups.invite(haeun, lab.id, email, **AT)
        assert rows(select(GroupMembership)) == []

    def test_whoever_asks_waits_for_the_leader(self, lab, haeun, mina):
        groups.ask_to_join(mina, lab.id, **AT)
        assert queries.groups_of(mina.id, today=TODAY) == []
        (asked,) = queries.ways_into(mina)

        groups.decide(haeun, asked.id, accept=True, **AT)

        assert names(queries.groups_of(mina.id, today=TODAY)) == ["Molecular Imaging Lab"]
        assert mails() == [("haeun", "asked"), ("mina", "let_in")]

    def test_nobody_lets_themselves_in(self, lab, mina):
        groups.ask_to_join(mina, lab.id, **AT)
        (asked,) = queries.ways_into(mina)

        with pytest.raises(NotAllowed):
            groups.decide(mina, asked.id, accept=True, **AT)

    def test_people_of_other_institutions_come_by_invitation_only(self, lab, theo):
        with pytest.raises(NotFound):
            groups.ask_to_join(theo, lab.id, **AT)


class TestBelonging:
    def test_one_belongs_from_the_first_to_the_last_day(self, lab, mina):
        member(lab, mina, starts_on=TODAY, ends_on=TODAY + timedelta(days=1))

        days = [TODAY + timedelta(days=n) for n in range(-1, 3)]
        assert [bool(queries.groups_of(mina.id, today=day)) for day in days] == [
            False,
            True,
            True,
            False,
        ]

    def test_whoever_is_over_may_ask_again(self, lab, haeun, mina):
        member(lab, mina, ends_on=TODAY - timedelta(days=1))

        groups.ask_to_join(mina, lab.id, **AT)

        assert [row.belonging for row in queries.people_in(lab)] == [
            Belonging.ASKED,
            Belonging.LEFT,
        ]

    def test_a_removal_needs_a_reason_which_is_told(self, lab, haeun, mina):
        row = member(lab, mina)
        with pytest.raises(Invalid):
            groups.remove(haeun, row.id, reason=" ", **AT)
        assert queries.groups_of(mina.id, today=TODAY)

        groups.remove(haeun, row.id, reason="졸업", **AT)

        assert queries.groups_of(mina.id, today=TODAY) == []
        (told,) = rows(select(OutgoingMail))
        assert told.particulars["reason"] == "졸업"

    def test_one_may_leave(self, lab, mina):
        member(lab, mina)

        groups.leave(mina, lab.id, **AT)

        assert queries.groups_of(mina.id, today=TODAY) == []
        assert mails() == [("haeun", "left")]

    def test_a_last_day_lies_behind_the_first(self, lab, haeun, mina):
        row = member(lab, mina, starts_on=TODAY)

        with pytest.raises(Invalid):
            groups.set_last_day(haeun, row.id, TODAY - timedelta(days=1), now=NOW)

    def test_a_closed_group_is_nobodys(self, lab, haeun, mina):
        member(lab, mina)

        groups.close_group(haeun, lab.id, now=NOW)

        assert queries.groups_of(mina.id, today=TODAY) == []
        with pytest.raises(WrongState):
            groups.invite(haeun, lab.id, "jun@example.org", **AT)


class TestPages:
    @pytest.fixture
    def send(self, client):
        def _send(path, **fields):
            token = client.form_token("/account")
            return client.post(path, data={"csrf_token": token, **fields})

        return _send

    def test_a_newcomer_is_told_what_to_do(self, client, mina):
        page = client.sign_in(mina).get("/groups").text

        assert "아직 속한 연구실이 없습니다" in page
        assert "기관에 아직 연구실이 없습니다" in page

    def test_from_making_to_accepting(self, client, send, haeun, theo):
        client.sign_in(haeun)
        made = send("/groups/new", institution="kaist", name_ko="가", name_en="Lab", leader="")
        assert made.status_code == 303
        assert send(f"{made.location}/invite", email=theo.email).status_code == 303
        assert theo.email in client.get(made.location).text

        client.sign_in(theo)
        assert "Accept" in client.get("/groups").text
        send(f"/groups/invitations/{invitation().id}/accept")

        assert client.get(made.location).status_code == 200

    def test_a_faulty_address_is_said_at_its_field(self, client, send, lab, haeun):
        client.sign_in(haeun)
        answer = send(f"/groups/{lab.id}/invite", email="한글")

        assert answer.status_code == 422
        assert "전자우편 주소가 아닙니다" in answer.text

    def test_a_member_sees_the_people_but_not_who_is_invited(self, client, lab, haeun, mina):
        member(lab, mina)
        groups.invite(haeun, lab.id, "secret@example.org", **AT)

        page = client.sign_in(mina).get(f"/groups/{lab.id}").text

        assert mina.name in page
        assert "secret@example.org" not in page

    def test_administrators_find_the_groups_of_their_institution(self, client, lab):
        head = factories.user("head", language="en", administers=factories.kaist())
        group_of(factories.user("far", institution=factories.cnu()), factories.cnu())

        page = client.sign_in(head).get("/groups?q=imaging").text

        assert page.count(">Molecular Imaging Lab</a>") == 1
        assert client.get(f"/groups/{lab.id}/edit").status_code == 200

    def test_a_leader_may_be_renamed_away_without_a_fault(self, client, send, lab, haeun, mina):
        client.sign_in(haeun)
        fields = {"institution": "kaist", "name_ko": "가", "name_en": "Lab", "leader": mina.email}

        assert send(f"/groups/{lab.id}/edit", **fields).status_code == 303
        assert rows(select(ResearchGroup.leader_id)) == [mina.id]


def test_membership_on_a_day_long_ago_is_known(lab, mina):
    member(lab, mina, starts_on=date(2024, 1, 1), ends_on=date(2025, 1, 1))
    assert queries.groups_of(mina.id, today=date(2024, 6, 1))
