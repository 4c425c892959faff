from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest

from tests.support.application import ADMIN, Application, application, permission
from tests.unit.http.conftest import ADMIN as HTTP_ADMIN
from tests.unit.http.conftest import EDITOR, NOBODY, READER

MEL = {"Authorization": "Bearer mel-static-token"}
OWN = {"owner": {"_eq": "$CURRENT_USER"}}


@pytest.fixture
async def place(database_url: str) -> AsyncIterator[Application]:
    """An application with Mel, who writes articles of her own and reads published ones."""
    async with application(database_url) as app:
        await app.user(
            "mel",
            [
                permission("read", rows={"status": {"_eq": "published"}}, fields="id,title"),
                permission("read", rows=OWN, fields="id,title,status"),
                permission("create", fields="title,owner") | {"presets": {"owner": "$CURRENT_USER", "status": "new"}},
                permission("update", rows=OWN, fields="title"),
                permission("update", rows={"status": {"_eq": "open"}}, fields="status"),
                permission("delete", rows=OWN),
                permission("read", collection="gone"),
            ],
        )
        yield app


async def test_roles_of_the_caller_are_told_with_those_above_them(place: Application) -> None:
    top = await place.admin("POST", "/roles", {"name": "Top", "children": [{"name": "Middle"}]})
    [middle] = top["children"]
    policy = await place.admin("POST", "/policies", {"name": "Roles", "permissions": [_reading_roles()]})
    await place.admin("POST", "/access", {"role": top["id"], "policy": policy["id"]})
    user = {"email": "low@example.com", "role": middle, "token": "low-static-token"}
    await place.admin("POST", "/users", user)

    answer = await place.http.get("/roles/me?fields=id,name", headers={"Authorization": "Bearer low-static-token"})
    tree = await place.admin("GET", f"/roles/{top['id']}?fields=name,children.name,children.parent.name")

    assert answer.json() == {"data": [{"id": top["id"], "name": "Top"}, {"id": middle, "name": "Middle"}]}
    assert tree == {"name": "Top", "children": [{"name": "Middle", "parent": {"name": "Top"}}]}


def _reading_roles() -> dict[str, object]:
    return permission("read", collection="directus_roles")


async def test_roles_are_their_keys_alone_for_who_may_not_read_roles(place: Application) -> None:
    me = await place.http.get("/roles/me", headers=MEL)
    administrator = await place.http.get("/roles/me?fields=name", headers=ADMIN)

    [role] = me.json()["data"]
    assert list(role) == ["id"]
    assert administrator.json() == {"data": [{"name": "Administrator"}]}


async def test_policies_are_told_as_switches(place: Application) -> None:
    async def switches(headers: dict[str, str]) -> object:
        return (await place.http.get("/policies/me/globals", headers=headers)).json()["data"]

    assert await switches(ADMIN) == {"app_access": True, "admin_access": True, "enforce_tfa": False}
    assert await switches(MEL) == {"app_access": False, "admin_access": False, "enforce_tfa": False}
    assert await switches({}) == {"app_access": False}

    [policy] = await place.admin("GET", '/policies?filter={"name":"mel"}&fields=id')
    await place.admin("PATCH", f"/policies/{policy['id']}", {"enforce_tfa": True, "app_access": True})
    assert await switches(MEL) == {"app_access": True, "admin_access": False, "enforce_tfa": True}
    assert await switches(ADMIN) == {"app_access": True, "admin_access": True, "enforce_tfa": False}


async def test_permissions_are_told_by_collection_and_action(place: Application) -> None:
    user = (await place.http.get("/users/me", headers=MEL)).json()["data"]["id"]
    told = (await place.http.get("/permissions/me", headers=MEL)).json()["data"]

    assert told == {
        "articles": {
            "create": {
                "access": "full",
                "fields": ["owner", "title"],
                "presets": {"owner": user, "status": "new"},
            },
            "read": {"access": "partial", "fields": ["id", "status", "title"]},
            "update": {"access": "partial", "fields": ["status", "title"]},
            "delete": {"access": "partial", "fields": ["*"]},
            "share": {"access": "none"},
        }
    }


async def test_permissions_of_an_administrator_are_all_there_are(place: Application) -> None:
    told = (await place.http.get("/permissions/me", headers=ADMIN)).json()["data"]

    assert {"articles", "authors", "directus_users", "directus_settings"} <= told.keys()
    assert told["articles"] == {
        action: {"access": "full", "fields": ["*"]} for action in ("create", "read", "update", "delete", "share")
    }


async def test_permissions_on_one_item_follow_its_values(place: Application) -> None:
    user = (await place.http.get("/users/me", headers=MEL)).json()["data"]["id"]
    rows = [{"title": "hers", "owner": user, "status": "open"}, {"title": "open", "status": "open"}, {"title": "no"}]
    keys = [row["id"] for row in await place.admin("POST", "/items/articles", rows)]

    async def told(key: object, headers: dict[str, str] = MEL) -> object:
        answer = await place.http.get(f"/permissions/me/articles/{key}", headers=headers)
        return answer.json()["data"]

    nothing = {"update": {"access": False}, "delete": {"access": False}, "share": {"access": False}}
    assert await told(keys[0]) == {
        "update": {"access": True, "fields": ["status", "title"], "presets": {}},
        "delete": {"access": True},
        "share": {"access": False},
    }
    assert await told(keys[1]) == {
        "update": {"access": True, "fields": ["status"], "presets": {}},
        "delete": {"access": False},
        "share": {"access": False},
    }
    assert await told(keys[2]) == await told(999) == await told("x") == nothing
    everything = {"update": {"access": True, "fields": ["*"], "presets": {}}}
    assert await told(keys[2], ADMIN) == {**everything, "delete": {"access": True}, "share": {"access": True}}


async def test_permissions_on_a_collection_are_those_on_some_item(place: Application) -> None:
    answer = await place.http.get("/permissions/me/articles", headers=MEL)
    missing = await place.http.get("/permissions/me/nowhere", headers=MEL)
    forbidden = await place.http.get("/permissions/me/authors", headers=MEL)

    assert answer.json()["data"]["update"] == {"access": True, "fields": ["status", "title"], "presets": {}}
    assert missing.json() == forbidden.json()
    assert (await place.http.get("/permissions/me/nowhere", headers=ADMIN)).status_code == 403


@pytest.mark.parametrize(
    "path", ["/roles/me", "/permissions/me", "/permissions/me/articles", "/permissions/me/articles/1"]
)
async def test_nobody_has_nothing_to_ask(client: httpx.AsyncClient, path: str) -> None:
    assert (await client.get(path, headers=NOBODY)).status_code == 403
    for headers in (HTTP_ADMIN, EDITOR, READER):
        assert (await client.get(path, headers=headers)).status_code == 200
