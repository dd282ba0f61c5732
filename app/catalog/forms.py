"""Forms for facility managers: typed text ↔ what a contributed file would say.

The fields are named after their place in the file (`booking_longest`), so that one set of rules,
those of the files, judges both and its complaints find their field.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.widgets import CheckboxInput, ListWidget

from app.catalog.form_fields import (
    CancelFeesField,
    ClockField,
    DocumentsField,
    DurationField,
    HoursField,
    LinesField,
    NoShowLimitField,
    PeriodField,
    PermitsField,
    QuestionsField,
    QuotasField,
    StagesField,
    WonField,
    YesNoField,
)
from app.catalog.models import Instrument, Technique
from app.catalog.vocabulary import (
    CLASSIFICATIONS,
    KINDS,
    PRICE_UNITS,
    PURPOSES,
    USE_SCOPES,
    USE_STATES,
)
from app.domain.errors import Text
from app.domain.training import SAFETY_NAMES
from app.web.pages import localized

_LONG = MappingProxyType({"rows": 4})
_SHORT = MappingProxyType({"rows": 2})


def _choices(words: Mapping[str, tuple[str, str]], nothing: Any = None) -> list[tuple[str, Any]]:
    first = [("", nothing)] if nothing is not None else []
    return [*first, *((word, localized(names)) for word, names in words.items())]


def _checkboxes(label: Any) -> SelectMultipleField:
    """Several of a few words."""
    return SelectMultipleField(
        label, widget=ListWidget(prefix_label=False), option_widget=CheckboxInput()
    )


class _EntryForm(FlaskForm):
    """What facilities and instruments share."""

    version = HiddenField()
    name_ko = StringField(_l("Name in Korean"))
    name_en = StringField(_l("Name in English"))
    location_ko = StringField(_l("Location in Korean"))
    location_en = StringField(_l("Location in English"))
    contact_email = StringField(_l("Contact e-mail"))
    contact_phone = StringField(_l("Contact telephone"))
    website = StringField(_l("Web page"))
    opening_hours = HoursField(
        _l("Opening hours"),
        description=_l("One line for each run of days, such as “mon-fri 09:00-18:00”."),
        render_kw={"rows": 5},
    )
    booking_slot = DurationField(_l("Slot"), description=_l("Such as 30 min"))
    booking_shortest = DurationField(_l("Shortest reservation"))
    booking_longest = DurationField(_l("Longest reservation"), description=_l("Such as 8 h"))
    booking_earliest = DurationField(
        _l("How far ahead one may reserve"), description=_l("Such as 30 days")
    )
    booking_latest = DurationField(_l("Notice needed before the start"))
    booking_free_cancel = DurationField(_l("Free cancellation until before the start"))
    booking_approval = SelectField(_l("Approval"))
    booking_approval_stages = StagesField(
        _l("Who approves, one after the other"),
        description=_l(
            "One a line: “pi” (who leads the holder's research group), “facility_manager”, "
            "“institution” (an administrator of the holder's institution). Behind “|” for whom, "
            "if not everyone: “outsiders”, “companies”; and “every”, if all of them have to agree."
        ),
        render_kw=_SHORT,
    )
    booking_reapproval = SelectField(_l("A change is approved anew"))
    booking_approval_deadline = DurationField(
        _l("A request may wait for"),
        description=_l("Such as 2 days, never after its start; none: until it begins."),
    )
    booking_approval_overdue = SelectField(_l("If nobody has decided by then"))
    booking_modes = _checkboxes(_l("Modes of use"))
    booking_check_in = SelectField(_l("Check-in"))
    booking_check_in_at = SelectField(_l("Where one checks in"))
    booking_check_in_early = DurationField(
        _l("Check-in possible before the start"), description=_l("Such as 10 min")
    )
    booking_no_show_after = DurationField(
        _l("No-show after the start"),
        description=_l("Where checking in is required; the time is then free for others."),
    )
    booking_check_out_after = DurationField(
        _l("Forgotten use closed after its end"), description=_l("Such as 30 min")
    )
    booking_offer_hold = DurationField(_l("Freed time is held for who waits"))
    booking_setup = DurationField(_l("Setting up before each reservation"))
    booking_cleanup = DurationField(_l("Cleaning up behind each reservation"))
    booking_gap = DurationField(
        _l("Gap between two reservations of a person"),
        description=_l("Unless one follows the other at once."),
    )
    booking_same_day = ClockField(
        _l("Booked for the running day only, from"),
        description=_l("Such as 09:00; empty: other days too."),
    )
    booking_fixed_slots = HoursField(
        _l("Fixed slots"),
        description=_l("It is given out in these parts only: “daily 09:00-13:00, 13:00-18:00”."),
        render_kw={"rows": 3},
    )
    booking_quotas = QuotasField(
        _l("Quotas"),
        description=_l(
            "One a line: “person | week | 8 h”, “group | week | 20 h”, "
            "“institution | month | 40 h”, “person | ahead | 3”, "
            "“person | day | 2 h | peak”; “none”: no quotas."
        ),
        render_kw={"rows": 3},
    )
    booking_peak = HoursField(
        _l("Peak hours"),
        description=_l("For quotas of the peak: “mon-fri 09:00-18:00”."),
        render_kw={"rows": 2},
    )
    booking_owner_share = WonField(
        _l("Kept for its owner, percent of each week"),
    )
    booking_owner = SelectField(_l("The owner is"))
    booking_two_places = SelectField(_l("If a person has another instrument at that time"))
    booking_operator = SelectField(
        _l("Operator"),
        description=_l(
            "For operator-assisted use and commissioned analysis. Operators and their hours are "
            "kept at “Operators” of the facility."
        ),
    )
    booking_refuse_overdue_after = WonField(
        _l("Institutions that have not paid are refused after, days"),
        description=_l("Counted from the day since which it is overdue. Empty: they are not."),
    )
    booking_contract = SelectField(
        _l("Contract of use"),
        description=_l(
            "Signed by the institution before its people may reserve; kept at “Contracts of use”."
        ),
    )
    booking_account = SelectField(
        _l("Funding accounts"),
        description=_l("Whether a reservation says which accounts pay for it, and how much."),
    )
    booking_permits = PermitsField(
        _l("Permits asked for"),
        description=_l("One a line: irb, iacuc, lmo, biosafety, contract; “lmo optional”."),
        render_kw={"rows": 2},
    )
    booking_questions = QuestionsField(
        _l("Questions asked at booking"),
        description=_l(
            "One a line: key | Korean | English | text, number, file, or choices with “;” between "
            "them. A “*” behind the key: it must be answered."
        ),
        render_kw={"rows": 3},
    )
    booking_certificate = SelectField(_l("Certificate"))
    booking_certificate_validity = PeriodField(
        _l("A new certificate holds for"), description=_l("Such as 2 years, or none for no end")
    )
    booking_certificate_unused = PeriodField(
        _l("A certificate is lost after so long without use"),
        description=_l("Such as 2 years, or none for never"),
    )
    booking_assisted_hours = HoursField(_l("Hours of the level “assisted use”"), render_kw=_SHORT)
    booking_daytime_hours = HoursField(
        _l("Hours of the level “daytime use”, beside those"), render_kw=_SHORT
    )
    booking_night_hours = HoursField(
        _l("Hours of the level “night use”, beside those"), render_kw=_SHORT
    )
    booking_safety_training = _checkboxes(_l("Safety training"))
    booking_safety_validity = PeriodField(
        _l("A safety training may lie back so long"),
        description=_l("Such as 1 year, or none for as long as recorded"),
    )
    booking_charge_by = SelectField(
        _l("Time that is charged"),
        description=_l("What was not checked in and out is charged as it was reserved."),
    )
    booking_credit_early = YesNoField(
        _l("Time released early is given back"),
        default="",
        description=_l("Where time is charged as it was reserved."),
    )
    booking_charge_around = YesNoField(
        _l("Setting up and cleaning up is charged"),
        default="",
        description=_l("As part of each use, by the times set for it."),
    )
    booking_cancel_fees = CancelFeesField(
        _l("Late cancellation"),
        description=_l(
            "One a line: “24 h | 50” for half of the quote within 24 hours of the start; “none”."
        ),
        render_kw=_SHORT,
    )
    booking_no_show_fee = WonField(_l("Fee of a no-show, in percent of the quote"))
    booking_fault_stops = YesNoField(
        _l("If somebody reports it as out of order"),
        default="",
        description=_l("Nobody can reserve it until a manager decides, if it is closed at once."),
    )
    booking_illustrative = BooleanField(_l("Hours and rules are examples"))
    note_ko = TextAreaField(_l("Note in Korean"), render_kw=_LONG)
    note_en = TextAreaField(_l("Note in English"), render_kw=_LONG)
    sources = LinesField(_l("Sources"), description=_l("One a line: a web address or a reference."))
    illustrative = BooleanField(_l("This entry is an invented example"))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.booking_approval.choices = [
            ("", _l("Not set here")),
            ("open", _l("Nobody has to approve")),
            ("each", _l("A manager approves each reservation")),
            ("once", _l("A manager approves a person once")),
        ]
        self.booking_reapproval.choices = [
            ("", _l("Not set here")),
            ("if_it_matters", _l("If time, answers or cost change")),
            ("always", _l("Always")),
            ("never", _l("Never")),
        ]
        self.booking_approval_overdue.choices = [
            ("", _l("Not set here")),
            ("release", _l("It is turned down and its time is free")),
            ("escalate", _l("Those above are asked")),
        ]
        self.booking_check_in.choices = [
            ("", _l("As the facility, or nobody checks in")),
            ("off", _l("Nobody checks in")),
            ("asked", _l("People may check in and out")),
            ("required", _l("Who does not check in is a no-show")),
        ]
        self.booking_check_in_at.choices = [
            ("", _l("As the facility, or anywhere")),
            ("anywhere", _l("Anywhere, by page or app")),
            ("instrument", _l("Only with the code shown at the instrument")),
        ]
        self.booking_owner.choices = [
            ("", _l("As the facility, or its institution")),
            ("institution", _l("Its institution")),
            ("department", _l("Its department")),
        ]
        self.booking_two_places.choices = [
            ("", _l("As the facility, or a warning")),
            ("allow", _l("Nothing")),
            ("warn", _l("They are warned")),
            ("refuse", _l("It is refused")),
        ]
        self.booking_operator.choices = [
            ("", _l("As the facility, or Dure assigns none")),
            ("off", _l("Dure assigns none")),
            ("asked", _l("One is assigned if one is free")),
            ("required", _l("It is refused while no operator is free")),
        ]
        self.booking_contract.choices = [
            ("", _l("As the facility, or nobody needs one")),
            ("off", _l("Nobody needs one")),
            ("companies", _l("People of companies need one")),
            ("outside", _l("People of all other institutions need one")),
        ]
        self.booking_account.choices = [
            ("", _l("As the facility, or not asked")),
            ("off", _l("Not asked")),
            ("asked", _l("Asked, may be left empty")),
            ("required", _l("Required")),
        ]
        self.booking_charge_by.choices = [
            ("", _l("As the facility, or as used")),
            ("reserved", _l("As reserved")),
            ("used", _l("As used")),
            ("longer", _l("The longer of the two")),
        ]
        for yes_no in (self.booking_credit_early, self.booking_charge_around):
            yes_no.choices = [
                ("", _l("As the facility, or no")),
                ("no", _l("No")),
                ("yes", _l("Yes")),
            ]
        self.booking_fault_stops.choices = [
            ("", _l("As the facility, or only the managers are told")),
            ("no", _l("Only the managers are told")),
            ("yes", _l("It is closed at once")),
        ]
        self.booking_modes.choices = [
            ("self_operated", _l("Self-operated use")),
            ("operator_assisted", _l("Operator-assisted use")),
            ("commissioned", _l("Commissioned analysis")),
        ]
        self.booking_certificate.choices = [
            ("", _l("Not set here")),
            ("none", _l("Not needed")),
            ("required", _l("Only people with a certificate may work it themselves")),
        ]
        self.booking_safety_training.choices = [
            ("none", _l("None is needed")),
            *((kind.value, localized(name)) for kind, name in SAFETY_NAMES.items()),
        ]

    def place_of(self, name: str) -> tuple[str, ...]:
        """Where in a file the value of a field stands."""
        for group in ("booking", "contact", "acquisition", "prices"):
            rest = name.removeprefix(f"{group}_")
            if rest != name and name != "booking_illustrative":
                return (group, *self.place_of(rest)) if group == "prices" else (group, rest)
        if name.endswith(("_ko", "_en")):
            return (name[:-3], name[-2:])
        return (name,)

    def values(self) -> Iterable[tuple[tuple[str, ...], Any]]:
        """Every field but the form's own, with its place in the file."""
        for field in self:
            if field.name not in ("version", "csrf_token"):
                yield self.place_of(field.name), field

    def show(self, said: Mapping[str, Any], version: str) -> None:
        """Fill the form with what a file would say."""
        self.version.data = version
        for place, field in self.values():
            value: Any = said
            for step in place:
                value = value.get(step) if isinstance(value, Mapping) else None
            field.data = field.data_of(value) if hasattr(field, "data_of") else value
            if isinstance(field, SelectMultipleField):
                field.data = value or []

    def said(self) -> dict[str, Any]:
        """What a file would say; a group or field that is empty stands there as None."""
        said: dict[str, Any] = {}
        for place, field in self.values():
            value = field.said() if hasattr(field, "said") else field.data
            if isinstance(value, str):
                value = value.strip().replace("\r\n", "\n")
            _put(said, place, value)
        return said

    def refuse(self, fields: Mapping[str, Text]) -> None:
        """Show complaints at their fields; one without a field of its own above the form."""
        for name, text in fields.items():
            words = localized(text)
            # A text in two languages is one field of a file and two of the form.
            field = self._fields.get(name) or self._fields.get(f"{name}_ko")
            if field is None:
                self.form_errors.append(f"{name}: {words}")
            else:
                field.errors = [*field.errors, words]


def _put(said: dict[str, Any], place: tuple[str, ...], value: Any) -> None:
    first, *rest = place
    if not rest:
        said[first] = value
        return
    inside = said.get(first)
    said.setdefault(first, None)
    if value in (None, "", [], {}):
        return
    if inside is None:
        inside = said[first] = {}
    _put(inside, tuple(rest), value)


class FacilityForm(_EntryForm):
    """A facility as its managers edit it."""

    description_ko = TextAreaField(_l("Description in Korean"), render_kw=_LONG)
    description_en = TextAreaField(_l("Description in English"), render_kw=_LONG)
    department_ko = StringField(_l("Department in Korean"))
    department_en = StringField(_l("Department in English"))
    campus = StringField(_l("Campus"))
    timezone = StringField(_l("Time zone"))
    holidays = SelectField(_l("Public holidays"))
    extra_holidays = LinesField(
        _l("Holidays of its own"),
        description=_l("One a line, such as 2026-10-12: an anniversary, a temporary holiday."),
        render_kw={"rows": 3},
    )
    booking_no_show_limit = NoShowLimitField(
        _l("Suspended after no-shows"),
        description=_l(
            "How many | within how long | suspended for how long: “3 | 30 days | 14 days”. "
            "Empty: nobody is suspended by rule."
        ),
    )
    skipped_holidays = LinesField(
        _l("Public holidays on which it opens"),
        description=_l("One a line, such as 2026-05-01."),
        render_kw={"rows": 3},
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.holidays.choices = [
            ("KR", _l("Closed on public holidays of Korea, unless hours are given for them")),
            ("none", _l("Open as on other days")),
        ]


class InstrumentForm(_EntryForm):
    """An instrument as its managers edit it."""

    kind = SelectField(_l("Kind"))
    registration_number = StringField(
        _l("Equipment registration number"), description="NFEC-YYYY-MM-NNNNNN"
    )
    asset_number = StringField(_l("Asset number"))
    maker = StringField(_l("Maker"))
    model = StringField(_l("Model"))
    classification = SelectField(_l("Class"))
    techniques = _checkboxes(_l("Techniques"))
    use_scope = SelectField(_l("Use scope"))
    private_use_reason_ko = StringField(_l("Reason for private use, in Korean"))
    private_use_reason_en = StringField(_l("Reason for private use, in English"))
    use_state = SelectField(_l("Use state"))
    purposes = _checkboxes(_l("Purposes"))
    capacity = WonField(_l("Reservations at once"))
    needs = _checkboxes(_l("Always reserved along with it"))
    accessories = _checkboxes(_l("May be chosen along with it"))
    acquisition_on = StringField(_l("Acquired on"), description=_l("Such as 2024-03-31"))
    acquisition_cost = WonField(_l("Acquisition cost in won"))
    features_ko = TextAreaField(_l("What it does, in Korean"), render_kw=_LONG)
    features_en = TextAreaField(_l("What it does, in English"), render_kw=_LONG)
    capability_ko = TextAreaField(_l("Capability in Korean"), render_kw=_LONG)
    capability_en = TextAreaField(_l("Capability in English"), render_kw=_LONG)
    examples_ko = TextAreaField(_l("Examples of use in Korean"), render_kw=_LONG)
    examples_en = TextAreaField(_l("Examples of use in English"), render_kw=_LONG)
    safety_ko = TextAreaField(_l("Safety in Korean"), render_kw=_LONG)
    safety_en = TextAreaField(_l("Safety in English"), render_kw=_LONG)
    documents = DocumentsField(
        _l("Documents"),
        description=_l("One a line: Korean title | English title | https://…"),
        render_kw={"rows": 3},
    )
    prices_unit = SelectField(_l("Priced by"))
    prices_own_institution = WonField(_l("Own institution, won"))
    prices_partner = WonField(_l("Partners of the alliance, won"))
    prices_other_academic = WonField(_l("Other universities and institutes, won"))
    prices_small_company = WonField(_l("Small and medium companies, won"))
    prices_large_company = WonField(_l("Large companies, won"))
    prices_note_ko = StringField(_l("Note on prices in Korean"))
    prices_note_en = StringField(_l("Note on prices in English"))

    def __init__(
        self,
        *args: Any,
        techniques: Iterable[Technique] = (),
        beside: Iterable[Instrument] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.needs.choices = [(each.slug, localized(each)) for each in beside]
        self.accessories.choices = self.needs.choices
        self.kind.choices = _choices(KINDS)
        self.classification.choices = _choices(CLASSIFICATIONS)
        self.use_scope.choices = _choices(USE_SCOPES)
        self.use_state.choices = _choices(USE_STATES)
        self.purposes.choices = _choices(PURPOSES)
        self.prices_unit.choices = _choices(PRICE_UNITS, _l("No price given"))
        named = sorted((localized(technique), technique.slug) for technique in techniques)
        self.techniques.choices = [(slug, name) for name, slug in named]

    def said(self) -> dict[str, Any]:
        said = super().said()
        # Without a price there is nothing to count.
        if said.get("prices") is not None and set(said["prices"]) == {"unit"}:
            said["prices"] = None
        return said

    def keep_order(self, techniques: list[str]) -> None:
        """Leave the techniques in the order that they had, new ones after them."""
        chosen = self.techniques.data or []
        had = [slug for slug in techniques if slug in chosen]
        self.techniques.data = [*had, *(slug for slug in chosen if slug not in had)]
