"""Channels: who hears, what is kept, and who is told of whom."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.live import channels as module
from watchword.live.channels import Channels, Retention
from watchword.protocol.events import Event

KEEP = Retention(size=3, age=60.0)
NONE = Retention()


class Ear:
    """Writes down what it hears."""

    id = "ear"
    principal: Principal | None = ANONYMOUS

    def __init__(self) -> None:
        self.heard: list[tuple[str | None, Any]] = []

    def deliver(self, subscription: str | None, event: Event) -> None:
        self.heard.append((subscription, event.data))


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def channels(clock: ManualClock) -> Channels:
    return Channels("epoch", clock.now)


def test_only_those_who_have_joined_hear(channels: Channels) -> None:
    ann, bob = Ear(), Ear()
    channels.join(ann, "a")
    channels.join(ann, "a")
    channels.join(bob, "b")
    channels.publish("a", 1, NONE)
    channels.part(ann, "a")
    channels.publish("a", 2, NONE)
    assert (ann.heard, bob.heard) == ([("a", 1)], [])
    assert channels.names == ("b",)


def test_who_leaves_is_gone_from_everywhere(channels: Channels) -> None:
    told: list[tuple[str, bool]] = []
    channels.watch(lambda channel, peer, comes: told.append((channel, comes)))
    ann = Ear()
    channels.join(ann, "a")
    channels.join(ann, "b")
    channels.part_all(ann)
    channels.part(ann, "a")
    assert sorted(told) == [("a", False), ("a", True), ("b", False), ("b", True)]
    assert channels.peers("a") == ()
    assert not channels._of


def test_history_is_bounded_by_size_and_age(channels: Channels, clock: ManualClock) -> None:
    for number in range(5):
        channels.publish("a", number, KEEP)
        clock.advance(10)
    assert [each.data for each in channels.history("a", KEEP)] == [2, 3, 4]
    assert [each.data for each in channels.history("a", KEEP, last=1)] == [4]
    clock.advance(45)
    assert [each.data for each in channels.history("a", KEEP)] == [4]
    assert channels.history("never", KEEP) == []


def test_what_came_since_a_position_is_told_in_order(channels: Channels) -> None:
    beginning = channels.position("a")
    channels.publish("a", 1, KEEP)
    position = channels.position("a")
    channels.publish("a", 2, KEEP)
    assert [each.data for each in channels.since("a", KEEP, beginning)] == [1, 2]
    assert [each.data for each in channels.since("a", KEEP, position)] == [2]
    assert channels.since("a", KEEP, channels.position("a")) == []


@pytest.mark.parametrize(
    "position", ["other:1", "epoch:0", "epoch:9", "epoch:", "nonsense", "epoch:-1", f"epoch:{'9' * 40}"]
)
def test_a_position_that_cannot_be_told_from_is_lost(channels: Channels, position: str) -> None:
    for number in range(5):
        channels.publish("a", number, KEEP)
    with pytest.raises(Problem) as caught:
        channels.since("a", KEEP, position)
    assert caught.value.code is Code.POSITION_LOST


def test_channels_that_clients_name_do_not_fill_the_memory(channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 10)
    for number in range(50):
        channels.publish(f"channel {number}", number, KEEP)
    assert len(channels._histories) == 10
    with pytest.raises(Problem):
        channels.since("channel 1", KEEP, "epoch:1")


def test_histories_are_bounded_by_their_bytes(channels: Channels, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_BYTES", 1_000)
    for number in range(3):
        channels.publish("a", "x" * 300 + str(number), KEEP)
    assert len(channels.history("a", KEEP)) == 3
    channels.publish("b", "y" * 300, KEEP)
    assert channels.history("a", KEEP) == []
    assert len(channels.history("b", KEEP)) == 1
    channels.publish("b", "z" * 2_000, KEEP)
    assert [each.data[0] for each in channels.history("b", KEEP)] == ["z"]
    for _ in range(10):
        channels.publish("b", "short", KEEP)
    assert len(channels.history("b", KEEP)) == 3


def test_no_position_of_a_forgotten_history_is_one_of_the_next(
    channels: Channels, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_REMEMBERED", 1)
    channels.publish("a", 1, KEEP)
    early = channels.position("a")
    channels.publish("a", 2, KEEP)
    late = channels.position("a")
    channels.publish("b", 1, KEEP)
    for data in (3, 4):
        channels.publish("a", data, KEEP)
    assert [each.data for each in channels.since("a", KEEP, late)] == [3, 4]
    with pytest.raises(Problem):
        channels.since("a", KEEP, early)
    nowhere = channels.position("new")
    assert channels.since("new", KEEP, nowhere) == []
