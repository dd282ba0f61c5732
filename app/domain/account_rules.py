"""The booking rules about the funding accounts that pay for a use."""

from collections.abc import Iterator, Sequence
from datetime import date
from fractions import Fraction

from app.domain.booking_facts import BookingFacts, BookingRequest, Mode
from app.domain.errors import Refusal, Text
from app.domain.local_time import days_of
from app.domain.money import Money
from app.domain.paying import Account, AccountsAsked
from app.domain.shares import WHOLE, Share, Shares, show_percent, split

_MODE_NAMES = {
    Mode.SELF_OPERATED: Text("직접 사용", "self-operated use"),
    Mode.COMMISSIONED: Text("분석 의뢰", "commissioned analysis"),
}
_Why = tuple[Text, str]


def accounts_are_named(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Somebody pays, where that must be said; and whoever says so shares out all of it."""
    if not request.shares:
        if facts.policy.account is not AccountsAsked.REQUIRED:
            return None
        why = Text(
            "이 장비는 이용료를 낼 연구비 계정을 정해야 예약할 수 있습니다. 계정마다 비율을 적어 "
            "합이 100%가 되게 해 주세요.",
            "This instrument is reserved only with who pays for it. Choose funding accounts, with "
            "percentages that add up to 100.",
        )
        return Refusal("account-missing", why, "100", "shares")
    total = sum((each.percent for each in request.shares), Fraction())
    if total == WHOLE:
        return None
    said = show_percent(total)
    why = Text(
        f"계정 비율의 합이 100%가 아니라 {said}%입니다. 합이 꼭 100이 되게 고쳐 주세요.",
        f"The accounts' percentages add up to {said}, not to 100. Make them exactly 100.",
    )
    return Refusal("account-missing", why, "100", "shares")


def accounts_may_pay(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    """Each account that is named may be charged by the person for this use."""
    found = list(_wrong(request, facts))
    if not found:
        return None
    why = Text(" ".join(each.ko for each, _ in found), " ".join(each.en for each, _ in found))
    return Refusal("account-not-allowed", why, found[0][1], "shares")


def _wrong(request: BookingRequest, facts: BookingFacts) -> Iterator[_Why]:
    first, last = days_of(request.interval, facts.zone)
    parts = _parts(request.shares, facts.charged.due or 0)
    before = _parts(request.shares, facts.charged.due_before)
    for share in request.shares:
        account = facts.charged.accounts.get(share.account)
        others = facts.charged.dates_before
        # Of accounts that are not theirs people learn nothing, not even whether they exist.
        if account is None or not account.may_be_charged(first, last, before=others):
            yield _foreign(share.account)
        elif account.closed or not account.starts_on <= first <= last <= account.ends_on:
            yield _not_then(share.account, account, first)
        elif account.modes and request.mode not in account.modes:
            yield _not_for_that(share.account, account)
        elif account.remaining is not None and account.remaining < (
            parts.get(share.account, 0) + before.get(share.account, 0)
        ):
            yield _exhausted(share.account, account.remaining)


def _parts(shares: Sequence[Share], due: int) -> dict[str, int]:
    """What each account would pay; nothing is known while the shares do not make a whole."""
    if sum((each.percent for each in shares), Fraction()) != WHOLE:
        return {}
    whole = Shares(tuple(shares), shares[0].account)
    return {number: part.amount for number, part in split(Money(due), whole).items()}


def not_theirs(number: str) -> Refusal:
    """Said also where somebody else has just used the only consent there was."""
    why, limit = _foreign(number)
    return Refusal("account-not-allowed", why, limit, "shares")


def exhausted(number: str, remaining: int) -> Refusal:
    """Said also where others have just used what there was."""
    why, limit = _exhausted(number, remaining)
    return Refusal("account-not-allowed", why, limit, "shares")


def _foreign(number: str) -> _Why:
    return (
        Text(
            f"{number}: 사용할 수 있는 연구비 계정이 아닙니다. 번호를 확인하거나, 계정의 "
            "연구책임자에게 사용 허락이나 분담 동의를 받아 주세요.",
            f"{number}: this is no funding account that you may charge. Check the number, or ask "
            "its PI to let you charge it or to agree to its share.",
        ),
        number,
    )


def _not_then(number: str, account: Account, first: date) -> _Why:
    if account.closed:
        when = Text("이미 닫힌 계정입니다", "it is closed")
    elif first < account.starts_on:
        day = account.starts_on.isoformat()
        when = Text(f"{day}부터 쓸 수 있습니다", f"it pays from {day} on")
    else:
        day = account.ends_on.isoformat()
        when = Text(f"{day}까지만 쓸 수 있습니다", f"it pays until {day} only")
    return (
        Text(
            f"{number}: 그때는 쓸 수 없는 계정입니다. {when.ko}. 다른 계정이나 다른 날을 고르세요.",
            f"{number}: it cannot pay for that time; {when.en}. Choose another account or day.",
        ),
        (account.starts_on if first < account.starts_on else account.ends_on).isoformat(),
    )


def _not_for_that(number: str, account: Account) -> _Why:
    modes = sorted(map(Mode, account.modes))
    ko = ", ".join(_MODE_NAMES[each].ko for each in modes)
    en = ", ".join(_MODE_NAMES[each].en for each in modes)
    return (
        Text(
            f"{number}: {ko}에만 쓸 수 있는 계정입니다. 이용 방식을 바꾸거나 다른 계정을 고르세요.",
            f"{number}: it pays for {en} only. Change the mode of use, or choose another account.",
        ),
        ",".join(modes),
    )


def _exhausted(number: str, remaining: int) -> _Why:
    left = max(remaining, 0)
    return (
        Text(
            f"{number}: 남은 예산({left:,}원)보다 낼 금액이 많습니다. 비율을 줄이거나 다른 계정을 "
            "함께 정해 주세요.",
            f"{number}: what is left of its budget, {left:,} won, does not cover its share. Lower "
            "its percentage, or name another account.",
        ),
        str(left),
    )
