"""Fields for reservations that repeat, and for which of them is meant by a change."""

from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    Field,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
)
from wtforms.validators import NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.domain.errors import Invalid
from app.domain.recurrence import MOST, ByDay, Frequency, Recurrence, Until
from app.domain.series import OnConflict
from app.reservations.series import Repeat, Which
from app.web.pages import localized

_DAYS = (_l("Mon"), _l("Tue"), _l("Wed"), _l("Thu"), _l("Fri"), _l("Sat"), _l("Sun"))


class Repeating(FlaskForm):
    """How a reservation repeats; nothing is needed of one that does not."""

    repeat = SelectField(
        _l("Repeat"),
        choices=[
            SelectChoice("", _l("Does not repeat")),
            SelectChoice(Frequency.DAILY.value, _l("Daily")),
            SelectChoice(Frequency.WEEKLY.value, _l("Weekly")),
            SelectChoice(Frequency.MONTHLY.value, _l("Monthly, on the same day of the month")),
        ],
        default="",
    )
    every = IntegerField(
        _l("Every so many days, weeks or months"),
        [Optional(), NumberRange(1, 52, _l("A number from 1 to 52."))],
        description=_l("Left empty, it is every one."),
    )
    weekdays = SelectMultipleField(
        _l("On these days"),
        choices=[SelectChoice(number, day) for number, day in enumerate(_DAYS)],
        coerce=int,
        description=_l("With none chosen, the day on which it starts."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )
    times = IntegerField(
        _l("How many times"),
        [Optional(), NumberRange(1, MOST, _l("A number from 1 to 200."))],
    )
    until = DateField(_l("Or until"), [Optional()])
    on_conflict = RadioField(
        _l("If a date cannot be reserved"),
        choices=[
            SelectChoice(OnConflict.FAIL.value, _l("reserve none of them")),
            SelectChoice(OnConflict.SKIP.value, _l("leave that date out")),
            SelectChoice(OnConflict.SHIFT.value, _l("take the nearest free time instead")),
        ],
        default=OnConflict.FAIL.value,
    )

    @property
    def of_repeat(self) -> list[Field]:
        return [self.repeat, self.every, self.weekdays, self.times, self.until, self.on_conflict]

    def validate(self, extra_validators: Any = None) -> bool:
        """Beside each field, whether they make a rule that the first date fits."""
        fine = bool(super().validate(extra_validators))
        if not self.repeat.data or any(field.errors for field in self.of_repeat):
            return fine
        if (self.times.data is None) == (self.until.data is None):
            wrong = gettext("Say how many times it repeats or until which day: one of the two.")
            self.times.errors = [wrong]
            return False
        if not fine and not self.has_interval:
            return False
        try:
            self.to_rule().occurrences(self.interval, self.zone)
        except Invalid as faulty:
            self.repeat.errors = [localized(faulty.text)]
            return False
        return fine

    def to_rule(self) -> Recurrence:
        frequency = Frequency(self.repeat.data)
        days = self.weekdays.data or [] if frequency is Frequency.WEEKLY else []
        return Recurrence(
            frequency=frequency,
            interval=self.every.data or 1,
            count=self.times.data,
            until=Until(self.until.data) if self.until.data else None,
            by_day=tuple(map(ByDay, sorted(days))),
        )

    def to_repeat(self) -> Repeat | None:
        """The rule that was typed, once it is valid; None if it does not repeat."""
        if not self.repeat.data:
            return None
        return Repeat(self.to_rule(), OnConflict(self.on_conflict.data))


class OfSeries(FlaskForm):
    """Which reservations of a series are meant."""

    of_series = RadioField(
        _l("Which of the series?"),
        choices=[
            SelectChoice(Which.THIS.value, _l("this one only")),
            SelectChoice(Which.LATER.value, _l("this and all later ones")),
            SelectChoice(Which.ALL.value, _l("all that are still to come")),
        ],
        default=Which.THIS.value,
    )

    @property
    def which(self) -> Which:
        return Which(self.of_series.data)
