"""What people type to wait for time, or to be told when it frees."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    IntegerField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TimeField,
    widgets,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from app.catalog.models import Technique
from app.domain.opening_hours import DAYS
from app.domain.waitlist import hours_of_days
from app.reservations.forms import Times, shown_text
from app.reservations.models import TimeWatch
from app.reservations.waitlist import Wish
from app.reservations.watching import Watch
from app.web.pages import duration as in_words
from app.web.pages import localized

_MINUTES = (30, 60, 90, 120, 180, 240, 360, 480, 1440)
_DAY_NAMES = (_l("Mon"), _l("Tue"), _l("Wed"), _l("Thu"), _l("Fri"), _l("Sat"), _l("Sun"))


def _lengths(*others: timedelta) -> list[SelectChoice]:
    """Lengths to choose from, those among them that are asked for already."""
    minutes = sorted({*_MINUTES, *(each // timedelta(minutes=1) for each in others)})
    return [SelectChoice(each, in_words(timedelta(minutes=each))) for each in minutes]


class Hours(FlaskForm):  # type: ignore[misc]
    """At which hours of which days, by the clocks of the facility."""

    hours_from = TimeField(_l("Not before"), [Optional()])
    hours_until = TimeField(_l("Not after"), [Optional()])
    weekdays = SelectMultipleField(
        _l("Only on"),
        [Optional()],
        choices=[SelectChoice(day, name) for day, name in zip(DAYS, _DAY_NAMES, strict=True)],
        option_widget=widgets.CheckboxInput(),
    )

    def hours(self) -> dict[str, list[str]] | None:
        """The hours as opening hours are written; an end not after the start is the next day's."""
        start, end = self.hours_from.data, self.hours_until.data
        span = ""
        if start or end:
            until = f"{end:%H:%M}" if end else "24:00"
            span = f"{f'{start:%H:%M}' if start else '00:00'}-"
            span += "24:00" if until == "00:00" else until
        return hours_of_days(self.weekdays.data or [], span)

    def fill_in_hours(self, hours: dict[str, Any] | None) -> None:
        if not hours:
            return
        [start, end] = next(iter(hours.values()))[0].replace("24h", "00:00-24:00").split("-")
        self.hours_from.data = datetime.strptime(start, "%H:%M").time()  # noqa: DTZ007
        if end != "24:00":
            self.hours_until.data = datetime.strptime(end, "%H:%M").time()  # noqa: DTZ007
        if len(hours) < len(DAYS):
            self.weekdays.data = list(hours)


class WishForm(Times, Hours):
    """A length of time on any of several instruments."""

    technique = SelectField(_l("Technique"))
    duration = SelectField(_l("For how long"), coerce=int, default=120)
    purpose = StringField(
        _l("Purpose"),
        [
            DataRequired(_l("Say in a few words what you need it for.")),
            Length(max=300, message=_l("At most 300 characters, please.")),
        ],
        filters=[shown_text],
    )

    def __init__(
        self, zone: ZoneInfo, slugs: Sequence[str], techniques: Sequence[Technique], **kwargs: Any
    ) -> None:
        self.slugs = slugs
        super().__init__(zone, **kwargs)
        self.starts_at.label.text, self.ends_at.label.text = _l("From"), _l("Until")
        self.duration.choices = _lengths()
        if slugs:
            del self.technique
        else:
            self.technique.choices = [SelectChoice(t.slug, localized(t)) for t in techniques]

    def to_wish(self) -> Wish:
        return Wish(
            within=self.interval,
            instruments=self.slugs,
            technique="" if self.slugs else self.technique.data,
            duration=timedelta(minutes=self.duration.data),
            hours=self.hours(),
            purpose=self.purpose.data,
        )


class TellMeForm(Hours):
    """Of which freed time somebody wants to be told."""

    shortest = SelectField(_l("At least"), coerce=int, default=60)
    days_ahead = IntegerField(
        _l("Days ahead"),
        [
            InputRequired(_l("A number from 1 to 90.")),
            NumberRange(1, 90, _l("A number from 1 to 90.")),
        ],
        default=14,
    )

    def __init__(self, watch: TimeWatch | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.shortest.choices = _lengths(*([watch.shortest] if watch else []))
        if watch and not self.is_submitted():
            self.shortest.data = watch.shortest // timedelta(minutes=1)
            self.days_ahead.data = watch.days_ahead
            self.fill_in_hours(watch.hours)

    def to_watch(self) -> Watch:
        return Watch(
            shortest=timedelta(minutes=self.shortest.data),
            days_ahead=self.days_ahead.data,
            hours=self.hours(),
        )
