"""The audit trail."""

import click

from app.audit import queries


@click.group("audit")
def group() -> None:
    """Who did what, when, to what: is the trail whole?"""


@group.command()
def verify() -> None:
    """Check that nothing in the audit trail was changed or deleted.

    Prints what is wrong and ends with status 1 if anything is. Rows of the last seconds
    are not sealed yet; `dure worker` seals them.
    """
    verdict = queries.verify()
    for problem in verdict.problems:
        click.echo(problem)
    click.echo(f"{verdict.sealed} rows sealed, {verdict.unsealed} not sealed yet.")
    if verdict.problems:
        click.echo("The audit trail is not whole.")
        raise SystemExit(1)
    click.echo("The audit trail is whole.")
