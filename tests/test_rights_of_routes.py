"""Every route × everyone to whom a thing is foreign: nothing is shown, nothing is changed.

The routes are those of the application: a new one is tried by itself, and one with a new kind of
argument fails until it is said here what of Mina's that argument would name.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, cast

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.routing import Rule
from werkzeug.test import TestResponse

from app import clock
from app.accounts import assistants, gate
from app.accounts import services as accounts
from app.accounts.access import OPERATOR, SITE, TABLE, Action, Relation
from app.accounts.models import (
    Absence,
    Affiliation,
    ApiToken,
    Assistant,
    Institution,
    RoleGrant,
    RoleName,
    Suspension,
    User,
)
from app.audit.models import AuditRow
from app.billing.closing import close_month
from app.billing.models import (
    ChargeDecision,
    LineDispute,
    MonthClose,
    Payment,
    Statement,
    StatementLine,
)
from app.calendars.models import Cancelled, Detail, Feed, FeedKind
from app.calendars.services import FeedRequest, make_feed
from app.catalog.models import (
    Blackout,
    BlackoutRule,
    Facility,
    Fault,
    Instrument,
    MaintenanceEntry,
)
from app.contracts.models import UseContract
from app.db import Model, db, transaction
from app.domain.approval import Status
from app.domain.booking import BookingRequest, Mode
from app.domain.commission import CommissionState
from app.domain.file_kinds import DOCUMENTS
from app.domain.maintenance import Condition, Result, Severity
from app.domain.pricing import Item
from app.domain.quote import Line, Quote
from app.domain.rate_card import Tax
from app.domain.repetition import Every
from app.domain.training import Level, SafetyKind
from app.files.models import StoredFile
from app.files.services import Upload, put_draft
from app.programmes.models import FundCondition, SponsorFund
from app.projects.models import (
    AccountUser,
    Belonging,
    FundingAccount,
    GroupMembership,
    OverdueMark,
    Project,
    ProjectMember,
    ProjectShare,
    ResearchGroup,
)
from app.rates.models import RateCard, RateLine, SupplierTerms
from app.reservations import faults, maintenance
from app.reservations import services as reservations
from app.reservations.commission_models import Commission
from app.reservations.maintenance import Work
from app.reservations.models import Reservation, UsageEntry
from app.training.models import (
    Certificate,
    SafetyTraining,
    SignUp,
    Standing,
    TrainingSession,
)
from app.web import xlsx_files
from app.web.rights import PUBLIC, SIGNED_IN
from tests import factories
from tests.conftest import Visitor
from tests.factories import NOW, hours
from tests.rates.conftest import set_card

#: Words that only Mina, who manages her reservation and who administers her may read.
SECRETS = {
    "purpose": "purpose-of-mina",
    "note": "note-of-mina",
    "commission": "commission-of-mina",
    "feed": "feed-of-mina",
    "token": "token-of-mina",
    "suspension": "suspension-of-mina",
    "department": "department-of-mina",
    "work": "work-on-the-instrument",
    "email": "mina.secret@example.org",
    "assistant": "assistant.of.mina@example.org",
    "certificate": "certificate-of-mina",
    "invited": "invited.secret@example.org",
    "contract": "contract-of-the-facility",
    "project": "project-of-mina",
    "overdue": "overdue-of-an-institution",
    "account": "RS-SECRET-OF-MINA",
    "dispute": "dispute-of-mina",
    "file": "file-of-mina",
    "fund": "sponsored.secret@example.org",
}
REFUSED = {401, 403, 404, 405, 410}


@dataclass
class Stage:
    """Things of Mina's, and how each argument of a route names one."""

    mina: User
    named: dict[str, object]
    slugs: dict[str, str]
    state: Callable[[], list[object]]

    def path(self, rule: Rule) -> str:
        """The address of something of Mina's, as a stranger would guess it."""
        values = dict(self.named)
        if "slug" in rule.arguments:
            values["slug"] = next(v for k, v in self.slugs.items() if f"/{k}/" in rule.rule)
        missing = rule.arguments - values.keys()
        assert not missing, f"say in this test what {missing} of {rule.rule} names"
        url = rule.build({name: values[name] for name in rule.arguments})
        assert url
        return url[1]


@pytest.fixture
def stage(app: Flask, microscope: Instrument, sora: User, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(clock, "now", lambda: NOW)
    facility = microscope.facility
    sheet = {"key": "sheet", "label": {"ko": "시료", "en": "Samples"}, "kind": "file"}
    guarded = factories.instrument(
        slug="guarded", facility=facility, booking={"approval": "each", "questions": [sheet]}
    )
    mina = factories.user(
        "mina", name="김미나", email=SECRETS["email"], institution=facility.institution
    )
    rule = factories.save(
        BlackoutRule(every=Every.WEEK, until=NOW.date(), made_by_id=sora.id, made_at=NOW)
    )
    blackout = factories.blackout(microscope, hours(50, 51), rule_id=rule.id)
    fault = faults.report_fault(
        mina, guarded.slug, severity=Severity.USABLE, description="fault", now=NOW
    )
    entry = maintenance.write_entry(
        sora,
        guarded.slug,
        Work(
            person_in_charge="sora",
            happened_at=NOW,
            condition=Condition.NORMAL,
            content=SECRETS["work"],
            result=Result.RUNNING,
        ),
        now=NOW,
    )
    file = put_draft(
        app.config["SETTINGS"].instance_dir,
        Upload("a.pdf", f"%PDF-1.7 {SECRETS['file']}".encode()),
        DOCUMENTS, field="sheet", owner=mina, now=NOW,
    )  # fmt: skip
    made = reservations.request_reservation(
        mina,
        BookingRequest(
            guarded.slug,
            hours(10, 12),
            purpose=SECRETS["purpose"],
            note=SECRETS["note"],
            answers={"sheet": file.uid},
        ),
        now=NOW,
    )
    # Of the same name: a stranger's guess finds either.
    factories.save(
        Commission(
            uid=made.uid,
            instrument_id=guarded.id,
            holder_id=mina.id,
            state=CommissionState.WAITING,
            purpose=SECRETS["commission"],
            samples=1,
            asked_at=NOW,
            updated_at=NOW,
        )
    )
    wanted = FeedRequest(FeedKind.MINE, None, Detail.FULL, Cancelled.OMIT, SECRETS["feed"])
    feed, _ = make_feed(mina, wanted, now=NOW)
    accounts.make_token(mina, mina, name=SECRETS["token"], expires_at=None, now=NOW)
    assistant = assistants.name_assistant(mina, SECRETS["assistant"], now=NOW)
    affiliation = db.session.scalars(
        select(Affiliation).where(Affiliation.user_id == mina.id)
    ).one()
    suspension = Suspension(user_id=mina.id, reason=SECRETS["suspension"], starts_at=NOW)
    grant = RoleGrant(
        user_id=mina.id, role=RoleName.FACILITY_MANAGER, facility_id=facility.id, granted_at=NOW
    )
    with transaction():
        db.session.get_one(Affiliation, affiliation.id).department = SECRETS["department"]
        db.session.add_all((suspension, grant))
    session = TrainingSession(
        facility_id=facility.id,
        title_ko="교육",
        title_en="Session",
        trainer="박소라",
        place="E7",
        seats=5,
        starts_at=hours(48, 50).start,
        ends_at=hours(48, 50).end,
        sign_up_until=hours(40, 50).start,
        level=Level.DAYTIME,
        made_at=NOW,
    )
    certificate = Certificate(
        user_id=mina.id,
        facility_id=facility.id,
        level=Level.DAYTIME,
        granted_at=NOW,
        granted_on=NOW.date(),
        reason=SECRETS["certificate"],
    )
    safety = SafetyTraining(
        user_id=mina.id,
        kind=SafetyKind.RADIATION,
        done_on=NOW.date(),
        facility_id=facility.id,
        recorded_at=NOW,
    )
    with transaction():
        db.session.add_all((session, certificate, safety))
        db.session.flush()
        seat = SignUp(session_id=session.id, user_id=mina.id, standing=Standing.SEATED, turn=1)
        seat.signed_up_at = NOW
        db.session.add(seat)
    group = ResearchGroup(
        institution_id=facility.institution_id,
        name_ko="연구실",
        name_en="Group",
        leader_id=mina.id,
        made_at=NOW,
    )
    invited = GroupMembership(
        group=group, email=SECRETS["invited"], belonging=Belonging.INVITED, made_at=NOW
    )
    absence = Absence(
        user_id=mina.id,
        deputy_id=sora.id,
        first_day=NOW.date(),
        last_day=NOW.date(),
        entered_at=NOW,
    )
    day = NOW.date()
    same = {"institution_id": facility.institution_id, "made_at": NOW, "starts_on": day}
    same |= {"ends_on": day.replace(year=2030), "name_ko": "과제", "name_en": SECRETS["project"]}
    project = Project(uid="p" * 32, leader_id=mina.id, **same)
    account = FundingAccount(number=SECRETS["account"], holder_id=mina.id, project=project, **same)
    charger = AccountUser(user_id=sora.id, added_at=NOW)
    member = ProjectMember(user_id=sora.id, added_at=NOW)
    share = ProjectShare(account=account, parts=1_000_000, takes_remainder=True)
    with transaction():
        db.session.add_all((invited, absence, project, account))
        db.session.flush()
        charger.account_id, member.project_id, share.project_id = account.id, project.id, project.id
        db.session.add_all((charger, member, share))
    mark = factories.save(
        OverdueMark(
            supplier_id=facility.institution_id,
            payer_id=factories.cnu().id,
            since=day,
            reason=SECRETS["overdue"],
            marked_at=NOW,
        )
    )
    contract = factories.save(
        UseContract(
            facility_id=facility.id,
            institution_id=factories.cnu().id,
            number=SECRETS["contract"],
            valid_from=NOW.date(),
            recorded_by_id=sora.id,
            recorded_at=NOW,
        )
    )
    sponsored = factories.user("sponsored", email=SECRETS["fund"])
    fund = SponsorFund(slug="voucher", sponsor_id=facility.institution_id, percent=50, made_at=NOW)
    fund.starts_on, fund.ends_on = day, day.replace(year=2030)
    fund.name_ko, fund.name_en = "지원금", "Voucher"
    fund.conditions = [FundCondition(kind="person", value=str(sponsored.id))]
    factories.save(fund)
    operator = factories.operator(factories.user("operator"), guarded)
    card = set_card(sora, guarded, 1_000, first=NOW.date() + timedelta(days=9))
    statement = stated(mina, guarded)
    objection = factories.save(
        LineDispute(
            line_id=db.session.scalars(select(StatementLine.id)).one(),
            reason=SECRETS["dispute"],
            raised_by_id=mina.id,
            raised_at=NOW,
        )
    )
    change = db.session.scalars(select(AuditRow.id)).first()
    with transaction():
        db.session.delete(db.session.get_one(RoleGrant, grant.id))
        db.session.add(
            again := RoleGrant(
                user_id=mina.id,
                role=RoleName.SPONSOR_OFFICER,
                granted_at=NOW,
            )
        )
    return Stage(
        mina,
        {
            "uid": made.uid,
            "file_uid": file.uid,
            "feed_id": feed.id,
            "token_id": db.session.scalars(select(ApiToken.id)).one(),
            "user_id": mina.id,
            "grant_id": again.id,
            "affiliation_id": affiliation.id,
            "suspension_id": suspension.id,
            "assistant_id": assistant.id,
            "email": SECRETS["assistant"],
            "blackout_id": blackout.id,
            "rule_id": rule.id,
            "fault_id": fault.id,
            "entry_id": entry.id,
            "change_id": change,
            "session_id": session.id,
            "certificate_id": certificate.id,
            "record_id": safety.id,
            "group_id": group.id,
            "absence_id": absence.id,
            "membership_id": invited.id,
            "contract_id": contract.id,
            "operator_id": operator.id,
            "project_uid": project.uid,
            "member_id": member.id,
            "share_id": share.id,
            "answer": "standing",
            "account_id": account.id,
            "row_id": charger.id,
            "card_id": card.id,
            "mark_id": mark.id,
            "statement_uid": statement.uid,
            "month": "2026-02",
            "position": 1,
            "dispute_id": objection.id,
            # Keys and words that cannot be guessed, and what is there for everyone.
            "secret": "guessed",
            "token": "guessed",
            "word": "taken",
            "filename": "logo.svg",
        },
        {
            "instruments": guarded.slug,
            "facilities": facility.slug,
            "institutions": "kaist",
            "funds": fund.slug,
        },
        watched(mina, fault.id),
    )


def stated(mina: User, instrument: Instrument) -> Statement:
    """A statement of Mina's institution to itself, with a use of hers that her account pays."""
    earlier = hours(-1000, -998)
    with transaction():
        db.session.add(
            Reservation(
                uid="e" * 32,
                instrument_id=instrument.id,
                holder_id=mina.id,
                institution_id=instrument.facility.institution_id,
                starts_at=earlier.start,
                ends_at=earlier.end,
                exclusive=False,
                status=Status.COMPLETED,
                purpose="imaging",
                mode=Mode.SELF_OPERATED,
                shares=[{"account": SECRETS["account"], "percent": "100"}],
                requested_at=NOW,
                updated_at=NOW,
                shown_at=NOW,
                quote=Quote(lines=(Line(item=Item.USE, net=4_000),), tax=Tax.EXEMPT).as_json(),
            )
        )
    close_month(OPERATOR, "kaist", date(2026, 1, 1), now=NOW)
    return db.session.scalars(select(Statement)).one()


def watched(mina: User, fault_id: int) -> Callable[[], list[object]]:
    """How all stands that strangers must not change."""
    owner = mina.id

    def rows(table: type[Model], *conditions: Any, besides: tuple[str, ...] = ()) -> list[object]:
        found = db.session.execute(select(table.__table__).where(*conditions)).mappings()
        return sorted(
            str({name: value for name, value in row.items() if name not in besides})
            for row in found
        )

    def now() -> list[object]:
        db.session.rollback()
        return [
            rows(Reservation, Reservation.holder_id == owner),
            rows(Commission, Commission.holder_id == owner),
            rows(UsageEntry),
            rows(Feed, Feed.user_id == owner),
            rows(ApiToken, ApiToken.user_id == owner),
            rows(User, User.id == owner),
            rows(Suspension),
            rows(Assistant, Assistant.person_id == owner),
            rows(RoleGrant),
            rows(Affiliation, Affiliation.user_id == owner),
            rows(Blackout),
            rows(SignUp, SignUp.user_id == owner),
            rows(TrainingSession, besides=("version",)),
            rows(Certificate),
            rows(SafetyTraining),
            rows(UseContract),
            rows(RateCard),
            rows(RateLine),
            rows(SupplierTerms),
            rows(StoredFile),
            rows(MonthClose),
            rows(ChargeDecision),
            rows(LineDispute),
            rows(Payment),
            rows(Statement),
            rows(BlackoutRule),
            rows(Project, Project.leader_id == owner, besides=("version",)),
            rows(ProjectMember),
            rows(ProjectShare),
            rows(FundingAccount, FundingAccount.holder_id == owner, besides=("version",)),
            rows(AccountUser),
            rows(OverdueMark),
            rows(SponsorFund, SponsorFund.slug == "voucher", besides=("version",)),
            rows(FundCondition),
            rows(ResearchGroup, ResearchGroup.leader_id == owner, besides=("version",)),
            rows(
                GroupMembership,
                GroupMembership.belonging.in_((Belonging.INVITED, Belonging.MEMBER)),
            ),  # anybody of the institution may ask to join, and think better of it
            rows(Fault, Fault.id == fault_id),  # anybody may report another one
            rows(MaintenanceEntry),
            rows(Facility),
            rows(Institution),
            rows(Instrument, besides=("calendar_version",)),
        ]

    return now


class Stranger:
    """Somebody to whom Mina's things are foreign: in a browser, and with a program."""

    def __init__(self, app: Flask, user: User | None) -> None:
        self.client = cast("Visitor", app.test_client())
        self.user = user
        self.token = user and accounts.make_token(user, user, name="x", expires_at=None, now=NOW)
        self.form_token = ""

    def come_in(self) -> None:
        """Sign in, and get the token that forms carry: rights are tried, not form tokens."""
        if self.user:
            self.client.sign_in(self.user)
        self.form_token = self.client.form_token("/account" if self.user else "/sign-in")

    def open(self, path: str, method: str, **options: Any) -> TestResponse:
        headers = {"Accept-Language": "en", "If-Match": '"1"'}
        if path.startswith("/api/"):
            if self.token:
                headers["Authorization"] = f"Bearer {self.token}"
        elif not self.form_token:
            self.come_in()
        if "data" in options:
            options = {**options, "data": {**options["data"], "csrf_token": self.form_token}}
        headers["X-CSRFToken"] = self.form_token
        answer = self.client.open(path, method=method, headers=headers, **options)
        answer.get_data()
        answer.close()  # a file that was sent
        if "Set-Cookie" in answer.headers:
            self.form_token = ""  # signed in or out
        return answer


def nobody() -> User | None:
    return None


def colleague() -> User:
    """Of the same institution, without a role."""
    return factories.user("colleague", institution=factories.kaist())


def researcher_elsewhere() -> User:
    return factories.user("elsewhere", institution=factories.cnu())


def manager_of_another_facility() -> User:
    """Of the same institution even."""
    other = factories.facility(slug="other", institution_id=factories.kaist().id)
    return factories.user("manager", institution=factories.kaist(), manages=other)


def administrator_of_another_institution() -> User:
    return factories.user("head", institution=factories.cnu(), administers=factories.cnu())


STRANGERS: list[Callable[[], User | None]] = [
    nobody,
    colleague,
    researcher_elsewhere,
    manager_of_another_facility,
    administrator_of_another_institution,
]


def tries(app: Flask) -> Iterator[tuple[Rule, str]]:
    """Every route with each of its methods."""
    for rule in app.url_map.iter_rules():
        for method in sorted((rule.methods or set()) - {"HEAD", "OPTIONS"}):
            yield rule, method


def sent(rule: Rule, method: str, stage: Stage) -> dict[str, Any]:
    """What would make sense to the route, so that it is not refused for making none."""
    # What one route may have reserved must not be in the way of another.
    day = 6 if "closures" in rule.rule else 5 if rule.rule.startswith("/api/") else 4
    start, end = f"2026-03-0{day}T10:00", f"2026-03-0{day}T12:00"
    if rule.rule.endswith("/busy") or rule.rule.endswith("/availability"):
        query = {"start": f"{start}:00Z", "end": f"{end}:00Z"}
        if rule.rule.endswith("/availability"):
            query |= {"instrument": stage.slugs["instruments"], "duration": "PT1H"}
        return {"query_string": query}
    if method == "GET":
        return {}
    if rule.rule.startswith("/api/"):
        wish = {
            "instrument": stage.slugs["instruments"],
            "starts_at": f"{start}:00+09:00",
            "ends_at": f"{end}:00+09:00",
            "purpose": "mine",
        }
        bodies: dict[str, Any] = {
            "reservations-api.create": wish,
            "reservations-api.quote": wish,
            "reservations-api.change": {"starts_at": wish["starts_at"], "ends_at": wish["ends_at"]},
            "question-api.ask": {"question": "stolen"},
            "question-api.answer": {"answer": "stolen"},
            "question-api.propose_time": {
                "starts_at": "2026-12-01T01:00:00Z",
                "ends_at": "2026-12-01T02:00:00Z",
                "question": "stolen",
            },
            "participant-api.add": {"email": "stolen@example.org"},
            "operator-api.choose": {"email": "stolen@example.org"},
            "hand-over-api.offer": {"email": "stolen@example.org"},
            "hand-over-api.take": {"answers": {}},
            "health-api.report_fault": {"severity": "usable", "description": "stolen"},
            "health-api.close_fault": {
                "happened_at": "2026-03-01T10:00:00Z",
                "person_in_charge": "stolen",
                "condition": "normal",
                "content": "stolen",
                "result": "running",
            },
            "health-api.decide_fault": {"severity": "usable"},
            "health-api.close_time": {
                "starts_at": wish["starts_at"],
                "ends_at": wish["ends_at"],
            },
            "no-show-api.undo_no_show": {
                "used_from": wish["starts_at"],
                "used_until": wish["ends_at"],
                "reason": "stolen",
            },
            "reservations-api.extend": {"ends_at": wish["ends_at"], "reason": "stolen"},
            "reservations-api.check_out": {"reason": "stolen", "samples": 9},
            "commission-api.change": {"samples": 9},
            "commission-api.place": {"starts_at": wish["starts_at"], "duration": "PT1H"},
            "billing-api.decide": {"net": 0, "reason": "stolen"},
            "billing-api.answer": {"net": 0, "answer": "stolen"},
            "billing-api.pay": {"number": 1, "amount": 1, "paid_on": "2026-03-01"},
            "calendars-api.make": {"kind": "facility", "of": stage.slugs["facilities"]},
        }
        return {"json": bodies.get(rule.endpoint, {"reason": "stolen"})}
    if method == "PATCH":
        return {"json": {"starts_at": f"{start}:00Z", "ends_at": f"{end}:00Z", "version": 1}}
    return {
        "data": {
            "starts_at": start, "ends_at": end, "purpose": "stolen", "note": "stolen",
            "reason": "stolen", "reason_ko": "stolen", "reason_en": "stolen", "name": "stolen",
            "name_ko": "stolen", "name_en": "stolen", "version": "1", "instrument": "0",
            "kind": "maintenance", "role": "site_administrator", "of": "", "language": "en",
            "institution": "kaist", "department": "stolen", "email": "stolen@example.org",
            "last_day": "2026-03-01", "ends_on": "2026-12-31", "mode": "self_operated",
            "what": f"facility:{stage.slugs['facilities']}", "detail": "full", "cancelled": "omit",
            "title_ko": "stolen", "title_en": "stolen", "trainer": "stolen", "place": "stolen",
            "seats": "9", "level": "night", "done_on": "2026-03-01",
            f"result-{stage.named['session_id']}": "passed",
            "timezone": "Asia/Seoul", "samples": "1", "until": f"{end}:00Z", "origin": "own_use",
            "user_name": "stolen", "organisation": "stolen", "organisation_class": "own_department",
            "organisation_type": "company", "use_type": "other",
            "severity": "out_of_order", "description": "stolen", "content": "stolen",
            "person_in_charge": "stolen", "happened_at": "2026-03-01T10:00",
            "condition": "normal", "result": "running", "number": "stolen",
            "valid_from": "2026-03-01", "question": "stolen", "answer": "stolen",
            "sure": "y", "amount": "1", "paid_on": "2026-03-01",
            "percent": "99", "starts_on": "2026-03-01", "rank": "9", "slug": "stolen",
            "sponsor": "cnu",
        }
    }  # fmt: skip


def must_refuse(rule: Rule) -> bool:
    """Whether the route is about a thing to which strangers have no right."""
    right = gate.right_of(rule.endpoint)
    if right == SIGNED_IN:
        return bool(rule.arguments)
    if right in {PUBLIC, Action.SEE_SETTLEMENT}:
        return False  # the settlement is of all institutions, a head of another among them
    open_to_all = {Relation.ANYONE, Relation.RESEARCHER}
    named = rule.arguments - {"slug"} or right not in {Action.RESERVE, Action.SEE_CATALOG}
    return bool(rule.arguments) and (not TABLE[Action(right)] & open_to_all) and bool(named)


def said_in(answer: TestResponse) -> str:
    """All that is to be read in an answer, be it packed."""
    if answer.mimetype != xlsx_files.TYPE:
        return answer.get_data(as_text=True)
    with zipfile.ZipFile(io.BytesIO(answer.data)) as packed:
        return "".join(packed.read(name).decode() for name in packed.namelist())


def wrongs(app: Flask, stage: Stage, user: User | None) -> tuple[list[str], int]:
    """All that is shown to or changed by a stranger, and how many routes had to refuse."""
    stranger = Stranger(app, user)
    before, wrong, refused = stage.state(), [], 0
    for rule, method in tries(app):
        path = stage.path(rule)
        answer = stranger.open(path, method, **sent(rule, method, stage))
        status, here = answer.status_code, f"{method} {path}"
        if told := [name for name, secret in SECRETS.items() if secret in said_in(answer)]:
            wrong.append(f"{here} tells {told}")
        if status >= 500:
            wrong.append(f"{here} answers {status}")
        if must_refuse(rule):
            refused += 1
            to_sign_in = status in {302, 303} and answer.location.startswith("/sign-in")
            if not (status in REFUSED or (user is None and to_sign_in)):
                wrong.append(f"{here} is not refused but answers {status}: {answer.location}")
        if stage.state() != before:
            wrong.append(f"{here} changed something")
            before = stage.state()
    return wrong, refused


@pytest.mark.parametrize("who", STRANGERS, ids=lambda who: who.__name__)
def test_guessing_leads_nowhere(app: Flask, stage: Stage, who: Callable[[], User | None]) -> None:
    wrong, refused = wrongs(app, stage, who())
    assert not wrong, "\n".join(wrong)
    assert refused > 20


def test_a_hole_would_be_found(app: Flask, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """With one right too many, what is shown and what is changed is noticed."""
    for action in (Action.SEE_RESERVATION, Action.CANCEL_RESERVATION, Action.CLOSE_TIME):
        monkeypatch.setitem(TABLE, action, TABLE[action] | {Relation.RESEARCHER})

    wrong, _ = wrongs(app, stage, colleague())

    uid, facility = stage.named["uid"], stage.slugs["facilities"]
    assert f"GET /reservations/{uid} tells ['purpose', 'note']" in wrong
    assert f"GET /api/v1/reservations/{uid} tells ['purpose', 'note']" in wrong
    assert f"POST /facilities/{facility}/closures changed something" in wrong
    assert any("/cancel changed something" in each for each in wrong)


def test_those_who_may_read_the_secrets_do(app: Flask, stage: Stage, sora: User, ada: User) -> None:
    """Without this, the test above might look for words that nobody ever sees."""
    seen: dict[str, set[str]] = {}
    for user in (stage.mina, sora, ada):
        person = Stranger(app, user)
        for rule, method in tries(app):
            if method == "GET":
                path = stage.path(rule)
                text = said_in(person.open(path, method, **sent(rule, method, stage)))
                for name, secret in SECRETS.items():
                    if secret in text:
                        seen.setdefault(name, set()).add(user.name)
    assert seen.keys() == SECRETS.keys()
    assert stage.mina.name in seen["purpose"]
    assert sora.name in seen["purpose"]
    assert ada.name in seen["suspension"]


ODD = [
    "%00", "a%00b", "%0d%0aX:1", "%ED%A0%80", "%ff", "0", "-1", "2147483648", "9" * 30, "1.5",
    "%EF%BC%91", "..%2f..%2fetc", "'%20or%201=1--", "%F0%9F%94%AC", "x" * 3000, "%25",
    "{{7*7}}", "%3Cscript%3E", "__class__", "null", "true", "[]",
]  # fmt: skip


def test_odd_names_are_not_found(app: Flask, stage: Stage, ada: User) -> None:
    """By somebody with every right, so that the database is asked."""
    wrong, tried = [], 0
    head = Stranger(app, ada)
    for rule, method in tries(app):
        for odd in ODD if rule.arguments else ():
            path = "/".join(
                odd if part.startswith("<") and not part.endswith(".ics") else part
                for part in rule.rule.replace("<path:secret>.ics", f"{odd}.ics").split("/")
            )
            status = status_of(head, path, method, sent(rule, method, stage))
            tried += 1
            if status >= 500:
                wrong.append(f"{method} {path[:80]} answers {status}")
    assert not wrong, "\n".join(wrong)
    assert tried > 500


WORDS = [
    "q", "page", "institution", "facility", "technique", "classification", "use_scope", "use",
    "start", "end", "date", "day", "month", "week", "view", "status", "state", "cursor", "limit",
    "as", "next", "instrument", "of", "duration", "past", "before", "sort", "free", "show", "what",
    "starts_at", "ends_at", "mine", "token", "kind",
]  # fmt: skip


def test_odd_questions_are_answered(app: Flask, stage: Stage, ada: User) -> None:
    wrong = []
    head = Stranger(app, ada)
    for rule, method in tries(app):
        if method != "GET":
            continue
        for odd in [
            "",
            *ODD,
            "2026-03-02",
            "2026-03-02T09:00",
            "0001-01-01",
            "9999-12-31T23:59:59Z",
        ]:
            path = stage.path(rule) + "?" + "&".join(f"{word}={odd[:300]}" for word in WORDS)
            status = status_of(head, path, method, {})
            if status >= 500:
                wrong.append(f"{method} {stage.path(rule)} with {odd[:40]!r} answers {status}")
    assert not wrong, "\n".join(wrong)


def status_of(head: Stranger, path: str, method: str, options: dict[str, Any]) -> int:
    """The status, 500 for what a server would answer so."""
    try:
        return head.open(path, method, **options).status_code
    except Exception as bug:  # noqa: BLE001, every bug is wanted
        db.session.rollback()
        print(f"{method} {path[:120]}: {bug!r}"[:400])
        return 500


def test_these_strangers_have_no_rights_here(app: Flask, stage: Stage) -> None:
    """Nobody of them is more than a researcher to Mina's facility."""
    assert SITE.holder_id is None
    for who in STRANGERS[1:]:
        user = who()
        assert user
        assert all(grant.role is not RoleName.SITE_ADMINISTRATOR for grant in user.grants)
        assert user.id != stage.mina.id


def test_a_form_that_is_refused_is_never_answered_as_if_it_had_been_taken(
    app: Flask, stage: Stage, ada: User
) -> None:
    """Programs and browsers tell it by the status alone; here each is sent with nothing typed."""
    head, wrong, seen = Stranger(app, ada), [], 0
    for rule, method in tries(app):
        if method == "POST" and not rule.rule.startswith("/api/"):
            answer = head.open(stage.path(rule), method, data={})
            if 'aria-invalid="true"' in answer.text or "data-form-errors" in answer.text:
                seen += 1
                if answer.status_code < 400:
                    wrong.append(f"{rule.rule} answers {answer.status_code}")
    assert not wrong, "\n".join(wrong)
    assert seen > 20
