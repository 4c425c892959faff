"""superjson of Python and the published one of JavaScript: what either writes, the other reads."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.support.node import running
from tests.support.superjson import VALUES, in_order, told
from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.base.superjson import deserialize, serialize

pytestmark = pytest.mark.timeout(120)

SCRIPT = Path(__file__).parent / "superjson.mjs"
SUBJECTS = ["", "a", "A", "ab", "a\nb", "abab", "a/b", "]", "12-12", "12-13", "[*+]", "é"]
PATTERNS = [
    re.compile(""),
    re.compile("^b", re.MULTILINE),
    re.compile("a.b", re.DOTALL),
    re.compile("a", re.IGNORECASE),
    re.compile("(?P<pair>[a-z]+)(?P=pair)"),
    re.compile(r"(?P<number>\d+)-(?P=number)"),
    re.compile(r"a/b"),
    re.compile(r"[]]"),
    re.compile(r"^[^]a]+$"),
    re.compile(r"[*+][*+]\]"),
    re.compile(r"(?<=a)b(?!a)"),
    re.compile(re.escape("a/b")),
    re.compile("é{1}"),
]


@pytest.fixture(scope="module")
def values() -> list[Any]:
    """Values that Hypothesis makes."""
    found: list[Any] = []

    @settings(max_examples=300, phases=[Phase.generate], database=None, suppress_health_check=[HealthCheck.too_slow])
    @given(st.lists(VALUES, max_size=3))
    def collect(value: Any) -> None:
        found.append(value)

    collect()
    return found


@pytest.fixture(scope="module")
def report(node: str, values: list[Any]) -> dict[str, Any]:
    """What the script has read and written; `back` is what it made of what Python had read."""
    with running(node, SCRIPT, {}) as script:
        script.tell([text(value) for value in values])
        read = script.expect("read")
        script.tell([[text(pattern), SUBJECTS] for pattern in PATTERNS])
        matches = script.expect("matches")
        written, refused = script.expect("written"), script.expect("refused")
        script.tell([text(deserialize(json.decode(plain))) for _, plain, _ in written.values()])
        back = dict(zip(written, script.expect("back"), strict=True))
    return {"read": read, "matches": matches, "written": written, "refused": refused, "back": back}


def text(value: Any) -> str:
    return json.encode(serialize(value)).decode()


def test_javascript_reads_what_python_writes(report: dict[str, Any], values: list[Any]) -> None:
    for value, (parsed, _, deserialized) in zip(values, report["read"], strict=True):
        assert in_order(parsed) == in_order(deserialized) == told(value)


def test_python_reads_what_javascript_writes_of_the_same_values(report: dict[str, Any], values: list[Any]) -> None:
    for value, (_, written, _) in zip(values, report["read"], strict=True):
        assert told(deserialize(json.decode(written))) == told(value)


def test_patterns_match_there_what_they_match_here(report: dict[str, Any]) -> None:
    for pattern, matches in zip(PATTERNS, report["matches"], strict=True):
        assert matches == [pattern.search(subject) is not None for subject in SUBJECTS], pattern


def test_python_reads_what_javascript_has_made(report: dict[str, Any]) -> None:
    for name, (value, plain, _) in report["written"].items():
        assert told(deserialize(json.decode(plain))) == in_order(value), name


def test_python_reads_values_that_are_written_once_and_referred_to(report: dict[str, Any]) -> None:
    assert '"referentialEqualities"' in report["written"]["shared values"][2]
    for name, (value, _, deduped) in report["written"].items():
        assert told(deserialize(json.decode(deduped))) == in_order(value), name


def test_javascript_gets_back_what_it_has_made(report: dict[str, Any]) -> None:
    for name, (value, _, _) in report["written"].items():
        assert in_order(report["back"][name]) == in_order(value), name


def test_what_python_cannot_hold_is_a_problem_of_the_clients(report: dict[str, Any]) -> None:
    for name, written in report["refused"].items():
        with pytest.raises(Problem) as caught:
            deserialize(json.decode(written))
        assert caught.value.code is Code.INVALID_PAYLOAD, name
