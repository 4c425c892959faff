"""`/.well-known/jwks.json`: what third parties need to verify access tokens, and nothing private."""

from __future__ import annotations

import httpx
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.unit.http.conftest import PASSWORD
from watchword.app.application import Watchword


async def access_token(client: httpx.AsyncClient) -> str:
    answer = await client.post("/auth/login", json={"email": "reader@example.com", "password": PASSWORD})
    return str(answer.json()["data"]["access_token"])


async def test_anybody_gets_the_public_keys_and_can_verify_tokens_with_them(
    app: Watchword, client: httpx.AsyncClient
) -> None:
    before = await access_token(client)
    await app.parts.identity.keys.rotate()
    after = await access_token(client)
    answer = await client.get("/.well-known/jwks.json")
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "public, max-age=300"
    published = answer.json()["keys"]
    assert len(published) >= 3
    assert {frozenset(key) for key in published} == {frozenset({"kty", "crv", "x", "y", "kid", "use", "alg"})}
    for token in (before, after):
        claims = jwt.decode(token, KeySet.import_key_set(answer.json()), algorithms=["ES256"]).claims
        assert claims["iss"] == "watchword"
        assert (await client.get("/users/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def test_keys_cannot_be_changed_over_http(client: httpx.AsyncClient) -> None:
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert (await client.request(method, "/.well-known/jwks.json", json={})).status_code == 404
