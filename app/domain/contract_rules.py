"""The booking rule about contracts of use between institutions and facilities."""

from datetime import date

from app.domain.booking_facts import COMPANIES, OWN, BookingFacts, BookingRequest, Policy
from app.domain.booking_facts import AffiliationClass as Who
from app.domain.contracts import ContractNeeded, covered, latest
from app.domain.errors import Refusal, Text
from app.domain.local_time import day_interval, days_of
from app.domain.notation import shown_day


def needs_contract(policy: Policy, who: Who) -> bool:
    """Whether people of this class come from an institution that must have signed one."""
    if policy.contract is ContractNeeded.COMPANIES:
        return who in COMPANIES
    return policy.contract is ContractNeeded.OUTSIDE and who not in OWN


def contract_is_signed(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """One contract must cover the use from its first to its last day."""
    first, last = days_of(request.interval, facts.zone)
    if not needs_contract(facts.policy, facts.affiliation) or covered(facts.contracts, first, last):
        return None
    found = latest(facts.contracts)
    if found is None:
        why = Text(
            "이 시설은 소속 기관이 먼저 이용 계약을 맺어야 예약할 수 있습니다.",
            "Before its people may book here, an institution signs a contract of use with the "
            "facility; yours has none.",
        )
    elif found.valid_until is None or last <= found.valid_until:
        when = _day(found.valid_from, facts)
        why = Text(
            f"소속 기관의 이용 계약({found.number})은 {when.ko}에 시작됩니다.",
            f"Your institution's contract of use ({found.number}) begins on {when.en}.",
        )
    else:
        when = _day(found.valid_until, facts)
        why = Text(
            f"소속 기관의 이용 계약({found.number})은 {when.ko}까지입니다.",
            f"Your institution's contract of use ({found.number}) is good until {when.en} only.",
        )
    contact = f"({facts.contact})" if facts.contact else ""
    return Refusal(
        "contract-missing",
        Text(
            f"{why.ko} 장비담당자{contact}에게 이용 계약을 문의해 주세요.",
            f"{why.en} Please ask the facility {contact + ' ' if contact else ''}for a contract "
            "that covers this time.",
        ),
        found.valid_until.isoformat() if found and found.valid_until else None,
        "instrument",
    )


def _day(day: date, facts: BookingFacts) -> Text:
    return shown_day(day_interval(day, facts.zone).start, facts.zone, facts.now)
