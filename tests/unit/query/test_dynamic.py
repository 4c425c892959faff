from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.support import at
from watchword.query.dynamic import operand_of, operands_of, parse_variable
from watchword.query.filters import Variable
from watchword.query.types import FieldType
from watchword.query.variables import Variables

T = FieldType
NOW = 1_770_120_000.5  # 2026-02-03T12:00:00.5Z
ID = "3757270f-1c69-461d-8cf9-094724195028"
CALLER = Variables(
    current_user=ID,
    current_role="not a uuid",
    current_roles=(ID, "not a uuid"),
    user={"department": 5, "tags": ["a", "b"], "nobody": None},
)


@pytest.mark.parametrize(
    ("text", "variable"),
    [
        ("$NOW", Variable("NOW")),
        ("$NOW(-1 year)", Variable("NOW", months=-12)),
        ("$NOW(+2 hours)", Variable("NOW", shift=7200.0)),
        ("$NOW( 2 hours)", Variable("NOW", shift=7200.0)),
        ("$NOW(3)", Variable("NOW", shift=3 * 86400.0)),
        ("$NOW(-1.5 h)", Variable("NOW", shift=-5400.0)),
        ("$NOW(10ms)", Variable("NOW", shift=0.01)),
        ("$NOW(1 s)", Variable("NOW", shift=1.0)),
        ("$NOW(1 minutes)", Variable("NOW", shift=60.0)),
        ("$NOW(-2 weeks)", Variable("NOW", shift=-14 * 86400.0)),
        ("$NOW(1 months)", Variable("NOW", months=1)),
        ("$CURRENT_USER", Variable("CURRENT_USER")),
        ("$CURRENT_USER.department.name", Variable("CURRENT_USER", ("department", "name"))),
        ("$CURRENT_ROLE.name", Variable("CURRENT_ROLE", ("name",))),
        ("$CURRENT_ROLES", Variable("CURRENT_ROLES")),
        ("$CURRENT_POLICIES", Variable("CURRENT_POLICIES")),
    ],
)
def test_dynamic_values_are_variables(text: str, variable: Variable) -> None:
    assert parse_variable(text) == variable


@pytest.mark.parametrize(
    "text",
    [
        "",
        "NOW",
        "$",
        "$now",
        "$NOW()",
        "$NOW(-1 fortnight)",
        "$NOW(1.5 months)",
        "$NOW(--1 day)",
        "$NOW + 1",
        "$CURRENT_USER.",
        "$CURRENT_USER..name",
        "$CURRENT_USER" + ".a" * 11,
        "$CURRENT_ROLES.name",
        "$CURRENT_USERS",
        "$FOLLOW(a,b)",
    ],
)
def test_other_texts_are_texts(text: str) -> None:
    assert parse_variable(text) is None


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (T.TIMESTAMP, datetime(2026, 2, 3, 12, 0, 0, 500000, UTC)),
        (T.DATE_TIME, at("2026-02-03T12:00:00.500000")),
        (T.DATE, date(2026, 2, 3)),
        (T.TIME, time(12, 0, 0, 500000)),
        (T.INTEGER, 1_770_120_000),
        (T.FLOAT, 1_770_120_000.0),
        (T.DECIMAL, Decimal(1_770_120_000)),
        (T.STRING, "2026-02-03T12:00:00.500Z"),
        (T.BOOLEAN, None),
        (T.UUID, None),
    ],
)
def test_now_takes_the_form_of_the_field_it_is_compared_with(kind: FieldType, expected: Any) -> None:
    assert operand_of(Variable("NOW"), kind, CALLER, NOW) == expected


def test_moments_far_away_stay_moments() -> None:
    assert operand_of(Variable("NOW", months=12 * 7000), T.DATE, CALLER, NOW) == date(9026, 2, 3)
    assert operand_of(Variable("NOW", shift=1e12), T.DATE, CALLER, NOW) is None


@pytest.mark.parametrize(
    ("variable", "kind", "expected"),
    [
        (Variable("CURRENT_USER"), T.UUID, ID),
        (Variable("CURRENT_USER"), T.INTEGER, None),
        (Variable("CURRENT_ROLE"), T.UUID, None),
        (Variable("CURRENT_ROLE"), T.STRING, "not a uuid"),
        (Variable("CURRENT_USER", ("department",)), T.STRING, "5"),
        (Variable("CURRENT_USER", ("nobody",)), T.STRING, None),
        (Variable("CURRENT_USER", ("unknown",)), T.STRING, None),
        (Variable("CURRENT_ROLES"), T.UUID, None),
        (Variable("SOMETHING"), T.STRING, None),
    ],
)
def test_a_variable_without_a_fitting_value_is_null(variable: Variable, kind: FieldType, expected: Any) -> None:
    assert operand_of(variable, kind, CALLER, NOW) == expected


def test_lists_take_variables_apart_and_drop_what_does_not_fit() -> None:
    items = ("x", Variable("CURRENT_ROLES"), Variable("CURRENT_USER", ("tags",)), Variable("CURRENT_USER", ("nobody",)))

    assert operands_of(items, T.STRING, CALLER, NOW) == ("x", ID, "not a uuid", "a", "b")
    assert operands_of((Variable("CURRENT_ROLES"),), T.UUID, CALLER, NOW) == (ID,)


@given(st.text(alphabet="$NOW(+-1. )dayCURENT_SLmhs", max_size=30) | st.text())
def test_any_text_parses_without_errors(text: str) -> None:
    variable = parse_variable(text)
    if variable is not None:
        operand_of(variable, T.TIMESTAMP, CALLER, NOW)
