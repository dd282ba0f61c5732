"""A second process on the same database."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.db import db
from tests.conftest import Visitor, settings

AnotherProcess = Callable[..., Flask]


@pytest.fixture
def another_process(database_url: str, tmp_path: Path, app: Flask) -> Iterator[AnotherProcess]:
    """Make applications of other settings on this test's database."""
    made: list[Flask] = []

    def make(**others: str) -> Flask:
        other = create_app(settings(database_url, tmp_path / f"other-{len(made)}", **others))
        other.testing = True
        other.test_client_class = Visitor
        made.append(other)
        return other

    yield make
    for other in made:
        with other.app_context():
            db.session.remove()
            db.engine.dispose()
