"""What every broker does, whatever carries its messages."""

from __future__ import annotations

from collections.abc import AsyncIterator

import anyio
import pytest

from watchword.brokers.memory import MemoryBroker
from watchword.live.broker import Broker, Hint


@pytest.fixture(params=[MemoryBroker])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[Broker]:
    broker: Broker = request.param()
    await broker.start()
    yield broker
    await broker.stop()


async def test_what_is_published_is_heard_by_every_listener(broker: Broker) -> None:
    heard: list[Hint] = []
    both = anyio.Event()

    def hear(hint: Hint) -> None:
        heard.append(hint)
        if len(heard) == 2:
            both.set()

    broker.listen(hear)
    broker.listen(hear)
    broker.publish(Hint("epoch", 1, 3))
    with anyio.fail_after(5):
        await both.wait()
    assert heard == [Hint("epoch", 1, 3)] * 2


async def test_publishing_to_nobody_is_no_error(broker: Broker) -> None:
    broker.publish(Hint("epoch", 1, 1))
