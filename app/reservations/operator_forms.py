"""What managers say of operators."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import DateField, EmailField, SelectMultipleField
from wtforms.fields import SelectChoice
from wtforms.validators import InputRequired, Length
from wtforms.widgets import CheckboxInput, ListWidget

from app.accounts.forms import Form, line
from app.catalog.form_fields import HoursField
from app.catalog.models import Instrument
from app.reservations.operator_models import Operator
from app.reservations.operators import Named
from app.web.pages import localized

_NEEDED = InputRequired(_l("Fill this in."))


class AwayForm(Form):
    """Days on which an operator is away."""

    first_day = DateField(_l("First day"), [_NEEDED])
    last_day = DateField(_l("Last day"), [_NEEDED])


class OperatorForm(Form):
    """Whom a facility names, for which instruments, at which hours."""

    email = EmailField(
        _l("E-mail address of their account"),
        [_NEEDED, Length(max=254, message=_l("This is too long."))],
        filters=[line],
    )
    hours = HoursField(
        _l("Working hours"),
        [_NEEDED],
        description=_l("One run of days a line, such as “mon-fri 09:00-18:00”."),
        render_kw={"rows": 3},
    )
    instruments = SelectMultipleField(
        _l("Instruments"),
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def __init__(
        self,
        instruments: Iterable[Instrument],
        operator: Operator | None = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.instruments.choices = [
            SelectChoice(each.slug, localized(each)) for each in instruments
        ]
        if operator is not None:
            del self.email
            if not self.is_submitted():
                self.hours.data = self.hours.data_of(operator.hours)
                self.instruments.data = [each.slug for each in operator.instruments]

    def to_named(self) -> Named:
        said = self.hours.said()
        # What cannot be read stays text, which no use case takes for hours.
        hours = said if isinstance(said, dict) else {str(said): []}
        return Named(hours, tuple(self.instruments.data or ()))
