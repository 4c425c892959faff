from __future__ import annotations

from typing import Any

import pytest

from watchword.query.filters import All, Compare, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.types import Function
from watchword.query.variables import Variables, variables_in

CALLER = Variables("u", "r", ("root", "r"), ("p",), {"department.name": "Sales"}, {"name": "Editor"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        (Variable("NOW", shift=60.0), 160.0),
        (Variable("NOW", months=1, shift=1.0), 100.0 + 31 * 86400 + 1),
        (Variable("CURRENT_USER"), "u"),
        (Variable("CURRENT_USER", ("department", "name")), "Sales"),
        (Variable("CURRENT_USER", ("department",)), None),
        (Variable("CURRENT_ROLE"), "r"),
        (Variable("CURRENT_ROLE", ("name",)), "Editor"),
        (Variable("CURRENT_ROLES"), ("root", "r")),
        (Variable("CURRENT_POLICIES"), ("p",)),
        (Variable("NOTHING_KNOWN"), None),
    ],
)
def test_variables_stand_for_what_is_known_of_the_caller(variable: Variable, value: Any) -> None:
    assert CALLER.resolve(variable, 100.0) == value


def test_variables_are_found_wherever_they_are() -> None:
    now, user, role, roles = (Variable(name) for name in ("NOW", "CURRENT_USER", "CURRENT_ROLE", "CURRENT_ROLES"))
    node = All(
        (
            Compare("a", "eq", now),
            AnyOf((Not(Compare("b", "eq", user)), Compare("c", "eq", 1))),
            Related("d", Compare("e", "in", ["x", roles])),
            Compare("f", "gt", 1, Function.COUNT, within=Compare("g", "eq", role)),
        )
    )

    assert variables_in(node) == {now, user, role, roles}
