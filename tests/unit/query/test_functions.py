from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest

from watchword.query.functions import add_months, compute, parse_path
from watchword.query.types import Function

MOMENT = datetime(2026, 1, 4, 23, 59, 58, tzinfo=UTC)  # a Sunday, the last day of the first ISO week


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (Function.YEAR, 2026),
        (Function.MONTH, 1),
        (Function.WEEK, 1),
        (Function.DAY, 4),
        (Function.WEEKDAY, 0),
        (Function.HOUR, 23),
        (Function.MINUTE, 59),
        (Function.SECOND, 58),
    ],
)
def test_functions_take_a_moment_apart(function: Function, expected: int) -> None:
    assert compute(function, MOMENT) == expected


def test_weeks_are_those_of_iso_8601() -> None:
    assert [compute(Function.WEEK, date(2027, 1, day)) for day in (1, 3, 4)] == [53, 53, 1]


def test_weekdays_run_from_sunday_to_saturday() -> None:
    assert [compute(Function.WEEKDAY, date(2026, 1, day)) for day in range(4, 11)] == [0, 1, 2, 3, 4, 5, 6]


@pytest.mark.parametrize(
    ("function", "value"),
    [
        (Function.YEAR, None),
        (Function.YEAR, "2026-01-01"),
        (Function.YEAR, time(1, 2)),
        (Function.HOUR, date(2026, 1, 1)),
        (Function.COUNT, MOMENT),
    ],
)
def test_a_function_of_what_it_does_not_take_is_null(function: Function, value: object) -> None:
    assert compute(function, value) is None


def test_a_time_of_day_has_hours() -> None:
    assert compute(Function.HOUR, time(7, 8, 9)) == 7


@pytest.mark.parametrize(
    ("text", "path", "function"),
    [
        ("id", ("id",), None),
        ("author.name", ("author", "name"), None),
        ("*.*", ("*", "*"), None),
        ("year(born)", ("born",), Function.YEAR),
        ("year( born )", ("born",), Function.YEAR),
        ("author.year(born)", ("author", "born"), Function.YEAR),
        ("year(author.born)", ("author", "born"), Function.YEAR),
        ("count(comments)", ("comments",), Function.COUNT),
        ("json(data, a.b)", ("json(data, a.b)",), None),
        ("author.json(data, a.b)", ("author", "json(data, a.b)"), None),
        ("$FOLLOW(posts,author)", ("$FOLLOW(posts,author)",), None),
        ("item:headings.title", ("item:headings", "title"), None),
        ("year(born", ("year(born",), None),
        ("year)", ("year)",), None),
        ("", ("",), None),
    ],
)
def test_paths_keep_what_is_no_function_as_one_step(
    text: str, path: tuple[str, ...], function: Function | None
) -> None:
    assert parse_path(text) == (path, function)


def epoch(*parts: int) -> float:
    return datetime(*parts, tzinfo=UTC).timestamp()  # type: ignore[misc, arg-type]  # the parts of a date


@pytest.mark.parametrize(
    ("start", "months", "end"),
    [
        ((2026, 3, 31), -1, (2026, 2, 28)),
        ((2024, 2, 29), -12, (2023, 2, 28)),
        ((2026, 12, 15), 1, (2027, 1, 15)),
        ((2026, 1, 15), -1, (2025, 12, 15)),
        ((2026, 1, 15), 0, (2026, 1, 15)),
        ((2026, 1, 15), 12 * 100_000, (9999, 1, 15)),
        ((2026, 1, 15), -12 * 100_000, (1, 1, 15)),
    ],
)
def test_months_are_those_of_the_calendar(start: tuple[int, ...], months: int, end: tuple[int, ...]) -> None:
    assert add_months(epoch(*start), months) == epoch(*end)
