"""Reading row images."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.storage.engine import Kind
from watchword.storage.images import decode


def test_no_image_is_none() -> None:
    assert decode("sqlite", None) == (None, ())


def test_sqlite_arrays_are_reals_and_blobs() -> None:
    text = '{"real": ["0.10000000000000001"], "inf": ["-Inf"], "blob": ["x", "00FF"], "text": "[1]", "none": null}'
    image, _ = decode("sqlite", text)
    assert image == {"real": 0.1, "inf": float("-inf"), "blob": b"\x00\xff", "text": "[1]", "none": None}


def test_sqlite_text_that_is_not_utf8_is_read_with_replacements() -> None:
    assert decode("sqlite", b'{"a": "x\xff"}') == ({"a": "x\ufffd"}, ())


def test_postgresql_fractions_lose_nothing() -> None:
    image, _ = decode("postgresql", '{"a": 1.10, "b": 123456789012345678901234567890.5, "c": 7}')
    assert image == {"a": Decimal("1.10"), "b": Decimal("123456789012345678901234567890.5"), "c": 7}
    assert str(image["a"]) == "1.10"


def test_postgresql_json_that_is_barely_json_is_read() -> None:
    image, _ = decode("postgresql", '{"a": {"x": "\\ud800", "y": 1e999}}')
    assert image == {"a": {"x": "\ud800", "y": Decimal("1e999")}}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_large_columns_are_missing_and_named(kind: str) -> None:
    text = '{"id": 1, "body": null, "note": null, "$omitted": ["body"]}'
    assert decode("sqlite" if kind == "sqlite" else "postgresql", text) == ({"id": 1, "note": None}, ("body",))


@given(st.one_of(st.binary(), st.sampled_from([b"0", b"[]", b"null", b'"x"'])))
def test_anything_else_is_a_value_error(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode("sqlite", data)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.decimals(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)
NAMES = st.text().filter(lambda name: name != "$omitted")


def written(value: object) -> str:
    """JSON with decimals as numbers."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{json.dumps(key)}:{written(item)}" for key, item in value.items()) + "}"
    return json.dumps(value)


@given(st.dictionaries(NAMES, JSON_VALUES))
def test_postgresql_image_gives_the_values_back(row: dict[str, object]) -> None:
    assert decode("postgresql", written(row)) == (row, ())


@given(st.dictionaries(NAMES, st.none() | st.integers() | st.text() | st.binary() | st.floats(allow_nan=False)))
def test_sqlite_image_gives_the_values_back(row: dict[str, object]) -> None:
    def stored(value: object) -> object:
        if isinstance(value, bytes):
            return ["x", value.hex()]
        return [repr(value)] if isinstance(value, float) else value

    assert decode("sqlite", json.dumps({name: stored(value) for name, value in row.items()})) == (row, ())


@pytest.mark.parametrize("value", ['"[\\"id\\"]"', '"id"', "5", '["nowhere"]', "[1]", '{"id": 1}'])
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_column_named_like_the_list_of_large_ones_cannot_take_columns_away(kind: Kind, value: str) -> None:
    with pytest.raises(ValueError, match=r"column"):
        decode(kind, f'{{"id": 1, "$omitted": {value}}}')
