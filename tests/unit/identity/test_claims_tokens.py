"""Tokens of an application's own, held against what jsonwebtoken 9 makes and says."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.identity.claims_tokens import ClaimsTokens, TokenKeys, iso_date

NOW = 1_800_000_000
SECRET = TokenKeys(secret="key")


def part(value: Any) -> str:
    data = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def pair(kind: str) -> TokenKeys:
    key: Any = {
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "small": lambda: rsa.generate_private_key(65537, 1024),  # noqa: S505 - to see it refused
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p521": lambda: ec.generate_private_key(ec.SECP521R1()),
        "ed": ed25519.Ed25519PrivateKey.generate,
    }[kind]()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return TokenKeys(private_key=private, public_key=public.decode())


def tokens(keys: TokenKeys = SECRET) -> ClaimsTokens:
    return ClaimsTokens(keys, ManualClock(NOW))


def refusal(token: str, keys: TokenKeys = SECRET) -> Problem:
    with pytest.raises(Problem) as caught:
        tokens(keys).verify(token)
    return caught.value


@pytest.mark.parametrize(
    ("kind", "algorithm"), [("rsa", "RS256"), ("p256", "ES256"), ("p521", "ES512"), ("ed", "EdDSA")]
)
def test_a_pair_of_keys_signs_by_what_fits_it(kind: str, algorithm: str) -> None:
    keys = pair(kind)
    token, _ = tokens(keys).sign({"username": "bob"})
    assert json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))["alg"] == algorithm
    assert tokens(keys).verify(token)["username"] == "bob"
    assert refusal(token, pair(kind)).message == "invalid signature"


def test_a_token_has_the_claims_and_the_dates_that_were_asked_for() -> None:
    token, claims = tokens().sign(
        {"a": 1},
        {"expires_in": "30m", "not_before": -5, "subject": "s", "jwt_id": "j", "audience": ["x"], "issuer": "i"},
    )
    assert claims == {
        "a": 1,
        "iat": NOW,
        "exp": NOW + 1800,
        "nbf": NOW - 5,
        "sub": "s",
        "jti": "j",
        "aud": ["x"],
        "iss": "i",
    }
    assert tokens().verify(token) == claims
    assert tokens().sign({"exp": NOW + 1}, {"expires_in": 60})[1]["exp"] == NOW + 1
    assert tokens().sign({})[1]["exp"] == NOW + 86_400
    assert "iat" not in tokens().sign({}, {"no_timestamp": True})[1]
    assert tokens().sign({}, {"expires_in": "60"})[1]["exp"] == NOW


@pytest.mark.parametrize(
    ("claims", "options"),
    [
        ([], {}),
        (None, {}),
        ("text", {}),
        ({"iss": "a"}, {"issuer": "b"}),
        ({"nbf": 1}, {"not_before": 1}),
        ({"exp": "soon"}, {}),
        ({"iat": True}, {}),
        ({}, {"expires_in": 1.5}),
        ({}, {"expires_in": "abc"}),
        ({"a": float("nan")}, {}),
        ({"a": object()}, {}),
    ],
)
def test_what_cannot_be_signed_is_refused(claims: Any, options: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"."):
        tokens().sign(claims, options)


def test_refusals_are_worded_as_clients_know_them() -> None:
    good, _ = tokens().sign({"a": 1})
    head, body, signature = good.split(".")
    said = {
        "": "jwt must be provided",
        "fake": "jwt malformed",
        f"{head}.{body}": "jwt malformed",
        f"{good}.x": "jwt malformed",
        f"{'A' * 70_000}..": "jwt malformed",
        "a.b.c": "invalid token",
        f"{head}=.{body}.{signature}": "invalid token",
        f"{head}.{body}.": "jwt signature is required",
        f"{part({'alg': 'none'})}.{body}.": "jwt signature is required",
        f"{part({'alg': 'none'})}.{body}.{signature}": "invalid algorithm",
        f"{part({})}.{body}.{signature}": "invalid algorithm",
        f"{part({'alg': 'RS256'})}.{body}.{signature}": "invalid algorithm",
        f"{part({'alg': ['HS256']})}.{body}.{signature}": "invalid algorithm",
        f"{part([])}.{body}.{signature}": "invalid token",
        f"{head}.{body[:-4]}.{signature}": "invalid signature",
        f"{head}.{body}.{signature[:-2]}AA": "invalid signature",
        tokens(TokenKeys(secret="other")).sign({})[0]: "invalid signature",
    }
    assert {token: refusal(token).message for token in said} == said
    assert {refusal(token).code for token in said} == {Code.INVALID_TOKEN}


@pytest.mark.parametrize(
    ("claims", "code", "message", "told"),
    [
        ({"exp": NOW}, Code.TOKEN_EXPIRED, "jwt expired", {"reason": "expired", "date": "2027-01-15T08:00:00.000Z"}),
        ({"nbf": NOW + 1}, Code.INVALID_TOKEN, "jwt not active", {"reason": "inactive", "date": iso_date(NOW + 1)}),
    ],
)
def test_a_token_out_of_its_time_says_since_when(
    claims: dict[str, Any], code: Code, message: str, told: dict[str, Any]
) -> None:
    problem = refusal(tokens().sign(claims)[0])
    assert (problem.code, problem.message, problem.extensions) == (code, message, told)


@pytest.mark.parametrize("name", ["exp", "nbf"])
def test_a_date_that_is_no_number_is_no_date(name: str) -> None:
    assert refusal(forged({name: "soon"})).message == f"invalid {name} value"
    assert refusal(forged({name: True})).message == f"invalid {name} value"


def forged(payload: Any) -> str:
    """Sign whatever it is, as another program could that knows the key."""
    from joserfc import jws  # noqa: PLC0415 - for this alone

    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return jws.serialize_compact({"alg": "HS256"}, data, tokens()._signing, algorithms=["HS256"])


def test_dates_may_be_beyond_every_calendar_and_issue_in_the_future() -> None:
    claims = {"exp": 3_163_758_978_215_487, "iat": NOW + 999}
    assert tokens().verify(forged(claims)) == claims
    assert iso_date(3_163_758_978_215_487) is None


@pytest.mark.parametrize("payload", ["text", [1], None, b"not json"])
def test_a_payload_that_is_no_object_is_refused(payload: Any) -> None:
    assert refusal(forged(payload)).extensions == {"reason": "malformed"}


def test_a_public_key_is_no_secret() -> None:
    keys = pair("rsa")
    public = keys.public_key
    assert isinstance(public, str)
    message = f"{part({'alg': 'HS256'})}.{part({'admin': True})}"
    signature = hmac.digest(public.encode(), message.encode(), "sha256")
    assert refusal(f"{message}.{part(signature)}", keys).message == "invalid algorithm"
    with pytest.raises(ValueError, match="public keys"):
        tokens(TokenKeys(secret=public))


def test_an_algorithm_that_is_named_is_the_only_one_unless_others_are() -> None:
    token, _ = tokens(TokenKeys(secret="key", algorithm="HS512")).sign({})
    assert tokens().verify(token)
    assert refusal(token, TokenKeys(secret="key", algorithm="HS256")).message == "invalid algorithm"
    assert tokens(TokenKeys(secret="key", algorithm="HS256", verify_algorithms=("HS512",))).verify(token)


@pytest.mark.parametrize(
    "keys",
    [
        TokenKeys(),
        TokenKeys(secret="a", private_key="b", public_key="c"),
        TokenKeys(private_key="b"),
        TokenKeys(private_key="b", public_key="c"),
        TokenKeys(secret="a", algorithm="RS256"),
    ],
)
def test_keys_that_do_not_fit_together_are_refused(keys: TokenKeys) -> None:
    with pytest.raises(ValueError, match=r"."):
        tokens(keys)


def test_a_small_rsa_key_is_refused() -> None:
    with pytest.raises(ValueError, match="2048"):
        tokens(pair("small"))


def test_keys_are_not_shown() -> None:
    assert "key-of-mine" not in repr(TokenKeys(secret="key-of-mine"))


@given(st.text() | st.lists(st.text(alphabet="aA0-_=.{}"), max_size=5).map(".".join))
def test_no_text_breaks_the_reading(text: str) -> None:
    assert refusal(text).code is Code.INVALID_TOKEN
