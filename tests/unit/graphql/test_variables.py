"""Variables: fitted to their types, within what that may cost."""

from __future__ import annotations

from typing import Any

import pytest
from graphql import GraphQLSchema, build_schema

from watchword.graphql.documents import Document, Documents, Refused
from watchword.graphql.options import DocumentLimits
from watchword.graphql.variables import FEW, MOST_OBJECTS, are_few, fitted

SCHEMA = build_schema("input F { a: Int, more: [F] } type Query { rows(f: F): Int }")


@pytest.fixture
def document() -> Document:
    """A document that takes a filter."""
    documents = Documents(SCHEMA, DocumentLimits(), introspection=True)
    return documents.understand("query($f: F) { rows(f: $f) }")


def fit(document: Document, given: dict[str, Any], schema: GraphQLSchema = SCHEMA, *, hidden: bool = False) -> Any:
    return fitted(schema, document.operation(None), given, hidden=hidden).coerced


@pytest.mark.parametrize(
    ("given", "few"),
    [
        ({}, True),
        ({"f": {"more": [{}] * 100}}, True),
        ({"f": {"more": [{}] * FEW}}, False),
        ({"f": {"more": [{"more": [None] * 10}] * 100}}, False),
    ],
)
def test_few_values_are_told_from_many(given: dict[str, Any], few: bool) -> None:
    assert are_few(given) is few


def test_values_are_fitted(document: Document) -> None:
    assert fit(document, {"f": {"a": 1.0, "more": {"a": 2}}, "x": 1}) == {"f": {"a": 1, "more": [{"a": 2}]}}


def test_as_many_objects_as_may_be_are_taken_and_no_more(document: Document) -> None:
    assert fit(document, {"f": {"more": [{}] * (MOST_OBJECTS - 2)}})
    with pytest.raises(Refused) as refused:
        fit(document, {"f": {"more": [{}] * (MOST_OBJECTS - 1)}})
    assert refused.value.errors == [{"message": "Variables have more than 50000 objects."}]


def test_unfit_values_are_told_without_hints_where_these_are_hidden(document: Document) -> None:
    for hidden in (False, True):
        with pytest.raises(Refused) as refused:
            fit(document, {"f": {"mor": []}}, hidden=hidden)
        assert ("Did you mean" in refused.value.errors[0]["message"]) is not hidden
