"""What the documentation of the HTTP API shows: one request, and what becomes of it."""

from typing import Any

_UID = "3f1c9a5e7b2d4f60a8c1e5d97b3f2a64"
_SLUG = "kaist-biocore-confocal"
_TIME = {"starts_at": "2026-12-01T01:00:00Z", "ends_at": "2026-12-01T03:00:00Z"}

REQUEST: dict[str, Any] = {
    "instrument": _SLUG,
    "starts_at": "2026-12-01T10:00:00+09:00",
    "ends_at": "2026-12-01T12:00:00+09:00",
    "purpose": "membrane imaging",
    "mode": "self_operated",
    "samples": 4,
}
PRICE: dict[str, Any] = {
    "net": 30000,
    "vat": 0,
    "total": 30000,
    "currency": "KRW",
    "tax": "exempt",
    "lines": [
        {
            "item": "use",
            "net": 30000,
            "name": None,
            "mode": "self_operated",
            "unit": "hour",
            "quantity": "2",
            "unit_price": 15000,
            "when": "plain",
            "factor": "1",
            "percent": None,
            "day": "2026-12-01",
        }
    ],
    "shares": [],
    "fund": None,
}
RESERVATION: dict[str, Any] = {
    "uid": _UID,
    "instrument": _SLUG,
    **_TIME,
    "status": "confirmed",
    "version": 1,
    "series": None,
    "reserved_by": None,
    "holder": "김미나",
    "institution": "kaist",
    "group": {"id": 1, "name": {"ko": "종양면역 연구실", "en": "Tumour Immunology Laboratory"}},
    "purpose": "membrane imaging",
    "mode": "self_operated",
    "operator": None,
    "shares": [],
    "samples": 4,
    "note": "",
    "reason": "",
    "quote": PRICE,
    "charge": None,
    "answers": {},
    "refusals_overridden": [],
    "override_reason": "",
    "reserved_from": _TIME["starts_at"],
    "reserved_until": _TIME["ends_at"],
    "used_from": None,
    "used_until": None,
    "requested_at": "2026-11-23T09:00:00Z",
    "updated_at": "2026-11-23T09:00:00Z",
    "companions": [],
    "main": None,
    "stages": [],
    "decide_by": None,
    "questions": [],
    "answer_by": None,
    "links": {
        "self": f"https://dure.example/api/v1/reservations/{_UID}",
        "page": f"https://dure.example/reservations/{_UID}",
    },
}
MADE: dict[str, Any] = {**RESERVATION, "occurrences": []}
RESERVATIONS: dict[str, Any] = {"items": [RESERVATION], "next": None}

CHANGE: dict[str, Any] = {"ends_at": "2026-12-01T13:00:00+09:00", "samples": 6}
CHANGED: dict[str, Any] = {
    **RESERVATION,
    "ends_at": "2026-12-01T04:00:00Z",
    "reserved_until": "2026-12-01T04:00:00Z",
    "samples": 6,
    "version": 2,
}

REASON: dict[str, Any] = {"reason": "The laser is being replaced."}
_DECIDED: dict[str, Any] = {**RESERVATION, **REASON, "version": 2}
APPROVED: dict[str, Any] = {**_DECIDED, "status": "confirmed", "reason": ""}
REJECTED: dict[str, Any] = {**_DECIDED, "status": "rejected"}
CANCELLED: dict[str, Any] = {**_DECIDED, "status": "cancelled"}
QUESTION: dict[str, Any] = {"question": "Are the samples fixed?"}
_ASKED: dict[str, Any] = {
    **QUESTION,
    "proposed_start": None,
    "proposed_end": None,
    "asked_by": "이소라",
    "asked_at": "2026-11-23T10:00:00Z",
    "state": "awaiting",
    "answer": "",
    "ended_at": None,
}
ASKED: dict[str, Any] = {
    **RESERVATION,
    "status": "pending",
    "version": 2,
    "questions": [_ASKED],
    "answer_by": "2026-11-26T10:00:00Z",
}
ANSWER: dict[str, Any] = {"answer": "Yes, in formaldehyde."}
ANSWERED: dict[str, Any] = {
    **ASKED,
    "version": 3,
    "questions": [{**_ASKED, **ANSWER, "state": "answered", "ended_at": "2026-11-23T11:00:00Z"}],
    "answer_by": None,
}
PROPOSAL: dict[str, Any] = {
    "starts_at": "2026-12-02T10:00:00+09:00",
    "ends_at": "2026-12-02T12:00:00+09:00",
    "question": "The laser is serviced on Tuesday.",
}
_PROPOSED: dict[str, Any] = {
    **_ASKED,
    "question": PROPOSAL["question"],
    "proposed_start": "2026-12-02T01:00:00Z",
    "proposed_end": "2026-12-02T03:00:00Z",
}
PROPOSED: dict[str, Any] = {**ASKED, "questions": [_PROPOSED]}
ACCEPTED: dict[str, Any] = {
    **ASKED,
    "status": "confirmed",
    "starts_at": _PROPOSED["proposed_start"],
    "ends_at": _PROPOSED["proposed_end"],
    "reserved_from": _PROPOSED["proposed_start"],
    "reserved_until": _PROPOSED["proposed_end"],
    "version": 4,
    "questions": [{**_PROPOSED, "state": "accepted", "ended_at": "2026-11-23T11:00:00Z"}],
    "answer_by": None,
}
COMING: dict[str, Any] = {"reason": "The card reader is broken."}
IN_USE: dict[str, Any] = {
    **RESERVATION,
    "status": "in_use",
    "used_from": "2026-12-01T01:02:00Z",
    "version": 2,
}
EXTENSION: dict[str, Any] = {"ends_at": "2026-12-01T13:00:00+09:00"}
EXTENDED: dict[str, Any] = {
    **IN_USE,
    "ends_at": "2026-12-01T04:00:00Z",
    "reserved_until": "2026-12-01T04:00:00Z",
    "version": 3,
}
GOING: dict[str, Any] = {"samples": 6}
COMPLETED: dict[str, Any] = {
    **IN_USE,
    **GOING,
    "status": "completed",
    "ends_at": "2026-12-01T02:40:00Z",
    "used_until": "2026-12-01T02:40:00Z",
    "version": 3,
}
NOBODY_CAME: dict[str, Any] = {"reason": "The room was empty at 10:40."}
NO_SHOW: dict[str, Any] = {**_DECIDED, **NOBODY_CAME, "status": "no_show"}
CAME: dict[str, Any] = {
    "used_from": "2026-12-01T10:02:00+09:00",
    "used_until": "2026-12-01T11:40:00+09:00",
    "reason": "Their files are on the instrument's computer.",
    "samples": 6,
}

QUOTE: dict[str, Any] = {
    "instrument": _SLUG,
    **_TIME,
    "status": "confirmed",
    **PRICE,
    "unpriced": None,
    "refusals": [],
    "taken": [],
    "warnings": [],
    "may_override": False,
    "occurrences": [],
}
BUSY: dict[str, Any] = {
    "items": [
        {
            **_TIME,
            "kind": "reservation",
            "title": "KAIST",
            "mine": False,
            "uid": None,
            "status": None,
        }
    ],
    "version": 17,
}
FREE: dict[str, Any] = {
    "items": [
        {
            **_TIME,
            "instrument": _SLUG,
            "day": "2026-12-01",
            "institution": "kaist",
            "facility": "kaist-biocore",
            "campus": "",
            "price": 30000,
            "unit_price": {"amount": 15000, "unit": "hour"},
            "needs_approval": False,
            "has_limits": False,
            "asks_training": False,
            "lacking": [],
            "modes": ["commissioned", "self_operated"],
            "refusals": [],
            "links": {
                "reserve": f"https://dure.example/instruments/{_SLUG}/reserve"
                "?start=2026-12-01T01:00:00%2B00:00&end=2026-12-01T03:00:00%2B00:00"
            },
        }
    ],
    "next": None,
}

ORDER: dict[str, Any] = {
    "instrument": _SLUG,
    "purpose": "lipid profile of plasma",
    "samples": 12,
    "earliest_on": "2026-12-01",
    "wished_by": "2026-12-18",
    "duration": "PT4H",
}
COMMISSION: dict[str, Any] = {
    **ORDER,
    "uid": _UID,
    "state": "waiting",
    "version": 1,
    "holder": "김미나",
    "asked_by": None,
    "institution": "kaist",
    "group": None,
    "note": "",
    "answers": {},
    "shares": [],
    "estimate": PRICE,
    "unpriced": None,
    "reason": "",
    "asked_at": "2026-11-23T09:00:00Z",
    "updated_at": "2026-11-23T09:00:00Z",
    "decided_at": None,
    "reservation": None,
    "links": {"self": f"https://dure.example/api/v1/commissions/{_UID}"},
}
COMMISSIONS: dict[str, Any] = {"items": [{**COMMISSION, "estimate": None}], "next": None}
PLACEMENT: dict[str, Any] = {"starts_at": "2026-12-01T10:00:00+09:00", "duration": "PT4H"}
PLACED: dict[str, Any] = {
    **COMMISSION,
    "state": "placed",
    "version": 2,
    "estimate": None,
    "decided_at": "2026-11-24T01:00:00Z",
    "reservation": _UID,
}
