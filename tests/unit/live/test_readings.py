"""What has to be read keeps nobody else waiting, and nothing out of its order."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from msgspec.structs import replace

from tests.unit.live.test_hub import ALICE, Socket, Tables, change, follow, row, shape
from watchword.base.errors import Code, Problem
from watchword.live.hub import Hub
from watchword.live.readings import MOST_WAITING
from watchword.protocol.events import Event, Resync

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from watchword.live.matching import Row, View
    from watchword.protocol.events import Change


class SlowTables(Tables):
    """A lookup that answers about rows when it is let, and about `most` of them at once."""

    def __init__(self) -> None:
        super().__init__()
        self.asked_for = list[tuple[str, ...]]()
        self.asked_at_all = anyio.Event()
        self.answers = anyio.Event()
        self.most = 1_000
        self.sights = [(False, True)]
        self.known = {"1": {"id": 1, "title": "read"}}

    async def match(self, views: Sequence[View], changes: Sequence[Change]) -> dict[View, list[tuple[bool, bool]]]:
        self.asked.append(len(views))
        return dict.fromkeys(views, self.sights * len(changes))

    async def rows(self, view: View, keys: Sequence[str]) -> dict[str, Row]:
        self.asked_for.append(tuple(sorted(keys)))
        self.asked_at_all.set()
        await self.answers.wait()
        if len(keys) > self.most:
            raise Problem(Code.INVALID_QUERY, "too many")
        return await super().rows(view, keys)


@pytest.fixture
def tables() -> SlowTables:
    return SlowTables()


@pytest.fixture
def hub(tables: SlowTables) -> Hub:
    return Hub(tables, lambda: 0.0)


@asynccontextmanager
async def reading(hub: Hub, tables: SlowTables) -> AsyncIterator[None]:
    """Read beside the test, which then lets the lookup answer, up to the end."""
    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            group.start_soon(hub.run)
            await anyio.wait_all_tasks_blocked()
            yield
            tables.answers.set()
            await anyio.wait_all_tasks_blocked()
            group.cancel_scope.cancel()


def kinds(peer: Socket) -> list[str]:
    return [kind for _, kind, _ in peer.told]


def large(position: int) -> Change:
    """A change whose row has to be read, by whoever sees it."""
    return replace(change(position, None, row()), omitted=("title",))


async def test_who_needs_no_reading_does_not_wait_for_who_does(hub: Hub, tables: SlowTables) -> None:
    nested, plain = follow(hub, shape(columns=None)), follow(hub, shape())
    async with reading(hub, tables):
        for position in (1, 2):
            await hub.receive([change(position, None, row())])
        await tables.asked_at_all.wait()
        assert (kinds(plain), nested.told) == (["create", "create"], [])
    assert len(nested.told) == 2


async def test_what_needs_no_reading_does_not_overtake_what_does(hub: Hub, tables: SlowTables) -> None:
    peer = follow(hub, shape())
    async with reading(hub, tables):
        await hub.receive([large(1)])
        await tables.asked_at_all.wait()
        await hub.receive([change(2, row(), row(title="later"))])
        assert peer.told == []
    assert [data["title"] for _, _, data in peer.told] == ["read", "later"]


async def test_what_needs_no_reading_shows_its_own_change_also_beside_what_is_read(
    hub: Hub, tables: SlowTables
) -> None:
    peer = follow(hub, shape())
    async with reading(hub, tables):
        await hub.receive([large(1)])
        await tables.asked_at_all.wait()
        await hub.receive([large(2)])
        await hub.receive([change(3, row(), row(title="third"))])
    assert [data["title"] for _, _, data in peer.told] == ["read", "read", "third"]


async def test_everything_anew_keeps_its_place_among_what_is_read(hub: Hub, tables: SlowTables) -> None:
    peer = follow(hub, shape(columns=None))
    async with reading(hub, tables):
        await hub.receive([change(1, None, row()), Resync("articles", 2), change(3, None, row())])
    assert kinds(peer) == ["create", "init", "create"]


async def test_what_came_meanwhile_is_read_in_one_go(hub: Hub, tables: SlowTables) -> None:
    peer = follow(hub, shape(columns=None))
    async with reading(hub, tables):
        await hub.receive([change(1, None, row())])
        await tables.asked_at_all.wait()
        for position in (2, 3, 4):
            await hub.receive([change(position, None, row())])
    assert (len(tables.asked_for), len(peer.told)) == (2, 4)


async def test_views_take_turns(hub: Hub, tables: SlowTables) -> None:
    busy, quiet = follow(hub, shape(columns=None)), follow(hub, shape(columns=None, item="2"))
    tables.known["2"] = {"id": 2}
    async with reading(hub, tables):
        await hub.receive([change(1, None, row())])
        await tables.asked_at_all.wait()
        await hub.receive([change(2, None, row()), change(3, None, row(), key="2")])
    assert tables.asked_for == [("1",), ("2",), ("1", "2")]
    assert (len(busy.told), len(quiet.told)) == (3, 1)


async def test_nothing_is_told_to_who_has_ended_while_it_was_read(hub: Hub, tables: SlowTables) -> None:
    gone, kept = follow(hub, shape(columns=None)), follow(hub, shape(columns=None))
    async with reading(hub, tables):
        await hub.receive([change(1, None, row())])
        await tables.asked_at_all.wait()
        hub.unfollow(gone, "s")
    assert (gone.told, len(kept.told)) == ([], 1)


async def test_who_loses_the_right_before_what_was_read_is_told_is_not_told(hub: Hub, tables: SlowTables) -> None:
    loser, keeper = follow(hub, shape(columns=None)), follow(hub, shape(columns=None))

    async def check() -> None:
        assert tables.answers.is_set()
        hub.unfollow(loser, "s")

    async with reading(hub, tables):
        await hub.receive([change(1, None, row())], check)
    assert (loser.told, len(keeper.told)) == ([], 1)


async def test_where_rights_cannot_be_asked_nobody_is_told_what_was_read(hub: Hub, tables: SlowTables) -> None:
    nested, plain = follow(hub, shape(columns=None)), follow(hub, shape())

    async def check() -> None:
        raise Problem(Code.SERVICE_UNAVAILABLE)

    async with reading(hub, tables):
        await hub.receive([change(1, None, row())], check)
    assert (nested.told, nested.failed, plain.failed, kinds(plain)) == ([], ["s"], [], ["create"])


async def test_a_subscription_has_been_told_up_to_what_waits(hub: Hub, tables: SlowTables) -> None:
    peer, plain = follow(hub, shape(columns=None)), follow(hub, shape())
    members = [hub.member(each, "s") for each in (peer, plain)]
    reached = [hub.reach(member, 9) for member in members if member]
    async with reading(hub, tables):
        await hub.receive([change(5, None, row()), change(9, None, row())])
        await tables.asked_at_all.wait()
        reached += [hub.reach(member, 9) for member in members if member]
        assert (hub.is_current(peer, "s"), hub.is_current(plain, "s")) == (False, True)
    assert reached == [9, 9, 4, 9]
    assert hub.is_current(peer, "s")


async def test_who_follows_what_is_being_read_is_not_told_what_it_has_read_itself(hub: Hub, tables: SlowTables) -> None:
    first, late = follow(hub, shape(columns=None)), Socket()
    async with reading(hub, tables):
        await hub.receive([change(5, None, row())])
        await tables.asked_at_all.wait()
        hub.follow(late, "s", shape(columns=None), ALICE).go_live(5)
        await hub.receive([change(6, None, row())])
    assert (len(first.told), len(late.told)) == (2, 1)


async def test_a_view_for_which_too_much_waits_ends_alone(hub: Hub, tables: SlowTables) -> None:
    nested, other = follow(hub, shape(columns=None)), follow(hub, shape())
    page = 1_000
    async with reading(hub, tables):
        for start in range(0, MOST_WAITING + page, page):
            await hub.receive([change(start + number, None, row()) for number in range(1, page + 1)])
            await anyio.wait_all_tasks_blocked()
    assert (nested.told, nested.failed) == ([], ["s"])
    assert (len(other.told), other.failed) == (MOST_WAITING + page, [])


async def test_rows_that_are_too_many_at_once_are_read_by_and_by(hub: Hub, tables: SlowTables) -> None:
    peer = follow(hub, shape(columns=None))
    tables.most, tables.known = 1, {str(number): {"id": number} for number in range(4)}
    tables.answers.set()
    await hub.receive([change(number + 1, None, row(), key=str(number)) for number in range(4)])
    assert [data["id"] for _, _, data in peer.told] == [0, 1, 2, 3]


async def test_an_event_that_takes_too_many_rows_ends_its_subscription_and_no_other(
    hub: Hub, tables: SlowTables
) -> None:
    peer, other = follow(hub, shape(columns=None)), follow(hub, shape())
    tables.most = 0
    tables.answers.set()
    await hub.receive([change(1, None, row())])
    assert (peer.told, peer.failed, len(other.told), other.failed) == ([], ["s"], 1, [])


async def test_halves_of_one_position_are_not_parted(tables: SlowTables) -> None:
    told: list[tuple[str, str | None]] = []

    class Keeper(Socket):
        def deliver(self, subscription: str | None, event: Event) -> None:
            told.append((event.kind, event.mark))

    hub = Hub(tables, lambda: 0.0, str)
    follow(hub, shape(columns=None), peer=Keeper())
    tables.most = 1
    tables.known["2"] = {"id": 2}
    tables.answers.set()
    await hub.receive([change(1, None, row()), change(3, None, row()), change(3, None, row(), key="2")])
    assert told == [("create", "1")]


async def test_what_was_missed_is_not_told_one_by_one_where_that_takes_too_much(hub: Hub, tables: SlowTables) -> None:
    member = hub.follow(Socket(), "s", shape(columns=None), ALICE)
    tables.known = {str(number): {"id": number, "title": "x" * 20_000_000} for number in range(2)}
    tables.answers.set()
    changes: list[Any] = [change(number + 1, None, row(), key=str(number)) for number in range(2)]
    assert len(await hub.replay(member.view, changes[:1])) == 1
    with pytest.raises(Problem) as raised:
        await hub.replay(member.view, changes)
    assert raised.value.code is Code.POSITION_LOST
