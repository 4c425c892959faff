"""Default expressions that stand for a literal value."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.data.defaults import literal_default
from watchword.query.types import FieldType


@pytest.mark.parametrize(
    ("expression", "kind", "value"),
    [
        (None, FieldType.TEXT, None),
        ("'draft'", FieldType.STRING, "draft"),
        ("'draft'::character varying", FieldType.STRING, "draft"),
        ("'it''s'::text", FieldType.TEXT, "it's"),
        ("''", FieldType.TEXT, ""),
        ("NULL", FieldType.TEXT, None),
        ("NULL::character varying", FieldType.STRING, None),
        ("now()", FieldType.TIMESTAMP, None),
        ("CURRENT_TIMESTAMP", FieldType.TIMESTAMP, None),
        ("nextval('post_id_seq'::regclass)", FieldType.INTEGER, None),
        ("'2026-01-01'::date", FieldType.DATE, "2026-01-01"),
        ("5", FieldType.INTEGER, 5),
        ("'5'::bigint", FieldType.BIG_INTEGER, 5),
        ("(-5)", FieldType.INTEGER, -5),
        ("'-5'::integer", FieldType.INTEGER, -5),
        ("1.50", FieldType.DECIMAL, "1.50"),
        ("'-1.5'::numeric", FieldType.DECIMAL, "-1.5"),
        ("1e3", FieldType.FLOAT, 1000.0),
        ("'x'", FieldType.INTEGER, None),
        ("true", FieldType.BOOLEAN, True),
        ("FALSE", FieldType.BOOLEAN, False),
        ("1", FieldType.BOOLEAN, True),
        ("'{\"a\": 1}'::jsonb", FieldType.JSON, {"a": 1}),
        ("'{'", FieldType.JSON, None),
        ("'a,b'", FieldType.CSV, ["a", "b"]),
        ("''", FieldType.CSV, []),
    ],
)
def test_a_literal_becomes_a_value_of_the_fields_type(expression: str | None, kind: FieldType, value: Any) -> None:
    assert literal_default(expression, kind) == value


@given(st.text(), st.sampled_from(FieldType))
def test_no_expression_raises(expression: str, kind: FieldType) -> None:
    literal_default(expression, kind)
