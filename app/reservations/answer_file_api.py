"""HTTP API of files that answer what a facility asks: handed in before, named by their uid."""

from datetime import datetime
from typing import Annotated, Any

from apiflask import APIBlueprint
from apiflask.fields import UploadFile
from apiflask.schemas import FileSchema
from flask import Response
from pydantic import BaseModel, Field

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.file_kinds import DOCUMENTS, LARGEST
from app.files.jobs import DRAFTS_KEPT
from app.files.models import StoredFile
from app.files.services import Upload, content_of, put_draft
from app.reservations import answer_files
from app.reservations.json_values import Input
from app.web import uploads
from app.web.rights import SIGNED_IN, open_to
from app.web.told import told

bp = APIBlueprint("answer-file-api", __name__, url_prefix="/api/v1", tag="Reservations")


class FileIn(Input):
    """A file for a question of the kind `file`."""

    file: Annotated[UploadFile, Field(description="PDF, Word, Excel, PNG or JPEG, at most 10 MB.")]


class DraftOut(BaseModel):
    """A file that belongs to nothing yet."""

    uid: str = Field(description="What to write into `answers`.")
    name: str
    size: int = Field(description="In bytes.")
    content_type: str
    kept_until: datetime = Field(description="When it is removed if nothing names it by then.")


_DRAFT = {
    "uid": "0f3b5f0e8f6b4c0c9d3f2f4f5a6b7c8d",
    "name": "samples.xlsx",
    "size": 18342,
    "content_type": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "kept_until": "2026-12-02T01:00:00Z",
}


@bp.post("/files")
@open_to(SIGNED_IN)
@uploads.takes_files()
@bp.input(FileIn, location="files", arg_name="body", example={"file": "samples.xlsx"})
@bp.output(DraftOut, status_code=201, example=_DRAFT)
def hand_in(body: FileIn) -> dict[str, Any]:
    """Hand in a file that is to answer a question; name its uid in `answers` within a day."""
    now, sent = clock.now(), body.file
    upload = Upload(sent.filename or "", sent.read(LARGEST + 1))
    made = put_draft(uploads.folder(), upload, DOCUMENTS, field="file", owner=current(), now=now)
    return {
        "uid": made.uid,
        "name": made.name,
        "size": made.size,
        "content_type": made.content_type,
        "kept_until": made.made_at + DRAFTS_KEPT,
    }


@bp.get("/reservations/<uid>/files/<file_uid>")
@open_to(Action.SEE_RESERVATION)
@bp.output(FileSchema, content_type="application/octet-stream")
@told("not-allowed")
def read_file(uid: str, file_uid: str) -> Response:
    """A file that was handed in with a reservation; `answers` names its uid."""
    return _sent(answer_files.of_reservation(uid, file_uid, viewer=current()))


@bp.get("/commissions/<uid>/files/<file_uid>")
@open_to(Action.SEE_COMMISSION)
@bp.doc(tags=["Commissions"])
@bp.output(FileSchema, content_type="application/octet-stream")
def read_file_of_commission(uid: str, file_uid: str) -> Response:
    """A file that was handed in with a commission; `answers` names its uid."""
    return _sent(answer_files.of_commission(uid, file_uid, viewer=current()))


def _sent(file: StoredFile) -> Response:
    content = content_of(uploads.folder(), file)
    return uploads.sent(content, name=file.name, content_type=file.content_type)
