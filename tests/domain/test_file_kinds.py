"""Files are what their content says: kinds, sizes, names."""

import io
import zipfile

import pytest

from app.domain.errors import Invalid
from app.domain.file_kinds import (
    DOCUMENTS,
    LARGEST,
    PHOTOS,
    FileKind,
    checked,
    kind_of,
    plain_name,
)

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20


def packed(*names: str) -> bytes:
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as file:
        for name in names:
            file.writestr(name, "x")
    return whole.getvalue()


DOCX = packed("[Content_Types].xml", "word/document.xml")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (b"%PDF-1.7\n", FileKind.PDF),
        (PNG, FileKind.PNG),
        (b"\xff\xd8\xff\xe0rest", FileKind.JPEG),
        (b"RIFF\0\0\0\0WEBPVP8 ", FileKind.WEBP),
        (DOCX, FileKind.DOCX),
        (packed("[Content_Types].xml", "xl/workbook.xml"), FileKind.XLSX),
        (packed("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin"), None),
        (packed("a.exe"), None),
        (b"PK\x03\x04 torn", None),
        (b"<html><script>alert(1)</script>", None),
        (b"RIFF\0\0\0\0WAVEfmt ", None),
        (b" %PDF-1.7", None),
        (b"", None),
    ],
)
def test_the_kind_is_told_by_the_content(content, kind):
    assert kind_of(content) is kind


def refused(content, allowed=DOCUMENTS) -> str:
    with pytest.raises(Invalid) as wrong:
        checked(content, allowed, "document")
    assert wrong.value.fields["document"] == wrong.value.text
    return wrong.value.text.en


def test_what_may_not_be_kept_is_refused_with_what_to_do():
    assert "empty" in refused(b"")
    assert "Choose one of pdf, docx, xlsx, png, jpg" in refused(b"MZ\x90 a program")
    assert "Choose one of png, jpg, webp" in refused(b"%PDF-1.7", PHOTOS)


def test_ten_megabytes_are_kept_and_a_byte_more_is_not():
    largest = PNG.ljust(LARGEST, b"\0")
    assert checked(largest, PHOTOS, "photo") is FileKind.PNG
    assert "at most 10 MB" in refused(largest + b"\0", PHOTOS)


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("계약서.pdf", "계약서.pdf"),
        ("../../etc/passwd", "passwd.pdf"),
        ("C:\\Users\\mina\\계약 2026.PDF", "계약 2026.pdf"),
        ("photo.php", "photo.pdf"),
        ("a\r\nX: 1\x00\u202egpj.pdf", "aX: 1gpj.pdf"),
        ("", "file.pdf"),
        ("...", "file.pdf"),
        ("x" * 900 + ".pdf", "x" * 195 + ".pdf"),
    ],
)
def test_a_name_keeps_neither_ways_nor_tricks(name, kept):
    assert plain_name(name, FileKind.PDF) == kept


def test_who_brings_a_heic_photo_is_told_how_to_take_it_otherwise():
    for allowed in (PHOTOS, DOCUMENTS):
        with pytest.raises(Invalid) as wrong:
            checked(b"\0\0\0\x18ftypheic" + b"\0" * 20, allowed, "photo")
        assert "HEIC" in wrong.value.text.ko
