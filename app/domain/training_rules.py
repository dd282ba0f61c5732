"""Booking rules about what the person has learned: certificates, their levels, safety training."""

from datetime import date

from app.domain.booking_facts import BookingFacts, BookingRequest, Mode
from app.domain.errors import Refusal, Text
from app.domain.interval import Interval
from app.domain.local_time import day_interval, days_of
from app.domain.notation import iso_span, listed, shown, shown_day
from app.domain.training import LEVEL_NAMES, SAFETY_NAMES, Held, SafetyKind, hours_of_levels, rank


def person_is_qualified(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if not _needs_certificate(request, facts) or facts.qualification.certificates:
        return None
    where = _where_to_train(facts)
    return Refusal(
        "not-qualified",
        Text(
            f"이용 교육을 받고 수료증이 있는 사람만 직접 사용할 수 있는 장비입니다. {where.ko}",
            f"Only people who were trained and hold a certificate may work it. {where.en}",
        ),
        field="instrument",
    )


def certificate_is_current(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    held = facts.qualification.certificates
    if not _needs_certificate(request, facts) or not held or _current(request, facts):
        return None
    where, unused = _where_to_train(facts), facts.training.unused
    ends = [day for each in held if (day := each.ends_on(unused))]
    last = max(ends)  # One without an end would be current.
    lost = any(each.lost_after(unused) == last for each in held)
    until = _shown(last, facts)
    why = Text("오래 쓰지 않아 ", ", unused for so long,") if lost else Text("", "")
    return Refusal(
        "certificate-expired",
        Text(
            f"수료증이 {why.ko}{until.ko}까지만 유효하므로 이 시간에 쓰려면 교육을 다시 받아야 "
            f"합니다. {where.ko}",
            f"Your certificate{why.en} is good until {until.en} only: for this time you have to be "
            f"trained again. {where.en}",
        ),
        last.isoformat(),
        "instrument",
    )


def safety_training_is_current(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if request.mode is Mode.COMMISSIONED or not facts.training.safety:
        return None
    _, last_day = days_of(request.interval, facts.zone)
    wrong = [
        (kind, ended)
        for kind in facts.training.safety
        if (ended := _safety_end(kind, facts)) is None or ended < last_day
    ]
    if not wrong:
        return None
    names_ko = ", ".join(
        SAFETY_NAMES[kind].ko + (f"({_shown(ended, facts).ko}까지)" if ended else "")
        for kind, ended in wrong
    )
    names_en = ", ".join(
        SAFETY_NAMES[kind].en.lower()
        + (f" (yours ends on {_shown(ended, facts).en})" if ended else "")
        for kind, ended in wrong
    )
    known = [ended for _, ended in wrong if ended]
    return Refusal(
        "safety-training-expired",
        Text(
            f"유효한 안전교육 이수 기록이 필요합니다: {names_ko}. 소속 기관에서 교육을 받은 뒤 "
            "장비담당자에게 이수 확인을 요청해 주세요.",
            f"A current safety training is needed: {names_en}. Take it at your institution, "
            "then ask the facility's manager to record it.",
        ),
        min(known).isoformat() if known else None,
        "instrument",
    )


def within_level_hours(request: BookingRequest, facts: BookingFacts) -> Refusal | None:
    if not _needs_certificate(request, facts):
        return None
    levels = [each.level for each in _current(request, facts)]
    if not levels:
        return None  # refused for that alone
    first, last = days_of(request.interval, facts.zone)
    around = Interval(day_interval(first, facts.zone).start, day_interval(last, facts.zone).end)
    spans = hours_of_levels(levels, facts.training, around, facts.zone, facts.holidays)
    if any(span.contains(request.interval) for span in spans):
        return None
    level = LEVEL_NAMES[max(levels, key=rank)]
    if spans:
        times = listed(spans, facts.zone, facts.now)
        todo = Text(f"{times.ko} 안에서 골라 주세요.", f"Choose a time within {times.en}.")
    else:
        todo = Text("다른 날을 골라 주세요.", "Choose another day.")
    return Refusal(
        "level-hours",
        Text(
            f"‘{level.ko}’ 등급의 수료증으로는 이 시간에 사용할 수 없습니다. {todo.ko}",
            f"Your certificate ({level.en.lower()}) does not open this time. {todo.en}",
        ),
        iso_span(spans[0]) if spans else None,
        "starts_at",
    )


def still_to_learn(request: BookingRequest, facts: BookingFacts) -> list[Refusal]:
    """What a person lacks whatever time they choose near that of the request."""
    rules = (person_is_qualified, certificate_is_current, safety_training_is_current)
    return [refusal for rule in rules if (refusal := rule(request, facts))]


def _needs_certificate(request: BookingRequest, facts: BookingFacts) -> bool:
    return (
        request.mode is Mode.SELF_OPERATED
        and facts.training.certificate
        and not facts.qualification.exempt
    )


def _shown(day: date, facts: BookingFacts) -> Text:
    return shown_day(day_interval(day, facts.zone).start, facts.zone, facts.now)


def _current(request: BookingRequest, facts: BookingFacts) -> list[Held]:
    first, last = days_of(request.interval, facts.zone)
    unused = facts.training.unused
    return [each for each in facts.qualification.certificates if each.holds(first, last, unused)]


def _safety_end(kind: SafetyKind, facts: BookingFacts) -> date | None:
    """The last day on which the person counts as trained; None if they never were."""
    ends = [
        each.ends_on(facts.training.safety_validity) or date.max
        for each in facts.qualification.safety
        if each.kind is kind
    ]
    return max(ends, default=None)


def _where_to_train(facts: BookingFacts) -> Text:
    session = facts.qualification.next_session
    if session is None:
        return Text(
            "예정된 이용 교육이 없으니 장비담당자에게 문의해 주세요.",
            "No training session is planned; please ask the facility's manager.",
        )
    when = shown(session.starts_at, facts.zone, facts.now)
    return Text(
        f"다음 이용 교육은 {when.ko} ‘{session.title.ko}’입니다. "
        "‘이용 교육’ 화면에서 신청해 주세요.",
        f"The next training session is “{session.title.en}” on {when.en}: sign up on the page "
        "“Training”.",
    )
