from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from tests.unit.query.support import at
from watchword.base.errors import Code, Problem
from watchword.query import filters as f
from watchword.query.filters import EVERYTHING, NOTHING, All, Compare, Filter, Not, Related, Variable
from watchword.query.predicate import validate
from watchword.query.types import FieldType, Function
from watchword.query.variables import Variables

T = FieldType
ALICE = "3757270f-1c69-461d-8cf9-094724195028"


def told(problems: list[Problem]) -> list[tuple[str, str]]:
    assert all(problem.code is Code.FAILED_VALIDATION for problem in problems)
    return [(problem.extensions["field"], problem.extensions["type"]) for problem in problems]


def problem(operator: str, operand: Any, value: Any, kind: FieldType = T.STRING) -> Problem:
    (found,) = validate(Compare("x", operator, operand, type=kind), {"x": value}, creating=True)
    return found


@pytest.mark.parametrize(
    ("operator", "operand", "value", "kind", "said"),
    [
        ("eq", "a", "b", T.STRING, ('Value has to be "a".', {"valid": "a"})),
        ("eq", "a", None, T.STRING, ('Value has to be "a".', {"valid": "a"})),
        ("neq", "a", "a", T.STRING, ('Value can\'t be "a".', {"invalid": "a"})),
        ("lt", 5, 5, T.INTEGER, ('Value has to be less than "5".', {"valid": 5})),
        ("lte", 5, "6", T.INTEGER, ('Value has to be less than or equal to "5".', {"valid": 5})),
        ("gt", 5, 5, T.INTEGER, ('Value has to be greater than "5".', {"valid": 5})),
        ("gte", 5, 4, T.INTEGER, ('Value has to be greater than or equal to "5".', {"valid": 5})),
        ("eq", True, False, T.BOOLEAN, ('Value has to be "true".', {"valid": True})),
        ("eq", Decimal("5.1"), 5.2, T.DECIMAL, ('Value has to be "5.1".', {"valid": "5.1"})),
        (
            "gt",
            at("2026-02-03"),
            "2026-02-02",
            T.DATE_TIME,
            ('Value has to be greater than "2026-02-03T00:00:00".', {"valid": "2026-02-03T00:00:00"}),
        ),
        ("in", ("a", "b"), "c", T.STRING, ('Value has to be one of "a", "b".', {"valid": ["a", "b"]})),
        ("nin", ("a", "b"), "b", T.STRING, ('Value can\'t be one of "a", "b".', {"invalid": ["a", "b"]})),
        ("between", (1, 3), 4, T.INTEGER, ('Value has to be between "1" and "3".', {"valid": [1, 3]})),
        ("nbetween", (1, 3), 2, T.INTEGER, ('Value can\'t be between "1" and "3".', {"invalid": [1, 3]})),
        ("contains", "a", "b", T.STRING, ('Value has to contain "a".', {"substring": "a"})),
        ("nicontains", "A", "a", T.STRING, ('Value can\'t contain "A".', {"substring": "A"})),
        ("starts_with", "a", "ba", T.STRING, ('Value has to start with "a".', {"substring": "a"})),
        ("nends_with", "a", "ba", T.STRING, ('Value can\'t end with "a".', {"substring": "a"})),
        ("regex", "^a", "b", T.STRING, ("Value doesn't have the correct format.", {})),
    ],
)
def test_problems_say_what_the_value_has_to_be(
    operator: str, operand: Any, value: Any, kind: FieldType, said: tuple[str, dict[str, Any]]
) -> None:
    text, extensions = said

    found = problem(operator, operand, value, kind)

    assert found.message == f'Validation failed for field "x". {text}'
    assert found.extensions == {"field": "x", "path": [], "type": operator, **extensions}


@pytest.mark.parametrize(
    ("operator", "operand", "value", "kind", "text"),
    [
        ("nnull", True, None, "nnull", "Value can't be null."),
        ("null", False, None, "nnull", "Value can't be null."),
        ("neq", None, None, "nnull", "Value can't be null."),
        ("null", True, "a", "null", "Value has to be null."),
        ("eq", None, "a", "null", "Value has to be null."),
        ("empty", True, "a", "empty", "Value has to be empty."),
        ("nempty", True, "", "nempty", "Value can't be empty."),
        ("empty", False, None, "nempty", "Value can't be empty."),
    ],
)
def test_null_and_empty_are_told_as_such(operator: str, operand: Any, value: Any, kind: str, text: str) -> None:
    found = problem(operator, operand, value)

    assert found.message == f'Validation failed for field "x". {text}'
    assert found.extensions == {"field": "x", "path": [], "type": kind}


@pytest.mark.parametrize(
    ("operator", "operand", "value", "kind"),
    [
        ("eq", "a", "a", T.STRING),
        ("eq", 5, "5", T.INTEGER),
        ("neq", "a", None, T.STRING),
        ("nin", ("a",), None, T.STRING),
        ("in", ("a", "b"), "b", T.STRING),
        ("nin", (), None, T.STRING),
        ("nbetween", (1, 3), None, T.INTEGER),
        ("ncontains", "a", None, T.STRING),
        ("nnull", True, "a", T.STRING),
        ("null", True, None, T.STRING),
        ("nempty", True, "a", T.STRING),
        ("regex", "^a", "abc", T.STRING),
        ("regex", "^5", 55, T.INTEGER),
        ("gt", at("2026-02-03"), "2026-02-04T00:00:00Z", T.DATE_TIME),
    ],
)
def test_values_that_satisfy_the_condition_have_no_problems(
    operator: str, operand: Any, value: Any, kind: FieldType
) -> None:
    assert validate(Compare("x", operator, operand, type=kind), {"x": value}, creating=True) == []


@pytest.mark.parametrize("operator", ["eq", "in", "between", "contains", "regex", "lt"])
def test_null_satisfies_no_positive_condition(operator: str) -> None:
    operand = ("a", "b") if operator in {"in", "between"} else "a"

    assert told(validate(Compare("x", operator, operand, type=T.STRING), {"x": None}, creating=False)) == [
        ("x", operator)
    ]


def test_an_empty_list_is_satisfied_by_nothing() -> None:
    assert told(validate(Compare("x", "in", (), type=T.STRING), {"x": "a"}, creating=True)) == [("x", "in")]


def test_an_absent_field_is_required_on_create_and_passed_over_on_update() -> None:
    node = Compare("x", "nnull", True, type=T.STRING)

    (found,) = validate(node, {}, creating=True)
    assert found.message == 'Validation failed for field "x". Value is required.'
    assert found.extensions == {"field": "x", "path": [], "type": "required"}
    assert validate(node, {}, creating=False) == []


def test_an_absent_field_is_null_to_a_negation() -> None:
    assert validate(Compare("x", "neq", "admin", type=T.STRING), {}, creating=True) == []


@pytest.mark.parametrize("creating", [True, False])
def test_submitted_demands_the_field_itself(creating: bool) -> None:
    node = Compare("x", "submitted", True)

    assert told(validate(node, {"y": 1}, creating)) == [("x", "required")]
    assert validate(node, {"x": None}, creating) == []
    assert validate(Compare("x", "submitted", False), {}, creating) == []


def test_every_failing_condition_is_told() -> None:
    node = All(
        (
            Compare("a", "eq", 1, type=T.INTEGER),
            Compare("b", "nnull", True, type=T.STRING),
            Compare("c", "eq", 1, type=T.INTEGER),
        )
    )

    assert told(validate(node, {"a": 2, "b": None, "c": 1}, creating=True)) == [("a", "eq"), ("b", "nnull")]


def test_one_satisfied_branch_is_enough() -> None:
    node = f.Any((Compare("a", "eq", "x", type=T.STRING), Compare("b", "eq", "x", type=T.STRING)))

    assert validate(node, {"a": "y", "b": "x"}, creating=True) == []
    assert told(validate(node, {"a": "y", "b": "z"}, creating=True)) == [("a", "eq"), ("b", "eq")]


@pytest.mark.parametrize(("node", "allowed"), [(EVERYTHING, True), (NOTHING, False), (Not(EVERYTHING), False)])
def test_conditions_without_a_field_allow_or_forbid(node: Filter, allowed: bool) -> None:
    problems = validate(node, {"x": 1}, creating=True)

    assert [found.code for found in problems] == ([] if allowed else [Code.FORBIDDEN])


def test_the_negation_of_a_failing_condition_holds() -> None:
    assert validate(Not(Compare("x", "eq", "a", type=T.STRING)), {"x": "b"}, creating=True) == []


def test_variables_are_those_of_the_caller() -> None:
    node = Compare("owner", "eq", Variable("CURRENT_USER"), type=T.UUID)

    assert validate(node, {"owner": ALICE.upper()}, True, Variables(ALICE)) == []
    assert told(validate(node, {"owner": ALICE.replace("3", "4")}, True, Variables(ALICE))) == [("owner", "eq")]


def test_a_variable_without_value_is_satisfied_by_nothing() -> None:
    owned = Compare("owner", "eq", Variable("CURRENT_USER"), type=T.UUID)
    ranged = Compare("x", "nbetween", ("a", Variable("CURRENT_ROLE")), type=T.STRING)

    assert told(validate(owned, {"owner": None}, creating=True)) == [("owner", "eq")]
    assert told(validate(ranged, {"x": "b"}, creating=True)) == [("x", "nbetween")]
    assert validate(owned, {}, creating=False) == []


@pytest.mark.parametrize(
    ("function", "value", "operand", "passes"),
    [
        (Function.YEAR, "2026-02-03T00:00:00Z", 2026, True),
        (Function.YEAR, "2026-02-03", 2025, False),
        (Function.HOUR, "12:30", 12, True),
        (Function.YEAR, None, 2026, False),
        (Function.YEAR, "garbage", 2026, False),
        (Function.COUNT, ["a", "b"], 2, True),
        (Function.COUNT, "ab", 2, False),
    ],
)
def test_functions_are_computed_of_what_is_submitted(
    function: Function, value: Any, operand: int, passes: bool
) -> None:
    node = Compare("x", "eq", operand, function, T.INTEGER)

    assert (validate(node, {"x": value}, creating=True) == []) is passes


NAMED = Related("author", Compare("name", "eq", "x", type=T.STRING))


def test_conditions_on_related_rows_are_checked_in_nested_objects() -> None:
    assert validate(NAMED, {"author": {"name": "x"}}, creating=True) == []
    assert told(validate(NAMED, {"author": {"name": "y"}}, creating=True)) == [("name", "eq")]
    assert told(validate(NAMED, {"author": ALICE}, creating=True)) == [("author", "object")]
    assert told(validate(NAMED, {}, creating=True)) == [("author", "required")]
    assert validate(NAMED, {}, creating=False) == []


def test_object_with_a_mere_key_satisfies_no_condition_on_its_row() -> None:
    by_key = Related("author", Compare("id", "eq", 5, type=T.INTEGER))

    for creating in (True, False):
        assert told(validate(NAMED, {"author": {"id": 5}}, creating=creating)) == [("name", "required")]
        assert validate(NAMED, {"author": {"id": 5, "name": "x"}}, creating=creating) == []
        assert validate(by_key, {"author": {"id": 5}}, creating=creating) == []


def test_related_rows_that_must_not_be_are_refused() -> None:
    node = Related("author", Compare("name", "eq", "x", type=T.STRING), "none")

    assert validate(node, {"author": {"name": "y"}}, creating=True) == []
    assert [found.code for found in validate(node, {"author": {"name": "x"}}, creating=True)] == [Code.FORBIDDEN]


def test_a_value_that_does_not_fit_its_type_does_not_satisfy() -> None:
    assert told(validate(Compare("x", "eq", 5, type=T.INTEGER), {"x": {"y": 1}}, creating=True)) == [("x", "eq")]
