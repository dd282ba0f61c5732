"""The text by which instruments and facilities are found."""

from collections.abc import Iterable

from app.catalog.models import Facility, Instrument
from app.db import normalised


def text_of(thing: Instrument | Facility) -> str:
    """All that people may type to find the thing, each piece normalised.

    Blanks stand between the pieces and nowhere else, so that no word of a search matches
    across two of them. The names come first: the order of what is found relies on it.
    """
    pieces = _of_instrument(thing) if isinstance(thing, Instrument) else _of_facility(thing)
    found = dict.fromkeys(normalised(piece) for piece in pieces if piece)
    return " ".join(text for text in found if text)


def _of_facility(facility: Facility) -> Iterable[str | None]:
    institution = facility.institution
    return (
        *(facility.name_ko, facility.name_en, facility.slug),
        *(institution.name_ko, institution.name_en, institution.slug),
        *(facility.department_ko, facility.department_en, facility.campus),
    )


def _of_instrument(instrument: Instrument) -> Iterable[str | None]:
    return (
        *(instrument.name_ko, instrument.name_en, instrument.slug),
        *(instrument.maker, instrument.model, instrument.model_example),
        *(text for t in instrument.techniques for text in (t.name_ko, t.name_en)),
        instrument.registration_number,
        *_of_facility(instrument.facility),
        *(instrument.features_ko, instrument.features_en),
    )
