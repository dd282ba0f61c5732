"""Reads of reservations: the facts of a booking, what holds an instrument, whose they are."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    and_,
    bindparam,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.orm import contains_eager, joinedload, selectinload

from app.accounts.access import Action, Scope, may
from app.accounts.models import Affiliation, Institution, RoleGrant, RoleName, Suspension, User
from app.accounts.suspensions import holding_at, in_force
from app.audit.models import AuditRow
from app.catalog.booking_settings import LONGEST_RESERVATION
from app.catalog.models import Blackout, Facility, Instrument
from app.catalog.policy import (
    access_until,
    affiliation_class,
    affiliation_on,
    fixed_slots,
    holidays_of,
    open_spans,
    peak_hours,
    policy_of,
    training_of,
    zone_of,
)
from app.catalog.queries import owners_of, scope_of
from app.contracts.queries import contracts_of
from app.db import db
from app.domain import training_rules
from app.domain.approval import HOLDING, NOT_TAKEN, Status
from app.domain.availability import free_spans
from app.domain.booking import BookingFacts, BookingRequest, Mode, TwoPlaces
from app.domain.booking_facts import Linked
from app.domain.contract_rules import contract_is_signed, needs_contract
from app.domain.contracts import Contract
from app.domain.errors import Invalid, NotFound, Refusal, Text
from app.domain.interval import Interval, common
from app.domain.local_time import day_interval, day_of
from app.domain.operator_rules import needs_operator
from app.domain.paying import NOT_CHARGED, Charged
from app.domain.quota import Counted, Owner, Whose
from app.domain.quota_rules import counting_span, owner_span, peak_span
from app.domain.training import UNTRAINED, Qualification, hours_of_levels
from app.projects import queries as groups
from app.projects.overdue import Owed, owed
from app.reservations import approvers, duties, paying
from app.reservations.deputies import with_deputy
from app.reservations.linked import MAIN, Along, along, moved_along
from app.reservations.models import Participant, Reservation
from app.training.qualification import qualifications

#: An instrument's facility and institution, joined in the same statement.
WITH_FACILITY = contains_eager(Instrument.facility).contains_eager(Facility.institution)


#: Written into the statement, not bound, so that it matches the partial index word by word.
HOLDS = Reservation.status.in_(
    bindparam("holding", sorted(HOLDING), expanding=True, literal_execute=True)
)

#: Statements of every booking are built once: building one costs more than running it.
_PERSON = (
    select(User)
    .where(User.id == bindparam("id"))
    .options(
        joinedload(User.affiliations)
        .joinedload(Affiliation.institution)
        .load_only(Institution.id, Institution.kind, Institution.partner, Institution.slug),
        joinedload(User.grants),
    )
    .execution_options(populate_existing=True)
)


def _blackouts_of(this: ColumnElement[bool]) -> Select[int, datetime, datetime]:
    return select(literal(0), Blackout.starts_at, Blackout.ends_at).where(
        this,
        Blackout.lifted_at.is_(None),
        Blackout.starts_at < bindparam("end"),
        Blackout.ends_at > bindparam("start"),
    )


#: The start of a hold is bounded on both sides, by the longest hold ever placed: the read
#: costs the same however long the history grows.
_IN_THE_WAY: CompoundSelect[int, datetime, datetime] = union_all(
    select(literal(1).label("kind"), Reservation.starts_at, Reservation.ends_at).where(
        Reservation.instrument_id == bindparam("instrument"),
        HOLDS,
        Reservation.starts_at > bindparam("earliest"),
        Reservation.starts_at < bindparam("end"),
        Reservation.ends_at > bindparam("start"),
        Reservation.id != bindparam("besides"),
    ),
    _blackouts_of(Blackout.instrument_id == bindparam("instrument")),
    _blackouts_of(Blackout.facility_id == bindparam("facility")),
)


#: What quotas count, with who holds it and from where; `besides` is what is being moved.
_COUNTED = select(
    Reservation.starts_at,
    Reservation.ends_at,
    Reservation.holder_id,
    Reservation.institution_id,
    Reservation.group_id,
    Reservation.mode,
).where(
    Reservation.instrument_id == bindparam("instrument"),
    HOLDS,
    Reservation.starts_at > bindparam("earliest"),
    Reservation.starts_at < bindparam("end"),
    Reservation.ends_at > bindparam("start"),
    Reservation.id != bindparam("besides"),
)
_ELSEWHERE = select(Reservation.starts_at, Reservation.ends_at).where(
    Reservation.holder_id == bindparam("holder"),
    Reservation.instrument_id != bindparam("instrument"),
    Reservation.status.in_((Status.PENDING, Status.CONFIRMED, Status.IN_USE)),
    MAIN,  # What is reserved along is no second place.
    Reservation.mode != Mode.COMMISSIONED,  # Samples that were handed in need nobody there.
    Reservation.starts_at > bindparam("earliest"),
    Reservation.starts_at < bindparam("end"),
    Reservation.ends_at > bindparam("start"),
)


@dataclass(frozen=True, slots=True)
class AlreadyHeld:
    """What the person, their institution and others have, as far as an instrument asks."""

    counted: tuple[Counted, ...] = ()
    elsewhere: tuple[Interval, ...] = ()
    contracts: tuple[Contract, ...] = ()  # of the person's institution with the facility
    owed: Owed | None = None  # by the person's institution to the facility's
    charged: Charged = NOT_CHARGED  # the accounts that a request names


def person(user_id: int) -> User:
    """The user as the database has them now, with all that rights and rules ask about."""
    return db.session.scalars(_PERSON, {"id": user_id}).unique().one()


def booking_facts(  # noqa: PLR0913 – what is read depends on all of them
    instrument: Instrument,
    user: User,
    interval: Interval,
    *,
    now: datetime,
    besides: int | None = None,
    to_warn: bool = False,
    group: int | None = None,
    with_: Sequence[Along] | None = None,
    asked: BookingRequest | None = None,
) -> BookingFacts:
    """All that the booking rules ask about, in two indexed reads, and two where quotas ask more.

    Where something must be learned before, what the person has learned is one read more.

    `besides` is the id of a reservation that is being moved and does not stand in its own way,
    nor do its companions; `to_warn` reads also what only warnings ask about; `group` is the id
    of the research group for which it is reserved; `with_` is what is reserved along, if it is
    known: else it is what the instrument needs; `asked` is the request, of whose accounts the
    rules ask.
    """
    if with_ is None:
        with_ = moved_along(besides) if besides else along(instrument)
    held, blackouts = _in_the_way(instrument, interval, besides=besides)
    already = already_held(
        *(instrument, user, interval),
        now=now,
        besides=besides,
        to_warn=to_warn,
        group=group,
        asked=asked,
    )
    suspended = in_force(user.id, now=now)
    instruments = [instrument, *(each.instrument for each in with_)]
    learned = qualifications(user, instruments, now=now)
    linked = []
    for each in with_:
        other = each.instrument
        met = _in_the_way(other, interval, besides=each.moved)
        own = already_held(other, user, interval, now=now, besides=each.moved, group=group)
        known = learned.get(other.id, UNTRAINED)
        facts = facts_of(other, user, interval, met, suspended, now, own, known)
        name = Text(other.name_ko, other.name_en)
        linked.append(Linked(other.slug, name, facts, each.accessory))
    known = learned.get(instrument.id, UNTRAINED)
    facts = facts_of(instrument, user, interval, (held, blackouts), suspended, now, already, known)
    if duties.plans_operators(instrument):
        attending = duties.around(instrument, interval, besides=[besides] if besides else ())
        facts = replace(facts, operators=attending)
    return replace(facts, linked=tuple(linked)) if linked else facts


def contracts_for(instrument: Instrument, user: User, *, now: datetime) -> tuple[Contract, ...]:
    """What the person's institution has signed; read only where that is asked for."""
    facility, zone = instrument.facility, zone_of(instrument)
    today = day_of(now, zone)
    if not needs_contract(policy_of(instrument), affiliation_class(user, facility, today)):
        return ()
    affiliation = affiliation_on(user, today)
    signed = contracts_of(affiliation.institution_id if affiliation else None, [facility.id])
    return signed.get(facility.id, ())


def owed_by(instrument: Instrument, user: User, *, now: datetime) -> Owed | None:
    """What the person's institution has not paid; read only where that matters."""
    if policy_of(instrument).refuse_overdue_after is None:
        return None
    affiliation = affiliation_on(user, day_of(now, zone_of(instrument)))
    supplier = instrument.facility.institution_id
    return owed(affiliation.institution_id, supplier) if affiliation else None


def already_held(  # noqa: PLR0913 – all that rules may ask about
    instrument: Instrument,
    user: User,
    interval: Interval,
    *,
    now: datetime,
    besides: int | None = None,
    to_warn: bool = False,
    group: int | None = None,
    asked: BookingRequest | None = None,
) -> AlreadyHeld:
    """What the policy's quotas count; nothing is read where it has none."""
    policy, zone = policy_of(instrument), zone_of(instrument)
    if group is None and any(quota.per is Whose.GROUP for quota in policy.quotas):
        group = group_for(user, None, instrument, now=now)
    counted: list[Counted] = []
    if during := counting_span(policy, interval, now=now, zone=zone):
        affiliation = affiliation_on(user, day_of(now, zone))
        mine = affiliation.institution_id if affiliation else None
        owner = instrument.facility.institution_id
        owners = None
        if policy.owner_share and policy.owner is Owner.DEPARTMENT:
            facility = instrument.facility
            owners = owners_of([facility], day_of(now, zone))[facility.id]
        rows = db.session.execute(
            _COUNTED,
            {
                "instrument": instrument.id,
                "start": during.start,
                "end": during.end,
                "earliest": during.start - instrument.longest_hold,
                "besides": besides or 0,
            },
        )
        counted = [
            Counted(
                Interval(start, end),
                same_person=holder == user.id,
                same_institution=mine is not None and institution == mine,
                of_owner=institution == owner if owners is None else holder in owners,
                same_group=same_group(group, of, mine=holder == user.id),
                present=mode is not Mode.COMMISSIONED,
            )
            for start, end, holder, institution, of, mode in rows
        ]
    told = {TwoPlaces.REFUSE, TwoPlaces.WARN} if to_warn else {TwoPlaces.REFUSE}
    elsewhere = elsewhere_of(instrument, user, interval) if policy.two_places in told else ()
    return AlreadyHeld(
        tuple(counted),
        elsewhere,
        contracts_for(instrument, user, now=now),
        owed_by(instrument, user, now=now),
        paying.charged_by(instrument, user, asked, now=now, besides=[besides] if besides else []),
    )


def same_group(group: int | None, other: int | None, *, mine: bool) -> bool:
    """Whether two reservations count together; whoever reserves for no group counts alone."""
    return group == other and (group is not None or mine)


def group_for(
    user: User, asked: int | None, instrument: Instrument, *, now: datetime
) -> int | None:
    """The group that a reservation is for: the one asked for, else the person's first, if any.

    Raises `Invalid` for a group that is not the person's.
    """
    own = groups.ids_of(user.id, today=day_of(now, zone_of(instrument)))
    if asked is None:
        return own[0] if own else None
    if asked not in own:
        wrong = Text(
            "지금 속해 있는 연구실이 아닙니다. 다른 연구실을 고르거나 비워 두세요.",
            "You are not in this research group now. Choose another one, or none.",
        )
        raise Invalid(wrong, {"group": wrong})
    return asked


def elsewhere_of(instrument: Instrument, user: User, interval: Interval) -> tuple[Interval, ...]:
    """What the person holds on other instruments meanwhile."""
    rows = db.session.execute(
        _ELSEWHERE,
        {
            "holder": user.id,
            "instrument": instrument.id,
            "start": interval.start,
            "end": interval.end,
            "earliest": interval.start - LONGEST_RESERVATION,
        },
    )
    return tuple(Interval(start, end) for start, end in rows)


def contact_of(facility: Facility) -> str:
    """Whom to ask: mail address and telephone, if there are any."""
    return ", ".join(filter(None, (facility.email, facility.phone)))


def still_lacking(instrument: Instrument, user: User, *, now: datetime) -> list[Refusal]:
    """What the person lacks before they may use the instrument, whatever the time."""
    training, policy = training_of(instrument), policy_of(instrument)
    who = affiliation_class(user, instrument.facility, day_of(now, zone_of(instrument)))
    if training.asks_nothing and not needs_contract(policy, who):
        return []
    soon = Interval(now, now + policy.slot)
    mode = max(policy.modes)  # The one in which most has to be known.
    facts = BookingFacts(
        now=now,
        zone=zone_of(instrument),
        policy=policy,
        open_hours=(),
        training=training,
        qualification=qualifications(user, [instrument], now=now).get(instrument.id, UNTRAINED),
        affiliation=who,
        contracts=contracts_for(instrument, user, now=now),
        contact=contact_of(instrument.facility),
    )
    request = BookingRequest(instrument.slug, soon, mode=mode)
    unsigned = contract_is_signed(request, facts)
    return [*filter(None, [unsigned]), *training_rules.still_to_learn(request, facts)]


def facts_of(  # noqa: PLR0913 – all that was read
    instrument: Instrument,
    user: User,
    interval: Interval,
    in_the_way: tuple[Sequence[Interval], Sequence[Interval]],
    suspensions: Sequence[Suspension],
    now: datetime,
    already: AlreadyHeld = AlreadyHeld(),
    learned: Qualification = UNTRAINED,
) -> BookingFacts:
    """The facts of a booking, put together from what was read: no statement of its own.

    `in_the_way`: the holds and the blackouts that overlap the interval; `suspensions`: all that
    are in force for the person.
    """
    held, blackouts = in_the_way
    suspension = holding_at(instrument.facility_id, suspensions)
    zone, policy = zone_of(instrument), policy_of(instrument)
    days, training = _whole_days(interval, zone), training_of(instrument)
    return BookingFacts(
        now=now,
        zone=zone,
        policy=policy,
        open_hours=tuple(open_spans(instrument, days.joined(owner_span(policy, interval, zone)))),
        blackouts=tuple(blackouts),
        held=tuple(held),
        counted=already.counted,
        elsewhere=already.elsewhere,
        contracts=already.contracts,
        overdue_since=already.owed.since if already.owed else None,
        overdue_reason=already.owed.reason if already.owed else "",
        charged=already.charged,
        contact=contact_of(instrument.facility),
        fixed_slots=fixed_slots(instrument, days),
        peak=peak_hours(instrument, peak_span(policy, interval, now=now, zone=zone)),
        access_until=access_until(user, zone),
        capacity=instrument.capacity,
        use_scope=instrument.use_scope,
        use_state=instrument.use_state,
        faulty_since=instrument.out_of_order_since,
        retired=bool(instrument.retired_at or instrument.facility.retired_at),
        affiliation=affiliation_class(user, instrument.facility, day_of(now, zone)),
        suspended=suspension is not None,
        suspended_until=suspension.ends_at if suspension else None,
        suspension_reason=suspension.why if suspension else None,
        training=training,
        qualification=learned,
        holidays=holidays_of(instrument.facility, days) if training.certificate else frozenset(),
    )


def _whole_days(interval: Interval, zone: ZoneInfo) -> Interval:
    """The local days that the interval touches, so that advice can name their hours."""
    first, last = day_of(interval.start, zone), day_of(interval.end, zone)
    return Interval(day_interval(first, zone).start, day_interval(last, zone).end)


def _in_the_way(
    instrument: Instrument, during: Interval, *, besides: int | None = None
) -> tuple[list[Interval], list[Interval]]:
    """What holds the instrument and what closes it around `during`, in one statement."""
    around = policy_of(instrument).around
    during = Interval(during.start - around, during.end + around) if around else during
    rows = db.session.execute(
        _IN_THE_WAY,
        {
            "instrument": instrument.id,
            "facility": instrument.facility_id,
            "start": during.start,
            "end": during.end,
            "earliest": during.start - instrument.longest_hold,
            "besides": besides or 0,
        },
    ).all()
    held = [Interval(start, end) for kind, start, end in rows if kind]
    closed = [Interval(start, end) for kind, start, end in rows if not kind]
    return held, closed


def free_around(
    instrument: Instrument,
    during: Interval,
    *,
    now: datetime,
    accessories: Collection[str] = (),
    mode: Mode | None = None,
) -> list[Interval]:
    """The spans of `during` in which one more reservation fits, within hours and notice.

    Together with all that is reserved along, and with an operator where `mode` needs one: then
    a span is one in which one of them is free, and those of two may overlap.
    """
    policy = policy_of(instrument)
    first = max(during.start, now + policy.latest, now)
    last = min(during.end, now + policy.earliest + policy.longest)
    if first >= last:
        return []
    window = Interval(first, last)
    spans = _free(instrument, window)
    for each in along(instrument, accessories):
        spans = list(common(spans, _free(each.instrument, window)))
    if mode is None or not needs_operator(policy, mode):
        return spans
    operators = duties.around(instrument, window)
    return sorted({part for each in operators for part in common(spans, each.free)})


def _free(instrument: Instrument, window: Interval) -> list[Interval]:
    """The spans in which one more reservation fits on this one instrument."""
    if instrument.out_of_order_since or instrument.retired_at:
        return []
    policy = policy_of(instrument)
    held, closed = _in_the_way(instrument, window)
    return free_spans(
        open_spans(instrument, window),
        held,
        closed,
        instrument.capacity,
        setup=policy.setup,
        cleanup=policy.cleanup,
    )


def free_for(
    instrument: Instrument,
    user: User | None,
    during: Interval,
    *,
    now: datetime,
    accessories: Collection[str] = (),
    mode: Mode | None = None,
) -> list[Interval]:
    """Of the free spans those that the level of the person's certificate opens, if one is needed.

    Whoever has none yet is shown all: what they lack is said beside it. `mode`: else the first
    that is offered, self-operated use before others.
    """
    mode = mode or max(policy_of(instrument).modes)
    spans = free_around(instrument, during, now=now, accessories=accessories, mode=mode)
    if mode is not Mode.SELF_OPERATED:
        return spans
    training = training_of(instrument)
    if user is None or not training.certificate or not spans:
        return spans
    learned = qualifications(user, [instrument], now=now)[instrument.id]
    zone = zone_of(instrument)
    today = day_of(now, zone)
    levels = [c.level for c in learned.certificates if c.holds(today, today, training.unused)]
    if learned.exempt or not levels:
        return spans
    whole = _whole_days(during, zone)
    opened = hours_of_levels(levels, training, whole, zone, holidays_of(instrument.facility, whole))
    return [part for span in spans for hours in opened if (part := span.intersection(hours))]


def whole() -> Select[Reservation]:
    """Reservations with all that a page about them shows."""
    return select(Reservation).options(
        joinedload(Reservation.instrument)
        .joinedload(Instrument.facility)
        .joinedload(Facility.institution),
        joinedload(Reservation.holder),
        joinedload(Reservation.reserved_by),
        joinedload(Reservation.operator),
        joinedload(Reservation.institution),
        joinedload(Reservation.group),
        joinedload(Reservation.series),
    )


def by_uid(uid: str, *, viewer: User, anew: bool = False) -> Reservation:
    """A reservation; raises `NotFound` also to those who may not see it: none can be guessed.

    `anew`: as the database has it now, whatever the session has read before.
    """
    wanted = whole().where(Reservation.uid == uid)
    found = db.session.scalar(wanted.execution_options(populate_existing=anew))
    if found is None or not may_see(viewer, found):
        raise NotFound(
            Text(
                "해당 예약을 찾을 수 없습니다. ‘내 예약’에서 찾아보세요.",
                "There is no such reservation. Look for it under “My reservations”.",
            )
        )
    return found


def as_it_is(reservation_id: int) -> Reservation:
    """The reservation as the database has it now, whoever asks."""
    wanted = whole().where(Reservation.id == reservation_id)
    return db.session.scalars(wanted.execution_options(populate_existing=True)).one()


def scope_of_reservation(reservation: Reservation) -> Scope:
    """The reservation as `accounts.access` asks about it."""
    operators = frozenset({reservation.operator_id} if reservation.operator_id else ())
    scope = replace(
        scope_of(reservation.instrument),
        holder_id=reservation.holder_id,
        operator_ids=operators,
    )
    return with_deputy(scope, reservation)


def may_see(viewer: User | None, reservation: Reservation) -> bool:
    """Who takes part is read only if nothing else gives the right."""
    if viewer is None or sees_whole(viewer, reservation):
        return viewer is not None
    taking_part = select(Participant.id).where(
        Participant.reservation_id == reservation.id, Participant.email == viewer.email
    )
    if db.session.scalar(taking_part) is None:
        return False
    scope = replace(scope_of_reservation(reservation), participant_ids=frozenset({viewer.id}))
    return may(viewer, Action.SEE_RESERVATION, scope)


def sees_whole(viewer: User, reservation: Reservation) -> bool:
    """Whether also what was said to the facility: not by those who only take part."""
    if may(viewer, Action.SEE_RESERVATION, scope_of_reservation(reservation)):
        return True
    return approvers.concerns(viewer, reservation)


def with_others(user: User, *, now: datetime, limit: int = 50) -> Sequence[Reservation]:
    """What the person takes part in, or has reserved for others, and is not over; nearest first."""
    part = select(Participant.reservation_id).where(Participant.email == user.email)
    found = db.session.scalars(
        whole()
        .where(
            or_(Reservation.id.in_(part), Reservation.reserved_by_id == user.id),
            Reservation.holder_id != user.id,
            MAIN,
            or_(Reservation.ends_at > now, Reservation.status == Status.IN_USE),
            Reservation.status.not_in(_OVER),
            Reservation.status.not_in(NOT_TAKEN),
        )
        .order_by(Reservation.starts_at)
        .limit(limit)
    ).all()
    return [each for each in found if may_see(user, each)]


#: Nothing is left to come of these, whatever the clock says.
_OVER = (Status.CANCELLED, Status.REJECTED, Status.NO_SHOW, Status.COMPLETED)


def of_holder(
    user: User,
    *,
    now: datetime,
    past: bool = False,
    limit: int = 50,
    before: datetime | None = None,
) -> Sequence[Reservation]:
    """A person's reservations: those to come, nearest first, or those past, latest first."""
    wanted = whole().where(
        Reservation.holder_id == user.id, Reservation.status.not_in(NOT_TAKEN), MAIN
    )
    if past:
        wanted = wanted.where(
            or_(
                and_(Reservation.ends_at <= now, Reservation.status != Status.IN_USE),
                Reservation.status.in_(_OVER),
            )
        ).order_by(Reservation.starts_at.desc())
        if before:
            wanted = wanted.where(Reservation.starts_at < before)
    else:
        wanted = wanted.where(
            # What nobody has ended is not past.
            or_(Reservation.ends_at > now, Reservation.status == Status.IN_USE),
            Reservation.status.not_in(_OVER),
        ).order_by(Reservation.starts_at)
    return db.session.scalars(wanted.limit(limit)).all()


def listed(  # noqa: PLR0913 – all that may be asked
    viewer: User,
    *,
    mine: bool = False,
    operating: bool = False,
    instrument_id: int | None = None,
    during: Interval | None = None,
    status: Status | None = None,
    after: int | None = None,
    limit: int = 50,
) -> Sequence[Reservation]:
    """Reservations that the viewer may see, oldest first by id after `after`."""
    wanted = (
        select(Reservation)
        .join(Reservation.instrument)
        .join(Instrument.facility)
        .join(Facility.institution)
        .options(
            contains_eager(Reservation.instrument).options(WITH_FACILITY),
            joinedload(Reservation.holder),
            joinedload(Reservation.reserved_by),
            joinedload(Reservation.operator),
            joinedload(Reservation.institution),
            joinedload(Reservation.group),
            joinedload(Reservation.series),
            selectinload(Reservation.stages),
            selectinload(Reservation.questions),
        )
        .order_by(Reservation.id)
        .limit(limit)
    )
    if not operating:
        own = Reservation.holder_id == viewer.id
        wanted = wanted.where(own if mine else or_(own, managed_by(viewer)))
    if operating:
        wanted = wanted.where(Reservation.operator_id == viewer.id)
    if instrument_id is not None:
        wanted = wanted.where(Reservation.instrument_id == instrument_id)
    if during is not None:
        wanted = wanted.where(Reservation.interval.overlaps(during))
    if status is not None:
        wanted = wanted.where(Reservation.status == status)
    if after is not None:
        wanted = wanted.where(Reservation.id > after)
    return db.session.scalars(wanted).all()


def managed_by(user: User) -> Any:
    """Condition on `Instrument` joined with `Facility`: the user manages it."""
    grants: Iterable[RoleGrant] = user.grants
    roles = {grant.role for grant in grants}
    if RoleName.SITE_ADMINISTRATOR in roles:
        return literal(True)
    facilities = [g.facility_id for g in grants if g.role is RoleName.FACILITY_MANAGER]
    institutions = [
        g.institution_id for g in grants if g.role is RoleName.INSTITUTION_ADMINISTRATOR
    ]
    return or_(Facility.id.in_(facilities), Facility.institution_id.in_(institutions))


def history(uid: str, kind: str = "reservation") -> Sequence[tuple[AuditRow, User | None]]:
    """All that was done to it, oldest first, with who did it."""
    return [
        (row, actor)
        for row, actor in db.session.execute(
            select(AuditRow, User)
            .outerjoin(User, User.id == AuditRow.actor_id)
            .where(AuditRow.kind == kind, AuditRow.subject == uid)
            .order_by(AuditRow.id)
        )
    ]
