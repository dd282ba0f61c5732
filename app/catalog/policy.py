"""What holds for an instrument – its own, else its facility’s: policy, hours, holidays."""

import json
from ast import literal_eval
from collections.abc import Callable, Mapping
from dataclasses import fields
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo

import holidays

from app.accounts.models import Affiliation, InstitutionKind, User
from app.catalog.booking_settings import (
    DEFAULT_BOOKING,
    BookingSettings,
    QuestionSetting,
    QuotaSetting,
    StageSetting,
)
from app.catalog.models import Facility, Instrument
from app.domain.approval import ApprovalMode, Approver, ForWhom, Stage
from app.domain.approval_rules import Overdue, Reapproval
from app.domain.booking import AffiliationClass, Mode, Policy, TwoPlaces
from app.domain.charge import CancelFee, ChargeBy, ChargePolicy
from app.domain.contracts import ContractNeeded
from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of
from app.domain.no_shows import NoShowLimit
from app.domain.opening_hours import ALWAYS_OPEN, OpeningHours
from app.domain.operators import OperatorNeeded
from app.domain.paying import AccountsAsked
from app.domain.period import NO_END, Period
from app.domain.permits import Permit, PermitKind, Question, QuestionKind
from app.domain.quota import Owner, Quota, Whose, Within
from app.domain.training import Level, SafetyKind, TrainingPolicy
from app.domain.use import CheckIn, CheckInPlace, UsePolicy

_DAY = timedelta(days=1)

#: What holds where neither instrument nor facility says otherwise, as text.
DEFAULTS: dict[str, Any] = DEFAULT_BOOKING.model_dump(mode="json", exclude_none=True)

_NO_END = str(NO_END)

_COMPANY = {
    InstitutionKind.SMALL_COMPANY: AffiliationClass.SMALL_COMPANY,
    InstitutionKind.LARGE_COMPANY: AffiliationClass.LARGE_COMPANY,
}


def settings_of(instrument: Instrument) -> dict[str, Any]:
    """The booking settings as text, instrument over facility over defaults."""
    return {**DEFAULTS, **instrument.facility.booking, **instrument.booking}


def policy_of(instrument: Instrument) -> Policy:
    """The booking policy in force for an instrument."""
    return policy_at(instrument.facility, instrument.booking)


def policy_at(facility: Facility, own: dict[str, Any]) -> Policy:
    """The policy of an instrument of the facility with these settings of its own."""
    return _policy(repr(facility.booking), repr(own))


def use_policy_of(instrument: Instrument) -> UsePolicy:
    """How people check in and out at an instrument."""
    return _use_policy(repr(instrument.facility.booking), repr(instrument.booking))


def charge_policy_of(instrument: Instrument) -> ChargePolicy:
    """What is charged for use, late cancellations and no-shows at an instrument."""
    return charge_policy_at(instrument.facility, instrument.booking)


def charge_policy_at(facility: Facility, own: dict[str, Any]) -> ChargePolicy:
    """The same of an instrument of the facility with these settings of its own."""
    return _charge_policy(repr(facility.booking), repr(own))


@lru_cache(maxsize=1024)
def _charge_policy(of_facility: str, of_instrument: str) -> ChargePolicy:
    settings = _settings(of_facility, of_instrument)
    fees, around = settings.cancel_fees or (), settings.charge_around
    return ChargePolicy(
        by=ChargeBy(settings.charge_by or ChargeBy.USED),
        cancel_fees=tuple(CancelFee(fee.within, fee.percent) for fee in fees),
        no_show_percent=settings.no_show_fee or 0,
        credit_early=bool(settings.credit_early),
        setup=(settings.setup if around else None) or timedelta(),
        cleanup=(settings.cleanup if around else None) or timedelta(),
    )


@lru_cache(maxsize=1024)
def _policy(of_facility: str, of_instrument: str) -> Policy:
    """Read once for equal settings, with their text as key: pages ask for each instrument."""
    settings = _settings(of_facility, of_instrument)
    values = {field.name: getattr(settings, field.name) for field in fields(Policy)}
    return Policy(**values | {name: read(values[name]) for name, read in _READ.items()})


@lru_cache(maxsize=1024)
def _use_policy(of_facility: str, of_instrument: str) -> UsePolicy:
    settings = _settings(of_facility, of_instrument)
    values = {field.name: getattr(settings, field.name) for field in fields(UsePolicy)}
    return UsePolicy(
        **values
        | {
            "check_in": CheckIn(values["check_in"]),
            "check_in_at": CheckInPlace(values["check_in_at"]),
        }
    )


def _settings(of_facility: str, of_instrument: str) -> BookingSettings:
    """What holds; settings unknown here, written by a newer version beside it, are passed over."""
    written = {**DEFAULTS, **literal_eval(of_facility), **literal_eval(of_instrument)}
    known = {name: written.get(name) for name in BookingSettings.model_fields}
    return BookingSettings.model_validate_json(json.dumps(known))


def _quota(quota: QuotaSetting) -> Quota:
    return Quota(
        per=Whose(quota.per),
        within=Within(quota.within),
        hours=quota.hours,
        number=quota.number,
        peak=quota.peak,
    )


def _question(question: QuestionSetting) -> Question:
    label = Text(question.label.ko, question.label.en)
    kind = QuestionKind(question.kind)
    return Question(question.key, label, kind, question.required, tuple(question.options))


def _stage(stage: StageSetting) -> Stage:
    return Stage(Approver(stage.by), ForWhom(stage.whom), stage.every)


#: How the values of files become those of a policy, where the two differ.
_READ: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "approval": ApprovalMode,
        "reapproval": Reapproval,
        "approval_overdue": Overdue,
        "approval_stages": lambda stages: tuple(map(_stage, stages)),
        "modes": lambda modes: frozenset(map(Mode, modes)),
        "fixed_slots": lambda hours: hours and OpeningHours.parse(hours),
        "peak": lambda hours: hours and OpeningHours.parse(hours),
        "same_day": lambda clock: clock and time.fromisoformat(clock),
        "quotas": lambda quotas: tuple(map(_quota, quotas)),
        "no_show_limit": lambda limit: (
            limit and NoShowLimit(limit.number, limit.within, limit.suspended)
        ),
        "two_places": TwoPlaces,
        "owner": Owner,
        "operator": OperatorNeeded,
        "contract": ContractNeeded,
        "account": AccountsAsked,
        "permits": lambda permits: tuple(Permit(PermitKind(p.kind), p.required) for p in permits),
        "questions": lambda questions: tuple(map(_question, questions)),
    }
)


def training_of(thing: Instrument | Facility) -> TrainingPolicy:
    """What must be learned to work an instrument, or the instruments of a facility in general."""
    if isinstance(thing, Facility):
        return _training(repr(thing.booking), "{}")
    return training_at(thing.facility, thing.booking)


def training_at(facility: Facility, own: dict[str, Any]) -> TrainingPolicy:
    """The same, of an instrument of the facility with these settings of its own."""
    return _training(repr(facility.booking), repr(own))


@lru_cache(maxsize=1024)
def _training(of_facility: str, of_instrument: str) -> TrainingPolicy:
    settings = _settings(of_facility, of_instrument)
    return TrainingPolicy(
        certificate=settings.certificate == "required",
        validity=Period.parse(settings.certificate_validity or _NO_END),
        unused=Period.parse(settings.certificate_unused or _NO_END),
        safety=tuple(SafetyKind(k) for k in settings.safety_training or () if k != "none"),
        safety_validity=Period.parse(settings.safety_validity or _NO_END),
        hours=tuple(
            OpeningHours.parse(getattr(settings, f"{level}_hours") or {}) for level in Level
        ),
    )


def zone_of(instrument: Instrument) -> ZoneInfo:
    """The zone in which the instrument's hours and grid are read."""
    return ZoneInfo(instrument.facility.timezone)


def hours_of(thing: Instrument | Facility) -> OpeningHours:
    """The weekly opening hours: the instrument's own, else those of its facility."""
    if isinstance(thing, Facility):
        return _hours(_frozen(thing.opening_hours))
    return _hours(_frozen(thing.opening_hours or thing.facility.opening_hours))


def _frozen(mapping: dict[str, Any]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    return tuple(
        (days, (spans,) if isinstance(spans, str) else tuple(spans))
        for days, spans in mapping.items()
    )


@lru_cache(maxsize=1024)
def _hours(frozen: tuple[tuple[str, tuple[str, ...]], ...]) -> OpeningHours:
    return OpeningHours.parse({days: list(spans) for days, spans in frozen})


def holidays_of(facility: Facility, during: Interval) -> frozenset[date]:
    """The facility's holidays on the local days of `during`: its country's and its own."""
    own = frozenset(map(date.fromisoformat, facility.extra_holidays))
    skipped = frozenset(map(date.fromisoformat, facility.skipped_holidays))
    if facility.holidays == "none" and not own:
        return frozenset()
    zone = ZoneInfo(facility.timezone)
    first, last = day_of(during.start, zone), day_of(during.end, zone)
    # A night range reaches into the day after: the day before counts too.
    first -= timedelta(days=1)
    found = set(own)
    for year in range(first.year, last.year + 1):
        found |= _public_holidays(facility.holidays, year)
    return frozenset(day for day in found - skipped if first <= day <= last)


@lru_cache(maxsize=64)
def _public_holidays(country: str, year: int) -> frozenset[date]:
    if country == "none":
        return frozenset()
    return frozenset(holidays.country_holidays(country, years=year))


def open_spans(instrument: Instrument, during: Interval) -> list[Interval]:
    """When the instrument is open within `during`; UTC, sorted, merged."""
    return open_spans_at(instrument.facility, instrument.opening_hours, during)


def open_spans_at(
    facility: Facility, own: dict[str, Any] | None, during: Interval
) -> list[Interval]:
    """When an instrument of the facility with these hours of its own, if any, is open."""
    hours = _hours(_frozen(own or facility.opening_hours))
    if hours == ALWAYS_OPEN:
        return [during]
    return hours.open_intervals(during, ZoneInfo(facility.timezone), holidays_of(facility, during))


def fixed_slots(instrument: Instrument, during: Interval) -> tuple[Interval, ...]:
    """The parts of the day that the instrument is given out in around `during`, if it has any."""
    return fixed_slots_at(instrument.facility, policy_of(instrument), during)


def fixed_slots_at(facility: Facility, policy: Policy, during: Interval) -> tuple[Interval, ...]:
    """The same, of any instrument of the facility with this policy."""
    if policy.fixed_slots is None:
        return ()
    around = Interval(during.start - _DAY, during.end + _DAY)
    closed = holidays_of(facility, around)
    return tuple(policy.fixed_slots.ranges(around, ZoneInfo(facility.timezone), closed))


def peak_hours(instrument: Instrument, during: Interval | None) -> tuple[Interval, ...]:
    """The hours within `during` that quotas of the peak count."""
    return peak_hours_at(instrument.facility, policy_of(instrument), during)


def peak_hours_at(
    facility: Facility, policy: Policy, during: Interval | None
) -> tuple[Interval, ...]:
    """The same, of any instrument of the facility with this policy."""
    if policy.peak is None or during is None:
        return ()
    closed = holidays_of(facility, during)
    return tuple(policy.peak.open_intervals(during, ZoneInfo(facility.timezone), closed))


def access_until(user: User, zone: ZoneInfo) -> datetime | None:
    """When the last of a person's affiliations ends; None if one has no end, or there is none."""
    days = [affiliation.ends_on for affiliation in user.affiliations]
    if not days or None in days:
        return None
    return day_interval(max(day for day in days if day), zone).end


def affiliation_on(user: User, day: date) -> Affiliation | None:
    """The affiliation that counts on a day: the first one current then."""
    return next(
        (
            affiliation
            for affiliation in user.affiliations
            if affiliation.starts_on <= day
            and (affiliation.ends_on is None or day <= affiliation.ends_on)
        ),
        None,
    )


def affiliation_class(user: User, facility: Facility, day: date) -> AffiliationClass:
    """What the person is to the facility, for rules and fees."""
    affiliation = affiliation_on(user, day)
    if affiliation is None:
        return AffiliationClass.OTHER_ACADEMIC
    if affiliation.institution_id == facility.institution_id:
        if affiliation.department in departments_of(facility):
            return AffiliationClass.OWN_DEPARTMENT
        return AffiliationClass.OWN_INSTITUTION
    kind = affiliation.institution.kind
    if kind in _COMPANY:
        return _COMPANY[kind]
    if affiliation.institution.partner:
        return AffiliationClass.PARTNER
    return AffiliationClass.OTHER_ACADEMIC


def departments_of(facility: Facility) -> set[str]:
    """What the department that has the facility is called."""
    return {facility.department_ko, facility.department_en} - {""}


def groups_of(found: AffiliationClass) -> frozenset[ForWhom]:
    """Of those whom stages of approval are for, where such a person belongs."""
    if found in (AffiliationClass.OWN_DEPARTMENT, AffiliationClass.OWN_INSTITUTION):
        return frozenset({ForWhom.EVERYONE})
    company = {ForWhom.COMPANIES} if found in _COMPANY.values() else set()
    return frozenset({ForWhom.EVERYONE, ForWhom.OUTSIDERS, *company})


def price_class(user: User, facility: Facility, day: date) -> str:
    """Which of the list prices is the person's; a department pays what its institution pays."""
    found = affiliation_class(user, facility, day)
    own = found is AffiliationClass.OWN_DEPARTMENT
    return AffiliationClass.OWN_INSTITUTION if own else found
