from __future__ import annotations

from msgspec.structs import replace

from tests.unit.query.support import at
from watchword.query import filters as f
from watchword.query.filters import EVERYTHING, NOTHING, All, Compare, Not, Related, Variable
from watchword.query.substitution import bind_variables
from watchword.query.types import FieldType, Function
from watchword.query.variables import Variables

T = FieldType
NOW = 1_770_120_000.0
ALICE = "3757270f-1c69-461d-8cf9-094724195028"
CALLER = Variables(current_user=ALICE, current_roles=("r1", "r2"))
OWNED = Compare("owner", "eq", Variable("CURRENT_USER"), type=T.UUID)


def test_variables_become_values_of_the_fields_type() -> None:
    node = All((OWNED, Compare("at", "lt", Variable("NOW"), type=T.DATE_TIME)))

    assert bind_variables(node, CALLER, NOW) == All(
        (
            Compare("owner", "eq", ALICE, type=T.UUID),
            Compare("at", "lt", at("2026-02-03T12:00"), type=T.DATE_TIME),
        )
    )


def test_lists_take_in_the_members_of_a_variable() -> None:
    node = Compare("role", "in", ("x", Variable("CURRENT_ROLES"), Variable("CURRENT_ROLE")), type=T.STRING)

    assert bind_variables(node, CALLER, NOW) == Compare("role", "in", ("x", "r1", "r2"), type=T.STRING)


def test_ranges_keep_their_two_bounds() -> None:
    node = Compare("at", "between", (at("2026-01-01"), Variable("NOW")), type=T.DATE_TIME)

    bound = bind_variables(node, CALLER, NOW)

    assert bound == Compare("at", "between", (at("2026-01-01"), at("2026-02-03T12:00")), type=T.DATE_TIME)


def test_a_variable_without_value_takes_no_row_on_either_side_of_a_not() -> None:
    anonymous = Variables()

    assert bind_variables(OWNED, anonymous, NOW) == NOTHING
    assert bind_variables(Not(OWNED), anonymous, NOW) == Not(EVERYTHING)
    assert bind_variables(Not(Not(OWNED)), anonymous, NOW) == Not(Not(NOTHING))
    ranged = Compare("x", "nbetween", ("a", Variable("CURRENT_ROLE")), type=T.STRING)
    assert bind_variables(f.Any((ranged,)), anonymous, NOW) == f.Any((NOTHING,))


def test_related_rows_are_taken_only_when_their_own_condition_is_true() -> None:
    node = Not(Related("posts", OWNED, "none"))

    assert bind_variables(node, Variables(), NOW) == Not(Related("posts", NOTHING, "none"))


def test_the_rows_that_a_count_counts_are_those_of_the_caller() -> None:
    node = Compare("posts", "gt", 1, Function.COUNT, T.INTEGER, within=OWNED)

    bound = bind_variables(Not(node), CALLER, NOW)

    assert bound == Not(replace(node, within=Compare("owner", "eq", ALICE, type=T.UUID)))
    assert bind_variables(Not(node), Variables(), NOW) == Not(replace(node, within=NOTHING))


def test_filters_without_variables_stay_as_they_are() -> None:
    node = Compare("x", "eq", None, type=T.STRING)

    assert bind_variables(node, CALLER, NOW) is node
