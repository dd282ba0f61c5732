"""Files among the answers: handed out by the page of what they belong to."""

from werkzeug.wrappers import Response as AnyResponse

from app.accounts.access import Action
from app.accounts.current import current
from app.files.models import StoredFile
from app.files.services import content_of
from app.reservations import answer_files
from app.web import uploads
from app.web.rights import open_to


@open_to(Action.SEE_RESERVATION)
def reservation_file(uid: str, file_uid: str) -> AnyResponse:
    """A file that was handed in with a reservation."""
    return _sent(answer_files.of_reservation(uid, file_uid, viewer=current()))


@open_to(Action.SEE_COMMISSION)
def commission_file(uid: str, file_uid: str) -> AnyResponse:
    """A file that was handed in with a commission."""
    return _sent(answer_files.of_commission(uid, file_uid, viewer=current()))


def _sent(file: StoredFile) -> AnyResponse:
    content = content_of(uploads.folder(), file)
    return uploads.sent(content, name=file.name, content_type=file.content_type)


ROUTES = (
    ("/reservations/<uid>/files/<file_uid>", reservation_file, ("GET",)),
    ("/commissions/<uid>/files/<file_uid>", commission_file, ("GET",)),
)
