from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, NOBODY, PASSWORD, client_of, create_user, serving

ADA = {"Authorization": "Bearer ada-static-token-0001"}


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application that no other test shares: what is chosen here holds for all of it."""
    async with serving(tmp_path) as app, client_of(app) as http:
        yield http


async def change(client: httpx.AsyncClient, **settings: object) -> httpx.Response:
    return await client.patch("/settings", json=settings, headers=ADMIN)


async def test_settings_are_one_item_with_defaults(own: httpx.AsyncClient) -> None:
    answer = await own.get("/settings", headers=ADMIN)

    assert answer.json()["data"] == {
        "id": 1,
        "project_name": None,
        "project_descriptor": None,
        "project_url": None,
        "project_color": "#6644FF",
        "default_language": "en-US",
        "public_note": None,
        "public_registration": False,
        "auth_login_attempts": None,
        "auth_password_policy": None,
    }
    searched = await own.request("SEARCH", "/settings", json={"query": {"fields": ["id"]}}, headers=ADMIN)
    assert searched.json() == {"data": {"id": 1}}


async def test_chosen_name_is_told_to_everybody(own: httpx.AsyncClient) -> None:
    changed = await change(own, project_name="Ours", public_note="Hello", id=7)

    assert changed.json()["data"] | {"id": 1} == changed.json()["data"]
    project = (await own.get("/server/info")).json()["data"]["project"]
    assert (project["project_name"], project["public_note"]) == ("Ours", "Hello")
    await change(own, project_name=None)
    assert (await own.get("/server/info")).json()["data"]["project"]["project_name"] == "Test"


async def test_settings_are_read_and_changed_by_who_may(own: httpx.AsyncClient) -> None:
    reading = {"collection": "directus_settings", "action": "read", "fields": ["project_name"]}
    await create_user(own, "ada", [reading])

    assert (await own.get("/settings", headers=ADA)).json() == {"data": {"project_name": None}}
    assert (await own.patch("/settings", json={"project_name": "Hers"}, headers=ADA)).status_code == 403
    for method in ("GET", "PATCH", "SEARCH"):
        assert (await own.request(method, "/settings", json={}, headers=NOBODY)).status_code == 403
    for method, path in (("DELETE", "/settings"), ("POST", "/settings"), ("PATCH", "/settings/1")):
        assert (await own.request(method, path, json={}, headers=ADMIN)).status_code == 404


@pytest.mark.parametrize("policy", ["/^(?=.*[0-9]).{12,}$/", "^(?=.*[0-9]).{12,}$"])
async def test_password_policy_holds_on_every_road(own: httpx.AsyncClient, policy: str) -> None:
    user = await create_user(own, "ada", [])
    role = (await own.post("/roles", json={"name": "r"}, headers=ADMIN)).json()["data"]["id"]
    assert (await change(own, auth_password_policy=policy)).status_code == 200

    weak = [
        await own.post("/users", json={"email": "a@example.com", "password": "long but no number"}, headers=ADMIN),
        await own.patch(f"/users/{user}", json={"password": "short but 7"}, headers=ADMIN),
        await own.patch(f"/roles/{role}", json={"users": [{"id": user, "password": "short but 7"}]}, headers=ADMIN),
    ]

    for answer in weak:
        [error] = answer.json()["errors"]
        assert (answer.status_code, error["extensions"]["code"]) == (400, "FAILED_VALIDATION")
        assert (error["extensions"]["field"], error["extensions"]["type"]) == ("password", "regex")
    good = await own.patch(f"/users/{user}", json={"password": "long enough and 7"}, headers=ADMIN)
    assert good.status_code == 200
    login = {"email": "ada@example.com", "password": "long enough and 7"}
    assert (await own.post("/auth/login", json=login)).status_code == 200


async def test_nested_password_has_to_be_a_good_one(own: httpx.AsyncClient) -> None:
    user = {"email": "a@example.com", "password": "short"}

    answer = await own.post("/roles", json={"name": "r", "users": [user]}, headers=ADMIN)

    assert answer.json()["errors"][0]["extensions"] == {
        "field": "password",
        "path": [],
        "type": "min_length",
        "code": "FAILED_VALIDATION",
    }


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("auth_password_policy", "(unclosed"),
        ("auth_password_policy", "/a/q"),
        ("auth_login_attempts", 0),
        ("auth_login_attempts", 100_000),
    ],
)
async def test_setting_that_cannot_work_is_refused(own: httpx.AsyncClient, field: str, value: object) -> None:
    [error] = (await change(own, **{field: value})).json()["errors"]

    assert error["extensions"]["code"] == "FAILED_VALIDATION"
    assert error["extensions"]["field"] == field


async def test_registration_cannot_be_switched_on(own: httpx.AsyncClient) -> None:
    assert (await change(own, public_registration=False)).status_code == 200
    answer = await change(own, public_registration=True)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "FAILED_VALIDATION")


async def test_failed_logins_are_counted_as_chosen(own: httpx.AsyncClient) -> None:
    await change(own, auth_login_attempts=2)
    wrong = {"email": "admin@example.com", "password": "wrong"}

    statuses = [(await own.post("/auth/login", json=wrong)).status_code for _ in range(3)]

    assert statuses == [401, 401, 429]
    await change(own, auth_login_attempts=None)
    right = {"email": "admin@example.com", "password": PASSWORD}
    assert (await own.post("/auth/login", json=right)).status_code == 200
