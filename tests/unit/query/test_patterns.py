from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.query.patterns import matches


@pytest.mark.parametrize(
    ("pattern", "text", "expected"),
    [
        ("^a", "abc", True),
        ("^a", "bac", False),
        ("b", "abc", True),
        ("/^A/i", "abc", True),
        ("/^A/", "abc", False),
        ("/a.b/s", "a\nb", True),
        ("/^b$/m", "a\nb", True),
        ("a$", "a\n", False),
        (r"a\$", "a$", True),
        ("[$]", "$", True),
        (r"^\d+$", "123", True),
        (r"^\d+$", "٣", False),
        ("(?<word>a)(?<!b)(?=c)", "ac", True),
        ("/", "a/b", True),
        ("[[a]", "[", True),
        ("(", "(", False),
        (r"\p{L}", "p", False),
        ("/a/x", "a", False),
        ("a{99999999999}", "a", False),
        ("a" * 501, "a" * 501, False),
        ("a", "a" * 10_001, False),
        ("a", "a" * 10_000, True),
    ],
)
def test_patterns_are_read_as_javascript_reads_them(pattern: str, text: str, expected: bool) -> None:
    assert matches(pattern, text) is expected


@given(st.text(alphabet=r"ab$^[](){}?<>!=\/|*+.,1dwP", max_size=12))
def test_any_text_is_a_pattern_or_matches_nothing(pattern: str) -> None:
    matches(pattern, "ab")
