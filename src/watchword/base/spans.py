"""Spans of time as tokens' makers write them: `"30m"`, `"2 days"`, `"1.5h"`, or seconds as a number."""

from __future__ import annotations

import re

_SPAN = re.compile(r"\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)) *([a-z]*)\s*", re.IGNORECASE | re.ASCII)
_LONGEST = 100

_SECOND = 1.0
_MINUTE = 60 * _SECOND
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR
_UNITS: dict[str, float] = {
    **dict.fromkeys(("years", "year", "yrs", "yr", "y"), 365.25 * _DAY),
    **dict.fromkeys(("weeks", "week", "w"), 7 * _DAY),
    **dict.fromkeys(("days", "day", "d"), _DAY),
    **dict.fromkeys(("hours", "hour", "hrs", "hr", "h"), _HOUR),
    **dict.fromkeys(("minutes", "minute", "mins", "min", "m"), _MINUTE),
    **dict.fromkeys(("seconds", "second", "secs", "sec", "s"), _SECOND),
    **dict.fromkeys(("milliseconds", "millisecond", "msecs", "msec", "ms", ""), _SECOND / 1000),
}


def parse_span(span: int | str) -> float:
    """Return seconds: a number as it is, a text by its unit; one without a unit is milliseconds.

    Raises:
        ValueError: it is neither a whole number nor such a text.
    """
    if isinstance(span, int) and not isinstance(span, bool):
        return span
    found = _SPAN.fullmatch(span) if isinstance(span, str) and len(span) <= _LONGEST else None
    if found is None or found[2].lower() not in _UNITS:
        raise ValueError("a span of time is a whole number of seconds, or a text like '30m'")
    return float(found[1]) * _UNITS[found[2].lower()]
