from __future__ import annotations

import pytest

from watchword.query.types import FieldType, Function, Operator, functions_of, operators_of


@pytest.mark.parametrize(
    ("kind", "taken", "refused"),
    [
        (FieldType.STRING, Operator.CONTAINS, Operator.REGEX),
        (FieldType.CSV, Operator.ICONTAINS, Operator.SUBMITTED),
        (FieldType.INTEGER, Operator.BETWEEN, Operator.CONTAINS),
        (FieldType.TIMESTAMP, Operator.LT, Operator.STARTS_WITH),
        (FieldType.BOOLEAN, Operator.IN, Operator.LT),
        (FieldType.UUID, Operator.STARTS_WITH, Operator.GT),
        (FieldType.JSON, Operator.EMPTY, Operator.EQ),
        (FieldType.ALIAS, Operator.NULL, Operator.EMPTY),
    ],
)
def test_each_type_takes_its_operators(kind: FieldType, taken: Operator, refused: Operator) -> None:
    assert taken in operators_of(kind)
    assert refused not in operators_of(kind)


@pytest.mark.parametrize(
    ("kind", "taken", "refused"),
    [
        (FieldType.DATE, Function.YEAR, Function.HOUR),
        (FieldType.TIME, Function.HOUR, Function.YEAR),
        (FieldType.DATE_TIME, Function.SECOND, Function.COUNT),
        (FieldType.JSON, Function.COUNT, Function.YEAR),
    ],
)
def test_each_type_takes_its_functions(kind: FieldType, taken: Function, refused: Function) -> None:
    assert taken in functions_of(kind)
    assert refused not in functions_of(kind)


def test_plain_values_take_no_function() -> None:
    assert functions_of(FieldType.STRING) == frozenset()
