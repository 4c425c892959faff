"""JWKS: whose tokens are taken, and how often keys are read for those whose are not."""

from __future__ import annotations

import base64
import hmac
import io
import json
import time
from typing import Any
from urllib.error import URLError

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

from watchword.base.errors import Code, Problem
from watchword.identity import jwks
from watchword.identity.client import Client
from watchword.identity.jwks import jwks_authenticator

ISSUER, AUDIENCE = "https://idp.example.com", "shop"
RSA = RSAKey.generate_key(2048, {"kid": "rsa"})
CURVE = ECKey.generate_key("P-256", {"kid": "curve"})
PUBLISHED: dict[str, Any] = {"keys": [RSA.as_dict(private=False), CURVE.as_dict(private=False)]}


def claims(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    said = {"iss": ISSUER, "aud": AUDIENCE, "sub": "ann", "exp": now + 60} | more
    return {name: value for name, value in said.items() if value is not None}


def token(said: dict[str, Any], key: Any = RSA, algorithm: str = "RS256", kid: str | None = "rsa") -> str:
    header = {"alg": algorithm} | ({} if kid is None else {"kid": kid})
    return jwt.encode(header, said, key, algorithms=[algorithm])


def encoded(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode()


async def judged(text: str, keys: Any = PUBLISHED, **options: Any) -> str | None:
    found = await jwks_authenticator(keys, issuer=ISSUER, audience=AUDIENCE, **options)(text, Client())
    return None if found is None else found.user


async def refused(text: str, **options: Any) -> Code:
    with pytest.raises(Problem) as raised:
        await judged(text, **options)
    return raised.value.code


async def test_a_token_of_the_issuer_for_us_is_good() -> None:
    assert await judged(token(claims())) == "ann"
    assert await judged(token(claims(aud=["other", AUDIENCE]), CURVE, "ES256", "curve")) == "ann"


@pytest.mark.parametrize("said", [{"iss": "https://else.example.com"}, {"iss": None}])
async def test_a_token_of_somebody_else_is_left_to_others(said: dict[str, Any]) -> None:
    assert await judged(token(claims(**said))) is None
    assert await judged("no token") is None


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"aud": "other"}, Code.INVALID_TOKEN),
        ({"aud": None}, Code.INVALID_TOKEN),
        ({"exp": None}, Code.INVALID_TOKEN),
        ({"exp": 1}, Code.TOKEN_EXPIRED),
        ({"nbf": 2**40}, Code.INVALID_TOKEN),
    ],
)
async def test_a_token_that_is_not_for_us_or_not_for_now_is_refused(said: dict[str, Any], code: Code) -> None:
    assert await refused(token(claims(**said))) is code


async def test_a_token_by_another_key_is_refused_whatever_its_algorithm() -> None:
    other = RSAKey.generate_key(2048, {"kid": "rsa"})
    assert await refused(token(claims(), other)) is Code.INVALID_TOKEN
    for algorithm in ("HS256", "none"):  # by the public key as if it were a secret, and by nothing
        said = ".".join(encoded(part) for part in ({"alg": algorithm, "kid": "rsa"}, claims()))
        digest = hmac.digest(RSA.as_pem(private=False), said.encode(), "sha256")
        signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        assert await refused(f"{said}.{signature}") is Code.INVALID_TOKEN
        assert await refused(f"{said}.") is Code.INVALID_TOKEN
    assert await refused(token(claims()), algorithms=["ES256"]) is Code.INVALID_TOKEN


class Site:
    """What the address of the keys answers: in place of the network."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, leads_to: str = ISSUER) -> None:
        self.read = 0
        self.is_away = False
        self._leads_to = leads_to
        monkeypatch.setattr(jwks, "urlopen", self.open)

    def open(self, request: Any, timeout: float) -> Any:
        del timeout
        self.read += 1
        if self.is_away:
            raise URLError("away")
        answer = io.BytesIO(json.dumps(PUBLISHED).encode())
        answer.geturl = lambda: self._leads_to or request.full_url  # type: ignore[attr-defined]
        return answer


async def test_keys_are_not_read_for_every_token_of_an_unknown_key(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch)
    authenticate = jwks_authenticator(f"{ISSUER}/jwks", issuer=ISSUER, audience=AUDIENCE)
    for _ in range(3):
        with pytest.raises(Problem):
            await authenticate(token(claims(), kid="unknown"), Client())
    assert site.read == 1
    found = await authenticate(token(claims()), Client())
    assert (found and found.user, site.read) == ("ann", 1)


async def test_a_site_that_is_away_is_not_asked_for_every_token(monkeypatch: pytest.MonkeyPatch) -> None:
    site = Site(monkeypatch)
    site.is_away = True
    authenticate = jwks_authenticator(f"{ISSUER}/jwks", issuer=ISSUER, audience=AUDIENCE)
    for _ in range(3):
        with pytest.raises(Problem) as raised:
            await authenticate(token(claims()), Client())
        assert raised.value.code is Code.SERVICE_UNAVAILABLE
    assert site.read == 1


async def test_keys_are_taken_from_secure_addresses_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    Site(monkeypatch, leads_to="http://idp.example.com/jwks")
    assert await refused(token(claims()), keys=f"{ISSUER}/jwks") is Code.SERVICE_UNAVAILABLE
    with pytest.raises(ValueError, match="https"):
        jwks_authenticator("http://idp.example.com/jwks", issuer=ISSUER, audience=None)
