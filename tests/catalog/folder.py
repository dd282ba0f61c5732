"""A small contributed catalogue on disk, which tests change and read again."""

from pathlib import Path
from typing import Any

import yaml

from app.catalog import loader
from app.catalog.loader import Contributions

INSTITUTION: dict[str, Any] = {
    "name": {"ko": "한국대학교", "en": "Hanguk University"},
    "kind": "university",
    "colours": {"light": "#1d4ed8", "dark": "#93c5fd"},
    "illustrative": True,
}
FACILITY: dict[str, Any] = {
    "name": {"ko": "영상센터", "en": "Imaging centre"},
    "location": {"ko": "본관 101호", "en": "Main building, room 101"},
    "managers": ["sora@example.org"],
    "opening_hours": {"mon-fri": ["09:00-18:00"]},
    "booking": {"slot": "PT1H", "shortest": "PT1H"},
    "illustrative": True,
}
CONFOCAL: dict[str, Any] = {
    "facility": "hanguk-imaging",
    "kind": "instrument",
    "name": {"ko": "공초점 현미경", "en": "Confocal microscope"},
    "maker": "Nikon",
    "registration_number": "NFEC-2024-03-123456",
    "classification": "optical-electron-imaging",
    "techniques": ["widefield", "confocal"],
    "use_scope": "joint_use",
    "features": {"ko": "**살아 있는** 세포를 봅니다.", "en": "Sees *living* cells."},
    "acquisition": {"on": "2024-03-31", "cost": 500_000_000},
    "documents": [{"title": {"ko": "안내", "en": "Guide"}, "url": "https://example.org/guide"}],
    "booking": {"longest": "PT4H"},
    "contact": {"email": "imaging@example.org"},
    "prices": {"unit": "hour", "own_institution": 10_000, "partner": 20_000},
    "illustrative": True,
}
TECHNIQUES = {
    "confocal": {"ko": "공초점 현미경법", "en": "Confocal microscopy"},
    "widefield": {"ko": "형광 현미경법", "en": "Widefield microscopy"},
}


class Folder:
    """The files, by path; `with_` and `without` change them one by one."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.with_("techniques.yaml", TECHNIQUES)
        self.with_("hanguk/institution.yaml", INSTITUTION)
        self.with_("hanguk/facilities/hanguk-imaging.yaml", FACILITY)
        self.with_("hanguk/hanguk-confocal.yaml", CONFOCAL)

    def with_(self, path: str, content: dict[str, Any], **changed: Any) -> None:
        (self.path / path).parent.mkdir(parents=True, exist_ok=True)
        text = yaml.safe_dump({**content, **changed}, allow_unicode=True, sort_keys=False)
        (self.path / path).write_text(text, encoding="utf-8")

    def confocal(self, **changed: Any) -> None:
        self.with_("hanguk/hanguk-confocal.yaml", CONFOCAL, **changed)

    def without(self, path: str) -> None:
        (self.path / path).unlink()

    def read(self) -> Contributions:
        return loader.read(self.path)
