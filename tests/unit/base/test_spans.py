"""Spans of time, as the measured reference reads them."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.base.spans import parse_span


@pytest.mark.parametrize(
    ("span", "seconds"),
    [
        ("2 days", 172_800),
        ("10h", 36_000),
        ("30m", 1800),
        ("45s", 45),
        ("1y", 31_557_600),
        ("1.5h", 5400),
        ("60", 0.06),
        ("-30 Minutes", -1800),
        (30, 30),
        (0, 0),
        (-5, -5),
    ],
)
def test_a_span_is_a_number_of_seconds_or_a_text_with_a_unit(span: int | str, seconds: float) -> None:
    assert parse_span(span) == pytest.approx(seconds)


@pytest.mark.parametrize("span", ["abc", "", "1 fortnight", 1.5, True, None, "9" * 200])
def test_anything_else_is_none(span: Any) -> None:
    with pytest.raises(ValueError, match="span of time"):
        parse_span(span)
