"""Use cases of training sessions: planned, changed, cancelled; signed up for; results noted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.orm import joinedload

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Facility, Instrument
from app.catalog.queries import scope_of
from app.db import db, table_of, transaction
from app.domain.errors import Invalid, Text, WrongState
from app.domain.interval import Interval
from app.domain.training import Level
from app.training import certificates, notices, queries
from app.training.certificates import present
from app.training.models import (
    Result,
    SignUp,
    Standing,
    TrainingCover,
    TrainingSession,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A session as its manager plans it."""

    title_ko: str
    title_en: str
    trainer: str
    place: str
    seats: int
    interval: Interval
    sign_up_until: datetime
    level: Level
    instruments: frozenset[int] = frozenset()  # ids; none, and no techniques: all of the facility
    techniques: frozenset[int] = frozenset()
    online_url: str | None = None
    note: str = ""


_WORDS = [each.name for each in fields(Plan) if each.name not in ("instruments", "techniques")]


def plan_session(user: User, facility: Facility, plan: Plan, *, now: datetime) -> TrainingSession:
    """Announce a session; raises `NotAllowed`, or `Invalid` where the plan makes no sense."""
    with transaction():
        user = present(user)
        facility = db.session.get_one(Facility, facility.id)
        access.require(user, Action.TRAIN, scope_of(facility))
        _check(plan, facility, now)
        session = TrainingSession(facility=facility, made_by_id=user.id, made_at=now)
        _apply(plan, session)
        db.session.add(session)
        db.session.flush()
        _note("plan-training", session, user, now, _visible(session))
    return session


def change_session(user: User, session_id: int, plan: Plan, *, now: datetime) -> TrainingSession:
    """Change what is planned, until it begins; everyone who comes is told of the new plan.

    Raises `Invalid` if more people have a seat than there would be.
    """
    with transaction():
        session = _take_turn(session_id)
        user = present(user)
        access.require(user, Action.TRAIN, scope_of(session.facility))
        _require_ahead(session, now)
        _check(plan, session.facility, now)
        seated = _count_seated(session)
        if plan.seats < seated:
            wrong = Text(
                f"이미 {seated}명이 자리를 받았습니다.", f"{seated} people have a seat already."
            )
            raise Invalid(wrong, {"seats": wrong})
        before = _visible(session)
        _apply(plan, session)
        db.session.flush()
        after = _visible(session)
        changes = {
            name: [before[name], after[name]] for name in after if before[name] != after[name]
        }
        if changes:
            _note("change-training", session, user, now, changes)
            for each in queries.roster(session):
                notices.changed(each, session, now=now)
            _move_up(session, user, now)
    return session


def cancel_session(user: User, session_id: int, *, reason: str, now: datetime) -> TrainingSession:
    """Call a session off, with a reason that everyone who signed up is told."""
    if not reason.strip():
        missing = Text("취소 사유를 적어 주세요.", "Say why it is cancelled.")
        raise Invalid(missing, {"reason": missing})
    with transaction():
        session = _take_turn(session_id)
        user = present(user)
        access.require(user, Action.TRAIN, scope_of(session.facility))
        _require_ahead(session, now)
        session.cancelled_at, session.cancelled_reason = now, reason.strip()
        db.session.flush()
        _note("cancel-training", session, user, now, {"reason": reason.strip()})
        for each in queries.roster(session):
            notices.cancelled(each, session, now=now)
    return session


def sign_up(user: User, session_id: int, *, now: datetime) -> SignUp:
    """Take a seat, or a place on the waitlist where all are taken.

    Raises `WrongState` once sign-up is closed, the session cancelled, or one is on it already.
    """
    with transaction():
        # Taking turns comes first: whoever is second sees that the last seat is gone.
        session = _take_turn(session_id)
        user = present(user)
        access.require(user, Action.SIGN_UP_FOR_TRAINING, scope_of(session.facility))
        _require_ahead(session, now)
        if now >= session.sign_up_until:
            raise WrongState(
                Text("신청이 마감되었습니다.", "Sign-up is closed. Look for another session.")
            )
        own = _own(session, user) or SignUp(session=session, user=user, standing=Standing.WITHDRAWN)
        if own.standing is not Standing.WITHDRAWN:
            raise WrongState(Text("이미 신청했습니다.", "You have signed up already."))
        full = _count_seated(session) >= session.seats
        own.standing = Standing.WAITING if full else Standing.SEATED
        own.signed_up_at, own.turn = now, session.version
        db.session.add(own)
        db.session.flush()
        _note("sign-up-for-training", session, user, now, {"standing": own.standing.value})
        notices.signed_up(own, session, now=now)
    return own


def withdraw(user: User, session_id: int, *, now: datetime) -> None:
    """Give the seat back, until the session begins; whoever waits longest moves up."""
    with transaction():
        session = _take_turn(session_id)
        user = present(user)
        access.require(user, Action.SIGN_UP_FOR_TRAINING, scope_of(session.facility))
        own = _own(session, user)
        if own is None or own.standing is Standing.WITHDRAWN:
            raise WrongState(Text("신청한 교육이 아닙니다.", "You have not signed up for it."))
        _require_ahead(session, now)
        own.standing = Standing.WITHDRAWN
        db.session.flush()
        _note("withdraw-from-training", session, user, now, {})
        _move_up(session, user, now)


def note_results(
    user: User, session_id: int, results: Mapping[int, Result | None], *, now: datetime
) -> int:
    """Note who came and who passed, by the ids of their sign-ups; how many lines changed.

    Who passed gets the certificate at once; where a pass is corrected it is withdrawn again.
    """
    with transaction():
        session = _take_turn(session_id)
        user = present(user)
        access.require(user, Action.TRAIN, scope_of(session.facility))
        if session.cancelled_at or now < session.starts_at:
            raise WrongState(
                Text(
                    "교육이 시작된 뒤에 출석과 결과를 기록할 수 있습니다.",
                    "Attendance and results can be noted once the session has begun.",
                )
            )
        changed = 0
        for each in queries.roster(session):
            result = results.get(each.id, each.result)
            if each.standing is not Standing.SEATED or result is each.result:
                continue
            changed += 1
            _note_result(session, each, result, user, now)
        db.session.flush()
    return changed


def _note_result(
    session: TrainingSession, who: SignUp, result: Result | None, by: User, now: datetime
) -> None:
    had_passed = who.result is Result.PASSED
    detail = {"user": who.user_id, "result": [who.result, result]}
    who.result, who.decided_at, who.decided_by_id = result, now, by.id
    _note("note-training-result", session, by, now, detail)
    if result is Result.PASSED:
        given = [
            certificates.issue(
                who.user,
                session.facility,
                of,
                session.level,
                by=by,
                session=session,
                reason=session.title_ko if who.user.language == "ko" else session.title_en,
                now=now,
            )
            for of in [(c.instrument, c.technique) for c in session.covers] or [(None, None)]
        ]
        notices.granted(given, now=now, session=session)
    elif had_passed:
        why = Text("교육 결과가 정정되었습니다.", "The result of the session was corrected.")
        held = certificates.of_session(session, who.user_id)
        certificates.take_back(held, why.in_(who.user.language), by=by, now=now)


def _take_turn(session_id: int) -> TrainingSession:
    """Let nobody else change who comes to the session until this transaction ends.

    A write, not `SELECT … FOR UPDATE`, because SQLite ignores the latter.
    """
    sessions = table_of(TrainingSession)
    db.session.connection().execute(
        update(sessions).where(sessions.c.id == session_id).values(version=sessions.c.version + 1)
    )
    return queries.session_by_id(session_id)


def _require_ahead(session: TrainingSession, now: datetime) -> None:
    if session.cancelled_at:
        raise WrongState(Text("취소된 교육입니다.", "This session was cancelled."))
    if now >= session.starts_at:
        raise WrongState(Text("이미 시작된 교육입니다.", "This session has begun."))


def _check(plan: Plan, facility: Facility, now: datetime) -> None:
    """Raise `Invalid` for each thing that makes no sense."""
    wrong: dict[str, Text] = {}
    if plan.interval.start <= now:
        wrong["starts_at"] = Text("앞으로의 시각을 고르세요.", "Choose a time that lies ahead.")
    if plan.sign_up_until > plan.interval.start:
        wrong["sign_up_until"] = Text(
            "신청 마감은 교육 시작보다 늦을 수 없습니다.", "Sign-up ends before the session begins."
        )
    if not plan.instruments <= set(_ids_of(facility)):
        wrong["instruments"] = Text(
            "이 시설의 장비가 아닙니다.", "That instrument is not in this facility."
        )
    if not plan.techniques <= {each.id for each in queries.techniques_of(facility)}:
        wrong["techniques"] = Text(
            "이 시설에 없는 분석 기법입니다.", "Nothing in this facility offers that technique."
        )
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)


def _ids_of(facility: Facility) -> Iterable[int]:
    return db.session.scalars(select(Instrument.id).where(Instrument.facility_id == facility.id))


def _apply(plan: Plan, session: TrainingSession) -> None:
    for name in _WORDS:
        setattr(session, name, getattr(plan, name))
    wanted = {
        *((each, None) for each in plan.instruments),
        *((None, each) for each in plan.techniques),
    }
    had = {(each.instrument_id, each.technique_id): each for each in session.covers}
    session.covers = [
        had.get(of) or TrainingCover(instrument_id=of[0], technique_id=of[1])
        for of in sorted(wanted, key=str)
    ]


def _move_up(session: TrainingSession, by: User, now: datetime) -> None:
    """Give free seats to those who have waited longest."""
    seated = _count_seated(session)
    waiting = db.session.scalars(
        select(SignUp)
        .where(SignUp.session_id == session.id, SignUp.standing == Standing.WAITING)
        .options(joinedload(SignUp.user))
        .order_by(SignUp.turn, SignUp.id)
        .limit(max(0, session.seats - seated))
    ).all()
    for each in waiting:
        each.standing = Standing.SEATED
        _note("move-up-in-training", session, by, now, {"user": each.user_id})
        notices.moved_up(each, session, now=now)
    db.session.flush()


def _count_seated(session: TrainingSession) -> int:
    return int(
        db.session.scalar(
            select(func.count())
            .select_from(SignUp)
            .where(SignUp.session_id == session.id, SignUp.standing == Standing.SEATED)
        )
        or 0
    )


def _own(session: TrainingSession, user: User) -> SignUp | None:
    return db.session.scalar(
        select(SignUp)
        .where(SignUp.session_id == session.id, SignUp.user_id == user.id)
        .execution_options(populate_existing=True)
    )


def _visible(session: TrainingSession) -> dict[str, object]:
    """What the history tells of a session."""
    return {
        "title_ko": session.title_ko,
        "title_en": session.title_en,
        "trainer": session.trainer,
        "place": session.place,
        "seats": session.seats,
        "starts_at": session.interval.start.isoformat(),
        "ends_at": session.interval.end.isoformat(),
        "sign_up_until": session.sign_up_until.isoformat(),
        "level": session.level.value,
        "covers": sorted(
            f"instrument {each.instrument_id}"
            if each.instrument_id
            else f"technique {each.technique_id}"
            for each in session.covers
        ),
        "online_url": session.online_url,
        "note": session.note,
    }


def _note(
    action: str, session: TrainingSession, user: User, now: datetime, detail: Mapping[str, object]
) -> None:
    audit.record(
        action, "training-session", str(session.id), actor_id=user.id, now=now, detail=dict(detail)
    )
