"""What JSON columns keep comes back as it was, whatever it is."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.db import engine_options

_OPTIONS = engine_options("sqlite://")
write, read = _OPTIONS["json_serializer"], _OPTIONS["json_deserializer"]
ANY_TEXT = st.text(st.characters(exclude_categories=()))  # halves of characters among them

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | ANY_TEXT,
    lambda inner: st.lists(inner) | st.dictionaries(ANY_TEXT, inner),
)


@given(VALUES)
def test_what_is_written_is_read_again(value):
    assert read(write(value)) == value


@given(VALUES)
def test_what_was_written_before_is_still_read(value):
    assert read(json.dumps(value)) == value


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 10**40}, [1e300, -0.0]])
def test_half_a_character_and_large_numbers_are_kept(value):
    assert read(write(value)) == value


def test_what_is_no_json_is_refused():
    with pytest.raises(TypeError):
        write({"answer": object()})
