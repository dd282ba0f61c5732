"""The rarer settings of an instrument in words, for whoever is about to book."""

from collections.abc import Iterator

from app.domain.approval_rules import Overdue
from app.domain.booking_facts import OPERATED, Policy, TwoPlaces
from app.domain.charge import ChargePolicy
from app.domain.contracts import ContractNeeded
from app.domain.errors import Text
from app.domain.no_shows import limit_in_words
from app.domain.notation import in_words
from app.domain.opening_hours import OpeningHours
from app.domain.operators import OperatorNeeded
from app.domain.paying import AccountsAsked
from app.domain.permits import PERMIT_NAMES
from app.domain.quota_rules import OWNER_NAMES, most_in_words

Row = tuple[Text, Text]


def rarer_rules(policy: Policy) -> list[Row]:
    """Label and text for all that is set beyond length, notice and approval."""
    return [*_times(policy), *_operators(policy), *_shares(policy), *_papers(policy)]


def deadline_in_words(policy: Policy) -> Text | None:
    """Until when a request is decided, and what becomes of it otherwise; None: it may wait."""
    if not policy.approval_deadline:
        return None
    within = in_words(policy.approval_deadline)
    if policy.approval_overdue is Overdue.ESCALATE:
        return Text(
            f"{within.ko} 안에 결정하지 않으면 소속 기관의 관리자가 대신 결정할 수 있습니다.",
            f"Undecided for {within.en}, it goes to those above as well.",
        )
    return Text(
        f"{within.ko} 안에 승인하지 않으면 신청이 취소되고 시간이 풀립니다.",
        f"Unless it is approved within {within.en}, the request ends and the time is free again.",
    )


def fees_in_words(policy: ChargePolicy) -> list[Row]:
    """What it costs to give up late, or not to come, and around a use; nothing that is free."""
    found: list[Row] = []
    if around := policy.setup + policy.cleanup:
        span = in_words(around)
        found.append(
            (
                Text("준비·정리 시간", "Setting up and cleaning up"),
                Text(f"이용 전후 {span.ko}도 과금합니다", f"{span.en} around a use is charged"),
            )
        )
    if policy.cancel_fees:
        fees = sorted(policy.cancel_fees, key=lambda fee: fee.within, reverse=True)
        spans = [(in_words(fee.within), fee.percent) for fee in fees]
        ko = ", ".join(f"{span.ko} 안에는 예상 이용료의 {percent}%" for span, percent in spans)
        en = ", ".join(f"{percent} % of the fee within {span.en}" for span, percent in spans)
        found.append(
            (
                Text("늦은 취소", "Late cancellation"),
                Text(f"시작 전 {ko}", f"{en} of the start"),
            )
        )
    if policy.no_show_percent:
        percent = policy.no_show_percent
        found.append(
            (
                Text("미사용(노쇼)", "No-show"),
                Text(f"예상 이용료의 {percent}%", f"{percent} % of the fee"),
            )
        )
    return found


def _times(policy: Policy) -> Iterator[Row]:
    if policy.fixed_slots is not None:
        yield Text("정해진 시간대", "Fixed slots"), _hours(policy.fixed_slots)
    if policy.same_day is not None:
        begins = f"{policy.same_day:%H:%M}"
        yield (
            Text("당일 예약", "Same day only"),
            Text(
                f"{begins}부터 다음 날 {begins}까지의 당일만 예약할 수 있습니다",
                f"booked for the running day only, from {begins} to {begins}",
            ),
        )
    if policy.around:
        words = in_words(policy.around)
        yield (
            Text("준비·정리", "Setting up, cleaning up"),
            Text(f"예약 사이 {words.ko}", f"{words.en} between reservations"),
        )
    if policy.gap:
        words = in_words(policy.gap)
        yield (
            Text("본인 예약 간격", "Gap between your own"),
            Text(f"이어 붙이거나 {words.ko} 이상", f"none, or {words.en} and more"),
        )
    if policy.two_places is TwoPlaces.REFUSE:
        yield (
            Text("동시 예약", "Two at once"),
            Text(
                "같은 시간에 다른 장비를 예약할 수 없습니다",
                "not while you hold another instrument",
            ),
        )


def _operators(policy: Policy) -> Iterator[Row]:
    if policy.operator is OperatorNeeded.OFF or not policy.modes & OPERATED:
        return
    yield (
        Text("전담운영인력", "Operator"),
        Text(
            "기술지원·분석의뢰는 비어 있는 시간에만 예약할 수 있습니다",
            "assisted use and commissioned analysis only while one is free",
        )
        if policy.operator is OperatorNeeded.REQUIRED
        else Text(
            "기술지원·분석의뢰에 배정됩니다",
            "assigned to assisted use and commissioned analysis if one is free",
        ),
    )


def _shares(policy: Policy) -> Iterator[Row]:
    if policy.quotas:
        said = [most_in_words(quota) for quota in policy.quotas]
        yield (
            Text("한도", "Quotas"),
            Text(", ".join(text.ko for text in said), ", ".join(text.en for text in said)),
        )
    if policy.peak is not None:
        yield Text("집중 시간", "Peak hours"), _hours(policy.peak)
    if policy.owner_share:
        owner = OWNER_NAMES[policy.owner]
        yield (
            Text(f"{owner.ko} 몫", f"Kept for {owner.en}"),
            Text(f"매주 {policy.owner_share}%", f"{policy.owner_share} % of each week"),
        )
    if policy.no_show_limit is not None:
        yield Text("미사용(노쇼)", "No-shows"), limit_in_words(policy.no_show_limit)


def _papers(policy: Policy) -> Iterator[Row]:
    if policy.contract is not ContractNeeded.OFF:
        yield (
            Text("이용 계약", "Contract of use"),
            Text("기업 소속은 필요", "needed by people of companies")
            if policy.contract is ContractNeeded.COMPANIES
            else Text("다른 기관 소속은 필요", "needed by people of other institutions"),
        )
    if policy.account is not AccountsAsked.OFF:
        yield (
            Text("연구비 계정", "Funding accounts"),
            Text("누가 얼마를 내는지 정해야 함", "who pays how much must be said")
            if policy.account is AccountsAsked.REQUIRED
            else Text("누가 얼마를 내는지 정할 수 있음", "who pays how much may be said"),
        )
    if policy.permits:
        named = [
            Text(
                PERMIT_NAMES[permit.kind].ko + ("" if permit.required else " (선택)"),
                PERMIT_NAMES[permit.kind].en + ("" if permit.required else " (optional)"),
            )
            for permit in policy.permits
        ]
        yield (
            Text("승인번호", "Permits"),
            Text(", ".join(name.ko for name in named), ", ".join(name.en for name in named)),
        )


def _hours(hours: OpeningHours) -> Text:
    def lines(language: str) -> str:
        said = hours.in_words(language)[:-1]  # Without the line of public holidays.
        return "; ".join(f"{days} {times}" for days, times in said)

    return Text(lines("ko"), lines("en"))
