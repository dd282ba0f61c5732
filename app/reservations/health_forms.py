"""What people type about faults and maintenance; local time becomes instants here."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    DateTimeLocalField,
    Field,
    IntegerField,
    RadioField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
    ValidationError,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from app.accounts.forms import Form
from app.catalog.models import Fault
from app.domain.errors import Invalid
from app.domain.file_kinds import LARGEST, PHOTOS
from app.domain.local_time import to_instant, to_local
from app.domain.maintenance import (
    CONDITION_NAMES,
    RESULT_NAMES,
    Condition,
    Result,
    Severity,
)
from app.files.forms import DraftsField
from app.files.photos import MOST
from app.files.services import Upload, content_of
from app.reservations.faults import Decision
from app.reservations.forms import YEARS, shown_text
from app.reservations.maintenance import Work
from app.web.pages import localized

_FORMATS = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"]
_AT_MOST_500 = Length(max=500, message=_l("At most 500 characters, please."))


def _severity(label: Any) -> RadioField:
    return RadioField(
        label,
        choices=[
            SelectChoice(Severity.USABLE.value, _l("It can still be used")),
            SelectChoice(Severity.OUT_OF_ORDER.value, _l("It is out of order")),
        ],
    )


class _InZone(FlaskForm):  # type: ignore[misc]
    """Times by the clocks of one zone, and complaints at their fields."""

    def __init__(self, zone: ZoneInfo, *args: Any, **kwargs: Any) -> None:
        self.zone = zone
        super().__init__(*args, **kwargs)

    def instant(self, field: Field) -> datetime:
        """The instant of what was typed; refuses one that does not exist, or exists twice."""
        if field.data.year not in YEARS:
            raise ValidationError(gettext("Choose a date nearer to today."))
        try:
            return to_instant(field.data, self.zone)
        except Invalid as wrong:
            raise ValidationError(localized(wrong.text)) from None

    def shown(self, instant: datetime) -> datetime:
        return to_local(instant, self.zone).replace(tzinfo=None, second=0, microsecond=0)

    def refuse(self, wrong: Invalid) -> None:
        """Say at its field what the use case could not accept."""
        for name, text in (wrong.fields or {"": wrong.text}).items():
            said, field = localized(text), self._fields.get(name)
            if field is None:
                self.form_errors.append(said)
            else:
                field.errors = [*field.errors, said]


class FaultForm(Form):
    """What is wrong with an instrument."""

    severity = _severity(_l("How bad is it?"))
    description = TextAreaField(
        _l("What is wrong?"),
        [
            DataRequired(_l("Say what is wrong.")),
            Length(max=2000, message=_l("At most 2,000 characters, please.")),
        ],
        filters=[shown_text],
        description=_l("What you did, what happened, and what the instrument shows."),
    )
    photos = DraftsField(
        _l("Photos"),
        [Optional()],
        most=MOST,
        allowed=PHOTOS,
        description=_l(
            "Up to 3 (JPEG, PNG or WebP, each at most 10 MB). Until the fault is closed, all who "
            "can report one see them; where and when they were taken is removed."
        ),
    )

    def validate_photos(self, field: DraftsField) -> None:
        if len(field.held) < len(field.data):
            raise ValidationError(
                gettext("A photo from before is no longer there. Choose it once more, please.")
            )

    def to_uploads(self, folder: Path) -> list[Upload]:
        """Those handed in before that the form may name, and those chosen now.

        One more than may be, so that a sentence can refuse it.
        """
        before = [Upload(each.name, content_of(folder, each)) for each in self.photos.held]
        sent = [
            Upload(each.filename or "", each.read(LARGEST + 1))
            for each in self.photos.uploads[: MOST + 1]
        ]
        return [*before, *sent]


class DecisionForm(_InZone):
    """What a manager makes of a fault."""

    severity = _severity(_l("What holds"))
    until = DateTimeLocalField(
        _l("Probably until"),
        [Optional()],
        format=_FORMATS,
        description=_l("Left empty: nobody can reserve it until the fault is closed."),
    )
    message = StringField(
        _l("Message to those who have reserved"),
        [Optional(), _AT_MOST_500],
        filters=[shown_text],
        description=_l("It is in the mail that tells them."),
    )

    def validate_until(self, field: Field) -> None:
        if field.data:
            self.instant(field)

    def fill_in(self, fault: Fault) -> None:
        self.severity.data = fault.severity.value
        if fault.blackout:
            self.until.data = self.shown(fault.blackout.ends_at)

    def to_decision(self) -> Decision:
        severity = Severity(self.severity.data)
        out = severity is Severity.OUT_OF_ORDER and self.until.data
        return Decision(severity=severity, until=self.instant(self.until) if out else None)


class WorkForm(_InZone):
    """A line of the maintenance log, in the fields of annex 10."""

    happened_at = DateTimeLocalField(
        _l("Date and time"), [InputRequired(_l("Say when it was."))], format=_FORMATS
    )
    person_in_charge = StringField(
        _l("Person in charge"),
        [
            DataRequired(_l("Say who is in charge.")),
            Length(max=100, message=_l("At most 100 characters, please.")),
        ],
        filters=[shown_text],
    )
    repairer = StringField(
        _l("Repairer"),
        [Optional(), Length(max=200, message=_l("At most 200 characters, please."))],
        filters=[shown_text],
        description=_l("A company or a person, if somebody repaired it."),
    )
    condition = SelectField(_l("Condition"))
    content = TextAreaField(
        _l("Content"),
        [
            DataRequired(_l("Say what was found and done.")),
            Length(max=4000, message=_l("At most 4,000 characters, please.")),
        ],
        filters=[shown_text],
    )
    result = SelectField(_l("Result"))
    cost = IntegerField(
        _l("Cost in won"), [Optional(), NumberRange(0, 10**13, _l("A whole number of won."))]
    )

    def __init__(self, zone: ZoneInfo, *args: Any, **kwargs: Any) -> None:
        super().__init__(zone, *args, **kwargs)
        self.condition.choices = [(c.value, localized(CONDITION_NAMES[c])) for c in Condition]
        self.result.choices = [(r.value, localized(RESULT_NAMES[r])) for r in Result]

    def validate_happened_at(self, field: Field) -> None:
        self.instant(field)

    def fill_in(self, work: Work) -> None:
        for name in ("person_in_charge", "repairer", "content", "cost"):
            getattr(self, name).data = getattr(work, name)
        self.condition.data, self.result.data = work.condition.value, work.result.value
        self.happened_at.data = self.shown(work.happened_at)

    def to_work(self) -> Work:
        return Work(
            person_in_charge=self.person_in_charge.data,
            happened_at=self.instant(self.happened_at),
            condition=Condition(self.condition.data),
            content=self.content.data,
            result=Result(self.result.data),
            repairer=self.repairer.data or "",
            cost=self.cost.data,
        )


class CorrectionForm(WorkForm):
    """A line of the log as it should be, and why."""

    reason = StringField(
        _l("Why it is corrected"),
        [DataRequired(_l("Say why it is corrected.")), _AT_MOST_500],
        filters=[shown_text],
    )
