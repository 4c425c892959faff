"""Who may do what on a socket of the tRPC dialect, and when that is settled, message by message."""

from __future__ import annotations

import time
from typing import Any

import anyio
import pytest

from tests.clients.trpc.talk import about, ask, call, key, keys_of, query, result, stop, subscribe, talk
from tests.support.newsroom import Newsroom
from tests.support.server import Server

pytestmark = pytest.mark.timeout(60)


def authenticate(number: Any, token: str, **more: Any) -> dict[str, Any]:
    return call(number, "authenticate", {"token": token, **more}, "mutation")


@pytest.mark.parametrize(
    ("token", "desk", "scoped"),
    [
        (None, "UNAUTHORIZED", "UNAUTHORIZED"),
        ("pass:ann", "FORBIDDEN", None),
        ("pass:ann::desk", None, None),
        ("pass:ann::other", "FORBIDDEN", None),
        ("pass:reader::desk", None, None),
        ("pass:writer::desk", None, "FORBIDDEN"),
    ],
)
async def test_roles_and_scopes_are_asked_for(
    server: Server, token: str | None, desk: str | None, scoped: str | None
) -> None:
    async with talk(server, params=None if token is None else {"token": token}) as socket:
        answers = [await socket.say(call(1, "desk_only", method="mutation")), await socket.say(call(2, "scoped"))]

        assert keys_of(answers) == [(number, each) for number, each in ((1, desk), (2, scoped)) if each is not None]


async def test_what_comes_after_a_token_in_one_message_is_done_as_its_owner(server: Server) -> None:
    async with talk(server) as socket:
        topic = key("order")
        ask(server, "say", {"topic": topic, "value": 1})
        await socket.send(
            [
                call(1, "me"),
                authenticate(2, "pass:ann"),
                call(3, "me"),
                subscribe(4, "protected", {"topic": topic}),
                authenticate(5, "pass:bob"),
                call(6, "me"),
            ]
        )
        heard = {}
        while 6 not in heard:
            message = await socket.hear()
            heard[message["id"]] = message

        assert heard[6] == result(6, "bob")
        assert keys_of([heard[1]]) == [(1, "UNAUTHORIZED")]
        assert heard[3] == result(3, "ann")
        assert "result" in heard[2]
        assert "result" in heard[5]


async def test_calls_wait_until_the_first_token_has_been_checked(server: Server) -> None:
    async with talk(server, params={"token": "pass:ann"}) as socket:
        await socket.send([call(1, "me"), subscribe(2, "protected", {"topic": key("wait")})])

        assert [await socket.hear() for _ in range(2)] in (
            [result(1, "ann"), about(2, "started")],
            [about(2, "started"), result(1, "ann")],
        )


@pytest.mark.parametrize("mount", ["/handshake", "/handshake?connectionParams=1"])
async def test_where_a_token_is_wanted_a_bad_one_is_the_end(server: Server, mount: str) -> None:
    async with talk(server, mount) as socket:
        if "?" in mount:
            await socket.send({"method": "connectionParams", "data": {}})
        await socket.send(authenticate(1, "pass:void"))
        await socket.send(call(2, "echo", 1))
        heard, code = await socket.rest()

        assert sorted(keys_of(heard), key=str) == [(1, "UNAUTHORIZED"), (2, "UNAUTHORIZED"), (None, "UNAUTHORIZED")]
        assert code == 4401


@pytest.mark.parametrize("mount", ["/handshake", "/handshake?connectionParams=1"])
async def test_where_a_token_is_wanted_a_good_one_may_come_later(server: Server, mount: str) -> None:
    async with talk(server, mount) as socket:
        if "?" in mount:
            await socket.send({"method": "connectionParams", "data": None})
        assert await socket.say("PING") == "PONG"

        assert "result" in await socket.say(authenticate(1, "pass:ann"))
        assert await socket.say(call(2, "me")) == result(2, "ann")


async def test_where_a_token_is_wanted_it_has_to_come_in_time(server: Server) -> None:
    async with talk(server, "/handshake", params={}) as socket:
        heard, code = await socket.rest()

        assert keys_of(heard) == [(None, "UNAUTHORIZED")]
        assert code == 4408


async def test_an_identity_of_a_message_does_not_end_with_that_of_the_connection(server: Server) -> None:
    async with talk(server, "/final", params={"token": f"pass:ann:{time.time() + 1}"}) as socket:
        assert "result" in await socket.say(authenticate(1, "pass:ann"))
        topic = key("longer")
        assert await socket.say(subscribe(2, "protected", {"topic": topic})) == about(2, "started")
        with anyio.move_on_after(1.5):
            pytest.fail(f"nothing should come: {await socket.hear()}")

        assert await socket.say(call(3, "me")) == result(3, "ann")


async def test_nothing_protected_is_told_after_the_end_of_a_token(server: Server) -> None:
    async with talk(server, "/final", params={"token": f"pass:ann:{time.time() + 1}"}) as socket:
        topic = key("never later")
        assert await socket.say(subscribe(1, "protected", {"topic": topic})) == about(1, "started")
        heard, code = await socket.rest()

        assert keys_of(heard) == [(None, "UNAUTHORIZED")]
        assert code == 4401
    assert query(server, "happened", {"key": f"left {topic}"}) == 1


async def test_a_token_that_is_over_is_none(server: Server) -> None:
    async with talk(server, params={"token": f"pass:ann:{time.time() - 1}"}) as socket:
        heard, code = await socket.rest()

        assert keys_of(heard) == [(None, "UNAUTHORIZED")]
        assert heard[0]["error"]["data"]["problem"] == "TOKEN_EXPIRED"
        assert code == 4401


async def test_the_notice_comes_before_the_end(server: Server) -> None:
    async with talk(server, params={"token": f"pass:ann:{time.time() + 2}"}) as socket:
        since = time.monotonic()
        notice = await socket.hear()
        noticed = time.monotonic() - since
        assert await socket.say(call(1, "me")) == result(1, "ann")
        heard, code = await socket.rest()

        assert notice == {"id": None, "method": "reconnect"}
        assert 0.6 < noticed < 1.9
        assert keys_of(heard) == [(None, "UNAUTHORIZED")]
        assert code == 4401


async def test_a_cookie_opens_a_socket_for_its_user(server: Server, room: Newsroom) -> None:
    headers = {"Cookie": f"directus_session_token={room.reader.token}"}
    async with talk(server, additional_headers=headers) as socket:
        answer = await socket.say(call(1, "me"))

        assert answer == result(1, room.reader.id) or keys_of([answer]) == [(None, "UNAUTHORIZED")]


@pytest.mark.parametrize("headers", [{"Authorization": "Bearer pass:eve"}, None])
async def test_challenges_are_for_every_way_to_authenticate(server: Server, headers: dict[str, str] | None) -> None:
    async with talk(server, "/challenge", additional_headers=headers) as socket:
        if headers is None:
            assert "result" in await socket.say(authenticate(1, "pass:eve"))
        heard, code = await socket.rest()

        assert keys_of(heard) == [(None, "UNAUTHORIZED")]
        assert code == 4408


async def test_a_challenge_that_waits_is_told_to_who_asks_late(server: Server) -> None:
    async with talk(server, "/challenge", params={"token": "pass:fay"}) as socket:
        topic = key("late")
        assert await socket.say(subscribe(1, "protected", {"topic": topic})) == about(1, "started")
        with anyio.move_on_after(0.7):
            pytest.fail(f"nothing should come: {await socket.hear()}")
        await socket.send(subscribe(2, "challenges"))
        assert await socket.hear() == about(2, "started")
        nonce = (await socket.hear())["result"]["data"]["nonce"]

        assert "result" in await socket.say(authenticate(4, "pass:fay", nonce=nonce))


async def test_what_is_built_in_stops_as_everything_does(server: Server, room: Newsroom) -> None:
    async with talk(server, params={"token": room.reader.token}) as socket:
        await socket.send(subscribe(1, "collections.changes", {"collection": "articles"}))
        assert [(await socket.hear())["id"] for _ in range(2)] == [1, 1]
        await socket.send(subscribe(2, "channels.messages", {"channel": "desk/stops"}))
        assert await socket.hear() == about(2, "started")
        while (message := await socket.say(stop(1))) != about(1, "stopped"):
            assert message["id"] == 2
        rest = await socket.settle()
        assert await socket.say(stop(2)) == about(2, "stopped")

        ask(server, "post", {"channel": "desk/stops", "data": 1})
        with room.administrator() as rest_api:
            rest_api.post("/items/articles", json={"title": "unheard", "status": "published"})
        assert all(message["id"] == 2 for message in rest)
        assert await socket.settle() == []


async def test_who_does_not_read_keeps_nobody_waiting(server: Server) -> None:
    async with talk(server) as deaf, talk(server) as socket:
        await deaf.send([subscribe(number, "countdown", {"start": 200_000}) for number in range(5)])
        assert await deaf.hear() == about(0, "started")
        since = time.monotonic()
        for number in range(20):
            assert await socket.say(call(number, "echo", number)) == result(number, number)

        assert time.monotonic() - since < 5
        deaf.socket.transport.abort()
