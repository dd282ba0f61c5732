"""What differs between two rate cards, in words: which line, what it was, what it is."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from app.domain.booking_facts import AffiliationClass, Mode
from app.domain.errors import Text
from app.domain.quote import decimal
from app.domain.rate_card import (
    CLASS_NAMES,
    MODE_NAMES,
    TAX_NAMES,
    UNIT_NAMES,
    Discount,
    Rate,
    RateCard,
    Tax,
    Unit,
)

#: A line of a card: the prices of one mode by one unit.
LineKey = tuple[Mode, Unit]

_NONE = Text("없음", "none")
_YES, _NO = Text("예", "yes"), Text("아니요", "no")


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that one card says and another says otherwise."""

    what: Text
    before: Text
    after: Text
    line: LineKey | None = None  # none: of the whole card


def differences(before: RateCard | None, after: RateCard | None) -> list[Difference]:
    """All that differs; prices first, each mode and unit in turn. No card: all of it is new."""
    old, new = before or RateCard(), after or RateCard()
    return [*_of_lines(old, new), *_of_the_rest(old, new)]


def _of_lines(old: RateCard, new: RateCard) -> Iterator[Difference]:
    was, is_ = _by_line(old), _by_line(new)
    for line in dict.fromkeys((*was, *is_)):
        yield from _of_line(line, was.get(line, {}), is_.get(line, {}))


def _by_line(card: RateCard) -> dict[LineKey, dict[AffiliationClass, Rate]]:
    found: dict[LineKey, dict[AffiliationClass, Rate]] = {}
    for rate in card.rates:
        found.setdefault((rate.mode, rate.unit), {})[rate.who] = rate
    return found


def _of_line(
    line: LineKey, was: dict[AffiliationClass, Rate], is_: dict[AffiliationClass, Rate]
) -> Iterator[Difference]:
    mode, unit = MODE_NAMES[line[0]], UNIT_NAMES[line[1]]

    def differs(name: Text, before: Text, after: Text) -> Iterator[Difference]:
        if before != after:
            what = Text(
                f"{mode.ko}, {unit.ko}당: {name.ko}", f"{mode.en}, per {unit.en}: {name.en}"
            )
            yield Difference(what, before, after, line)

    for who in AffiliationClass:
        yield from differs(CLASS_NAMES[who], _price(was.get(who)), _price(is_.get(who)))
    # Minimum and counting are those of the whole line, whoever uses.
    first, second = next(iter(was.values()), None), next(iter(is_.values()), None)
    yield from differs(
        Text("최소 이용료", "minimum charge"),
        *(_won(rate.minimum if rate else 0) for rate in (first, second)),
    )
    yield from differs(
        Text("시작한 단위는 전부", "begun units count whole"),
        *(_YES if rate and rate.started else _NO for rate in (first, second)),
    )


def _of_the_rest(old: RateCard, new: RateCard) -> Iterator[Difference]:
    for name, before, after in (
        *(
            (
                Text(f"할인: {CLASS_NAMES[who].ko}", f"discount: {CLASS_NAMES[who].en}"),
                _percent(old.discounts.get(who, 0)),
                _percent(new.discounts.get(who, 0)),
            )
            for who in AffiliationClass
        ),
        (
            Text("추가 할인", "extra discounts"),
            _extras(old.extra_discounts),
            _extras(new.extra_discounts),
        ),
        (Text("야간", "at night"), _night(old), _night(new)),
        (Text("공휴일", "on holidays"), _times(old.factors.holiday), _times(new.factors.holiday)),
        (
            Text("집중 시간 외", "outside the peak hours"),
            _times(old.factors.off_peak),
            _times(new.factors.off_peak),
        ),
        (
            Text("전담운영인력, 시간당", "operator, per hour"),
            _won(old.operator_fee),
            _won(new.operator_fee),
        ),
        (Text("하루의 시간", "hours of a day"), _number(old.day_hours), _number(new.day_hours)),
        (Text("과세 구분", "tax category"), _tax(old.tax), _tax(new.tax)),
    ):
        if before != after:
            yield Difference(name, before, after)


def _price(rate: Rate | None) -> Text:
    return _won(rate.price) if rate else _NONE


def _won(amount: int) -> Text:
    return Text(f"{amount:,}원", f"₩{amount:,}")


def _number(number: int) -> Text:
    return Text(str(number), str(number))


def _percent(number: int) -> Text:
    return Text(f"{number}%", f"{number} %")


def _times(factor: Fraction) -> Text:
    return Text(f"×{decimal(factor)}", f"×{decimal(factor)}")


def _night(card: RateCard) -> Text:
    times, hours = _times(card.factors.night), card.factors.night_hours
    if hours is None:
        return times
    when = hours.dump()["daily"][0]
    return Text(f"{when} {times.ko}", f"{when} {times.en}")


def _extras(extras: tuple[Discount, ...]) -> Text:
    if not extras:
        return _NONE
    said = [_extra(each) for each in extras]
    return Text("; ".join(each.ko for each in said), "; ".join(each.en for each in said))


def _extra(each: Discount) -> Text:
    ko, en = [f"{each.name.ko} {each.percent}%"], [f"{each.name.en} {each.percent} %"]
    if each.hours:
        ko.append(f"{each.hours}시간부터")
        en.append(f"from {each.hours} hours on")
    if each.samples:
        ko.append(f"시료 {each.samples}개부터")
        en.append(f"from {each.samples} samples on")
    return Text(", ".join(ko), ", ".join(en))


def _tax(tax: Tax | None) -> Text:
    return TAX_NAMES[tax] if tax else Text("공급 기관과 같음", "as the supplier")
