"""What people type about research groups."""

from flask_babel import lazy_gettext as _l
from wtforms import DateField, EmailField, SelectField, StringField
from wtforms.validators import InputRequired, Length, Optional

from app.accounts.forms import Form, line

_NEEDED = InputRequired(_l("Fill this in."))
_TOO_LONG = _l("This is too long.")


class GroupForm(Form):
    """A research group."""

    institution = SelectField(_l("Institution"), [InputRequired(_l("Choose one."))])
    name_ko = StringField(
        _l("Name in Korean"), [_NEEDED, Length(max=200, message=_TOO_LONG)], filters=[line]
    )
    name_en = StringField(
        _l("Name in English"), [_NEEDED, Length(max=200, message=_TOO_LONG)], filters=[line]
    )
    leader = EmailField(
        _l("E-mail address of the PI"),
        [Optional(), Length(max=254, message=_TOO_LONG)],
        filters=[line],
        description=_l("The principal investigator leads the group. Empty: you do."),
    )


class InviteForm(Form):
    """Somebody to be invited."""

    email = EmailField(
        _l("E-mail address"),
        [_NEEDED, Length(max=254, message=_TOO_LONG)],
        filters=[line],
        description=_l(
            "Whoever has the account with this address gets a mail and sees the invitation."
        ),
    )


class WhyForm(Form):
    """Why somebody is not let in, or is taken out."""

    reason = StringField(
        _l("Reason"), [Optional(), Length(max=500, message=_TOO_LONG)], filters=[line]
    )


class LastDayForm(Form):
    """The last day of a membership; none while it goes on."""

    last_day = DateField(_l("Last day"), [Optional()])
