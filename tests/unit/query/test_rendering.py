from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.support import at
from watchword.base import json
from watchword.query.rendering import column_renderer, render, renderer
from watchword.query.types import FieldType

T = FieldType


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (T.STRING, "x", "x"),
        (T.INTEGER, 5, 5),
        (T.BIG_INTEGER, 2**53, 2**53),
        (T.BIG_INTEGER, 2**53 + 1, "9007199254740993"),
        (T.BIG_INTEGER, -(2**53) - 1, "-9007199254740993"),
        (T.INTEGER, True, True),
        (T.INTEGER, "abc", "abc"),
        (T.FLOAT, 1.5, 1.5),
        (T.FLOAT, float("nan"), None),
        (T.FLOAT, float("-inf"), None),
        (T.DECIMAL, Decimal("1E+3"), "1000"),
        (T.DECIMAL, Decimal("5.10"), "5.10"),
        (T.DECIMAL, Decimal("NaN"), None),
        (T.DECIMAL, 5.1, 5.1),
        (T.DECIMAL, 5, 5),
        (T.BOOLEAN, True, True),
        (T.DATE, date(2026, 2, 3), "2026-02-03"),
        (T.TIME, time(1, 2, 3, 4), "01:02:03"),
        (T.DATE_TIME, at("2026-02-03T04:05:06.789000"), "2026-02-03T04:05:06"),
        (T.DATE_TIME, datetime(2026, 2, 3, 4, 5, 6, tzinfo=timezone(timedelta(hours=1))), "2026-02-03T03:05:06"),
        (T.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC), "2026-02-03T04:05:06.000Z"),
        (T.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6, 789000, UTC), "2026-02-03T04:05:06.789Z"),
        (T.TIMESTAMP, datetime(2026, 2, 3, 4, 5, 6, 789012, UTC), "2026-02-03T04:05:06.789012Z"),
        (T.TIMESTAMP, datetime(2026, 2, 3, 4, tzinfo=timezone(timedelta(hours=1))), "2026-02-03T03:00:00.000Z"),
        (T.TIMESTAMP, "garbage", "garbage"),
        (T.JSON, {"a": [1]}, {"a": [1]}),
        (T.CSV, ["a"], ["a"]),
        (T.BINARY, b"hi", "aGk="),
        (T.BINARY, "text", "text"),
        (T.UNKNOWN, at("2026-02-03"), "2026-02-03T00:00:00"),
        (T.UNKNOWN, time(1, 2), "01:02:00"),
        (T.UNKNOWN, b"hi", "aGk="),
        (T.UNKNOWN, "x", "x"),
        (T.ALIAS, None, None),
    ],
)
def test_values_are_rendered_for_json(kind: FieldType, value: Any, expected: Any) -> None:
    assert render(kind, value) == expected
    json.encode(render(kind, value))


@pytest.mark.parametrize("kind", [T.STRING, T.TEXT, T.HASH, T.UUID, T.BOOLEAN, T.JSON, T.CSV])
def test_types_that_are_json_already_have_no_renderer(kind: FieldType) -> None:
    assert renderer(kind) is None


def test_a_renderer_does_what_render_does() -> None:
    write = renderer(T.TIMESTAMP)

    assert write is not None
    assert write(None) is None
    assert write(datetime(2026, 2, 3, tzinfo=UTC)) == render(T.TIMESTAMP, datetime(2026, 2, 3, tzinfo=UTC))


VALUES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(2**53 - 2, 2**53 + 2)
    | st.floats()
    | st.text(max_size=3)
    | st.binary(max_size=3)
    | st.decimals()
    | st.dates()
    | st.times()
    | st.datetimes(timezones=st.none() | st.sampled_from([UTC, timezone(timedelta(hours=2))]))
)
UNIFORM = st.one_of(
    st.lists(st.none() | st.integers()), st.lists(st.none() | st.floats()), st.lists(st.none() | st.datetimes())
)


@pytest.mark.parametrize("kind", list(FieldType))
@given(values=st.lists(VALUES, max_size=5) | UNIFORM)
def test_a_column_is_rendered_as_each_of_its_values_is(kind: FieldType, values: list[Any]) -> None:
    form = column_renderer(kind)
    rendered = values if form is None else list(form(values))
    each = [render(kind, value) for value in values]
    assert list(map(repr, rendered)) == list(map(repr, each))
