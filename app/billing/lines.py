"""The lines of statements: one payer's part of one charge, and what takes it back."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.billing.charges import Due
from app.domain.charge import Part, Promised
from app.domain.pricing import Item
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


def said_of(row: Any, due: Due) -> dict[str, Any]:
    """What a line tells of its use, as it was then."""
    first = next((line for line in due.quote.lines if line.item is Item.USE), None)
    single = sum(line.item is Item.USE for line in due.quote.lines) == 1
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
        "quantity": first.quantity if single and first else None,
        "unit": first.unit.value if single and first and first.unit else None,
        "unit_price": first.unit_price if single and first else None,
    }
