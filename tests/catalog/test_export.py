"""Database → files → the same again, and the commands around them."""

from pathlib import Path

import pytest

from app.catalog import loader
from app.catalog.export import NotExportable, export
from app.catalog.models import Instrument
from app.catalog.sync import sync
from app.db import db, transaction
from tests import factories
from tests.catalog.folder import CONFOCAL, Folder
from tests.conftest import NOW

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def folder(app, tmp_path) -> Folder:
    return Folder(tmp_path / "instruments")


def run(app, *words):
    return app.test_cli_runner().invoke(args=["catalog", *map(str, words)])


def test_the_catalogue_of_this_repository_survives_the_way_there_and_back(app, tmp_path):
    contributions = loader.read(REPOSITORY / "instruments")
    sync(contributions, now=NOW)

    export(tmp_path / "out")

    assert loader.read(tmp_path / "out") == contributions


def test_an_edit_in_the_browser_reaches_the_files(folder, tmp_path):
    sync(folder.read(), now=NOW)
    with transaction():
        db.session.query(Instrument).one().maker = "Zeiss"
    export(tmp_path / "out")
    assert loader.read(tmp_path / "out").instruments["hanguk-confocal"].maker == "Zeiss"


@pytest.mark.parametrize(
    "text", ["no", "0123", "1.5", "~", "- x", "# not a comment", 'a: "b"', "줄 하나\n\n줄 둘"]
)
def test_text_that_looks_like_something_else_stays_text(folder, tmp_path, text):
    folder.confocal(features={"ko": text, "en": text}, maker="no")
    sync(folder.read(), now=NOW)
    export(tmp_path / "out")
    assert loader.read(tmp_path / "out") == folder.read()


def test_former_slugs_are_written_too(folder, tmp_path):
    folder.confocal(former_slugs=["hanguk-old"])
    sync(folder.read(), now=NOW)
    export(tmp_path / "out")
    found = loader.read(tmp_path / "out").instruments["hanguk-confocal"]
    assert found.former_slugs == ["hanguk-old"]


def test_what_is_retired_is_left_out(folder, tmp_path):
    sync(folder.read(), now=NOW)
    folder.without("hanguk/hanguk-confocal.yaml")
    sync(folder.read(), now=NOW)
    export(tmp_path / "out")
    assert loader.read(tmp_path / "out").instruments == {}


def test_a_row_that_no_file_could_say_is_named_and_nothing_written(app, tmp_path):
    factories.instrument(slug="microscope")
    with pytest.raises(NotExportable, match="microscope"):
        export(tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_check_counts_what_is_good(app, folder):
    done = run(app, "check", folder.path)
    assert done.exit_code == 0
    assert "1 institutions, 1 facilities, 1 instruments: no problems." in done.output


def test_check_tells_all_problems_with_file_and_line(app, folder):
    folder.confocal(kind="spaceship", use_scope="all")
    done = run(app, "check", folder.path)
    assert done.exit_code == 1
    assert "hanguk-confocal.yaml:2: “kind” must be" in done.output
    assert "“use_scope” must be" in done.output


def test_the_command_syncs_once_and_says_what_it_did(app, folder):
    first, second = run(app, "sync", folder.path), run(app, "sync", folder.path)
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert "new instrument hanguk-confocal" in first.output
    assert "0 changed, 0 kept" in second.output


def test_a_dry_run_changes_nothing(app, folder):
    done = run(app, "sync", folder.path, "--dry-run")
    assert "would change" in done.output
    assert db.session.query(Instrument).count() == 0


def test_a_bad_folder_is_not_synced(app, folder):
    folder.confocal(kind="spaceship")
    done = run(app, "sync", folder.path)
    assert done.exit_code == 1
    assert db.session.query(Instrument).count() == 0


def test_a_refused_sync_says_why(app, folder):
    run(app, "sync", folder.path)
    folder.without("hanguk/hanguk-confocal.yaml")
    folder.with_("hanguk/hanguk-a1.yaml", CONFOCAL, former_slugs=["hanguk-confocal"])
    run(app, "sync", folder.path)
    folder.with_("hanguk/hanguk-a1.yaml", CONFOCAL)
    folder.confocal()
    done = run(app, "sync", folder.path)
    assert done.exit_code == 1
    assert "is the former slug of hanguk-a1" in done.output


def test_the_command_exports_what_check_takes(app, folder, tmp_path):
    run(app, "sync", folder.path)
    assert run(app, "export", tmp_path / "out").exit_code == 0
    assert run(app, "check", tmp_path / "out").exit_code == 0
