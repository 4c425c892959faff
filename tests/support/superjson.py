"""Values for superjson, and how tests and scripts tell them so that nothing JSON has no word for is lost."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st
from msgspec import UNSET

from watchword.base.superjson import ErrorValue, RegularExpression, SetOf, Url

SAFE = 2**53 - 1
KEYS = st.text().filter(lambda key: key not in {"__proto__", "constructor", "prototype"})
MOMENTS = st.datetimes(timezones=st.just(UTC)).map(lambda at: at.replace(microsecond=at.microsecond // 1000 * 1000))
NUMBERS = st.floats(allow_nan=False).filter(lambda number: not SAFE < abs(number) < 1e21 and str(number) != "-0.0")
"""JavaScript writes large ones with the digits of integers, though it has not all of them, and has no -0 in a Set."""
HASHABLE = (
    st.none()
    | st.integers()
    | st.integers(-(2**80), 2**80)
    | st.text()
    | st.binary()
    | MOMENTS
    | NUMBERS
    | st.just(UNSET)
    | st.builds(Url, st.integers(0, 9).map("https://example.org/{}".format))
    | st.builds(ErrorValue, st.text(), st.text())
)
VALUES = st.recursive(
    HASHABLE | st.booleans() | st.sampled_from([-0.0, math.nan]),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(KEYS, inner)
        | st.dictionaries(HASHABLE.filter(lambda key: not isinstance(key, str)), inner, min_size=1)
        | st.sets(HASHABLE)
        | st.lists(st.lists(inner), min_size=1).map(SetOf)
    ),
    max_leaves=20,
)


def told(value: Any) -> Any:
    """Return a value as JSON with every type named, as the scripts do with `told`."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) <= SAFE else ["bigint", str(value)]
        case float():
            return _number(value)
        case datetime():
            return ["Date", round(value.timestamp() * 1000)]
        case bytes():
            return ["Uint8Array", list(value)]
        case Url():
            return ["URL", value.text]
        case RegularExpression():
            return ["RegExp", value.source, value.flags]
        case ErrorValue():
            return ["Error", value.name, value.message]
        case _:
            return _container(value)


def _number(value: float) -> Any:
    if math.isfinite(value):
        return ["number", "-0"] if value == 0 and math.copysign(1, value) < 0 else _as_read(value)
    return ["number", "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"]


def _as_read(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) <= SAFE else value


def _container(value: Any) -> Any:
    match value:
        case dict() if all(isinstance(key, str) for key in value):
            return ["Object", {key: told(each) for key, each in value.items()}]
        case dict():
            return ["Map", ordered([[told(key), told(each)] for key, each in value.items()])]
        case set() | frozenset() | SetOf():
            return ["Set", ordered([told(each) for each in value])]
        case list() | tuple():
            return ["Array", [told(each) for each in value]]
        case _:
            assert value is UNSET
            return ["undefined"]


def ordered(items: list[Any]) -> list[Any]:
    """Return what has been told of a Set or a Map in an order of its own, for theirs differ."""
    return sorted(items, key=lambda each: json.dumps(each, sort_keys=True))


def in_order(told: Any) -> Any:
    """Return what a script has told with the members of Sets and Maps in order."""
    if isinstance(told, dict):
        return {key: in_order(each) for key, each in told.items()}
    if not isinstance(told, list):
        return told
    items = [in_order(each) for each in told]
    return [items[0], ordered(items[1])] if items[:1] in (["Set"], ["Map"]) and len(items) == 2 else items
