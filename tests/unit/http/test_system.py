from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, EDITOR, NOBODY, PASSWORD, READER, create_user

FAMILIES = ["users", "roles", "policies", "access", "permissions"]
FIELDS_OF_OTHERS: dict[str, Any] = {"collection": "directus_users", "action": "read", "fields": ["id", "first_name"]}


@pytest.mark.parametrize("family", FAMILIES)
async def test_administrator_reads_every_family(client: httpx.AsyncClient, family: str) -> None:
    listed = await client.get(f"/{family}?limit=1&meta=total_count", headers=ADMIN)
    searched = await client.request("SEARCH", f"/{family}", json={"query": {"limit": 1}}, headers=ADMIN)

    assert listed.status_code == 200
    assert listed.json()["meta"]["total_count"] >= 1
    assert searched.json()["data"]
    key = listed.json()["data"][0]["id"]
    assert (await client.get(f"/{family}/{key}?fields=id", headers=ADMIN)).json() == {"data": {"id": key}}


@pytest.mark.parametrize("family", FAMILIES)
async def test_others_read_no_family_and_change_none(client: httpx.AsyncClient, family: str) -> None:
    text = f'You don\'t have permission to access collection "directus_{family}" or it does not exist. Queried in root.'
    for headers in (EDITOR, READER, NOBODY):
        for method, body in (("GET", None), ("SEARCH", {}), ("POST", {}), ("PATCH", []), ("DELETE", ["x"])):
            answer = await client.request(method, f"/{family}", json=body, headers=headers)

            assert answer.status_code == 403, (method, answer.text)
            assert answer.json()["errors"][0]["message"] == text or method != "GET"


async def test_roles_are_created_updated_and_deleted_in_batches(client: httpx.AsyncClient) -> None:
    created = await client.post("/roles?fields=id", json=[{"name": "a"}, {"name": "b"}], headers=ADMIN)
    keys = [row["id"] for row in created.json()["data"]]

    by_keys = await client.patch("/roles?fields=name", json={"keys": keys, "data": {"name": "c"}}, headers=ADMIN)
    each = await client.patch("/roles?fields=name", json=[{"id": keys[0], "name": "d"}], headers=ADMIN)
    one = await client.patch(f"/roles/{keys[0]}?fields=name", json={"name": "e"}, headers=ADMIN)
    deleted = await client.request("DELETE", "/roles", json=keys, headers=ADMIN)

    assert by_keys.json() == {"data": [{"name": "c"}, {"name": "c"}]}
    assert each.json() == {"data": [{"name": "d"}]}
    assert one.json() == {"data": {"name": "e"}}
    assert deleted.status_code == 204
    assert (await client.get(f"/roles/{keys[0]}", headers=ADMIN)).status_code == 403


async def test_permissions_are_always_told_whole(client: httpx.AsyncClient) -> None:
    everything = await client.get("/permissions?limit=-1", headers=ADMIN)
    limited = await client.get("/permissions?limit=1", headers=ADMIN)
    searched = await client.request("SEARCH", "/permissions", json={"query": {"limit": 1}}, headers=ADMIN)

    assert len(everything.json()["data"]) > 1
    assert limited.json() == searched.json() == everything.json()
    assert len((await client.get("/roles?limit=1", headers=ADMIN)).json()["data"]) == 1


async def test_secrets_of_a_user_are_never_told(client: httpx.AsyncClient) -> None:
    rows = (await client.get("/users?filter[email][_eq]=reader@example.com", headers=ADMIN)).json()["data"]
    exported = await client.get("/users?export=csv", headers=ADMIN)

    assert rows[0]["password"] == rows[0]["token"] == "**********"
    assert "argon2" not in exported.text
    assert "static-token" not in exported.text


async def test_me_is_the_callers_own_row(client: httpx.AsyncClient) -> None:
    answer = await client.get("/users/me?fields=email,status", headers=ADMIN)

    assert answer.json() == {"data": {"email": "admin@example.com", "status": "active"}}


async def test_me_is_the_key_alone_for_who_may_not_read_users(client: httpx.AsyncClient) -> None:
    for path in ("/users/me", "/users/me?fields=id,email,role"):
        answer = await client.get(path, headers=READER)

        assert answer.status_code == 200
        assert list(answer.json()["data"]) == ["id"]


async def test_me_of_nobody_is_refused(client: httpx.AsyncClient) -> None:
    read = await client.get("/users/me")
    update = await client.patch("/users/me", json={"title": "x"})

    assert (read.status_code, update.status_code) == (401, 401)
    assert read.json() == {
        "errors": [{"message": "Invalid user credentials.", "extensions": {"code": "INVALID_CREDENTIALS"}}]
    }


async def test_me_is_updated_by_who_may_update_users_and_by_nobody_else(client: httpx.AsyncClient) -> None:
    own = {"collection": "directus_users", "permissions": {"id": {"_eq": "$CURRENT_USER"}}}
    fields = {"fields": ["id", "title", "password"]}
    permissions = [own | fields | {"action": action} for action in ("read", "update")]
    await create_user(client, "selfish", permissions)
    selfish = {"Authorization": "Bearer selfish-static-token-0001"}

    updated = await client.patch("/users/me?fields=title", json={"title": "x"}, headers=selfish)
    overreach = await client.patch("/users/me", json={"status": "archived"}, headers=selfish)
    others = await client.patch("/users/me", json={"title": "x"}, headers=READER)

    assert (updated.status_code, updated.json()) == (200, {"data": {"title": "x"}})
    assert overreach.status_code == 403
    assert others.status_code == 403


async def test_changed_password_ends_the_other_sessions_and_keeps_this_one(client: httpx.AsyncClient) -> None:
    own = {"collection": "directus_users", "permissions": {"id": {"_eq": "$CURRENT_USER"}}}
    await create_user(client, "careful", [own | {"action": action} for action in ("read", "update")])
    login = {"email": "careful@example.com", "password": PASSWORD}
    this, other = [(await client.post("/auth/login", json=login)).json()["data"]["access_token"] for _ in range(2)]

    headers = {"Authorization": f"Bearer {this}"}
    answer = await client.patch("/users/me?fields=id", json={"password": "another long phrase 9"}, headers=headers)

    assert answer.status_code == 200
    assert (await client.get("/users/me", headers=headers)).status_code == 200
    assert (await client.get("/users/me", headers={"Authorization": f"Bearer {other}"})).status_code == 401


async def test_me_with_a_bad_query_says_so(client: httpx.AsyncClient) -> None:
    answer = await client.get("/users/me?fields=year(email)", headers=ADMIN)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_QUERY"


async def test_rights_on_users_are_rights_on_fields(client: httpx.AsyncClient) -> None:
    own = {"collection": "directus_users", "permissions": {"id": {"_eq": "$CURRENT_USER"}}}
    permissions: list[dict[str, Any]] = [
        FIELDS_OF_OTHERS,
        own | {"action": "read", "fields": ["id", "first_name", "email", "role"]},
        own | {"action": "update", "fields": ["first_name", "tags"]},
    ]
    key = await create_user(client, "fay", permissions)
    fay = {"Authorization": "Bearer fay-static-token-0001"}
    others = (await client.get("/users?limit=-1", headers=fay)).json()["data"]
    mine = (await client.get(f"/users/{key}", headers=fay)).json()["data"]
    stranger = next(row["id"] for row in others if row["id"] != key)

    assert mine["email"] == "fay@example.com"
    assert {tuple(sorted(row)) for row in others} == {("email", "first_name", "id", "role")}
    assert [row["email"] for row in others if row["email"] is not None] == ["fay@example.com"]
    assert (await client.patch("/users/me?fields=id", json={"first_name": "Fay"}, headers=fay)).status_code == 200
    refused = [
        await client.get("/users?fields=status", headers=fay),
        await client.get("/users?fields=token", headers=fay),
        await client.get("/users?fields=password", headers=fay),
        await client.get('/users?filter={"status":{"_eq":"active"}}', headers=fay),
        await client.get("/users?sort=last_access", headers=fay),
        await client.patch("/users/me", json={"first_name": "F", "email": "f@example.com"}, headers=fay),
        await client.patch("/users/me", json={"role": None}, headers=fay),
        await client.patch("/users/me", json={"token": "mine-from-now-on"}, headers=fay),
        await client.patch("/users/me", json={"policies": [{"policy": {"admin_access": True}}]}, headers=fay),
        await client.patch(f"/users/{stranger}", json={"first_name": "x"}, headers=fay),
    ]
    assert {answer.status_code for answer in refused} == {403}


async def test_field_of_a_user_that_is_hidden_on_a_row_cannot_be_asked_about(client: httpx.AsyncClient) -> None:
    own: dict[str, Any] = {"collection": "directus_users", "permissions": {"id": {"_eq": "$CURRENT_USER"}}}
    own["action"] = "read"
    await create_user(client, "gus", [FIELDS_OF_OTHERS, own | {"fields": ["email"]}])
    gus = {"Authorization": "Bearer gus-static-token-0001"}

    async def found(email: str) -> int:
        answer = await client.get("/users", params={"filter[email][_eq]": email, "fields": "id"}, headers=gus)
        return len(answer.json()["data"])

    assert await found("gus@example.com") == 1
    assert await found("admin@example.com") == 0


async def test_password_that_is_changed_within_a_role_ends_the_sessions(client: httpx.AsyncClient) -> None:
    key = await create_user(client, "hal", [])
    role = (await client.get(f"/users/{key}?fields=role", headers=ADMIN)).json()["data"]["role"]
    login = {"email": "hal@example.com", "password": PASSWORD}
    token = (await client.post("/auth/login", json=login)).json()["data"]["access_token"]
    headers = {"Authorization": f"Bearer {token}"}

    async def write(user: dict[str, str]) -> int:
        await client.patch(f"/roles/{role}", json={"users": [user | {"id": key}]}, headers=ADMIN)
        return (await client.get("/users/me", headers=headers)).status_code

    assert await write({"first_name": "Hal"}) == 200
    assert await write({"password": "another long phrase 9"}) == 401
