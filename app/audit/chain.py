"""The chain of the audit trail: each seal is a keyed hash over a row and the seal before it.

What it shows: a row that was changed, a row deleted or put in between, rows that changed
places – by anyone who can write the database but does not know the secret key. The newest
seals could be cut off together; therefore the place and seal reached last are also kept in
a file beside the database (`audit-head`) and written to the log. A row that is deleted
before it is sealed, within some ten seconds, leaves no trace. Changing DURE_SECRET_KEY
makes all earlier seals wrong.
"""

import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path

from flask import current_app

from app.audit.models import AuditRow
from app.config import Settings

#: Stands before the first row.
BEGINNING = ""


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain reaches: the place of its last row, and its seal."""

    place: int
    seal: str


def canonical(row: AuditRow) -> bytes:
    """The row as the same bytes on every machine and database."""
    return json.dumps(
        {
            "id": row.id,
            "at": row.at.astimezone(UTC).isoformat(timespec="microseconds"),
            "actor": row.actor_id,
            "action": row.action,
            "kind": row.kind,
            "subject": row.subject,
            "detail": row.detail,
        },
        ensure_ascii=False,
        sort_keys=True,
        separators=(",", ":"),
    ).encode()


def seal(row: AuditRow, place: int, before: str) -> str:
    """The seal of a row at its place, behind the seal `before`."""
    told = f"{place}:{before}:".encode() + canonical(row)
    return hmac.new(_key(), told, hashlib.sha256).hexdigest()


def _key() -> bytes:
    """A key for this purpose alone, so that no other signature can stand for a seal."""
    settings: Settings = current_app.config["SETTINGS"]
    return hmac.new(settings.secret_key.encode(), b"dure audit chain", hashlib.sha256).digest()


def kept_head() -> Head | None:
    """How far this machine has seen the chain reach; None if it never sealed."""
    try:
        place, seal_ = _path().read_text(encoding="ascii").split()
        return Head(int(place), seal_)
    except (FileNotFoundError, ValueError):
        return None


def keep_head(head: Head) -> None:
    """Remember how far the chain reaches, outside of the database."""
    kept = kept_head()
    if kept and kept.place > head.place:
        return
    # Under a name of its own until it is whole: two processes may seal on one machine.
    begun = _path().with_suffix(f".{secrets.token_hex(4)}")
    begun.write_text(f"{head.place} {head.seal}\n", encoding="ascii")
    begun.replace(_path())


def _path() -> Path:
    settings: Settings = current_app.config["SETTINGS"]
    return settings.instance_dir / "audit-head"
