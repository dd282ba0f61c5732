"""Booking rules that look at what the person, and their institution, already hold.

Each is a plain function that gives the reason to refuse, or None; `booking.RULES` lists them.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta
from types import MappingProxyType
from zoneinfo import ZoneInfo

from app.domain.booking_facts import (
    OWN,
    AffiliationClass,
    BookingFacts,
    BookingRequest,
    Mode,
    Policy,
    TwoPlaces,
)
from app.domain.errors import Refusal, Text
from app.domain.interval import Interval
from app.domain.notation import in_words, iso_duration, listed, shown_day
from app.domain.quota import (
    Counted,
    Owner,
    Quota,
    Whose,
    Within,
    peak_time_within,
    periods,
    spans_of,
    time_within,
)

_NOTHING = timedelta()

_WHO: Mapping[Whose, Text] = MappingProxyType(
    {
        Whose.PERSON: Text("한 사람은", "One person"),
        Whose.GROUP: Text("한 연구실은 모두 합해", "One research group in all"),
        Whose.INSTITUTION: Text("한 기관은 모두 합해", "One institution in all"),
    }
)
_SPANS: Mapping[Within, Text] = MappingProxyType(
    {
        Within.DAY: Text("하루에", "a day"),
        Within.WEEK: Text("한 주에", "a week"),
        Within.MONTH: Text("한 달에", "a month"),
        Within.AHEAD: Text("앞으로 올 예약으로", "ahead at a time"),
    }
)
_ANOTHER_DAY = Text(
    "더 짧게 하거나 다른 날을 골라 주세요.", "Choose a shorter time or another day."
)
_ONE_LESS = Text(
    "예약 하나를 취소하거나 끝난 뒤에 다시 예약해 주세요.",
    "Cancel one, or ask again when one has ended.",
)


def counting_span(
    policy: Policy, asked: Interval, *, now: datetime, zone: ZoneInfo
) -> Interval | None:
    """The time whose reservations these rules look at; None if no rule looks at any."""
    spans = [span for q in policy.quotas for span in periods(q, asked, now=now, zone=zone)]
    if policy.gap:
        spans.append(Interval(asked.start - policy.gap, asked.end + policy.gap))
    return _around([*spans, *_weeks_of_owner(policy, asked, zone)])


def peak_span(policy: Policy, asked: Interval, *, now: datetime, zone: ZoneInfo) -> Interval | None:
    """The time whose peak hours are counted."""
    peaks = [quota for quota in policy.quotas if quota.peak]
    return _around([span for q in peaks for span in periods(q, asked, now=now, zone=zone)])


def owner_span(policy: Policy, asked: Interval, zone: ZoneInfo) -> Interval | None:
    """The time whose opening hours are shared with the owner."""
    return _around(_weeks_of_owner(policy, asked, zone))


def _weeks_of_owner(policy: Policy, asked: Interval, zone: ZoneInfo) -> list[Interval]:
    return spans_of(Within.WEEK, asked, zone) if policy.owner_share else []


def _around(spans: Sequence[Interval]) -> Interval | None:
    if not spans:
        return None
    return Interval(min(span.start for span in spans), max(span.end for span in spans))


def leaves_a_gap(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """One's own reservations touch, as one longer one, or keep apart."""
    gap = facts.policy.gap
    if not gap or not comes(request):
        return None
    wanted = request.interval
    near = [
        each.interval
        for each in facts.counted
        if each.same_person
        and each.present
        and (
            _NOTHING < wanted.start - each.interval.end < gap
            or _NOTHING < each.interval.start - wanted.end < gap
        )
    ]
    if not near:
        return None
    words, times = in_words(gap), listed(sorted(near), facts.zone, facts.now)
    return Refusal(
        "gap-too-small",
        Text(
            f"본인 예약({times.ko})과 {words.ko} 이상 떨어져야 합니다. "
            "바로 이어 붙이거나 더 떨어진 시간을 골라 주세요.",
            f"Your own reservation at {times.en} must be {words.en} away. "
            "Choose a time that follows it at once, or one further off.",
        ),
        iso_duration(gap),
        "starts_at",
    )


def _of_person(within: Within, *, hours: bool | None = None) -> Callable[[Quota], bool]:
    def applies(quota: Quota) -> bool:
        counts_hours = quota.hours is not None
        return (
            quota.per is Whose.PERSON
            and quota.within is within
            and not quota.peak
            and hours in (None, counts_hours)
        )

    return applies


def keeps_the_day(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _over("max-per-day", _of_person(Within.DAY), request, facts)


def keeps_the_week(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _over("max-per-week", _of_person(Within.WEEK), request, facts)


def keeps_the_month(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _over("max-per-month", _of_person(Within.MONTH), request, facts)


def keeps_the_open_ones(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _over("max-open", _of_person(Within.AHEAD, hours=False), request, facts)


def keeps_the_hours_ahead(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _over("max-hours-ahead", _of_person(Within.AHEAD, hours=True), request, facts)


def keeps_the_peak(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    return _over("peak-share", lambda quota: quota.peak, request, facts)


def keeps_the_group(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    def applies(quota: Quota) -> bool:
        return quota.per is Whose.GROUP and not quota.peak

    return _over("group-quota", applies, request, facts)


def keeps_the_institution(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    def applies(quota: Quota) -> bool:
        return quota.per is Whose.INSTITUTION and not quota.peak

    return _over("institution-quota", applies, request, facts)


#: Whose affiliation makes them the owner.
OWNERS: Mapping[Owner, AbstractSet[AffiliationClass]] = MappingProxyType(
    {
        Owner.INSTITUTION: OWN,
        Owner.DEPARTMENT: frozenset({AffiliationClass.OWN_DEPARTMENT}),
    }
)
OWNER_NAMES: Mapping[Owner, Text] = MappingProxyType(
    {
        Owner.INSTITUTION: Text("보유 기관", "the institution that owns the instrument"),
        Owner.DEPARTMENT: Text("보유 부서(학과)", "the department that owns the instrument"),
    }
)


def leaves_the_owner_its_share(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Of each week's opening hours, so many percent are for the owner."""
    share = facts.policy.owner_share
    if not share or facts.affiliation in OWNERS[facts.policy.owner]:
        return None
    owner = OWNER_NAMES[facts.policy.owner]
    others = [each.interval for each in facts.counted if not each.of_owner] + [request.interval]
    for week in spans_of(Within.WEEK, request.interval, facts.zone):
        opened = time_within(facts.open_hours, week) * facts.capacity
        for_others = opened * (100 - share) // 100
        if time_within(others, week) > for_others:
            words = in_words(for_others)
            return Refusal(
                "owner-share",
                Text(
                    f"매주 운영 시간의 {share}%는 {owner.ko} 몫으로, 그 밖의 이용자는 그 주에 모두 "
                    f"합해 {words.ko}까지 예약할 수 있습니다. 다른 주의 시간을 골라 주세요.",
                    f"Of each week {share} % is kept for {owner.en}; all others together may hold "
                    f"{words.en}. Choose a time in another week.",
                ),
                f"{share}%",
                "starts_at",
            )
    return None


def is_in_one_place(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Where the facility refuses it; elsewhere `booking.warnings` only says so."""
    return two_places(request, facts) if facts.policy.two_places is TwoPlaces.REFUSE else None


def comes(request: BookingRequest) -> bool:
    """Whether the holder is there themself: who hands in samples may be anywhere meanwhile."""
    return request.mode is not Mode.COMMISSIONED


def two_places(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if not facts.elsewhere or not comes(request):
        return None
    times = listed(sorted(facts.elsewhere), facts.zone, facts.now)
    return Refusal(
        "in-two-places",
        Text(
            f"같은 시간({times.ko})에 다른 장비를 예약해 두었습니다. "
            "겹치지 않는 시간을 골라 주세요.",
            f"You have reserved another instrument at {times.en}. "
            "Choose a time that is clear of it.",
        ),
        None,
        "starts_at",
    )


def _over(
    code: str, applies: Callable[[Quota], bool], request: BookingRequest, facts: BookingFacts
) -> Refusal | None:
    """The first quota of its kind that the request would break, with what is left of it."""
    for quota in facts.policy.quotas:
        if not applies(quota):
            continue
        others = [each.interval for each in facts.counted if counts(quota, each)]
        for period in periods(quota, request.interval, now=facts.now, zone=facts.zone):
            if quota.number is not None:
                number = sum(each.overlaps(period) for each in others)
                if number >= quota.number:
                    return _refusal(code, quota, period, facts, number)
            elif more := _time(quota, [request.interval], facts, period):
                held = _time(quota, others, facts, period)
                if held + more > (quota.hours or _NOTHING):
                    return _refusal(code, quota, period, facts, held)
    return None


def counts(quota: Quota, each: Counted) -> bool:
    """Whether the quota adds it to what is asked for."""
    match quota.per:
        case Whose.PERSON:
            return each.same_person
        case Whose.GROUP:
            return each.same_group
        case Whose.INSTITUTION:
            return each.same_institution


def _time(
    quota: Quota, spans: Iterable[Interval], facts: BookingFacts, period: Interval
) -> timedelta:
    if quota.peak:
        return peak_time_within(spans, facts.peak, period)
    return time_within(spans, period)


def scope_in_words(quota: Quota) -> Text:
    """한 사람 하루에 · One person a day."""
    who, span = _WHO[quota.per], _SPANS[quota.within]
    return Text(f"{who.ko} {span.ko}", f"{who.en} {span.en}")


def most_in_words(quota: Quota) -> Text:
    """한 사람 하루에 4시간 · 4 hours a day for one person."""
    most = in_words(quota.hours) if quota.hours is not None else _reservations(quota.number or 0)
    who, span = _WHO[quota.per], _SPANS[quota.within]
    peak = Text("집중 시간 ", " of peak time") if quota.peak else Text("", "")
    return Text(f"{who.ko} {span.ko} {peak.ko}{most.ko}", f"{who.en}: {most.en}{peak.en} {span.en}")


def _refusal(
    code: str, quota: Quota, period: Interval, facts: BookingFacts, held: timedelta | int
) -> Refusal:
    who, span = _WHO[quota.per], _SPANS[quota.within]
    peak = Text("집중 시간 중 ", " of peak time") if quota.peak else Text("", "")
    if isinstance(held, timedelta):
        assert quota.hours is not None
        limit, most = iso_duration(quota.hours), in_words(quota.hours)
        rest = in_words(max(quota.hours - held, _NOTHING))
    else:
        limit, most = str(quota.number), _reservations(quota.number or 0)
        rest = _reservations(max((quota.number or 0) - held, 0))
    if quota.within is Within.AHEAD:
        left, todo = Text("남은 것은", "Left:"), _ONE_LESS
    else:
        first = shown_day(period.start, facts.zone, facts.now)
        left = Text(f"{first.ko}부터의 기간에 남은 것은", f"Left in the period from {first.en}:")
        todo = _ANOTHER_DAY
    return Refusal(
        code,
        Text(
            f"{who.ko} {span.ko} {peak.ko}{most.ko}까지 예약할 수 있습니다. "
            f"{left.ko} {rest.ko}입니다. {todo.ko}",
            f"{who.en} may hold {most.en}{peak.en} {span.en}. {left.en} {rest.en}. {todo.en}",
        ),
        limit,
        "starts_at",
    )


def _reservations(number: int) -> Text:
    return Text(f"{number}건", "1 reservation" if number == 1 else f"{number} reservations")
