"""The published GraphQL clients, unmodified, against a real server."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.support.newsroom import Newsroom
from tests.support.node import running

pytestmark = pytest.mark.timeout(180)

HERE = Path(__file__).parent
VERSIONS = ["graphql-ws", "graphql-ws-5"]  # the newest first
FORBIDDEN = {"code": 4403, "reason": "Forbidden"}

Report = dict[str, Any]
Run = Callable[..., Report]


@pytest.fixture
def run(node: str) -> Run:
    """Runs a script to its end and returns what it has reported."""

    def made(script: str, room: Newsroom, **given: Any) -> Report:
        room.clear()
        with running(node, HERE / script, room.as_given(**given)) as program:
            return program.rest()

    return made


@pytest.mark.parametrize(
    ("client", "database"), [*((version, "sqlite") for version in VERSIONS), (VERSIONS[0], "postgres")]
)
def test_graphql_ws(run: Run, request: pytest.FixtureRequest, client: str, database: str) -> None:
    report = run("sockets.mjs", request.getfixturevalue(f"{database}_newsroom"), client=client)

    assert report["side by side"] == {"sockets": 1, "one": ["First"], "other": [], "again": ["Second"]}
    assert report["asked"]["made"] == {
        "results": [{"data": {"create_articles_item": {"title": "Third", "status": "draft"}}}], "completed": True,
    }  # fmt: skip
    assert report["asked"]["read"] == {"results": [{"data": {"articles": [{"title": "Third"}]}}], "completed": True}
    assert "nope" in report["unknown field"]["error"][0]["message"]
    assert report["syntax"]["error"][0]["message"].startswith("Syntax Error")
    assert "body" in report["forbidden"]["error"][0]["message"]
    [missing] = report["missing"]["results"]
    assert (missing["data"], missing["errors"][0]["extensions"]["code"]) == ({"articles_by_id": None}, "FORBIDDEN")
    assert report["pongs"] is True
    assert report["bad token"] == report["no token"] == report["revoked"] == FORBIDDEN
    assert report["same id"] == {"code": 4409, "reason": "Subscriber for same already exists"}
    assert report["header"] == report["url"] == [{"data": {"__typename": "Query"}}]
    assert report["tries"] == {"sockets": 4, "error": FORBIDDEN}


@pytest.mark.parametrize("client", VERSIONS)
def test_subscription_outlives_its_tokens_and_misses_nothing(
    run: Run, rooms: Callable[..., Newsroom], client: str
) -> None:
    report = run("expiry.mjs", rooms(ACCESS_TOKEN_TTL="2s"), client=client)

    assert report["seen"] == report["written"]
    assert report["closes"] == [FORBIDDEN | {"wasClean": True}] * 3
    assert report["logins"] >= 3


def test_strict_goes_by_the_address(run: Run, rooms: Callable[..., Newsroom]) -> None:
    report = run("modes.mjs", rooms(WEBSOCKETS_GRAPHQL_AUTH="strict"), mode="strict")

    assert "401" in report["without"]["message"]
    assert "401" in report["bad"]["message"]
    assert report["good"] == ["Strict"]


def test_stale_address_is_tried_again_where_it_is_closed_in_place_of_refused(
    run: Run, rooms: Callable[..., Newsroom]
) -> None:
    room = rooms(WEBSOCKETS_GRAPHQL_AUTH="strict", WEBSOCKETS_GRAPHQL_STRICT_REJECT="close4403")
    report = run("modes.mjs", room, mode="stale")

    assert report["static"] == FORBIDDEN
    assert report["fresh"] == {"asked": [{"data": {"__typename": "Query"}}], "closes": [FORBIDDEN]}


def test_public_sees_what_everybody_may(run: Run, rooms: Callable[..., Newsroom]) -> None:
    report = run("modes.mjs", rooms(public=True, WEBSOCKETS_GRAPHQL_AUTH="public"), mode="public")

    assert report["public"] == ["Public"]
    assert "body" in report["hidden"]["error"][0]["message"]
    assert report["known"] is None


@pytest.mark.parametrize("mode", ["handshake", "strict", "public"])
def test_first_message_that_is_late_is_told_so_and_tried_again(
    run: Run, rooms: Callable[..., Newsroom], mode: str
) -> None:
    room = rooms(WEBSOCKETS_GRAPHQL_AUTH=mode, WEBSOCKETS_GRAPHQL_INIT_TIMEOUT="200ms")
    query = f"?access_token={room.editor.token}" if mode == "strict" else ""
    report = run("modes.mjs", room, mode="late", query=query)

    assert report["late"] == {"code": 4408, "reason": "Connection initialisation timeout"}
    assert report["second try"] == {"asked": [{"data": {"__typename": "Query"}}], "closes": [4408]}


def test_subscription_outlives_a_restart_and_misses_nothing(node: str, rooms: Callable[..., Newsroom]) -> None:
    room = rooms()
    room.clear()
    with running(node, HERE / "restart.mjs", room.as_given()) as program:
        program.expect("before")
        room.server.stop()
        room.execute("INSERT INTO articles (title, status) VALUES ('Meanwhile', 'published')")
        room.server.start()
        program.tell()
        titles = program.expect("titles")

    assert titles == ["Before", "Meanwhile", "After"]


@pytest.mark.parametrize("client", VERSIONS)
def test_slow_operation_keeps_neither_pongs_nor_answers_waiting(
    node: str, sqlite_newsroom: Newsroom, client: str
) -> None:
    sqlite_newsroom.clear()
    file = sqlite_newsroom.server.database_url.removeprefix("sqlite:///")
    with running(node, HERE / "slow.mjs", sqlite_newsroom.as_given(client=client)) as program:
        program.expect("ready")
        with closing(sqlite3.connect(file, timeout=10, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nobody else can write
            program.tell()
            meanwhile = program.expect("meanwhile")
            other.execute("ROLLBACK")
        slow = program.expect("slow")

    assert meanwhile == {"completed": True, "results": [{"data": {"articles": []}}]}
    assert slow["results"] == [{"data": {"create_articles_item": {"title": "Slow"}}}]
    assert slow["order"] == ["pongs", "quick", "slow"]


def test_older_client_follows_asks_and_is_refused(run: Run, sqlite_newsroom: Newsroom) -> None:
    report = run("legacy.mjs", sqlite_newsroom)

    assert report["query"] == {"completed": True, "errors": None}
    assert report["titles"] == ["Old"]
    assert "nope" in report["wrong"]
    assert report["refused"] == "Forbidden"


def test_older_client_comes_again_with_a_new_token(run: Run, rooms: Callable[..., Newsroom]) -> None:
    report = run("legacy.mjs", rooms(ACCESS_TOKEN_TTL="2s"), expires=True)

    assert report["expiry"] == {"titles": ["Before", "After"], "renewed": True}


@pytest.mark.parametrize(
    ("kind", "client"), [*(("sockets", version) for version in VERSIONS), ("legacy", None), ("events", None)]
)
def test_client_comes_again_when_its_rights_change_and_goes_on_under_the_new_ones(
    run: Run, sqlite_newsroom: Newsroom, kind: str, client: str | None
) -> None:
    given = {} if client is None else {"client": client}
    report = run("rights.mjs", sqlite_newsroom, kind=kind, **given)

    assert report["unrelated"] == 0
    assert report["shown"] == ["Unrelated", "Between", "After"]
    assert "slug" in report["hidden"]["error"]
    assert report["hidden"]["seen"] is False
    assert report["others"] == {"titles": ["Between", "After"], "closes": 0}
    assert report["reader"]["asked"] >= 2
    assert report["reader"]["closes"]
    if kind == "sockets":
        assert report["reader"] == {"closes": [FORBIDDEN], "asked": 2}


@pytest.mark.parametrize("kind", ["sockets", "legacy", "events"])
def test_client_gets_an_event_that_comes_right_before_its_rights_change(
    node: str, sqlite_newsroom: Newsroom, kind: str
) -> None:
    sqlite_newsroom.clear()
    given = sqlite_newsroom.as_given(kind=kind, client=VERSIONS[0], together=True)
    with running(node, HERE / "rights.mjs", given) as program:
        rule = program.expect("rule")
        program.tell()
        sqlite_newsroom.execute(
            f"""BEGIN; INSERT INTO articles (title, status) VALUES ('Together', 'published');
            UPDATE watchword_permissions SET fields = 'id,title,status' WHERE id = {rule}; COMMIT"""
        )
        titles = program.expect("titles")

    assert titles == ["Together", "After"]


def test_apollo_client_asks_over_http_and_follows_over_sockets(run: Run, sqlite_newsroom: Newsroom) -> None:
    report = run("apollo.mjs", sqlite_newsroom)

    assert report["made"] == "By Apollo"
    assert report["events"] == ["By REST", "By Apollo"]
    assert report["titles"] == [1, 2]
    assert report["persisted"] == {"requests": 1, "sendsText": False}
    assert report["failed"] == "FORBIDDEN"


@pytest.mark.parametrize("sdk", ["directus-sdk-26", "directus-sdk-20"])
def test_directus_sdk_speaks_graphql(run: Run, sqlite_newsroom: Newsroom, sdk: str) -> None:
    report = run("directus.mjs", sqlite_newsroom, sdk=sdk)

    assert report["made"] == {"create_articles_item": {"title": "SDK"}}
    assert report["read"] == {"articles": [{"title": "SDK"}]}
    assert report["system"] == {"server_ping": "pong"}
    assert report["failed"] == "GRAPHQL_VALIDATION"
    assert report["text"] is True


def test_events_come_over_http(run: Run, rooms: Callable[..., Newsroom]) -> None:
    report = run("sse.mjs", rooms(ACCESS_TOKEN_TTL="2s"))

    assert report["query"] == {"completed": True, "results": [{"data": {"__typename": "Query"}}]}
    assert report["mutation"]["results"] == [{"data": {"create_articles_item": {"title": "SSE"}}}]
    assert "nope" in report["wrong"]
    assert report["titles"][-1] == "Last"
    assert report["stopped"] == {"completed": True}
    assert report["expired"] == {"error": {"message": "Connection closed while having active streams"}, "told": 0}
    assert report["bad"] is True
