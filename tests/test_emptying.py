"""Each test has a database as if newly made, though rows alone are taken out of the last one's."""

import pytest
from sqlalchemy import func, select, text

from app.accounts.models import User
from app.db import db, transaction
from tests import factories
from tests.conftest import is_emptied


@pytest.fixture
def url(app, database_url):
    if db.engine.dialect.name != "postgresql":
        pytest.skip("the SQLite file is copied anew")
    return database_url


def test_rows_are_taken_out_and_numbers_begin_anew(url):
    factories.user("first")
    factories.user("second")
    db.session.remove()

    assert is_emptied(url)
    db.engine.dispose()
    assert db.session.scalar(select(func.count()).select_from(User)) == 0
    assert factories.user("other").id == 1


def test_what_lost_its_net_is_made_anew(url):
    with transaction():
        db.session.execute(text("ALTER TABLE reservation DROP CONSTRAINT one_at_a_time"))
    db.session.remove()

    assert not is_emptied(url)
