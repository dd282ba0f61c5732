"""Codes that prove that somebody stands at an instrument: shown there, good for minutes."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import datetime

from flask import current_app

from app.catalog.models import Instrument

#: A screen shows another code every so often …
EVERY_SECONDS = 60
#: … and each stays good for some more of these: one has to sign in with it on the phone.
GOOD_FOR = 5


def code(instrument: Instrument, *, now: datetime) -> str:
    """What the screen at the instrument shows now. It cannot be guessed without our key."""
    return _code(instrument, _turn(now))


def is_shown(instrument: Instrument, given: str, *, now: datetime) -> bool:
    """Whether the code was shown at this instrument within the last minutes."""
    turn, said = _turn(now), given.encode("utf-8", "replace")
    return any(
        hmac.compare_digest(said, _code(instrument, turn - back).encode())
        for back in range(GOOD_FOR + 1)
    )


def _turn(now: datetime) -> int:
    return int(now.timestamp()) // EVERY_SECONDS


def _code(instrument: Instrument, turn: int) -> str:
    key = current_app.config["SETTINGS"].secret_key.encode()
    mark = hmac.digest(key, f"presence:{instrument.id}:{turn}".encode(), hashlib.sha256)
    return urlsafe_b64encode(mark[:18]).decode()
