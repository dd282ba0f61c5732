"""What is typed on pages of billing."""

import re
from datetime import date

from flask_babel import lazy_gettext as _l
from wtforms import BooleanField, DateField, HiddenField, RadioField, StringField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length, Optional

from app.accounts.forms import Form, line
from app.billing.disputes import Answer
from app.billing.payments import Paid
from app.catalog.form_fields import WonField
from app.domain.errors import Invalid, Text

_REASON = [
    InputRequired(_l("Say why.")),
    Length(max=500, message=_l("At most 500 characters, please.")),
]


class CloseForm(Form):
    """Whether it is meant."""

    sure = BooleanField(
        _l("I have looked at what is open. What is posted is never changed, only corrected later."),
        [InputRequired(_l("Please confirm that you want to close the month."))],
    )


class DecisionForm(Form):
    """Waive what a reservation costs, or set it."""

    what = RadioField(
        _l("What shall it cost?"),
        [InputRequired(_l("Choose one."))],
        choices=[
            SelectChoice("waive", _l("Nothing: it is waived")),
            SelectChoice("set", _l("Another amount")),
        ],
    )
    net = WonField(
        _l("Net amount in won"), description=_l("Only for another amount; VAT is added.")
    )
    reason = StringField(
        _l("Reason"), _REASON, filters=[line], description=_l("The holder is told this.")
    )

    def offer_rules(self) -> None:
        """Where something was decided, the rules may count again."""
        rules = SelectChoice("rules", _l("What the rules say, again"))
        self.what.choices = [*self.what.choices, rules]

    def to_net(self) -> int | None:
        """The net amount, none for what the rules say. Raises `Invalid`."""
        if self.what.data != "set":
            return 0 if self.what.data == "waive" else None
        return _won(self.net)


class PaymentForm(Form):
    """What came in of a statement."""

    #: Which payment it is: what is sent twice is entered once.
    number = HiddenField()
    amount = WonField(
        _l("Amount in won"),
        [InputRequired(_l("Fill this in."))],
        description=_l("Below zero takes a payment back."),
    )
    paid_on = DateField(_l("Received on"), [InputRequired(_l("Fill this in."))])
    note = StringField(
        _l("Note"),
        [Optional(), Length(max=200, message=_l("This is too long."))],
        filters=[line],
        description=_l("Such as the reference of the transfer."),
    )

    def begin(self, number: int, left: int, day: date) -> None:
        """All that is left, today."""
        self.number.data, self.paid_on.data = str(number), day
        self.amount.data = str(left) if left else ""

    def to_paid(self) -> tuple[Paid, int]:
        """The payment, and which it is. Raises `Invalid`."""
        paid = Paid(_won(self.amount), self.paid_on.data, self.note.data or "")
        number = self.number.data or ""
        return paid, int(number) if re.fullmatch(r"[0-9]{1,9}", number, re.ASCII) else 0


class DisputeForm(Form):
    """What a payer objects to."""

    reason = StringField(
        _l("What is wrong with it?"),
        _REASON,
        filters=[line],
        description=_l("Who manages the instrument is told, and answers."),
    )


class AnswerForm(Form):
    """Whether the payer is right, and what it costs then."""

    what = RadioField(
        _l("Your answer"),
        [InputRequired(_l("Choose one."))],
        choices=[
            SelectChoice("decline", _l("It stays as it is")),
            SelectChoice("waive", _l("They are right: it is waived")),
            SelectChoice("set", _l("They are right: another amount")),
        ],
    )
    net = WonField(
        _l("Net amount in won"), description=_l("Only for another amount; VAT is added.")
    )
    reason = StringField(
        _l("Reason"), _REASON, filters=[line], description=_l("The payer is told this.")
    )

    def to_answer(self) -> Answer:
        """Raises `Invalid`."""
        if self.what.data == "decline":
            return Answer(self.reason.data)
        net = 0 if self.what.data == "waive" else _won(self.net)
        return Answer(self.reason.data, net)


def _won(field: WonField) -> int:
    said = field.said()
    if not isinstance(said, int):
        wrong = Text("금액을 숫자로 적어 주세요.", "Write the amount in figures.")
        raise Invalid(wrong, {field.short_name: wrong})
    return said
