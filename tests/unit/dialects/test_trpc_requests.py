"""Calls over HTTP: the paths and inputs of a request, and its answers, together or line by line."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.dialects.trpc import requests as words
from watchword.dialects.trpc.errors import shape_of
from watchword.dialects.trpc.lines import ITERABLE, PROMISE, Lines
from watchword.dialects.trpc.requests import Inputs, paths_of
from watchword.dialects.trpc.wire import Wire
from watchword.protocol.operations import ABSENT

FORBIDDEN = shape_of(Problem(Code.FORBIDDEN), "a")


def lines_of(text: bytes) -> Any:
    assert text.endswith(b"\n")
    return json.decode(text)


def test_a_path_names_one_procedure_or_in_a_batch_several() -> None:
    assert paths_of("/a.b,c/", b"/a.b,c/", is_batch=False) == ["a.b,c"]
    assert paths_of("a.b,c", b"a.b,c", is_batch=True) == ["a.b", "c"]


@pytest.mark.parametrize(("path", "raw"), [("a%", b"a%"), ("a%zz", b"a%zz"), ("a\N{REPLACEMENT CHARACTER}", b"a%ff")])
def test_a_path_that_is_not_encoded_as_it_should_be_is_refused(path: str, raw: bytes) -> None:
    with pytest.raises(Problem) as raised:
        paths_of(path, raw, is_batch=False)
    assert raised.value.code is Code.INVALID_PAYLOAD


@pytest.mark.parametrize(
    ("text", "is_batch", "expected"),
    [
        (None, False, ABSENT),
        ("", False, ABSENT),
        (b"", True, ABSENT),
        ("null", False, None),
        (b'{"0":1}', False, {"0": 1}),
        ('{"0":1}', True, 1),
        ('{"1":1}', True, ABSENT),
    ],
)
def test_the_input_of_the_first_call(text: str | bytes | None, is_batch: bool, expected: Any) -> None:
    assert Inputs(Wire(), text, is_batch=is_batch).read(0) == expected


@pytest.mark.parametrize(("text", "is_batch"), [("{", False), ("{", True), ("[1]", True), ("1", True)])
def test_an_input_that_is_none_is_refused_when_its_call_is_made(text: str, is_batch: bool) -> None:
    inputs = Inputs(Wire(), text, is_batch=is_batch)
    for index in (0, 1):
        with pytest.raises(Problem) as raised:
            inputs.read(index)
        assert raised.value.code is Code.INVALID_PAYLOAD


@given(st.text() | st.binary(), st.booleans(), st.booleans())
def test_no_input_is_more_than_a_problem(text: str | bytes, is_batch: bool, superjson: bool) -> None:
    inputs = Inputs(Wire(superjson=superjson), text, is_batch=is_batch)
    with suppress(Problem):
        inputs.read(0)


def test_what_a_call_gives_is_data_and_nothing_is_none() -> None:
    assert words.answer(Wire(), 1) == {"result": {"data": 1}}
    assert words.answer(Wire(), ABSENT) == {"result": {}}
    assert words.answer(Wire(superjson=True), 1) == {"result": {"data": {"json": 1}}}
    assert words.error_answer(Wire(superjson=True), FORBIDDEN) == {"error": {"json": FORBIDDEN}}


@pytest.mark.parametrize(
    ("errors", "expected"), [([None, None], 200), ([FORBIDDEN, FORBIDDEN], 403), ([FORBIDDEN, None], 207)]
)
def test_several_answers_have_one_status_where_they_agree(errors: list[Any], expected: int) -> None:
    assert words.status_of_all(errors) == expected


@pytest.mark.parametrize(
    ("error", "key", "path"),
    [
        (words.no_procedure("a"), "NOT_FOUND", "a"),
        (words.unsupported_method("GET", "mutation", "a"), "METHOD_NOT_SUPPORTED", "a"),
        (words.not_in_batch("a"), "BAD_REQUEST", "a"),
        (words.refused(Problem(Code.CONTENT_TOO_LARGE)), "PAYLOAD_TOO_LARGE", None),
    ],
)
def test_what_cannot_be_called_is_told_by_its_key(error: dict[str, Any], key: str, path: str | None) -> None:
    assert (error["data"]["code"], error["data"].get("path")) == (key, path)


def test_the_first_line_promises_an_answer_to_every_call() -> None:
    head = lines_of(Lines(Wire(), 2).head())
    assert head == {"0": [[0], [None, PROMISE, 0]], "1": [[0], [None, PROMISE, 1]]}


def test_each_answer_has_a_line_under_its_number() -> None:
    lines = Lines(Wire(), 2)
    assert lines_of(lines.answer(1, "x")) == [1, 0, [[{"result": {"data": "x"}}]]]
    assert lines_of(lines.error(0, FORBIDDEN)) == [0, 0, [[{"error": FORBIDDEN}]]]


def test_what_comes_later_has_numbers_that_no_call_has() -> None:
    lines = Lines(Wire(), 2)
    chunk, begun = lines.begin(0, ITERABLE)
    assert [lines_of(each) for each in begun] == [
        [0, 0, [[{"result": 0}], ["result", PROMISE, 2]]],
        [2, 0, [[{"data": 0}], ["data", ITERABLE, 3]]],
    ]
    assert (chunk, lines.next()) == (3, 4)


def test_values_come_until_there_are_no_more_or_one_fails() -> None:
    lines = Lines(Wire(), 1)
    assert lines_of(lines.yielded(3, "x")) == [3, 1, [["x"]]]
    assert lines_of(lines.returned(3)) == [3, 0, [[]]]
    assert lines_of(lines.failed(3, FORBIDDEN)) == [3, 2, FORBIDDEN]


def test_a_promise_is_kept_with_what_comes_later_still_or_is_not() -> None:
    lines = Lines(Wire(), 1)
    assert lines_of(lines.fulfilled(3, {"a": 0}, [("a", PROMISE, 4)])) == [3, 0, [[{"a": 0}], ["a", PROMISE, 4]]]
    assert lines_of(lines.fulfilled(4, 1)) == [4, 0, [[1]]]
    assert lines_of(lines.rejected(4, FORBIDDEN)) == [4, 1, FORBIDDEN]
