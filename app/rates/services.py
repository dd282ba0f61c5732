"""Use cases of rates: set them from a day on, withdraw what has not begun, taxes and truncation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from app.accounts import access
from app.accounts.access import Action, Scope
from app.accounts.models import Institution, User
from app.audit import services as audit
from app.catalog.models import Facility, Instrument
from app.catalog.policy import policy_of
from app.catalog.queries import facility_by_slug, scope_of
from app.db import db, transaction
from app.domain.booking import AffiliationClass, Mode
from app.domain.errors import Invalid, Text, WrongState
from app.domain.local_time import day_of
from app.domain.rate_card import CLASS_NAMES, MODE_NAMES, UNIT_NAMES, Terms, Unit
from app.domain.rate_card import RateCard as Card
from app.rates import queries
from app.rates.cards import settings_of
from app.rates.models import RateCard, RateLine, SupplierTerms

_TAKEN_DAY = Text(
    "그날부터 적용하는 단가표가 이미 있습니다. 다른 날을 고르거나 바꾸기를 선택하세요.",
    "Other rates begin on that day already. Choose another day, or choose to replace them.",
)


@dataclass(frozen=True, slots=True)
class NewRates:
    """What shall hold from a day on: for one instrument, the facility or the whole institution.

    A card without rates lets the wider rates, or the list prices, hold again.
    """

    card: Card
    valid_from: date
    instrument: str | None = None  # slug
    institution: bool = False
    replace: bool = False  # the card that begins on the same day, if there is one


def set_rates(user: User, facility: Facility, wanted: NewRates, *, now: datetime) -> RateCard:
    """Let rates hold from a day on, until the next card of the same thing begins.

    Quotes that were given stay as they are. Raises `NotAllowed`, or `Invalid` with every field
    that is wrong: a day that is over, a day on which another card begins, a class or a mode
    that would be left without a price.
    """
    return set_all(user, facility, [wanted], now=now)[0]


def set_all(
    user: User, facility: Facility, wanted: Sequence[NewRates], *, now: datetime
) -> list[RateCard]:
    """The same for several things: all of them or, if anything is wrong with one, none."""
    slug = facility.slug
    try:
        with transaction():
            facility = facility_by_slug(slug)
            return [_set_rates(user, facility, each, now) for each in wanted]
    except IntegrityError as broken:
        if "rate_card" not in str(broken.orig):
            raise
        wrong = _TAKEN_DAY  # Somebody else was first by a moment.
        raise Invalid(wrong, {"valid_from": wrong}) from broken


def wrong_with(facility: Facility, wanted: NewRates, *, now: datetime) -> dict[str, Text]:
    """What `set_rates` would refuse, by field; nothing is written."""
    return _checked(facility, wanted, now)[1]


def _checked(
    facility: Facility, wanted: NewRates, now: datetime
) -> tuple[RateCard | None, dict[str, Text]]:
    """The card that begins on the same day, and what is wrong."""
    instrument = _instrument(facility, wanted.instrument)
    before = _on_the_day(facility, instrument, wanted)
    today = day_of(now, ZoneInfo(facility.timezone))
    return before, _wrong(wanted, instrument, before, today)


def _set_rates(user: User, facility: Facility, wanted: NewRates, now: datetime) -> RateCard:
    access.require(user, Action.SET_RATES, _scope(facility, institution=wanted.institution))
    before, wrong = _checked(facility, wanted, now)
    if wrong:
        raise Invalid(next(iter(wrong.values())), wrong)
    if before is not None:
        db.session.delete(before)
        db.session.flush()
    instrument = _instrument(facility, wanted.instrument)
    made = RateCard(
        supplier_id=facility.institution_id,
        facility_id=None if instrument or wanted.institution else facility.id,
        instrument_id=instrument.id if instrument else None,
        valid_from=wanted.valid_from,
        settings=settings_of(wanted.card),
        made_by_id=user.id,
        made_at=now,
        lines=[
            RateLine(
                who=rate.who,
                mode=rate.mode,
                unit=rate.unit,
                price=rate.price,
                minimum=rate.minimum,
                started=rate.started,
            )
            for rate in wanted.card.rates
        ],
    )
    db.session.add(made)
    db.session.flush()
    _note("set-rates", facility, made, instrument, user, now)
    return made


def withdraw_rates(user: User, facility: Facility, card_id: int, *, now: datetime) -> None:
    """Take back a card that has not begun."""
    slug = facility.slug
    with transaction():
        facility = facility_by_slug(slug)
        card = queries.card_of(facility, card_id)
        whole = card.instrument_id is None and card.facility_id is None
        access.require(user, Action.SET_RATES, _scope(facility, institution=whole))
        if card.valid_from <= day_of(now, ZoneInfo(facility.timezone)):
            raise WrongState(
                Text(
                    "이미 적용되고 있는 단가표입니다. 새 단가를 다른 날부터 적용해 주세요.",
                    "These rates hold already. Set new ones from another day on.",
                )
            )
        _note("withdraw-rates", facility, card, card.instrument, user, now)
        db.session.delete(card)


def set_terms(user: User, institution: Institution, terms: Terms, *, now: datetime) -> None:
    """How the institution taxes and rounds all that it lends, from now on."""
    institution_id = institution.id
    with transaction():
        access.require(user, Action.SET_RATES, Scope(institution_id=institution_id))
        institution = db.session.get_one(Institution, institution_id)
        before = queries.terms_of(institution)
        if before == terms:
            return
        kept = db.session.get(SupplierTerms, institution_id)
        if kept is None:
            kept = SupplierTerms(institution_id=institution_id)
            db.session.add(kept)
        kept.tax, kept.vat_percent, kept.truncation = (
            terms.tax,
            terms.vat_percent,
            terms.truncation,
        )
        kept.changed_by_id, kept.changed_at = user.id, now
        audit.record(
            "set-terms",
            "institution",
            institution.slug,
            actor_id=user.id,
            now=now,
            detail={
                name: [str(getattr(before, name)), str(getattr(terms, name))]
                for name in ("tax", "vat_percent", "truncation")
                if getattr(before, name) != getattr(terms, name)
            },
        )


def _scope(facility: Facility, *, institution: bool) -> Scope:
    """Rates of a whole institution are for those who administer it."""
    return Scope(institution_id=facility.institution_id) if institution else scope_of(facility)


def _instrument(facility: Facility, slug: str | None) -> Instrument | None:
    if slug is None:
        return None
    found = db.session.scalar(
        select(Instrument).where(
            Instrument.facility_id == facility.id,
            Instrument.slug == slug,
            Instrument.retired_at.is_(None),
        )
    )
    if found is None:
        wrong = Text("이 시설의 장비를 골라 주세요.", "Choose an instrument of this facility.")
        raise Invalid(wrong, {"scope": wrong})
    return found


def _on_the_day(
    facility: Facility, instrument: Instrument | None, wanted: NewRates
) -> RateCard | None:
    """The card of the same thing that begins on the same day."""
    found = select(RateCard).where(RateCard.valid_from == wanted.valid_from)
    if instrument is not None:
        found = found.where(RateCard.instrument_id == instrument.id)
    elif wanted.institution:
        found = found.where(
            RateCard.supplier_id == facility.institution_id,
            RateCard.facility_id.is_(None),
            RateCard.instrument_id.is_(None),
        )
    else:
        found = found.where(RateCard.facility_id == facility.id)
    return db.session.scalar(found)


def _wrong(
    wanted: NewRates, instrument: Instrument | None, before: RateCard | None, today: date
) -> dict[str, Text]:
    """What is wrong, by field."""
    found: dict[str, Text] = {}
    if wanted.valid_from < today:
        found["valid_from"] = Text(
            "지난 날부터 적용할 수는 없습니다. 오늘이나 그 뒤의 날을 골라 주세요.",
            "Rates cannot change for days that are over. Choose today or a later day.",
        )
    elif before is not None and not wanted.replace:
        found["valid_from"] = _TAKEN_DAY
    for (mode, unit), classes in wanted.card.holes().items():
        found[f"{mode}-{unit}"] = _hole(mode, unit, classes)
    priced = {rate.mode for rate in wanted.card.rates}
    if instrument and priced:
        if Mode.SELF_OPERATED in priced:
            priced.add(Mode.ASSISTED)  # Beside the operator it costs the same.
        for mode in sorted(policy_of(instrument).modes - priced):
            name = MODE_NAMES[mode]
            found[f"mode-{mode}"] = Text(
                f"이 장비가 제공하는 {name.ko}의 단가가 없습니다.",
                f"The instrument is offered for {name.en}, which would have no price.",
            )
    return found


def _hole(mode: Mode, unit: Unit, classes: tuple[AffiliationClass, ...]) -> Text:
    ko = ", ".join(CLASS_NAMES[who].ko for who in classes)
    en = ", ".join(CLASS_NAMES[who].en for who in classes)
    return Text(
        f"{MODE_NAMES[mode].ko}, {UNIT_NAMES[unit].ko}: 단가가 빠진 이용자가 있습니다({ko}). "
        "무료라면 0을 적으세요.",
        f"{MODE_NAMES[mode].en}, by the {UNIT_NAMES[unit].en}: no price for {en}. "
        "Write 0 where it is free.",
    )


def _note(
    action: str,
    facility: Facility,
    card: RateCard,
    instrument: Instrument | None,
    user: User,
    now: datetime,
) -> None:
    detail: dict[str, Any] = {
        "valid_from": card.valid_from.isoformat(),
        "of": instrument.slug if instrument else "facility" if card.facility_id else "institution",
        "settings": card.settings,
        "rates": [[line.mode, line.unit, line.who, line.price] for line in card.lines],
    }
    audit.record(action, "facility", facility.slug, actor_id=user.id, now=now, detail=detail)
