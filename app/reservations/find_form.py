"""What people look for who need a time on any instrument; local days become instants here."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from pydantic import TypeAdapter, ValidationError
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    DateField,
    Field,
    IntegerField,
    SearchField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    TimeField,
    widgets,
)
from wtforms import ValidationError as Wrong
from wtforms.validators import Length, NumberRange, Optional

from app.catalog.filters import Filter
from app.domain.booking import Mode
from app.domain.interval import Interval
from app.domain.local_time import day_interval, day_of
from app.domain.opening_hours import DAYS
from app.domain.wish import Wish, hours_asked
from app.reservations.availability import Wanted
from app.reservations.forms import MODES, YEARS, shown_text
from app.reservations.free_schemas import DEAREST
from app.reservations.json_values import Length as AskedLength
from app.web.pages import duration as in_words
from app.web.pages import localized

LONGEST_WINDOW = timedelta(days=62)
LENGTHS = ("PT30M", "PT1H", "PT1H30M", "PT2H", "PT3H", "PT4H", "PT6H", "PT8H", "P1D", "P7D")
#: What the page looks for until somebody says otherwise; an hour that is said to be none is any.
DEFAULTS = {"duration": "PT2H", "when": "7days", "hours_from": "09:00", "hours_until": "18:00"}
_HOURS = ("hours_from", "hours_until")

_length = TypeAdapter[timedelta](AskedLength)
_WHEN = {
    "today": _l("Today"),
    "week": _l("This week"),
    "7days": _l("Next 7 days"),
    "28days": _l("Next 4 weeks"),
    "dates": _l("These dates"),
}
_DAY_NAMES = (_l("Mon"), _l("Tue"), _l("Wed"), _l("Thu"), _l("Fri"), _l("Sat"), _l("Sun"))
_LONGEST_TEXT = 96


def length_of(text: str) -> timedelta | None:
    """A length of time such as PT2H; None if it makes no sense."""
    try:
        return _length.validate_python(text)
    except ValidationError:
        return None


class _Checkboxes(SelectMultipleField):  # type: ignore[misc]
    widget = widgets.ListWidget(prefix_label=False)
    option_widget = widgets.CheckboxInput()


class FindForm(FlaskForm):  # type: ignore[misc]
    """Checks what was typed; its words are those of the API where both know them."""

    class Meta:
        csrf = False  # It changes nothing, and its address is there to be shared.

    q = SearchField(
        _l("Name, technique or place"),
        [Length(max=200, message=_l("At most 200 characters, please."))],
        filters=[shown_text],
    )
    technique = SelectField(_l("Technique"), validate_choice=False)
    duration = SelectField(_l("How long"), validate_choice=False)
    when = SelectField(
        _l("When"),
        choices=[SelectChoice(word, said) for word, said in _WHEN.items()],
        validate_choice=False,
    )
    first = DateField(_l("From"), [Optional()])
    last = DateField(_l("Until"), [Optional()])
    weekdays = _Checkboxes(
        _l("Days of the week"),
        choices=[SelectChoice(day, said) for day, said in zip(DAYS, _DAY_NAMES, strict=True)],
        validate_choice=False,
    )
    hours_from = TimeField(_l("From"), [Optional()])
    hours_until = TimeField(_l("Until"), [Optional()])
    institution = SelectField(_l("Institution"), validate_choice=False)
    facility = SelectField(_l("Facility"), validate_choice=False)
    mode = SelectField(
        _l("Who does the work?"),
        choices=[
            SelectChoice("", _l("All")),
            *(SelectChoice(m.value, t) for m, t in MODES.items()),
        ],
        validate_choice=False,
    )
    max_price = IntegerField(
        _l("Price at most, won"),
        [Optional(), NumberRange(0, DEAREST, _l("A whole number of won."))],
    )
    no_approval = BooleanField(_l("Only what needs no approval"))
    qualified = BooleanField(_l("Only what I may work without learning more"))

    def __init__(
        self, asked: MultiDict[str, str], choices: Mapping[str, Sequence[Any]], *, now: datetime
    ) -> None:
        given = MultiDict(
            (name, text) for name, text in asked.items(multi=True) if text or name in _HOURS
        )
        for name, text in DEFAULTS.items():
            given.setdefault(name, text)
        if given["when"] == DEFAULTS["when"] and ("first" in given or "last" in given):
            given["when"] = "dates"  # Who writes dates means them.
        self.now = now
        self.instruments = tuple(
            dict.fromkeys(
                slug
                for text in given.getlist("instrument")
                for slug in shown_text(text).split(",")
                if slug
            )
        )[:50]
        super().__init__(formdata=given)
        for name, things in (
            ("technique", choices["techniques"]),
            ("institution", choices["institutions"]),
            ("facility", choices["facilities"]),
        ):
            named = [SelectChoice(thing.slug, localized(thing)) for thing in things]
            self[name].choices = [SelectChoice("", gettext("All")), *named]
        self.duration.choices = [
            SelectChoice(text, in_words(length))
            for text in dict.fromkeys((*LENGTHS, str(self.duration.data)))
            if (length := length_of(text))
        ]
        for field in self:
            field.flags.optional = False  # All is, in a search; nothing need say so.

    def validate_duration(self, field: Field) -> None:
        if length_of(field.data or "") is None:
            raise Wrong(gettext("Choose one of the lengths."))

    def validate_when(self, field: Field) -> None:
        if field.data not in _WHEN:
            raise Wrong(gettext("Choose one of the periods."))

    def validate_mode(self, field: Field) -> None:
        if field.data and field.data not in [mode.value for mode in MODES]:
            raise Wrong(gettext("Choose who does the work."))

    def validate_weekdays(self, field: Field) -> None:
        field.data = [day for day in DAYS if day in (field.data or ())]

    def validate_first(self, field: Field) -> None:
        _near(field.data)

    def validate_last(self, field: Field) -> None:
        _near(field.data)
        first, last = self.first.data, self.last.data
        if self.when.data != "dates" or not first or not last or first.year not in YEARS:
            return
        if last < first:
            raise Wrong(gettext("The last day comes before the first."))
        if last - first >= LONGEST_WINDOW:
            raise Wrong(gettext("Look for at most %(days)s days at once.", days=62))

    def to_wanted(self, zone: ZoneInfo) -> Wanted:
        """What was asked for, once it is valid; days are those of `zone`."""
        length = length_of(self.duration.data)
        assert length is not None
        return Wanted(
            wish=Wish(
                length, self._within(zone), hours_asked(self.weekdays.data, self.hours_said())
            ),
            among=Filter(
                q=self.q.data or "",
                technique=_chosen(self.technique),
                institution=_chosen(self.institution),
                facility=_chosen(self.facility),
            ),
            instruments=self.instruments,
            mode=Mode(self.mode.data) if self.mode.data else None,
            most=self.max_price.data,
            without_approval=self.no_approval.data,
            only_qualified=self.qualified.data,
        )

    def _within(self, zone: ZoneInfo) -> Interval:
        today = day_of(self.now, zone)
        ahead = {"today": 0, "week": 6 - today.weekday(), "7days": 6, "28days": 27}
        if self.when.data != "dates":
            last = today + timedelta(days=ahead[self.when.data])
            return Interval(self.now, day_interval(last, zone).end)
        first = self.first.data or (min(today, self.last.data) if self.last.data else today)
        last = self.last.data or first + timedelta(days=6)
        last = min(last, first + LONGEST_WINDOW - timedelta(days=1))
        return Interval(day_interval(first, zone).start, day_interval(last, zone).end)

    def hours_said(self) -> str:
        start, end = self.hours_from.data, self.hours_until.data
        if start is None and end is None:
            return ""
        until = f"{end:%H:%M}" if end else "24:00"
        return f"{f'{start:%H:%M}' if start else '00:00'}-{'24:00' if until == '00:00' else until}"

    def address(self, **changed: Any) -> dict[str, Any]:
        """The words of the page's address, with some of them changed; those unsaid left out."""
        said: dict[str, Any] = {
            "q": self.q.data,
            **{name: self[name].data for name in ("technique", "institution", "facility")},
            "instrument": ",".join(self.instruments),
            "duration": self.duration.data,
            "when": self.when.data,
            "first": self.first.data,
            "last": self.last.data,
            "weekdays": self.weekdays.data,
            **{name: f"{self[name].data:%H:%M}" if self[name].data else "" for name in _HOURS},
            "mode": self.mode.data,
            "max_price": self.max_price.data,
            "no_approval": "1" if self.no_approval.data else None,
            "qualified": "1" if self.qualified.data else None,
            **changed,
        }
        return {
            name: value
            for name, value in said.items()
            if name in _HOURS or value not in (None, "", [])
        }


def _chosen(field: Field) -> tuple[str, ...]:
    return (shown_text(field.data)[:_LONGEST_TEXT],) if field.data else ()


def _near(day: date | None) -> None:
    if day is not None and day.year not in YEARS:
        raise Wrong(gettext("Choose a date nearer to today."))
