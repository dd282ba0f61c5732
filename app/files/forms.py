"""A field for files that outlives a refused form: what was sent is kept as a draft and named."""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from werkzeug.datastructures import FileStorage
from wtforms import Field

from app.accounts.models import User
from app.domain.errors import Invalid
from app.domain.file_kinds import DOCUMENTS, LARGEST, FileKind
from app.domain.permits import is_uid
from app.files import queries
from app.files.models import StoredFile
from app.files.services import Upload, put_draft
from app.web.pages import localized

#: Before the uid of a draft that is to be taken out again.
OUT = "-"
#: What htmx sends in place of a file while a form is only looked at.
_UNSENT = "[object File]"


class DraftsField(Field):
    """Files chosen now, and those handed in when the form was refused, by their uids.

    All come under one name: files, uids, and behind `OUT` the uids of what is taken out again.
    """

    errors: Sequence[str]

    def __init__(
        self,
        label: Any = None,
        validators: Any = (),
        *,
        most: int = 1,
        allowed: Collection[FileKind] = DOCUMENTS,
        **kwargs: Any,
    ) -> None:
        self.most, self.allowed = most, allowed
        self.uploads: Sequence[FileStorage] = ()
        self.held: Sequence[StoredFile] = ()  # those of `data` that the page may name
        self.unsent = False
        super().__init__(label, validators, **kwargs)

    @property
    def accept(self) -> str:
        return ",".join(f".{kind.value}" for kind in FileKind if kind in self.allowed)

    def process_data(self, value: Sequence[str] | None) -> None:
        self.data = list(value or ())

    def process_formdata(self, valuelist: Sequence[Any]) -> None:
        said = [value for value in valuelist if isinstance(value, str)]
        self.uploads = [
            value for value in valuelist if isinstance(value, FileStorage) and value.filename
        ]
        uids = dict.fromkeys(value for value in said if is_uid(value) and OUT + value not in said)
        # One too many comes in, so that a sentence can refuse it.
        self.data = list(uids)[: 1 if self.most == 1 else self.most + 1]
        self.unsent = _UNSENT in said

    def refuse(self, wrong: Invalid) -> None:
        said = localized((wrong.fields or {}).get(self.name, wrong.text))
        self.process_errors.append(said)  # Validation begins with these.
        self.errors = list(dict.fromkeys([*self.errors, said]))


def take_drafts(
    form: Iterable[Field],
    owner: User,
    folder: Path,
    *,
    now: datetime,
    prepared: Callable[[Upload], Upload] = lambda upload: upload,
) -> None:
    """Keep what was sent as drafts before all else, so that no refusal loses it.

    Of a field for one file another one takes the place of what was there.
    """
    for field in form:
        if not isinstance(field, DraftsField):
            continue
        for sent in field.uploads[: 1 if field.most == 1 else field.most + 1]:
            try:
                sent.seek(0)  # It may have been read before it was refused.
                # One byte more than may be, so that a sentence can refuse it.
                upload = prepared(Upload(sent.filename or "", sent.read(LARGEST + 1)))
                made = put_draft(
                    folder, upload, field.allowed, field=field.name, owner=owner, now=now
                )
            except Invalid as wrong:
                field.refuse(wrong)
            else:
                field.data = [made.uid] if field.most == 1 else [*field.data, made.uid]


def name_drafts(form: Iterable[Field], owner: User, besides: Collection[str] = ()) -> None:
    """Let the page name what is handed in already: the person's own, and `besides`."""
    fields = [field for field in form if isinstance(field, DraftsField)]
    if not any(field.data for field in fields):
        return
    known = queries.by_uids([uid for field in fields for uid in field.data])
    for field in fields:
        found = [known[uid] for uid in field.data if uid in known]
        field.held = [each for each in found if each.owner_id == owner.id or each.uid in besides]
