"""What people type about sponsor funds."""

from collections.abc import Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, IntegerField, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.forms import Form, line
from app.accounts.models import Institution, User
from app.catalog.form_fields import LinesField, WonField
from app.catalog.models import Technique
from app.domain.booking import Mode
from app.domain.rate_card import MODE_NAMES
from app.programmes.models import ConditionKind, SponsorFund
from app.programmes.services import CAPS, FundPlan
from app.web.pages import localized

_NEEDED = InputRequired(_l("Fill this in."))
_TOO_LONG = _l("This is too long.")
_SAME = ("name_ko", "name_en", "percent", "rank", "starts_on", "ends_on")


def _line(label: str, longest: int, **more: Any) -> StringField:
    checks = [_NEEDED, Length(max=longest, message=_TOO_LONG)]
    return StringField(label, checks, filters=[line], **more)


def _won(label: str) -> WonField:
    return WonField(label, [Optional(), Length(max=40, message=_TOO_LONG)])


def _checkboxes(label: str) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        [Optional()],
        description=_l("None chosen: for all."),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )


class FundForm(Form):
    """A sponsor fund."""

    slug = _line(
        _l("Short name"), 64, description=_l("Small letters, such as daejeon-voucher-2026.")
    )
    sponsor = SelectField(_l("Sponsor"), [InputRequired(_l("Choose one."))])
    name_ko = _line(_l("Name in Korean"), 200)
    name_en = _line(_l("Name in English"), 200)
    percent = IntegerField(
        _l("Pays, in percent of what a use costs"),
        [InputRequired(_l("Write a whole number, 1 to 100."))],
    )
    starts_on = DateField(_l("First day"), [_NEEDED])
    ends_on = DateField(_l("Last day"), [_NEEDED])
    cap_use = _won(_l("At most for one use, won"))
    cap_person = _won(_l("At most for one person, won"))
    cap_month = _won(_l("At most in a month, won"))
    cap_whole = _won(_l("At most in all, won"))
    rank = IntegerField(
        _l("Turn"),
        [InputRequired(_l("Write a whole number."))],
        default=1,
        description=_l("Of several funds for the same use, the lower number pays first."),
    )
    institutions = _checkboxes(_l("For people of"))
    techniques = _checkboxes(_l("For the techniques"))
    modes = _checkboxes(_l("For the modes"))
    people = LinesField(
        _l("For these people"),
        [Optional(), Length(max=50_000, message=_TOO_LONG)],
        description=_l("E-mail addresses, one a line. Empty: for all."),
    )

    def offer(
        self,
        sponsors: Sequence[Institution],
        institutions: Sequence[Institution],
        techniques: Sequence[Technique],
    ) -> None:
        self.sponsor.choices = [SelectChoice(each.slug, localized(each)) for each in sponsors]
        self.institutions.choices = [
            SelectChoice(each.slug, localized(each)) for each in institutions
        ]
        self.techniques.choices = [SelectChoice(each.slug, localized(each)) for each in techniques]
        self.modes.choices = [
            SelectChoice(mode.value, localized(said)) for mode, said in MODE_NAMES.items()
        ]

    def fill_in(self, fund: SponsorFund, people: Sequence[User]) -> None:
        for name in _SAME:
            self[name].data = getattr(fund, name)
        for name in CAPS:
            self[name].data = self[name].data_of(getattr(fund, name))
        self.institutions.data = fund.values(ConditionKind.INSTITUTION)
        self.techniques.data = fund.values(ConditionKind.TECHNIQUE)
        self.modes.data = fund.values(ConditionKind.MODE)
        self.people.data = self.people.data_of([each.email for each in people])

    def validate_starts_on(self, field: Field) -> None:
        _near(field)

    def validate_ends_on(self, field: Field) -> None:
        _near(field)

    def validate_cap_use(self, field: Field) -> None:
        _whole(field)

    def validate_cap_person(self, field: Field) -> None:
        _whole(field)

    def validate_cap_month(self, field: Field) -> None:
        _whole(field)

    def validate_cap_whole(self, field: Field) -> None:
        _whole(field)

    def to_plan(self) -> FundPlan:
        return FundPlan(
            **{name: self[name].data for name in _SAME},
            **{name: self[name].said() for name in CAPS},
            institutions=frozenset(self.institutions.data or ()),
            techniques=frozenset(self.techniques.data or ()),
            modes=frozenset(map(Mode, self.modes.data or ())),
            people=tuple(dict.fromkeys(self.people.said())),
        )


def _near(field: Field) -> None:
    if field.data and not 2000 <= field.data.year < 2200:
        raise ValidationError(gettext("Choose a date nearer to today."))


def _whole(field: Field) -> None:
    if isinstance(field.said(), str):
        raise ValidationError(gettext("Write a whole number of won, such as 50,000,000."))
