"""The filter tree: what a row must satisfy. The same tree compiles to SQL and to a test in memory.

The tree is three-valued, as SQL is: a comparison with NULL is neither true nor false, and a row is taken only when
the whole is true. Values may be `Variable`s, which stay symbolic until a principal is at hand.
"""

from __future__ import annotations

from typing import Any as Value

import msgspec

from watchword.query.documents import Place
from watchword.query.types import FieldType, Function


class Variable(msgspec.Struct, frozen=True, tag_field="node", tag="variable"):
    """A value known only when the filter is applied.

    `name` is `CURRENT_USER`, `CURRENT_ROLE`, `CURRENT_ROLES`, `CURRENT_POLICIES` or `NOW`; `path` walks from the user
    or role to a column (`("department",)`); `months` of the calendar, then `shift` seconds, are added to `NOW`.
    """

    name: str
    path: tuple[str, ...] = ()
    shift: float = 0.0
    months: int = 0


class Compare(msgspec.Struct, frozen=True, tag_field="node", tag="compare"):
    """`function(field) operator value`; `operator` is the wire name without its underscore.

    Decoded from the wire, `operator` may be a name that does not exist and `value` is plain JSON or a `Variable` (or a
    list of both); binding to a schema (`data.binding`) checks the operator and turns the value into the field's type.
    Bound, `type` is the type that is compared (of the function's result, where there is one) and lists are tuples;
    `within` says which related rows a `count` of a to-many relation counts (None: all). With `place`, what is compared
    is a part of a JSON value, by the kind of `value`: `type` is TEXT, DECIMAL or BOOLEAN from the start.
    """

    field: str
    operator: str
    value: Value
    function: Function | None = None
    type: FieldType = FieldType.UNKNOWN
    within: Filter | None = None
    place: Place = ()


class Related(msgspec.Struct, frozen=True, tag_field="node", tag="related"):
    """A condition on the rows that a relation leads to.

    `quantifier` is `some` (at least one row satisfies `filter`) or `none` (no row does). To-one relations take `some`.
    """

    field: str
    filter: Filter
    quantifier: str = "some"


class All(msgspec.Struct, frozen=True, tag_field="node", tag="all"):
    """Every part is true; true when there is none."""

    parts: tuple[Filter, ...]


class Any(msgspec.Struct, frozen=True, tag_field="node", tag="any"):
    """At least one part is true; false when there is none."""

    parts: tuple[Filter, ...]


class Not(msgspec.Struct, frozen=True, tag_field="node", tag="not"):
    """The part is false."""

    part: Filter


Filter = Compare | Related | All | Any | Not

EVERYTHING = All(())
NOTHING = Any(())


def all_of(*parts: Filter) -> Filter:
    """Join filters by AND, without needless nesting."""
    flat: list[Filter] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, All) else (part,))
    return flat[0] if len(flat) == 1 else All(tuple(flat))


def any_of(*parts: Filter) -> Filter:
    """Join filters by OR; a part that takes everything makes the whole take everything."""
    if EVERYTHING in parts:
        return EVERYTHING
    return parts[0] if len(parts) == 1 else Any(tuple(parts))
