from __future__ import annotations

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, NOBODY

PATHS = {
    "/files": "files",
    "/assets/1": "files",
    "/flows/trigger/1": "flows",
    "/versions/1/compare": "content versions",
    "/extensions/": "extensions",
    "/deployments/a/runs/1/cancel": "deployments",
    "/users/invite": "invitations",
    "/users/register": "registrations",
    "/users/me/tfa/enable": "second factors",
    "/auth/password/request": "password resets",
    "/utils/import/articles": "imports of files",
}


@pytest.mark.parametrize(("path", "feature"), PATHS.items())
async def test_what_there_is_not_says_so(client: httpx.AsyncClient, path: str, feature: str) -> None:
    for headers in (ADMIN, NOBODY):
        answer = await client.post(path, json={}, headers=headers)

        message = f"{feature[0].upper()}{feature[1:]} are not supported by this server."
        assert answer.status_code == 501
        assert answer.json() == {
            "errors": [{"message": message, "extensions": {"feature": feature, "code": "NOT_SUPPORTED"}}]
        }


async def test_what_nobody_knows_does_not_exist(client: httpx.AsyncClient) -> None:
    for path in ("/filesystem", "/users/invite/nobody/at/all", "/auth/password"):
        answer = await client.post(path, json={}, headers=ADMIN)

        assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (404, "ROUTE_NOT_FOUND")


async def test_items_keep_their_paths_beside_them(client: httpx.AsyncClient) -> None:
    assert (await client.get("/users/nobody", headers=ADMIN)).status_code == 403
    assert (await client.get("/items/settings", headers=ADMIN)).status_code == 200
