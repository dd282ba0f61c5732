"""What the documentation of the HTTP API shows of the catalogue."""

from typing import Any

SLUG = "kaist-biocore-confocal"
_HERE = "https://dure.example"

INSTRUMENT: dict[str, Any] = {
    "slug": SLUG,
    "name": {"ko": "공초점 현미경", "en": "Confocal microscope"},
    "kind": "instrument",
    "institution": {"slug": "kaist", "name": {"ko": "한국과학기술원", "en": "KAIST"}},
    "facility": {
        "slug": "kaist-biocore",
        "name": {"ko": "바이오코어센터", "en": "Bio Core Facility"},
    },
    "techniques": [
        {"slug": "confocal", "name": {"ko": "공초점 현미경법", "en": "Confocal microscopy"}}
    ],
    "classification": "optical-electron-imaging",
    "use_scope": "public_use_service",
    "use_state": "in_use",
    "maker": "Zeiss",
    "model": "LSM 980",
    "registration_number": None,
    "location": {"ko": "E7 1층", "en": "E7, ground floor"},
    "timezone": "Asia/Seoul",
    "capacity": 1,
    "booking": {"slot": "PT30M", "shortest": "PT30M", "longest": "PT8H", "approval": "open"},
    "prices": None,
    "illustrative": True,
    "booking_illustrative": True,
    "retired": False,
    "links": {
        "self": f"{_HERE}/api/v1/instruments/{SLUG}",
        "page": f"{_HERE}/instruments/{SLUG}",
        "busy": f"{_HERE}/api/v1/instruments/{SLUG}/busy",
    },
}
INSTRUMENTS: dict[str, Any] = {"items": [INSTRUMENT], "next": "a2Fpc3Q"}
_NOTHING = {"ko": "", "en": ""}
WHOLE: dict[str, Any] = {
    **INSTRUMENT,
    "opening_hours": {"mon-fri": ["09:00-18:00"]},
    "private_use_reason": _NOTHING,
    "asset_number": None,
    "model_example": None,
    "purposes": ["analysis"],
    "acquired_on": None,
    "acquisition_cost": None,
    "features": {"ko": "형광 4채널", "en": "Four fluorescence channels"},
    "capability": _NOTHING,
    "examples": _NOTHING,
    "safety": _NOTHING,
    "note": _NOTHING,
    "website": None,
    "documents": [],
    "contact": {"email": "biocore@kaist.example.org"},
    "sources": [],
    "needs": [],
    "accessories": [],
}
