"""The lines of statements: one payer's part of one charge, and what takes it back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from app.billing.charges import Due
from app.domain.charge import Part, Promised
from app.domain.pricing import Item
from app.domain.quote import Line as QuoteLine
from app.domain.quote import decimal
from app.domain.shares import show_percent


@dataclass(slots=True)
class Line:
    """A line on its way into a statement."""

    account: str | None
    net: int
    vat: int
    sponsored: list[Any]
    said: dict[str, Any]
    charge: int  # the number of its charge among the new ones; or, of a correction, its id
    corrects_id: int | None = None

    @property
    def is_nothing(self) -> bool:
        return not (self.net or self.vat)

    def negated(self, corrects_id: int, reason: str) -> "Line":
        """What takes it back."""
        back = [each | {"amount": -each["amount"]} for each in self.sponsored]
        said = self.said | {"correction": reason}
        return Line(self.account, -self.net, -self.vat, back, said, self.charge, corrects_id)


def part_as_json(part: Part, promised: Mapping[str, Promised]) -> dict[str, Any]:
    return {
        "institution": part.payer.institution,
        "account": part.payer.account,
        "percent": show_percent(part.payer.percent),
        "net": part.net,
        "vat": part.vat,
        "sponsored": sponsored_by(part, promised),
    }


def sponsored_by(part: Part, promised: Mapping[str, Promised]) -> list[dict[str, Any]]:
    return [
        {"fund": fund, "sponsor": promised[fund].sponsor, "amount": amount}
        for fund, amount in part.sponsored.items()
    ]


def _sum(uses: Sequence[QuoteLine]) -> str | None:
    """How many units they are together, as each line tells it: to four places."""
    if len(uses) == 1:
        return uses[0].quantity
    return decimal(sum((Fraction(line.quantity or 0) for line in uses), Fraction()))


def said_of(row: Any, due: Due) -> dict[str, Any]:
    """What a line tells of its use, as it was then."""
    uses = [line for line in due.quote.lines if line.item is Item.USE]
    # Past midnight one use has several lines; where one price holds for all, they are one here.
    single = len({(line.unit, line.unit_price, line.when) for line in uses}) == 1
    first = uses[0] if single else None
    return {
        "kind": due.kind.value,
        "reservation": row.uid,
        "instrument": row.instrument,
        "name_ko": row.name_ko,
        "name_en": row.name_en,
        "equipment_number": row.registration_number,
        "user": row.holder,
        "mode": row.mode.value,
        "day": due.day.isoformat(),
        "quantity": _sum(uses) if first else None,
        "unit": first.unit.value if first and first.unit else None,
        "unit_price": first.unit_price if first else None,
    }
