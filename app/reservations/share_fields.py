"""Fields for what each funding account pays, beside those that every form has."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from flask_babel import gettext
from wtforms import Field, StringField, ValidationError
from wtforms.validators import Optional

from app.domain.shares import Share, parse_percent, show_percent
from app.projects.models import FundingAccount
from app.web.pages import localized

#: Before the number of an account.
SHARE = "share_"
_NOTHING = frozenset({"", "0", "0%"})


def share_fields(
    accounts: Sequence[FundingAccount], others: Iterable[Share] = ()
) -> dict[str, Any]:
    """Name and field of each account that may pay, and of those that already do."""
    labels = {share.account: share.account for share in others}
    labels |= {each.number: f"{each.number} · {localized(each)}" for each in accounts}
    return {
        SHARE + number: StringField(
            label,
            [Optional(), _percentage],
            render_kw={"inputmode": "decimal", "maxlength": 10, "autocomplete": "off"},
        )
        for number, label in labels.items()
    }


def _percentage(_: Any, field: Field) -> None:
    typed = (field.data or "").strip()
    try:
        if typed not in _NOTHING:
            Share("", parse_percent(typed))
    except ValueError:
        raise ValidationError(
            gettext("Write a percentage above 0 and up to 100, such as 60 or 33.3333.")
        ) from None


def share_fields_of(form: Iterable[Field]) -> list[Field]:
    return [field for field in form if field.name.startswith(SHARE)]


def shares_in(form: Iterable[Field]) -> tuple[Share, ...]:
    """What was typed and is valid; accounts left empty pay nothing."""
    return tuple(
        Share(field.name.removeprefix(SHARE), parse_percent(field.data))
        for field in share_fields_of(form)
        if not field.errors and (field.data or "").strip() not in _NOTHING
    )


def fill_in_shares(form: Iterable[Field], shares: Iterable[Share]) -> None:
    """Show who pays how much, as far as the form has their accounts."""
    percents: Mapping[str, str] = {each.account: show_percent(each.percent) for each in shares}
    for field in share_fields_of(form):
        field.data = percents.get(field.name.removeprefix(SHARE), "")
