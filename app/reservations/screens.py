"""The address of the screen at an instrument: a key that is made from ours, and can be renewed."""

import hashlib
import hmac
from base64 import urlsafe_b64encode
from datetime import datetime

from flask import current_app

from app.accounts import access
from app.accounts.access import Action
from app.accounts.models import User
from app.audit import services as audit
from app.catalog.models import Instrument
from app.catalog.queries import scope_of
from app.db import db, transaction
from app.reservations import queries


def key(instrument: Instrument) -> str:
    """The secret part of the address: 192 bits that nobody can make without our own key."""
    ours = current_app.config["SETTINGS"].secret_key.encode()
    said = f"screen:{instrument.id}:{instrument.screen_version}".encode()
    return urlsafe_b64encode(hmac.digest(ours, said, hashlib.sha256)[:24]).decode()


def is_key(instrument: Instrument, given: str) -> bool:
    return hmac.compare_digest(given.encode("utf-8", "replace"), key(instrument).encode())


def renew(user: User, instrument: Instrument, *, now: datetime) -> None:
    """Let the present address of the screen be good no more."""
    instrument_id = instrument.id
    with transaction():
        user = queries.person(user.id)
        found = db.session.get_one(Instrument, instrument_id, with_for_update=True)
        access.require(user, Action.EDIT_INSTRUMENT, scope_of(found))
        found.screen_version += 1
        db.session.flush()
        audit.record("renew-screen", "screen", found.slug, actor_id=user.id, now=now)
