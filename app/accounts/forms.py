"""What people type about themselves and about those whom they administer."""

import unicodedata
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, SelectField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from app.accounts.models import ApprovalMails
from app.domain.errors import Invalid
from app.web import pages

LANGUAGES = [SelectChoice("ko", "한국어"), SelectChoice("en", "English")]
_REQUIRED = InputRequired(message=_l("Fill this in."))
_CHOSEN = InputRequired(message=_l("Choose one."))


def line(text: str | None) -> str:
    """One line of text: NFC, control characters out, no white space around."""
    composed = unicodedata.normalize("NFC", text or "")
    return "".join(
        letter if unicodedata.category(letter) != "Cc" else " " for letter in composed
    ).strip()


def _text(label: str, *, longest: int, required: bool = True, **more: Any) -> StringField:
    presence = _REQUIRED if required else Optional()
    return StringField(
        label,
        [presence, Length(max=longest, message=_l("This is too long."))],
        filters=[line],
        **more,
    )


class Form(FlaskForm):
    """A form that can show what a use case found wrong."""

    def show(self, wrong: Invalid) -> None:
        """Put each reason at its field, the rest at the top."""
        language = pages.locale_word()
        for name, reason in wrong.fields.items():
            text = reason.in_(language)
            if name in self:
                self[name].errors = [*self[name].errors, text]
            else:
                self.form_errors.append(text)
        if not wrong.fields:
            self.form_errors.append(wrong.text.in_(language))


class ProfileForm(Form):
    """How a person is called and shown things."""

    name = _text(_l("Name"), longest=200, render_kw={"autocomplete": "name"})
    language = SelectField(_l("Language of pages and mails"), choices=LANGUAGES)
    approval_mails = SelectField(
        _l("Mails about requests that wait for my decision"),
        choices=[
            SelectChoice(ApprovalMails.AT_ONCE.value, _l("A mail for each, at once")),
            SelectChoice(ApprovalMails.DAILY.value, _l("One mail a day, at eight in the morning")),
        ],
    )


class TokenForm(Form):
    """A new API token."""

    name = _text(
        _l("What is it for?"), longest=100, description=_l("Such as “laboratory computer”.")
    )
    expires_on = DateField(_l("Last day"), [Optional()], description=_l("None: until revoked."))


class AbsenceForm(Form):
    """When one is away, and who decides meanwhile."""

    first_day = DateField(_l("First day"), [_REQUIRED])
    last_day = DateField(_l("Last day"), [_REQUIRED])
    deputy = EmailField(
        _l("Deputy's e-mail address"),
        [_REQUIRED, Length(max=254, message=_l("This is too long."))],
        filters=[line],
        description=_l("Decides on requests in your place on these days, and is told by mail."),
    )


class PersonForm(Form):
    """A person to be added."""

    email = EmailField(
        _l("E-mail address"),
        [_REQUIRED, Length(max=254, message=_l("This is too long."))],
        filters=[line],
    )
    name = _text(_l("Name"), longest=200)
    language = SelectField(_l("Language of pages and mails"), choices=LANGUAGES)
    institution = SelectField(_l("Institution"), [_CHOSEN])
    department = _text(_l("Department"), longest=200, required=False)
    position = _text(_l("Position"), longest=100, required=False)


class AffiliationForm(Form):
    """An institution to which a person belongs from now on."""

    institution = SelectField(_l("Institution"), [_CHOSEN])
    department = _text(_l("Department"), longest=200, required=False)
    position = _text(_l("Position"), longest=100, required=False)


class EndForm(Form):
    """The last day of an affiliation; none while it goes on."""

    last_day = DateField(_l("Last day"), [Optional()])


class RoleForm(Form):
    """A role, and what it is for: `facility:slug`, `institution:slug`, or nothing: the site."""

    role = SelectField(_l("Role"), [_CHOSEN])
    of = SelectField(
        _l("For"),
        description=_l(
            "A facility manager needs a facility, an institution administrator an institution; "
            "every other role is for the whole site."
        ),
    )


class SuspensionForm(Form):
    """Why somebody may not reserve, and until when."""

    reason = _text(_l("Reason"), longest=500, description=_l("The person is told this by mail."))
    ends_on = DateField(_l("Last day"), [Optional()], description=_l("None: until it is lifted."))


class AssistantForm(Form):
    """Somebody who may reserve in one's name."""

    email = EmailField(
        _l("E-mail address"),
        [_REQUIRED, Length(max=254, message=_l("This is too long."))],
        filters=[line],
    )


class LiftForm(Form):
    """Why a suspension ends before its time."""

    reason = _text(_l("Why is it lifted?"), longest=500)


class ButtonForm(Form):
    """A button: nothing but the form token."""
