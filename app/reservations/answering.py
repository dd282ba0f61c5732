"""What an instrument asks when it is booked, and which of the answers are its own."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict

from app.catalog.models import Instrument
from app.catalog.policy import policy_of
from app.domain.permits import answers_along, until_key


def asked_of(instrument: Instrument) -> list[dict[str, object]]:
    """The facility's questions as they stand now."""
    return [asdict(question) for question in policy_of(instrument).questions]


def own_answers(instrument: Instrument, answers: Mapping[str, str]) -> dict[str, str]:
    """Of all that was answered what an instrument that is reserved along has asked."""
    policy = policy_of(instrument)
    kinds = [permit.kind.value for permit in policy.permits]
    asked = {*kinds, *map(until_key, kinds), *(question.key for question in policy.questions)}
    given = answers_along(instrument.slug, answers)
    return {key: said for key, said in given.items() if key in asked}


def asked_of_all(instrument: Instrument, along: Iterable[Instrument]) -> list[dict[str, object]]:
    """The same with what is reserved along: one question once, others under that one's name."""
    asked = asked_of(instrument)
    for each in along:
        new = [one for one in asked_of(each) if one not in asked]
        keys = {one["key"] for one in asked}
        asked += [
            one | {"key": f"{each.slug}.{one['key']}"} if one["key"] in keys else one for one in new
        ]
    return asked
