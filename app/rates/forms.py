"""What managers type about rates: prices by class, discounts, factors, taxes and truncation."""

import re
from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    BooleanField,
    DateField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from app.accounts.forms import Form, line
from app.catalog.form_fields import WonField
from app.catalog.models import Instrument
from app.domain.booking import AffiliationClass, Mode
from app.domain.errors import Invalid, Text
from app.domain.opening_hours import OpeningHours
from app.domain.quote import decimal
from app.domain.rate_card import (
    CLASS_NAMES,
    MODE_NAMES,
    TAX_NAMES,
    TRUNCATIONS,
    UNIT_NAMES,
    Discount,
    Factors,
    Rate,
    RateCard,
    Tax,
    Terms,
    Unit,
)
from app.domain.rate_sheet import MOST_WON
from app.rates.services import NewRates
from app.rates.shown import Row
from app.web.pages import localized

#: As many lines of prices and extra discounts as the form has.
ROWS, EXTRAS = 4, 2

_PERCENT = NumberRange(0, 100, _l("A number from 0 to 100."))
_FACTOR = re.compile(r"\d{1,2}(\.\d{1,2})?", re.ASCII)
_NIGHT = re.compile(r"\d\d:\d\d-\d\d:\d\d", re.ASCII)

INSTITUTION, FACILITY = "institution", "facility"


def _number(label: Any, most: int) -> IntegerField:
    within = NumberRange(1, most, _l("This number is too small or too large."))
    return IntegerField(label, [Optional(), within])


def _fields() -> dict[str, Any]:
    """The fields that repeat: rows of prices, discounts by class, extra discounts."""
    found: dict[str, Any] = {}
    for n in range(ROWS):
        found[f"row{n}_mode"] = SelectField(_l("Mode of use"))
        found[f"row{n}_unit"] = SelectField(_l("Unit"))
        found[f"row{n}_started"] = BooleanField(_l("A unit that has begun is paid whole"))
        found[f"row{n}_minimum"] = WonField(_l("Minimum charge, won"), [Optional()])
        for who in AffiliationClass:
            found[f"row{n}_{who}"] = WonField(_l("Price, won"), [Optional()])
    for who in AffiliationClass:
        found[f"discount_{who}"] = IntegerField(_l("Discount in percent"), [Optional(), _PERCENT])
    for n in range(EXTRAS):
        short = [Optional(), Length(max=60, message=_l("This is too long."))]
        found[f"extra{n}_name_ko"] = StringField(_l("Name in Korean"), short, filters=[line])
        found[f"extra{n}_name_en"] = StringField(_l("Name in English"), short, filters=[line])
        found[f"extra{n}_percent"] = _number(_l("Discount in percent"), 100)
        found[f"extra{n}_hours"] = _number(_l("From so many hours on"), 10_000)
        found[f"extra{n}_samples"] = _number(_l("From so many samples on"), 100_000)
    return found


class _Card(Form):
    """All but the fields that repeat."""

    scope = SelectField(_l("For what"))
    valid_from = DateField(
        _l("From"),
        [InputRequired(_l("Choose a day."))],
        description=_l("They hold until the next rates of the same thing begin."),
    )
    replace = BooleanField(_l("Replace the rates that begin on the same day"))
    operator_fee = WonField(_l("Operator, won per hour"), [Optional()])
    day_hours = IntegerField(
        _l("Hours of a day"),
        [Optional(), NumberRange(1, 24, _l("A number from 1 to 24."))],
        description=_l("A half-day is half of it. Empty: 24."),
    )
    holiday = StringField(_l("On holidays, times"), [Optional()])
    night = StringField(_l("At night, times"), [Optional()])
    night_hours = StringField(
        _l("Hours of the night"), [Optional()], description=_l("Such as 22:00-06:00.")
    )
    off_peak = StringField(
        _l("Outside the peak hours, times"),
        [Optional()],
        description=_l("Peak hours are a booking setting of the facility or instrument."),
    )
    tax = SelectField(_l("Tax category"))


class RatesForm(type("_Rows", (_Card,), _fields())):  # type: ignore[misc]
    """New rates of a facility, one of its instruments or its institution, from a day on."""

    def offer(self, instruments: Sequence[Instrument], *, institution: bool) -> None:
        """What rates can be set for here."""
        self.scope.choices = [
            SelectChoice(FACILITY, gettext("The whole facility")),
            *([SelectChoice(INSTITUTION, gettext("The whole institution"))] * institution),
            *(SelectChoice(f"i:{each.slug}", localized(each)) for each in instruments),
        ]
        self.tax.choices = [
            SelectChoice("", gettext("As the supplier")),
            *(SelectChoice(tax.value, localized(TAX_NAMES[tax])) for tax in Tax),
        ]
        for n in range(ROWS):
            self[f"row{n}_mode"].choices = [
                SelectChoice(mode.value, localized(MODE_NAMES[mode]))
                for mode in sorted(Mode, reverse=True)
            ]
            self[f"row{n}_unit"].choices = [
                SelectChoice("", gettext("not used")),
                *(SelectChoice(unit.value, localized(UNIT_NAMES[unit])) for unit in Unit),
            ]

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The fields of each line of prices."""
        return [
            {
                **{name: self[f"row{n}_{name}"] for name in ("mode", "unit", "started", "minimum")},
                "prices": [(CLASS_NAMES[who], self[f"row{n}_{who}"]) for who in AffiliationClass],
            }
            for n in range(ROWS)
        ]

    @property
    def discounts(self) -> list[tuple[Text, Any]]:
        return [(CLASS_NAMES[who], self[f"discount_{who}"]) for who in AffiliationClass]

    @property
    def extras(self) -> list[list[Any]]:
        names = ("name_ko", "name_en", "percent", "hours", "samples")
        return [[self[f"extra{n}_{name}"] for name in names] for n in range(EXTRAS)]

    def fill_in(self, scope: str, first: date, card: RateCard | None, rows: Sequence[Row]) -> None:
        """Show what holds now, to be changed."""
        self.scope.data, self.valid_from.data = scope, first
        for n, row in enumerate(rows[:ROWS]):
            self[f"row{n}_mode"].data, self[f"row{n}_unit"].data = row.mode.value, row.unit.value
            self[f"row{n}_started"].data = row.started
            self[f"row{n}_minimum"].data = str(row.minimum or "")
            for who, price in row.prices.items():
                self[f"row{n}_{who}"].data = str(price)
        if card is None:
            return
        for who, percent in card.discounts.items():
            self[f"discount_{who}"].data = percent
        for n, each in enumerate(card.extra_discounts[:EXTRAS]):
            for name, value in zip(
                ("name_ko", "name_en", "percent", "hours", "samples"),
                (each.name.ko, each.name.en, each.percent, each.hours, each.samples),
                strict=True,
            ):
                self[f"extra{n}_{name}"].data = value
        self.operator_fee.data = str(card.operator_fee or "")
        self.day_hours.data = card.day_hours if card.day_hours != 24 else None
        for name in ("holiday", "night", "off_peak"):
            factor = getattr(card.factors, name)
            self[name].data = "" if factor == 1 else decimal(factor)
        if card.factors.night_hours:
            self.night_hours.data = card.factors.night_hours.dump()["daily"][0]
        self.tax.data = card.tax.value if card.tax else ""

    def to_rates(self) -> NewRates:
        """What was typed. Raises `Invalid` with every field that makes no sense."""
        wrong: dict[str, Text] = {}
        rates = [rate for n in range(ROWS) for rate in self._row(n, wrong)]
        keys = [(rate.who, rate.mode, rate.unit) for rate in rates]
        if len(set(keys)) < len(keys):
            wrong["row0_unit"] = Text(
                "같은 이용 방식과 단위가 두 번 있습니다.", "The same mode and unit is there twice."
            )
        discounts = {who: self[f"discount_{who}"].data or 0 for who in AffiliationClass}
        extras = [each for n in range(EXTRAS) if (each := self._extra(n, wrong))]
        factors = self._factors(wrong)
        fee = self._won("operator_fee", wrong) or 0
        if wrong:
            raise Invalid(next(iter(wrong.values())), wrong)
        card = RateCard(
            rates=tuple(rates),
            discounts={who: percent for who, percent in discounts.items() if percent},
            extra_discounts=tuple(extras),
            factors=factors,
            operator_fee=fee,
            day_hours=self.day_hours.data or 24,
            tax=Tax(self.tax.data) if self.tax.data else None,
        )
        scope = self.scope.data
        return NewRates(
            card,
            self.valid_from.data,
            instrument=scope.removeprefix("i:") if scope.startswith("i:") else None,
            institution=scope == INSTITUTION,
            replace=self.replace.data,
        )

    def show(self, wrong: Invalid) -> None:
        """A hole is shown at the line that it is in."""
        lines = {
            f"{self[f'row{n}_mode'].data}-{self[f'row{n}_unit'].data}": f"row{n}_unit"
            for n in range(ROWS)
        }
        fields = {lines.get(name, name): text for name, text in wrong.fields.items()}
        super().show(Invalid(wrong.text, fields))

    def _row(self, n: int, wrong: dict[str, Text]) -> list[Rate]:
        typed = {who: self._won(f"row{n}_{who}", wrong) for who in AffiliationClass}
        minimum = self._won(f"row{n}_minimum", wrong) or 0
        unit = self[f"row{n}_unit"].data
        prices = {who: price for who, price in typed.items() if price is not None}
        if not unit:
            if prices:
                wrong[f"row{n}_unit"] = Text("단위를 골라 주세요.", "Choose the unit.")
            return []
        if not prices:
            wrong.setdefault(
                f"row{n}_unit",
                Text("단가를 적거나 단위를 비우세요.", "Write the prices, or choose no unit."),
            )
        return [
            Rate(
                who=who,
                mode=Mode(self[f"row{n}_mode"].data),
                unit=Unit(unit),
                price=price,
                minimum=minimum,
                started=self[f"row{n}_started"].data,
            )
            for who, price in prices.items()
        ]

    def _extra(self, n: int, wrong: dict[str, Text]) -> Discount | None:
        ko, en, percent, hours, samples = (
            self[f"extra{n}_{name}"].data
            for name in ("name_ko", "name_en", "percent", "hours", "samples")
        )
        if not any((ko, en, percent, hours, samples)):
            return None
        if not (percent and (hours or samples)):
            wrong[f"extra{n}_percent"] = Text(
                "할인율과, 몇 시간 또는 시료 몇 개부터인지 적어 주세요.",
                "Write the percentage, and from how many hours or samples on.",
            )
            return None
        return Discount(Text(ko or en or "", en or ko or ""), percent, hours, samples)

    def _factors(self, wrong: dict[str, Text]) -> Factors:
        holiday, night, off_peak = (
            self._factor(name, wrong) for name in ("holiday", "night", "off_peak")
        )
        hours = None
        typed = (self.night_hours.data or "").strip()
        try:
            if typed and not _NIGHT.fullmatch(typed):
                raise ValueError
            hours = OpeningHours.parse({"daily": [typed], "holiday": [typed]}) if typed else None
        except ValueError:
            wrong["night_hours"] = Text("22:00-06:00처럼 적어 주세요.", "Write it as 22:00-06:00.")
        if night != 1 and hours is None:
            wrong.setdefault(
                "night_hours", Text("밤이 언제인지 적어 주세요.", "Say when the night is.")
            )
            night = Fraction(1)
        return Factors(holiday=holiday, night=night, night_hours=hours, off_peak=off_peak)

    def _factor(self, name: str, wrong: dict[str, Text]) -> Fraction:
        typed = (self[name].data or "").strip()
        if not typed:
            return Fraction(1)
        if not _FACTOR.fullmatch(typed):
            wrong[name] = Text(
                "1.5처럼 100보다 작은 수를 적어 주세요.", "Write a number below 100, such as 1.5."
            )
            return Fraction(1)
        return Fraction(typed)

    def _won(self, name: str, wrong: dict[str, Text]) -> int | None:
        said: int | str | None = self[name].said()
        if said is None:
            return None
        if not isinstance(said, int) or not 0 <= said <= MOST_WON:
            wrong[name] = Text(
                "0 이상의 금액을 원 단위 정수로 적어 주세요.", "Write whole won, 0 or more."
            )
            return None
        return said


class TermsForm(Form):
    """How the institution taxes and rounds."""

    tax = SelectField(_l("Tax category"))
    vat_percent = IntegerField(
        _l("Rate of VAT in percent"), [InputRequired(_l("Fill this in.")), _PERCENT]
    )
    truncation = SelectField(
        _l("Drop from the net amount"),
        coerce=int,
        description=_l("What is below so many won is dropped; VAT is computed of the rest."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, prefix="terms-", **kwargs)
        self.tax.choices = [SelectChoice(tax.value, localized(TAX_NAMES[tax])) for tax in Tax]
        self.truncation.choices = [
            SelectChoice(step, gettext("below %(step)s won", step=f"{step:,}"))
            for step in TRUNCATIONS
        ]

    def fill_in(self, terms: Terms) -> None:
        self.tax.data, self.truncation.data = terms.tax.value, terms.truncation
        self.vat_percent.data = terms.vat_percent

    def to_terms(self) -> Terms:
        return Terms(
            tax=Tax(self.tax.data),
            vat_percent=self.vat_percent.data,
            truncation=self.truncation.data,
        )
