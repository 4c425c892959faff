from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support.application import ADMIN, application, permission

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from tests.support.application import Application

OWN = {"id": {"_eq": "$CURRENT_USER"}}
NAMES_OF_ALL_AND_OWN_TOKEN = [
    permission("read", "directus_users", fields="id,last_name"),
    permission("update", "directus_users", fields="last_name"),
    permission("update", "directus_users", rows=OWN, fields="last_name,token"),
    permission("create", "directus_users", rows={"last_name": {"_eq": "guest"}}, fields="email,last_name,token"),
    permission("create", "directus_users", fields="email,last_name"),
]


@pytest.fixture
async def app(sqlite_url: str) -> AsyncIterator[Application]:
    async with application(sqlite_url) as running:
        yield running


async def session_of(app: Application, name: str) -> str:
    return str((await app.login(name))["access_token"])


async def ask(app: Application, token: str, method: str, path: str, body: Any) -> int:
    answer = await app.http.request(method, path, json=body, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


async def whose(app: Application, token: str) -> str | None:
    answer = await app.http.get("/users/me", headers={"Authorization": f"Bearer {token}"})
    return str(answer.json()["data"]["id"]) if answer.status_code == 200 else None


async def test_a_token_is_given_to_the_rows_whose_token_may_be_written(app: Application) -> None:
    clerk = await app.user("clerk", NAMES_OF_ALL_AND_OWN_TOKEN)
    session = await session_of(app, "clerk")
    assert await ask(app, session, "PATCH", f"/users/{clerk}", {"token": "a-new-token-of-mine"}) == 200
    assert await whose(app, "a-new-token-of-mine") == clerk
    assert await whose(app, "clerk-static-token") is None


async def test_a_token_that_is_too_short_is_refused_and_the_old_one_stays(app: Application) -> None:
    clerk = await app.user("clerk", NAMES_OF_ALL_AND_OWN_TOKEN)
    session = await session_of(app, "clerk")
    guest = {"email": "guest@example.com", "last_name": "guest", "token": "x" * 15}
    for method, path, body in (
        ("PATCH", f"/users/{clerk}", {"token": "x" * 15}),
        ("PATCH", "/users/me", {"token": "x" * 15}),
        ("PATCH", "/users", {"keys": [clerk], "data": {"token": "x" * 15}}),
        ("POST", "/users", guest),
        ("POST", "/users", [guest]),
    ):
        headers = {"Authorization": f"Bearer {session}"}
        answer = await app.http.request(method, path, json=body, headers=headers)
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"]) == (400, "INVALID_PAYLOAD")
        assert error["message"] == 'Invalid payload. "token" must have at least 16 characters.'
    assert await whose(app, "x" * 15) is None
    assert await whose(app, "clerk-static-token") == clerk


@pytest.mark.parametrize(
    "body", [{"token": "stolen-token-0001"}, {"token": None}, {"token": "x" * 16, "last_name": "y"}]
)
async def test_a_token_is_not_given_to_rows_of_which_other_fields_may_be_written(app: Application, body: Any) -> None:
    await app.user("clerk", NAMES_OF_ALL_AND_OWN_TOKEN)
    session = await session_of(app, "clerk")
    boss = str((await app.admin("GET", "/users/me"))["id"])
    assert await ask(app, session, "PATCH", f"/users/{boss}", body) == 403
    assert await ask(app, session, "PATCH", "/users", {"keys": [boss], "data": body}) == 403
    assert await ask(app, session, "PATCH", "/users", [{"id": boss} | body]) == 403
    assert await whose(app, "stolen-token-0001") is None
    assert await whose(app, ADMIN["Authorization"].removeprefix("Bearer ")) == boss
    assert await ask(app, session, "PATCH", f"/users/{boss}", {"last_name": "y"}) == 200


async def test_a_new_user_gets_a_token_where_the_rule_gives_one(app: Application) -> None:
    await app.user("clerk", NAMES_OF_ALL_AND_OWN_TOKEN)
    session = await session_of(app, "clerk")
    guest = {"email": "guest@example.com", "last_name": "guest", "token": "guest-token-0001"}
    assert await ask(app, session, "POST", "/users", guest) == 200
    assert await whose(app, "guest-token-0001") is not None
    friend = {"email": "friend@example.com", "last_name": "friend", "token": "friend-token-0001"}
    assert await ask(app, session, "POST", "/users", friend) == 403
    assert await ask(app, session, "POST", "/users", friend | {"token": "**********"}) == 200
    assert await whose(app, "friend-token-0001") is None


async def test_what_a_read_shows_of_a_token_may_be_sent_back(app: Application) -> None:
    clerk = await app.user("clerk", NAMES_OF_ALL_AND_OWN_TOKEN)
    session = await session_of(app, "clerk")
    boss = str((await app.admin("GET", "/users/me"))["id"])
    assert await ask(app, session, "PATCH", f"/users/{boss}", {"token": "**********", "last_name": "z"}) == 200
    assert await whose(app, "clerk-static-token") == clerk


async def test_a_new_password_is_not_the_users_own_address(app: Application) -> None:
    rules = [permission("update", "directus_users", rows=OWN, fields="password")]
    clerk = await app.user("clerk", rules)
    session = await session_of(app, "clerk")
    for path in ("/users/me", f"/users/{clerk}"):
        assert await ask(app, session, "PATCH", path, {"password": "clerk@example.com"}) == 400
        assert await ask(app, session, "PATCH", path, {"password": "something else altogether"}) == 204
    assert await ask(app, session, "PATCH", "/users/%00", {"password": "something else altogether"}) == 403


CREDENTIALS = [
    permission("read", "directus_users", fields="id,last_name"),
    permission("update", "directus_users", fields="last_name,password,token"),
    permission("create", "directus_users", fields="email,last_name,password,token"),
    permission("read", "directus_roles"),
    permission("update", "directus_roles"),
]
SECRETS: list[dict[str, Any]] = [
    {"password": "something else altogether"},
    {"password": None},
    {"token": "a-new-token-of-mine"},
    {"token": None},
]


@pytest.mark.parametrize("secret", SECRETS)
async def test_a_static_token_sets_nobodys_credentials(app: Application, secret: dict[str, Any]) -> None:
    clerk = await app.user("clerk", CREDENTIALS)
    role = (await app.admin("GET", f"/users/{clerk}"))["role"]
    guest = {"email": "guest@example.com"}
    for method, path, body in (
        ("PATCH", "/users/me", secret),
        ("PATCH", f"/users/{clerk}", secret),
        ("PATCH", "/users", {"keys": [clerk], "data": secret}),
        ("PATCH", "/users", [{"id": clerk} | secret]),
        ("POST", "/users", guest | secret),
        ("PATCH", f"/roles/{role}", {"users": [{"id": clerk} | secret]}),
    ):
        assert await ask(app, "clerk-static-token", method, path, body) == 403, (method, path)
    assert await whose(app, "clerk-static-token") == clerk
    assert (await app.login("clerk"))["access_token"]
    assert await app.admin("GET", "/users?filter[email][_eq]=guest@example.com") == []


@pytest.mark.parametrize("secret", SECRETS)
async def test_who_is_logged_in_sets_credentials(app: Application, secret: dict[str, Any]) -> None:
    clerk = await app.user("clerk", CREDENTIALS)
    session = await session_of(app, "clerk")
    assert await ask(app, session, "PATCH", f"/users/{clerk}", secret) == 200
    guest = {"email": "guest@example.com"} | {name: value and f"{value} 2" for name, value in secret.items()}
    assert await ask(app, session, "POST", "/users", guest) == 200


async def test_a_static_token_writes_the_rest_of_users(app: Application) -> None:
    clerk = await app.user("clerk", CREDENTIALS)
    for body in ({"last_name": "x"}, {"last_name": "x", "token": "**********", "password": "**********"}):
        assert await ask(app, "clerk-static-token", "PATCH", f"/users/{clerk}", body) == 200
    assert await ask(app, "clerk-static-token", "POST", "/users", {"email": "guest@example.com"}) == 200


async def test_an_administrators_token_sets_credentials(app: Application) -> None:
    clerk = await app.user("clerk", CREDENTIALS)
    await app.admin("PATCH", f"/users/{clerk}", {"password": "something else altogether"})
    await app.admin("PATCH", f"/users/{clerk}", {"token": "a-new-token-of-mine"})
    assert await whose(app, "a-new-token-of-mine") == clerk
