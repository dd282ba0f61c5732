"""Booking rules that look at the instrument, the person and the clock, but not at other people.

Each is a plain function that gives the reason to refuse, or None; `booking.RULES` lists them.
"""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from app.domain.booking_facts import (
    OWN,
    BookingFacts,
    BookingRequest,
    Mode,
    UseScope,
    UseState,
)
from app.domain.errors import Refusal, Text
from app.domain.grid import is_on_grid, next_on_grid, previous_on_grid
from app.domain.local_time import day_interval, day_of
from app.domain.notation import (
    in_words,
    iso_duration,
    iso_instant,
    iso_span,
    listed,
    shown,
    shown_day,
)

_MODE_NAMES: Mapping[Mode, Text] = MappingProxyType(
    {
        Mode.SELF_OPERATED: Text("직접사용", "self-operated use"),
        Mode.ASSISTED: Text("기술지원", "operator-assisted use"),
        Mode.COMMISSIONED: Text("분석의뢰", "commissioned analysis"),
    }
)


def lies_ahead(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    start = request.interval.start
    if start >= facts.now:
        return None
    then, now = _shown(start, facts), _shown(facts.now, facts)
    return Refusal(
        "in-the-past",
        Text(
            f"시작 시각({then.ko})이 이미 지났습니다. 지금({now.ko}) 이후의 시각을 골라 주세요.",
            f"The start, {then.en}, has passed. Choose a time after now, {now.en}.",
        ),
        iso_instant(facts.now),
        "starts_at",
    )


def fits_the_grid(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    slot, zone = facts.policy.slot, facts.zone
    if facts.policy.fixed_slots is not None:
        return None  # They are the grid; see `fills_fixed_slots`.
    if not is_on_grid(request.interval.start, slot, zone):
        wrong, end_of, words = request.interval.start, "starts_at", Text("시작", "start")
    elif not is_on_grid(request.interval.end, slot, zone):
        wrong, end_of, words = request.interval.end, "ends_at", Text("종료", "end")
    else:
        return None
    before = _shown(previous_on_grid(wrong, slot, zone), facts)
    behind = _shown(next_on_grid(wrong, slot, zone), facts)
    step = in_words(slot)
    return Refusal(
        "off-grid",
        Text(
            f"예약은 {step.ko} 단위로 시작하고 끝나야 합니다. "
            f"{words.ko} 시각을 {before.ko} 또는 {behind.ko} 중에서 골라 주세요.",
            f"Reservations start and end on steps of {step.en}. "
            f"Choose {before.en} or {behind.en} as the {words.en}.",
        ),
        iso_duration(slot),
        end_of,
    )


def long_enough(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    shortest = facts.policy.shortest
    if request.interval.duration >= shortest:
        return None
    words = in_words(shortest)
    end = _shown(request.interval.start + shortest, facts)
    return Refusal(
        "shortest",
        Text(
            f"최소 {words.ko} 이상 예약해야 합니다. 종료 시각을 {end.ko} 이후로 늦춰 주세요.",
            f"A reservation lasts at least {words.en}. Let it end at {end.en} or later.",
        ),
        iso_duration(shortest),
        "ends_at",
    )


def short_enough(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    longest = facts.policy.longest
    if request.interval.duration <= longest:
        return None
    words = in_words(longest)
    end = _shown(request.interval.start + longest, facts)
    return Refusal(
        "longest",
        Text(
            f"한 번에 최대 {words.ko}까지 예약할 수 있습니다. "
            f"종료 시각을 {end.ko} 이전으로 당기거나 나누어 예약해 주세요.",
            f"A reservation lasts at most {words.en}. "
            f"Let it end at {end.en} or earlier, or book it in parts.",
        ),
        iso_duration(longest),
        "ends_at",
    )


def leaves_notice(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    notice, start = facts.policy.latest, request.interval.start
    # What has passed is refused for that alone; two ways to say so would not help.
    if start < facts.now or start - facts.now >= notice:
        return None
    words = in_words(notice)
    first = _shown(next_on_grid(facts.now + notice, facts.policy.slot, facts.zone), facts)
    return Refusal(
        "too-soon",
        Text(
            f"시작 {words.ko} 전까지 예약해야 합니다. {first.ko} 이후의 시작 시각을 골라 주세요.",
            f"Book at least {words.en} before the start. Choose a start at {first.en} or later.",
        ),
        iso_duration(notice),
        "starts_at",
    )


def within_booking_window(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    window, start = facts.policy.earliest, request.interval.start
    if start - facts.now <= window:
        return None
    words = in_words(window)
    last = _shown(previous_on_grid(facts.now + window, facts.policy.slot, facts.zone), facts)
    opens = _shown(start - window, facts)
    return Refusal(
        "too-far-ahead",
        Text(
            f"예약은 {words.ko} 앞까지 열려 있습니다. "
            f"{last.ko} 이전의 시작 시각을 고르거나 {opens.ko} 이후에 예약해 주세요.",
            f"Booking opens {words.en} ahead. "
            f"Choose a start at {last.en} or earlier, or come back at {opens.en}.",
        ),
        iso_duration(window),
        "starts_at",
    )


def within_opening_hours(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if any(span.contains(request.interval) for span in facts.open_hours):
        return None
    day = day_interval(day_of(request.interval.start, facts.zone), facts.zone)
    near = [
        span for span in facts.open_hours if span.overlaps(day) or span.overlaps(request.interval)
    ]
    if near:
        hours = listed(near, facts.zone, facts.now)
        text = Text(
            f"운영 시간을 벗어납니다. 운영 시간 {hours.ko} 안에서 골라 주세요.",
            f"This is outside the opening hours. Choose a time within {hours.en}.",
        )
    else:
        closed = shown_day(request.interval.start, facts.zone, facts.now)
        text = Text(
            f"운영하지 않는 날({closed.ko})입니다. 다른 날을 골라 주세요.",
            f"It is closed on {closed.en}. Choose another day.",
        )
    return Refusal("outside-opening-hours", text, iso_span(near[0]) if near else None, "starts_at")


def instrument_is_in_use(_: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if facts.retired:
        state = Text("더 이상 운영하지 않는", "no longer offered")
    elif facts.use_state is UseState.DISUSED:
        state = Text("불용 처리된", "disused")
    elif facts.use_state is UseState.IDLE:
        state = Text("유휴 상태인", "idle")
    else:
        return None
    return Refusal(
        "not-in-use",
        Text(
            f"{state.ko} 장비입니다. 다른 장비를 고르거나 장비담당자에게 문의해 주세요.",
            f"This instrument is {state.en}. Choose another one or ask the facility.",
        ),
        field="instrument",
    )


def instrument_works(_: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """A fault with an expected end is a blackout; one without closes all that is to come."""
    if facts.faulty_since is None:
        return None
    since = _shown(facts.faulty_since, facts)
    return Refusal(
        "instrument-faulty",
        Text(
            f"{since.ko}부터 고장으로 사용할 수 없으며 복구 시점을 아직 모릅니다. "
            "다른 장비를 고르거나 장비담당자에게 문의해 주세요.",
            f"This instrument is out of order since {since.en}, and nobody knows yet until when. "
            "Choose another one or ask the facility.",
        ),
        iso_instant(facts.faulty_since),
        "instrument",
    )


def within_use_scope(_: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if facts.use_scope is not UseScope.PRIVATE_USE or facts.affiliation in OWN:
        return None
    return Refusal(
        "use-scope",
        Text(
            "단독활용 장비라 보유 기관 소속만 예약할 수 있습니다. "
            "공동활용 장비를 고르거나 장비담당자에게 문의해 주세요.",
            "This instrument is for private use by its own institution. "
            "Choose one for joint use or ask the facility.",
        ),
        field="instrument",
    )


def mode_is_offered(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if request.mode in facts.policy.modes:
        return None
    offered = [_MODE_NAMES[mode] for mode in Mode if mode in facts.policy.modes]
    ko, en = ", ".join(name.ko for name in offered), ", ".join(name.en for name in offered)
    asked = _MODE_NAMES[request.mode]
    return Refusal(
        "mode-not-offered",
        Text(
            f"이 장비는 {asked.ko} 방식을 제공하지 않습니다. 제공 방식({ko}) 중에서 골라 주세요.",
            f"This instrument is not offered for {asked.en}. Choose {en}.",
        ),
        field="mode",
    )


def person_is_not_suspended(_: BookingRequest, facts: BookingFacts) -> Refusal | None:
    until = facts.suspended_until
    if not facts.suspended or (until is not None and until <= facts.now):
        return None
    when = _shown(until, facts) if until else None
    ko = f"{when.ko}까지 예약할 수 없습니다." if when else "예약 자격이 정지되어 있습니다."
    en = f"You may not book until {when.en}." if when else "Your right to book is suspended."
    if facts.suspension_reason:
        ko += f" 사유: {facts.suspension_reason.ko}."
        en += f" Reason: {facts.suspension_reason.en}."
    return Refusal(
        "suspended",
        Text(f"{ko} 장비담당자에게 문의해 주세요.", f"{en} Please ask the facility's manager."),
        iso_instant(until) if until else None,
    )


def _shown(instant: datetime, facts: BookingFacts) -> Text:
    return shown(instant, facts.zone, facts.now)


def access_lasts(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Who leaves their institution keeps no reservation for after that."""
    until = facts.access_until
    if until is None or request.interval.end <= until:
        return None
    when = _shown(until, facts)
    return Refusal(
        "access-ended",
        Text(
            f"소속 기간이 {when.ko}에 끝납니다. "
            "그 전의 시간을 고르거나 기관 관리자에게 문의해 주세요.",
            f"Your affiliation ends at {when.en}. Choose a time before that, or ask your "
            "institution's administrator.",
        ),
        iso_instant(until),
        "starts_at",
    )
