from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from structlog.testing import capture_logs

from tests.support.application import ARTICLES, PASSWORD, application, execute, permission
from watchword.app.administration import Administration, describe
from watchword.app.application import Watchword
from watchword.app.settings import Settings, SettingsError, load_settings
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.storage.engine import Database

if TYPE_CHECKING:
    from collections.abc import MutableMapping

SECRET = "for tests, and long enough to be taken"


def settings(url: str, **given: Any) -> Settings:
    return load_settings(environment={}, flags={"DATABASE_URL": url, "SECRET": SECRET} | given)


async def objects(url: str) -> set[str]:
    """The names of all tables and triggers."""
    db = Database(url)
    catalogue = "SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')"
    if db.kind == "postgresql":
        catalogue = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal UNION SELECT tablename FROM pg_tables"
        catalogue += " WHERE schemaname = current_schema()"
    async with db.read() as connection:
        names = set((await connection.exec_driver_sql(catalogue)).scalars())
    await db.close()
    return names


async def test_a_database_that_is_looked_at_stays_as_it_is(database_url: str) -> None:
    await execute(database_url, ARTICLES)
    described = await describe(settings(database_url))
    assert described[0] == "articles  (key: id)"
    assert "    author: integer -> authors" in described
    assert "    articles: many of articles.author" in described
    assert await objects(database_url) == {"articles", "authors"}


async def test_a_command_does_not_change_what_a_running_server_captures(sqlite_url: str) -> None:
    reads = [permission("read", fields="id,title")]
    async with application(sqlite_url) as app:
        await app.user("ann", reads)
        epoch = app.app.parts.log.epoch
        async with app.authenticated("ann-static-token") as socket:
            await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
            async with Administration(settings(sqlite_url, CAPTURE="false")) as administration:
                assert await administration.has_administrator()
            await app.admin("POST", "/items/articles", {"title": "captured"})
            assert (await socket.receive())["data"] == [{"id": 1, "title": "captured"}]
        assert app.app.parts.log.epoch == epoch


async def test_a_role_is_named_by_its_key_or_by_a_name_that_no_other_has(database_url: str) -> None:
    async with Administration(settings(database_url)) as administration:
        await administration.create_administrator("ada@example.com", Secret(PASSWORD))
        [(_, _, _, role)] = await administration.list_users()
        for email, named in (("bob@example.com", "Administrator"), ("eve@example.com", role)):
            await administration.create_user(email, Secret(PASSWORD), named, admin=False)
        assert {listed[3] for listed in await administration.list_users()} == {role}
        await execute(database_url, "INSERT INTO watchword_roles (id, name) VALUES ('other', 'Administrator')")
        for named in ("Administrator", "Clerk"):
            with pytest.raises(Problem) as raised:
                await administration.create_user("joe@example.com", Secret(PASSWORD), named, admin=False)
            assert raised.value.code is Code.INVALID_PAYLOAD
        assert len(await administration.list_users()) == 3


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"PUBLIC_URL": "example.com"}, "HTTP: The public URL must begin with http:// or https:// and name a host"),
        ({"ACCESS_TOKEN_TTL": "0"}, "Tokens and sessions: access_ttl must be a positive number"),
        ({"DATABASE_URL": "mysql://localhost/shop"}, "DATABASE_URL: Databases of kind 'mysql' are not supported"),
        ({"SESSION_COOKIE_NAME": "a b"}, "HTTP: 'a b' cannot be the name of a cookie"),
    ],
)
def test_settings_that_a_part_refuses_are_mistakes_in_the_settings(
    sqlite_url: str, given: dict[str, str], told: str
) -> None:
    with pytest.raises(SettingsError, match=told):
        Watchword(settings(sqlite_url, **given))


async def test_a_server_without_its_database_says_why_and_not_where_in_the_code() -> None:
    app = Watchword(settings("postgresql://nobody@127.0.0.1:1/shop"))
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return {"type": "lifespan.startup"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    with capture_logs() as logged:
        await app({"type": "lifespan"}, receive, send)
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    [failed] = [entry for entry in logged if entry["event"] == "server.start_failed"]
    assert "refused" in failed["cause"] or "Connect call failed" in failed["cause"]
    assert "exc_info" not in failed
