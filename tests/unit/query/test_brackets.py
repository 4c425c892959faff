from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.support import code_of
from watchword.base.errors import Code, Problem
from watchword.query.brackets import parse_query_string


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("", {}),
        ("?", {}),
        ("&&", {}),
        ("=x", {}),
        ("[]=x", {}),
        ("limit=5", {"limit": "5"}),
        ("?limit=5", {"limit": "5"}),
        ("sort", {"sort": ""}),
        ("search=a+b%20c", {"search": "a b c"}),
        ("search=%FF", {"search": "\ufffd"}),
        ("fields[]=id&fields[]=title", {"fields": ["id", "title"]}),
        ("fields=id&fields=title&fields=body", {"fields": ["id", "title", "body"]}),
        ("fields[]=id&fields=title", {"fields": ["id", "title"]}),
        ("fields=id&fields[]=title", {"fields": ["id", "title"]}),
        ("sort[1]=b&sort[0]=a", {"sort": ["a", "b"]}),
        ("sort[900]=b&sort[7]=a", {"sort": ["a", "b"]}),
        ("sort[1]=a&sort[]=b", {"sort": ["a", "b"]}),
        ("filter[a][_eq]=1", {"filter": {"a": {"_eq": "1"}}}),
        ("filter%5Ba%5D%5b_eq%5d=1", {"filter": {"a": {"_eq": "1"}}}),
        ("filter[year(born)][_eq]=2000", {"filter": {"year(born)": {"_eq": "2000"}}}),
        (
            "filter[_or][0][a][_eq]=1&filter[_or][1][b][_eq]=2",
            {"filter": {"_or": [{"a": {"_eq": "1"}}, {"b": {"_eq": "2"}}]}},
        ),
        ("filter[_and][][a]=1&filter[_and][][a]=2", {"filter": {"_and": [{"a": "1"}, {"a": "2"}]}}),
        ('filter={"a":{"_eq":"x]=y"}}', {"filter": '{"a":{"_eq":"x]=y"}}'}),
        ("a[b=c]=d", {"a": {"b=c": "d"}}),
        ("a[b=c", {"a[b": "c"}),
        ("a[b]c=d", {"a": {"b": "d"}}),
        ("a=1&a[b]=2", {"a": {"0": "1", "b": "2"}}),
        ("a[b]=2&a=1", {"a": {"b": "2", "1": "1"}}),
        ("[a]=1", {"a": "1"}),
        ("[][b]=1", {}),
        ("a==b=c", {"a": "=b=c"}),
    ],
)
def test_query_strings_are_read_as_qs_reads_them(raw: str, expected: dict[str, Any]) -> None:
    assert parse_query_string(raw) == expected
    assert parse_query_string(raw.encode()) == expected


@pytest.mark.parametrize(
    "raw",
    [
        "&".join(f"p{n}=1" for n in range(1001)),
        "&".join("f[]=1" for _ in range(501)),
        "f" + "[a]" * 11 + "=1",
    ],
    ids=["parameters", "elements", "levels"],
)
def test_more_than_the_limits_is_refused(raw: str) -> None:
    with pytest.raises(Problem) as caught:
        parse_query_string(raw)

    assert caught.value.code is Code.INVALID_QUERY


def test_the_limits_themselves_are_allowed() -> None:
    deepest = parse_query_string("f" + "[a]" * 10 + "=1&" + "&".join("g[]=1" for _ in range(500)))

    assert len(deepest["g"]) == 500


@given(st.text(alphabet='ab[]=&%5B01_.,+{}"', max_size=60) | st.text())
def test_any_text_gives_parameters_or_a_problem(raw: str) -> None:
    assert code_of(lambda: parse_query_string(raw)) in {None, Code.INVALID_QUERY}


@given(st.binary())
def test_any_bytes_give_parameters_or_a_problem(raw: bytes) -> None:
    assert code_of(lambda: parse_query_string(raw)) in {None, Code.INVALID_QUERY}
