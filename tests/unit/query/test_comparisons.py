from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.query.support import at
from watchword.query.comparisons import comparison, preparation, text_of
from watchword.query.types import FieldType

T = FieldType


def holds(value: Any, name: str, operand: Any, kind: FieldType = T.STRING) -> bool:
    return comparison(name, kind)(value, preparation(name, kind)(operand))


@pytest.mark.parametrize(
    ("value", "name", "operand", "expected"),
    [
        ("a", "eq", "a", True),
        ("a", "eq", "A", False),
        ("a", "neq", "A", True),
        ("B", "lt", "a", True),
        ("é", "gt", "z", True),
        ("\uffff", "lt", "\U0001f600", True),
        ("a", "lte", "a", True),
        ("a", "gte", "b", False),
        ("a", "in", ("a", "b"), True),
        ("c", "in", ("a", "b"), False),
        ("c", "nin", ("a", "b"), True),
        ("b", "between", ("a", "c"), True),
        ("a", "between", ("a", "c"), True),
        ("d", "between", ("a", "c"), False),
        ("b", "between", ("c", "a"), False),
        ("d", "nbetween", ("a", "c"), True),
        ("50%", "contains", "%", True),
        ("50", "contains", "%", False),
        ("ab", "contains", "_", False),
        ("Hello", "contains", "hello", False),
        ("Hello", "icontains", "hELLo", True),
        ("ÄÖÜ", "icontains", "äö", True),
        ("straße", "icontains", "STRASSE", False),
        ("İ", "icontains", "i̇", True),
        ("Hello", "ncontains", "x", True),
        ("Hello", "nicontains", "HELL", False),
        ("Hello", "starts_with", "He", True),
        ("Hello", "starts_with", "he", False),
        ("Hello", "starts_with", "", True),
        ("Hello", "nstarts_with", "he", True),
        ("Hello", "istarts_with", "he", True),
        ("Hello", "nistarts_with", "he", False),
        ("Hello", "ends_with", "lo", True),
        ("Hello", "ends_with", "", True),
        ("Hello", "nends_with", "LO", True),
        ("Hello", "iends_with", "LO", True),
        ("Hello", "niends_with", "LO", False),
    ],
)
def test_texts_compare_by_code_point_and_patterns_are_literal(
    value: str, name: str, operand: Any, expected: bool
) -> None:
    assert holds(value, name, operand) is expected


@pytest.mark.parametrize(
    ("kind", "value", "name", "operand", "expected"),
    [
        (T.INTEGER, 5, "gt", 4, True),
        (T.INTEGER, "abc", "gt", 4, True),
        (T.INTEGER, "abc", "eq", 4, False),
        (T.INTEGER, b"x", "gt", 4, True),
        (T.INTEGER, "abc", "between", (1, 9), False),
        (T.FLOAT, 5.5, "gte", 5.5, True),
        (T.FLOAT, float("nan"), "gt", 1e308, True),
        (T.FLOAT, float("nan"), "lt", 1e308, False),
        (T.FLOAT, float("nan"), "eq", 1.0, False),
        (T.DECIMAL, Decimal("5.10"), "eq", Decimal("5.1"), True),
        (T.DECIMAL, 5.1, "eq", Decimal("5.1"), True),
        (T.DECIMAL, 5, "lt", Decimal("5.1"), True),
        (T.DECIMAL, 2**53 + 1, "eq", Decimal(2**53 + 1), True),
        (T.DECIMAL, 5.1, "in", (Decimal("5.1"), Decimal(7)), True),
        (T.DECIMAL, Decimal("7.0"), "nin", (Decimal("5.1"), Decimal(7)), False),
        (T.DECIMAL, 5.1, "between", (Decimal("5.1"), Decimal(7)), True),
        (T.DECIMAL, Decimal("NaN"), "gt", Decimal(7), True),
        (T.BOOLEAN, True, "eq", True, True),
        (T.BOOLEAN, 2, "eq", True, False),
        (T.DATE, date(2026, 1, 2), "gt", date(2026, 1, 1), True),
        (T.TIME, time(1), "lt", time(2), True),
        (T.TIME, "garbage", "gt", time(2), True),
        (T.DATE_TIME, at("2026-01-02"), "lte", at("2026-01-02"), True),
        (T.DATE_TIME, "2026-01-01 09:00", "lt", at("2026-01-01T10:00"), True),
        (T.DATE_TIME, "garbage", "gt", at("2026-01-01T10:00"), True),
        (T.TIMESTAMP, datetime(2026, 1, 2, tzinfo=UTC), "gt", datetime(2026, 1, 1, tzinfo=UTC), True),
        (T.TIMESTAMP, "garbage", "lt", datetime(2026, 1, 1, tzinfo=UTC), False),
        (T.UUID, "3757270f", "starts_with", "37", True),
        (T.CSV, ["a", "b"], "eq", ["a", "b"], True),
        (T.CSV, ["a", "b"], "contains", ["a", "b"], True),
        (T.CSV, ["a", "B"], "icontains", ["b"], True),
        (T.CSV, ["a"], "in", (["b"], ["a"]), True),
        (T.CSV, ["a"], "lt", ["b"], True),
        (T.UNKNOWN, 5, "contains", "5", True),
        (T.UNKNOWN, 5, "eq", "5", False),
        (T.UNKNOWN, [1], "in", ("a",), False),
        (T.UNKNOWN, [1], "nin", ("a",), True),
    ],
)
def test_values_compare_as_the_database_compares_them(
    kind: FieldType, value: Any, name: str, operand: Any, expected: bool
) -> None:
    assert holds(value, name, operand, kind) is expected


@pytest.mark.parametrize("name", ["null", "empty", "regex", "submitted", "bad"])
def test_other_operators_are_no_comparisons(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        comparison(name, T.STRING)


def test_lists_are_texts_joined_by_commas() -> None:
    assert text_of(["a", "b"]) == "a,b"
    assert text_of([]) == ""
