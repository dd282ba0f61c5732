"""Commands answer completely, and end with the status that scripts rely on."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from app import clock
from app.billing.months import month_before
from app.config import SETTINGS
from app.factory import cli
from app.home.cli import as_markdown
from tests import factories

pytestmark = pytest.mark.own_app  # with a database file where commands look for it

DOCS = Path(__file__).parent.parent.parent / "docs"
#: What lies on the desks of those who sign in to the demonstration first.
DESKS = ("participant", "hand_over", "assistant", "absence", "approval_question", "wait")


@pytest.fixture
def database_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """One kind of database is enough here."""
    path = tmp_path / "instance" / "dure.sqlite3"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(empty_sqlite.read_bytes())
    return f"sqlite:///{path}"


@pytest.fixture
def environment(database_url: str, tmp_path: Path) -> dict[str, str]:
    """What a command finds: this test's own database and instance folder."""
    return {"DURE_DATABASE_URL": database_url, "DURE_INSTANCE_DIR": str(tmp_path / "instance")}


def dure(environment: dict[str, str], *arguments: str, typed: str | None = None) -> Result:
    """Run a command as a person would, with these settings and no others."""
    others = {name: None for name in os.environ if name.startswith("DURE_")}
    return CliRunner().invoke(cli, arguments, env={**others, **environment}, input=typed)


def test_the_committed_page_of_settings_is_the_one_that_dure_prints() -> None:
    assert (DOCS / "settings.md").read_text(encoding="utf-8") == as_markdown()


def test_settings_names_each_with_its_meaning(environment: dict[str, str]) -> None:
    shown = dure(environment, "settings")

    assert shown.exit_code == 0
    for setting in SETTINGS:
        assert setting.variable in shown.output
        assert setting.meaning in shown.output


def test_settings_shows_no_secret(environment: dict[str, str]) -> None:
    shown = dure(
        {
            **environment,
            "DURE_SECRET_KEY": "topsecret-" * 5,
            "DURE_MAIL_URL": "smtp://me:topsecret@mail.example:587",
            "DURE_DATABASE_URL": "postgresql://me:top@secret@h1,h2/dure?password=topsecret&x=1",
        },
        "settings",
    )

    assert shown.exit_code == 0
    assert "smtp://me:***@mail.example:587" in shown.output
    assert "postgresql://me:***@h1,h2/dure?password=***&x=1" in shown.output
    assert "topsecret" not in shown.output
    assert "top@" not in shown.output


def test_settings_works_when_they_are_bad(environment: dict[str, str]) -> None:
    shown = dure({**environment, "DURE_TIMEZONE": "Mars", "DURE_NONSENSE": "1"}, "settings")

    assert shown.exit_code == 2
    assert "DURE_TIMEZONE: Mars must be a time zone" in shown.output
    assert "DURE_NONSENSE is no setting" in shown.output


@pytest.mark.parametrize("command", [["worker"], ["catalog", "check"], ["user", "add"]])
def test_no_command_runs_with_bad_settings(environment: dict[str, str], command: list[str]) -> None:
    refused = dure({**environment, "DURE_PROXIES": "many"}, *command)

    assert refused.exit_code == 2
    assert "DURE_PROXIES" in refused.output
    assert "Traceback" not in refused.output


def test_help_lists_what_still_works_with_bad_settings(environment: dict[str, str]) -> None:
    shown = dure({**environment, "DURE_PROXIES": "many"}, "--help")

    assert shown.exit_code == 0
    assert "doctor" in shown.output
    assert "Traceback" not in shown.output


def _commands(command: object, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    inner = getattr(command, "commands", {})
    return [path, *(line for name in inner for line in _commands(inner[name], (*path, name)))]


def test_every_command_and_option_says_what_it_does(app: Flask) -> None:
    for group in (cli, app.cli):
        for name, command in group.commands.items():  # type: ignore[attr-defined]
            if name == "db":
                continue  # Flask-Migrate's own
            for path in _commands(command, (name,)):
                found = command
                for step in path[1:]:
                    found = found.commands[step]
                assert found.help, path
                for parameter in found.params:
                    if parameter.param_type_name == "option":
                        assert parameter.help, (path, parameter.name)


def test_libraries_bring_no_commands_of_their_own(environment: dict[str, str]) -> None:
    """Flask-Security would bring `roles` and `users`, which ask no right and leave no trace."""
    assert dure(environment, "users", "create", "x@example.org").exit_code == 2


def test_an_error_of_the_domain_is_a_sentence_and_status_1(environment: dict[str, str]) -> None:
    refused = dure(
        environment, "user", "add", "a@example.org", "--name", "A", "--institution", "nowhere"
    )
    assert refused.exit_code == 1
    assert "Traceback" not in refused.output
    assert refused.output.startswith("Error: ")


def test_serve_refuses_a_database_behind_its_migrations(
    environment: dict[str, str], tmp_path: Path
) -> None:
    refused = dure({**environment, "DURE_DATABASE_URL": f"sqlite:///{tmp_path}/new.db"}, "serve")

    assert refused.exit_code == 1
    assert "dure db upgrade" in refused.output


def test_doctor_finds_what_is_wrong_and_says_what_mends_it(
    environment: dict[str, str], tmp_path: Path
) -> None:
    told = dure(
        {
            **environment,
            "DURE_DATABASE_URL": f"sqlite:///{tmp_path}/new.db",
            "DURE_MAIL_URL": "smtp://127.0.0.1:1",
        },
        "doctor",
    )

    assert told.exit_code == 1
    assert "fail  database: " in told.output
    assert "dure db upgrade" in told.output
    assert "fail  mail: 127.0.0.1:1" in told.output
    assert "ok    disk: " in told.output


def test_doctor_tells_bad_settings(environment: dict[str, str]) -> None:
    told = dure({**environment, "DURE_LANGUAGE": "xx"}, "doctor")

    assert told.exit_code == 1
    assert "fail  settings: DURE_LANGUAGE" in told.output


def test_doctor_misses_the_worker(environment: dict[str, str]) -> None:
    assert "warn  worker: none leads" in dure(environment, "doctor").output


def test_a_demonstration_never_mixes_with_real_people(
    app: Flask, environment: dict[str, str]
) -> None:
    factories.user("mina", name="김미나", institution=factories.kaist())

    refused = dure(environment, "demo", "--no-serve")
    assert refused.exit_code == 1
    assert "people of its own" in refused.output


def test_reset_deletes_nothing_outside_the_instance_folder(
    environment: dict[str, str], tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere.sqlite3"
    elsewhere.write_bytes(b"precious")

    refused = dure(
        {**environment, "DURE_DATABASE_URL": f"sqlite:///{elsewhere}"}, "demo", "--reset", "--yes"
    )
    assert refused.exit_code == 1
    assert elsewhere.read_bytes() == b"precious"


def test_reset_asks_first(environment: dict[str, str], database_url: str) -> None:
    before = Path(database_url.removeprefix("sqlite:///")).read_bytes()

    refused = dure(environment, "demo", "--reset", "--no-serve", typed="n\n")
    assert refused.exit_code == 1
    assert Path(database_url.removeprefix("sqlite:///")).read_bytes() == before


@pytest.mark.slow
def test_the_demonstration_fills_an_empty_folder_once(tmp_path: Path) -> None:
    environment = {"DURE_INSTANCE_DIR": str(tmp_path / "new")}

    first = dure(environment, "demo", "--no-serve")
    assert first.exit_code == 0, first.output
    assert "@example.org" in first.output
    assert dure(environment, "billing", "verify").exit_code == 0
    settled = dure(environment, "billing", "settlement", "--month", _two_months_ago())
    assert '"state": "closed"' in settled.output
    assert '"amount":' in settled.output
    with closing(sqlite3.connect(tmp_path / "new" / "dure.sqlite3")) as database:
        for table in DESKS:
            assert database.execute(f"SELECT count(*) FROM {table}").fetchone()[0], table
        staged = "SELECT count(*) FROM reservation WHERE decide_by IS NOT NULL AND answers <> '{}'"
        assert database.execute(staged).fetchone()[0] == 1
    size = (tmp_path / "new" / "dure.sqlite3").stat().st_size
    second = dure(environment, "demo", "--no-serve")
    assert second.exit_code == 0
    assert (tmp_path / "new" / "dure.sqlite3").stat().st_size == size
    assert stat.S_IMODE((tmp_path / "new" / "secret_key").stat().st_mode) == 0o600


def _two_months_ago() -> str:
    """The demonstration's months end where the clock says; its last one is left to be closed."""
    return f"{month_before(month_before(clock.now().date().replace(day=1))):%Y-%m}"
