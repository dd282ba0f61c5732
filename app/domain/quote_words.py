"""The lines of a quote in words, as statements name them."""

from app.domain.booking_facts import Mode
from app.domain.errors import Text
from app.domain.pieces import When
from app.domain.pricing import Item
from app.domain.quote import Line
from app.domain.rate_card import UNIT_NAMES, Unit

#: The budget items of research funds: what one works oneself, and what is done for one.
_USE = {
    Mode.SELF_OPERATED: Text("장비사용료", "Instrument use"),
    Mode.ASSISTED: Text("장비사용료", "Instrument use"),
    Mode.COMMISSIONED: Text("시험분석비", "Test and analysis"),
}
_WHEN = {
    When.OFF_PEAK: Text("집중 시간 외", "off the peak"),
    When.NIGHT: Text("야간", "at night"),
    When.HOLIDAY: Text("공휴일", "on a holiday"),
}
_FEES = {
    Item.DISCOUNT: Text("할인", "Discount of"),
    Item.LATE_CANCELLATION: Text("늦은 취소", "Late cancellation,"),
    Item.NO_SHOW: Text("미사용(노쇼)", "No-show,"),
}
_OTHERS = {
    Item.MINIMUM: Text("최소 이용료까지", "Up to the minimum charge"),
    Item.OPERATOR: Text("전담운영인력", "Dedicated operator"),
    Item.SERVICE: Text("부가서비스", "Added service"),
    Item.CONSUMABLE: Text("소모품", "Consumables"),
    Item.TRUNCATION: Text("절사", "Truncation"),
    Item.ADJUSTMENT: Text("조정", "Adjustment"),
}


def item_in_words(line: Line) -> Text:
    """What the line is for: 장비사용료(야간 ×1.5), Instrument use (at night ×1.5)."""
    if line.name is not None:
        return line.name
    if line.item in _FEES:
        name = _FEES[line.item]
        return Text(f"{name.ko} {line.percent}%", f"{name.en} {line.percent} %")
    if line.item is not Item.USE or line.mode is None:
        return _OTHERS.get(line.item, _USE[Mode.SELF_OPERATED])
    name = _USE[line.mode]
    if line.when is When.PLAIN:
        return name
    when = _WHEN[line.when]
    return Text(
        f"{name.ko}({when.ko} ×{line.factor})",
        f"{name.en} ({when.en} ×{line.factor})",
    )


def count_in_words(line: Line) -> Text | None:
    """How much of it at which price: 1.5시간 × 30,000원; None where nothing is counted."""
    if line.quantity is None or line.unit_price is None:
        return None
    price = f"{line.unit_price:,}"
    if line.unit is None:
        return Text(f"{line.quantity} × {price}원", f"{line.quantity} × ₩{price}")
    counted = quantity_in_words(line.quantity, line.unit)
    return Text(f"{counted.ko} × {price}원", f"{counted.en} × ₩{price}")


def quantity_in_words(quantity: str, unit: Unit) -> Text:
    """1.5시간, 시료 2개; 1.5 hours, 2 samples."""
    ko = f"시료 {quantity}개" if unit is Unit.SAMPLE else f"{quantity}{UNIT_NAMES[unit].ko}"
    return Text(ko, f"{quantity} {UNIT_NAMES[unit].en}" + ("" if quantity == "1" else "s"))
