"""HTTP API of photos of faults."""

from typing import Annotated

from apiflask import APIBlueprint
from apiflask.fields import UploadFile
from apiflask.schemas import FileSchema
from flask import Response, jsonify, make_response
from pydantic import Field

from app import clock
from app.accounts.access import Action
from app.accounts.current import current
from app.domain.file_kinds import LARGEST
from app.files.services import Upload, content_of
from app.reservations import fault_photos, faults
from app.reservations.health_api import FAULT, fault_told
from app.reservations.health_schemas import FaultOut
from app.reservations.json_values import Input
from app.web import uploads
from app.web.rights import open_to
from app.web.told import told

bp = APIBlueprint("fault-photo-api", __name__, url_prefix="/api/v1", tag="Faults and closures")

_PHOTOS = "/faults/<int(max=2147483647):fault_id>/photos"


class PhotoIn(Input):
    """What it looks like."""

    photo: Annotated[
        UploadFile, Field(description="JPEG, PNG or WebP, at most 10 MB; it is drawn anew.")
    ]


@bp.post(_PHOTOS)
@open_to(Action.REPORT_FAULT)
@uploads.takes_files()
@bp.input(PhotoIn, location="files", arg_name="body", example={"photo": "laser.jpg"})
@bp.output(FaultOut, status_code=201, example=FAULT)
@told("not-allowed", "wrong-state")
def add_photo(fault_id: int, body: PhotoIn) -> Response:
    """Add a photo to a fault that stands: up to 3, by who reported it or deals with it."""
    sent = Upload(body.photo.filename or "", body.photo.read(LARGEST + 1))
    slug, folder = faults.slug_of(fault_id), uploads.folder()
    made = fault_photos.add_photo(current(), slug, fault_id, sent, folder, now=clock.now())
    return make_response(jsonify(fault_told(made, made.instrument)), 201)


@bp.get(f"{_PHOTOS}/<uid>")
@open_to(Action.REPORT_FAULT)
@bp.output(FileSchema, content_type="image/*")
@told("not-allowed")
def photo(fault_id: int, uid: str) -> Response:
    """A photo of a fault; JPEG, PNG or WebP, as it came."""
    file = fault_photos.photo_of(current(), faults.slug_of(fault_id), fault_id, uid)
    content = content_of(uploads.folder(), file)
    return uploads.sent(content, name=file.name, content_type=file.content_type)
