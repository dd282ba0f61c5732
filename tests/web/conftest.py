"""What pages share asks little of the database: one kind is enough."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def database_url(empty_sqlite: Path, tmp_path: Path) -> str:
    """An empty, migrated SQLite file, for this test alone."""
    path = tmp_path / "dure.sqlite3"
    shutil.copy(empty_sqlite, path)
    return f"sqlite:///{path}"
