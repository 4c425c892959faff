"""Tokens of another issuer, by the keys that it publishes."""

from __future__ import annotations

import time
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, OctKey, RSAKey

from watchword.base.errors import Code, Problem
from watchword.identity.client import Client
from watchword.identity.jwks import jwks_authenticator
from watchword.identity.outside import Authenticator, Identified

ISSUER = "https://idp.example.com"


@pytest.fixture(scope="module")
def keys() -> dict[str, Any]:
    return {
        "rsa": RSAKey.generate_key(2048, {"kid": "r", "alg": "RS256"}),
        "ec": ECKey.generate_key("P-256", {"kid": "e", "alg": "ES256"}),
        "other": RSAKey.generate_key(2048, {"kid": "r", "alg": "RS256"}),
    }


@pytest.fixture
def authenticator(keys: dict[str, Any]) -> Authenticator:
    published = KeySet([keys["rsa"], keys["ec"]]).as_dict(private=False)
    return jwks_authenticator(published, issuer=ISSUER, audience="shop")


def token(key: Any, algorithm: str = "RS256", kid: str | None = "r", **claims: Any) -> str:
    header = {"alg": algorithm} | ({} if kid is None else {"kid": kid})
    said = {"iss": ISSUER, "aud": "shop", "sub": "ann", "exp": int(time.time()) + 60} | claims
    return jwt.encode(header, {name: value for name, value in said.items() if value is not None}, key, [algorithm])


async def judge(authenticator: Authenticator, text: str) -> Identified | Code | None:
    try:
        return await authenticator(text, Client())
    except Problem as problem:
        return problem.code


async def test_a_good_token_says_who_it_is(authenticator: Authenticator, keys: dict[str, Any]) -> None:
    found = await judge(authenticator, token(keys["rsa"], sid="s", scope="read write"))
    assert isinstance(found, Identified)
    assert (found.user, found.session, found.scopes, found.roles) == ("ann", "s", ("read", "write"), ())
    assert isinstance(await judge(authenticator, token(keys["ec"], "ES256", "e", aud=["x", "shop"])), Identified)


async def test_a_token_of_nobody_in_particular_names_no_user(
    authenticator: Authenticator, keys: dict[str, Any]
) -> None:
    claims = {"iss": ISSUER, "aud": "shop", "exp": int(time.time()) + 60, "sub": None, "sid": None}
    nobody = jwt.encode({"alg": "RS256", "kid": "r"}, claims, keys["rsa"], ["RS256"])
    for text in (nobody, token(keys["rsa"], sub=None)):
        found = await judge(authenticator, text)
        assert isinstance(found, Identified)
        assert (found.user, found.session) == (None, None)


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        ({"exp": 1}, Code.TOKEN_EXPIRED),
        ({"exp": None}, Code.INVALID_TOKEN),
        ({"exp": "later"}, Code.INVALID_TOKEN),
        ({"nbf": 2**40}, Code.INVALID_TOKEN),
        ({"aud": "another"}, Code.INVALID_TOKEN),
        ({"aud": None}, Code.INVALID_TOKEN),
        ({"iss": "https://other.example.com"}, None),
        ({"iss": None}, None),
    ],
)
async def test_a_token_that_is_not_good_gets_nobody_in(
    authenticator: Authenticator, keys: dict[str, Any], claims: dict[str, Any], expected: Code | None
) -> None:
    assert await judge(authenticator, token(keys["rsa"], **claims)) is expected


async def test_a_forged_token_gets_nobody_in(authenticator: Authenticator, keys: dict[str, Any]) -> None:
    good = token(keys["rsa"])
    shared = OctKey.import_key("a shared secret that is long enough")
    for forged in (
        token(keys["other"]),
        token(keys["other"], kid="unknown"),
        token(shared, "HS256"),
        f"{good[:-4]}AAAA",
        f"{good.rsplit('.', 1)[0]}.",
    ):
        assert await judge(authenticator, forged) is Code.INVALID_TOKEN
    for foreign in ("", "ww_static", "a.b.c", "..", "é.é.é", f"{'a' * 20_000}.b.c"):
        assert await judge(authenticator, foreign) is None


def test_keys_come_over_https_alone() -> None:
    with pytest.raises(ValueError, match="https"):
        jwks_authenticator("http://idp.example.com/keys", issuer=ISSUER, audience=None)


async def test_keys_that_cannot_be_read_close_the_road_for_now(keys: dict[str, Any]) -> None:
    away = jwks_authenticator("https://127.0.0.1:1/keys", issuer=ISSUER, audience=None, timeout=0.5)
    assert await judge(away, token(keys["rsa"])) is Code.SERVICE_UNAVAILABLE
