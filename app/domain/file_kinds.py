"""What a file that somebody hands in really is: told by its content, never by its name."""

import io
import unicodedata
import zipfile
from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from app.domain.errors import Invalid, Text

LARGEST = 10 * 1024 * 1024
_LONGEST_NAME = 200
_ZIP = b"PK\x03\x04"


class FileKind(StrEnum):
    """The kinds of files that are kept; the word is also the ending of their names."""

    PDF = "pdf"
    DOCX = "docx"
    XLSX = "xlsx"
    PNG = "png"
    JPEG = "jpg"
    WEBP = "webp"


CONTENT_TYPES: Mapping[FileKind, str] = MappingProxyType(
    {
        FileKind.PDF: "application/pdf",
        FileKind.DOCX: "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        FileKind.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        FileKind.PNG: "image/png",
        FileKind.JPEG: "image/jpeg",
        FileKind.WEBP: "image/webp",
    }
)
PHOTOS = frozenset({FileKind.JPEG, FileKind.PNG, FileKind.WEBP})
DOCUMENTS = frozenset(FileKind) - {FileKind.WEBP}


def kind_of(content: bytes) -> FileKind | None:
    """By the first bytes; of a packed document also by what lies in it. None: not known."""
    if content.startswith(b"%PDF-"):
        return FileKind.PDF
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return FileKind.PNG
    if content.startswith(b"\xff\xd8\xff"):
        return FileKind.JPEG
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return FileKind.WEBP
    return _packed(content) if content.startswith(_ZIP) else None


def is_heic(content: bytes) -> bool:
    """What iPhones and some others take photos as, unless told otherwise."""
    brands = {b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1"}
    return content[4:8] == b"ftyp" and content[8:12] in brands


def _packed(content: bytes) -> FileKind | None:
    """A document of an office program; one with macros is none. Only the list is read."""
    try:
        names = set(zipfile.ZipFile(io.BytesIO(content)).namelist())
    except (zipfile.BadZipFile, ValueError, OverflowError, RuntimeError):
        return None
    if "[Content_Types].xml" not in names or any("vba" in name.lower() for name in names):
        return None
    if "word/document.xml" in names:
        return FileKind.DOCX
    return FileKind.XLSX if "xl/workbook.xml" in names else None


def checked(content: bytes, allowed: Collection[FileKind], field: str) -> FileKind:
    """The kind of a file that may be kept; raises `Invalid` at the field with what to do."""
    if not content:
        raise _invalid(
            field, "빈 파일입니다. 다른 파일을 골라 주세요.", "This file is empty. Choose another."
        )
    if len(content) > LARGEST:
        raise _invalid(
            field,
            "파일이 너무 큽니다. 10MB 이하로 줄여서 올려 주세요.",
            "This file is too large: at most 10 MB. Make it smaller and try again.",
        )
    kind = kind_of(content)
    if kind is None and FileKind.JPEG in allowed and is_heic(content):
        raise _invalid(
            field,
            "HEIC 사진은 받지 않습니다. JPEG로 저장해서 올려 주세요. 아이폰은 설정 > 카메라 > "
            "포맷에서 '높은 호환성'을 고르면 JPEG로 찍습니다.",
            "HEIC photos are not taken. Save it as JPEG and try again; an iPhone takes JPEG with "
            "Settings > Camera > Formats > Most Compatible.",
        )
    if kind is None or kind not in allowed:
        endings = ", ".join(each.value for each in FileKind if each in allowed)
        raise _invalid(
            field,
            f"올릴 수 없는 형식입니다. {endings} 파일을 골라 주세요. "
            "이름만 바꾼 파일은 받지 않습니다.",
            f"This kind of file is not taken. Choose one of {endings}: "
            "the content counts, not the name.",
        )
    return kind


def plain_name(name: str, kind: FileKind) -> str:
    """The name as people know it, without its way on their disk, ending as its content says."""
    last = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    seen = "".join(letter for letter in last if unicodedata.category(letter)[0] != "C")
    stem = seen.rsplit(".", 1)[0].strip(" .")[: _LONGEST_NAME - 5].strip()
    return f"{stem or 'file'}.{kind.value}"


def _invalid(field: str, ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {field: text})
