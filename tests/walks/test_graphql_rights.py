"""GraphQL's sockets end with the rights that they were opened under, on nodes of every mode; nobody else's do."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.application import Application, application, execute, permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from tests.support.sockets import ScriptedSocket

pytestmark = pytest.mark.timeout(60)

TRANSPORT, LEGACY = "graphql-transport-ws", "graphql-ws"
MODES = ("public", "handshake", "strict")
SECOND = 5.0  # what is promised is one; the machine may be busy with other tests
FOLLOW = "subscription($since: String) { articles_mutated(since: $since) { key event data { id title } } }"
PUBLISHED = {"status": {"_eq": "published"}}
FORBIDDEN = (4403, "Forbidden")


class House:
    """Three nodes on one database, one in each mode, and the keys of what the reader is made of."""

    def __init__(self, nodes: dict[str, Application]) -> None:
        self.nodes = nodes
        self.ids: dict[str, Any] = {}
        self.tokens: dict[str, str] = {}

    @property
    def one(self) -> Application:
        return self.nodes["handshake"]

    async def furnish(self) -> None:
        self.ids["user"] = await self.one.user("reader", [permission("read", rows=PUBLISHED, fields="id,title")])
        await self.one.user("other", [permission("read", rows=PUBLISHED, fields="id,title")])
        self.ids["policy"] = await self.named("policies", "reader")
        self.ids["role"] = await self.named("roles", "reader")
        self.ids["other role"] = await self.named("roles", "other")
        for name, what in {"permission": "permissions", "grant": "access"}.items():
            rows = await self.one.admin("GET", f"/{what}?limit=-1")
            self.ids[name] = next(row["id"] for row in rows if row["policy"] == self.ids["policy"])
        self.tokens = {
            "session": (await self.one.login("reader"))["access_token"],
            "static": "reader-static-token",
            "other": "other-static-token",
        }

    async def named(self, what: str, name: str) -> Any:
        return next(each["id"] for each in await self.one.admin("GET", f"/{what}") if each["name"] == name)

    async def patch(self, path: str, body: Any) -> None:
        await self.one.admin("PATCH", path.format(**self.ids), body)

    async def grant(self, given: dict[str, Any], **to: Any) -> None:
        """Make a policy of one permission, and give it to somebody."""
        policy = (await self.one.admin("POST", "/policies", {"name": "granted"}))["id"]
        await self.one.admin("POST", "/permissions", given | {"policy": policy})
        await self.one.admin("POST", "/access", to | {"policy": policy})

    async def write(self, title: str) -> None:
        await self.one.admin("POST", "/items/articles", {"title": title, "status": "published"})


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with AsyncExitStack() as stack:
        nodes: dict[str, Application] = {}
        for mode in MODES:
            running = application(database_url, **({"ddl": ""} if nodes else {}), WEBSOCKETS_GRAPHQL_AUTH=mode)
            nodes[mode] = await stack.enter_async_context(running)
        made = House(nodes)
        await made.furnish()
        yield made


async def open_socket(
    stack: AsyncExitStack, node: Application, token: str | None, *, strict: bool = False, subprotocol: str = TRANSPORT
) -> ScriptedSocket:
    """Open a socket and follow the articles."""
    query = f"access_token={token}" if strict else ""
    socket = await stack.enter_async_context(node.socket("/graphql", query, subprotocols=[subprotocol]))
    payload = {} if strict or token is None else {"payload": {"access_token": token}}
    assert (await socket.ask({"type": "connection_init"} | payload))["type"] == "connection_ack"
    if subprotocol == LEGACY:
        assert await socket.receive() == {"type": "ka"}
    await follow(socket, subprotocol)
    return socket


async def follow(socket: ScriptedSocket, subprotocol: str = TRANSPORT, query: str = FOLLOW, **variables: Any) -> None:
    kind = "subscribe" if subprotocol == TRANSPORT else "start"
    await socket.say({"id": "1", "type": kind, "payload": {"query": query, "variables": variables}})
    await socket.say({"id": "2", "type": kind, "payload": {"query": "{ __typename }"}})
    assert [(await socket.receive())["id"] for _ in range(2)] == ["2", "2"]


async def watch(house: House, stack: AsyncExitStack) -> list[tuple[str, ScriptedSocket]]:
    """Let everybody follow the articles on every node, in the older subprotocol as well."""
    return [
        (name, await open_socket(stack, node, token, strict=mode == "strict", subprotocol=spoken))
        for mode, node in house.nodes.items()
        for name, token in house.tokens.items()
        for spoken in ((TRANSPORT, LEGACY) if name == "static" else (TRANSPORT,))
    ]


async def told(socket: ScriptedSocket) -> dict[str, Any]:
    """Return what the next event says."""
    frame = await socket.receive()
    assert frame["id"] == "1", frame
    event: dict[str, Any] = frame["payload"]["data"]["articles_mutated"]
    return event


async def move_to(house: House, rights: list[dict[str, Any]]) -> None:
    """Give the user another role."""
    await house.one.user("another", rights)
    await house.patch("/users/{user}", {"role": await house.named("roles", "another")})


async def inherit(house: House, rights: list[dict[str, Any]]) -> None:
    """Give the role a parent."""
    await house.one.user("parent", rights)
    await house.patch("/roles/{role}", {"parent": await house.named("roles", "parent")})


CLOSING: dict[str, Callable[[House], Awaitable[Any]]] = {
    "a field is taken": lambda h: h.patch("/permissions/{permission}", {"fields": ["id"]}),
    "a field is added": lambda h: h.patch("/permissions/{permission}", {"fields": ["id", "title", "status"]}),
    "rows are taken": lambda h: h.patch("/permissions/{permission}", {"permissions": {"title": {"_eq": "b"}}}),
    "rows are added": lambda h: h.patch("/permissions/{permission}", {"permissions": {}}),
    "a permission is deleted": lambda h: h.one.admin("DELETE", f"/permissions/{h.ids['permission']}"),
    "writing is allowed": lambda h: h.grant(permission("update"), role=h.ids["role"]),
    "the user may write": lambda h: h.grant(permission("create"), user=h.ids["user"]),
    "a policy is for another address": lambda h: h.patch("/policies/{policy}", {"ip_access": ["10.9.8.7"]}),
    "a policy is an administrator's": lambda h: h.patch("/policies/{policy}", {"admin_access": True}),
    "a policy is taken from the role": lambda h: h.one.admin("DELETE", f"/access/{h.ids['grant']}"),
    "the user has another role": lambda h: move_to(h, [permission("read", fields="id")]),
    "the role has a parent": lambda h: inherit(h, [permission("read", "authors")]),
    "the user is suspended": lambda h: h.patch("/users/{user}", {"status": "suspended"}),
}

STAYING: dict[str, Callable[[House], Awaitable[Any]]] = {
    "a policy is called something else": lambda h: h.patch("/policies/{policy}", {"name": "else", "icon": "x"}),
    "fields are listed in another order": lambda h: h.patch("/permissions/{permission}", {"fields": ["title", "id"]}),
    "a role that nobody has changes": lambda h: h.patch("/roles/{role}", {"description": "of those who read"}),
    "another role may write": lambda h: h.grant(permission("update"), role=h.ids["other role"]),
    "the public may read more": lambda h: h.grant(permission("read", "authors")),
    "the user is called something else": lambda h: h.patch("/users/{user}", {"first_name": "Ann"}),
    "the user has a role of the same rights": lambda h: move_to(
        h, [permission("read", rows=PUBLISHED, fields="title,id")]
    ),
}


@pytest.mark.parametrize("kind", CLOSING)
async def test_other_rights_end_every_socket_of_whom_they_are_and_no_other(house: House, kind: str) -> None:
    async with AsyncExitStack() as stack:
        watchers = await watch(house, stack)
        await CLOSING[kind](house)
        await house.write("after")
        with anyio.fail_after(SECOND):
            for name, socket in watchers:
                if name == "other":
                    assert (await told(socket))["data"]["title"] == "after"
                else:
                    assert (await socket.closed(), socket.close_reason) == FORBIDDEN
        assert all([await socket.silent(0.02) for name, socket in watchers if name == "other"])


@pytest.mark.parametrize("kind", STAYING)
async def test_what_leaves_the_rights_as_they_are_ends_no_socket(house: House, kind: str) -> None:
    async with AsyncExitStack() as stack:
        watchers = [(name, socket) for name, socket in await watch(house, stack) if name != "other"]
        await STAYING[kind](house)
        await house.write("after")
        with anyio.fail_after(SECOND):
            for _, socket in watchers:
                assert (await told(socket))["data"]["title"] == "after"


async def test_rights_by_another_program_end_them_too(house: House, database_url: str) -> None:
    async with AsyncExitStack() as stack:
        watchers = await watch(house, stack)
        change = f"UPDATE watchword_permissions SET fields = 'id' WHERE id = {house.ids['permission']}"
        await execute(database_url, f"{change}; INSERT INTO articles (title, status) VALUES ('after', 'published')")
        with anyio.fail_after(SECOND):
            for name, socket in watchers:
                if name == "other":
                    assert (await told(socket))["data"]["title"] == "after"
                else:
                    assert (await socket.closed(), socket.close_reason) == FORBIDDEN


async def test_rights_of_the_public_end_those_who_are_nobody(house: House) -> None:
    node = house.nodes["public"]
    await house.grant(permission("read", rows=PUBLISHED, fields="id,title"))
    async with AsyncExitStack() as stack:
        nobody, other = await open_socket(stack, node, None), await open_socket(stack, node, "other-static-token")
        await house.grant(permission("read", "authors"))
        await house.write("after")

        assert (await nobody.closed(), nobody.close_reason) == FORBIDDEN
        assert (await told(other))["data"]["title"] == "after"
        again = await open_socket(stack, node, None)
        await house.write("again")
        assert (await told(again))["data"]["title"] == "again"


async def test_who_is_not_initialised_has_no_rights_that_could_change(house: House) -> None:
    async with house.one.socket("/graphql", subprotocols=[TRANSPORT]) as socket:
        for fields in ("id", "id,title"):
            await house.grant(permission("read", fields=fields))
        await house.one.app.parts.feed.settle()
        init = {"type": "connection_init", "payload": {"access_token": "reader-static-token"}}
        assert (await socket.ask(init))["type"] == "connection_ack"


async def test_public_that_becomes_somebody_has_not_changed_its_rights(house: House) -> None:
    node = house.nodes["public"]
    async with AsyncExitStack() as stack:
        reader = await open_socket(stack, node, "reader-static-token")
        await house.patch("/roles/{role}", {"description": "looked at"})
        await house.write("after")
        assert (await told(reader))["data"]["title"] == "after"


async def test_nothing_is_told_while_rights_are_in_doubt(house: House) -> None:
    async with AsyncExitStack() as stack:
        socket = await open_socket(stack, house.one, "reader-static-token")
        parts = house.one.app.parts
        [peer] = parts.hub.peers
        peer.doubt()
        await house.write("held")
        await parts.feed.settle()
        assert await socket.silent()
        await peer.refile()
        assert (await told(socket))["data"]["title"] == "held"


async def test_values_that_rules_ask_for_move_rows_and_close_nothing(house: House) -> None:
    mine = permission("read", rows={"title": {"_eq": "$CURRENT_USER.first_name"}}, fields="id,title")
    await house.one.user("namesake", [mine])
    [user] = await house.one.admin("GET", "/users?filter[email][_eq]=namesake@example.com")
    await house.one.admin("PATCH", f"/users/{user['id']}", {"first_name": "Ann"})
    await house.write("Ann")
    async with AsyncExitStack() as stack:
        socket = await open_socket(stack, house.one, "namesake-static-token")
        await house.one.admin("PATCH", f"/users/{user['id']}", {"first_name": "Bob"})
        assert (await told(socket))["event"] == "delete"
        await house.write("Ann")
        await house.write("Bob")
        assert (await told(socket))["data"]["title"] == "Bob"


async def test_who_comes_again_gets_what_was_missed_under_the_new_rights(house: House) -> None:
    async with AsyncExitStack() as stack:
        socket = await open_socket(stack, house.one, "reader-static-token")
        await house.write("first")
        since = (await socket.receive())["payload"]["extensions"]["position"]
        await house.patch("/permissions/{permission}", {"fields": ["id"]})
        await house.write("second")
        assert (await socket.closed(), socket.close_reason) == FORBIDDEN
        query = "subscription($since: String) { articles_mutated(since: $since) { event data { id } } }"
        async with house.one.socket("/graphql", subprotocols=[TRANSPORT]) as again:
            init = {"type": "connection_init", "payload": {"access_token": "reader-static-token"}}
            assert (await again.ask(init))["type"] == "connection_ack"
            old = {"id": "0", "type": "subscribe", "payload": {"query": FOLLOW, "variables": {"since": since}}}
            refused = await again.ask(old)
            assert (refused["type"], "title" in refused["payload"][0]["message"]) == ("error", True)
            await again.say(
                {"id": "1", "type": "subscribe", "payload": {"query": query, "variables": {"since": since}}}
            )
            assert await told(again) == {"event": "create", "data": {"id": "2"}}


async def test_who_comes_again_and_may_have_lost_rows_is_told_that_the_position_is_lost(house: House) -> None:
    async with AsyncExitStack() as stack:
        socket = await open_socket(stack, house.one, "reader-static-token")
        await house.write("first")
        since = (await socket.receive())["payload"]["extensions"]["position"]
        await house.patch("/permissions/{permission}", {"permissions": {"title": {"_eq": "b"}}})
        assert await socket.closed() == 4403
        async with house.one.socket("/graphql", subprotocols=[TRANSPORT]) as again:
            await again.ask({"type": "connection_init", "payload": {"access_token": "reader-static-token"}})
            asked = {"id": "1", "type": "subscribe", "payload": {"query": FOLLOW, "variables": {"since": since}}}
            lost = (await again.ask(asked))["payload"][0]["extensions"]
            assert (lost["code"], lost["reason"]) == ("POSITION_LOST", "rights")
