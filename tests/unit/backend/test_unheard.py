"""What nobody hears yet is kept for who will, within bounds."""

from __future__ import annotations

import gc

import pytest

from watchword.backend.streams import MOST_NAMES, PARKED, Streams

pytestmark = pytest.mark.anyio


async def test_what_comes_before_its_consumer_is_kept_for_it() -> None:
    streams: Streams[int] = Streams(parks=lambda _: 1)
    for number in range(PARKED + 1):
        streams.write("a", number)

    assert [await streams.stream("a").once(1) for _ in "1"] == [1]


async def test_nothing_is_kept_where_streams_do_not_park() -> None:
    streams: Streams[int] = Streams()
    streams.write("a", 1)

    with pytest.raises(TimeoutError):
        await streams.stream("a").once(0)


async def test_a_name_that_nobody_has_asked_for_goes_with_its_value() -> None:
    streams: Streams[int] = Streams(parks=lambda _: 1)
    streams.write("a", 1)
    streams.write("a", 2)
    streams.unpark("a", 1)
    assert await streams.stream("a").once(1) == 2

    streams.write("b", 1)
    streams.unpark("b", 1)
    streams.unpark("b", 1)
    with pytest.raises(TimeoutError):
        await streams.stream("b").once(0)


async def test_names_of_others_do_not_push_out_what_the_application_has_asked_for() -> None:
    streams: Streams[int] = Streams(parks=lambda _: 1)
    kept = streams.stream("kept")
    for number in range(2 * MOST_NAMES):
        streams.write(f"unheard {number}", number)
    gc.collect()
    streams.write("kept", 7)

    assert await kept.once(1) == 7
