"""Links in mails by which one stops them without signing in; they cannot be guessed."""

import hashlib
import hmac
from base64 import urlsafe_b64encode

from flask import current_app

from app.db import db
from app.domain.errors import NotFound, Text
from app.reservations.models import TimeWatch


def secret_of(watch: TimeWatch) -> str:
    """The end of the link; a wish that is changed or made anew has another."""
    key = current_app.config["SETTINGS"].secret_key.encode()
    said = f"stop-watch:{watch.id}:{watch.user_id}:{watch.made_at.isoformat()}".encode()
    mark = urlsafe_b64encode(hmac.digest(key, said, hashlib.sha256)[:24]).decode()
    return f"{watch.id}.{mark}"


def watch_by(secret: str) -> TimeWatch:
    """What the link is about; raises `NotFound`, also where it has been stopped."""
    number, _, _ = secret.partition(".")
    found = None
    if number.isascii() and number.isdigit() and len(number) < 10:
        found = db.session.get(TimeWatch, int(number))
    if found is None or not hmac.compare_digest(
        secret.encode("utf-8", "replace"), secret_of(found).encode()
    ):
        raise NotFound(
            Text(
                "이 알림은 이미 그만 받고 있거나, 그사이 바뀌었습니다.",
                "You no longer get these mails, or have changed what you want to be told.",
            )
        )
    return found
