"""What people type to ask for an analysis, and what its manager types to place it."""

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _l
from wtforms import (
    DateField,
    DecimalField,
    HiddenField,
    IntegerField,
    SelectChoice,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import zone_of
from app.projects.models import FundingAccount, ResearchGroup
from app.reservations.answer_fields import answers_of, asking, fill_in_answers
from app.reservations.commission_models import Commission
from app.reservations.commissions import Order
from app.reservations.forms import Asked, Times, override_field, seen_version, shown_text
from app.reservations.paying import shares_from
from app.reservations.placing import Placement
from app.reservations.share_fields import fill_in_shares, share_fields, shares_in
from app.web.pages import localized

_HOUR = timedelta(hours=1)
_LONGEST = 366 * 24
_SHORT = Length(max=254, message=_l("At most 254 characters, please."))


class OrderForm(Asked):
    """An analysis that the facility's staff is to do, without a time."""

    purpose = StringField(
        _l("Purpose"),
        [
            DataRequired(_l("Say in a few words what is to be analysed.")),
            Length(max=300, message=_l("At most 300 characters, please.")),
        ],
        filters=[shown_text],
        description=_l("Seen by you and the facility's managers, by nobody else."),
    )
    samples = IntegerField(
        _l("Samples"),
        [
            InputRequired(_l("Say how many samples there are.")),
            NumberRange(1, 100_000, _l("A number from 1 to 100,000.")),
        ],
    )
    wished_by = DateField(
        _l("Wished by"),
        [Optional()],
        description=_l("The day by which it would best be done."),
    )
    earliest_on = DateField(
        _l("Not before"),
        [Optional()],
        description=_l("The day from which on your samples are there."),
    )
    duration = DecimalField(
        _l("Estimated hours at the instrument"),
        [Optional(), NumberRange(Decimal("0.1"), _LONGEST, _l("Hours, such as 4 or 1.5."))],
        description=_l("As far as you know; the manager decides."),
    )
    note = TextAreaField(
        _l("Note to the facility"),
        [Optional(), Length(max=2000, message=_l("At most 2,000 characters, please."))],
        filters=[shown_text],
        description=_l("What they have to know of the samples: how they come, how to keep them."),
    )
    holder = StringField(
        _l("For whom?"),
        [Optional(), _SHORT],
        filters=[shown_text],
        description=_l(
            "An e-mail address; empty: for you. The rules are those for that person, who is told "
            "by mail."
        ),
    )
    group = SelectField(
        _l("Ask for it for"),
        coerce=int,
        description=_l("The research group that the analysis counts for."),
    )
    version = HiddenField()

    def __init__(
        self,
        instrument: Instrument,
        groups: Sequence[ResearchGroup] = (),
        *args: Any,
        **kwargs: Any,
    ) -> None:
        self.instrument = instrument
        super().__init__(*args, **kwargs)
        self.group.choices = [SelectChoice(each.id, localized(each)) for each in groups]
        if len(groups) < 2:
            del self.group

    @classmethod
    def of(
        cls,
        instrument: Instrument,
        along: Sequence[Instrument],
        groups: Sequence[ResearchGroup],
        accounts: Sequence[FundingAccount],
    ) -> "OrderForm":
        """The form with what the instrument and what it needs ask besides."""
        whole = asking(cls, instrument, share_fields(accounts), along)
        form: OrderForm = whole(instrument, groups)
        return form

    @classmethod
    def of_commission(
        cls,
        found: Commission,
        along: Sequence[Instrument],
        accounts: Sequence[FundingAccount] | None,
    ) -> "OrderForm":
        """As it was asked for, or as it was sent; `accounts` None: who pays is not theirs to say.

        For whom it is, and for which group, stays.
        """
        shares = shares_from(found.shares)
        also = {} if accounts is None else share_fields(accounts, shares)
        form: OrderForm = asking(cls, found.instrument, also, along)(found.instrument)
        del form.holder
        if not form.is_submitted():
            for name in ("purpose", "samples", "wished_by", "earliest_on", "note", "version"):
                form[name].data = getattr(found, name)
            if found.duration:
                form.duration.data = Decimal(found.duration // timedelta(minutes=6)) / 10
            fill_in_answers(form, found)
            fill_in_shares(form, shares)
        return form

    @property
    def seen(self) -> int | None:
        """The version that the person had before them."""
        return seen_version(str(self.version.data or ""))

    @property
    def length(self) -> timedelta | None:
        """The estimate as typed, as far as it makes sense."""
        hours = None if self.duration.errors else self.duration.data
        return None if hours is None else timedelta(minutes=int(hours * 60))

    def said(self) -> dict[str, Any]:
        """What may be said again while it waits; the fields of an `Order`."""
        return {
            "purpose": self.purpose.data,
            "samples": self.samples.data,
            "wished_by": self.wished_by.data,
            "earliest_on": self.earliest_on.data,
            "duration": self.length,
            "note": self.note.data or "",
            "answers": answers_of(self._fields, shown_text),
            **({"shares": shares_in(self)} if self.paying else {}),
        }

    def to_order(self) -> Order:
        for_other = self.holder.data or ""
        group = self.group.data if self.group and not for_other else None
        return Order(instrument=self.instrument.slug, holder=for_other, group=group, **self.said())


class PlaceForm(Times):
    """When it is done and by whom."""

    operator = SelectField(_l("Who attends it?"), validate_choice=False)
    override = override_field()
    version = HiddenField()

    @classmethod
    def of(cls, found: Commission, operators: Sequence[User]) -> "PlaceForm":
        """`operators`: who could attend it; none if nobody has to."""
        form = cls(zone_of(found.instrument))
        form.operator.choices = [
            SelectChoice("", _l("Whose turn it is")),
            *(SelectChoice(each.email, each.name) for each in operators),
        ]
        if not operators:
            del form.operator
        if not form.is_submitted():
            form.version.data = str(found.version)
        return form

    @property
    def seen(self) -> int | None:
        """The version that the manager had before them."""
        return seen_version(str(self.version.data or ""))

    def to_placement(self) -> Placement:
        chosen = shown_text(self.operator.data)[:254] if self.operator else ""
        return Placement(self.interval, chosen, self.override.data or "")
