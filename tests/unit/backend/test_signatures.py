"""Signatures: what a procedure takes and gives, by its annotations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypedDict

import msgspec
import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.backend.call import Call
from watchword.backend.results import Results
from watchword.backend.signatures import Signature
from watchword.base.errors import Code, Problem
from watchword.protocol.operations import ABSENT, PLAIN


class Point(msgspec.Struct):
    x: int
    y: int = 0


@dataclass
class Size:
    width: int


class Name(TypedDict):
    first: str


class Mail(pydantic.BaseModel):
    address: str = pydantic.Field(min_length=3)


async def plain(a: int, b: str = "b") -> str:
    return f"{a}{b}"


async def of_struct(call: Call, point: Point) -> Point:
    assert str(call) == "the call"
    return Point(point.y, point.x)


async def of_dataclass(size: Size) -> Size:
    return Size(size.width * 2)


async def of_typed_dict(name: Name) -> str:
    return name["first"]


async def of_pydantic(mail: Mail) -> Mail:
    return mail


async def whole(value: list[int], /) -> int:
    return sum(value)


async def by_number(value: dict[int, str], /) -> dict[int, str]:
    assert all(isinstance(key, int) for key in value)
    return value


async def optional(value: int = 3, /) -> int:
    return value


async def nothing() -> None:
    return None


@pytest.mark.parametrize(
    ("function", "data", "result"),
    [
        (plain, {"a": 1}, "1b"),
        (plain, {"a": 1, "b": "c"}, "1c"),
        (of_struct, {"x": 1, "y": 2}, {"x": 2, "y": 1}),
        (of_dataclass, {"width": 2}, {"width": 4}),
        (of_typed_dict, {"first": "Ann"}, "Ann"),
        (of_pydantic, {"address": "a@b"}, {"address": "a@b"}),
        (whole, [1, 2], 3),
        (by_number, {"1": "a"}, {"1": "a"}),
        (optional, ABSENT, 3),
        (optional, 4, 4),
        (nothing, ABSENT, None),
        (nothing, None, None),
    ],
)
async def test_an_input_is_read_as_the_annotations_say(function: Any, data: Any, result: Any) -> None:
    call: Any = "the call"
    assert await Results(Signature(function), PLAIN).of_call(call, data) == result


@pytest.mark.parametrize(
    ("function", "data", "field"),
    [
        (plain, {"a": "1"}, "a"),
        (plain, {}, None),
        (plain, {"a": 1, "c": 1}, None),
        (plain, [1], None),
        (of_struct, {"x": None}, "x"),
        (of_dataclass, ABSENT, None),
        (of_pydantic, {"address": "a"}, None),
        (of_pydantic, 5, None),
        (whole, ["a"], "[0]"),
        (nothing, {"a": 1}, None),
    ],
)
def test_what_does_not_fit_is_a_problem_of_the_callers(function: Any, data: Any, field: str | None) -> None:
    with pytest.raises(Problem) as caught:
        Signature(function).begin("the call", data)
    assert caught.value.code is Code.INVALID_PAYLOAD
    assert caught.value.extensions.get("field") == field


async def test_a_result_that_does_not_fit_is_the_applications_mistake() -> None:
    async def wrong() -> int:
        return "text"  # type: ignore[return-value]  # that is the mistake

    with pytest.raises(msgspec.ValidationError):
        await Results(Signature(wrong), PLAIN).of_call(None, ABSENT)  # type: ignore[arg-type]  # it asks for no call


def test_what_pydantic_finds_is_told_by_field() -> None:
    with pytest.raises(Problem) as caught:
        Signature(of_pydantic).arguments({"address": "a"})
    assert [each["field"] for each in caught.value.extensions["fields"]] == ["address"]


def test_a_function_that_cannot_be_a_procedure_is_refused_where_it_is_written() -> None:
    def plain_function() -> None: ...

    async def starred(*values: int) -> None: ...

    async def mixed(mail: Mail, more: int) -> None: ...

    for function in (plain_function, starred, mixed):
        with pytest.raises(TypeError):
            Signature(function)


def test_schemas_refer_to_components_by_prefixed_names() -> None:
    components: dict[str, Any] = {}
    told = Signature(of_struct).output.schema(components, "shapes.turn.")
    assert told == {"$ref": "#/components/schemas/shapes.turn.Point"}
    assert components["shapes.turn.Point"]["required"] == ["x"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(JSON)
def test_no_input_breaks_the_reading(data: Any) -> None:
    for function in (plain, of_struct, of_dataclass, of_typed_dict, of_pydantic, whole, nothing):
        try:
            Signature(function).arguments(data)
        except Problem as problem:
            assert problem.code is Code.INVALID_PAYLOAD  # noqa: PT017 - anything else fails the test
