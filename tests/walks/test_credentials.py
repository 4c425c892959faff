"""Sessions, tokens and keys through all floors: what ends is over on every road, and what is not told ends nothing."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import httpx
import pytest

from tests.support.application import ADMIN, Application, application, permission
from tests.support.server import ADMIN_EMAIL, ADMIN_PASSWORD, serving
from watchword.app.credentials import Credentials
from watchword.base.clock import SystemClock

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

READER = [permission("read", rows={"status": {"_eq": "published"}}, fields="id,title")]
OWNER = [permission("read", rows={"owner": {"_eq": "$CURRENT_USER"}}, fields="id,title"), permission("create")]


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    async with application(database_url) as running:
        await running.user("reader", READER)
        await running.user("owner", OWNER)
        yield running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def kid(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "==="))["kid"])


async def role_token(app: Application, name: str, **more: Any) -> dict[str, Any]:
    """Make a token for the role of a user of that name."""
    role = (await app.admin("GET", f"/roles?filter[name]={name}"))[0]["id"]
    return dict(await app.admin("POST", "/tokens", {"role": role, "name": "a program"} | more))


async def test_ended_session_closes_its_sockets_and_no_others(app: Application) -> None:
    ending, staying, other = [(await app.login(name))["access_token"] for name in ("reader", "reader", "owner")]
    async with (
        app.authenticated(ending) as first,
        app.authenticated(ending) as second,
        app.authenticated(staying) as third,
        app.authenticated(other) as fourth,
    ):
        listed = (await app.http.get("/users/me/sessions", headers=bearer(ending))).json()["data"]
        key = next(each["id"] for each in listed if each["current"])
        with anyio.fail_after(1):
            answer = await app.http.delete(f"/users/me/sessions/{key}", headers=bearer(staying))
            assert answer.status_code == 204
            for socket in (first, second):
                assert (await socket.receive())["error"]["code"] == "AUTH_FAILED"
                assert await socket.closed() == 4401
        for socket in (third, fourth):
            assert await socket.silent()


async def test_ending_all_other_sessions_closes_their_sockets_and_keeps_the_own(app: Application) -> None:
    own, other = [(await app.login("reader"))["access_token"] for _ in range(2)]
    async with app.authenticated(own) as kept, app.authenticated(other) as closing:
        with anyio.fail_after(1):
            await app.http.delete("/users/me/sessions", headers=bearer(own))
            assert (await closing.receive())["error"]["code"] == "AUTH_FAILED"
            assert await closing.closed() == 4401
        assert await kept.silent()


async def test_administrator_ends_the_session_of_anybody_and_others_do_not(app: Application) -> None:
    ending, staying, other = [(await app.login(name))["access_token"] for name in ("reader", "reader", "owner")]
    async with app.authenticated(ending) as closing, app.authenticated(staying) as kept:
        me = (await app.http.get("/users/me", headers=bearer(ending))).json()["data"]["id"]
        listed = (await app.http.get("/users/me/sessions", headers=bearer(ending))).json()["data"]
        key = next(each["id"] for each in listed if each["current"])
        for path in (f"/users/{me}/sessions/{key}", f"/users/me/sessions/{key}", f"/users/{me}/sessions"):
            assert (await app.http.delete(path, headers=bearer(other))).status_code == 403
        assert await closing.silent()
        with anyio.fail_after(1):
            await app.admin("DELETE", f"/users/{me}/sessions/{key}")
            assert (await closing.receive())["error"]["code"] == "AUTH_FAILED"
            assert await closing.closed() == 4401
        assert (await app.http.get("/users/me", headers=bearer(ending))).status_code == 401
        assert await kept.silent()


async def test_rotated_keys_log_nobody_out(app: Application) -> None:
    before = await app.login("reader")
    async with app.authenticated(before["access_token"]) as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        former = kid(before["access_token"])
        for _ in range(2):
            signing = await app.app.parts.identity.keys.rotate()
        made = await app.admin("POST", "/items/articles", {"title": "shown", "status": "published"})
        assert (await socket.receive())["data"] == [{"id": made["id"], "title": "shown"}]
        assert (await app.http.get("/users/me", headers=bearer(before["access_token"]))).status_code == 200
        refresh = {"refresh_token": before["refresh_token"], "mode": "json"}
        after = (await app.http.post("/auth/refresh", json=refresh)).json()["data"]
        assert (kid(after["access_token"]), signing == former) == (signing, False)
        async with app.authenticated(before["access_token"]), app.authenticated(after["access_token"]):
            assert await socket.silent()
        published = (await app.http.get("/.well-known/jwks.json")).json()["keys"]
        assert {former, signing} < {key["kid"] for key in published}


async def test_revoked_token_closes_its_sockets_and_no_others(app: Application) -> None:
    ending, staying = await role_token(app, "reader"), await role_token(app, "reader")
    async with (
        app.authenticated(ending["token"]) as closing,
        app.authenticated(staying["token"]) as kept,
        app.authenticated("reader-static-token") as user,
    ):
        with anyio.fail_after(1):
            await app.admin("DELETE", f"/tokens/{ending['id']}")
            assert (await closing.receive())["error"]["code"] == "AUTH_FAILED"
            assert await closing.closed() == 4401
        assert await kept.silent()
        assert await user.silent()


async def test_token_of_a_role_follows_what_the_role_may_see(app: Application) -> None:
    made = await role_token(app, "reader")
    async with app.authenticated(made["token"]) as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        await app.admin("POST", "/items/articles", {"title": "hidden"})
        published = await app.admin("POST", "/items/articles", {"title": "shown", "status": "published"})
        told = await socket.receive()
        assert (told["event"], told["data"]) == ("create", [{"id": published["id"], "title": "shown"}])
        assert await socket.silent()
        role = made["role"]
        await app.admin("DELETE", f"/roles/{role}")
        assert (await socket.receive())["error"]["code"] == "AUTH_FAILED"
        assert await socket.closed() == 4401


async def test_nobodys_rows_are_not_those_of_a_token_without_a_user(app: Application) -> None:
    made = await role_token(app, "owner")
    async with app.authenticated(made["token"]) as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        await app.admin("POST", "/items/articles", {"title": "nobody's"})
        assert await socket.silent()
        read = await app.http.get("/items/articles", headers=bearer(made["token"]))
        assert read.json() == {"data": []}


async def test_socket_that_changes_from_one_role_to_another_has_the_rights_of_the_second_alone(
    app: Application,
) -> None:
    reader, owner = await role_token(app, "reader"), await role_token(app, "owner")
    async with app.authenticated(reader["token"]) as socket:
        await socket.ask({"type": "subscribe", "collection": "articles", "uid": "s"})
        await app.admin("POST", "/items/articles", {"title": "one", "status": "published"})
        assert (await socket.receive())["event"] == "create"
        answer = await socket.ask({"type": "auth", "access_token": owner["token"]})
        assert answer["status"] == "ok"
        await app.admin("POST", "/items/articles", {"title": "two", "status": "published"})
        assert await socket.silent()


async def test_socket_of_a_role_token_expires_with_it(app: Application) -> None:
    soon = SystemClock().now() + 3.0  # a busy machine takes a while to log in
    made = await role_token(app, "reader", expires_at=soon)
    async with app.authenticated(made["token"]) as socket:
        assert (await socket.receive())["error"]["code"] == "TOKEN_EXPIRED"


async def test_commands_reach_the_server_that_is_running(app: Application, database_url: str) -> None:
    settings = app.app.settings
    before = (await app.login("reader"))["access_token"]
    async with app.authenticated(before) as socket:
        async with Credentials(settings) as command:
            token = (await command.create_token("a program", user=None, role="reader", seconds=None)).reveal()
            signing = await command.rotate_keys()
        async with app.authenticated(token) as program:
            with anyio.fail_after(2):  # a login takes a while, and the word of the rotation is on its way meanwhile
                while kid((await app.login("reader"))["access_token"]) != signing:
                    pass
            async with Credentials(settings) as command:
                listed = {line[2]: line[0] for line in await command.list_tokens()}
                with anyio.fail_after(1):
                    await command.revoke_token(listed["a program"])
                    assert (await program.receive())["error"]["code"] == "AUTH_FAILED"
                    assert await program.closed() == 4401
                assert "current" in {line[2] for line in await command.list_keys()}
        assert (await app.http.get("/users/me", headers=bearer(before))).status_code == 200
        assert (await app.http.get("/users/me", headers=bearer(token))).status_code == 401
        assert await socket.silent()


async def test_tables_of_keys_and_tokens_are_out_of_reach(app: Application) -> None:
    for name in ("watchword_signing_keys", "watchword_tokens", "directus_tokens", "directus_sessions", "$keys"):
        answer = await app.http.get(f"/items/{name}", headers=ADMIN)
        assert answer.status_code == 403
        async with app.authenticated("admin-token-0001") as socket:
            refused = await socket.ask({"type": "subscribe", "collection": name, "uid": "s"})
            assert "error" in refused


async def test_file_of_the_database_holds_neither_private_keys_nor_tokens(sqlite_url: str) -> None:
    async with application(sqlite_url) as app:
        await app.user("reader", READER)
        made = await role_token(app, "reader")
        await app.app.parts.identity.keys.rotate()
        await app.login("reader")
        keys = [key.jwk.as_dict(private=True)["d"] for key in app.app.parts.identity.keys.ring._keys.values()]
    path = Path(sqlite_url.removeprefix("sqlite:///"))
    content = b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    assert len(keys) == 3
    assert made["prefix"].encode() in content
    for secret in (*map(str, keys), made["token"], "reader-static-token"):
        assert secret.encode() not in content


@pytest.mark.timeout(120)  # six processes, one after the other
def test_command_line_makes_lists_and_revokes_tokens_and_rotates_keys(sqlite_url: str, tmp_path: Path) -> None:
    with serving(sqlite_url, tmp_path) as server:
        at = ("--database", sqlite_url)
        with httpx.Client(base_url=server.url) as client:
            login = {"email": ADMIN_EMAIL, "password": ADMIN_PASSWORD}
            access = client.post("/auth/login", json=login).json()["data"]["access_token"]
            token = server.run("tokens", "create", "nightly", "--user", ADMIN_EMAIL, "--expires-in", "1d", *at).strip()
            assert client.get("/users/me", headers=bearer(token)).status_code == 200
            lines = [line.split("\t") for line in server.run("tokens", "list", *at).splitlines()]
            line = next(line for line in lines if line[2] == "nightly")
            assert token not in str(lines)
            assert token.startswith(line[1])
            assert "revoked" in server.run("tokens", "revoke", line[0], *at)
            assert client.get("/users/me", headers=bearer(token)).status_code == 401
            signing = server.run("keys", "rotate", *at).split()[-2]
            states = {cells[0]: cells[2] for cells in map(str.split, server.run("keys", "list", *at).splitlines())}
            assert (states[signing], states[kid(access)]) == ("current", "retired")
            assert client.get("/users/me", headers=bearer(access)).status_code == 200
            assert signing in client.get("/.well-known/jwks.json").text
