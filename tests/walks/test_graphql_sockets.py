"""GraphQL over sockets, from the frame to the database and back: identities, subscriptions, and who is told nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.support.application import Application, application, execute, permission
from tests.support.sockets import Refused, ScriptedSocket

TRANSPORT, LEGACY = "graphql-transport-ws", "graphql-ws"
ALL = "subscription { articles_mutated { key event data { id title status author { name } } } }"
TOKEN = "access_token=reader-static-token"
EXPIRED = "access_token=eyJhbGciOiJIUzI1NiJ9.eyJleHAiOjF9.eA"
PUBLISHED = {"status": {"_eq": "published"}}


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    """An application with somebody who reads published articles, and somebody who reads all."""
    async with application(database_url) as running:
        await people(running)
        yield running


async def people(app: Application) -> None:
    authors = permission("read", "authors")
    await app.user("reader", [permission("read", rows=PUBLISHED, fields="id,title,status,author"), authors])
    await app.user("editor", [*(permission(each) for each in ("create", "read", "update", "delete")), authors])


@asynccontextmanager
async def speaking(app: Application, token: str | None, **given: Any) -> AsyncIterator[ScriptedSocket]:
    """Open a socket and have it acknowledged."""
    async with app.socket("/graphql", subprotocols=[TRANSPORT], **given) as socket:
        payload = {} if token is None else {"payload": {"access_token": token}}
        acknowledged = await socket.ask({"type": "connection_init"} | payload)
        assert acknowledged["type"] == "connection_ack"
        yield socket


def subscribe(query: str, number: str = "1", **variables: Any) -> dict[str, Any]:
    return {"id": number, "type": "subscribe", "payload": {"query": query, "variables": variables}}


async def ready(socket: ScriptedSocket, *frames: dict[str, Any]) -> None:
    """Send messages, and return when they have been taken."""
    for frame in frames:
        await socket.say(frame)
    assert await socket.ask({"type": "ping"}) == {"type": "pong"}


async def told(socket: ScriptedSocket, number: str = "1") -> Any:
    """Return what the next event says, without its position."""
    frame = await socket.receive()
    assert (frame["type"], frame["id"]) == ("next", number), frame
    assert frame["payload"]["extensions"]["position"]
    [event] = frame["payload"]["data"].values()
    return event


def article(key: str, title: str, status: str = "published", author: Any = None) -> dict[str, Any]:
    return {"id": key, "title": title, "status": status, "author": author}


async def test_changes_are_told_by_the_rights_of_each(app: Application) -> None:
    async with speaking(app, "reader-static-token") as reader, speaking(app, "editor-static-token") as editor:
        await ready(reader, subscribe(ALL))
        await ready(editor, subscribe(ALL))
        await app.admin("POST", "/items/authors", {"id": 1, "name": "Ann"})
        await app.admin("POST", "/items/articles", {"id": 1, "title": "a", "author": 1})
        draft = article("1", "a", "draft", {"name": "Ann"})
        assert await told(editor) == {"key": "1", "event": "create", "data": draft}
        assert await reader.silent()
        await app.admin("PATCH", "/items/articles/1", {"status": "published"})
        shown = draft | {"status": "published"}
        assert await told(editor) == {"key": "1", "event": "update", "data": shown}
        assert await told(reader) == {"key": "1", "event": "create", "data": shown}
        await app.admin("PATCH", "/items/articles/1", {"status": "draft"})
        assert (await told(editor))["event"] == "update"
        assert await told(reader) == {"key": "1", "event": "delete", "data": None}
        await app.admin("DELETE", "/items/articles/1")
        assert (await told(editor))["event"] == "delete"
        assert await reader.silent()


async def test_plain_rows_are_told_with_keys_as_texts(app: Application) -> None:
    query = "subscription { a: articles_mutated { k: key kind: __typename event data { __typename no: id t: title } } }"
    async with speaking(app, "editor-static-token") as socket:
        await ready(socket, subscribe(query))
        await app.admin("POST", "/items/articles", {"id": 7, "title": "seven"})

        row = {"__typename": "articles", "no": "7", "t": "seven"}
        assert await told(socket) == {"k": "7", "kind": "articles_mutated", "event": "create", "data": row}


async def test_one_event_shows_its_row_in_two_ways(app: Application) -> None:
    query = "subscription { articles_mutated { a: data { title } b: data { id author { name } } } }"
    async with speaking(app, "editor-static-token") as socket:
        await ready(socket, subscribe(query))
        await app.admin("POST", "/items/articles", {"id": 7, "title": "seven"})

        assert await told(socket) == {"a": {"title": "seven"}, "b": {"id": "7", "author": None}}


async def test_kind_of_event_may_be_a_variable_and_rows_filtered(app: Application) -> None:
    query = """subscription($e: EventEnum, $f: articles_filter) {
      articles_mutated(event: $e, filter: $f) { event key } }"""
    async with speaking(app, "editor-static-token") as socket:
        await ready(socket, subscribe(query, e="update", f={"title": {"_starts_with": "x"}}))
        await app.admin("POST", "/items/articles", [{"id": 1, "title": "xa"}, {"id": 2, "title": "ya"}])
        await app.admin("PATCH", "/items/articles", {"keys": [1, 2], "data": {"body": "new"}})

        assert await told(socket) == {"event": "update", "key": "1"}
        assert await socket.silent()


async def test_other_programs_changes_are_told(app: Application, database_url: str) -> None:
    async with speaking(app, "editor-static-token") as socket:
        await ready(socket, subscribe(ALL))
        await execute(database_url, "INSERT INTO articles (id, title, status) VALUES (5, 'by hand', 'published')")

        assert (await told(socket))["data"] == article("5", "by hand")


async def test_subscription_that_may_not_be_is_refused_alone(app: Application) -> None:
    async with speaking(app, "reader-static-token") as socket:
        for number, query in enumerate(
            [
                "subscription { articles_mutated { data { body } } }",
                "subscription { nope_mutated { key } }",
                "subscription { directus_users_mutated { key } }",
                'subscription { articles_mutated(filter: {body: {_eq: "x"}}) { key } }',
                "subscription { ",
                "subscription { __typename }",
                "subscription { a: articles_mutated { key } b: articles_mutated { key } }",
                'subscription { articles_mutated(since: "nonsense") { key } }',
            ]
        ):
            refused = await socket.ask(subscribe(query, str(number)))
            assert (refused["type"], refused["id"]) == ("error", str(number)), query
            assert refused["payload"][0]["message"]
        await ready(socket, subscribe(ALL, "0"))


async def test_queries_and_mutations_run_too(app: Application) -> None:
    async with speaking(app, "editor-static-token") as socket:
        await socket.say(subscribe('mutation { create_articles_item(data: {title: "x"}) { title } }', "m"))
        assert await socket.receive() == {
            "id": "m", "type": "next", "payload": {"data": {"create_articles_item": {"title": "x"}}},
        }  # fmt: skip
        assert await socket.receive() == {"id": "m", "type": "complete"}
        await socket.say(subscribe("{ articles { title } }", "m"))
        assert (await socket.receive())["payload"] == {"data": {"articles": [{"title": "x"}]}}
        assert (await socket.receive())["type"] == "complete"


async def test_nothing_is_told_after_a_complete(app: Application) -> None:
    async with speaking(app, "editor-static-token") as socket:
        await ready(socket, subscribe(ALL), {"id": "1", "type": "complete"})
        await app.admin("POST", "/items/articles", {"id": 1, "title": "a"})

        assert await socket.silent()
        await ready(socket, subscribe(ALL))


async def test_what_was_missed_is_told_from_a_position_on(app: Application) -> None:
    query = "subscription($s: String) { articles_mutated(since: $s) { key event } }"
    async with speaking(app, "reader-static-token") as socket:
        await ready(socket, subscribe(query))
        await app.admin("POST", "/items/articles", {"id": 1, "title": "a", "status": "published"})
        position = (await socket.receive())["payload"]["extensions"]["position"]
    await app.admin("POST", "/items/articles", {"id": 2, "title": "draft"})
    await app.admin("POST", "/items/articles", {"id": 3, "title": "c", "status": "published"})
    await app.admin("DELETE", "/items/articles/1")
    async with speaking(app, "reader-static-token") as socket:
        await socket.say(subscribe(query, s=position))

        assert await told(socket) == {"key": "3", "event": "create"}
        assert await told(socket) == {"key": "1", "event": "delete"}
        assert await socket.silent()


async def test_lost_position_is_an_error(app: Application) -> None:
    query = "subscription($s: String) { articles_mutated(since: $s) { key event } }"
    async with speaking(app, "reader-static-token") as socket:
        refused = await socket.ask(subscribe(query, s="00000000-0000-7000-8000-000000000000:1"))

    assert (refused["type"], refused["payload"][0]["extensions"]["code"]) == ("error", "POSITION_LOST")


async def test_logout_closes_the_socket_and_tells_nothing_more(app: Application) -> None:
    tokens = await app.login("reader")
    async with speaking(app, tokens["access_token"]) as socket:
        await ready(socket, subscribe(ALL))
        await app.http.post("/auth/logout", json={"refresh_token": tokens["refresh_token"], "mode": "json"})
        await app.admin("POST", "/items/articles", {"id": 1, "title": "a", "status": "published"})

        assert await socket.closed() == 4403
        assert socket.close_reason == "Forbidden"


async def test_suspension_closes_the_socket(app: Application) -> None:
    [user] = await app.admin("GET", "/users?filter[email][_eq]=reader@example.com")
    async with speaking(app, "reader-static-token") as socket:
        await app.admin("PATCH", f"/users/{user['id']}", {"status": "suspended"})

        assert (await socket.closed(), socket.close_reason) == (4403, "Forbidden")


# -- identities --------------------------------------------------------------------------------------------------------


@pytest.fixture
async def serve(sqlite_url: str) -> Any:
    """Returns what makes an application with settings."""

    @asynccontextmanager
    async def made(**settings: Any) -> AsyncIterator[Application]:
        async with application(sqlite_url, **settings) as app:
            await people(app)
            yield app

    return made


async def test_end_of_the_token_closes_the_socket(serve: Any) -> None:
    async with serve(ACCESS_TOKEN_TTL="2s") as app:
        tokens = await app.login("reader")
        async with app.socket("/graphql", subprotocols=[TRANSPORT]) as socket:
            init = {"type": "connection_init", "payload": {"access_token": tokens["access_token"]}}
            acknowledged = await socket.ask(init)
            assert acknowledged["payload"]["expires_at"] > 0
            assert (await socket.closed(), socket.close_reason) == (4403, "Forbidden")


@pytest.mark.parametrize("payload", [None, {}, {"access_token": "nope"}, {"email": "a@b.co", "password": "x"}])
async def test_handshake_wants_a_good_token(serve: Any, payload: Any) -> None:
    async with serve() as app, app.socket("/graphql", subprotocols=[TRANSPORT]) as socket:
        await socket.say({"type": "connection_init", "payload": payload})

        assert (await socket.closed(), socket.close_reason) == (4403, "Forbidden")


BRIEF = {"WEBSOCKETS_GRAPHQL_INIT_TIMEOUT": "100ms"}


@pytest.mark.parametrize(
    ("mode", "query"), [("handshake", ""), ("handshake", TOKEN), ("strict", TOKEN), ("public", ""), ("public", TOKEN)]
)
async def test_first_message_has_to_come_in_time_in_every_mode(serve: Any, mode: str, query: str) -> None:
    async with (
        serve(WEBSOCKETS_GRAPHQL_AUTH=mode, **BRIEF) as app,
        app.socket("/graphql", subprotocols=[TRANSPORT], query=query) as socket,
    ):
        assert await socket.ask({"type": "ping"}) == {"type": "pong"}
        await socket.say({"type": "pong"})
        assert (await socket.closed(), socket.close_reason) == (4408, "Connection initialisation timeout")


async def test_who_has_been_acknowledged_may_be_silent(serve: Any) -> None:
    async with (
        serve(WEBSOCKETS_GRAPHQL_AUTH="public", **BRIEF) as app,
        speaking(app, None) as socket,
        app.socket("/graphql", subprotocols=[TRANSPORT]) as late,
    ):
        assert await late.closed() == 4408
        assert await socket.ask({"type": "ping"}) == {"type": "pong"}


async def test_older_dialect_has_the_time_that_a_credential_has(serve: Any) -> None:
    async with (
        serve(WEBSOCKETS_GRAPHQL_AUTH_TIMEOUT="100ms", **BRIEF) as app,
        app.socket("/graphql", subprotocols=[LEGACY], query=TOKEN) as known,
        app.socket("/graphql", subprotocols=[LEGACY]) as unknown,
    ):
        assert (await unknown.closed(), unknown.close_reason) == (4403, "Forbidden")
        assert (await known.ask({"type": "connection_init"}))["type"] == "connection_ack"


async def test_token_of_the_upgrade_needs_no_other(serve: Any) -> None:
    async with serve() as app, speaking(app, None, query="access_token=reader-static-token") as socket:
        await ready(socket, subscribe(ALL))


async def test_strict_goes_by_the_upgrade_alone(serve: Any) -> None:
    async with serve(WEBSOCKETS_GRAPHQL_AUTH="strict") as app:
        for given in ({"query": ""}, {"query": "access_token=nope"}):
            with pytest.raises(Refused) as refused:
                async with app.socket("/graphql", subprotocols=[TRANSPORT], **given):
                    pass
            assert refused.value.status == 401
        headers = {"Authorization": "Bearer reader-static-token"}
        async with speaking(app, "nope", headers=headers) as socket:
            await ready(socket, subscribe(ALL))


@pytest.mark.parametrize("query", ["", "access_token=nope", EXPIRED])
@pytest.mark.parametrize("subprotocol", [TRANSPORT, LEGACY])
async def test_strict_may_close_who_shows_no_good_credential(serve: Any, subprotocol: str, query: str) -> None:
    async with serve(WEBSOCKETS_GRAPHQL_AUTH="strict", WEBSOCKETS_GRAPHQL_STRICT_REJECT="close4403") as app:
        async with app.socket("/graphql", query, subprotocols=[subprotocol]) as socket:
            assert (await socket.closed(), socket.close_reason) == (4403, "Forbidden")
            assert socket.subprotocol == subprotocol
        async with speaking(app, None, query=TOKEN) as socket:
            await ready(socket, subscribe(ALL))


async def test_other_reasons_still_refuse_the_upgrade(serve: Any) -> None:
    closing = {"WEBSOCKETS_GRAPHQL_AUTH": "strict", "WEBSOCKETS_GRAPHQL_STRICT_REJECT": "close4403"}
    async with serve(**closing, WEBSOCKETS_GRAPHQL_CONN_LIMIT="1") as app:
        foreign = {"Origin": "https://elsewhere.example"}
        with pytest.raises(Refused) as refused:
            async with app.socket("/graphql", TOKEN, foreign, [TRANSPORT]):
                pass
        assert refused.value.status == 403
        async with speaking(app, None, query=TOKEN):
            with pytest.raises(Refused) as refused:
                async with app.socket("/graphql", subprotocols=[TRANSPORT]):
                    pass
            assert refused.value.status == 403


async def test_only_strict_closes_in_place_of_a_refusal(serve: Any) -> None:
    async with serve(WEBSOCKETS_GRAPHQL_STRICT_REJECT="close4403") as app:
        with pytest.raises(Refused) as refused:
            async with app.socket("/graphql", "access_token=nope", subprotocols=[TRANSPORT]):
                pass
        assert refused.value.status == 401


async def test_public_is_for_all_and_a_token_counts(serve: Any) -> None:
    async with serve(WEBSOCKETS_GRAPHQL_AUTH="public") as app:
        async with speaking(app, None) as socket:
            refused = await socket.ask(subscribe(ALL))
            assert refused["type"] == "error"
        async with speaking(app, "reader-static-token") as socket:
            await ready(socket, subscribe(ALL))
        async with app.socket("/graphql", subprotocols=[TRANSPORT]) as socket:
            await socket.say({"type": "connection_init", "payload": {"access_token": "nope"}})
            assert await socket.closed() == 4403


@pytest.mark.parametrize(
    ("frames", "code", "reason"),
    [
        ([subscribe(ALL)], 4401, "Unauthorized"),
        (["{"], 4400, "Invalid message received"),
        ([{"type": "connection_init", "payload": {"access_token": "reader-static-token"}}] * 2, 4429,
         "Too many initialisation requests"),
    ],
)  # fmt: skip
async def test_breach_of_the_protocol_closes(serve: Any, frames: list[Any], code: int, reason: str) -> None:
    async with serve() as app, app.socket("/graphql", subprotocols=[TRANSPORT]) as socket:
        for frame in frames:
            await socket.say(frame)
        if code == 4429:
            assert (await socket.receive())["type"] == "connection_ack"

        assert (await socket.closed(), socket.close_reason) == (code, reason)


async def test_id_in_use_closes(serve: Any) -> None:
    async with serve() as app, speaking(app, "reader-static-token") as socket:
        await ready(socket, subscribe(ALL))
        await socket.say(subscribe(ALL))

        assert (await socket.closed(), socket.close_reason) == (4409, "Subscriber for 1 already exists")


async def test_ping_is_answered_before_anything_else(serve: Any) -> None:
    async with serve() as app, app.socket("/graphql", subprotocols=[TRANSPORT]) as socket:
        assert await socket.ask({"type": "ping", "payload": {"a": 1}}) == {"type": "pong", "payload": {"a": 1}}
        await socket.say({"type": "pong"})
        init = {"type": "connection_init", "payload": {"access_token": "reader-static-token"}}
        assert (await socket.ask(init))["type"] == "connection_ack"


@pytest.mark.parametrize(
    ("offered", "spoken"),
    [([TRANSPORT], TRANSPORT), ([LEGACY], LEGACY), ([LEGACY, TRANSPORT], TRANSPORT), (["x", LEGACY], LEGACY)],
)
async def test_newer_dialect_is_spoken_where_both_are_offered(serve: Any, offered: list[str], spoken: str) -> None:
    async with serve() as app, app.socket("/graphql", subprotocols=offered) as socket:
        assert socket.subprotocol == spoken


@pytest.mark.parametrize("offered", [[], ["x"]])
async def test_other_dialects_are_not_acceptable(serve: Any, offered: list[str]) -> None:
    async with serve() as app, app.socket("/graphql", subprotocols=offered) as socket:
        assert (await socket.closed(), socket.close_reason) == (4406, "Subprotocol not acceptable")


async def test_older_dialect_is_spoken_in_one_burst(serve: Any) -> None:
    async with serve() as app, app.socket("/graphql", subprotocols=[LEGACY]) as socket:
        await socket.say({"type": "connection_init", "payload": {"access_token": "reader-static-token"}})
        await socket.say({"id": "1", "type": "start", "payload": {"query": ALL}})
        await socket.say({"id": "2", "type": "start", "payload": {"query": "{ articles { id } }"}})
        heard = [await socket.receive() for _ in range(4)]
        assert [each["type"] for each in heard] == ["connection_ack", "ka", "data", "complete"]
        await app.admin("POST", "/items/articles", {"id": 1, "title": "a", "status": "published"})
        event = await socket.receive()
        assert (event["id"], event["type"]) == ("1", "data")
        assert event["payload"]["data"]["articles_mutated"]["event"] == "create"


async def test_older_dialect_is_told_that_it_is_refused(serve: Any) -> None:
    async with serve() as app, app.socket("/graphql", subprotocols=[LEGACY]) as socket:
        refused = await socket.ask({"type": "connection_init", "payload": {"access_token": "nope"}})

        assert refused == {"type": "connection_error", "payload": {"message": "Forbidden"}}
        assert await socket.closed() == 1011


async def test_sockets_can_be_switched_off(serve: Any) -> None:
    async with serve(WEBSOCKETS_GRAPHQL_ENABLED="false") as app:
        with pytest.raises(Refused):
            async with app.socket("/graphql", subprotocols=[TRANSPORT]):
                pass
        told_of = await app.admin("GET", "/server/info")
        assert told_of["websocket"]["graphql"] is False


async def test_server_tells_of_the_endpoint(serve: Any) -> None:
    async with serve() as app:
        told_of = await app.admin("GET", "/server/info")

    assert told_of["websocket"]["graphql"] == {"authentication": "handshake", "path": "/graphql"}


async def test_too_many_messages_are_told_of(serve: Any) -> None:
    limits = {"RATE_LIMITER_ENABLED": "true", "RATE_LIMITER_WEBSOCKETS_POINTS": "3", "RATE_LIMITER_POINTS": "1000"}
    async with (
        serve(**limits, RATE_LIMITER_WEBSOCKETS_DURATION="60") as app,
        speaking(app, "reader-static-token") as socket,
    ):
        for number in range(4):
            await socket.say(subscribe("{ __typename }", str(number)))
        heard = [await socket.receive() for _ in range(5)]

    assert [each["type"] for each in heard].count("error") >= 1


@pytest.mark.parametrize(
    ("nested", "is_taken"),
    [
        ("articles(limit: 100) { author { articles(limit: 90) { id } } }", True),
        ("articles(limit: 100) { author { articles(limit: 100) { id } } }", False),
        ("articles(limit: 10001) { id }", False),
        ("articles(limit: 1000) { id } all: articles(limit: 9000) { id }", True),
        ("articles(limit: -1) { id }", True),
        ("articles(limit: -1) { id } all: articles(limit: 1) { id }", False),
    ],
)
async def test_subscription_that_reads_too_much_for_each_event_is_refused(
    app: Application, nested: str, is_taken: bool
) -> None:
    query = f"subscription {{ authors_mutated {{ data {{ id {nested} }} }} }}"
    async with speaking(app, "editor-static-token") as socket:
        if is_taken:
            await ready(socket, subscribe(query))
            return
        told = await socket.ask(subscribe(query))

    assert (told["type"], told["id"]) == ("error", "1")
    assert "more than 10000 rows for one event" in told["payload"][0]["message"]


async def test_event_that_reads_too_much_ends_its_subscription_and_nobody_elses(
    app: Application, database_url: str
) -> None:
    await app.admin("POST", "/items/authors", {"name": "busy"})
    many = "SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10001"
    row = "'t', 'published', 1 FROM n"
    await execute(
        database_url, f"WITH RECURSIVE n(i) AS ({many}) INSERT INTO articles (title, status, author) SELECT {row}"
    )
    greedy, modest = (
        f"subscription {{ authors_mutated {{ data {{ id name articles(limit: {limit}) {{ id }} }} }} }}"
        for limit in (-1, 2)
    )
    async with speaking(app, "editor-static-token") as one, speaking(app, "editor-static-token") as two:
        await ready(one, subscribe(greedy))
        await ready(two, subscribe(modest))
        await app.admin("PATCH", "/items/authors/1", {"name": "busier"})
        frame = await one.receive()
        assert (frame["type"], frame["payload"][0]["extensions"]["code"]) == ("error", "INVALID_QUERY")
        event = await told(two)
        assert (event["data"]["name"], len(event["data"]["articles"])) == ("busier", 2)
        assert await one.ask({"type": "ping"}) == {"type": "pong"}
