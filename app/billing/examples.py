"""Answers as the documentation of the HTTP API shows them."""

from typing import Any

_UID = "43fa25cab5e7444cb72d5dce90870408"
_AT = "https://dure.example"

_HEAD: dict[str, Any] = {
    "uid": _UID,
    "number": "2026-0007",
    "month": "2026-11",
    "supplier": {
        "slug": "kaist",
        "name_ko": "한국과학기술원",
        "name_en": "KAIST",
        "registration_number": "314-82-01234",
    },
    "payer": {
        "slug": "cnu",
        "name_ko": "충남대학교",
        "name_en": "Chungnam National University",
        "registration_number": None,
    },
    "dated": "2026-11-30",
    "due_on": "2026-12-30",
    "currency": "KRW",
    "net": 60_000,
    "vat": 0,
    "total": 60_000,
    "sponsored": 20_000,
    "due": 40_000,
    "links": {"self": f"{_AT}/api/v1/statements/{_UID}", "page": f"{_AT}/statements/{_UID}"},
}
STATEMENTS = {"items": [_HEAD], "next": None}
STATEMENT = {
    **_HEAD,
    "lines": [
        {
            "id": 812,
            "position": 1,
            "kind": "use",
            "reservation": "3f1c9a5e7b2d4f60a8c1e5d97b3f2a64",
            "instrument": "kaist-biocore-confocal",
            "name_ko": "공초점 현미경",
            "name_en": "Confocal microscope",
            "equipment_number": "NFEC-2021-05-270123",
            "user": "김민서",
            "mode": "self_operated",
            "day": "2026-11-12",
            "quantity": "2",
            "unit": "hour",
            "unit_price": 30_000,
            "percent": "100",
            "account": "CNU-2026-017",
            "net": 60_000,
            "vat": 0,
            "total": 60_000,
            "sponsored": [
                {
                    "fund": "daejeon-physician-scientist-2026",
                    "sponsor": "daejeon",
                    "amount": 20_000,
                }
            ],
            "corrects": None,
            "correction": None,
        }
    ],
    "payments": [{"number": 1, "amount": 30_000, "paid_on": "2026-12-20", "note": "transfer 1120"}],
    "open": 10_000,
}
PAYMENT = {"number": 1, "amount": 30_000, "paid_on": "2026-12-20", "note": "transfer 1120"}
OBJECTION = {"reason": "The instrument stopped after half an hour."}
DISPUTE: dict[str, Any] = {
    "id": 3,
    "statement": _UID,
    "position": 1,
    "reservation": "3f1c9a5e7b2d4f60a8c1e5d97b3f2a64",
    **OBJECTION,
    "raised_at": "2026-12-03T01:00:00Z",
    "raised_by": "윤서준",
    "upheld": None,
    "answer": "",
    "answered_at": None,
}
ANSWER = {"net": 15_000, "answer": "The log of the instrument says so, too."}
ANSWERED = {
    **DISPUTE,
    "upheld": True,
    "answer": ANSWER["answer"],
    "answered_at": "2026-12-04T01:00:00Z",
}
SETTLEMENT = {
    "month": "2026-11",
    "state": "closed",
    "matrix": [
        {
            "supplier": "kaist",
            "payer": "cnu",
            "net": 60_000,
            "vat": 0,
            "total": 60_000,
            "sponsored": 20_000,
        }
    ],
    "balances": {"cnu": -40_000, "daejeon": -20_000, "kaist": 60_000},
    "transfers": [
        {"from": "cnu", "to": "kaist", "amount": 40_000},
        {"from": "daejeon", "to": "kaist", "amount": 20_000},
    ],
}
WAIVED = {"net": 0, "reason": "A power cut had stopped the instrument."}
CHARGE = {
    "reservation": "3f1c9a5e7b2d4f60a8c1e5d97b3f2a64",
    "state": "due",
    "kind": "no-show",
    "net": 0,
    "vat": 0,
    "total": 0,
    "parts": [
        {
            "institution": "cnu",
            "account": "CNU-2026-017",
            "net": 0,
            "vat": 0,
            "sponsored": 0,
            "due": 0,
        }
    ],
    "posted": False,
    "decisions": [
        {
            **WAIVED,
            "decided_at": "2026-11-26T04:00:00Z",
            "decided_by": "박소라",
        }
    ],
}
