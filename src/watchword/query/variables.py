"""Variables: the values that `$CURRENT_USER` and its relatives have for one caller."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.query.filters import All, Compare, Filter, Not, Related, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.functions import add_months


class Variables(msgspec.Struct, frozen=True):
    """What the variables stand for. `user` and `role` hold columns read for `$CURRENT_USER.path`, by dotted path."""

    current_user: str | None = None
    current_role: str | None = None
    current_roles: tuple[str, ...] = ()
    current_policies: tuple[str, ...] = ()
    user: dict[str, Any] = {}
    role: dict[str, Any] = {}

    def resolve(self, variable: Variable, now: float) -> Any:
        """Return the value of a variable: text, a tuple of texts, a column's value, or epoch seconds for `NOW`.

        An unknown path gives None, which compares with nothing.
        """
        match variable.name:
            case "NOW":
                return add_months(now, variable.months) + variable.shift
            case "CURRENT_USER":
                return self.user.get(".".join(variable.path)) if variable.path else self.current_user
            case "CURRENT_ROLE":
                return self.role.get(".".join(variable.path)) if variable.path else self.current_role
            case "CURRENT_ROLES":
                return self.current_roles
            case "CURRENT_POLICIES":
                return self.current_policies
            case _:
                return None


def variables_in(node: Filter) -> frozenset[Variable]:
    """Return every variable that a filter mentions."""
    match node:
        case Compare(value=value, within=within):
            values = value if isinstance(value, (list, tuple)) else (value,)
            inner = frozenset() if within is None else variables_in(within)
            return inner.union(item for item in values if isinstance(item, Variable))
        case Related(filter=inner) | Not(part=inner):
            return variables_in(inner)
        case All(parts=parts) | AnyOf(parts=parts):
            return frozenset().union(*(variables_in(part) for part in parts))
