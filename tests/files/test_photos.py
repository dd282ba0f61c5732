"""Photos are drawn anew: upright, small, without what telephones write into them."""

import io
import random
import struct
import zlib
from contextlib import suppress

import pytest
from PIL import Image, PngImagePlugin

from app.domain.errors import Invalid
from app.files.photos import LONGEST_SIDE, MOST, drawn_anew
from app.files.services import Upload

FORMATS = ("JPEG", "PNG", "WEBP")
ORIENTATION, MAKER = 0x0112, 0x010F


def picture(kind="JPEG", size=(40, 20), mode="RGB", **how) -> bytes:
    whole = io.BytesIO()
    seen = Image.new(mode, size)
    seen.paste(seen.getpixel((0, 0)) if mode == "P" else "white", (0, 0, size[0] // 2, size[1]))
    seen.save(whole, kind, **how)
    return whole.getvalue()


def told(orientation=1) -> Image.Exif:
    exif = Image.Exif()
    exif[ORIENTATION], exif[MAKER] = orientation, "SECRET-MAKER"
    return exif


def drawn(content: bytes, name="사진.jpg") -> Image.Image:
    (kept,) = drawn_anew([Upload(name, content)], field="photos")
    return Image.open(io.BytesIO(kept.content))


def chunk(name: bytes, content: bytes) -> bytes:
    check = struct.pack(">I", zlib.crc32(name + content))
    return struct.pack(">I", len(content)) + name + content + check


def bomb(width: int, height: int) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0" * 1000)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


@pytest.mark.parametrize("kind", FORMATS)
def test_it_stands_upright_and_says_nothing_of_where_it_was_taken(kind):
    sent = picture(kind, exif=told(orientation=6))
    assert b"SECRET-MAKER" in sent
    (kept,) = drawn_anew([Upload("사진", sent)], field="photos")
    assert b"SECRET-MAKER" not in kept.content
    seen = Image.open(io.BytesIO(kept.content))
    assert (seen.format, seen.size, dict(seen.getexif())) == (kind, (20, 40), {})
    top, bottom = seen.convert("L").getpixel((10, 5)), seen.convert("L").getpixel((10, 35))
    assert (top > 200, bottom < 50) == (True, True), "the left side is up"


def test_words_hidden_in_it_are_gone():
    words = PngImagePlugin.PngInfo()
    words.add_text("Comment", "SECRET")
    sent = picture("PNG", pnginfo=words)
    (kept,) = drawn_anew([Upload("a.png", sent + b"SECRET")], field="photos")
    assert b"SECRET" not in kept.content


@pytest.mark.parametrize("kind", FORMATS)
def test_a_large_one_is_made_smaller(kind):
    assert drawn(picture(kind, (3000, 1500))).size == (LONGEST_SIDE, LONGEST_SIDE // 2)


@pytest.mark.parametrize(
    ("kind", "mode"),
    [("JPEG", "L"), ("JPEG", "CMYK"), ("PNG", "1"), ("PNG", "I;16"), ("PNG", "LA"), ("PNG", "RGBA"),
     ("PNG", "P"), ("WEBP", "RGBA")],
)  # fmt: skip
def test_colours_of_every_sort_are_taken(kind, mode):
    whole = io.BytesIO()
    Image.new(mode, (8, 8)).save(whole, kind)
    assert drawn(whole.getvalue()).mode == ("RGBA" if mode in {"LA", "RGBA"} else "RGB")


@pytest.mark.parametrize(
    "content", [bomb(30_000, 30_000), bomb(5_000, 5_000), bomb(2**31 - 1, 2**31 - 1)]
)
def test_what_would_fill_the_memory_is_refused_before_it_is_decoded(content):
    with pytest.raises(Invalid) as wrong:
        drawn_anew([Upload("폭탄.png", content)], field="photos")
    assert "화소가 너무 많습니다(폭탄.png)" in wrong.value.fields["photos"].ko


@pytest.mark.parametrize("kind", FORMATS)
def test_half_a_photo_is_refused_in_words(kind):
    seen = Image.effect_noise((64, 64), 90).convert("RGB")
    whole = io.BytesIO()
    seen.save(whole, kind)
    sent = whole.getvalue()
    with pytest.raises(Invalid) as wrong:
        drawn_anew([Upload("반.jpg", sent[: len(sent) // 2])], field="photos")
    assert "읽을 수 없습니다" in wrong.value.fields["photos"].ko


@pytest.mark.filterwarnings("ignore::UserWarning:PIL")  # Pillow's own words on broken EXIF
@pytest.mark.parametrize("kind", FORMATS)
def test_no_damage_makes_more_than_a_sentence(kind):
    dice = random.Random(kind)
    sound = picture(kind, (64, 64), exif=told())
    for _ in range(150):
        hurt = bytearray(sound)
        for _ in range(dice.randint(1, 8)):
            hurt[dice.randrange(12, len(hurt))] = dice.randrange(256)
        with suppress(Invalid):
            drawn_anew([Upload("x", bytes(hurt))], field="photos")


def test_a_fourth_is_refused():
    sent = [Upload("a.jpg", picture())] * (MOST + 1)
    with pytest.raises(Invalid):
        drawn_anew(sent, field="photos")
