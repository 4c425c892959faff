"""Rendering: from canonical values to what clients read, ready for JSON."""

from __future__ import annotations

import base64
import math
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

from watchword.query.types import FieldType

Rendering = Callable[[Any], Any]
ColumnRendering = Callable[[Sequence[Any]], Sequence[Any]]

_EXACT = 2**53
"""Whole numbers beyond this lose digits in JavaScript; they travel as text."""


CONCEALED = "**********"
"""What is shown of a value that is never shown; sent back, it changes nothing."""


def render(kind: FieldType, value: Any) -> Any:
    """Return the JSON-ready form of a canonical value; what does not fit its type is rendered by what it is."""
    function = _RENDERINGS.get(kind)
    return value if function is None else function(value)


def renderer(kind: FieldType) -> Rendering | None:
    """Return the function that renders values of a type, null included; None where values are JSON-ready."""
    return _RENDERINGS.get(kind)


def column_renderer(kind: FieldType) -> ColumnRendering | None:
    """Return the function that renders many values of a type at once; None where values are JSON-ready.

    Most columns of numbers are ready as they are, which is faster to see of all of them together than of each.
    """
    form = _RENDERINGS.get(kind)
    return None if form is None else _of_columns(form, _READY.get(kind))


def _of_columns(form: Rendering, are_ready: Callable[[Sequence[Any]], bool] | None) -> ColumnRendering:
    if are_ready is None:
        return lambda values: list(map(form, values))
    return lambda values: values if are_ready(values) else list(map(form, values))


def render_any(value: Any) -> Any:
    """Return the JSON-ready form of a value whose type nobody knows."""
    for kind, form in _BY_CLASS:
        if isinstance(value, kind):
            return form(value)
    return value


def _number(value: int) -> int | str:
    return value if -_EXACT <= value <= _EXACT else str(value)


def _float(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _decimal(value: Decimal) -> str | None:
    return format(value, "f") if value.is_finite() else None


def _date(value: date) -> str:
    return value.isoformat()


def _time(value: time) -> str:
    return value.isoformat("seconds")


def _date_time(value: datetime) -> str:
    return _wall_clock(value).isoformat("T", "seconds")


def _timestamp(value: datetime) -> str:
    moment = _wall_clock(value)
    return moment.isoformat("T", "microseconds" if moment.microsecond % 1000 else "milliseconds") + "Z"


def _moment(value: datetime) -> str:
    return _timestamp(value) if value.tzinfo else _date_time(value)


def _wall_clock(value: datetime) -> datetime:
    if value.tzinfo is None:
        return value
    return (value if value.tzinfo is UTC else value.astimezone(UTC)).replace(tzinfo=None)


def _are_exact(values: Sequence[Any]) -> bool:
    if not set(map(type, values)) <= _WHOLE:
        return False
    return max(filter(None, values), default=0) <= _EXACT and min(filter(None, values), default=0) >= -_EXACT


def _are_finite(values: Sequence[Any]) -> bool:
    return set(map(type, values)) <= _REAL and all(map(math.isfinite, filter(None, values)))


_WHOLE = frozenset({int, type(None)})
_REAL = frozenset({float, type(None)})
_READY: dict[FieldType, Callable[[Sequence[Any]], bool]] = {
    FieldType.INTEGER: _are_exact,
    FieldType.BIG_INTEGER: _are_exact,
    FieldType.FLOAT: _are_finite,
}


def _binary(value: bytes) -> str:
    return base64.b64encode(value).decode()


_BY_CLASS: tuple[tuple[type, Rendering], ...] = (
    (int, _number),
    (float, _float),
    (Decimal, _decimal),
    (datetime, _moment),
    (date, _date),
    (time, _time),
    (bytes, _binary),
)


def _fitting(kind: type, form: Rendering) -> Rendering:
    def write(value: Any) -> Any:
        return form(value) if isinstance(value, kind) else value if value is None else render_any(value)

    return write


def _plainly(value: Any) -> Any:
    """Render a moment of no zone, which nearly all of a column of moments are."""
    return value.isoformat("T", "seconds") if value.__class__ is datetime and value.tzinfo is None else _odd(value)


_odd = _fitting(datetime, _date_time)


def _quickly(kind: type, usual: Callable[[Any], bool], form: Rendering) -> Rendering:
    """Let most values by as they are, before anything else is asked of them: there are many of them in every read."""
    write = _fitting(kind, form)
    return lambda value: value if value.__class__ is kind and usual(value) else write(value)


_RENDERINGS: dict[FieldType, Rendering] = {
    FieldType.INTEGER: _quickly(int, range(-_EXACT, _EXACT + 1).__contains__, _number),
    FieldType.BIG_INTEGER: _quickly(int, range(-_EXACT, _EXACT + 1).__contains__, _number),
    FieldType.FLOAT: _quickly(float, math.isfinite, _float),
    FieldType.DECIMAL: _fitting(Decimal, _decimal),
    FieldType.DATE: _fitting(date, _date),
    FieldType.TIME: _fitting(time, _time),
    FieldType.DATE_TIME: _plainly,
    FieldType.TIMESTAMP: _fitting(datetime, _timestamp),
    FieldType.BINARY: _fitting(bytes, _binary),
    FieldType.UNKNOWN: render_any,
}
