"""Documents on paper: Typst sets a template of ours with JSON."""

import json
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from pathlib import Path
from threading import Lock
from typing import Any

import typst

from app.web.pages import BUILD

_APP = Path(__file__).resolve().parents[1]
#: A compiler keeps what it has read of one document while it sets the next, so one at a time.
_TURN = Lock()


def pdf(template: str, said: Mapping[str, Any], *, dated: datetime) -> bytes:
    """The PDF/UA document that `template`, a path below app/, makes of `said`.

    The same data of the same `dated` are the same bytes. Raises `LookupError` before `make setup`
    has built the fonts.
    """
    sent = {"said": json.dumps(said, ensure_ascii=False)}
    with _TURN:
        made = _compiler().compile(
            input=_APP / template,
            format="pdf",
            sys_inputs=sent,
            timestamp=dated,
            pdf_standards=["ua-1"],
        )
    assert isinstance(made, bytes)
    return made


@cache
def _compiler() -> typst.Compiler:
    fonts = sorted({str(each.parent) for each in BUILD.glob("pretendard-*/pdf/*.otf")})
    if not fonts:
        raise LookupError("The fonts of documents are missing; `make setup` builds them.")
    return typst.Compiler(root=_APP, font_paths=fonts, ignore_system_fonts=True)
