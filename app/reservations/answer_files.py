"""Files among the answers: whose they are, from when on they are kept, and who reads them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from app.accounts.models import User
from app.catalog.models import Instrument
from app.catalog.policy import policy_of
from app.domain.answer_rules import no_file
from app.domain.errors import BookingRefused, NotAllowed, NotFound, Refusal, Text
from app.domain.file_kinds import DOCUMENTS
from app.domain.permits import QuestionKind, answers_along, is_uid
from app.files import queries as files
from app.files.models import StoredFile
from app.files.services import keep as keep_files
from app.reservations import commission_queries, queries
from app.reservations.commission_models import Commission
from app.reservations.linked import Along, companions
from app.reservations.models import Reservation

#: In a dry run it stands for a file that is chosen in the form and not sent yet.
CHOSEN = "0" * 32


def together(instrument: Instrument, along: Iterable[Along]) -> list[Instrument]:
    return [instrument, *(each.instrument for each in along)]


def keep(
    user: User,
    instruments: Sequence[Instrument],
    answers: Mapping[str, str],
    *,
    now: datetime,
    already: Collection[str] = (),
) -> None:
    """Let the files that answer belong to what is asked for, within the caller's transaction.

    `instruments`: first the one that is asked for. `already`: files that belonged to it before,
    whoever handed them in. Raises `BookingRefused` for what is nobody's, or somebody else's.
    """
    named = _named(instruments, answers)
    new = {uid for _, uid in named.values()} - set(already)
    there = keep_files(new, DOCUMENTS, owner=user, now=now) | set(already)
    if lost := _lost(named, there):
        raise BookingRefused(lost)


def lacking(
    user: User, instruments: Sequence[Instrument], answers: Mapping[str, str]
) -> list[Refusal]:
    """What `keep` would refuse; nothing is written."""
    named = _named(instruments, answers)
    found = files.by_uids({uid for _, uid in named.values()}) if named else {}
    own = {each.uid for each in found.values() if each.owner_id == user.id}
    return _lost(named, {uid for uid in own if found[uid].kind in DOCUMENTS} | {CHOSEN})


def _named(
    instruments: Sequence[Instrument], answers: Mapping[str, str]
) -> dict[str, tuple[Text, str]]:
    """The questions that a file answers, by the keys of the answers."""
    named: dict[str, tuple[Text, str]] = {}
    for index, instrument in enumerate(instruments):
        given = answers_along(instrument.slug, answers) if index else answers
        for question in policy_of(instrument).questions:
            uid = str(given.get(question.key) or "").strip()
            if question.kind is QuestionKind.FILE and uid:
                own = f"{instrument.slug}.{question.key}"
                key = own if index and own in answers else question.key
                named[key] = question.label, uid
    return named


def _lost(named: Mapping[str, tuple[Text, str]], there: Collection[str]) -> list[Refusal]:
    return [
        Refusal("answer-missing", _not_there(label) if is_uid(uid) else no_file(label),
                field=f"answers.{key}")
        for key, (label, uid) in named.items()
        if uid not in there
    ]  # fmt: skip


def _not_there(label: Text) -> Text:
    return Text(
        f"‘{label.ko}’의 파일을 찾을 수 없습니다. 본인이 올린 파일만 쓸 수 있고, 올린 뒤 하루 "
        "안에 신청해야 합니다. 파일을 다시 올려 주세요.",
        f"The file for “{label.en}” is not there. It has to be one that you handed in yourself, "
        "less than a day ago. Hand it in once more.",
    )


def named_in(found: Reservation | Commission) -> dict[str, str]:
    """The uids of its files by the keys of the questions, as these were asked then."""
    keys = [each["key"] for each in found.asked if each.get("kind") == QuestionKind.FILE]
    return {key: found.answers[key] for key in keys if found.answers.get(key)}


def of(found: Reservation | Commission) -> set[str]:
    """The uids of all its files, with those of what was reserved along."""
    along = companions(found) if isinstance(found, Reservation) else ()
    return {uid for each in (found, *along) for uid in named_in(each).values()}


def of_reservation(uid: str, file_uid: str, *, viewer: User) -> StoredFile:
    """A file of a reservation, for who reads what was said to its facility."""
    found = queries.by_uid(uid, viewer=viewer)
    if not queries.sees_whole(viewer, found):
        raise NotAllowed(
            Text(
                "참여자는 시설에 낸 파일을 볼 수 없습니다. 예약한 사람에게 문의해 주세요.",
                "Who only takes part does not see what was handed in to the facility. Ask who "
                "reserved it.",
            )
        )
    there = of(found)
    return _file_of(file_uid, there if file_uid in there else _replaced_in(found))


def of_commission(uid: str, file_uid: str, *, viewer: User) -> StoredFile:
    return _file_of(file_uid, of(commission_queries.by_uid(uid, viewer=viewer)))


def _replaced_in(found: Reservation) -> set[str]:
    """Files that others took the place of, while it was held by who holds it now."""
    keys = {each["key"] for each in found.asked if each.get("kind") == QuestionKind.FILE}
    uids: set[str] = set()
    for row, _actor in queries.history(found.uid) if keys else ():
        if row.action == "take-over":
            uids.clear()
        elif row.action == "change-reservation" and "answers" in row.detail:
            was = row.detail["answers"][0] or {}
            uids |= {said for key, said in was.items() if key in keys}
    return uids


def _file_of(uid: str, there: Collection[str]) -> StoredFile:
    if uid not in there or (file := files.by_uids([uid]).get(uid)) is None:
        raise NotFound(Text("해당 파일을 찾을 수 없습니다.", "There is no such file."))
    return file


def names_for(values: Iterable[object]) -> list[str]:
    """Answers as people read them: files by their names."""
    said = [str(value) for value in values]
    uids = [each for each in said if is_uid(each)]
    known = files.by_uids(uids) if uids else {}
    return [known[each].name if each in known else each for each in said]
