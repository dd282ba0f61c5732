"""Failed sign-ins are counted by account and by network address; too many have to wait.

The account is counted before its password is looked at, so that guesses made at the same
moment cannot slip past together. While an account waits, the right password waits too: an
answer that differed would tell a guesser when to stop. A password reset by mail, or the
end of the window, opens it again. Counts are kept in Redis if there is one, else in the
table `visit`; both are shared by all processes.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from ipaddress import ip_address, ip_network
from typing import Any

from limits import RateLimitItemPerMinute
from limits.storage import Storage, storage_from_string
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import case, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError

from app import clock
from app.accounts.models import Visit
from app.config import Settings
from app.db import db, transaction
from app.domain.errors import Text, TooManyAttempts

MINUTES = 15
RESETS = 5  # mails to one address within the window
TABLE_URL = "dure-table://"


class VisitStorage(Storage):
    """Counts in the table `visit`."""

    STORAGE_SCHEME = ["dure-table"]

    @property
    def base_exceptions(self) -> type[Exception]:
        return SQLAlchemyError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        now = clock.now()
        until = now + timedelta(seconds=expiry)
        insert: Callable[..., Any] = (
            postgresql.insert if db.engine.dialect.name == "postgresql" else sqlite.insert
        )
        over = Visit.expires_at <= now
        counted = (
            insert(Visit)
            .values(key=key, count=amount, expires_at=until)
            .on_conflict_do_update(
                index_elements=[Visit.key],
                set_={
                    "count": case((over, amount), else_=Visit.count + amount),
                    "expires_at": case((over, until), else_=Visit.expires_at),
                },
            )
            .returning(Visit.count)
        )
        with transaction():
            count = int(db.session.scalar(counted) or 0)
            if count == amount:  # a new window: a good moment to forget the old ones
                # But those that others count or forget right now: two who waited for each
                # other's rows would wait for ever.
                old = (
                    select(Visit.key)
                    .where(Visit.expires_at <= now, Visit.key != key)
                    .with_for_update(skip_locked=True)
                )
                db.session.execute(
                    delete(Visit).where(Visit.key.in_(old)),
                    execution_options={"synchronize_session": False},
                )
        return count

    def get(self, key: str) -> int:
        found = select(Visit.count).where(Visit.key == key, Visit.expires_at > clock.now())
        return db.session.scalar(found) or 0

    def get_expiry(self, key: str) -> float:
        until = db.session.scalar(select(Visit.expires_at).where(Visit.key == key))
        return (until or clock.now()).timestamp()

    def check(self) -> bool:
        return True

    def reset(self) -> int | None:
        with transaction():
            return int(getattr(db.session.execute(delete(Visit)), "rowcount", 0))

    def clear(self, key: str) -> None:
        with transaction():
            db.session.execute(
                delete(Visit).where(Visit.key == key),
                execution_options={"synchronize_session": False},
            )


class Throttle:
    """Counts attempts and says when there were too many."""

    def __init__(self, settings: Settings) -> None:
        self._limiter = FixedWindowRateLimiter(storage_from_string(settings.redis_url or TABLE_URL))
        self._by_account = RateLimitItemPerMinute(settings.sign_in_attempts, MINUTES)
        self._by_address = RateLimitItemPerMinute(settings.sign_in_attempts_address, MINUTES)
        self._resets = RateLimitItemPerMinute(RESETS, MINUTES)

    def attempt(self, email: str, address: str | None) -> None:
        """Count a try at an account; raises `TooManyAttempts` if it or the address has to wait."""
        if not self._limiter.test(self._by_address, "address", network(address)):
            raise self._too_many(self._by_address, "address", network(address))
        if not self._limiter.hit(self._by_account, "account", digest(email)):
            raise self._too_many(self._by_account, "account", digest(email))

    def failed(self, address: str | None) -> None:
        """Count a failure for the network address."""
        self._limiter.hit(self._by_address, "address", network(address))

    def forgive(self, email: str) -> None:
        """Forget the failures of an account: its owner is back."""
        self._limiter.clear(self._by_account, "account", digest(email))

    def ask_reset(self, email: str, address: str | None) -> None:
        """Count a wish for a reset mail, for known and unknown addresses alike."""
        for item, kind, key in (
            (self._resets, "reset", digest(email)),
            (self._by_address, "reset-address", network(address)),
        ):
            if not self._limiter.hit(item, kind, key):
                raise self._too_many(item, kind, key)

    def _too_many(self, item: RateLimitItemPerMinute, kind: str, key: str) -> TooManyAttempts:
        until = self._limiter.get_window_stats(item, kind, key).reset_time
        seconds = max(1, round(until - clock.now().timestamp()))
        minutes = -(-seconds // 60)
        return TooManyAttempts(
            Text(
                f"시도가 너무 많았습니다. {minutes}분 뒤에 다시 시도하세요. 비밀번호를 잊었다면 "
                "메일로 재설정할 수 있습니다.",
                f"There were too many attempts. Try again in {minutes} min. If you forgot "
                "your password, you can reset it by mail.",
            ),
            retry_after=seconds,
        )


def digest(email: str) -> str:
    """An address as a key that does not show it."""
    return hashlib.sha256(email.encode()).hexdigest()[:32]


def network(address: str | None) -> str:
    """The network a visitor comes from: one address of IPv4, 2^64 addresses of IPv6."""
    try:
        known = ip_address(address or "")
    except ValueError:
        return "unknown"
    if known.version == 4:
        return str(known)
    if known.ipv4_mapped:
        return str(known.ipv4_mapped)
    return str(ip_network((known, 64), strict=False).network_address)
