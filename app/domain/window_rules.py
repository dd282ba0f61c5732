"""Booking rules about the parts of the day that an instrument is given out in.

Each is a plain function that gives the reason to refuse, or None; `booking.RULES` lists them.
"""

from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.domain.booking_facts import BookingFacts, BookingRequest
from app.domain.errors import Refusal, Text
from app.domain.interval import Interval
from app.domain.local_time import first_instant, to_local
from app.domain.notation import iso_span, listed, shown_span

_DAY = timedelta(days=1)


def fills_fixed_slots(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """From the start of one fixed slot to the end of the same, or of one that follows it."""
    if facts.policy.fixed_slots is None or _joins(request.interval, facts.fixed_slots):
        return None
    near = sorted(facts.fixed_slots, key=lambda slot: abs(slot.start - request.interval.start))[:3]
    times = listed(sorted(near), facts.zone, facts.now)
    where = (
        Text(f"정해진 시간대({times.ko})", f"the fixed slots ({times.en})")
        if near
        else Text("정해진 시간대가 있는 날", "a day that has fixed slots")
    )
    return Refusal(
        "outside-fixed-slots",
        Text(
            f"정해진 시간대로만 예약할 수 있습니다. {where.ko} 중에서 골라 주세요.",
            f"It is booked by fixed slots only. Choose among {where.en}.",
        ),
        iso_span(near[0]) if near else None,
        "starts_at",
    )


def _joins(wanted: Interval, slots: tuple[Interval, ...]) -> bool:
    ends = {slot.start: slot.end for slot in slots}
    at = wanted.start
    while at in ends and at < wanted.end:
        at = ends[at]
    return at == wanted.end


def is_for_the_running_day(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Booked for the running day only, which begins at an hour of its own."""
    if facts.policy.same_day is None:
        return None
    day = running_day(facts.policy.same_day, facts.zone, now=facts.now)
    if day.contains(request.interval):
        return None
    span = shown_span(day, facts.zone, facts.now)
    return Refusal(
        "same-day-only",
        Text(
            f"당일({span.ko})만 예약할 수 있습니다. 그 안에서 고르거나 그날 다시 예약해 주세요.",
            f"It is booked for the running day only, {span.en}. Choose a time within it, or come "
            "back on the day.",
        ),
        iso_span(day),
        "starts_at",
    )


def running_day(begins: time, zone: ZoneInfo, *, now: datetime) -> Interval:
    """The day that runs at `now`, if days begin at the hour `begins`."""
    local = to_local(now, zone).replace(tzinfo=None)
    first = local.replace(hour=begins.hour, minute=begins.minute, second=0, microsecond=0)
    if local < first:
        first -= _DAY
    return Interval(first_instant(first, zone), first_instant(first + _DAY, zone))
