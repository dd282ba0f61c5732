"""Check, sync and export the contributed catalogue."""

import sys
from pathlib import Path
from typing import NoReturn

import click
from flask.cli import with_appcontext

from app import clock
from app.catalog import export as exporting
from app.catalog import loader
from app.catalog.changes import SyncRefused
from app.catalog.export import NotExportable
from app.catalog.loader import Contributions
from app.catalog.problems import CatalogInvalid
from app.catalog.sync import sync as sync_catalog

_FOLDER = click.Path(path_type=Path)


@click.group("catalog")
def group() -> None:
    """Check, sync and export the contributed catalogue."""


@group.command()
@click.argument("folder", type=_FOLDER, default="instruments")
def check(folder: Path) -> None:
    """Check the files in FOLDER: all problems at once, exit status 1 if there are any."""
    contributions = _read(folder)
    click.echo(
        f"{len(contributions.institutions)} institutions, {len(contributions.facilities)} "
        f"facilities, {len(contributions.instruments)} instruments: no problems."
    )


@group.command()
@click.argument("folder", type=_FOLDER, default="instruments")
@click.option("--dry-run", is_flag=True, help="Say what would change; change nothing.")
@click.option(
    "--take-files", is_flag=True, help="Also overwrite what was changed in the browser since."
)
@click.option(
    "--retire-reserved",
    is_flag=True,
    help="Also retire instruments that people have reserved; the reservations stay.",
)
@with_appcontext
def sync(folder: Path, dry_run: bool, take_files: bool, retire_reserved: bool) -> None:
    """Bring the database up to the files in FOLDER, all of it or nothing.

    What was changed in the browser is reported and kept. What vanished from the files is
    retired, never deleted.
    """
    contributions = _read(folder)
    count = sum(
        len(files)
        for files in (
            contributions.institutions,
            contributions.facilities,
            contributions.instruments,
        )
    )
    try:
        with click.progressbar(length=count, label="Catalogue", file=sys.stderr) as bar:
            changes = sync_catalog(
                contributions,
                now=clock.now(),
                take_files=take_files,
                retire_reserved=retire_reserved,
                dry_run=dry_run,
                step=bar.update,
            )
    except SyncRefused as refused:
        _refuse(refused.problems)
    for change in changes:
        click.echo(change)
    kept = sum(change.kept for change in changes)
    done = "would change" if dry_run else "changed"
    click.echo(f"{len(changes) - kept} {done}, {kept} kept as changed in the browser.")


@group.command()
@click.argument("folder", type=_FOLDER, default="instruments")
@click.option(
    "--format",
    "format_",
    type=click.Choice(["yaml"]),
    default="yaml",
    show_default=True,
    help="yaml: the tree of files that `check` and `sync` read.",
)
@with_appcontext
def export(folder: Path, format_: str) -> None:
    """Write the catalogue in the database into FOLDER; files there are overwritten."""
    assert format_ == "yaml"
    try:
        count = exporting.export(folder)
    except NotExportable as refused:
        _refuse(refused.problems)
    click.echo(f"{count} files written into {folder}.")


def _read(folder: Path) -> Contributions:
    try:
        return loader.read(folder)
    except CatalogInvalid as invalid:
        return _refuse([str(problem) for problem in invalid.problems])


def _refuse(problems: list[str] | tuple[str, ...]) -> NoReturn:
    for problem in problems:
        click.echo(problem, err=True)
    raise SystemExit(1)
