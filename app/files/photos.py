"""Photos as they are kept: drawn anew, upright, of a sensible size, with nothing told besides.

What a telephone writes into a photo (where it was taken, when, with which device) is nobody's
business; and a file that was drawn anew carries nothing that a decoder might stumble over.
"""

import io
import struct
import threading
import zlib
from collections.abc import Sequence

from PIL import Image
from PIL.Image import Transpose

from app.domain.errors import Invalid, Text
from app.domain.file_kinds import PHOTOS, FileKind, checked, plain_name
from app.files.services import Upload

MOST = 3
LONGEST_SIDE = 2048

_FORMATS = {FileKind.JPEG: "JPEG", FileKind.PNG: "PNG", FileKind.WEBP: "WEBP"}
#: A few kilobytes can claim to be thousands of millions. Only JPEG, which is what telephones
#: take, is decoded no larger than needed; all others fill the memory with what they claim.
_MILLIONS = {FileKind.JPEG: 50, FileKind.PNG: 20, FileKind.WEBP: 20}
_ORIENTATION = 0x0112
#: What a telephone says of how it was held, and what turns the picture back.
_UPRIGHT = {
    2: Transpose.FLIP_LEFT_RIGHT,
    3: Transpose.ROTATE_180,
    4: Transpose.FLIP_TOP_BOTTOM,
    5: Transpose.TRANSPOSE,
    6: Transpose.ROTATE_270,
    7: Transpose.TRANSVERSE,
    8: Transpose.ROTATE_90,
}
#: What is decoded lies in the memory, so one at a time: many at once would fill it all the same.
_ALONE = threading.Lock()

_BOMBS = (Image.DecompressionBombError, Image.DecompressionBombWarning, MemoryError)
#: All that the decoders raise on bytes that are no picture.
_BROKEN = (OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, EOFError,
           AttributeError, struct.error, zlib.error)  # fmt: skip


def drawn_anew(uploads: Sequence[Upload], *, field: str) -> list[Upload]:
    """The photos as they may be kept; raises `Invalid` at the field with what to do."""
    if len(uploads) > MOST:
        raise too_many(field)
    return [_anew(each, field) for each in uploads]


def too_many(field: str) -> Invalid:
    return _invalid(
        field,
        f"사진은 {MOST}장까지 올릴 수 있습니다. 잘 보이는 것으로 골라 주세요.",
        f"At most {MOST} photos, please. Choose the ones that show it best.",
    )


def _anew(upload: Upload, field: str) -> Upload:
    kind = checked(upload.content, PHOTOS, field)
    name = plain_name(upload.name, kind)
    try:
        with _ALONE, Image.open(io.BytesIO(upload.content), formats=[_FORMATS[kind]]) as photo:
            # Before a single one of them is decoded.
            if photo.width * photo.height > _MILLIONS[kind] * 1_000_000:
                raise _too_many_pixels(name, kind, field)
            return Upload(name, _encoded(_small(photo, kind), kind))
    except _BOMBS:
        raise _too_many_pixels(name, kind, field) from None
    except _BROKEN:
        raise _invalid(
            field,
            f"사진을 읽을 수 없습니다({name}). 파일이 손상되었을 수 있으니 다시 찍거나 "
            "다른 사진을 골라 주세요.",
            f"This photo cannot be read ({name}): the file may be damaged. Take it "
            "again or choose another.",
        ) from None


def _small(photo: Image.Image, kind: FileKind) -> Image.Image:
    """Upright and small enough, in colours that its kind can say, without what came with it."""
    photo.draft("RGB", (LONGEST_SIDE, LONGEST_SIDE))  # JPEG alone: decodes no more than needed
    photo.load()
    turned = photo.getexif().get(_ORIENTATION, 1)
    if photo.mode not in {"RGB", "RGBA", "L"}:
        grey = photo.mode.startswith("I")  # 16 bits of grey
        seen = photo.convert("L" if grey else "RGBA" if photo.has_transparency_data else "RGB")
    else:
        seen = photo
    seen.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    clear = kind is not FileKind.JPEG and seen.has_transparency_data
    seen = seen.convert("RGBA" if clear else "RGB")
    bare = Image.new(seen.mode, seen.size)
    bare.paste(seen)
    return bare.transpose(_UPRIGHT[turned]) if turned in _UPRIGHT else bare


def _encoded(photo: Image.Image, kind: FileKind) -> bytes:
    whole = io.BytesIO()
    how = {"optimize": True} if kind is FileKind.PNG else {"quality": 85}
    photo.save(whole, _FORMATS[kind], **how)
    return whole.getvalue()


def _too_many_pixels(name: str, kind: FileKind, field: str) -> Invalid:
    most = _MILLIONS[kind]
    return _invalid(
        field,
        f"사진의 화소가 너무 많습니다({name}). {most}00만 화소 이하로 줄여서 올려 주세요.",
        f"This photo has too many pixels ({name}): at most {most} million. Make it "
        "smaller and try again.",
    )


def _invalid(field: str, ko: str, en: str) -> Invalid:
    text = Text(ko, en)
    return Invalid(text, {field: text})
