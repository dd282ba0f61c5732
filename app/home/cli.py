"""Running Dure: serve, demo, settings, doctor."""

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click
from flask import current_app
from flask.cli import ScriptInfo
from flask_migrate import upgrade
from sqlalchemy import select
from sqlalchemy.engine import make_url

from app import clock, config
from app.accounts.models import User
from app.catalog import loader
from app.catalog.sync import sync
from app.config import Given, Settings
from app.db import db
from app.home import checkup, demo, demo_billing, demo_desk, demo_rates, leadership, serving
from app.home.web_server import WebServer
from app.web import logs, readiness

INSTRUMENTS = Path(__file__).parent.parent.parent / "instruments"

_host = click.option("--host", default="127.0.0.1", show_default=True, help="Listen on it.")
_port = click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="Listen on it."
)


@click.command("serve")
@_host
@_port
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(1, 64),
    help="Web processes; each answers four requests at once.",
)
def serve(host: str, port: int, workers: int) -> None:
    """Serve Dure: web processes and one worker process, until stopped.

    Refuses to start while migrations are missing. SIGTERM or Ctrl-C lets running requests
    come to their end. Put a reverse proxy with https in front and set DURE_PROXIES=1.
    """
    if problem := readiness.database_problem():
        raise click.ClickException(problem)
    _serve(host, port, workers)


def _serve(host: str, port: int, workers: int, **more: str) -> None:
    settings: Settings = current_app.config["SETTINGS"]
    logs.configure(settings)
    context = click.get_current_context()
    create_app = context.ensure_object(ScriptInfo).create_app
    assert create_app
    try:
        serving.check_port(host, port)
    except serving.PortTaken as taken:
        raise click.ClickException(f"{taken}. Choose another by --port.") from taken

    def web() -> None:
        WebServer(create_app, serving.address(host, port), workers).run()

    def worker() -> None:
        app = create_app()
        with app.app_context():
            app.cli.commands["worker"].main(args=[], prog_name="dure worker")

    db.session.remove()
    db.engine.dispose()  # the children have connections of their own
    environment = {
        **more,
        "PROMETHEUS_MULTIPROC_DIR": str(serving.figures(settings.instance_dir)),
    }
    raise SystemExit(serving.Household(web, worker, environment).live())


@click.command("demo")
@click.option("--reset", is_flag=True, help="Delete the demonstration's database first.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting.")
@_host
@_port
@click.option("--no-serve", is_flag=True, help="Fill the instance, then end.")
def demo_(reset: bool, yes: bool, host: str, port: int, no_serve: bool) -> None:
    """Fill an instance with a lively demonstration, and serve it.

    Migrations, the contributed catalogue, people of every role and a year of reservations.
    A second start keeps everything. The sign-in page shows how to sign in.
    """
    settings: Settings = current_app.config["SETTINGS"]
    if reset:
        _delete_demonstration(settings, asked=yes)
    if readiness.database_problem():
        click.echo("Preparing the database …")
        upgrade()
    if _holds_other_people():
        raise click.ClickException(
            "This instance has people of its own; a demonstration would mix with them. "
            "Choose another DURE_INSTANCE_DIR."
        )
    sync(loader.read(INSTRUMENTS), now=clock.now())
    _fill()
    address = f"http://{serving.address(host, port)}"
    click.echo(f"\nDure's demonstration: {address}\n")
    for person in demo.people()[:4]:
        click.echo(f"  {person.email:<34} {person.role.en}")
    click.echo(f"\n  Password of all of them: {demo.PASSWORD}\n")
    if no_serve:
        return
    click.echo("Ctrl-C ends it.")
    more = {"DURE_DEMO": "yes"}
    for name, value in (
        ("DURE_PUBLIC_URL", address),
        ("DURE_LOG_FORMAT", "text"),
        ("DURE_LOG_LEVEL", "warning"),
    ):
        more[name] = os.environ.get(name) or value
    _serve(host, port, 2, **more)


def _fill() -> None:
    now = clock.now()
    with _bar("A year of reservations") as progress:
        filled = demo.fill(now=now, progress=progress)
    if filled:
        with _bar("Closed months") as progress:
            demo_billing.settle(now=now, progress=progress)
        demo_desk.lay_out(now=now)
        demo_rates.announce(now=now)


@contextmanager
def _bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar that hears how many of how many are done."""
    with click.progressbar(length=1, label=label, show_pos=True) as bar:

        def progress(done: int, of_all: int) -> None:
            bar.length = of_all
            bar.update(done - bar.pos)

        yield progress


def _holds_other_people() -> bool:
    """Whether there are accounts, and none of them the demonstration's."""
    if db.session.scalar(select(User.id).limit(1)) is None:
        return False
    addresses = [person.email for person in demo.people()]
    return db.session.scalar(select(User.id).where(User.email.in_(addresses)).limit(1)) is None


def _delete_demonstration(settings: Settings, *, asked: bool) -> None:
    """Delete the database and what belongs to it, only if it lies in the instance folder."""
    url = make_url(settings.database_url)
    path = Path(url.database or "").absolute()
    if url.get_backend_name() != "sqlite" or settings.instance_dir not in path.parents:
        raise click.ClickException(
            "Only a SQLite database in the instance folder is deleted; drop any other yourself."
        )
    if leadership.of(settings).is_taken():
        raise click.ClickException("Dure is running on this instance; stop it first.")
    if not asked:
        click.confirm(f"Delete {path} and all mail kept in {settings.instance_dir}?", abort=True)
    db.engine.dispose()
    outbox = settings.instance_dir / "outbox"
    files = [path.with_name(path.name + end) for end in ("", "-wal", "-shm")]
    # The chain of the audit trail begins anew as well.
    for file in (*files, settings.instance_dir / "audit-head", *outbox.glob("*.eml")):
        file.unlink(missing_ok=True)


@click.command("settings")
@click.option("--markdown", is_flag=True, help="As docs/settings.md, without present values.")
def settings_(markdown: bool) -> None:
    """Print every setting: its variable, present value, default and meaning.

    Works with bad settings too: then also says what is wrong and ends with status 2.
    """
    if markdown:
        click.echo(as_markdown(), nl=False)
        return
    given, problems = config.given()
    for each in given:
        setting = each.setting
        try:
            setting.read(each.text)
        except ValueError as wrong:
            problems.append(f"{setting.variable}: {_shown(each)} {wrong}.")
        click.secho(f"{setting.variable}={_shown(each)}", bold=True)
        click.echo(f"    {setting.meaning}")
        click.echo(f"    from: {each.source}; default: {setting.default or '(none)'}\n")
    if problems:
        click.echo("\n".join(problems), err=True)
        raise SystemExit(2)


def _shown(given: Given) -> str:
    """The value, without the password that it may hold."""
    if not given.setting.secret or not given.text:
        return given.text
    if "://" not in given.text:
        return "***"
    # Passwords stand before the host, and in the query of PostgreSQL's addresses.
    masked = re.sub(r"(://[^:/@]*):.*@", r"\1:***@", given.text)
    return re.sub(r"(password)=[^&]*", r"\1=***", masked)


def as_markdown() -> str:
    """The page of the documentation; a test keeps it equal to the settings."""
    lines = [
        "# Settings",
        "",
        (
            "Environment variables, or `dure.toml` in the instance folder with the same names "
            "without `DURE_`, in small letters. The environment outweighs the file. An unknown "
            "name or a bad value stops the start. `dure settings` prints the values in force."
        ),
        "",
        "This page is written by `dure settings --markdown > docs/settings.md`.",
        "",
        "| Variable | Default | Meaning |",
        "|---|---|---|",
    ]
    for setting in config.SETTINGS:
        default = f"`{setting.default}`" if setting.default else "–"
        lines.append(f"| `{setting.variable}` | {default} | {setting.meaning} |")
    return "\n".join(lines) + "\n"


@click.command("doctor")
@click.pass_context
def doctor(context: click.Context) -> None:
    """Look at settings, database, mail, worker, disk and clock; say what to mend.

    Each line is ok, warn or fail; ends with status 1 if any is fail.
    """
    try:
        settings = config.load()
        app = context.ensure_object(ScriptInfo).load_app()
    except config.BadSettings as bad:
        for problem in bad.problems:
            _tell(checkup.Finding("settings", "fail", problem, "`dure settings` lists all"))
        raise SystemExit(1) from bad
    failed = False
    with app.app_context():
        for finding in checkup.findings(settings):
            _tell(finding)
            failed = failed or finding.state == "fail"
    if failed:
        raise SystemExit(1)


def _tell(finding: checkup.Finding) -> None:
    state = click.style(f"{finding.state:<4}", fg=checkup.COLOURS[finding.state])
    click.echo(f"{state}  {finding.what}: {finding.said}")
    if finding.mend and finding.state != "ok":
        click.echo(f"      → {finding.mend}")


#: Need a working application.
COMMANDS: tuple[click.Command, ...] = (serve, demo_)
#: Work with bad settings too.
ALWAYS: tuple[click.Command, ...] = (settings_, doctor)
