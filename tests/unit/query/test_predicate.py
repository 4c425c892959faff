from __future__ import annotations

import itertools
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.support import at
from watchword.query import filters as f
from watchword.query.filters import EVERYTHING, NOTHING, All, Compare, Filter, Not, Related, Variable
from watchword.query.predicate import LOOKUP, Truth, bind_variables, compile_predicate, is_relational
from watchword.query.types import FieldType, Function
from watchword.query.variables import Variables

T = FieldType
NOW = 1_770_120_000.0  # 2026-02-03T12:00:00Z
ALICE = "3757270f-1c69-461d-8cf9-094724195028"
CALLER = Variables(current_user=ALICE, current_roles=(ALICE,), user={"limit": 5, "missing": None})
NOBODY = Variables()

YES = EVERYTHING
NO = NOTHING
UNKNOWN = Compare("nothing", "lt", 1, type=T.INTEGER)
ASK = Related("author", EVERYTHING)
TRUTHS: dict[Truth, Filter] = {True: YES, False: NO, None: UNKNOWN, LOOKUP: ASK}


def truth(node: Filter, row: dict[str, Any] | None = None, variables: Variables = CALLER) -> Truth:
    return compile_predicate(node)({"nothing": None} if row is None else row, variables, NOW)


def compare(value: Any, operator: str, operand: Any, kind: FieldType = T.STRING) -> Truth:
    return truth(Compare("x", operator, operand, type=kind), {"x": value})


@pytest.mark.parametrize(("left", "right"), list(itertools.product(TRUTHS, repeat=2)))
def test_and_is_decided_by_false_then_lookup_then_unknown(left: Truth, right: Truth) -> None:
    expected = next(one for one in (False, LOOKUP, None, True) if one in (left, right))

    assert truth(All((TRUTHS[left], TRUTHS[right]))) is expected


@pytest.mark.parametrize(("left", "right"), list(itertools.product(TRUTHS, repeat=2)))
def test_or_is_decided_by_true_then_lookup_then_unknown(left: Truth, right: Truth) -> None:
    expected = next(one for one in (True, LOOKUP, None, False) if one in (left, right))

    assert truth(f.Any((TRUTHS[left], TRUTHS[right]))) is expected


@pytest.mark.parametrize(("part", "expected"), [(True, False), (False, True), (None, None), (LOOKUP, LOOKUP)])
def test_not_turns_only_what_is_known(part: Truth, expected: Truth) -> None:
    assert truth(Not(TRUTHS[part])) is expected


def test_joints_without_parts_are_what_the_tree_says() -> None:
    assert truth(All(())) is True
    assert truth(f.Any(())) is False
    assert truth(All((NO,))) is False
    assert truth(f.Any((YES,))) is True


@pytest.mark.parametrize(
    ("value", "operator", "operand", "expected"),
    [
        ("a", "eq", "a", True),
        (None, "eq", "a", None),
        (None, "neq", "a", None),
        (None, "eq", None, True),
        ("a", "eq", None, False),
        (None, "neq", None, False),
        ("a", "neq", None, True),
        ("a", "lt", None, None),
        (None, "null", True, True),
        ("a", "null", True, False),
        (None, "null", False, False),
        ("a", "null", False, True),
        (None, "nnull", True, False),
        ("a", "nnull", True, True),
        ("a", "nnull", False, False),
        (None, "empty", True, True),
        ("", "empty", True, True),
        ("a", "empty", True, False),
        ("", "empty", False, False),
        (None, "nempty", True, False),
        ("", "nempty", True, False),
        ("a", "nempty", True, True),
        ("a", "in", ("a",), True),
        ("a", "in", ("b", None), False),
        ("a", "in", (), False),
        (None, "in", (), False),
        (None, "in", ("a",), None),
        ("a", "nin", (), True),
        (None, "nin", (), True),
        (None, "nin", (None,), True),
        (None, "nin", ("a",), None),
        ("a", "nin", ("b", None), True),
        (None, "between", ("a", "b"), None),
        ("a", "between", ("a", None), None),
        ("z", "nbetween", ("a", "b"), True),
        (None, "contains", "a", None),
        (None, "ncontains", "a", None),
    ],
)
def test_null_makes_comparisons_unknown_and_is_seen_by_the_operators_that_ask_for_it(
    value: Any, operator: str, operand: Any, expected: Truth
) -> None:
    assert compare(value, operator, operand) is expected


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        (T.CSV, [], True),
        (T.CSV, ["a"], False),
        (T.UNKNOWN, "", True),
        (T.JSON, [], False),
        (T.JSON, None, True),
        (T.INTEGER, 0, False),
        (T.INTEGER, None, True),
    ],
)
def test_only_texts_are_empty_without_being_null(kind: FieldType, value: Any, expected: Truth) -> None:
    assert compare(value, "empty", True, kind) is expected
    assert compare(value, "nempty", True, kind) is not expected


def test_a_column_that_the_row_lacks_has_to_be_looked_up() -> None:
    for operator, operand in [("eq", 1), ("null", True), ("in", (1,)), ("eq", Variable("NOW"))]:
        assert truth(Compare("absent", operator, operand, type=T.INTEGER), {"x": 1}) is LOOKUP


def test_an_empty_list_needs_no_row() -> None:
    assert truth(Compare("absent", "in", (), type=T.INTEGER), {}) is False


@pytest.mark.parametrize(
    ("function", "operator", "operand", "value", "expected"),
    [
        (Function.YEAR, "eq", 2026, date(2026, 2, 3), True),
        (Function.YEAR, "eq", 2025, date(2026, 2, 3), False),
        (Function.YEAR, "eq", 2026, None, None),
        (Function.YEAR, "eq", 2026, "garbage", None),
        (Function.YEAR, "null", True, None, True),
        (Function.HOUR, "in", (11, 12), at("2026-02-03T12:00"), True),
        (Function.YEAR, "lte", Variable("CURRENT_USER", ("limit",)), date(4, 2, 3), True),
        (Function.COUNT, "gt", 1, [1, 2], LOOKUP),
    ],
)
def test_functions_are_computed_and_counts_looked_up(
    function: Function, operator: str, operand: Any, value: Any, expected: Truth
) -> None:
    assert truth(Compare("x", operator, operand, function, T.INTEGER), {"x": value}) is expected


@pytest.mark.parametrize(
    ("operator", "operand", "kind", "value", "expected"),
    [
        ("eq", Variable("CURRENT_USER"), T.UUID, ALICE, True),
        ("eq", Variable("CURRENT_USER"), T.UUID, None, None),
        ("in", (Variable("CURRENT_ROLES"), None), T.UUID, ALICE, True),
        ("nin", (Variable("CURRENT_ROLES"),), T.UUID, ALICE, False),
        ("lt", Variable("NOW"), T.DATE_TIME, at("2026-02-03T11:00"), True),
        ("lt", Variable("NOW", months=-1), T.DATE_TIME, at("2026-02-03T11:00"), False),
        ("gte", Variable("CURRENT_USER", ("limit",)), T.INTEGER, 5, True),
        ("between", (Variable("NOW", shift=-86400.0), Variable("NOW")), T.DATE, date(2026, 2, 3), True),
        ("between", (1, Variable("CURRENT_USER", ("limit",))), T.INTEGER, 6, False),
        ("between", (1, Variable("CURRENT_USER", ("missing",))), T.INTEGER, 3, None),
        ("icontains", Variable("CURRENT_USER"), T.STRING, ALICE.upper(), True),
    ],
)
def test_variables_are_those_of_the_caller(
    operator: str, operand: Any, kind: FieldType, value: Any, expected: Truth
) -> None:
    assert truth(Compare("x", operator, operand, type=kind), {"x": value}) is expected


def test_a_variable_without_value_is_unknown_and_never_finds_null() -> None:
    for operator in ("eq", "neq", "lt", "contains"):
        node = Compare("owner", operator, Variable("CURRENT_USER"), type=T.STRING)

        assert truth(node, {"owner": None}, NOBODY) is None
        assert truth(node, {"owner": ALICE}, NOBODY) is None
        assert truth(Not(node), {"owner": ALICE}, NOBODY) is None


def test_a_list_of_variables_without_values_is_empty() -> None:
    roles = (Variable("CURRENT_ROLES"), Variable("CURRENT_USER"))

    assert truth(Compare("role", "in", roles, type=T.UUID), {"role": ALICE}, NOBODY) is False
    assert truth(Compare("role", "nin", roles, type=T.UUID), {"role": ALICE}, NOBODY) is True


@pytest.mark.parametrize("operator", ["regex", "submitted", "unknown"])
def test_what_no_filter_may_use_is_not_compiled(operator: str) -> None:
    with pytest.raises(ValueError, match=operator):
        compile_predicate(Compare("x", operator, "a"))


def test_filters_on_related_rows_are_relational() -> None:
    local = Compare("x", "eq", 1)

    assert is_relational(All((local, Not(f.Any((local, ASK))))))
    assert is_relational(Compare("posts", "gt", 1, Function.COUNT))
    assert not is_relational(All((local, Not(f.Any((local,))), Compare("d", "eq", 1, Function.YEAR))))


OPERANDS: dict[FieldType, st.SearchStrategy[Any]] = {
    T.INTEGER: st.integers(0, 3) | st.just(Variable("CURRENT_USER", ("limit",))) | st.just(Variable("CURRENT_USER")),
    T.STRING: st.text("aAé%_", max_size=2) | st.just(Variable("CURRENT_ROLE")),
}
SCALAR = ["eq", "neq", "lt", "lte", "gt", "gte"]


def comparisons(kind: FieldType) -> st.SearchStrategy[Filter]:
    name, operand = kind.value, OPERANDS[kind]
    scalar = st.builds(lambda op, value: Compare(name, op, value, type=kind), st.sampled_from(SCALAR), operand)
    listed = st.builds(
        lambda op, value: Compare(name, op, tuple(value), type=kind),
        st.sampled_from(["in", "nin"]),
        st.lists(operand | st.none(), max_size=3),
    )
    ranged = st.builds(
        lambda op, low, high: Compare(name, op, (low, high), type=kind),
        st.sampled_from(["between", "nbetween"]),
        operand,
        operand,
    )
    flags = st.builds(
        lambda op, value: Compare(name, op, value, type=kind),
        st.sampled_from(["null", "nnull", "empty", "nempty"]),
        st.booleans(),
    )
    return scalar | listed | ranged | flags


trees: st.SearchStrategy[Filter] = st.recursive(
    comparisons(T.INTEGER) | comparisons(T.STRING),
    lambda inner: (
        st.builds(lambda parts: All(tuple(parts)), st.lists(inner, max_size=3))
        | st.builds(lambda parts: f.Any(tuple(parts)), st.lists(inner, max_size=3))
        | st.builds(Not, inner)
    ),
    max_leaves=8,
)
rows = st.fixed_dictionaries(
    {"integer": st.none() | st.integers(0, 6), "string": st.none() | st.text("aAé%_", max_size=3)}
)


@given(trees, rows, st.sampled_from([CALLER, NOBODY]))
def test_binding_variables_takes_the_same_rows(node: Filter, row: dict[str, Any], caller: Variables) -> None:
    symbolic = compile_predicate(node)(row, caller, NOW)
    bound = compile_predicate(bind_variables(node, caller, NOW))(row, NOBODY, NOW)

    assert (symbolic is True) is (bound is True)


@given(trees, rows)
def test_what_is_decided_without_a_column_is_decided_so_with_it(node: Filter, row: dict[str, Any]) -> None:
    test = compile_predicate(node)
    blind = test({"integer": row["integer"]}, CALLER, NOW)

    if blind is not LOOKUP:
        assert test(row, CALLER, NOW) is blind
