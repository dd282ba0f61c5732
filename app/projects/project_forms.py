"""What people type about joint projects and funding accounts."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from wtforms import DateField, Field, SelectField, SelectMultipleField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional, ValidationError
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.forms import Form, line
from app.accounts.models import Institution
from app.domain.booking import Mode
from app.domain.errors import Invalid, Text
from app.domain.shares import MOST_SHARES, WHOLE, Share, Shares, parse_percent, show_percent
from app.projects.models import FundingAccount, Project
from app.web.pages import localized

_NEEDED = InputRequired(_l("Fill this in."))
_TOO_LONG = _l("This is too long.")
_MODES = {
    Mode.SELF_OPERATED: _l("Self-operated use"),
    Mode.ASSISTED: _l("Operator-assisted use"),
    Mode.COMMISSIONED: _l("Commissioned analysis"),
}


def _line(label: str, longest: int, *, optional: bool = False, **more: Any) -> StringField:
    checks = [Optional() if optional else _NEEDED, Length(max=longest, message=_TOO_LONG)]
    return StringField(label, checks, filters=[line], **more)


def _checkboxes(label: str, **more: Any) -> SelectMultipleField:
    return SelectMultipleField(
        label,
        [Optional()],
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        **more,
    )


class _Dated(Form):
    """Something with a first and a last day, named in both languages."""

    name_ko = _line(_l("Name in Korean"), 200)
    name_en = _line(_l("Name in English"), 200)
    starts_on = DateField(_l("First day"), [_NEEDED])
    ends_on = DateField(_l("Last day"), [_NEEDED])

    def validate_starts_on(self, field: Field) -> None:
        _near(field)

    def validate_ends_on(self, field: Field) -> None:
        _near(field)


def _near(field: Field) -> None:
    if field.data and not 2000 <= field.data.year < 2200:
        raise ValidationError(gettext("Choose a date nearer to today."))


class ProjectForm(_Dated):
    """A joint project."""

    institution = SelectField(_l("Leading institution"), [InputRequired(_l("Choose one."))])
    institutions = _checkboxes(
        _l("Other participating institutions"),
        description=_l("People who belong to them can be let into the project."),
    )

    def offer(self, own: Sequence[Institution], others: Sequence[Institution]) -> None:
        self.institution.choices = [SelectChoice(each.slug, localized(each)) for each in own]
        self.institutions.choices = [SelectChoice(each.slug, localized(each)) for each in others]

    def fill_in(self, project: Project) -> None:
        for name in ("name_ko", "name_en", "starts_on", "ends_on"):
            self[name].data = getattr(project, name)
        self.institutions.data = [each.slug for each in project.institutions]


class AccountForm(_Dated):
    """A funding account."""

    institution = SelectField(_l("Institution"), [InputRequired(_l("Choose one."))])
    number = _line(_l("Project number"), 64, description=_l("Such as RS-2026-00012."))
    funder = _line(_l("Funder"), 200, optional=True)
    budget = _line(
        _l("Budget, won"), 40, optional=True, description=_l("Empty: no limit is known.")
    )
    modes = _checkboxes(_l("Pays only for"), description=_l("None chosen: for all."))
    project = SelectField(_l("Joint project"), [Optional()])

    def offer(self, own: Sequence[Institution], projects: Sequence[Project]) -> None:
        self.institution.choices = [SelectChoice(each.slug, localized(each)) for each in own]
        self.modes.choices = [SelectChoice(mode.value, said) for mode, said in _MODES.items()]
        self.project.choices = [
            SelectChoice("", gettext("None")),
            *(SelectChoice(each.uid, localized(each)) for each in projects),
        ]

    def fill_in(self, account: FundingAccount) -> None:
        for name in ("name_ko", "name_en", "starts_on", "ends_on", "funder"):
            self[name].data = getattr(account, name)
        self.budget.data = "" if account.budget is None else f"{account.budget:,}"
        self.modes.data = account.modes
        self.project.data = account.project.uid if account.project else ""

    def validate_budget(self, field: Field) -> None:
        if not re.fullmatch(r"[0-9]{1,30}", _digits(field.data), re.ASCII):
            raise ValidationError(gettext("Write a whole number of won, such as 50,000,000."))

    @property
    def won(self) -> int | None:
        """The budget as typed, once it is valid."""
        return int(_digits(self.budget.data)) if self.budget.data else None


def _digits(text: str | None) -> str:
    """Without marks between thousands and the word for won."""
    return re.sub(r"[,\s원₩]", "", text or "")


class EmailForm(Form):
    """Somebody to be let in."""

    email = _line(_l("E-mail address"), 254)


class ReasonForm(Form):
    """Why somebody is taken out."""

    reason = _line(_l("Reason"), 500, optional=True)


def shares_in(typed: Mapping[str, str]) -> Shares:
    """The shares as a page sends them: `percent-<number>` for each account, `remainder_to`.

    Raises `Invalid` with all that is wrong; accounts without a percentage pay nothing.
    """
    given = {
        name.removeprefix("percent-"): text.strip()
        for name, text in typed.items()
        if name.startswith("percent-") and text.strip() not in ("", "0")
    }
    return read_shares(given, typed.get("remainder_to") or next(iter(given), ""))


def read_shares(given: Mapping[str, str], remainder_to: str) -> Shares:
    """Shares from percentages as typed, by project number; raises `Invalid`."""
    if not given:
        raise _wrong(
            "적어도 한 계정에 비율을 적어 주세요.", "Give at least one account a percentage."
        )
    if len(given) > MOST_SHARES:
        raise _wrong(
            f"계정은 {MOST_SHARES}개까지 나눌 수 있습니다.",
            f"A cost is split over at most {MOST_SHARES} accounts.",
        )
    shares = []
    for number, text in given.items():
        shown = text[:20]
        try:
            shares.append(Share(number, parse_percent(text)))
        except ValueError:
            raise _wrong(
                f"{number}: “{shown}”은(는) 0보다 크고 100 이하인 비율이 아닙니다. 60이나 33.3333"
                "처럼 적어 주세요.",
                f"{number}: “{shown}” is no percentage above 0 and up to 100. Write it like 60 "
                "or 33.3333.",
            ) from None
    total = sum((each.percent for each in shares), WHOLE - WHOLE)
    if total != WHOLE:
        said = show_percent(total)
        raise _wrong(
            f"비율의 합이 100%가 아니라 {said}%입니다. 합이 꼭 100이 되게 고쳐 주세요.",
            f"The shares add up to {said} %, not to 100 %. Make them exactly 100.",
        )
    if remainder_to not in given:
        raise _wrong(
            "나머지 원을 낼 계정을 분담하는 계정 가운데서 고르세요.",
            "Choose which of the paying accounts takes the odd won.",
        )
    return Shares(tuple(shares), remainder_to)


def _wrong(ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {"shares": text})
