from __future__ import annotations

import uuid
from datetime import UTC, date, time, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.support import at
from watchword.query.types import FieldType
from watchword.query.values import convert, render

T = FieldType
UUID = "3757270f-1c69-461d-8cf9-094724195028"
NOON = at("2026-02-03T12:00:00.500000")
NOON_UTC = NOON.replace(tzinfo=UTC)


@pytest.mark.parametrize("kind", FieldType)
def test_null_is_a_value_of_every_type(kind: FieldType) -> None:
    assert convert(kind, None) is None
    assert render(kind, None) is None


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (T.STRING, "x", "x"),
        (T.STRING, 5, "5"),
        (T.STRING, 5.0, "5"),
        (T.STRING, 5.5, "5.5"),
        (T.STRING, 1e300, "1e+300"),
        (T.STRING, True, "true"),
        (T.STRING, False, "false"),
        (T.STRING, Decimal("1.50"), "1.50"),
        (T.STRING, {"a": 1}, '{"a":1}'),
        (T.STRING, [1, "é"], '[1,"é"]'),
        (T.STRING, date(2026, 2, 3), "2026-02-03"),
        (T.STRING, time(1, 2, 3), "01:02:03"),
        (T.STRING, NOON_UTC, "2026-02-03T12:00:00.500Z"),
        (T.STRING, uuid.UUID(UUID), UUID),
        (T.UNKNOWN, 5, "5"),
        (T.UUID, UUID, UUID),
        (T.UUID, UUID.upper(), UUID),
        (T.UUID, UUID.replace("-", ""), UUID),
        (T.UUID, uuid.UUID(UUID), UUID),
        (T.UUID, uuid.UUID(UUID).bytes, UUID),
        (T.INTEGER, "5", 5),
        (T.INTEGER, " -5 ", -5),
        (T.INTEGER, "5.0", 5),
        (T.INTEGER, "1e3", 1000),
        (T.INTEGER, 5.0, 5),
        (T.INTEGER, Decimal(5), 5),
        (T.INTEGER, True, 1),
        (T.BIG_INTEGER, "9223372036854775807", 2**63 - 1),
        (T.FLOAT, "1.5", 1.5),
        (T.FLOAT, 1, 1.0),
        (T.FLOAT, Decimal("0.5"), 0.5),
        (T.DECIMAL, "5.10", Decimal("5.10")),
        (T.DECIMAL, 5.1, Decimal("5.1")),
        (T.DECIMAL, 5, Decimal(5)),
        (T.BOOLEAN, "true", True),
        (T.BOOLEAN, "FALSE", False),
        (T.BOOLEAN, "1", True),
        (T.BOOLEAN, 0, False),
        (T.BOOLEAN, 1.0, True),
        (T.BOOLEAN, True, True),
        (T.DATE, "2026-02-03", date(2026, 2, 3)),
        (T.DATE, "2026-02-03T23:30:00-02:00", date(2026, 2, 4)),
        (T.DATE, date(2026, 2, 3), date(2026, 2, 3)),
        (T.TIME, "12:30", time(12, 30)),
        (T.TIME, "12:30:15Z", time(12, 30, 15)),
        (T.TIME, "2026-02-03T12:30:00", time(12, 30)),
        (T.TIME, time(1, 2, tzinfo=UTC), time(1, 2)),
        (T.TIME, 1_770_120_000, time(12, 0)),
        (T.DATE_TIME, "2026-02-03T12:00:00.5", NOON),
        (T.DATE_TIME, "2026-02-03 12:00:00.5", NOON),
        (T.DATE_TIME, "2026-02-03T12:00:00.500Z", NOON),
        (T.DATE_TIME, "2026-02-03T14:00:00.5+02:00", NOON),
        (T.DATE_TIME, "2026-02-03", at("2026-02-03")),
        (T.DATE_TIME, date(2026, 2, 3), at("2026-02-03")),
        (T.DATE_TIME, 1_770_120_000.5, NOON),
        (T.DATE_TIME, 1_770_120_000_500, NOON),
        (T.TIMESTAMP, "2026-02-03T12:00:00.5", NOON_UTC),
        (T.TIMESTAMP, NOON_UTC.astimezone(timezone(timedelta(hours=3))), NOON_UTC),
        (T.TIMESTAMP, 1_770_120_000.5, NOON_UTC),
        (T.JSON, {"a": [1]}, {"a": [1]}),
        (T.JSON, '{"a": [1]}', {"a": [1]}),
        (T.JSON, "[draft]", "[draft]"),
        (T.JSON, "5", "5"),
        (T.CSV, "a,b", ["a", "b"]),
        (T.CSV, "", []),
        (T.CSV, [], []),
        (T.CSV, ["a", 1], ["a", "1"]),
        (T.CSV, ["a,b"], ["a", "b"]),
        (T.BINARY, "aGk=", b"hi"),
        (T.BINARY, b"hi", b"hi"),
        (T.BINARY, bytearray(b"hi"), b"hi"),
    ],
)
def test_values_become_canonical(kind: FieldType, value: Any, expected: Any) -> None:
    result = convert(kind, value)

    assert result == expected
    assert type(result) is type(expected)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (T.STRING, "a\0b"),
        (T.STRING, "\ud800"),
        (T.STRING, float("inf")),
        (T.STRING, object()),
        (T.STRING, b"x"),
        (T.UUID, "nope"),
        (T.UUID, 5),
        (T.UUID, b"short"),
        (T.INTEGER, "abc"),
        (T.INTEGER, ""),
        (T.INTEGER, "1_000"),
        (T.INTEGER, "٣"),
        (T.INTEGER, 2.5),
        (T.INTEGER, "1e4000"),
        (T.INTEGER, "9" * 5000),
        (T.INTEGER, 2**63),
        (T.INTEGER, 1e300),
        (T.INTEGER, float("nan")),
        (T.INTEGER, Decimal("2.5")),
        (T.INTEGER, Decimal("1e999999")),
        (T.INTEGER, [1]),
        (T.INTEGER, {}),
        (T.FLOAT, "nan"),
        (T.FLOAT, "Infinity"),
        (T.FLOAT, "0x10"),
        (T.FLOAT, 10**400),
        (T.DECIMAL, "1e9999"),
        (T.DECIMAL, Decimal("NaN")),
        (T.DECIMAL, float("inf")),
        (T.DECIMAL, []),
        (T.BOOLEAN, "yes"),
        (T.BOOLEAN, 2),
        (T.BOOLEAN, []),
        (T.DATE, "notadate"),
        (T.DATE, "2026-02-30"),
        (T.DATE, True),
        (T.DATE, []),
        (T.TIME, "25:00"),
        (T.DATE_TIME, 1e300),
        (T.DATE_TIME, "0001-01-01T00:00:00+14:00"),
        (T.CSV, b"x"),
        (T.BINARY, "not base64!"),
        (T.BINARY, 5),
        (T.ALIAS, "x"),
    ],
)
def test_what_is_no_value_of_the_type_is_refused(kind: FieldType, value: Any) -> None:
    with pytest.raises(ValueError, match=r".*"):
        convert(kind, value)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates().map(str) | st.datetimes().map(str),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(FieldType), json_values)
def test_any_json_converts_or_raises_value_error(kind: FieldType, value: Any) -> None:
    try:
        canonical = convert(kind, value)
    except ValueError:
        return
    if kind is not FieldType.JSON:
        assert convert(kind, canonical) == canonical


@given(st.sampled_from(FieldType), json_values | st.binary())
def test_whatever_is_stored_is_rendered_without_errors(kind: FieldType, value: Any) -> None:
    render(kind, value)


def test_text_that_a_failed_conversion_saw_is_not_in_the_error() -> None:
    with pytest.raises(ValueError, match=r"^not a value of type integer$"):
        convert(T.INTEGER, [1])
