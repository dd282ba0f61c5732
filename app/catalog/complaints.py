"""What is wrong with an edited entry, in both languages, at the field where it is typed."""

from collections.abc import Mapping
from typing import Any

from app.catalog.problems import place_of
from app.domain.errors import Text

_NEEDED = Text("꼭 적어야 합니다.", "This is needed.")
_CHOOSE = Text("목록에서 고르세요.", "Choose one from the list.")
NOT_BESIDE = Text(
    "같은 시설의 다른 장비만 함께 예약할 수 있습니다.",
    "Only other instruments of the same facility are reserved along with it.",
)
CIRCLE = Text(
    "고른 장비가 다시 이 장비를 필요로 합니다. 한쪽에서만 고르세요.",
    "What is chosen needs this instrument in turn. Choose it on one side only.",
)
_EITHER = Text(
    "출처를 하나 이상 적거나, 예시임을 표시하세요.",
    "Give at least one source, or say that the entry is illustrative.",
)

#: How single fields want to be written.
_WRITTEN: Mapping[str, Text] = {
    "registration_number": Text(
        "‘NFEC-2024-03-123456’처럼 적으세요.", "Write it like NFEC-2024-03-123456."
    ),
    "contact_phone": Text(
        "숫자와 붙임표로 적으세요. 예: 042-000-0000",
        "Write it in digits and hyphens, such as 042-000-0000.",
    ),
    "contact_email": Text("이메일 주소가 아닙니다.", "This is not an e-mail address."),
    "website": Text(
        "http:// 또는 https://로 시작하는 주소를 적으세요.",
        "Write an address that starts with http:// or https://.",
    ),
    "acquisition_on": Text("날짜를 2024-03-31처럼 적으세요.", "Write the day like 2024-03-31."),
    "documents": Text(
        "한 줄에 하나씩 ‘한국어 제목 | English title | https://…’로 적으세요.",
        "Write one a line: Korean title | English title | https://…",
    ),
    "sources": Text(
        "한 줄에 하나씩, 주소나 문헌을 적으세요.",
        "Write one a line: a web address or a reference in words.",
    ),
    **dict.fromkeys(
        ("extra_holidays", "skipped_holidays"),
        Text(
            "한 줄에 하나씩 날짜를 2026-10-12처럼 적으세요.",
            "Write one day a line, like 2026-10-12.",
        ),
    ),
    "timezone": Text(
        "Asia/Seoul 같은 시간대 이름을 적으세요.", "Write the name of a time zone: Asia/Seoul."
    ),
}
_MISPLACED: Mapping[str, Text] = {
    "sources": _EITHER,
    "private_use_reason": Text(
        "단독활용이면 이유가 필요하고, 아니면 비워 두어야 합니다.",
        "Private use needs its reason; any other scope needs none.",
    ),
    "funding": Text("비율의 합이 100이어야 합니다.", "The weights must sum to 100."),
}
_DURATION = Text(
    "시간 길이를 ‘30분’, ‘8시간’, ‘14일’처럼 적으세요.",
    "Write a length of time such as 30 min, 8 h or 14 days.",
)
_PERIOD = Text(
    "기간을 ‘2년’, ‘6개월’, ‘30일’처럼 적거나, 제한이 없으면 ‘없음’이라고 적으세요.",
    "Write a period such as 2 years, 6 months or 30 days, or “none”.",
)
_PERIODS = frozenset(
    {"booking_certificate_validity", "booking_certificate_unused", "booking_safety_validity"}
)
_CONTRADICTIONS: Mapping[str, Text] = {
    "slot": Text("예약 단위는 0보다 길어야 합니다.", "The slot must be longer than nothing."),
    "shortest": Text(
        "최소 시간은 0보다 길고 예약 단위의 배수여야 합니다.",
        "The shortest reservation must be a multiple of the slot, and not nothing.",
    ),
    "longest": Text(
        "최대 시간은 예약 단위의 배수이고, 최소 시간 이상, 31일 이하여야 합니다.",
        "The longest reservation must be a multiple of the slot, not below the shortest and at "
        "most 31 days.",
    ),
    "latest": Text(
        "예약 마감은 예약이 열리는 때보다 늦어야 합니다.",
        "The notice needed must be shorter than how far ahead one may reserve.",
    ),
    "check_in_early": Text(
        "사용 시작은 예약 시각 24시간 전부터만 허용할 수 있습니다.",
        "Checking in may be possible at most 24 hours before the start.",
    ),
    "no_show_after": Text(
        "노쇼 처리까지 기다리는 시간은 0보다 길어야 합니다.",
        "People need some time to check in before they count as no-shows.",
    ),
    "quotas": Text(
        "집중 시간의 한도가 있으면 집중 시간을 적어야 합니다.",
        "A quota counts peak hours, but no peak hours are given.",
    ),
    "cancel_fees": Text(
        "늦은 취소 요금은 서로 다른 시점에, 무료 취소가 끝난 뒤에만 정할 수 있습니다.",
        "Fees of late cancellation differ in time, and begin when free cancellation ends or later.",
    ),
    "questions": Text(
        "질문의 키는 서로 달라야 하고, 승인 종류의 이름과도 달라야 합니다.",
        "Each question needs a key of its own, other than the names of permits.",
    ),
    "approval_stages": Text(
        "같은 승인자를 두 단계에 적을 수 없습니다.",
        "The same approvers cannot stand in two stages.",
    ),
    "offer_hold": Text(
        "대기자에게 시간을 맡아 두는 시간은 0보다 길어야 합니다.",
        "Time is held for those who wait for longer than nothing.",
    ),
    "safety_training": Text(
        "‘필요 없음’은 다른 안전교육과 함께 고를 수 없습니다.",
        "“None” cannot be chosen together with a safety training.",
    ),
}
_LINES: Mapping[str, Text] = {
    "booking_quotas": Text(
        "한 줄에 ‘사람 | 주 | 8시간’ 또는 ‘사람 | 앞으로 | 3’처럼 적으세요.",
        "Write lines such as “person | week | 8 h” or “person | ahead | 3”.",
    ),
    "booking_approval_stages": Text(
        "한 줄에 ‘pi’, ‘facility_manager | every’, ‘institution | companies’처럼 적으세요.",
        "Write lines such as “pi”, “facility_manager | every”, “institution | companies”.",
    ),
    "booking_permits": Text(
        "한 줄에 irb, iacuc, lmo, biosafety, contract 가운데 하나를 적으세요.",
        "Write one of irb, iacuc, lmo, biosafety, contract in each line.",
    ),
    "booking_questions": Text(
        "한 줄에 ‘키 | 한국어 | 영어 | text’처럼 적으세요. 키는 영문 소문자로 시작합니다.",
        "Write lines such as “key | Korean | English | text”, the key in small letters.",
    ),
    "booking_cancel_fees": Text(
        "한 줄에 ‘24시간 | 50’처럼 적으세요: 시작 전 시간, 예상 이용료의 백분율(1–100).",
        "Write lines such as “24 h | 50”: how long before the start, percent of the quote (1–100).",
    ),
    "booking_no_show_limit": Text(
        "‘3회 | 30일 | 14일’처럼 적으세요: 횟수, 세는 기간, 정지 기간.",
        "Write it like “3 | 30 days | 14 days”: how many, within how long, suspended for how long.",
    ),
    "booking_same_day": Text("09:00처럼 적으세요.", "Write an hour such as 09:00."),
}
_HOURS = frozenset(
    {
        *("opening_hours", "booking_fixed_slots", "booking_peak"),
        *("booking_assisted_hours", "booking_daytime_hours", "booking_night_hours"),
    }
)


def of_error(error: Any) -> tuple[str, Text]:
    """The field of the form and what to say there, for one of `ValidationError.errors()`."""
    place = [part for part in place_of(error) if isinstance(part, str)]
    name = "_".join(_shortened(place))
    return name, _text(name, error)


def _shortened(place: list[str]) -> list[str]:
    """The place as far as the form has a field of its own for it."""
    whole = {"documents", "sources", "opening_hours", "funding", "techniques", "purposes"}
    whole |= {"needs", "accessories"}
    if place and place[0] in whole:
        return place[:1]
    parts = {
        *(
            "approval_stages",
            "modes",
            "quotas",
            "permits",
            "questions",
            "fixed_slots",
            "peak",
            "no_show_limit",
            "cancel_fees",
        ),
        *("assisted_hours", "daytime_hours", "night_hours", "safety_training"),
    }
    return place[:2] if place[:1] == ["booking"] and parts.intersection(place[1:2]) else place


def _text(name: str, error: Any) -> Text:
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "misplaced":
        return _MISPLACED.get(str(ctx["field"]), Text(str(ctx["text"]), str(ctx["text"])))
    if kind in ("missing", "string_too_short", "too_short"):
        return _NEEDED
    if name in _LINES:
        return _LINES[name]
    if name in _PERIODS:
        return _PERIOD
    if name in _HOURS:
        return _hours(error)
    if name.startswith("booking_") and kind == "value_error":
        return _DURATION
    if name in _WRITTEN:
        return _WRITTEN[name]
    return _of_kind(kind, ctx)


def _hours(error: Any) -> Text:
    why = str(error.get("ctx", {}).get("error", "")) or str(error["msg"])
    return Text(
        f"운영 시간을 읽을 수 없습니다. 한 줄에 ‘월-금 09:00-18:00’처럼 적으세요. ({why})",
        f"These hours cannot be read. Write lines such as mon-fri 09:00-18:00. ({why})",
    )


def _of_kind(kind: str, ctx: Mapping[str, Any]) -> Text:
    match kind:
        case "literal_error":
            return _CHOOSE
        case "int_type" | "int_parsing" | "int_from_float":
            return Text("정수로 적으세요.", "Write a whole number.")
        case "float_type" | "float_parsing":
            return Text("숫자로 적으세요.", "Write a number.")
        case "greater_than_equal":
            return Text(f"{ctx['ge']} 이상이어야 합니다.", f"This must be at least {ctx['ge']}.")
        case "less_than_equal":
            return Text(f"{ctx['le']} 이하여야 합니다.", f"This must be at most {ctx['le']}.")
        case "string_too_long":
            most = ctx["max_length"]
            return Text(f"{most}자를 넘을 수 없습니다.", f"At most {most} characters fit.")
        case _:
            return Text("이렇게는 적을 수 없습니다.", "This is not written as expected.")


def of_booking(field: str) -> tuple[str, Text]:
    """The field of the form and what to say there, for a contradiction between settings."""
    return f"booking_{field}", _CONTRADICTIONS[field]
