"""A use cut into pieces of time within which everything costs the same, and counted in units."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from zoneinfo import ZoneInfo

from app.domain.errors import Text
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of, days_of, first_instant, to_local
from app.domain.opening_hours import OpeningHours
from app.domain.rate_card import Rate, RateCard, Unit, Unpriced, card_at

HOUR = timedelta(hours=1)
NO_RATE = Text(
    "이 이용의 이용단가가 정해지지 않았습니다. 이용료는 장비담당자에게 문의하세요.",
    "No rates are set for this use. Ask the facility manager about the fee.",
)
_DAY = timedelta(days=1)
_TICK = timedelta.resolution


class When(StrEnum):
    """Which factor a piece of time is multiplied by, if any."""

    PLAIN = "plain"
    OFF_PEAK = "off_peak"
    NIGHT = "night"
    HOLIDAY = "holiday"


@dataclass(frozen=True, slots=True, kw_only=True)
class Times:
    """Where the instrument stands, and what its days are."""

    zone: ZoneInfo
    holidays: frozenset[date] = frozenset()
    peak: OpeningHours | None = None


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the use in which one card and one factor hold, within one local day."""

    span: Interval
    day: date
    card: RateCard
    when: When
    factor: Fraction


def cut(use: Interval, cards: Sequence[RateCard], times: Times) -> list[Piece]:
    """The use cut at midnight, where a card begins, and where a factor begins or ends."""
    edges = {use.start, use.end, *(card.starts_at for card in cards if card.starts_at)}
    edges.update(_midnights(use, times.zone))
    priced = [card for card in cards if card.starts_at is None or card.starts_at < use.end]
    nights: dict[int, list[Interval]] = {}
    peak = None
    if any(not card.factors.flat for card in priced):
        nights = {
            id(card): card.factors.night_hours.open_intervals(use, times.zone)
            for card in priced
            if card.factors.night_hours
        }
        peak = times.peak.open_intervals(use, times.zone, times.holidays) if times.peak else None
        for span in [*(peak or ()), *(span for spans in nights.values() for span in spans)]:
            edges |= {span.start, span.end}
    found = []
    for start, end in pairwise(sorted(edge for edge in edges if use.start <= edge <= use.end)):
        card = card_at(cards, start)
        if card is None:
            raise Unpriced(NO_RATE)
        span, day = Interval(start, end), day_of(start, times.zone)
        when = _when(span, card, nights.get(id(card), ()), peak, holiday=day in times.holidays)
        found.append(Piece(span, day, card, when, _factor(card, when)))
    return found


def _midnights(use: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    day, last = days_of(use, zone)
    while day < last:
        midnight = day_interval(day, zone).end
        yield midnight
        day = day_of(midnight, zone)


def _when(
    span: Interval,
    card: RateCard,
    nights: Sequence[Interval],
    peak: Sequence[Interval] | None,
    *,
    holiday: bool,
) -> When:
    """The one factor that holds; the piece lies wholly within or wholly outside each span."""
    factors = card.factors
    if holiday and factors.holiday != 1:
        return When.HOLIDAY
    if factors.night != 1 and any(night.contains(span) for night in nights):
        return When.NIGHT
    if factors.off_peak != 1 and peak is not None and not any(p.contains(span) for p in peak):
        return When.OFF_PEAK
    return When.PLAIN


def _factor(card: RateCard, when: When) -> Fraction:
    match when:
        case When.HOLIDAY:
            return card.factors.holiday
        case When.NIGHT:
            return card.factors.night
        case When.OFF_PEAK:
            return card.factors.off_peak
    return Fraction(1)


#: A part of the use and how many units it counts; a unit is spread evenly over its part, so
#: that each piece of time pays for its share of it.
Stretch = tuple[Interval, Fraction]


def stretches(
    use: Interval, rate: Rate, samples: int | None, day_hours: int, zone: ZoneInfo
) -> list[Stretch]:
    """The use counted in units, from its start; elapsed time, whatever clocks show."""
    match rate.unit:
        case Unit.SESSION:
            return [(use, Fraction(1))]
        case Unit.SAMPLE:
            assert samples is not None
            return [(use, Fraction(samples))]
        case Unit.HOUR:
            length = HOUR
        case Unit.HALF_DAY:
            length = HOUR * day_hours / 2
        case Unit.DAY:
            length = HOUR * day_hours
    if not rate.started:
        return [(use, share(use.duration, length))]
    if length == _DAY:
        return [(day, Fraction(1)) for day in _days(use, zone)]
    whole = use.duration // length
    last = use.start + whole * length
    found = [(Interval(use.start, last), Fraction(whole))] if whole else []
    if last < use.end:
        found.append((Interval(last, use.end), Fraction(1)))
    return found


def _days(use: Interval, zone: ZoneInfo) -> Iterator[Interval]:
    """Days from the start on, each to the same local time: 23 or 25 hours when clocks change."""
    first, number, start = to_local(use.start, zone).replace(tzinfo=None, fold=0), 0, use.start
    while start < use.end:
        number += 1
        end = min(first_instant(first + number * _DAY, zone), use.end)
        if start < end:  # A zone may leave out a date.
            yield Interval(start, end)
            start = end


def quantity_in(span: Interval, counted: Sequence[Stretch]) -> Fraction:
    return sum(
        (
            units * share(common.duration, stretch.duration)
            for stretch, units in counted
            if (common := stretch.intersection(span))
        ),
        Fraction(0),
    )


def share(part: timedelta, whole: timedelta) -> Fraction:
    return Fraction(part // _TICK, whole // _TICK)
