"""Coming back: what a client missed is told in order, once, by its rights of now, or all anew."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.application import Application, application, execute, permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.sockets import ScriptedSocket

READER = [permission("read", rows={"status": {"_eq": "published"}}, fields="id,title,status")]


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    async with application(database_url) as running:
        await running.user("reader", READER)
        yield running


async def follow(socket: ScriptedSocket, since: str | None = None, **more: Any) -> dict[str, Any]:
    message = {"type": "subscribe", "collection": "articles", "uid": "s"} | more
    answer = await socket.ask(message if since is None else message | {"since": since})
    assert isinstance(answer, dict)
    return answer


async def test_what_was_missed_is_told_in_order(app: Application) -> None:
    async with app.authenticated("reader-static-token") as socket:
        first = await follow(socket)
        await app.admin("POST", "/items/articles", {"title": "seen", "status": "published"})
        position = (await socket.receive())["position"]
        assert position != first["position"]
    await app.admin("POST", "/items/articles", {"title": "hidden"})
    await app.admin("POST", "/items/articles", {"title": "missed", "status": "published"})
    await app.admin("PATCH", "/items/articles/1", {"status": "draft"})
    await app.admin("DELETE", "/items/articles/2")
    async with app.authenticated("reader-static-token") as socket:
        again = await follow(socket, position)
        assert (again["event"], "data" in again, "error" in again) == ("init", False, False)
        created, deleted = await socket.receive(), await socket.receive()
        assert [row["title"] for row in created["data"]] == ["missed"]
        assert (deleted["event"], deleted["data"]) == ("delete", ["1"])
        await app.admin("PATCH", "/items/articles/3", {"title": "live"})
        assert (await socket.receive())["data"][0]["title"] == "live"
        assert await socket.silent()


async def test_a_quiet_subscription_comes_back_with_the_position_of_its_beginning(app: Application) -> None:
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket))["position"]
    async with app.authenticated("reader-static-token") as socket:
        assert "data" not in await follow(socket, position)
        assert await socket.silent()


async def test_who_drops_before_what_was_missed_has_come_is_told_it_the_next_time(app: Application) -> None:
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket))["position"]
    await app.admin("POST", "/items/articles", {"title": "missed", "status": "published"})
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket, position))["position"]
    async with app.authenticated("reader-static-token") as socket:
        await follow(socket, position)
        told = await socket.receive()
        assert [row["title"] for row in told["data"]] == ["missed"]
    async with app.authenticated("reader-static-token") as socket:
        assert "data" not in await follow(socket, told["position"])
        assert await socket.silent()


async def test_a_ping_tells_no_position_beyond_what_waits(database_url: str) -> None:
    paces = {"ACCESS_TOKEN_TTL": "1s", "WEBSOCKETS_REST_AUTH_TIMEOUT": "30s", "WEBSOCKETS_HEARTBEAT_PERIOD": "500ms"}
    async with application(database_url, **paces) as app:
        await app.user("reader", READER)
        tokens = await app.login("reader")
        async with app.authenticated(tokens["access_token"]) as socket, anyio.create_task_group() as group:
            await follow(socket)
            while (await after_pings(socket))[1]["type"] != "auth":
                pass
            group.start_soon(app.admin, "POST", "/items/articles", {"title": "waits", "status": "published"})
            await app.app.parts.feed.settle()
            pings = (await after_pings(socket, 3))[0]
            await socket.say({"type": "auth", "refresh_token": tokens["refresh_token"]})
            frames = [await after_pings(socket), await after_pings(socket)]
            pings += [ping for before, _ in frames for ping in before]
            created = next(frame for _, frame in frames if frame["type"] == "subscription")
            assert all(offset(ping) < offset(created) for ping in pings)
            later = (await after_pings(socket, 1))[0]
            assert offset(later[0]) >= offset(created)


async def after_pings(socket: ScriptedSocket, most: int = 100) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the pings that come, which are answered, and the first frame that is none of them."""
    pings: list[dict[str, Any]] = []
    frame: dict[str, Any] = {}
    while len(pings) < most and (frame := await socket.receive())["type"] == "ping":
        pings.append(frame)
        await socket.say({"type": "pong"})
    return pings, frame


def offset(frame: dict[str, Any]) -> int:
    return int(frame.get("position", ":-1").partition(":")[2])


@pytest.mark.parametrize("position", ["abcdefgh:1", "nonsense", "abcdefgh:99999999999999999999", ""])
async def test_a_position_that_is_not_known_gives_everything_anew(app: Application, position: str) -> None:
    await app.admin("POST", "/items/articles", {"title": "a", "status": "published"})
    async with app.authenticated("reader-static-token") as socket:
        answer = await follow(socket, position)
        assert [row["title"] for row in answer["data"]] == ["a"]
        assert answer["error"]["code"] == "POSITION_LOST"
        await app.admin("POST", "/items/articles", {"title": "b", "status": "published"})
        assert (await socket.receive())["event"] == "create"


async def test_a_position_that_was_trimmed_is_lost_and_never_told_in_part(app: Application) -> None:
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket))["position"]
    for number in range(5):
        await app.admin("POST", "/items/articles", {"title": str(number), "status": "published"})
    await app.app.parts.feed.settle()  # what has no position yet is not trimmed
    await app.app.parts.log.trim(3600, 2)
    async with app.authenticated("reader-static-token") as socket:
        answer = await follow(socket, position)
        assert (answer["error"]["reason"], len(answer["data"])) == ("trimmed", 5)


async def test_what_was_missed_is_told_by_the_rights_of_now(app: Application) -> None:
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket))["position"]
    await app.admin("POST", "/items/articles", {"title": "secret", "status": "published"})
    permissions = await app.admin("GET", "/permissions")
    mine = next(each for each in permissions if each["collection"] == "articles")
    await app.admin("PATCH", f"/permissions/{mine['id']}", {"fields": ["id"]})
    async with app.authenticated("reader-static-token") as socket:
        await follow(socket, position)
        assert (await socket.receive())["data"] == [{"id": 1}]
    await app.admin("DELETE", f"/permissions/{mine['id']}")
    async with app.authenticated("reader-static-token") as socket:
        assert (await follow(socket, position))["error"]["code"] == "FORBIDDEN"
        assert await socket.silent()


async def test_who_lost_sight_of_rows_while_away_is_told_all_anew(app: Application) -> None:
    await app.admin("POST", "/items/articles", {"title": "a", "status": "published"})
    await app.user("other", READER)
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket))["position"]
    mine, others = await reading(app, "reader"), await reading(app, "other")
    await app.admin("PATCH", f"/permissions/{mine}", {"permissions": {"status": {"_eq": "open"}}})
    async with app.authenticated("reader-static-token") as socket:
        answer = await follow(socket, position)
        assert (answer["error"]["code"], answer["error"]["reason"]) == ("POSITION_LOST", "rights")
        assert answer["data"] == []
        await app.admin("POST", "/items/articles", {"title": "b", "status": "open"})
        assert (await socket.receive())["data"][0]["title"] == "b"
    assert others != mine
    async with app.authenticated("other-static-token") as socket:
        assert "error" not in await follow(socket, position)
        assert await socket.silent()


@pytest.mark.parametrize("way", ["access", "permission", "role", "restricted"])
async def test_a_withdrawn_right_is_no_silence(app: Application, way: str) -> None:
    """The rights of now allow the subscription, but other ones were in force when the client left."""
    published = {"status": {"_eq": "open"}}
    wide = await app.admin("POST", "/policies", {"name": "wide"})
    reads = await app.admin("POST", "/permissions", permission("read", rows=published) | {"policy": wide["id"]})
    me = (await app.admin("GET", "/users?filter[email][_eq]=reader@example.com"))[0]
    role = await app.admin("POST", "/roles", {"name": "Wide", "parent": me["role"]})
    holder = {"role": role["id"]} if way == "role" else {"user": me["id"]}
    held = await app.admin("POST", "/access", holder | {"policy": wide["id"]})
    if way == "role":
        await app.admin("PATCH", f"/users/{me['id']}", {"role": role["id"]})
    await app.admin("POST", "/items/articles", {"title": "a", "status": "open"})
    async with app.authenticated("reader-static-token") as socket:
        first = await follow(socket)
        assert len(first["data"]) == 1
    match way:
        case "access":
            await app.admin("DELETE", f"/access/{held['id']}")
        case "permission":
            await app.admin("DELETE", f"/permissions/{reads['id']}")
        case "role":
            await app.admin("PATCH", f"/users/{me['id']}", {"role": me["role"]})
        case _:
            await app.admin("PATCH", f"/policies/{wide['id']}", {"ip_access": ["10.9.8.7"]})
    async with app.authenticated("reader-static-token") as socket:
        answer = await follow(socket, first["position"])
        assert (answer["error"]["reason"], answer["data"]) == ("rights", [])


@pytest.mark.parametrize("way", ["added", "elsewhere", "back again", "of the user", "another's"])
async def test_a_change_of_rights_that_hides_nothing_loses_no_position(app: Application, way: str) -> None:
    await app.admin("POST", "/items/articles", {"title": "a", "status": "published"})
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket))["position"]
    mine = await reading(app, "reader")
    policy = (await app.admin("GET", f"/permissions/{mine}"))["policy"]
    me = (await app.admin("GET", "/users?filter[email][_eq]=reader@example.com"))[0]
    match way:
        case "added":
            rows = {"status": {"_eq": "open"}}
            await app.admin("POST", "/permissions", permission("read", rows=rows) | {"policy": policy})
        case "elsewhere":
            found = await app.admin("POST", "/permissions", permission("update") | {"policy": policy})
            await app.admin("DELETE", f"/permissions/{found['id']}")
        case "back again":
            rows = (await app.admin("GET", f"/permissions/{mine}"))["permissions"]
            await app.admin("PATCH", f"/permissions/{mine}", {"permissions": {"id": {"_eq": 9}}})
            await app.admin("PATCH", f"/permissions/{mine}", {"permissions": rows})
        case "of the user":
            await app.admin("PATCH", f"/users/{me['id']}", {"first_name": "Rea"})
        case _:
            await app.user("other", READER)
            await app.admin("DELETE", f"/permissions/{await reading(app, 'other')}")
    await app.admin("POST", "/items/articles", {"title": "b", "status": "published"})
    async with app.authenticated("reader-static-token") as socket:
        assert "error" not in await follow(socket, position)
        assert [row["title"] for row in (await socket.receive())["data"]] == ["b"]
        assert await socket.silent()


async def test_a_value_of_the_user_that_a_rule_asks_for_decides(app: Application) -> None:
    await app.user("named", [permission("read", rows={"title": {"_eq": "$CURRENT_USER.first_name"}})])
    me = (await app.admin("GET", "/users?filter[email][_eq]=named@example.com"))[0]["id"]
    await app.admin("PATCH", f"/users/{me}", {"first_name": "a"})
    await app.admin("POST", "/items/articles", {"title": "a"})
    async with app.authenticated("named-static-token") as socket:
        first = await follow(socket)
        assert len(first["data"]) == 1
    await app.admin("PATCH", f"/users/{me}", {"last_name": "x"})
    async with app.authenticated("named-static-token") as socket:
        assert "error" not in await follow(socket, first["position"])
    await app.admin("PATCH", f"/users/{me}", {"first_name": "b"})
    async with app.authenticated("named-static-token") as socket:
        answer = await follow(socket, first["position"])
        assert (answer["error"]["reason"], answer["data"]) == ("rights", [])


async def reading(app: Application, name: str) -> Any:
    """Return the key of the permission that lets a user of a test read articles."""
    policies = await app.admin("GET", f"/policies?filter[name][_eq]={name}")
    permissions = await app.admin("GET", f"/permissions?filter[policy][_eq]={policies[0]['id']}")
    return next(each["id"] for each in permissions if each["collection"] == "articles" and each["action"] == "read")


async def test_too_much_is_told_as_a_whole(app: Application, database_url: str) -> None:
    async with app.authenticated("reader-static-token") as socket:
        position = (await follow(socket))["position"]
    rows = ", ".join(f"('row {number}', 'published')" for number in range(6_000))
    await execute(database_url, f"INSERT INTO articles (title, status) VALUES {rows}")
    async with app.authenticated("reader-static-token") as socket:
        answer = await follow(socket, position, query={"limit": 1})
        assert (answer["error"]["code"], len(answer["data"])) == ("POSITION_LOST", 1)


async def test_clients_that_come_and_go_see_everything_once(app: Application) -> None:
    """While rows are written, sockets drop and return: no gap, no duplicate, in order, for every client."""
    written, chance = 60, random.Random(7)  # noqa: S311 - which sockets drop when, not a secret
    async with app.authenticated("reader-static-token") as socket:
        begin = (await follow(socket))["position"]

    async def write() -> None:
        for number in range(written):
            await app.admin("POST", "/items/articles", {"title": str(number), "status": "published"})

    async def come_and_go(seen: list[str]) -> None:
        position = begin
        while len(seen) < written:
            async with app.authenticated("reader-static-token") as socket:
                assert "error" not in await follow(socket, position, event="create")
                for _ in range(chance.randint(1, 4)):
                    if len(seen) < written:
                        frame = await socket.receive()
                        seen.extend(row["title"] for row in frame["data"])
                        position = frame["position"]

    clients: list[list[str]] = [[] for _ in range(4)]
    async with anyio.create_task_group() as group:
        group.start_soon(write)
        for seen in clients:
            group.start_soon(come_and_go, seen)
    assert all(seen == [str(number) for number in range(written)] for seen in clients)
