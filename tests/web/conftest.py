"""What pages share asks little of the database: one kind is enough."""

import pytest


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """An empty, migrated SQLite file, for this test alone."""
    return sqlite_url
