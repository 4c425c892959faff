"""Races: rights, credentials and identities that change while rows are being written."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.application import Application, application, execute, permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from tests.support.sockets import ScriptedSocket
    from watchword.live.judging import Lookup
    from watchword.live.matching import Row, View
    from watchword.protocol.events import Change

pytestmark = pytest.mark.timeout(90)

PUBLISHED = {"status": {"_eq": "published"}}
OWN = {"owner": {"_eq": "$CURRENT_USER"}}
FOLLOW = {"type": "subscribe", "collection": "articles", "uid": "s", "query": {"fields": ["id", "title"], "limit": -1}}
END = "the end"


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    async with application(database_url) as running:
        yield running


class Client:
    """What one socket has been told, and what it holds of it: titles by key."""

    def __init__(self, socket: ScriptedSocket) -> None:
        self.socket = socket
        self.held: dict[str, str] = {}
        self.keys: set[str] = set()
        self.titles: list[str] = []

    def take(self, frame: dict[str, Any]) -> None:
        assert frame["type"] == "subscription", frame
        assert "error" not in frame, frame
        if frame["event"] == "delete":
            self.keys |= set(frame["data"])
            for key in frame["data"]:
                self.held.pop(key, None)
            return
        if frame["event"] == "init":
            self.held.clear()
        for row in frame["data"]:
            self.held[str(row["id"])] = row["title"]
            self.keys.add(str(row["id"]))
            self.titles.append(row["title"])

    async def follow(self) -> None:
        self.take(await self.socket.ask(FOLLOW))

    async def until_end(self) -> None:
        while END not in self.titles:
            self.take(await self.socket.receive())


async def post(app: Application, title: str, status: str = "draft", owner: str | None = None) -> str:
    row = {"title": title, "status": status, "owner": owner}
    return str((await app.admin("POST", "/items/articles", row))["id"])


async def burst(app: Application, name: str, keys: list[str]) -> None:
    """Write rows of both kinds, change some of them, and let some go."""
    for number in range(4):
        keys.append(await post(app, f"{name} {number}", "published"))
        moving = await post(app, f"{name} {number} moving")
        await app.admin("PATCH", f"/items/articles/{moving}", {"status": "published", "title": f"{name} {number} in"})
        await app.admin("PATCH", f"/items/articles/{moving}", {"status": "draft", "title": f"{name} {number} out"})
        await app.admin("PATCH", f"/items/articles/{keys[-1]}", {"title": f"{name} {number} changed"})
        await app.admin("DELETE", f"/items/articles/{moving}")


async def secret(app: Application, number: int) -> str:
    key = 10_000 * (number + 1)  # no other row ever has it: SQLite gives free keys again
    await app.admin("POST", "/items/articles", {"id": key, "title": f"secret {number}"})
    await app.admin("PATCH", f"/items/articles/{key}", {"title": f"secret {number} changed"})
    return str(key)


async def test_rights_that_come_and_go_in_a_burst_show_what_they_allow_and_nothing_else(app: Application) -> None:
    """Rows that are made while the rights are gone are told to nobody, not even by their keys."""
    await app.user("reader", [permission("read", rows=PUBLISHED, fields="id,title")])
    await app.user("editor", [permission("read", fields="id,title")])
    rule = next(each for each in await app.admin("GET", "/permissions") if each["permissions"] == PUBLISHED)
    token = await app.admin("POST", "/tokens", {"role": await role_of(app, "reader"), "name": "a program"})
    session = (await app.login("reader"))["access_token"]
    secrets: list[str] = []
    async with (
        app.authenticated("reader-static-token") as one,
        app.authenticated(token["token"]) as two,
        app.authenticated(session) as three,
        app.authenticated("editor-static-token") as four,
    ):
        readers, editor = [Client(one), Client(two), Client(three)], Client(four)
        for client in (*readers, editor):
            await client.follow()
        for number in range(5):
            await app.admin("PATCH", f"/permissions/{rule['id']}", {"permissions": {}})
            async with anyio.create_task_group() as group:
                for name in ("a", "b"):
                    group.start_soon(burst, app, f"{name}{number}", [])
                group.start_soon(app.admin, "PATCH", f"/permissions/{rule['id']}", {"permissions": PUBLISHED})
            secrets.append(await secret(app, number))
            await app.admin("DELETE", f"/items/articles/{secrets[-1]}")
        await post(app, END, "published")
        for client in (*readers, editor):
            await client.until_end()
    rows = {str(row["id"]): row["title"] for row in await app.admin("GET", "/items/articles?limit=-1")}
    assert editor.held == rows
    assert set(secrets) <= editor.keys
    for reader in readers:
        assert reader.held == rows  # all that is left is published
        assert not any(title.startswith("secret") for title in reader.titles)
        assert reader.keys.isdisjoint(secrets)


async def narrow(app: Application) -> None:
    """Take from the reader what is not published."""
    policy = next(each["id"] for each in await app.admin("GET", "/policies") if each["name"] == "reader")
    rule = next(each["id"] for each in await app.admin("GET", "/permissions") if each["policy"] == policy)
    await app.admin("PATCH", f"/permissions/{rule}", {"permissions": PUBLISHED})


async def test_what_left_the_sight_is_what_was_in_sight_when_the_rights_changed(app: Application) -> None:
    """A node that learns of it late tells rows that are gone by now, and none that were made in between."""
    for name in ("reader", "other"):
        await app.user(name, [permission("read", fields="id,title")])
    keys = [await post(app, title) for title in ("stays", "goes", "is published")]
    async with app.authenticated("reader-static-token") as one, app.authenticated("other-static-token") as two:
        reader, other = Client(one), Client(two)
        await reader.follow()
        await other.follow()
        async with app.app.parts.log._turn:  # nothing is heard of the log meanwhile
            await narrow(app)
            made = await secret(app, 0)
            await app.admin("DELETE", f"/items/articles/{keys[1]}")
            await app.admin("PATCH", f"/items/articles/{keys[2]}", {"status": "published"})
        await post(app, END, "published")
        told = await one.receive()
        assert (told["event"], set(told["data"])) == ("delete", set(keys))
        reader.take(told)
        await reader.until_end()
        await other.until_end()
    assert set(reader.held.values()) == {"is published", END}
    assert made not in reader.keys
    assert made in other.keys


async def test_what_waits_when_rights_go_is_told_by_those_that_are_left(database_url: str) -> None:
    async with application(database_url, WEBSOCKETS_REST_GATHER="1000ms") as app:
        for name in ("reader", "other"):
            await app.user(name, [permission("read", fields="id,title")])
        async with app.authenticated("reader-static-token") as one, app.authenticated("other-static-token") as two:
            reader, other = Client(one), Client(two)
            await reader.follow()
            await other.follow()
            made = [await post(app, "draft"), await post(app, "published", "published")]
            await app.app.parts.feed.settle()
            await narrow(app)
            await post(app, END, "published")
            await reader.until_end()
            await other.until_end()
        assert (reader.titles, reader.keys.isdisjoint(made[:1])) == (["published", END], True)
        assert other.titles == ["draft", "published", END]


async def test_forbidden_in_a_burst_means_silent_after_the_error(app: Application) -> None:
    await app.user("reader", [permission("read", fields="id,title")])
    await app.user("other", [permission("read", fields="id,title")])
    rules = await app.admin("GET", "/permissions")
    policy = next(each["id"] for each in await app.admin("GET", "/policies") if each["name"] == "reader")
    rule = next(each["id"] for each in rules if each["policy"] == policy)
    async with app.authenticated("reader-static-token") as one, app.authenticated("other-static-token") as two:
        other = Client(two)
        assert (await one.ask(FOLLOW))["event"] == "init"
        await other.follow()
        async with anyio.create_task_group() as group:
            group.start_soon(burst, app, "a", [])
            group.start_soon(burst, app, "b", [])
            group.start_soon(app.admin, "DELETE", f"/permissions/{rule}")
        await post(app, END)
        while "error" not in (frame := await one.receive()):
            assert END not in str(frame)
        assert (frame["event"], frame["error"]["code"]) == ("unsubscribe", "FORBIDDEN")
        assert await one.silent()
        await other.until_end()


async def test_identities_that_change_in_a_burst_get_each_their_own(app: Application) -> None:
    """A socket goes from Ann's session to a program's token, to Bob's token and back while all get rows."""
    own = [permission("read", rows=OWN, fields="id,title")]
    ids = {name: await app.user(name, own) for name in ("ann", "bob")}
    await app.user("nobody", [permission("read", rows={"owner": {"_null": True}}, fields="id,title")])
    program = await app.admin("POST", "/tokens", {"role": await role_of(app, "nobody"), "name": "a program"})
    tokens = {
        "ann": (await app.login("ann"))["access_token"],
        "nobody": program["token"],
        "bob": "bob-static-token",
    }
    done = anyio.Event()

    async def write() -> None:
        number = 0
        while not done.is_set():
            number += 1
            name = ("ann", "nobody", "bob")[number % 3]
            await post(app, f"{name} {number}", owner=ids.get(name))

    async with app.authenticated(tokens["ann"]) as socket, anyio.create_task_group() as group:
        assert (await socket.ask(FOLLOW))["event"] == "init"
        group.start_soon(write)
        acting = "ann"
        for name in ("nobody", "bob", "ann") * 3:
            assert owners([await socket.receive()]) == {acting}
            await socket.say({"type": "auth", "access_token": tokens[name]})
            seen = await until_auth(socket)
            assert seen[-1]["status"] == "ok"
            assert owners(seen) <= {acting, name}
            order = [next(iter(owners([frame]))) for frame in seen if owners([frame])]
            former = order.count(acting)
            assert order[:former] == [acting] * former  # none of the former's after the next one's
            acting = name
        done.set()


async def until_auth(socket: ScriptedSocket) -> list[dict[str, Any]]:
    frames = [await socket.receive()]
    while frames[-1]["type"] != "auth":
        frames.append(await socket.receive())
    return frames


def owners(frames: list[dict[str, Any]]) -> set[str]:
    rows = [row for frame in frames for row in frame.get("data", ())]
    return {row["title"].split()[0] for row in rows if isinstance(row, dict)}


async def role_of(app: Application, name: str) -> str:
    return str(next(each["id"] for each in await app.admin("GET", "/roles") if each["name"] == name))


@pytest.mark.parametrize("mode", ["handshake", "strict"])
async def test_nothing_is_told_after_expiry_in_a_burst_and_nothing_is_lost_by_it(database_url: str, mode: str) -> None:
    settings = {"ACCESS_TOKEN_TTL": "2s", "WEBSOCKETS_REST_AUTH_TIMEOUT": "30s", "WEBSOCKETS_REST_AUTH": mode}
    async with application(database_url, **settings) as app:
        await app.user("reader", [permission("read", rows=PUBLISHED, fields="id,title")])
        tokens = await app.login("reader")
        opening = (
            app.socket(query=f"access_token={tokens['access_token']}")
            if mode == "strict"
            else app.authenticated(tokens["access_token"])
        )
        written: list[str] = []
        async with opening as socket, anyio.create_task_group() as group:
            client, done = Client(socket), anyio.Event()
            await client.follow()
            group.start_soon(write_on, app, written, done)
            while (frame := await socket.receive())["type"] != "auth":
                client.take(frame)
            assert frame["error"]["code"] == "TOKEN_EXPIRED"
            assert await socket.silent(0.3)
            done.set()
            answer = await socket.ask({"type": "auth", "refresh_token": tokens["refresh_token"]})
            assert answer["status"] == "ok"
            await post(app, END, "published")
            await client.until_end()
        assert client.titles == [*written, END]


async def test_public_after_expiry_in_a_burst_sees_what_the_public_sees(database_url: str) -> None:
    settings = {"ACCESS_TOKEN_TTL": "2s", "WEBSOCKETS_REST_AUTH": "public"}
    async with application(database_url, **settings) as app:
        await app.user("reader", [permission("read", rows=PUBLISHED, fields="id,title")])
        policy = (await app.admin("POST", "/policies", {"name": "everybody"}))["id"]
        await app.admin("POST", "/access", {"policy": policy})
        rule = permission("read", rows={"title": {"_eq": END}}, fields="id,title")
        await app.admin("POST", "/permissions", rule | {"policy": policy})
        tokens = await app.login("reader")
        written: list[str] = []
        async with app.authenticated(tokens["access_token"]) as socket, anyio.create_task_group() as group:
            client, done = Client(socket), anyio.Event()
            await client.follow()
            group.start_soon(write_on, app, written, done)
            while (frame := await socket.receive())["type"] != "auth":
                client.take(frame)
            assert frame["error"]["code"] == "TOKEN_EXPIRED"
            before = list(client.titles)
            assert await socket.silent(0.3)
            done.set()
            await post(app, END, "published")
            await client.until_end()
        assert before == written[: len(before)]
        assert client.titles == [*before, END]
        assert len(before) < len(written)


async def write_on(app: Application, written: list[str], done: anyio.Event) -> None:
    while not done.is_set():
        title = f"row {len(written)}"
        await post(app, title, "published")
        written.append(title)


class SlowLookup:
    """The database, which can be kept from answering."""

    def __init__(self, lookup: Lookup) -> None:
        self._lookup = lookup
        self.asked = anyio.Event()
        self.answers = anyio.Event()

    async def match(self, views: Sequence[View], changes: Sequence[Change]) -> dict[View, list[tuple[bool, bool]]]:
        await self._wait()
        return await self._lookup.match(views, changes)

    async def rows(self, view: View, keys: Sequence[str]) -> dict[str, Row]:
        await self._wait()
        return await self._lookup.rows(view, keys)

    async def everything(self, view: View) -> Any:
        await self._wait()
        return await self._lookup.everything(view)

    async def leaving(self, before: View, after: View, most: int) -> list[str]:
        return await self._lookup.leaving(before, after, most)

    async def _wait(self) -> None:
        self.asked.set()
        await self.answers.wait()


async def test_what_is_read_for_one_keeps_nobody_else_waiting(app: Application) -> None:
    await app.user("reader", [permission("read"), permission("read", "authors")])
    nested = FOLLOW | {"query": {"fields": ["id", "title", "author.name"], "limit": -1}}
    async with app.authenticated("reader-static-token") as one, app.authenticated("reader-static-token") as two:
        assert (await one.ask(nested))["event"] == (await two.ask(FOLLOW))["event"] == "init"
        hub = app.app.parts.hub
        hub._lookup = slow = SlowLookup(hub._lookup)
        for title in ("first", "second"):
            await post(app, title)
            assert [row["title"] for row in (await two.receive())["data"]] == [title]
        assert slow.asked.is_set()
        slow.answers.set()
        titles: list[str] = []
        while len(titles) < 2:
            titles += [row["title"] for row in (await one.receive())["data"]]
        assert titles == ["first", "second"]


@pytest.mark.parametrize("is_revoked", [True, False])
async def test_what_is_read_to_be_told_is_not_told_under_rights_that_had_ended_before(
    app: Application, *, is_revoked: bool
) -> None:
    """A view that reads rows sees later ones than the change that it tells of, and tells them by the rights of then."""
    for name in ("reader", "other"):
        await app.user(name, [permission("read"), permission("read", "authors")])
    policies = {each["name"]: each["id"] for each in await app.admin("GET", "/policies")}
    rules = {
        each["policy"]: each["id"]
        for each in await app.admin("GET", "/permissions?limit=-1")
        if each["collection"] == "articles"
    }
    follow = FOLLOW | {"query": {"fields": ["id", "title", "author.name"], "limit": -1}}
    async with app.authenticated("reader-static-token") as one, app.authenticated("other-static-token") as two:
        assert (await one.ask(follow))["event"] == (await two.ask(follow))["event"] == "init"
        hub = app.app.parts.hub
        hub._lookup = slow = SlowLookup(hub._lookup)
        key = await post(app, "open")
        with anyio.fail_after(10):
            await slow.asked.wait()
        mine = rules[policies["reader" if is_revoked else "other"]]
        await app.admin("PATCH", f"/permissions/{mine}", {"permissions": PUBLISHED})
        await app.admin("PATCH", f"/items/articles/{key}", {"title": "secret"})
        slow.answers.set()
        loser, keeper = (one, two) if is_revoked else (two, one)
        assert [row["title"] for row in (await keeper.receive())["data"]] == ["secret"]
        await post(app, END, "published")
        told: list[str] = []
        while not told or told[-1] != END:
            frame = await loser.receive()
            told += [row["title"] for row in frame["data"] if frame["event"] != "delete"]
        assert told == [END]


async def test_a_session_that_has_ended_is_told_nothing_that_is_read_afterwards(
    app: Application, database_url: str
) -> None:
    await app.user("reader", [permission("read"), permission("read", "authors")])
    tokens = await app.login("reader")
    follow = FOLLOW | {"query": {"fields": ["id", "title", "author.name"], "limit": -1}}
    async with app.authenticated(tokens["access_token"]) as socket:
        assert (await socket.ask(follow))["event"] == "init"
        hub = app.app.parts.hub
        hub._lookup = slow = SlowLookup(hub._lookup)
        key = await post(app, "open")
        with anyio.fail_after(10):
            await slow.asked.wait()
        await execute(
            database_url, "UPDATE watchword_sessions SET revoked_at = CURRENT_TIMESTAMP"
        )  # as another node does
        await app.admin("PATCH", f"/items/articles/{key}", {"title": "secret"})
        slow.answers.set()
        assert (await socket.receive())["status"] == "error"
        assert await socket.closed() == 4401
