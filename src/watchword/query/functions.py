"""Functions of dates and times: `year(published_on)` and its relatives, and the calendar's arithmetic."""

from __future__ import annotations

from calendar import monthrange
from datetime import MAXYEAR, MINYEAR, UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from watchword.query.types import Function

if TYPE_CHECKING:
    from collections.abc import Callable

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMES = frozenset(function.value for function in Function)
_MONTHS_A_YEAR = 12
_DAYS_A_WEEK = 7

_OF_DATE: dict[Function, Callable[[date], int]] = {
    Function.YEAR: lambda value: value.year,
    Function.MONTH: lambda value: value.month,
    Function.WEEK: lambda value: value.isocalendar().week,
    Function.DAY: lambda value: value.day,
    Function.WEEKDAY: lambda value: value.isoweekday() % _DAYS_A_WEEK,
}
_OF_TIME: dict[Function, Callable[[datetime | time], int]] = {
    Function.HOUR: lambda value: value.hour,
    Function.MINUTE: lambda value: value.minute,
    Function.SECOND: lambda value: value.second,
}


def compute(function: Function, value: Any) -> int | None:
    """Return a function of a canonical date or time; None for null and for what is neither.

    Weeks are those of ISO 8601; weekdays run from Sunday, 0, to Saturday, 6; timestamps are taken in UTC.
    """
    if isinstance(value, date) and function in _OF_DATE:
        return _OF_DATE[function](value)
    if isinstance(value, datetime | time) and function in _OF_TIME:
        return _OF_TIME[function](value)
    return None


def parse_path(text: str) -> tuple[tuple[str, ...], Function | None]:
    """Split `author.year(born)` or `year(author.born)` into the path and the function.

    What looks like a function but is none stays one step, so that whoever knows the schema refuses it by its name.
    """
    head, bracket, inner = text.partition("(")
    if not bracket or not inner.endswith(")"):
        return tuple(text.split(".")), None
    *prefix, name = head.split(".")
    if name not in _NAMES:
        return (*prefix, text[len(head) - len(name) :]), None
    return (*prefix, *inner[:-1].strip().split(".")), Function(name)


def add_months(moment: float, months: int) -> float:
    """Move epoch seconds by months of the calendar, to the month's last day where it has too few."""
    if not months:
        return moment
    start = EPOCH + timedelta(seconds=moment)
    year, month = divmod(start.year * _MONTHS_A_YEAR + start.month - 1 + months, _MONTHS_A_YEAR)
    year = min(max(year, MINYEAR), MAXYEAR)
    day = min(start.day, monthrange(year, month + 1)[1])
    return (start.replace(year=year, month=month + 1, day=day) - EPOCH).total_seconds()
