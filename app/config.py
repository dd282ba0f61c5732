"""Each setting: its default, its meaning, its check.

Settings come from environment variables `DURE_…`, else from `instance/dure.toml`
(same names without the prefix, in small letters), else from the defaults below.
"""

import contextlib
import os
import re
import secrets
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

PREFIX = "DURE_"


class BadSettings(Exception):
    """One or more settings are wrong; each line says which and what to do."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Setting:
    """A name, what it means, its default as text, and how its text is read."""

    name: str
    meaning: str
    default: str
    read: Callable[[str], Any]
    secret: bool = False

    @property
    def variable(self) -> str:
        return PREFIX + self.name.upper()


def _text(value: str) -> str:
    return value


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(value: str) -> int:
        if not re.fullmatch(r"\d{1,9}", value) or not low <= int(value) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}")
        return int(value)

    return read


def _yes_no(value: str) -> bool:
    if value.lower() in {"1", "true", "yes", "on"}:
        return True
    if value.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be yes or no")


def _url(*schemes: str, empty: bool = False) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value == "" and empty:
            return value
        if urlsplit(value).scheme not in schemes:
            raise ValueError("must begin with " + " or ".join(f"{s}://" for s in schemes))
        return value

    return read


def _web_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.netloc or parts.query or parts.fragment:
        raise ValueError("must be a web address such as https://dure.example.org")
    return value.rstrip("/")


def _zone(value: str) -> ZoneInfo:
    try:
        return ZoneInfo(value)
    except (KeyError, ValueError, OSError) as wrong:
        raise ValueError("must be a time zone name such as Asia/Seoul") from wrong


def _one_of(*words: str) -> Callable[[str], str]:
    def read(value: str) -> str:
        if value not in words:
            raise ValueError("must be one of " + ", ".join(words))
        return value

    return read


def _secret_key(value: str) -> str:
    if value and len(value) < 32:
        raise ValueError("must have at least 32 characters; leave it out to have one made")
    return value


def _address(value: str) -> str:
    if not re.fullmatch(r"[^<>\r\n]*<?[^@\s<>]+@[^@\s<>]+>?", value):
        raise ValueError("must be an e-mail address such as Dure <dure@example.org>")
    return value


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "instance_dir", "Folder for the database, the secret key and kept mail.", "instance", _text
    ),
    Setting(
        "database_url",
        "SQLite file or PostgreSQL server; several PostgreSQL hosts may be named. "
        "A relative SQLite path counts from the folder that Dure is started in.",
        "sqlite:///{instance_dir}/dure.sqlite3",
        _url("sqlite", "postgresql", "postgresql+psycopg"),
        secret=True,
    ),
    Setting(
        "secret_key",
        "Signs sessions, seals the audit chain; made and kept in the instance folder if not set.",
        "",
        _secret_key,
        secret=True,
    ),
    Setting(
        "public_url",
        "The address under which people reach Dure.",
        "http://127.0.0.1:8000",
        _web_url,
    ),
    Setting(
        "mail_url",
        "Where mail goes: smtp://user:password@host:587 (STARTTLS), smtps://…:465, "
        "or file:///folder to keep it as .eml files.",
        "file://{instance_dir}/outbox",
        _url("smtp", "smtps", "file"),
        secret=True,
    ),
    Setting("mail_from", "Sender of all mail.", "Dure <dure@localhost.localdomain>", _address),
    Setting(
        "timezone",
        "Time zone of mails, reports and of facilities that name none.",
        "Asia/Seoul",
        _zone,
    ),
    Setting(
        "language",
        "Language for people who have not chosen one: ko or en.",
        "ko",
        _one_of("ko", "en"),
    ),
    Setting(
        "redis_url",
        "Redis for rate limits across machines; without it the database serves.",
        "",
        _url("redis", "rediss", empty=True),
        secret=True,
    ),
    Setting(
        "calendar_domain",
        "Right-hand side of the UIDs in feeds; never change it once feeds are in use.",
        "dure.invalid",
        _text,
    ),
    Setting("feed_days_back", "Days of the past that a feed shows.", "60", _whole(0, 3660)),
    Setting("feed_days_ahead", "Days of the future that a feed shows.", "400", _whole(1, 3660)),
    Setting(
        "demo", "Show the demonstration's sign-in hints; never on a real instance.", "no", _yes_no
    ),
    Setting(
        "sign_in_attempts",
        "Failed sign-ins allowed for one account in 15 minutes.",
        "10",
        _whole(1, 1000),
    ),
    Setting(
        "sign_in_attempts_address",
        "Failed sign-ins allowed from one network address in 15 minutes.",
        "50",
        _whole(1, 100_000),
    ),
    Setting(
        "proxies",
        "Reverse proxies in front of Dure whose X-Forwarded headers are believed.",
        "0",
        _whole(0, 5),
    ),
    Setting(
        "log_level",
        "debug, info, warning or error.",
        "info",
        _one_of("debug", "info", "warning", "error"),
    ),
    Setting("log_format", "json for machines, text for people.", "json", _one_of("json", "text")),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of one process, read and checked."""

    instance_dir: Path
    database_url: str
    secret_key: str
    public_url: str
    mail_url: str
    mail_from: str
    timezone: ZoneInfo
    language: str
    redis_url: str
    calendar_domain: str
    feed_days_back: int
    feed_days_ahead: int
    demo: bool
    sign_in_attempts: int
    sign_in_attempts_address: int
    proxies: int
    log_level: str
    log_format: str


@dataclass(frozen=True, slots=True)
class Given:
    """A setting with the text that was given for it, and where."""

    setting: Setting
    text: str
    source: str  # "environment", "dure.toml" or "default"


def given(environment: Mapping[str, str] | None = None) -> tuple[list[Given], list[str]]:
    """The text of every setting, good or bad, and what is wrong with names and files."""
    environment = os.environ if environment is None else environment
    named = {k: v for k, v in environment.items() if k.startswith(PREFIX) and v != ""}
    named.pop("DURE_TEST_POSTGRES_URL", None)  # read by the tests alone
    instance = str(Path(named.get("DURE_INSTANCE_DIR", "instance")).absolute())
    problems: list[str] = []
    filed = _filed(Path(instance) / "dure.toml", problems)
    known = {setting.variable for setting in SETTINGS}
    problems += [
        f"{name} is no setting of Dure; `dure settings` lists all."
        for name in sorted(named)
        if name not in known
    ]
    found = []
    for setting in SETTINGS:
        if setting.name == "instance_dir":
            text, source = instance, "environment" if setting.variable in named else "default"
        elif setting.variable in named:
            text, source = named[setting.variable], "environment"
        elif setting.name in filed:
            text, source = filed[setting.name], "dure.toml"
        else:
            text, source = setting.default, "default"
        found.append(Given(setting, text.replace("{instance_dir}", instance), source))
    return found, problems


def load(environment: Mapping[str, str] | None = None) -> Settings:
    """Read and check every setting; raises `BadSettings` with all that is wrong."""
    found, problems = given(environment)
    values: dict[str, Any] = {}
    for each in found:
        setting = each.setting
        try:
            values[setting.name] = setting.read(each.text)
        except ValueError as wrong:
            shown = "its value" if setting.secret else f"“{each.text}”"
            problems.append(f"{setting.variable}: {shown} {wrong}.")
    if problems:
        raise BadSettings(problems)
    instance = values["instance_dir"] = Path(values["instance_dir"])
    values["database_url"] = _database_url(values["database_url"])
    values["secret_key"] = values["secret_key"] or _kept_secret_key(instance)
    return Settings(**values)


def _filed(path: Path, problems: list[str]) -> dict[str, str]:
    """The settings written in `dure.toml`, as text."""
    if not path.exists():
        return {}
    try:
        filed = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as wrong:
        problems.append(f"{path}: {wrong}.")
        return {}
    known = {setting.name for setting in SETTINGS} - {"instance_dir"}
    problems += [
        f"{path}: “{name}” is no setting of Dure; `dure settings` lists all."
        for name in filed
        if name not in known
    ]
    return {name: _as_text(value) for name, value in filed.items() if name in known}


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _database_url(url: str) -> str:
    """The address with the driver that Dure uses."""
    return re.sub(r"^postgresql://", "postgresql+psycopg://", url)


def _kept_secret_key(instance: Path) -> str:
    """The key kept in the instance folder; made on the first start."""
    path = instance / "secret_key"
    if not path.exists():
        instance.mkdir(parents=True, exist_ok=True)
        # Written whole under a name of its own, then linked: of two processes that start
        # at once one makes the key, and neither reads half of it.
        begun = instance / f"secret_key.{os.getpid()}.{secrets.token_hex(4)}"
        descriptor = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            path.hardlink_to(begun)
        begun.unlink()
    key = path.read_text(encoding="ascii").strip()
    if len(key) < 32:
        raise BadSettings([f"{path}: the key is too short; delete the file to have one made."])
    return key
