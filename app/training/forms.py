"""What managers type about sessions, certificates and safety training."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    DateTimeLocalField,
    EmailField,
    Field,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.forms import Form, line
from app.catalog.models import Facility, Instrument, Technique
from app.domain.errors import Invalid
from app.domain.interval import Interval
from app.domain.local_time import to_instant, to_local
from app.domain.training import LEVEL_NAMES, SAFETY_NAMES, Level, SafetyKind
from app.training.certificates import Grant
from app.training.models import Result, TrainingSession
from app.training.services import Plan
from app.web.pages import localized

_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
_NEEDED = InputRequired(_l("Fill this in."))
_TOO_LONG = _l("This is too long.")
#: Years that somebody may mean; sums of times nearer to the ends of the calendar overflow.
_YEARS = range(2000, 2200)


def _line(label: str, longest: int, *, optional: bool = False, **more: Any) -> StringField:
    checks = [Optional() if optional else _NEEDED, Length(max=longest, message=_TOO_LONG)]
    return StringField(label, checks, filters=[line], **more)


def _checkboxes(label: str, **more: Any) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        [Optional()],
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        **more,
    )


def _levels() -> list[SelectChoice]:
    return [SelectChoice(level.value, localized(LEVEL_NAMES[level])) for level in Level]


def _day(field: Field) -> None:
    if field.data and field.data.year not in _YEARS:
        raise ValidationError(gettext("Choose a date nearer to today."))


class SessionForm(Form):
    """A training session; times by the clocks of the facility."""

    title_ko = _line(_l("Title in Korean"), 200)
    title_en = _line(_l("Title in English"), 200)
    starts_at = DateTimeLocalField(_l("Start"), [_NEEDED], format=_FORMATS)
    ends_at = DateTimeLocalField(_l("End"), [_NEEDED], format=_FORMATS)
    sign_up_until = DateTimeLocalField(
        _l("Sign-up until"), [Optional()], format=_FORMATS, description=_l("None: until it begins.")
    )
    place = _line(_l("Place"), 300)
    trainer = _line(_l("Trainer"), 200)
    seats = IntegerField(
        _l("Seats"), [_NEEDED, NumberRange(1, 1000, _l("A number from 1 to 1,000."))]
    )
    level = RadioField(
        _l("Level of the certificate"),
        default=Level.DAYTIME.value,
        description=_l("Whoever passes may work at the hours of this level."),
    )
    instruments = _checkboxes(
        _l("Instruments covered"),
        description=_l("Neither instruments nor techniques: everything in the facility."),
    )
    techniques = _checkboxes(_l("Techniques covered"))
    online_url = _line(
        _l("Online part"),
        500,
        optional=True,
        description=_l("The address of a course to be finished before coming."),
    )
    note = TextAreaField(_l("Note"), [Optional(), Length(max=2000, message=_TOO_LONG)])

    def __init__(
        self,
        facility: Facility,
        instruments: Iterable[Instrument],
        techniques: Iterable[Technique],
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(facility.timezone)
        self._instants: dict[str, datetime] = {}
        self.level.choices = _levels()
        self.instruments.choices = [SelectChoice(i.id, localized(i)) for i in instruments]
        self.techniques.choices = [SelectChoice(t.id, localized(t)) for t in techniques]

    def fill_in(self, session: TrainingSession) -> None:
        """Show what is planned now."""
        for name in ("title_ko", "title_en", "place", "trainer", "seats", "online_url", "note"):
            self[name].data = getattr(session, name)
        for name in ("starts_at", "ends_at", "sign_up_until"):
            local = to_local(getattr(session, name), self.zone)
            self[name].data = local.replace(tzinfo=None)
        self.level.data = session.level.value
        self.instruments.data = [c.instrument_id for c in session.covers if c.instrument_id]
        self.techniques.data = [c.technique_id for c in session.covers if c.technique_id]

    def validate_starts_at(self, field: Field) -> None:
        self._read(field)

    def validate_ends_at(self, field: Field) -> None:
        self._read(field)
        start, end = self._instants.get("starts_at"), self._instants.get("ends_at")
        if start and end and end <= start:
            raise ValidationError(gettext("The end must come after the start."))

    def validate_sign_up_until(self, field: Field) -> None:
        self._read(field)

    def validate_online_url(self, field: Field) -> None:
        if field.data and not field.data.startswith(("http://", "https://")):
            raise ValidationError(gettext("Write an address that starts with http:// or https://."))

    def _read(self, field: Field) -> None:
        """Keep the instant; refuse a local time that does not exist, or exists twice."""
        if field.data is None:
            return
        _day(field)
        try:
            self._instants[field.name] = to_instant(field.data, self.zone)
        except Invalid as wrong:
            raise ValidationError(localized(wrong.text)) from None

    def to_plan(self) -> Plan:
        start = self._instants["starts_at"]
        return Plan(
            title_ko=self.title_ko.data,
            title_en=self.title_en.data,
            trainer=self.trainer.data,
            place=self.place.data,
            seats=self.seats.data,
            interval=Interval(start, self._instants["ends_at"]),
            sign_up_until=self._instants.get("sign_up_until", start),
            level=Level(self.level.data),
            instruments=frozenset(self.instruments.data or ()),
            techniques=frozenset(self.techniques.data or ()),
            online_url=self.online_url.data or None,
            note=_prose(self.note.data),
        )


def _prose(text: str | None) -> str:
    """Typed text without what no screen shows and no database takes."""
    return "".join(letter for letter in text or "" if letter >= " " or letter in "\n\t").strip()


class ReasonForm(Form):
    """Why a session is cancelled or a certificate withdrawn."""

    reason = _line(_l("Reason"), 500, description=_l("The person is told this by mail."))


class GrantForm(Form):
    """A certificate that a manager gives by hand."""

    email = EmailField(
        _l("E-mail address"), [_NEEDED, Length(max=254, message=_TOO_LONG)], filters=[line]
    )
    of = SelectField(_l("For"))
    level = RadioField(_l("Level"), default=Level.DAYTIME.value)
    expires_on = DateField(
        _l("Last day"), [Optional(), lambda _form, field: _day(field)],
        description=_l("None: as the facility's rules say."),
    )  # fmt: skip
    reason = _line(
        _l("Reason"),
        500,
        description=_l("Such as training elsewhere. The person is told this by mail."),
    )

    def __init__(
        self, instrument: Instrument, techniques: Iterable[Technique], *args: Any, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.instrument = instrument
        self._techniques = {f"technique:{each.id}": each for each in techniques}
        self.level.choices = _levels()
        self.of.choices = [
            SelectChoice("instrument", localized(instrument)),
            *(
                SelectChoice(word, gettext("Technique: %(name)s", name=localized(each)))
                for word, each in self._techniques.items()
            ),
            SelectChoice("facility", gettext("Everything in the facility")),
        ]

    def to_grant(self) -> Grant:
        return Grant(
            email=self.email.data,
            level=Level(self.level.data),
            reason=self.reason.data,
            instrument=self.instrument if self.of.data == "instrument" else None,
            technique=self._techniques.get(self.of.data),
            expires_on=self.expires_on.data,
        )


class SafetyForm(Form):
    """A safety training that somebody showed the proof of."""

    email = EmailField(
        _l("E-mail address"), [_NEEDED, Length(max=254, message=_TOO_LONG)], filters=[line]
    )
    kind = SelectField(_l("Safety training"))
    done_on = DateField(_l("Done on"), [_NEEDED, lambda _form, field: _day(field)])
    valid_until = DateField(
        _l("Valid until"), [Optional(), lambda _form, field: _day(field)],
        description=_l("None: without end, unless an instrument asks for a recent one."),
    )  # fmt: skip

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind.choices = [
            SelectChoice(kind.value, localized(SAFETY_NAMES[kind])) for kind in SafetyKind
        ]


def results_in(typed: Mapping[str, str]) -> dict[int, Result | None]:
    """By sign-up what was chosen in the table of results; what makes no sense is left out."""
    found: dict[int, Result | None] = {}
    words: dict[str, Result | None] = {"": None, **{result.value: result for result in Result}}
    for name, word in typed.items():
        prefix, _, number = name.partition("-")
        if prefix == "result" and number.isascii() and number.isdigit() and word in words:
            found[int(number)] = words[word]
    return found
