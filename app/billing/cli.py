"""Close months, print statements and the settlement, prove that it all adds up."""

import sys
from datetime import date
from pathlib import Path

import click
from flask.cli import with_appcontext

from app import clock
from app.accounts.access import OPERATOR
from app.billing import closing, documents, queries
from app.billing.months import month_of
from app.billing.tax_invoices import tax_invoices
from app.domain.errors import WrongState

MONTH = click.option("--month", required=True, metavar="YYYY-MM", help="Which month.")
OUT = click.option(
    "--out", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="File to write."
)
LANGUAGE = click.option(
    "--language", type=click.Choice(["ko", "en"]), default="ko", help="Of a PDF."
)


@click.group("billing")
def group() -> None:
    """Close months, print statements and the settlement, prove that it all adds up."""


@group.command()
@MONTH
@click.option("--institution", "slug", help="Only this supplier; otherwise all, one by one.")
@with_appcontext
def close(month: str, slug: str | None) -> None:
    """Charge, post and number a month: once, however often it is called.

    Each supplier is one transaction; killed in between, a second call does the rest.
    """
    first = month_of(month)
    slugs = [slug] if slug else [each.slug for each in queries.lenders()]
    with click.progressbar(slugs, label="Suppliers", file=sys.stderr) as bar:
        said = [_closed(each, first) for each in bar]
    for line, refused in said:
        click.echo(line, err=refused)
    if any(refused for _, refused in said):
        raise SystemExit(1)


def _closed(slug: str, month: date) -> tuple[str, bool]:
    """What to tell of a supplier, and whether it was refused, which holds up no other."""
    try:
        done = closing.close_month(OPERATOR, slug, month, now=clock.now())
    except closing.ClosedAlready:
        return f"{slug}: closed already.", False
    except WrongState as wrong:
        return f"{slug}: {wrong.text.en}", True
    left = f", {done.left_open} left open" if done.left_open else ""
    return f"{slug}: {done.charges} charges, {done.statements} statements{left}.", False


@group.command()
@MONTH
@click.option("--supplier", required=True, help="Slug of the institution that lends.")
@click.option("--payer", required=True, help="Slug of the institution that pays.")
@click.option(
    "--format", "kind", type=click.Choice(documents.KINDS), default="json", help="Kind of file."
)
@LANGUAGE
@OUT
@with_appcontext
def statement(
    month: str, supplier: str, payer: str, kind: str, language: str, out: Path | None
) -> None:
    """The statement of a closed month."""
    found = queries.statement_of(supplier, payer, month_of(month))
    _put(documents.of_statement(found, kind, language), out)


@group.command()
@MONTH
@click.option(
    "--format", "kind", type=click.Choice(documents.KINDS), default="json", help="Kind of file."
)
@LANGUAGE
@OUT
@with_appcontext
def settlement(month: str, kind: str, language: str, out: Path | None) -> None:
    """What institutions owe one another, and the fewest transfers that clear it."""
    found = queries.settlement_of(month_of(month), now=clock.now())
    _put(documents.of_settlement(found, kind, language), out)


@group.command("tax-invoices")
@MONTH
@click.option("--supplier", required=True, help="Slug of the institution that lends.")
@OUT
@with_appcontext
def tax_invoices_(month: str, supplier: str, out: Path | None) -> None:
    """What a supplier invoices for a closed month (세금계산서, 계산서), as CSV."""
    _put(tax_invoices(supplier, month_of(month)).encode(), out)


@group.command()
@with_appcontext
def verify() -> None:
    """The ledger balances, statements equal their lines, settlements add up to zero.

    Prints what is wrong and ends with status 1 if anything is.
    """
    wrong = list(queries.complaints())
    if wrong:
        click.echo("\n".join(wrong), err=True)
        raise SystemExit(1)
    click.echo("Ledger, statements and settlements add up.")


def _put(document: bytes, out: Path | None) -> None:
    if out is None:
        sys.stdout.buffer.write(document)
        return
    out.write_bytes(document)
    click.echo(f"{out} is written.", err=True)
