from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from watchword.access.compile import FULL_ACCESS
from watchword.access.permissions import Action
from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.errors import Code, Problem
from watchword.live.hub import MOST_FAREWELLS, Hub
from watchword.live.matching import Column, Shape, Sight
from watchword.live.membership import BUFFER_LIMIT
from watchword.protocol.events import Change, Event, Resync
from watchword.query.filters import EVERYTHING, Compare, Filter, Related, Variable
from watchword.query.query import Query, fingerprint
from watchword.query.types import FieldType
from watchword.query.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Sequence

    from watchword.live.matching import Row, View

ALICE, BOB = Variables("alice"), Variables("bob")
PUBLISHED = Compare("status", "eq", "published", type=FieldType.STRING)
OWN = Compare("owner", "eq", Variable("CURRENT_USER"), type=FieldType.STRING)
COLUMNS = tuple(Column(name, name, kind) for name, kind in (("id", FieldType.INTEGER), ("title", FieldType.STRING)))


class Socket:
    """A peer that writes down what it is told."""

    id = "socket"

    def __init__(self, principal: Principal = ANONYMOUS) -> None:
        self.principal = principal
        self.told: list[tuple[str | None, str, Any]] = []
        self.failed: list[str | None] = []
        self.revoked: list[Problem] = []

    def deliver(self, subscription: str | None, event: Event) -> None:
        self.told.append((subscription, event.kind, event.data))

    def withdraw(self, subscription: str | None, reach: int) -> int | None:
        return reach

    def fail(self, subscription: str | None, problem: Problem) -> None:
        self.failed.append(subscription)

    def revoke(self, problem: Problem) -> None:
        self.revoked.append(problem)

    def extend(self, session: str, expires_at: float) -> None:
        pass

    def doubt(self) -> None:
        pass

    async def refile(self) -> None:
        pass

    def check(self) -> None:
        pass

    def stop(self, code: int) -> None:
        pass


class Tables:
    """A lookup over rows in memory that counts how often it is asked."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.sights: list[tuple[bool, bool]] = []
        self.known: dict[str, Row] = {}
        self.broken = False
        self.left = 0

    async def match(self, views: Sequence[View], changes: Sequence[Change]) -> dict[View, list[tuple[bool, bool]]]:
        self.asked.append(len(views))
        if self.broken:
            return {}
        if not self.sights:
            return {view: [(view.sees(each.before, 0.0) is True, False) for each in changes] for view in views}
        return dict.fromkeys(views, self.sights)

    async def rows(self, view: View, keys: Sequence[str]) -> dict[str, Row]:
        return {key: self.known[key] for key in keys if key in self.known}

    async def leaving(self, before: View, after: View, most: int) -> list[str]:
        return [str(number) for number in range(self.left)][:most]

    async def everything(self, view: View) -> Any:
        if self.broken:
            raise Problem(Code.SERVICE_UNAVAILABLE)
        return list(self.known.values())


def shape(
    where: Filter = EVERYTHING,
    rule: Filter = EVERYTHING,
    *,
    sights: tuple[Sight, ...] | None = None,
    event: Action | None = None,
    item: str | None = None,
    columns: tuple[Column, ...] | None = COLUMNS,
) -> Shape:
    sights = sights or (Sight(rule, None),)
    personal = (Variable("CURRENT_USER"),) if OWN in (where, rule) else ()
    key = fingerprint([where, [(s.filter, sorted(s.fields or [])) for s in sights], event, item, columns])
    return Shape(key, "articles", where, sights, columns, Query("articles"), FULL_ACCESS, event, item, personal)


def change(position: int = 1, before: Row | None = None, after: Row | None = None, key: str = "1") -> Change:
    action = Action.CREATE if before is None else Action.DELETE if after is None else Action.UPDATE
    return Change("articles", action, key, before, after, position)


def row(status: str = "published", title: str = "t", **more: Any) -> Row:
    return {"id": 1, "title": title, "status": status} | more


@pytest.fixture
def tables() -> Tables:
    return Tables()


@pytest.fixture
def hub(tables: Tables) -> Hub:
    return Hub(tables, lambda: 0.0)


def follow(hub: Hub, shape: Shape, variables: Variables = ALICE, name: str = "s", peer: Socket | None = None) -> Socket:
    peer = peer or Socket()
    hub.enter(peer)
    hub.follow(peer, name, shape, variables).go_live(0)
    return peer


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, row(), ("create", {"id": 1, "title": "t"})),
        (row(), row(title="u"), ("update", {"id": 1, "title": "u"})),
        (row(), None, ("delete", "1")),
        (row("draft"), row(), ("create", {"id": 1, "title": "t"})),
        (row(), row("draft"), ("delete", "1")),
        (row("draft"), row("draft"), None),
        (None, row("draft"), None),
        (row("draft"), None, None),
    ],
)
async def test_what_was_seen_and_is_seen_decides_what_is_told(
    hub: Hub, before: Row | None, after: Row | None, told: tuple[str, Any] | None
) -> None:
    by_rule, by_filter = follow(hub, shape(rule=PUBLISHED)), follow(hub, shape(where=PUBLISHED))
    await hub.receive([change(1, before, after)])
    expected = [] if told is None else [("s", *told)]
    assert (by_rule.told, by_filter.told) == (expected, expected)


async def test_an_event_filter_looks_at_what_the_change_is_to_the_subscriber(hub: Hub) -> None:
    deletes = follow(hub, shape(rule=PUBLISHED, event=Action.DELETE))
    creates = follow(hub, shape(rule=PUBLISHED, event=Action.CREATE))
    await hub.receive([change(1, row("draft"), row()), change(2, row(), row("draft"))])
    assert [kind for _, kind, _ in creates.told] == ["create"]
    assert [kind for _, kind, _ in deletes.told] == ["delete"]


async def test_an_item_subscription_hears_of_that_item_alone(hub: Hub) -> None:
    peer = follow(hub, shape(item="1"))
    await hub.receive([change(1, None, row(), key="2"), change(2, None, row())])
    assert [data for _, _, data in peer.told] == [{"id": 1, "title": "t"}]


async def test_a_personal_rule_tells_each_person_their_own(hub: Hub) -> None:
    alice, bob = follow(hub, shape(rule=OWN), ALICE), follow(hub, shape(rule=OWN), BOB)
    await hub.receive([change(1, None, row(owner="alice"))])
    assert (len(alice.told), bob.told) == (1, [])


async def test_a_row_shows_only_the_fields_of_the_grants_that_match_it(hub: Hub) -> None:
    sights = (Sight(PUBLISHED, frozenset({"id"})), Sight(OWN, frozenset({"id", "title"})))
    alice, bob = follow(hub, shape(sights=sights), ALICE), follow(hub, shape(sights=sights), ALICE, "t")
    await hub.receive([change(1, None, row(owner="alice")), change(2, None, row(owner="bob"))])
    assert [data for _, _, data in alice.told] == [{"id": 1, "title": "t"}, {"id": 1, "title": None}]
    assert [data for _, _, data in bob.told] == [data for _, _, data in alice.told]


async def test_subscribers_that_see_the_same_share_one_event(hub: Hub) -> None:
    events: list[Event] = []

    class Keeper(Socket):
        def deliver(self, subscription: str | None, event: Event) -> None:
            events.append(event)

    for name in ("a", "b"):
        follow(hub, shape(rule=PUBLISHED), name=name, peer=Keeper())
    await hub.receive([change(1, None, row())])
    assert len(events) == 2
    assert events[0] is events[1]


async def test_nothing_comes_after_unfollow(hub: Hub) -> None:
    peer = follow(hub, shape())
    hub.unfollow(peer, "s")
    await hub.receive([change(1, None, row())])
    assert peer.told == []
    assert hub.collections == frozenset()


async def test_the_same_name_replaces(hub: Hub) -> None:
    peer = follow(hub, shape())
    follow(hub, shape(where=PUBLISHED), peer=peer)
    await hub.receive([change(1, None, row("draft")), change(2, None, row())])
    assert len(peer.told) == 1


async def test_a_subscription_buffers_until_it_is_live_and_repeats_nothing(hub: Hub) -> None:
    peer = Socket()
    hub.enter(peer)
    member = hub.follow(peer, "s", shape(), ALICE)
    await hub.receive([change(1, None, row(title="old")), change(2, None, row(title="new"))])
    assert peer.told == []
    member.go_live(1)
    await hub.receive([change(3, None, row(title="newer"))])
    assert [data["title"] for _, _, data in peer.told] == ["new", "newer"]


async def test_a_buffer_that_overflows_ends_the_subscription(hub: Hub) -> None:
    peer = Socket()
    hub.enter(peer)
    hub.follow(peer, "s", shape(), ALICE)
    await hub.receive([change(n, None, row()) for n in range(1, BUFFER_LIMIT + 2)])
    assert peer.failed == ["s"]


async def test_relational_rules_cost_one_lookup_for_all_views(hub: Hub, tables: Tables) -> None:
    rules = [Related("author", Compare("name", "eq", name, type=FieldType.STRING)) for name in "abc"]
    peers = [follow(hub, shape(rule=rule), peer=Socket()) for rule in rules]
    tables.sights = [(False, True), (True, False)]
    await hub.receive([change(1, None, row()), change(2, row(), row())])
    assert tables.asked == [3]
    assert all([kind for _, kind, _ in peer.told] == ["create", "delete"] for peer in peers)


async def test_a_view_that_cannot_be_evaluated_ends_alone(hub: Hub, tables: Tables) -> None:
    relational = follow(hub, shape(rule=Related("author", PUBLISHED)))
    plain = follow(hub, shape())
    tables.broken = True
    await hub.receive([change(1, None, row())])
    assert (relational.failed, relational.told) == (["s"], [])
    assert (plain.failed, len(plain.told)) == ([], 1)


async def test_rows_that_need_the_database_are_read_and_vanished_ones_left_out(hub: Hub, tables: Tables) -> None:
    peer = follow(hub, shape(columns=None))
    tables.sights = [(False, True), (False, True)]
    tables.known = {"1": {"id": 1, "author": {"name": "Ann"}}}
    await hub.receive([change(1, None, row()), change(2, None, row(), key="2")])
    assert peer.told == [("s", "create", {"id": 1, "author": {"name": "Ann"}})]


@pytest.mark.parametrize(("event", "told"), [(None, 2), (Action.DELETE, 2), (Action.CREATE, 0)])
async def test_rows_out_of_sight_are_told_as_deletes(hub: Hub, tables: Tables, event: Action | None, told: int) -> None:
    tables.left = 2
    before = hub.follow(Socket(), "s", shape(event=event), ALICE).view
    after = hub.follow(Socket(), "s", shape(rule=PUBLISHED, event=event), ALICE).view
    keys = await hub.leaving(before, after)
    assert keys is not None
    events = await hub.farewell(before, after, keys, [], 7)
    assert [(gone.kind, gone.data, gone.position) for gone in events] == [("delete", "0", 7), ("delete", "1", 7)][:told]


async def test_rows_out_of_sight_are_those_that_were_in_sight_when_the_rights_changed(hub: Hub, tables: Tables) -> None:
    before = hub.follow(Socket(), "s", shape(), ALICE).view
    after = hub.follow(Socket(), "s", shape(rule=PUBLISHED), ALICE).view
    since = [
        change(8, None, row("draft"), key="born"),
        change(9, row("draft"), row("draft"), key="kept"),
        change(10, row("draft"), None, key="died"),
        change(11, row("draft"), row(), key="risen"),
        change(12, row(), row("draft"), key="fell"),
    ]
    events = await hub.farewell(before, after, ["born", "still", "kept", "fell"], since, 7)
    assert {event.data for event in events} == {"still", "kept", "died", "risen"}


async def test_too_many_rows_out_of_sight_are_not_told_one_by_one(hub: Hub, tables: Tables) -> None:
    tables.left, tables.known = MOST_FAREWELLS + 1, {"1": {"id": 1}}
    view = hub.follow(Socket(), "s", shape(), ALICE).view
    assert await hub.leaving(view, view) is None
    assert [event.kind for event in await hub.anew(view, 7)] == ["init"]


async def test_a_resync_gives_everything_anew(hub: Hub, tables: Tables) -> None:
    peer = follow(hub, shape())
    tables.known = {"1": {"id": 1}}
    await hub.receive([Resync("articles", 1), Resync("others", 2)])
    assert peer.told == [("s", "init", [{"id": 1}])]


async def test_what_came_before_a_resync_is_told_before_it(hub: Hub, tables: Tables) -> None:
    peer = follow(hub, shape())
    tables.known = {"1": {"id": 1}}
    await hub.receive([change(1, None, row()), Resync("articles", 2), change(3, row(), row(title="u"))])
    assert [kind for _, kind, _ in peer.told] == ["create", "init", "update"]


async def test_revocation_reaches_the_connections_that_match_and_no_others(hub: Hub) -> None:
    alice, bob = Socket(Principal(user="a", session="1")), Socket(Principal(user="b", session="2"))
    hub.enter(alice)
    hub.enter(bob)
    hub.revoke(lambda peer: peer.principal.session == "1", Problem(Code.AUTH_FAILED))
    assert (len(alice.revoked), bob.revoked) == (1, [])
    hub.leave(alice)
    assert hub.peers == (bob,)


async def test_a_subscription_that_moves_on_before_it_is_live_holds_what_it_was_shown_before(hub: Hub) -> None:
    peer = follow(hub, shape())
    await hub.receive([change(4, None, row())])
    first = hub.member(peer, "s")
    assert first is not None
    second = hub.follow(peer, "s", shape(rule=PUBLISHED), ALICE)
    second.succeed(first, 5)
    third = hub.follow(peer, "s", shape(rule=OWN), ALICE)
    third.succeed(second, 9)
    assert (third.shown, third.reach) == (first.view, 5)
    third.go_live(9)
    assert (third.shown, third.reach) == (third.view, 9)


async def test_who_has_got_half_of_what_has_one_position_comes_back_for_the_other_half(tables: Tables) -> None:
    marks: list[str | None] = []

    class Keeper(Socket):
        def deliver(self, subscription: str | None, event: Event) -> None:
            marks.append(event.mark)

    hub = Hub(tables, lambda: 0.0, str)
    follow(hub, shape(), peer=Keeper())
    await hub.receive([change(1, None, row()), change(3, row(), None), change(3, None, row(), key="2")])
    assert marks == ["1", "2", "3"]
