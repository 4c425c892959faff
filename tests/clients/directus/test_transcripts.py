"""What is on the wire, frame by frame and body by body, beside what Directus has there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from websockets.typing import Subprotocol

from tests.clients.directus import error_transcripts as errors
from tests.clients.directus import log_transcripts as logs
from tests.clients.directus import rest_transcripts as rest
from tests.clients.directus import subscription_transcripts as live
from tests.clients.directus import transcripts as ws
from tests.clients.directus.frames import PING, PONG, SEED, answer, items, ok
from tests.clients.directus.talk import Words, agrees, ask, fill, open_socket, upgrade
from tests.support.newsroom import Newsroom, client_of
from tests.support.server import ADMIN_TOKEN

pytestmark = pytest.mark.timeout(300)

BRIEF = {"ACCESS_TOKEN_TTL": "3s", "WEBSOCKETS_REST_AUTH_TIMEOUT": "2s"}
LENIENT = {"ACCESS_TOKEN_TTL": "2s", "WEBSOCKETS_REST_AUTH_TIMEOUT": "60s"}
HEARTBEAT = {"WEBSOCKETS_HEARTBEAT_PERIOD": "1"}
FOLLOWED = {"WEBSOCKETS_LOGS_LEVEL": "info"}  # the default; the server of no other test, whose requests it would tell
READER = {"email": "reader@example.com", "password": "reader-pass-1"}
EDITOR = {"email": "editor@example.com", "password": "editor-pass-1"}


@pytest.fixture(params=["sqlite", "postgres"])
def room(request: pytest.FixtureRequest) -> Newsroom:
    """A newsroom with the articles of the transcripts, on each database."""
    served: Newsroom = request.getfixturevalue(f"{request.param}_newsroom")
    return seeded(served)


@pytest.fixture
def one_room(sqlite_newsroom: Newsroom) -> Newsroom:
    """A newsroom with the articles of the transcripts, where the database does not matter."""
    return seeded(sqlite_newsroom)


@pytest.fixture
def brief_room(rooms: Callable[..., Newsroom]) -> Newsroom:
    """A newsroom whose tokens live for three seconds, and whose sockets have two seconds to present one."""
    return seeded(rooms(public=True, **BRIEF))


def seeded(room: Newsroom) -> Newsroom:
    room.clear()
    room.execute(SEED)
    return room


def words_of(room: Newsroom) -> Words:
    """The words that are known from the beginning."""
    return {
        "reader": room.reader.token,
        "editor": room.editor.token,
        "reader id": room.reader.id,
        "url": room.server.url,
    }


def logged_in(room: Newsroom, credentials: dict[str, str]) -> Words:
    """Those words, and the tokens of a login."""
    with client_of(room.server) as client:
        granted = client.post("/auth/login", json=credentials).json()["data"]
    access = granted["access_token"]
    forged = f"{access.rpartition('.')[0]}.{'A' * 43}"
    return words_of(room) | {"access": access, "refresh": granted["refresh_token"], "forged": forged}


def session_cookie(room: Newsroom) -> str:
    with client_of(room.server) as client:
        return client.post("/auth/login", json=READER | {"mode": "session"}).cookies["directus_session_token"]


@pytest.mark.parametrize("name", ws.ACCEPTED)
def test_first_message_with_a_good_credential(one_room: Newsroom, name: str) -> None:
    with open_socket(one_room, logged_in(one_room, READER)) as socket:
        socket.converse([ws.ACCEPTED[name], (PING, [PONG])])


@pytest.mark.parametrize("name", ws.REFUSED)
def test_any_other_first_message_ends_the_socket(one_room: Newsroom, name: str) -> None:
    with open_socket(one_room, logged_in(one_room, READER)) as socket:
        socket.converse([(ws.REFUSED[name], ws.HANDSHAKE_FAILED)])


def test_silence_instead_of_a_first_message_ends_the_socket(brief_room: Newsroom) -> None:
    with open_socket(brief_room, {}) as socket:
        socket.expect(*ws.HANDSHAKE_FAILED)


def test_used_refresh_token_is_good_for_its_successor_only_for_a_while(one_room: Newsroom) -> None:
    words = logged_in(one_room, READER)
    for _ in range(2):  # Directus refuses the second; two tabs that refresh at once should both live
        with open_socket(one_room, words) as socket:
            socket.converse([({"type": "auth", "refresh_token": "<refresh>"}, [ok(refresh_token="<next>")])])


def test_messages_after_the_first_one(one_room: Newsroom) -> None:
    with open_socket(one_room, words_of(one_room)) as socket:
        socket.converse(ws.AUTHENTICATED)


def test_messages_that_do_not_wait_for_the_confirmation_are_answered_after_it(one_room: Newsroom) -> None:
    with open_socket(one_room, words_of(one_room)) as socket:
        socket.say({"type": "auth", "access_token": "<reader>"})
        socket.say(PING)
        socket.expect(ok(), PONG)


@pytest.mark.parametrize("name", ws.AGAIN)
def test_second_credential_on_a_socket(one_room: Newsroom, name: str) -> None:
    with open_socket(one_room, words_of(one_room), "/websocket?access_token=<reader>") as socket:
        socket.converse(ws.AGAIN[name])


@pytest.mark.parametrize("name", ws.UPGRADES)
def test_upgrade(one_room: Newsroom, name: str) -> None:
    path, headers, status = ws.UPGRADES[name]
    words = words_of(one_room) | {"session": session_cookie(one_room)}

    assert upgrade(one_room, words, path, headers) == status


def test_session_cookie_authenticates_the_socket(one_room: Newsroom) -> None:
    cookie = {"Cookie": f"directus_session_token={session_cookie(one_room)}"}
    with open_socket(one_room, {}, headers=cookie) as socket:
        socket.converse(
            [(items("read", 1, query={"fields": ["id"], "limit": 1, "sort": "id"}), [answer([{"id": 1001}], 1)])]
        )


def test_offered_subprotocol_is_accepted(one_room: Newsroom) -> None:
    with open_socket(one_room, {}, subprotocols=[Subprotocol("foo")]) as socket:
        socket.converse([({"type": "auth", "access_token": one_room.reader.token}, [ok()])])


def test_items(room: Newsroom) -> None:
    with open_socket(room, words_of(room)) as socket:
        socket.converse(ws.ITEMS)


def test_items_out_of_sight(room: Newsroom) -> None:
    with open_socket(room, words_of(room)) as socket:
        socket.converse(ws.REFUSED_ITEMS)


def test_subscriptions(room: Newsroom) -> None:
    words = words_of(room)
    with ExitStack() as stack:
        sockets = {}
        for name, token in live.SOCKETS.items():
            sockets[name] = stack.enter_context(open_socket(room, words, f"/websocket?access_token={token}"))
        editor = stack.enter_context(as_editor(room))
        for who, said, frames in live.SCENES:
            if who == "http":
                assert ask(editor, said, words).is_success
            else:
                sockets[who].say(said)
            for listener, heard in frames.items():
                sockets[listener].expect(*heard)
        for socket in sockets.values():
            socket.converse([(PING, [PONG])])


@pytest.mark.parametrize("name", live.MALFORMED)
def test_malformed_subscription_is_refused_with_its_uid(one_room: Newsroom, name: str) -> None:
    message = live.MALFORMED[name]
    with open_socket(one_room, words_of(one_room), "/websocket?access_token=<reader>") as socket:
        socket.say(message)
        refused = socket.hear()

    assert (refused["type"], refused["error"]["code"]) == ("subscribe", "INVALID_PAYLOAD")
    assert refused["uid"] == message["uid"]  # Directus leaves it out


@pytest.mark.parametrize("mode", ["handshake", "strict"])
def test_expired_token_that_is_not_renewed_ends_the_socket(rooms: Callable[..., Newsroom], mode: str) -> None:
    room = seeded(rooms(public=True, **BRIEF) if mode == "handshake" else rooms(WEBSOCKETS_REST_AUTH=mode, **BRIEF))
    with open_socket(room, logged_in(room, EDITOR), "/websocket?access_token=<access>") as socket:
        socket.converse(ws.TIMES_OUT)


def test_expired_token_that_is_renewed_keeps_the_subscriptions(rooms: Callable[..., Newsroom]) -> None:
    room = seeded(rooms(**LENIENT))
    words = logged_in(room, EDITOR)
    with open_socket(room, words, "/websocket?access_token=<access>") as socket, as_editor(room) as editor:
        socket.converse(ws.RENEWED, editor)


def test_expired_token_on_a_public_socket_leaves_it_to_the_public(rooms: Callable[..., Newsroom]) -> None:
    room = seeded(rooms(public=True, WEBSOCKETS_REST_AUTH="public", **BRIEF))
    with open_socket(room, logged_in(room, EDITOR), "/websocket?access_token=<access>") as socket:
        socket.converse(ws.STAYS_PUBLIC)


def test_expired_token_is_refused_everywhere(brief_room: Newsroom) -> None:
    words = logged_in(brief_room, READER)
    with open_socket(brief_room, words, "/websocket?access_token=<access>") as socket:
        socket.expect(ws.EXPIRED)
    with open_socket(brief_room, words) as socket:
        socket.converse([({"type": "auth", "access_token": "<access>"}, ws.HANDSHAKE_FAILED)])
    assert upgrade(brief_room, words, "/websocket?access_token=<access>", {}) == 401
    replay(
        brief_room,
        [rest.get("/users/me", rest.EXPIRED, 401, "<access>"), rest.get(rest.ONE, rest.EXPIRED, 401, "<access>")],
        words,
    )


@pytest.mark.parametrize("name", ws.STRICT_UPGRADES)
def test_strict_upgrade(rooms: Callable[..., Newsroom], name: str) -> None:
    room = rooms(public=True, WEBSOCKETS_REST_AUTH="strict")
    path, headers, status = ws.STRICT_UPGRADES[name]

    assert upgrade(room, logged_in(room, READER), path, headers) == status


@pytest.mark.parametrize("name", ws.AGAIN)
def test_second_credential_on_a_strict_socket(rooms: Callable[..., Newsroom], name: str) -> None:
    room = seeded(rooms(public=True, WEBSOCKETS_REST_AUTH="strict"))
    with open_socket(room, words_of(room), "/websocket?access_token=<reader>") as socket:
        socket.converse(ws.AGAIN[name])


def test_public_socket(rooms: Callable[..., Newsroom]) -> None:
    room = seeded(rooms(public=True, WEBSOCKETS_REST_AUTH="public"))
    with open_socket(room, words_of(room)) as socket:
        socket.converse(ws.PUBLIC)


def test_server_asks_for_signs_of_life(rooms: Callable[..., Newsroom]) -> None:
    room = rooms(**HEARTBEAT)
    words = words_of(room)
    with (
        open_socket(room, words, "/websocket?access_token=<reader>") as silent,
        open_socket(room, words, "/websocket?access_token=<reader>") as lively,
    ):
        for _ in range(3):
            lively.converse([(None, [PING]), (PONG, [])])
        silent.expect(PING, 1000)
        lively.converse([(None, [PING]), (PING | {"uid": 1}, [PONG | {"uid": 1}])])


@pytest.mark.parametrize("name", logs.UPGRADES)
def test_upgrade_to_the_log_is_for_administrators(one_room: Newsroom, name: str) -> None:
    assert upgrade(one_room, words_of(one_room), f"/websocket/logs{logs.UPGRADES[name]}", {}) == 401


def test_log(rooms: Callable[..., Newsroom]) -> None:
    room = seeded(rooms(**FOLLOWED))
    words = words_of(room) | {"admin": ADMIN_TOKEN}
    with open_socket(room, words, "/websocket/logs?access_token=<admin>") as socket, as_editor(room) as editor:
        socket.converse(logs.LOGS, editor)

    assert re.fullmatch(r"GET /items/articles\?limit=1 200 \d+ms", words["text 1"])
    assert re.fullmatch(r"GET /nope 404 \d+ms", words["text 2"])
    assert 0 < words["time 1"] <= words["time 2"]
    assert len(words["node"]) == 8


@pytest.mark.parametrize("name", rest.AUTHENTICATION)
def test_authentication_over_http(one_room: Newsroom, name: str) -> None:
    words = logged_in(one_room, READER)
    replay(one_room, rest.AUTHENTICATION[name], words)


def test_reads_over_http(room: Newsroom) -> None:
    replay(room, rest.READS, words_of(room))


def test_writes_over_http(room: Newsroom) -> None:
    replay(room, rest.WRITES, words_of(room))


@pytest.mark.parametrize("name", errors.MISTAKES)
def test_mistakes_over_http(room: Newsroom, name: str) -> None:
    replay(room, errors.MISTAKES[name], words_of(room) | {"admin": ADMIN_TOKEN})


def test_what_an_answer_has_besides_a_body(one_room: Newsroom) -> None:
    path, headers = "/items/articles?limit=1", {"Authorization": f"Bearer {one_room.editor.token}"}
    with client_of(one_room.server) as client:
        options = client.options("/items/articles", headers=headers)
        head = client.head(path, headers=headers)
        foreign = client.get(path, headers=headers | {"Origin": "http://elsewhere.example"})
        alone = client.get(path, headers=headers)

    # Directus leaves OPTIONS itself out, and has another order.
    methods = {"GET", "SEARCH", "POST", "PATCH", "DELETE", "HEAD", "OPTIONS"}
    assert (options.status_code, set(options.headers["allow"].split(", "))) == (200, methods)
    assert (head.status_code, head.content, head.headers["cache-control"]) == (200, b"", "no-cache")
    assert foreign.json() == alone.json()  # it is the browser that keeps it from the page
    assert not [name for name in foreign.headers if name.startswith("access-control-")]


def test_public_is_told_of_the_project(one_room: Newsroom) -> None:
    with client_of(one_room.server) as client:
        told = client.get("/server/info").json()["data"]

    assert told.keys() == {"project"}  # Directus adds its licence
    assert told["project"].keys() == rest.PROJECT


def test_administrator_sees_users_without_their_secrets(one_room: Newsroom) -> None:
    with one_room.administrator() as admin:
        user = admin.get(f"/users/{one_room.reader.id}").json()["data"]

    assert (user["email"], user["password"], user["token"]) == (READER["email"], "**********", "**********")
    assert ADMIN_TOKEN not in json.dumps(user)


def as_editor(room: Newsroom) -> httpx.Client:
    return client_of(room.server, room.editor.token)


def replay(room: Newsroom, exchanges: list[rest.Exchange], words: Words) -> None:
    """Go through exchanges, each with a client that keeps nothing of the one before."""
    for exchange in exchanges:
        with client_of(room.server) as client:
            response = client.request(
                exchange.method,
                fill(exchange.path, words),
                headers=fill(exchange.headers, words),
                **sent(fill(exchange.body, words)),
            )
        told = f"{exchange.method} {exchange.path}: {response.status_code} {response.text}"
        assert response.status_code == exchange.status, told
        assert agrees(exchange.answer, body_of(response), words), told
        assert agrees([list(cookie) for cookie in exchange.cookies], cookies_of(response), words), told


def sent(body: Any) -> dict[str, Any]:
    """How a body is sent: an object as JSON, bytes as they are."""
    if body is None:
        return {}
    return {"content" if isinstance(body, bytes) else "json": body}


def body_of(response: httpx.Response) -> Any:
    if not response.content:
        return None
    is_json = response.headers["content-type"].startswith("application/json")
    return response.json() if is_json else response.text


def cookies_of(response: httpx.Response) -> list[list[str]]:
    """The cookies that an answer sets: name, value, and attributes but the time in words."""
    cookies = []
    for header in response.headers.get_list("set-cookie"):
        pair, *attributes = header.split("; ")
        name, _, value = pair.partition("=")
        kept = [attribute for attribute in attributes if not attribute.startswith("Expires=")]
        cookies.append([name, value, "; ".join(kept)])
    return cookies
