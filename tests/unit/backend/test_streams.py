"""Streams: bounded, from the tail on, each consumer by itself."""

from __future__ import annotations

import anyio
import pytest

from watchword.backend.streams import MOST_NAMES, PARKED, PARKED_SIZE, Stream, Streams


async def test_a_consumer_gets_what_is_written_after_it_has_begun() -> None:
    stream: Stream[int] = Stream()
    stream.write(1)
    consumer = stream.consumer()
    stream.write(2)
    stream.write(3)
    assert [await anext(consumer), await anext(consumer)] == [2, 3]


async def test_consumers_do_not_take_from_each_other() -> None:
    stream: Stream[str] = Stream()
    one, two = stream.consumer(), stream.consumer()
    stream.write("a")
    assert (await anext(one), await anext(two)) == ("a", "a")


async def test_the_oldest_goes_when_a_consumer_is_too_slow() -> None:
    stream: Stream[int] = Stream(bound=2)
    consumer = stream.consumer()
    lost = [each for number in range(4) for each in stream.write(number)]
    assert (lost, consumer.dropped, consumer.backpressure, stream.backpressure) == ([0, 1], 2, 2, 2)
    assert [await anext(consumer), await anext(consumer)] == [2, 3]


async def test_closing_lets_what_waits_be_taken_and_killing_does_not() -> None:
    stream: Stream[int] = Stream()
    closed, killed = stream.consumer(), stream.consumer()
    stream.write(1)
    stream.close()
    killed.kill()
    assert [value async for value in closed] == [1]
    assert [value async for value in killed] == []


async def test_a_waiting_consumer_is_woken_by_a_value_and_by_the_end() -> None:
    stream: Stream[int] = Stream()
    taken: list[int] = []

    async def take() -> None:
        taken.extend([value async for value in stream])

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(take)
            await anyio.wait_all_tasks_blocked()
            stream.write(1)
            await anyio.wait_all_tasks_blocked()
            stream.close()
    assert taken == [1]


async def test_once_gives_up_in_time_and_leaves_no_consumer() -> None:
    stream: Stream[int] = Stream()
    with pytest.raises(TimeoutError):
        await stream.once(0.001)
    assert not stream.has_consumer


async def test_once_ends_with_the_stream() -> None:
    stream: Stream[int] = Stream()
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:

            async def wait() -> None:
                with pytest.raises(EOFError):
                    await stream.once()

            group.start_soon(wait)
            await anyio.wait_all_tasks_blocked()
            stream.close()


async def test_a_loop_that_is_left_hears_no_more() -> None:
    stream: Stream[int] = Stream()
    stream.write(0)
    consumer = stream.consumer()
    stream.write(1)
    async for _ in consumer:
        break
    del consumer
    assert not stream.has_consumer


async def test_what_comes_before_the_first_consumer_is_parked_where_streams_do() -> None:
    streams: Streams[int] = Streams(parks=lambda _: 1)
    for number in range(PARKED + 5):
        streams.write("login", number)
    consumer = streams.stream("login").consumer()
    assert consumer.backpressure == PARKED
    assert await anext(consumer) == 5
    streams.stream("other").write(7)
    streams.unpark("other", 7)
    assert streams.stream("other").consumer().backpressure == 0


def test_names_that_clients_choose_do_not_fill_the_memory() -> None:
    streams: Streams[int] = Streams(parks=lambda _: 1)
    heard = streams.stream("heard").consumer()
    for number in range(5 * MOST_NAMES):
        streams.write(f"name {number}", number)
    assert len(streams._streams) <= MOST_NAMES
    assert streams.has_consumer("heard")
    assert heard.backpressure == 0


def test_what_clients_send_too_early_does_not_fill_the_memory() -> None:
    streams: Streams[str] = Streams(parks=len)
    size = PARKED_SIZE // 4
    for name in ("a", "a", "b", "b"):
        assert streams.write(name, name * size) == []
    assert streams.write("c", "c") == ["c"]
    assert streams.write("a", "d" * size) == ["a" * size]
    assert streams.stream("b").consumer().backpressure == 2
    assert streams.write("c", "c" * size) == []
    assert streams.write("e", "e" * (PARKED_SIZE + 1)) == ["e" * (PARKED_SIZE + 1)]


def test_names_that_are_forgotten_make_room_for_others() -> None:
    streams: Streams[str] = Streams(parks=len)
    assert streams.write("first", "a" * PARKED_SIZE) == []
    assert streams.write("second", "b") == ["b"]
    for number in range(MOST_NAMES):
        streams.write(f"name {number}", "")
    assert streams.write("third", "c" * PARKED_SIZE) == []
