"""Fields for the permits and questions of one instrument, beside those that every form has."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import new_class
from typing import Any

from flask import url_for
from flask_babel import gettext
from flask_babel import lazy_gettext as _l
from markupsafe import Markup
from wtforms import Field, SelectChoice, SelectField, StringField
from wtforms.validators import Length, Optional

from app.catalog.models import Instrument
from app.catalog.policy import policy_of
from app.domain.errors import Text
from app.domain.permits import PERMIT_NAMES, Permit, Question, QuestionKind, until_key
from app.files.forms import DraftsField
from app.files.models import StoredFile
from app.files.queries import by_uids
from app.reservations.answer_files import CHOSEN, named_in
from app.reservations.commission_models import Commission
from app.reservations.models import Reservation
from app.web.pages import localized

#: Before the key of an answer, so that no question is mistaken for a field of the form itself.
PREFIX = "answer_"
#: So many files come in with a form at once.
MOST_FILES = 8
_SHORT = Length(max=500, message=_l("At most 500 characters, please."))


@dataclass(frozen=True, slots=True)
class AskedAlong:
    """What an instrument asks that is, or may be, reserved along with another."""

    instrument: Instrument
    accessory: bool
    names: Sequence[str]  # of the fields


def asking(
    form: type[Any],
    instrument: Instrument,
    also: dict[str, Any],
    along: Iterable[Instrument] = (),
) -> Any:
    """The form with a field for all that the instrument asks, and what comes along, and `also`.

    The same question is asked once; `asked_along` tells which fields are whose.
    """
    policy = policy_of(instrument)
    fields = answer_fields(policy.permits, policy.questions)
    known = list(policy.questions)
    asked_along = []
    for each in along:
        policy = policy_of(each)
        new = [question for question in policy.questions if question not in known]
        clash = [question for question in new if PREFIX + question.key in fields]
        more = {
            **answer_fields(policy.permits, [one for one in new if one not in clash]),
            **answer_fields((), clash, of=f"{each.slug}."),
        }
        names = [name for name in more if name not in fields]
        fields |= {name: more[name] for name in names}
        known += new
        if names:
            accessory = each.slug not in instrument.needs and each.slug in instrument.accessories
            asked_along.append(AskedAlong(each, accessory, names))
    body = {**fields, **also, "asked_along": asked_along}
    return new_class(form.__name__, (form,), exec_body=lambda its: its.update(body))


def answer_fields(
    permits: Iterable[Permit], questions: Iterable[Question], of: str = ""
) -> dict[str, Any]:
    """Name and field for each permit, with the day on which it expires, and each question."""
    fields: dict[str, Any] = {}
    for permit in permits:
        needed = [] if permit.required else [Optional()]
        fields[PREFIX + permit.kind] = StringField(
            localized(PERMIT_NAMES[permit.kind]), [*needed, _SHORT]
        )
        fields[PREFIX + until_key(permit.kind)] = StringField(
            gettext("%(permit)s: valid until", permit=localized(PERMIT_NAMES[permit.kind])),
            [*needed, _SHORT],
            render_kw={"type": "date"},
        )
    for question in questions:
        fields[PREFIX + of + question.key] = _field(question)
    return fields


def _field(question: Question) -> Any:
    needed = [] if question.required else [Optional()]
    label = localized(question.label)
    if question.kind is QuestionKind.FILE:
        hint = gettext("PDF, Word, Excel or a picture, at most 10 MB.")
        return DraftsField(label, needed, description=hint)
    if question.kind is QuestionKind.CHOICE:
        nothing = SelectChoice("", gettext("Please choose"))
        options = [SelectChoice(option, option) for option in question.options]
        return SelectField(label, needed, choices=[nothing, *options], validate_choice=False)
    number = {"inputmode": "decimal"} if question.kind is QuestionKind.NUMBER else {}
    return StringField(label, [*needed, _SHORT], render_kw=number)


def answers_of(fields: Mapping[str, Field], clean: Any) -> dict[str, str]:
    """What was typed, by the keys of the answers; what was left empty is left out."""
    typed = {
        name.removeprefix(PREFIX): "".join(field.data)
        if isinstance(field, DraftsField)
        else clean(field.data)
        for name, field in fields.items()
        if name.startswith(PREFIX)
    }
    return {key: text for key, text in typed.items() if text}


def fill_in_answers(form: Iterable[Field], reservation: Reservation | Commission) -> None:
    """Show what was answered for a reservation or a commission."""
    for field in form:
        if field.name.startswith(PREFIX):
            said = reservation.answers.get(field.name.removeprefix(PREFIX), "")
            field.data = [said] if said and isinstance(field, DraftsField) else said


def suppose_files(fields: Iterable[Field]) -> None:
    """In a dry run, take files that are chosen in the form and not sent yet for answers."""
    for field in fields:
        if isinstance(field, DraftsField) and field.unsent:
            field.data = [CHOSEN]


def answers_in_words(
    reservation: Reservation | Commission,
    main: Reservation | None = None,
    known: Mapping[str, StoredFile] | None = None,
) -> list[tuple[str, str]]:
    """What was asked, as it was asked then, and what was answered: of a file a link to it.

    `main`: whose page hands out the files of what was reserved along. `known`: its files, where
    those of many are read at once.
    """
    if known is None:
        known = files_of((reservation,))
    return said_in_words(main or reservation, reservation.asked, reservation.answers, known)


def said_in_words(
    of: Reservation | Commission,
    asked: Sequence[Mapping[str, Any]],
    answers: Mapping[str, str],
    known: Mapping[str, StoredFile],
) -> list[tuple[str, str]]:
    """The answers to what was asked, with links to files that the page `of` hands out."""
    told: list[tuple[str, str]] = []
    for kind, name in PERMIT_NAMES.items():
        if number := answers.get(kind):
            until = answers.get(until_key(kind))
            words = gettext("%(number)s, until %(day)s", number=number, day=until)
            told.append((localized(name), words if until else number))
    for question in asked:
        if said := answers.get(question["key"]):
            file = known.get(said) if question.get("kind") == QuestionKind.FILE else None
            told.append((localized(Text(**question["label"])), _link(file, of) if file else said))
    return told


def files_of(all_: Iterable[Reservation | Commission]) -> dict[str, StoredFile]:
    """The files among the answers of all, by their uids, in one statement; in none without any."""
    uids = {uid for each in all_ for uid in named_in(each).values()}
    return by_uids(uids) if uids else {}


def _link(file: StoredFile, of: Reservation | Commission) -> str:
    kind = "reservation" if isinstance(of, Reservation) else "commission"
    href = url_for(f"reservations.{kind}_file", uid=of.uid, file_uid=file.uid)
    return Markup('<a class="link break-all" href="{}">{}</a>').format(href, file.name)


def all_answers_in_words(
    reservation: Reservation,
    beside: Mapping[str, Sequence[Reservation]],
    known: Mapping[str, StoredFile],
) -> list[tuple[str, str]]:
    """The same with what was reserved along, under its name where it asked something else.

    `beside`: the companions, and `known`: the files of all, read for all that a page shows; see
    `linked.companions_of` and `files_of`.
    """
    told = answers_in_words(reservation, known=known)
    for each in beside[reservation.uid]:
        name = localized(each.instrument)
        own = [line for line in answers_in_words(each, reservation, known) if line not in told]
        told += [(f"{name}: {asked}", said) for asked, said in own]
    return told
