"""`/metrics` on a whole application."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.support.application import ADMIN, Application, application, permission
from watchword.access.principal import ANONYMOUS
from watchword.base.errors import Code, Problem

TOKEN = "a-token-for-the-monitor"
MONITOR = {"Authorization": f"Bearer {TOKEN}"}
ON = {"METRICS_ENABLED": "true", "METRICS_TOKENS": f"{TOKEN},short"}


async def figures(run: Application) -> dict[str, float]:
    """Return every sample by its name and the values of its labels."""
    answer = await run.http.get("/metrics", headers=MONITOR)
    assert answer.status_code == 200
    found = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            labels = ",".join(sample.labels.values())
            found[f"{sample.name}{{{labels}}}" if labels else sample.name] = sample.value
    return found


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_a_monitor_and_administrators_may_read(sqlite_url: str, method: str) -> None:
    async with application(sqlite_url, **ON) as run:
        for headers in (MONITOR, {"Authorization": f"Metrics {TOKEN}"}, ADMIN):
            answer = await run.http.request(method, "/metrics", headers=headers)
            assert answer.status_code == 200
            assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
            assert answer.headers["cache-control"] == "no-store"
            assert ("watchword_sockets" in answer.text) == (method == "GET")


async def test_nobody_else_may(sqlite_url: str) -> None:
    async with application(sqlite_url, **ON) as run:
        await run.user("reader", [permission("read")])
        cases: list[tuple[dict[str, str], int]] = [
            ({}, 403),
            ({"Authorization": "Bearer reader-static-token"}, 403),
            ({"Authorization": "Bearer short"}, 401),
            ({"Authorization": f"Bearer {TOKEN}x"}, 401),
            ({"Authorization": "Metrics nope"}, 403),
            ({"Authorization": "Bearer "}, 403),
            ({"Authorization": f"Basic {TOKEN}"}, 403),
        ]
        for headers, status in cases:
            answer = await run.http.get("/metrics", headers=headers)
            assert (answer.status_code, "watchword_" in answer.text) == (status, False), headers
        assert (await run.http.post("/metrics", headers=MONITOR)).status_code == 401
        assert (await run.http.get("/items/articles", headers=MONITOR)).status_code == 401


async def test_without_the_setting_there_are_none(sqlite_url: str) -> None:
    async with application(sqlite_url, METRICS_TOKENS=TOKEN) as run:
        assert (await run.http.get("/metrics", headers=ADMIN)).status_code == 404


async def test_sockets_are_counted_by_endpoint_and_state(sqlite_url: str) -> None:
    async with application(sqlite_url, **ON) as run:
        assert (await figures(run))["watchword_sockets{directus,active}"] == 0
        query = "access_token=admin-token-0001"
        async with run.socket(), run.authenticated("admin-token-0001"), run.socket("/websocket/logs", query) as log:
            await log.ask({"type": "subscribe", "log_level": "error"})
            found = await figures(run)
        assert found["watchword_sockets{directus,waiting}"] == 1
        assert found["watchword_sockets{directus,active}"] == 1
        assert found["watchword_sockets{directus-logs,active}"] == 1
        assert found["watchword_log_followers"] == 1
        assert (await figures(run))["watchword_sockets{directus,active}"] == 0


async def test_subscriptions_groups_and_deliveries_are_counted(database_url: str) -> None:
    async with (
        application(database_url, **ON) as run,
        run.authenticated("admin-token-0001") as first,
        run.authenticated("admin-token-0001") as second,
    ):
        wanted = {"type": "subscribe", "collection": "articles", "event": "create", "uid": "1"}
        await first.ask(wanted)
        await second.ask(wanted)
        await second.ask(wanted | {"uid": "2", "event": "update"})
        await run.admin("POST", "/items/articles", {"title": "a"})
        for socket in (first, second):
            assert (await socket.receive())["event"] == "create"
        found = await figures(run)
        assert (found["watchword_subscriptions"], found["watchword_groups"]) == (3, 2)
        assert found["watchword_deliveries_total"] == 2
        assert found["watchword_changes_told_total"] >= 1
        assert found["watchword_feed_lag_changes"] == 0
        assert 0 <= found["watchword_feed_lag_seconds"] < 5


async def test_requests_are_timed_by_route_and_never_by_what_a_client_chose(sqlite_url: str) -> None:
    async with application(sqlite_url, **ON) as run:
        for path in ("/items/articles", "/items/authors", "/nowhere/1", "/nowhere/2"):
            await run.http.get(path, headers=ADMIN)
        await run.http.request("BREW", "/items/articles", headers=ADMIN)
        found = await figures(run)
        assert found["watchword_request_seconds_count{GET,/items/{collection},200}"] == 2
        assert found["watchword_request_seconds_count{GET,none,404}"] == 2
        assert found["watchword_request_seconds_count{OTHER,/items/{collection},404}"] == 1
        assert not any("nowhere" in name for name in found)


async def test_statements_are_timed(database_url: str) -> None:
    async with application(database_url, **ON) as run:
        before = (await figures(run))["watchword_statement_seconds_count"]
        await run.http.get("/items/articles", headers=ADMIN)
        found = await figures(run)
        assert found["watchword_statement_seconds_count"] > before
        assert found["watchword_statement_seconds_sum"] > 0


async def test_authentications_are_counted_by_credential_and_result(sqlite_url: str) -> None:
    async with application(sqlite_url, **ON) as run:
        await run.user("reader", [])
        await run.login("reader")
        await run.http.get("/users/me", headers={"Authorization": "Bearer nope"})
        found = await figures(run)
        assert found["watchword_authentications_total{password,ok}"] == 1
        assert found["watchword_authentications_total{access_token,INVALID_CREDENTIALS}"] == 1
        assert found["watchword_authentications_total{access_token,ok}"] > 1


async def test_cut_sockets_are_counted(sqlite_url: str) -> None:
    async with application(sqlite_url, **ON) as run, run.authenticated("admin-token-0001") as socket:
        (peer,) = run.app.parts.hub.peers
        assert peer.principal is not ANONYMOUS
        peer._cut()  # type: ignore[attr-defined]  # what a client that does not read comes to
        await socket.hang_up()
        assert (await figures(run))["watchword_connections_cut_total"] == 1


async def test_lag_grows_while_the_database_is_away(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with application(sqlite_url, **ON) as run:
        parts = run.app.parts
        await run.admin("GET", "/users/me")

        async def away() -> Any:
            raise Problem(Code.SERVICE_UNAVAILABLE)

        monkeypatch.setattr(parts.log, "has_news", away)
        await parts.feed.settle()
        at = parts.feed.current_at
        await parts.feed.settle()
        assert parts.feed.current_at == at
        assert parts.feed.lag[0] > 0.5
        monkeypatch.undo()
        await parts.feed.settle()
        assert parts.feed.current_at > at


def test_a_server_without_metrics_does_not_even_import_them() -> None:
    program = "import sys, watchword.app.application; sys.exit('prometheus_client' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
