"""Fields for lengths of time, opening hours, lists and amounts, as people type them.

`data_of` gives the text for a value of a file, `said` the value for a text; what cannot be read
is given on as it is, so that the rules for files refuse it where it stands.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from wtforms import SelectField, StringField, TextAreaField

from app.catalog.notations import duration as read_duration
from app.domain.period import Period
from app.web.pages import duration as duration_in_words
from app.web.pages import locale_word

_UNITS = (
    ("weeks", r"주일?|w(?:ee)?k?s?"),
    ("days", r"일|d(?:ays?)?"),
    ("hours", r"시간|h(?:ours?|rs?)?"),
    ("minutes", r"분|m(?:in(?:ute)?s?)?"),
)
_SPAN = re.compile(
    r"\s*".join(rf"(?:(?P<{unit}>\d{{1,4}})\s*(?:{words}))?" for unit, words in _UNITS), re.I
)
_NOTHING = ("0", "none", "없음")


class DurationField(StringField):  # type: ignore[misc]
    """A length of time: “30 min”, “1시간 30분”, “P14D”."""

    def data_of(self, value: str | None) -> str:
        if not value:
            return ""
        return duration_in_words(read_duration(value))

    def said(self) -> str | None:
        text = (self.data or "").strip()
        if not text:
            return None
        if text.casefold() in _NOTHING:
            return "PT0M"
        return _written_span(text)


_PERIOD = re.compile(
    r"(?P<number>\d{1,3})\s*(?:(?P<Y>년|y(?:ears?)?)|(?P<M>개월|달|mo(?:nths?)?)"
    r"|(?P<W>주일?|w(?:eeks?)?)|(?P<D>일|d(?:ays?)?))",
    re.I,
)


class PeriodField(StringField):  # type: ignore[misc]
    """A period by the calendar: “2 years”, “6개월”, “P30D”."""

    def data_of(self, value: str | None) -> str:
        if not value:
            return ""
        period = Period.parse(value)
        if not period:
            return "없음" if locale_word() == "ko" else "none"
        return period.in_words().in_(locale_word())

    def said(self) -> str | None:
        text = (self.data or "").strip()
        if not text:
            return None
        if text.casefold() in _NOTHING:
            return "P0D"
        found = _PERIOD.fullmatch(text)
        if found is None:
            return text  # perhaps ISO 8601, else refused
        unit = next(unit for unit in "YMWD" if found[unit])
        return f"P{found['number']}{unit}"


_DAYS = dict(zip("월화수목금토일", ("mon", "tue", "wed", "thu", "fri", "sat", "sun"), strict=True))
_WORDS = {"매일": "daily", "공휴일": "holiday", "24시간": "24h"}
_IN_KOREAN = {en: ko for ko, en in (_DAYS | _WORDS).items()}


class HoursField(TextAreaField):  # type: ignore[misc]
    """Opening hours, one line for each run of days: “mon-fri 09:00-18:00, 19:00-21:00”."""

    def data_of(self, value: Mapping[str, Any] | None) -> str:
        words = _IN_KOREAN if locale_word() == "ko" else {}
        return "\n".join(
            " ".join((_translated(days, words), ", ".join(_translated(r, words) for r in listed)))
            for days, ranges in (value or {}).items()
            for listed in [[ranges] if isinstance(ranges, str) else ranges]
        )

    def said(self) -> dict[str, list[str]] | str | None:
        words = {**_DAYS, **_WORDS, "–": "-"}
        hours: dict[str, list[str]] = {}
        for line in (self.data or "").splitlines():
            days, _, ranges = line.strip().replace("–", "-").partition(" ")
            if not days:
                continue
            key = _translated(days.rstrip(":"), words).casefold()
            if key in hours:
                return str(self.data)  # given twice: refused as text
            hours[key] = [_translated(r, words) for r in re.split(r"[,\s]+", ranges.strip()) if r]
        return hours or None


def _translated(text: str, words: Mapping[str, str]) -> str:
    return words.get(text) or "-".join(words.get(part, part) for part in text.split("-"))


class LinesField(TextAreaField):  # type: ignore[misc]
    """A list, one item a line."""

    def data_of(self, value: list[str] | None) -> str:
        return "\n".join(value or [])

    def said(self) -> list[str]:
        return [line.strip() for line in (self.data or "").splitlines() if line.strip()]


class DocumentsField(TextAreaField):  # type: ignore[misc]
    """Documents, one a line: Korean title | English title | address."""

    def data_of(self, value: list[dict[str, Any]] | None) -> str:
        return "\n".join(
            f"{d['title']['ko']} | {d['title']['en']} | {d['url']}" for d in value or []
        )

    def said(self) -> list[Any]:
        return [self._document(line) for line in (self.data or "").splitlines() if line.strip()]

    def _document(self, line: str) -> Any:
        parts = [part.strip() for part in line.split("|")]
        if len(parts) != 3:
            return line
        return {"title": {"ko": parts[0], "en": parts[1]}, "url": parts[2]}


class WonField(StringField):  # type: ignore[misc]
    """A whole number; marks between thousands may be typed."""

    def data_of(self, value: int | None) -> str:
        return "" if value is None else str(value)

    def said(self) -> int | str | None:
        text = re.sub(r"[,\s원₩]", "", self.data or "")
        if not text:
            return None
        return int(text) if re.fullmatch(r"-?[0-9]{1,15}", text) else text


class YesNoField(SelectField):  # type: ignore[misc]
    """Yes, no, or nothing said."""

    def data_of(self, value: bool | None) -> str:
        return "" if value is None else "yes" if value else "no"

    def said(self) -> bool | None:
        return {"yes": True, "no": False}.get(self.data or "")


class ClockField(StringField):  # type: ignore[misc]
    """An hour of the day: “09:00”."""

    def data_of(self, value: str | None) -> str:
        return value or ""

    def said(self) -> str | None:
        return (self.data or "").strip() or None


_QUOTA_WORDS = {
    "사람": "person",
    "연구실": "group",
    "기관": "institution",
    "하루": "day",
    "일": "day",
    "주": "week",
    "월": "month",
    "앞으로": "ahead",
    "집중": "peak",
}
_QUOTA_IN_KOREAN = {en: ko for ko, en in _QUOTA_WORDS.items() if ko != "일"}


class QuotasField(TextAreaField):  # type: ignore[misc]
    """Quotas, one a line: “person | week | 8 h”, “person | ahead | 3”, “… | 2 h | peak”."""

    def data_of(self, value: list[dict[str, Any]] | None) -> str:
        return "\n".join(map(self._line, value or []))

    def _line(self, quota: dict[str, Any]) -> str:
        hours = quota.get("hours")
        most = duration_in_words(read_duration(hours)) if hours else str(quota.get("number"))
        parts = [quota["per"], quota["within"], most, *(["peak"] if quota.get("peak") else [])]
        words = _QUOTA_IN_KOREAN if locale_word() == "ko" else {}
        return " | ".join(words.get(part, part) for part in parts)

    def said(self) -> Sequence[Any] | None:
        lines = [line.strip() for line in (self.data or "").splitlines() if line.strip()]
        if lines and lines[0].casefold() in _NOTHING:
            return ()  # Not the same as nothing said, which is the facility's.
        return [self._quota(line) for line in lines] or None

    def _quota(self, line: str) -> Any:
        parts = [part.strip().casefold() for part in line.split("|")]
        parts = [_QUOTA_WORDS.get(part, part) for part in parts]
        if len(parts) not in (3, 4) or parts[3:] not in ([], ["peak"]):
            return line
        quota: dict[str, Any] = {"per": parts[0], "within": parts[1]}
        if parts[3:]:
            quota["peak"] = True
        if re.fullmatch(r"[0-9]{1,5}", parts[2]):
            return quota | {"number": int(parts[2])}
        found = _SPAN.fullmatch(parts[2])
        if found is None or not parts[2]:
            return line
        return quota | {"hours": _written_span(parts[2])}


class NoShowLimitField(StringField):  # type: ignore[misc]
    """How many no-shows within how long suspend for how long: “3 | 30 days | 14 days”."""

    def data_of(self, value: Mapping[str, Any] | None) -> str:
        if not value:
            return ""
        spans = (duration_in_words(read_duration(value[name])) for name in ("within", "suspended"))
        return " | ".join((str(value["number"]), *spans))

    def said(self) -> Any:
        text = (self.data or "").strip()
        parts = [part.strip() for part in text.split("|")]
        number = parts[0].removesuffix("회").strip()
        if len(parts) != 3 or not re.fullmatch(r"[0-9]{1,4}", number):
            return text or None
        spans = [_written_span(part) for part in parts[1:]]
        return {"number": int(number), "within": spans[0], "suspended": spans[1]}


def _written_span(text: str) -> str:
    """ISO 8601 for what people type; what cannot be read stays, and is refused as it is."""
    found = _SPAN.fullmatch(text)
    if found is None or not text:
        return text
    span = timedelta(**{unit: int(n) for unit, n in found.groupdict().items() if n})
    return f"PT{span // timedelta(minutes=1)}M"


_STAGE_WORDS = {
    "연구책임자": "pi",
    "장비담당자": "facility_manager",
    "기관": "institution",
    "모두": "everyone",
    "외부": "outsiders",
    "기업": "companies",
    "전원": "every",
    "manager": "facility_manager",
}
_STAGE_IN_KOREAN = {en: ko for ko, en in _STAGE_WORDS.items() if ko != "manager"}


class StagesField(TextAreaField):  # type: ignore[misc]
    """Stages of approval, one a line: “facility_manager”, “institution | companies | every”."""

    def data_of(self, value: list[dict[str, Any]] | None) -> str:
        return "\n".join(map(self._line, value or []))

    def _line(self, stage: dict[str, Any]) -> str:
        whom = stage.get("whom", "everyone")
        parts = [stage["by"], *([whom] if whom != "everyone" else [])]
        parts += ["every"] if stage.get("every") else []
        words = _STAGE_IN_KOREAN if locale_word() == "ko" else {}
        return " | ".join(words.get(part, part) for part in parts)

    def said(self) -> Sequence[Any] | None:
        lines = [line.strip() for line in (self.data or "").splitlines() if line.strip()]
        return [self._stage(line) for line in lines] or None

    def _stage(self, line: str) -> Any:
        parts = [part.strip().casefold() for part in line.split("|")]
        by, *rest = [_STAGE_WORDS.get(part, part) for part in parts]
        stage: dict[str, Any] = {"by": by}
        if rest[-1:] == ["every"]:
            stage["every"] = True
            rest.pop()
        if len(rest) > 1:
            return line
        return stage | ({"whom": rest[0]} if rest else {})


class CancelFeesField(TextAreaField):  # type: ignore[misc]
    """What giving up late costs, one a line: “24 h | 50”."""

    def data_of(self, value: list[dict[str, Any]] | None) -> str:
        return "\n".join(
            f"{duration_in_words(read_duration(fee['within']))} | {fee['percent']}"
            for fee in value or []
        )

    def said(self) -> Sequence[Any] | None:
        lines = [line.strip() for line in (self.data or "").splitlines() if line.strip()]
        if lines and lines[0].casefold() in _NOTHING:
            return ()  # Not the same as nothing said, which is the facility's.
        return [self._fee(line) for line in lines] or None

    def _fee(self, line: str) -> Any:
        within, _, percent = (part.strip() for part in line.partition("|"))
        percent = percent.removesuffix("%").strip()
        if not re.fullmatch(r"[0-9]{1,4}", percent, re.ASCII):
            return line
        return {"within": _written_span(within), "percent": int(percent)}


class PermitsField(TextAreaField):  # type: ignore[misc]
    """Permits that are asked for, one a line: “iacuc”, “lmo optional”."""

    def data_of(self, value: list[dict[str, Any]] | None) -> str:
        optional = " 선택" if locale_word() == "ko" else " optional"
        return "\n".join(
            permit["kind"] + ("" if permit.get("required", True) else optional)
            for permit in value or []
        )

    def said(self) -> Sequence[Any] | None:
        lines = [line.casefold().split() for line in (self.data or "").splitlines() if line.strip()]
        if lines and lines[0][0] in _NOTHING:
            return ()  # Not the same as nothing said, which is the facility's.
        return [self._permit(words) for words in lines] or None

    def _permit(self, words: list[str]) -> Any:
        kind, *rest = words
        if rest not in ([], ["optional"], ["선택"]):
            return " ".join(words)
        return {"kind": kind, "required": not rest}


class QuestionsField(TextAreaField):  # type: ignore[misc]
    """Questions, one a line: key | Korean | English | text, number, file, choices; “*”: needed."""

    def data_of(self, value: list[dict[str, Any]] | None) -> str:
        return "\n".join(map(self._line, value or []))

    def _line(self, question: dict[str, Any]) -> str:
        key = question["key"] + ("*" if question.get("required") else "")
        options = "; ".join(question.get("options") or [])
        kind = options or question.get("kind", "text")
        return " | ".join((key, question["label"]["ko"], question["label"]["en"], kind))

    def said(self) -> Sequence[Any] | None:
        lines = [line.strip() for line in (self.data or "").splitlines() if line.strip()]
        if lines and lines[0].casefold() in _NOTHING:
            return ()  # Not the same as nothing said, which is the facility's.
        return [self._question(line) for line in lines] or None

    def _question(self, line: str) -> Any:
        parts = [part.strip() for part in line.split("|")]
        if len(parts) not in (3, 4):
            return line
        key, ko, en, kind = (*parts, "text")[:4]
        question: dict[str, Any] = {"key": key.removesuffix("*"), "label": {"ko": ko, "en": en}}
        if key.endswith("*"):
            question["required"] = True
        if kind in ("text", "number", "file"):
            return question | {"kind": kind}
        options = [option.strip() for option in kind.split(";") if option.strip()]
        return question | {"kind": "choice", "options": options}
