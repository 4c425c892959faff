"""Somebody who administers is always left."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import anyio
import httpx
import pytest

from tests.support.application import ADMIN, PASSWORD, Application, application, permission
from watchword.base.errors import Code, Problem
from watchword.identity.administrators import has_administrator
from watchword.identity.users import Status

REASON = "At least one active administrator has to remain"


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Application]:
    """An application with its one administrator."""
    async with application(database_url) as app:
        yield app


async def ids(place: Application) -> dict[str, Any]:
    me = await place.admin("GET", "/users/me?fields=id,role.id,role.policies.id,role.policies.policy")
    [access] = me["role"]["policies"]
    return {"user": me["id"], "role": me["role"]["id"], "access": access["id"], "policy": access["policy"]}


def changes(of: dict[str, Any]) -> list[tuple[str, str, Any]]:
    """Return every way to take the last administrator away."""
    return [
        ("PATCH", f"/users/{of['user']}", {"status": "suspended"}),
        ("PATCH", f"/users/{of['user']}", {"role": None}),
        ("PATCH", "/users/me", {"status": "archived"}),
        ("PATCH", "/users", {"keys": [of["user"]], "data": {"status": "draft"}}),
        ("PATCH", "/users", [{"id": of["user"], "status": "draft"}]),
        ("DELETE", f"/users/{of['user']}", None),
        ("DELETE", f"/roles/{of['role']}", None),
        ("PATCH", f"/roles/{of['role']}", {"users": []}),
        ("PATCH", f"/roles/{of['role']}", {"policies": {"delete": [of["access"]]}}),
        ("POST", "/roles", {"name": "Nobodies", "users": [of["user"]]}),
        ("PATCH", f"/policies/{of['policy']}", {"admin_access": False}),
        ("DELETE", f"/policies/{of['policy']}", None),
        ("DELETE", f"/access/{of['access']}", None),
        ("PATCH", f"/access/{of['access']}", {"policy": {"id": of["policy"], "admin_access": False}}),
    ]


def code(answer: httpx.Response) -> tuple[int, str | None]:
    extensions = answer.json()["errors"][0]["extensions"] if answer.content and "errors" in answer.json() else {}
    return answer.status_code, extensions.get("code")


async def test_last_administrator_cannot_be_taken_away(place: Application) -> None:
    for method, path, body in changes(await ids(place)):
        answer = await place.http.request(method, path, json=body, headers=ADMIN)

        assert code(answer) == (422, "UNPROCESSABLE_CONTENT"), (method, path, answer.text)
        assert answer.json()["errors"][0]["extensions"]["reason"] == REASON
    assert (await place.http.get("/users/me", headers=ADMIN)).status_code == 200


async def test_one_of_two_administrators_can_go(place: Application) -> None:
    of = await ids(place)
    other = {"email": "b@example.com", "role": of["role"], "token": "bea-static-token"}
    await place.admin("POST", "/users", other)
    await place.admin("PATCH", f"/users/{of['user']}", {"status": "suspended"})

    answer = await place.http.patch(
        "/users/me", json={"role": None}, headers={"Authorization": "Bearer bea-static-token"}
    )

    assert code(answer) == (422, "UNPROCESSABLE_CONTENT")


async def test_suspended_administrator_does_not_count(place: Application) -> None:
    of = await ids(place)
    await place.admin("POST", "/users", {"email": "b@example.com", "role": of["role"], "status": "suspended"})

    answer = await place.http.delete(f"/users/{of['user']}", headers=ADMIN)

    assert code(answer) == (422, "UNPROCESSABLE_CONTENT")


async def test_administrator_by_a_role_above_counts(place: Application) -> None:
    of = await ids(place)
    child = await place.admin("POST", "/roles", {"name": "Child", "parent": of["role"]})
    await place.admin("POST", "/users", {"email": "b@example.com", "role": child["id"], "token": "bea-static-token"})
    await place.admin("PATCH", f"/roles/{of['role']}", {"parent": child["id"]})  # a circle, which ends

    answer = await place.http.delete(f"/users/{of['user']}", headers=ADMIN)

    assert answer.status_code == 204
    assert (await place.http.get("/roles", headers={"Authorization": "Bearer bea-static-token"})).status_code == 200


async def test_administrator_in_person_counts(place: Application) -> None:
    of = await ids(place)
    given = {"create": [{"policy": of["policy"]}], "update": [], "delete": []}
    await place.admin("POST", "/users", {"email": "b@example.com", "policies": given})

    assert (await place.http.delete(f"/users/{of['user']}", headers=ADMIN)).status_code == 204


async def test_somebody_else_cannot_take_the_last_one_away_either(place: Application) -> None:
    of = await ids(place)
    await place.user("mel", [permission(action, "directus_users") for action in ("read", "update", "delete")])

    answer = await place.http.delete(f"/users/{of['user']}", headers={"Authorization": "Bearer mel-static-token"})

    assert code(answer) == (422, "UNPROCESSABLE_CONTENT")


async def test_other_changes_go_through(place: Application) -> None:
    of = await ids(place)
    await place.admin("PATCH", f"/users/{of['user']}", {"first_name": "Ada"})
    await place.admin("PATCH", f"/roles/{of['role']}", {"name": "Chiefs"})
    mel = await place.user("mel", [])
    await place.admin("DELETE", f"/users/{mel}")


async def test_two_who_go_at_the_same_time_leave_one(place: Application) -> None:
    of = await ids(place)
    other = {"email": "b@example.com", "role": of["role"], "token": "bea-static-token"}
    key = (await place.admin("POST", "/users", other))["id"]
    statuses: list[int] = []

    async def leave(user: str, headers: dict[str, str]) -> None:
        answer = await place.http.patch(f"/users/{user}", json={"status": "archived"}, headers=headers)
        statuses.append(answer.status_code)

    async with anyio.create_task_group() as group:
        group.start_soon(leave, of["user"], ADMIN)
        group.start_soon(leave, key, {"Authorization": "Bearer bea-static-token"})

    assert sorted(statuses) in ([200, 422], [204, 422])
    assert await has_administrator(place.app.parts.db)


async def test_command_line_does_not_suspend_the_last_one(place: Application) -> None:
    users = place.app.parts.identity.users
    of = await ids(place)

    with pytest.raises(Problem) as caught:
        await users.set_status(of["user"], Status.SUSPENDED)

    assert caught.value.code is Code.UNPROCESSABLE_CONTENT
    login = {"email": "admin@example.com", "password": PASSWORD}
    assert (await place.http.post("/auth/login", json=login)).status_code == 200
