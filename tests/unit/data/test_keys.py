"""Keys as clients and addresses say them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.data.keys import parse_key, parse_keys
from watchword.data.schema import Collection, Field
from watchword.query.types import FieldType

NUMBERED = Collection("n", "n", ("id",), {"id": Field("id", FieldType.INTEGER)})
NAMED = Collection("t", "t", ("name",), {"name": Field("name", FieldType.TEXT)})
PAIRED = Collection("p", "p", ("a", "b"), {"a": Field("a", FieldType.INTEGER), "b": Field("b", FieldType.TEXT)})


@pytest.mark.parametrize(
    ("collection", "value", "key"),
    [
        (NUMBERED, 5, (5,)),
        (NUMBERED, "5", (5,)),
        (NUMBERED, "five", None),
        (NUMBERED, 2**63, None),
        (NUMBERED, True, None),
        (NUMBERED, None, None),
        (NUMBERED, {"id": 5}, None),
        (NAMED, "a,b", ("a,b",)),
        (NAMED, 7, ("7",)),
        (NAMED, "a\0", None),
        (PAIRED, "1,x", (1, "x")),
        (PAIRED, "1", None),
        (PAIRED, 1, None),
        (PAIRED, "1,x,y", None),
    ],
)
def test_a_key_is_read_as_its_columns_types(collection: Collection, value: Any, key: Any) -> None:
    assert parse_key(collection, value) == key


def test_keys_keep_their_order_and_come_once() -> None:
    assert parse_keys(NUMBERED, ["3", 1, 3, "x", "1"]) == [(3,), (1,)]


@given(
    st.sampled_from([NUMBERED, NAMED, PAIRED]),
    st.recursive(st.none() | st.floats() | st.text() | st.binary(), st.lists),
)
def test_nothing_that_is_said_raises(collection: Collection, value: Any) -> None:
    parse_key(collection, value)
