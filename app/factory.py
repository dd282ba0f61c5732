"""Puts the application together: settings, extensions, slices, commands."""

from pathlib import Path
from typing import Any

import click
from apiflask import APIFlask
from flask.cli import FlaskGroup, ScriptInfo
from flask_migrate import Migrate
from flask_migrate.cli import db as db_commands
from flask_wtf import CSRFProtect
from sqlalchemy.exc import OperationalError
from werkzeug.middleware.proxy_fix import ProxyFix

from app import config, scheduler, schema
from app.accounts import api as accounts_api
from app.accounts import cli as accounts_cli
from app.accounts import sign_in
from app.accounts import views as accounts_views
from app.audit import cli as audit_cli
from app.audit import queries as audit_queries
from app.billing import api as billing_api
from app.billing import cli as billing_cli
from app.billing import views as billing_views
from app.calendars import api as calendars_api
from app.calendars import views as calendars_views
from app.catalog import api as catalog_api
from app.catalog import cli as catalog_cli
from app.catalog import views as catalog_views
from app.config import Settings
from app.contracts import views as contracts_views
from app.db import db, engine_options
from app.domain.errors import DureError
from app.home import cli as home_cli
from app.home import views as home_views
from app.mail import queries as mail_queries
from app.mail import rendering
from app.programmes import views as programmes_views
from app.projects import api as projects_api
from app.projects import views as projects_views
from app.rates import views as rates_views
from app.reservations import (
    answer_file_api,
    commission_api,
    fault_photo_api,
    hand_over_api,
    health_api,
    no_show_api,
    operator_api,
    participant_api,
    question_api,
    waitlist_api,
)
from app.reservations import api as reservations_api
from app.reservations import cli as reservations_cli
from app.reservations import views as reservations_views
from app.training import api as training_api
from app.training import views as training_views
from app.web import (
    addresses,
    api_docs,
    compression,
    errors,
    headers,
    logs,
    metrics,
    pages,
    uploads,
)
from app.web import views as web_views

MIGRATIONS = Path(__file__).parent.parent / "migrations"

PAGES = (
    web_views,
    api_docs,
    accounts_views,
    catalog_views,
    projects_views,
    training_views,
    contracts_views,
    programmes_views,
    rates_views,
    reservations_views,
    billing_views,
    calendars_views,
    home_views,
)
APIS = (
    accounts_api,
    catalog_api,
    projects_api,
    training_api,
    reservations_api,
    answer_file_api,
    no_show_api,
    operator_api,
    health_api,
    fault_photo_api,
    participant_api,
    question_api,
    hand_over_api,
    waitlist_api,
    commission_api,
    billing_api,
    calendars_api,
)
GROUPS = (accounts_cli, audit_cli, billing_cli, catalog_cli)
COMMANDS = (*home_cli.COMMANDS, *reservations_cli.COMMANDS, *scheduler.COMMANDS)

csrf = CSRFProtect()


def create_app(settings: Settings | None = None) -> APIFlask:
    """Dure, ready to serve; raises `config.BadSettings` if a setting is wrong."""
    settings = settings or config.load()
    assert schema.TABLES  # every table is known before the first query
    app = APIFlask(
        "app",
        title="Dure",
        version="1",
        spec_path=None,  # `web.api_docs` serves it, and a page about it
        docs_path=None,
        json_errors=False,
        instance_path=str(settings.instance_dir),
        static_folder=str(Path(__file__).parent / "web" / "static"),
        # Mail has no blueprint; its templates lie here.
        template_folder=str(Path(__file__).parent / "mail" / "templates"),
    )
    settings.instance_dir.mkdir(parents=True, exist_ok=True)
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.secret_key,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        SQLALCHEMY_ENGINE_OPTIONS=engine_options(settings.database_url),
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https:"),
        SESSION_COOKIE_NAME="dure",
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        MAX_FORM_MEMORY_SIZE=512 * 1024,
        WTF_CSRF_TIME_LIMIT=None,  # as long as the session: nobody loses a form typed at length
        # The folder of bundled files is named after their content.
        SEND_FILE_MAX_AGE_DEFAULT=31_536_000,
        OPENAPI_VERSION="3.1.0",
    )
    if settings.proxies:
        count = settings.proxies
        app.wsgi_app = ProxyFix(app.wsgi_app, count, count, count, count)  # type: ignore[method-assign]
    addresses.register(app)  # before the first route
    compression.register(app)  # before all that may still change an answer
    logs.register(app)  # first of all: what follows logs with the request's id
    metrics.register(app)
    headers.register(app)
    db.init_app(app)
    Migrate(app, db, directory=str(MIGRATIONS), render_as_batch=False)
    uploads.register(app)  # before the form is read, for its token
    csrf.init_app(app)
    pages.register(app)
    rendering.register(app)
    errors.register(app)
    sign_in.register(app)
    metrics.measure("dure_mail_waiting", "Mails to be sent.", mail_queries.waiting)
    metrics.measure("dure_mail_given_up", "Mails that nobody gets.", mail_queries.given_up)
    metrics.measure("dure_audit_unsealed", "Audit rows not sealed yet.", audit_queries.unsealed)
    for slice_ in PAGES:
        app.register_blueprint(slice_.bp)
    for slice_ in APIS:
        csrf.exempt(slice_.bp)  # `accounts.access` asks for a token or a checked session instead
        app.register_blueprint(slice_.bp)
    for slice_ in GROUPS:
        app.cli.add_command(slice_.group)
    for command in COMMANDS:
        app.cli.add_command(command)
    return app


class Commands(FlaskGroup):
    """The commands of Dure alone, with errors told in a sentence."""

    def _load_plugin_commands(self) -> None:
        """None: libraries would bring commands that change people past rights and audit."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        try:
            ctx.ensure_object(ScriptInfo).load_app()
        except config.BadSettings as wrong:
            click.echo("\n".join(wrong.problems), err=True)
            return sorted(self.commands)  # those that need no application
        return list(super().list_commands(ctx))

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command: exit status 0 done, 1 refused, 2 wrong usage or settings."""
        try:
            return super().invoke(ctx)
        except config.BadSettings as wrong:
            click.echo("\n".join(wrong.problems), err=True)
            raise SystemExit(2) from wrong
        except DureError as refused:
            raise click.ClickException(refused.text.en) from refused
        except OperationalError as failed:
            said = str(failed.orig).strip().splitlines()[0]
            raise click.ClickException(f"{said} (`dure doctor` tells what to do)") from failed


cli = Commands(
    name="dure",
    create_app=create_app,
    add_default_commands=False,
    add_version_option=False,
    set_debug_flag=False,
    load_dotenv=False,
    help="Dure: shared research instruments of an alliance.",
)
cli.params.clear()  # --app and --debug of Flask: there is one application here
click.version_option(package_name="dure")(cli)
cli.add_command(db_commands)
for _command in home_cli.ALWAYS:
    cli.add_command(_command)


def main() -> None:
    """The console command `dure`."""
    cli.main(prog_name="dure")
