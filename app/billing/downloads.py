"""Statements and settlements as files to keep."""

from flask import Response

from app.billing import documents
from app.domain.errors import Invalid, Text
from app.web import xlsx_files

_TYPES = {
    "pdf": "application/pdf",
    "json": "application/json",
    "csv": "text/csv",
    "xlsx": xlsx_files.TYPE,
}


def must_be_a_kind(kind: str) -> None:
    """Raises `Invalid` for a kind of file that there is none of."""
    if kind not in documents.KINDS:
        kinds = ", ".join(documents.KINDS)
        raise Invalid(
            Text(f"{kinds} 가운데 하나로 받을 수 있습니다.", f"It can be had as one of {kinds}.")
        )


def download(content: bytes, name: str, kind: str) -> Response:
    """The content as a file of that name."""
    answer = Response(content, mimetype=_TYPES[kind])
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}.{kind}"'
    return answer
