"""Results: one value, many, or some that come later, in the manner that the caller can take."""

from __future__ import annotations

import datetime
from collections.abc import AsyncIterator
from typing import Any

import pytest

from watchword.backend.results import Results
from watchword.backend.signatures import Signature
from watchword.backend.tracked import Tracked, tracked
from watchword.base.errors import Code, Problem
from watchword.protocol.operations import ABSENT, PLAIN, Manner

STREAMING = Manner(streams=True)
NATIVE = Manner(native=True)
MORNING = datetime.datetime(2026, 1, 2, 3, tzinfo=datetime.UTC)


async def numbers() -> AsyncIterator[int]:
    yield 1
    yield 2


async def returned() -> AsyncIterator[int]:
    return numbers()


async def later() -> dict[str, Any]:
    async def value() -> int:
        return 7

    return {"now": 1, "later": value(), "many": numbers()}


async def moment() -> datetime.datetime:
    return MORNING


async def wrong() -> AsyncIterator[int]:
    yield "text"  # type: ignore[misc]  # that is the mistake


def results(function: Any, manner: Manner = PLAIN) -> Results:
    return Results(Signature(function), manner)


async def of_call(function: Any, manner: Manner = PLAIN) -> Any:
    return await results(function, manner).of_call(None, ABSENT)  # type: ignore[arg-type]  # they ask for no call


async def of_subscription(function: Any, manner: Manner = PLAIN) -> list[Any]:
    values = results(function, manner).of_subscription(None, ABSENT)  # type: ignore[arg-type]  # as above
    return [value async for value in values]


@pytest.mark.parametrize("function", [numbers, returned])
async def test_many_values_come_one_by_one_where_they_can(function: Any) -> None:
    assert [value async for value in await of_call(function, STREAMING)] == [1, 2]


@pytest.mark.parametrize("function", [numbers, returned, later])
async def test_many_values_are_refused_where_there_can_be_one(function: Any) -> None:
    with pytest.raises(Problem) as caught:
        await of_call(function)
    assert caught.value.code is Code.UNSUPPORTED_MEDIA_TYPE


async def test_members_may_come_later() -> None:
    found = await of_call(later, STREAMING)
    assert found["now"] == 1
    assert await found["later"] == 7
    assert [value async for value in found["many"]] == [1, 2]


async def test_values_go_as_json_or_as_python_has_them() -> None:
    assert await of_call(moment) == "2026-01-02T03:00:00Z"
    assert await of_call(moment, NATIVE) == MORNING


async def test_each_of_many_is_checked() -> None:
    values = await of_call(wrong, STREAMING)
    with pytest.raises(ValueError, match="int"):
        await anext(values)


async def test_tracked_values_keep_their_ids() -> None:
    async def both() -> AsyncIterator[Tracked[int]]:
        yield tracked("a", 1)

    assert await of_subscription(both) == [tracked("a", 1)]


async def test_a_value_without_an_id_is_a_mistake_where_ids_are_promised() -> None:
    async def promised() -> AsyncIterator[Tracked[int]]:
        yield 1  # type: ignore[misc]  # that is the mistake

    with pytest.raises(TypeError, match="not tracked"):
        await of_subscription(promised)


async def test_ending_the_values_ends_the_procedure() -> None:
    ended = []

    async def endless() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            ended.append(True)

    values = results(endless).of_subscription(None, ABSENT)  # type: ignore[arg-type]  # as above
    await anext(values)
    await values.aclose()
    assert ended == [True]
    streamed = await of_call(endless, STREAMING)
    await anext(streamed)
    await streamed.aclose()
    assert ended == [True, True]


@pytest.mark.parametrize("name", ["", "a\nb", "a\rb", "a\0b"])
def test_an_id_is_one_line_and_not_empty(name: str) -> None:
    with pytest.raises(ValueError, match="id"):
        tracked(name, 1)
