"""What people type to have a calendar."""

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectChoice, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.calendars.choices import Choices
from app.calendars.models import Cancelled, Detail, FeedKind
from app.calendars.services import FeedRequest
from app.web.pages import localized

_NAME = Length(max=100)

KINDS = {
    FeedKind.MINE: _l("My reservations"),
    FeedKind.APPROVALS: _l("What awaits my approval"),
    FeedKind.INSTRUMENT: _l("Instrument"),
    FeedKind.FACILITY: _l("Facility"),
    FeedKind.INSTITUTION: _l("Institution"),
}


class FeedForm(FlaskForm):
    """What the calendar is to show."""

    what = SelectField(_l("What to show"), [InputRequired()])
    detail = RadioField(
        _l("Detail"),
        choices=[
            SelectChoice(Detail.FULL.value, _l("Everything that I may see")),
            SelectChoice(Detail.BUSY.value, _l("Only when it is in use, and by which institution")),
        ],
        default=Detail.FULL.value,
        description=_l(
            "What you may not see is shown as busy. Choose the second if others see your calendar."
        ),
    )
    cancelled = RadioField(
        _l("Cancelled reservations"),
        choices=[
            SelectChoice(Cancelled.OMIT.value, _l("Disappear")),
            SelectChoice(Cancelled.KEEP.value, _l("Stay for 30 days, marked as cancelled")),
        ],
        default=Cancelled.OMIT.value,
    )
    name = StringField(
        _l("Name"),
        [Optional(), _NAME],
        description=_l("As your calendar app shows it. Left empty, it is called what it shows."),
    )

    def offer(self, choices: Choices, *, manages: bool, chosen: str | None = None) -> None:
        """Fill the list; `chosen` is shown first if a page led here with it."""
        own = [FeedKind.MINE, FeedKind.APPROVALS] if manages else [FeedKind.MINE]
        mine = gettext("Mine")
        offered = [SelectChoice(kind.value, KINDS[kind], optgroup=mine) for kind in own]
        for heading, kind, things in (
            (gettext("Instruments"), FeedKind.INSTRUMENT, choices.instruments),
            (gettext("Facilities"), FeedKind.FACILITY, choices.facilities),
            (gettext("Institutions"), FeedKind.INSTITUTION, choices.institutions),
        ):
            offered += [
                SelectChoice(f"{kind.value}:{thing.slug}", localized(thing), optgroup=heading)
                for thing in things
            ]
        self.what.choices = offered
        if chosen and not self.is_submitted():
            self.what.data = chosen

    def to_request(self) -> FeedRequest:
        kind, _, of = str(self.what.data).partition(":")
        return FeedRequest(
            kind=FeedKind(kind),
            of=of or None,
            detail=Detail(self.detail.data),
            cancelled=Cancelled(self.cancelled.data),
            name=self.name.data or "",
        )


class NameForm(FlaskForm):
    """Another name."""

    name = StringField(_l("Name"), [Optional(), _NAME])
