"""What people type to reserve, change, decide and close; local time becomes instants here."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateField,
    DateTimeLocalField,
    Field,
    HiddenField,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from app.catalog.models import BlackoutKind, Instrument
from app.catalog.policy import policy_of, zone_of
from app.catalog.queries import named
from app.domain.booking import BookingRequest, Mode
from app.domain.errors import Invalid, Refusal, Text
from app.domain.interval import Interval
from app.domain.local_time import to_instant, to_local
from app.domain.repetition import Every
from app.domain.usage import (
    ORGANISATION_CLASS_NAMES,
    ORGANISATION_TYPE_NAMES,
    ORIGIN_NAMES,
    USE_TYPE_NAMES,
    OrganisationClass,
    OrganisationType,
    Origin,
    UseType,
)
from app.files.forms import DraftsField
from app.projects.models import FundingAccount, ResearchGroup
from app.reservations.answer_fields import (
    PREFIX,
    AskedAlong,
    answers_of,
    asking,
    fill_in_answers,
)
from app.reservations.closures import Closure
from app.reservations.linked import companions, may_come_along
from app.reservations.models import Reservation
from app.reservations.paying import shares_from
from app.reservations.repeat_fields import OfSeries, Repeating
from app.reservations.services import Change, accessories_of
from app.reservations.share_fields import (
    fill_in_shares,
    share_fields,
    share_fields_of,
    shares_in,
)
from app.reservations.usage import Said
from app.web.pages import localized

_TYPED = "%Y-%m-%dT%H:%M"
_FORMATS = [_TYPED, "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M"]
_LONGEST_NOTE = 2000

#: Years that somebody may mean; sums of times nearer to the ends of the calendar overflow.
YEARS = range(2000, 2200)

MODES = {
    Mode.SELF_OPERATED: _l("I work the instrument myself"),
    Mode.ASSISTED: _l("An operator works it with me"),
    Mode.COMMISSIONED: _l("The facility's staff does it for me"),
}


def parsed_instant(text: object) -> datetime | None:
    """An RFC 3339 instant in UTC, from an address or a script; None if it makes no sense."""
    if not isinstance(text, str):
        return None
    # A plus sign that was not escaped arrives as a blank.
    try:
        instant = datetime.fromisoformat(text.strip().replace(" ", "+"))
    except ValueError:
        return None
    if instant.tzinfo is None or instant.year not in YEARS:
        return None
    return instant.astimezone(UTC)


def shown_text(text: str | None) -> str:
    """Typed text without what no screen shows and no database takes: control characters."""
    return "".join(letter for letter in text or "" if letter >= " " or letter in "\n\t").strip()


def seen_version(text: str) -> int | None:
    """The version that a page carried; None if it carried none."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


class Saying(FlaskForm):
    """Says at its fields what the use case would not accept."""

    def show(self, refusals: Iterable[Refusal]) -> None:
        """Put each refusal at the field that would have to change, else above the form."""
        for refusal in refusals:
            said = localized(refusal.reason)
            name = (refusal.field or "").replace("answers.", PREFIX)
            # What another instrument asks, too, is asked once for all.
            once = PREFIX + name.rpartition(".")[2] if name.startswith(PREFIX) else name
            field = self._fields.get(name) or self._fields.get(once)
            if field is None:
                self.form_errors.append(said)
            else:
                field.errors = [*field.errors, said]

    def refuse(self, wrong: Invalid) -> None:
        """Say at its field what the use case could not accept."""
        for name, text in (wrong.fields or {"": wrong.text}).items():
            field = self._fields.get(name)
            if field is None:
                self.form_errors.append(localized(text))
            else:
                field.errors = [*field.errors, localized(text)]


class Times(Saying):
    """A start and an end by the clocks of one zone."""

    starts_at = DateTimeLocalField(
        _l("Start"), [InputRequired(_l("Say when it starts."))], format=_FORMATS
    )
    ends_at = DateTimeLocalField(
        _l("End"), [InputRequired(_l("Say when it ends."))], format=_FORMATS
    )

    def __init__(self, zone: ZoneInfo, *args: Any, **kwargs: Any) -> None:
        self.zone = zone
        self._instants: dict[str, datetime] = {}
        super().__init__(*args, **kwargs)

    def fill_in(self, interval: Interval) -> None:
        """Show `interval` by the clocks of the zone."""
        self.starts_at.data = to_local(interval.start, self.zone).replace(tzinfo=None)
        self.ends_at.data = to_local(interval.end, self.zone).replace(tzinfo=None)

    def take(self, chosen: str) -> None:
        """Show the times of an alternative, start/end in RFC 3339, instead of what was typed."""
        start, _, end = chosen.partition("/")
        first, last = parsed_instant(start), parsed_instant(end)
        if first and last and first < last:
            self.starts_at.raw_data = self.ends_at.raw_data = None
            self.fill_in(Interval(first, last))

    def validate_starts_at(self, field: Field) -> None:
        self._read(field)

    def validate_ends_at(self, field: Field) -> None:
        self._read(field)
        start, end = self._instants.get("starts_at"), self._instants.get("ends_at")
        if start and end and end <= start:
            raise ValidationError(gettext("The end must come after the start."))

    def _read(self, field: Field) -> None:
        """Keep the instant; refuse a local time that does not exist, or exists twice."""
        if field.data is None:
            return
        if field.data.year not in YEARS:
            raise ValidationError(gettext("Choose a date nearer to today."))
        try:
            self._instants[field.name] = to_instant(field.data, self.zone)
        except Invalid as wrong:
            raise ValidationError(localized(wrong.text)) from None

    @property
    def has_interval(self) -> bool:
        """Whether what was typed makes a span of time, whatever else is wrong."""
        return len(self._instants) == 2 and not (self.starts_at.errors or self.ends_at.errors)

    @property
    def interval(self) -> Interval:
        """What was typed, once it is valid."""
        return Interval(self._instants["starts_at"], self._instants["ends_at"])


def override_field() -> StringField:
    return StringField(
        _l("Set the rules aside because"),
        [Optional(), Length(max=500, message=_l("At most 500 characters, please."))],
        filters=[shown_text],
        description=_l("You manage this instrument. The reason stays with the reservation."),
    )


class Asked(Saying):
    """What an instrument asks besides, and what is reserved along with it, and who pays."""

    asked_along: Sequence[AskedAlong] = ()

    @property
    def answers(self) -> list[Field]:
        """The fields of all permits and questions."""
        return [field for field in self if field.name.startswith(PREFIX)]

    @property
    def takes_files(self) -> bool:
        return any(isinstance(field, DraftsField) for field in self.answers)

    @property
    def asked(self) -> list[Field]:
        """Those that the instrument itself asks."""
        others = {name for each in self.asked_along for name in each.names}
        return [field for field in self.answers if field.name not in others]

    @property
    def paying(self) -> list[Field]:
        """The fields of the accounts that may pay."""
        return share_fields_of(self)


class ReservationForm(Repeating, Asked, Times):
    """Everything that a reservation asks of its holder."""

    purpose = StringField(
        _l("Purpose"),
        [
            DataRequired(_l("Say in a few words what you need it for.")),
            Length(max=300, message=_l("At most 300 characters, please.")),
        ],
        filters=[shown_text],
        description=_l(
            "Seen by you, those who take part and the facility's managers, by nobody else."
        ),
    )
    mode = RadioField(_l("Who does the work?"), default=Mode.SELF_OPERATED.value)
    samples = IntegerField(
        _l("Samples"),
        [Optional(), NumberRange(1, 100_000, _l("A number from 1 to 100,000."))],
    )
    note = TextAreaField(
        _l("Note to the facility"),
        [Optional(), Length(max=_LONGEST_NOTE, message=_l("At most 2,000 characters, please."))],
        filters=[shown_text],
    )

    holder = StringField(
        _l("For whom?"),
        [Optional(), Length(max=254, message=_l("At most 254 characters, please."))],
        filters=[shown_text],
        description=_l(
            "An e-mail address; empty: for you. The rules are those for that person, who is told "
            "by mail."
        ),
    )
    group = SelectField(
        _l("Reserve for"),
        coerce=int,
        description=_l("The research group that the reservation counts for."),
    )
    accessories = SelectMultipleField(
        _l("Reserve along with it"),
        [Optional()],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        description=_l("All for the same time, or nothing is reserved."),
    )
    override = override_field()

    @classmethod
    def of(
        cls,
        instrument: Instrument,
        groups: Sequence[ResearchGroup] = (),
        accounts: Sequence[FundingAccount] = (),
    ) -> "ReservationForm":
        """The form with what this instrument asks besides; of several groups one is chosen.

        `accounts` are those that may pay.
        """
        along = may_come_along(instrument)
        whole = asking(cls, instrument, share_fields(accounts), along)
        form: ReservationForm = whole(instrument, groups)
        return form

    def __init__(
        self,
        instrument: Instrument,
        groups: Sequence[ResearchGroup] = (),
        *args: Any,
        **kwargs: Any,
    ) -> None:
        self.instrument = instrument
        super().__init__(zone_of(instrument), *args, **kwargs)
        self.group.choices = [SelectChoice(each.id, localized(each)) for each in groups]
        if len(groups) < 2:
            del self.group
        offered = policy_of(instrument).modes
        self.only_mode = next(iter(offered)) if len(offered) == 1 else None
        if self.only_mode:
            del self.mode
        else:
            self.mode.choices = [
                SelectChoice(mode.value, said) for mode, said in MODES.items() if mode in offered
            ]

        self.accessories.choices = [
            SelectChoice(each.slug, localized(each)) for each in named(instrument.accessories)
        ]
        if not self.accessories.choices:
            del self.accessories

    @property
    def chosen(self) -> tuple[str, ...]:
        """What is to be reserved along."""
        return tuple(self.accessories.data or ()) if self.accessories else ()

    def fill_in_like(self, other: Reservation) -> None:
        """Everything as in `other`, a week later by the clocks of the zone."""
        self.fill_in(other.interval)
        self.starts_at.data += timedelta(days=7)
        self.ends_at.data += timedelta(days=7)
        self.purpose.data, self.note.data = other.purpose, other.note
        self.samples.data = other.samples
        if self.group and other.group_id:
            self.group.data = other.group_id
        if not self.only_mode:
            self.mode.data = other.mode.value
        fill_in_answers(self, other)
        if self.accessories:
            self.accessories.data = list(accessories_of(other))
        fill_in_shares(self, shares_from(other.shares))

    def to_request(self) -> BookingRequest:
        return BookingRequest(
            self.instrument.slug,
            self.interval,
            purpose=self.purpose.data,
            mode=self.only_mode or Mode(self.mode.data or Mode.SELF_OPERATED),
            samples=self.samples.data,
            note=self.note.data,
            answers=answers_of(self._fields, shown_text),
            holder=self.holder.data or "",
            group=self.group.data if self.group and not self.holder.data else None,
            accessories=self.chosen,
            shares=shares_in(self),
        )


class ChangeForm(OfSeries, Asked, Times):
    """What may be changed of a reservation that stands."""

    purpose = StringField(
        _l("Purpose"),
        [
            DataRequired(_l("Say in a few words what you need it for.")),
            Length(max=300, message=_l("At most 300 characters, please.")),
        ],
        filters=[shown_text],
    )
    samples = IntegerField(
        _l("Samples"),
        [Optional(), NumberRange(1, 100_000, _l("A number from 1 to 100,000."))],
    )
    note = TextAreaField(
        _l("Note to the facility"),
        [Optional(), Length(max=_LONGEST_NOTE, message=_l("At most 2,000 characters, please."))],
        filters=[shown_text],
    )
    override = override_field()
    version = HiddenField()

    @classmethod
    def of(
        cls, reservation: Reservation, accounts: Sequence[FundingAccount] | None = None
    ) -> "ChangeForm":
        """The form as the reservation stands now, or as it was sent.

        `accounts` are those that may pay, for who may say which; None for everybody else.
        """
        instrument, shares = reservation.instrument, shares_from(reservation.shares)
        paying = {} if accounts is None else share_fields(accounts, shares)
        along = [each.instrument for each in companions(reservation)]
        whole = asking(cls, instrument, paying, along)
        form: ChangeForm = whole(zone_of(instrument), obj=_Words(reservation))
        if not form.is_submitted():
            form.fill_in(reservation.interval)
            fill_in_answers(form, reservation)
            fill_in_shares(form, shares)
        return form

    @property
    def seen(self) -> int | None:
        """The version that the person had before them."""
        return seen_version(str(self.version.data or ""))

    def to_change(self) -> Change:
        return Change(
            self.interval,
            purpose=self.purpose.data,
            samples=self.samples.data,
            note=self.note.data,
            answers=answers_of(self._fields, shown_text) if self.answers else None,
            shares=shares_in(self) if self.paying else None,
            override=self.override.data or "",
        )


class _Words:
    """Of a reservation what a form fills in by name: its instants are not local times."""

    def __init__(self, reservation: Reservation) -> None:
        self.purpose, self.note = reservation.purpose, reservation.note
        self.samples, self.version = reservation.samples, reservation.version


class ReasonForm(FlaskForm):
    """Why a reservation is cancelled or rejected."""

    reason = StringField(
        _l("Reason"),
        [Length(max=500, message=_l("At most 500 characters, please."))],
        filters=[shown_text],
    )

    def check(self) -> str:
        """The reason as typed; raises `Invalid` with what is wrong."""
        if not self.validate():
            said = " ".join(str(error) for error in self.reason.errors)
            raise Invalid(Text(said, said))
        return str(self.reason.data)


class CancelForm(OfSeries, ReasonForm):
    """Why, and which of a series."""


class UseForm(ReasonForm):
    """What is said when a use begins or ends: why, if for somebody else, and how many samples."""

    samples = IntegerField(
        _l("Samples"),
        [Optional(), NumberRange(1, 100_000, _l("A number from 1 to 100,000."))],
    )

    def check(self) -> str:
        """The reason as typed; raises `Invalid` with all that is wrong."""
        if not self.validate():
            said = " ".join(str(each) for field in self for each in field.errors)
            raise Invalid(Text(said, said))
        return str(self.reason.data or "")


class ClosureForm(Times):
    """A time in which an instrument, or the whole facility, is closed."""

    instrument = SelectField(_l("What is closed"), coerce=int)
    kind = RadioField(
        _l("Why"),
        choices=[
            SelectChoice(BlackoutKind.MAINTENANCE.value, _l("Maintenance")),
            SelectChoice(BlackoutKind.CLOSURE.value, _l("Closed")),
            SelectChoice(BlackoutKind.FAULT.value, _l("Out of order")),
        ],
        default=BlackoutKind.MAINTENANCE.value,
    )
    reason_ko = StringField(
        _l("Explanation in Korean"),
        [Optional(), Length(max=300, message=_l("At most 300 characters, please."))],
        filters=[shown_text],
        description=_l("Everyone who looks at the calendar can read it."),
    )
    reason_en = StringField(
        _l("Explanation in English"),
        [Optional(), Length(max=300, message=_l("At most 300 characters, please."))],
        filters=[shown_text],
    )

    every = SelectField(
        _l("Repeat"),
        choices=[
            SelectChoice("", _l("Once only")),
            SelectChoice(Every.WEEK.value, _l("Every week")),
            SelectChoice(Every.MONTH.value, _l("Every month, on the same day")),
        ],
        default="",
    )
    last_day = DateField(_l("Repeat until"), [Optional()])
    message = StringField(
        _l("Message to those who have reserved"),
        [Optional(), Length(max=500, message=_l("At most 500 characters, please."))],
        filters=[shown_text],
        description=_l("It is in the mail that tells them."),
    )

    def validate_last_day(self, field: Field) -> None:
        if field.data and field.data.year not in YEARS:
            raise ValidationError(gettext("Choose a date nearer to today."))

    def refuse(self, wrong: Invalid) -> None:
        """Say at its field what the use case could not accept."""
        for name, text in (wrong.fields or {"": wrong.text}).items():
            said, field = localized(text), self._fields.get(name)
            if field is None:
                self.form_errors.append(said)
            else:
                field.errors = [*field.errors, said]

    def offer(self, instruments: Iterable[Instrument]) -> None:
        """Let one of the facility's instruments be chosen, or all of it."""
        whole = SelectChoice(0, gettext("The whole facility"))
        each_alone = [SelectChoice(each.id, localized(each)) for each in instruments]
        self.instrument.choices = [whole, *each_alone]

    def to_closure(self) -> Closure:
        return Closure(
            interval=self.interval,
            kind=BlackoutKind(self.kind.data),
            instrument_id=self.instrument.data or None,
            reason_ko=self.reason_ko.data,
            reason_en=self.reason_en.data,
            every=Every(self.every.data) if self.every.data else None,
            until=self.last_day.data,
        )


def _words(names: Mapping[Any, Text]) -> list[SelectChoice]:
    return [SelectChoice(word.value, localized(text)) for word, text in names.items()]


class UsageForm(Times):
    """A line of the usage log."""

    origin = RadioField(_l("What use was it?"))
    user_name = StringField(
        _l("User"),
        [DataRequired(_l("Say who used it.")), Length(max=200)],
        filters=[shown_text],
    )
    organisation = StringField(
        _l("User's organisation"), [Optional(), Length(max=200)], filters=[shown_text]
    )
    organisation_class = SelectField(_l("Class of organisation"))
    organisation_type = SelectField(_l("Type of organisation"))
    use_type = SelectField(_l("Type of use"))
    samples = IntegerField(
        _l("Samples or cases"),
        [
            InputRequired(_l("A number from 1 to 100,000.")),
            NumberRange(1, 100_000, _l("A number from 1 to 100,000.")),
        ],
    )
    fee = IntegerField(
        _l("Usage fee in won"),
        [Optional(), NumberRange(0, 10**12, _l("A whole number of won, not below zero."))],
    )
    note = StringField(
        _l("Note"),
        [Optional(), Length(max=500, message=_l("At most 500 characters, please."))],
        filters=[shown_text],
    )
    reason = StringField(
        _l("Why do you correct it?"),
        [
            DataRequired(_l("Say why you correct it.")),
            Length(max=500, message=_l("At most 500 characters, please.")),
        ],
        filters=[shown_text],
    )
    version = HiddenField()

    def __init__(self, zone: ZoneInfo, *args: Any, **kwargs: Any) -> None:
        super().__init__(zone, *args, **kwargs)
        own = {word: text for word, text in ORIGIN_NAMES.items() if word is not Origin.RESERVATION}
        self.origin.choices = _words(own)
        self.organisation_class.choices = _words(ORGANISATION_CLASS_NAMES)
        self.organisation_type.choices = _words(ORGANISATION_TYPE_NAMES)
        self.use_type.choices = _words(USE_TYPE_NAMES)

    def fill_in_said(self, said: Said, version: int) -> None:
        """Show a line as it stands."""
        self.fill_in(said.interval)
        for name in ("user_name", "organisation", "samples", "fee", "note"):
            self[name].data = getattr(said, name)
        for name in ("organisation_class", "organisation_type", "use_type"):
            self[name].data = getattr(said, name).value
        self.version.data = str(version)

    @property
    def seen(self) -> int:
        """The version that the manager had before them; one that there is not, if none."""
        found = seen_version(str(self.version.data or ""))
        return -1 if found is None else found

    def to_said(self) -> Said:
        return Said(
            interval=self.interval,
            user_name=self.user_name.data,
            organisation=self.organisation.data,
            organisation_class=OrganisationClass(self.organisation_class.data),
            organisation_type=OrganisationType(self.organisation_type.data),
            use_type=UseType(self.use_type.data),
            samples=self.samples.data,
            fee=self.fee.data,
            note=self.note.data,
            origin=Origin(self.origin.data) if self.origin else Origin.RESERVATION,
        )

    def refuse(self, wrong: Invalid) -> None:
        """Say at each field what is wrong there."""
        for name, text in wrong.fields.items():
            field = self._fields.get(name)
            if field is None:
                self.form_errors.append(localized(text))
            else:
                field.errors = [*field.errors, localized(text)]
