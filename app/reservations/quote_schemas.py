"""What the HTTP API says of a price."""

from datetime import date

from pydantic import BaseModel

from app.domain.booking import Mode
from app.domain.pieces import When
from app.domain.pricing import Item
from app.domain.rate_card import Tax, Unit


class LineOut(BaseModel):
    """A line of a price: quantity × unit price × factor come to `net`, discounts below zero."""

    item: Item
    net: int
    name: dict[str, str] | None = None  # of an added service or consumable: ko, en
    mode: Mode | None = None
    unit: Unit | None = None
    quantity: str | None = None
    unit_price: int | None = None
    when: When = When.PLAIN
    factor: str = "1"
    percent: str | None = None  # of a discount
    day: date | None = None


class PaidOut(BaseModel):
    """What a funding account pays of the total, in won with VAT."""

    account: str
    percent: str
    amount: int


class NameOut(BaseModel):
    """A name in Korean and English."""

    ko: str
    en: str


class GivenOut(BaseModel):
    """What a sponsor fund gives of the total, in won with VAT; nothing: it has nothing left."""

    fund: str
    sponsor: str
    name: NameOut
    percent: int
    amount: int
    left: int | None  # of its caps for you after this; null: it has no limit


class PriceOut(BaseModel):
    """What a reservation costs, in won; the lines add up to `net`, and `net` and `vat` to `total`.

    Kept as it was when the time was reserved: later rates do not change it.
    """

    net: int
    vat: int
    total: int
    currency: str = "KRW"
    tax: Tax
    lines: list[LineOut]
    shares: list[PaidOut] = []
    fund: list[GivenOut] | None = None
