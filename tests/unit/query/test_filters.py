from __future__ import annotations

from watchword.query.filters import EVERYTHING, NOTHING, All, Any, Compare, Variable, all_of, any_of
from watchword.query.query import Query, fingerprint

A, B, C = (Compare(name, "eq", 1) for name in "abc")


def test_joining_by_and_leaves_no_needless_nesting() -> None:
    assert all_of() == EVERYTHING
    assert all_of(A) == A
    assert all_of(EVERYTHING, A) == A
    assert all_of(All((A, B)), C) == All((A, B, C))


def test_joining_by_or_takes_everything_when_a_part_does() -> None:
    assert any_of() == NOTHING
    assert any_of(A) == A
    assert any_of(A, B) == Any((A, B))
    assert any_of(A, EVERYTHING) == EVERYTHING


def test_fingerprints_are_equal_for_equal_queries_only() -> None:
    query = Query("posts", filter=All((A, Compare("d", "lt", Variable("NOW", months=1)))), alias={"x": "a", "y": "b"})
    same = Query("posts", filter=All((A, Compare("d", "lt", Variable("NOW", months=1)))), alias={"y": "b", "x": "a"})
    other = Query("posts", filter=All((A, Compare("d", "lt", Variable("NOW")))), alias={"y": "b", "x": "a"})

    assert query.fingerprint() == same.fingerprint()
    assert query.fingerprint() != other.fingerprint()
    assert fingerprint(A) != fingerprint(B)
