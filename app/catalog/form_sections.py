"""Groups of fields as the pages of the forms show them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from flask_babel import lazy_gettext as _l

from app.catalog.vocabulary import PRICE_CLASSES

_MORE_RULES = (
    _l("Slots, quotas and questions"),
    (
        *("booking_setup", "booking_cleanup", "booking_gap", "booking_same_day"),
        "booking_offer_hold",
        *("booking_owner_share", "booking_owner", "booking_two_places", "booking_operator"),
        "booking_fixed_slots",
        *("booking_quotas", "booking_peak", "booking_permits", "booking_questions"),
        *("booking_contract", "booking_account"),
        *("booking_refuse_overdue_after", "booking_fault_stops"),
    ),
)
_CHARGING = (
    _l("Charging"),
    (
        *("booking_charge_by", "booking_credit_early", "booking_charge_around"),
        *("booking_cancel_fees", "booking_no_show_fee"),
    ),
)

#: Kind of entry → headings, each with the names of its fields.
SECTIONS: Mapping[str, tuple[tuple[Any, tuple[str, ...]], ...]] = MappingProxyType(
    {
        "instrument": (
            (
                _l("What it is"),
                (
                    *("name_ko", "name_en", "kind", "classification", "techniques"),
                    *("maker", "model", "registration_number", "asset_number"),
                    *("acquisition_on", "acquisition_cost", "website"),
                ),
            ),
            (
                _l("Use"),
                (
                    *("use_scope", "use_state", "private_use_reason_ko", "private_use_reason_en"),
                    *("purposes", "capacity", "needs", "accessories"),
                ),
            ),
            (
                _l("Where and whom to ask"),
                ("location_ko", "location_en", "contact_email", "contact_phone"),
            ),
            (
                _l("Description"),
                tuple(
                    f"{field}_{language}"
                    for field in ("features", "capability", "examples", "safety", "note")
                    for language in ("ko", "en")
                ),
            ),
            (
                _l("Opening hours and booking"),
                (
                    *("opening_hours", "booking_slot", "booking_shortest", "booking_longest"),
                    *("booking_earliest", "booking_latest", "booking_free_cancel"),
                    *("booking_approval", "booking_approval_stages", "booking_modes"),
                    *("booking_reapproval", "booking_approval_deadline"),
                    "booking_approval_overdue",
                    *("booking_check_in", "booking_check_in_at", "booking_check_in_early"),
                    *("booking_no_show_after", "booking_check_out_after"),
                    "booking_illustrative",
                ),
            ),
            _MORE_RULES,
            _CHARGING,
            (
                _l("Training"),
                (
                    *("booking_certificate", "booking_certificate_validity"),
                    *("booking_certificate_unused", "booking_assisted_hours"),
                    *("booking_daytime_hours", "booking_night_hours"),
                    *("booking_safety_training", "booking_safety_validity"),
                ),
            ),
            (
                _l("Prices"),
                (
                    "prices_unit",
                    *(f"prices_{name}" for name in PRICE_CLASSES),
                    *("prices_note_ko", "prices_note_en"),
                ),
            ),
            (_l("Documents and sources"), ("documents", "sources", "illustrative")),
        ),
        "facility": (
            (
                _l("What it is"),
                (
                    *("name_ko", "name_en", "description_ko", "description_en"),
                    *("department_ko", "department_en", "website"),
                ),
            ),
            (
                _l("Where and whom to ask"),
                (
                    *("location_ko", "location_en", "campus", "timezone"),
                    *("contact_email", "contact_phone"),
                ),
            ),
            (
                _l("Opening hours and booking"),
                (
                    *("opening_hours", "holidays", "extra_holidays", "skipped_holidays"),
                    *("booking_slot", "booking_shortest", "booking_longest"),
                    *("booking_earliest", "booking_latest", "booking_free_cancel"),
                    *("booking_approval", "booking_approval_stages", "booking_modes"),
                    *("booking_reapproval", "booking_approval_deadline"),
                    "booking_approval_overdue",
                    *("booking_check_in", "booking_check_in_at", "booking_check_in_early"),
                    *("booking_no_show_after", "booking_check_out_after"),
                    *("booking_no_show_limit", "booking_illustrative"),
                ),
            ),
            _MORE_RULES,
            _CHARGING,
            (
                _l("Training"),
                (
                    *("booking_certificate", "booking_certificate_validity"),
                    *("booking_certificate_unused", "booking_assisted_hours"),
                    *("booking_daytime_hours", "booking_night_hours"),
                    *("booking_safety_training", "booking_safety_validity"),
                ),
            ),
            (_l("Notes and sources"), ("note_ko", "note_en", "sources", "illustrative")),
        ),
    }
)
