"""Add people, give roles, make API tokens."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime

import click

from app import clock
from app.accounts import access, administration, places, queries, services
from app.accounts.access import OPERATOR
from app.accounts.models import Institution, RoleName, User
from app.accounts.places import Place
from app.accounts.today import end_of, today
from app.domain.errors import DureError

EMAIL = click.argument("email")
ROLE = click.argument("role", type=click.Choice([role.value for role in RoleName]))
SCOPE = click.argument("scope", required=False)


@click.group("user")
def group() -> None:
    """Add people, give roles, make API tokens."""


@group.command()
@EMAIL
@click.option("--name", required=True, help="How the person is called.")
@click.option("--institution", "slug", required=True, help="Slug of their institution.")
@click.option("--department", default="", help="Their department.")
@click.option(
    "--language",
    type=click.Choice(["ko", "en"]),
    default="ko",
    show_default=True,
    help="For mails and pages.",
)
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(
    email: str, name: str, slug: str, department: str, language: str, password_stdin: bool
) -> None:
    """Add a person. Without a password they get a mail with a link to set one."""
    password = sys.stdin.readline().rstrip("\r\n") if password_stdin else None
    with _refusals():
        user = services.add_user(
            OPERATOR,
            services.NewPerson(email, name, language, department, password=password),
            places.institution_by_slug(slug),
            now=clock.now(),
            today=today(),
        )
    click.echo(f"{user.email} is added.")


@group.command()
@EMAIL
@ROLE
@SCOPE
def grant(email: str, role: str, scope: str | None) -> None:
    """Give a role: facility_manager FACILITY, institution_administrator INSTITUTION,
    sponsor_officer or site_administrator."""
    with _refusals():
        user, word, of = _person(email), RoleName(role), _thing(RoleName(role), scope)
        administration.grant_role(OPERATOR, user, word, of, now=clock.now(), today=today())
    click.echo(f"{user.email} is {_said(word, scope)}.")


@group.command()
@EMAIL
@ROLE
@SCOPE
def revoke(email: str, role: str, scope: str | None) -> None:
    """Take a role back; exit status 1 if the person does not have it."""
    with _refusals():
        user, word, of = _person(email), RoleName(role), _thing(RoleName(role), scope)
        held = [
            held.grant.id
            for held in queries.roles_of(user)
            if held.grant.role is word and (held.of.id if held.of else None) == (of and of.id)
        ]
        if not held:
            raise click.ClickException(f"{user.email} is not {_said(word, scope)}.")
        administration.revoke_role(OPERATOR, user, held[0], now=clock.now(), today=today())
    click.echo(f"{user.email} is no longer {_said(word, scope)}.")


@group.command()
@EMAIL
@click.option("--name", required=True, help="What the token is for.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day; without: no end.")
def token(email: str, name: str, until: datetime | None) -> None:
    """Make an API token and print it, this once."""
    with _refusals():
        made = services.make_token(
            OPERATOR,
            _person(email),
            name=name,
            expires_at=end_of(until.date()) if until else None,
            now=clock.now(),
        )
    click.echo(made)


@group.command("switch-off")
@EMAIL
def switch_off(email: str) -> None:
    """Close an account: no sign-in, no tokens; what was done stays."""
    _switch(email, administration.switch_off, "off")


@group.command("switch-on")
@EMAIL
def switch_on(email: str) -> None:
    """Open a closed account again."""
    _switch(email, administration.switch_on, "on")


@group.command()
def rights() -> None:
    """Print who may do what, as docs/rights.md shows it."""
    click.echo(access.as_markdown(), nl=False)


def _switch(email: str, change: Callable[..., None], word: str) -> None:
    with _refusals():
        user = _person(email)
        change(OPERATOR, user, now=clock.now(), today=today())
    click.echo(f"{user.email} is switched {word}.")


@contextmanager
def _refusals() -> Iterator[None]:
    """Refused: the reason on standard error, exit status 1."""
    try:
        yield
    except DureError as refused:
        raise click.ClickException(refused.text.en) from refused


def _person(email: str) -> User:
    user = queries.user_by_email(email)
    if user is None:
        raise click.ClickException(f"There is no account with the address {email}.")
    return user


def _thing(role: RoleName, scope: str | None) -> Place | Institution | None:
    """What the role is for; a missing or superfluous scope is wrong usage."""
    match role, scope:
        case RoleName.FACILITY_MANAGER, str(slug):
            return places.place_by_slug(slug)
        case RoleName.INSTITUTION_ADMINISTRATOR, str(slug):
            return places.institution_by_slug(slug)
        case ((RoleName.SITE_ADMINISTRATOR | RoleName.SPONSOR_OFFICER), None):
            return None
        case _, None:
            raise click.UsageError(f"{role.value} needs the slug of what it is for.")
        case _:
            raise click.UsageError(f"{role.value} is for the whole site; leave {scope} out.")


def _said(role: RoleName, scope: str | None) -> str:
    return f"{role.value} of {scope}" if scope else role.value
