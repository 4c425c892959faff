"""A whole application in this process, on a real database, with users of different rights."""

from __future__ import annotations

import sqlite3
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import asyncpg
import httpx

from tests.support.migrated import migrated
from tests.support.sockets import ScriptedSocket, connect
from watchword.app.application import Watchword
from watchword.app.settings import load_settings

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence
    from contextlib import AbstractAsyncContextManager

    from anyio.abc import TaskGroup

ADMIN = {"Authorization": "Bearer admin-token-0001"}
PASSWORD = "a-fairly-long-password"

ARTICLES = """
CREATE TABLE authors (id INTEGER PRIMARY KEY, name VARCHAR(100) NOT NULL);
CREATE TABLE articles (
    id INTEGER PRIMARY KEY, title VARCHAR(255) NOT NULL, body TEXT, status VARCHAR(20) NOT NULL DEFAULT 'draft',
    author INTEGER REFERENCES authors (id), owner CHAR(36));
"""


class Application:
    """The running application and shortcuts to use it as a client would."""

    def __init__(self, app: Watchword, group: TaskGroup, http: httpx.AsyncClient) -> None:
        self.app = app
        self.http = http
        self._group = group

    def socket(
        self,
        path: str = "/websocket",
        query: str = "",
        headers: Mapping[str, str] | None = None,
        subprotocols: Sequence[str] = (),
    ) -> AbstractAsyncContextManager[ScriptedSocket]:
        """Open a socket that has said nothing yet."""
        return connect(self._group, self.app, path, query, headers, subprotocols)

    @asynccontextmanager
    async def authenticated(self, token: str) -> AsyncIterator[ScriptedSocket]:
        """Open a socket and authenticate by an access token."""
        async with self.socket() as socket:
            assert await socket.ask({"type": "auth", "access_token": token}) == {"type": "auth", "status": "ok"}
            yield socket

    async def admin(self, method: str, path: str, body: Any = None) -> Any:
        """Send a request as the administrator; return the data of its answer."""
        answer = await self.http.request(method, path, json=body, headers=ADMIN)
        assert answer.status_code < 300, answer.text
        return answer.json()["data"] if answer.content else None

    async def user(self, name: str, permissions: list[dict[str, Any]]) -> str:
        """Make a user with a role, a policy with these permissions, and the static token `<name>-static-token`."""
        role = (await self.admin("POST", "/roles", {"name": name}))["id"]
        policy = (await self.admin("POST", "/policies", {"name": name}))["id"]
        await self.admin("POST", "/access", {"role": role, "policy": policy})
        for permission in permissions:
            await self.admin("POST", "/permissions", permission | {"policy": policy})
        user = {"email": f"{name}@example.com", "password": PASSWORD, "role": role, "token": f"{name}-static-token"}
        return str((await self.admin("POST", "/users", user))["id"])

    async def login(self, name: str) -> dict[str, Any]:
        """Log a user in by e-mail address and password."""
        body = {"email": f"{name}@example.com", "password": PASSWORD}
        answer = await self.http.post("/auth/login", json=body)
        assert answer.status_code == 200, answer.text
        return dict(answer.json()["data"])


def permission(
    action: str, collection: str = "articles", rows: Any = None, fields: str | list[str] = "*"
) -> dict[str, Any]:
    """Return a permission as REST takes it."""
    names = fields.split(",") if isinstance(fields, str) else fields
    return {"collection": collection, "action": action, "permissions": rows or {}, "fields": names}


@asynccontextmanager
async def application(url: str, ddl: str = ARTICLES, **flags: Any) -> AsyncIterator[Application]:
    """Run an application on a fresh database with the tables of `ddl`; without any, one more on a database in use.

    Flags are settings; the flag `register` is a function that is called with the application before it starts.
    """
    register: Callable[[Watchword], object] | None = flags.pop("register", None)
    if ddl:
        await migrated(url)
        await _create(url, ddl)
    defaults = {
        "DATABASE_URL": url,
        "SECRET": "for tests, and long enough to be taken",
        "ADMIN_EMAIL": "admin@example.com",
        "ADMIN_PASSWORD": PASSWORD,
        "ADMIN_TOKEN": "admin-token-0001",
        "LOGIN_STALL_TIME": "1",
        "WEBSOCKETS_REST_GATHER": "1ms",
    }
    app = Watchword(load_settings(environment={}, flags=defaults | flags))
    if register is not None:
        register(app)
    transport = httpx.ASGITransport(app=app)
    async with (
        app.lifespan(),
        httpx.AsyncClient(transport=transport, base_url="http://testserver") as http,
        anyio.create_task_group() as group,
    ):
        yield Application(app, group, http)
        group.cancel_scope.cancel()


async def execute(url: str, statement: str) -> None:
    """Run statements as another program would, in one transaction."""
    if url.startswith("sqlite"):
        # In a thread: who waits for a lock must not keep this process from giving it back.
        await anyio.to_thread.run_sync(_execute_sqlite, url, statement)
        return
    outside = await asyncpg.connect(url)
    try:
        await outside.execute(statement)
    finally:
        await outside.close()


def _execute_sqlite(url: str, statement: str) -> None:
    with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
        connection.executescript(f"BEGIN IMMEDIATE; {statement}; COMMIT")
    connection.close()


async def _create(url: str, ddl: str) -> None:
    if not url.startswith("sqlite"):
        ddl = ddl.replace("id INTEGER PRIMARY KEY", "id SERIAL PRIMARY KEY")
    await execute(url, ddl)
