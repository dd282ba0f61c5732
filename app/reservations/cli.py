"""Commands about reservations."""

import sys

import click
from flask.cli import with_appcontext

from app import clock
from app.reservations import fake as faking

_COUNT = click.IntRange(min=1)


@click.command()
@click.option("--instruments", type=_COUNT, default=200, show_default=True, help="How many to add.")
@click.option(
    "--reservations",
    type=click.IntRange(min=0),
    default=100_000,
    show_default=True,
    help="How many to add.",
)
@click.option("--users", type=_COUNT, default=500, show_default=True, help="How many to add.")
@click.option("--seed", default=1, show_default=True, help="The same seed makes the same data.")
@click.option("--add", is_flag=True, help="Even if there are reservations already.")
@with_appcontext
def fake(instruments: int, reservations: int, users: int, seed: int, add: bool) -> None:
    """Fill the database with synthetic data for load tests.

    Refused where people have reserved already: this is not for an instance in use.
    """
    load = faking.Load(instruments, reservations, users, seed)
    began = clock.monotonic()
    try:
        with click.progressbar(
            length=reservations,
            label="Reservations",
            update_min_steps=max(1, reservations // 100),
            file=sys.stderr,
        ) as bar:
            faking.make(load, now=clock.now(), add=add, step=bar.update)
    except faking.NotEmpty:
        _refuse("There are reservations already. With --add the synthetic ones join them.")
    except faking.SeedUsed:
        _refuse(f"Seed {seed} was used before. Choose another --seed.")
    seconds = max(clock.monotonic() - began, 0.001)
    click.echo(
        f"{instruments} instruments, {users} people, {reservations} reservations "
        f"in {seconds:.1f} s: {reservations / seconds:,.0f} reservations/s."
    )


def _refuse(why: str) -> None:
    click.echo(why, err=True)
    raise SystemExit(1)


COMMANDS: tuple[click.Command, ...] = (fake,)
