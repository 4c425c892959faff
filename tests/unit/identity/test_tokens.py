"""Access tokens: what is in them, and every forgery that must not pass."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from tests.support.keys import ring_of_one, signing_key
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret, derive
from watchword.identity.signing_keys import KeyRing, SigningKey, State, Vault
from watchword.identity.tokens import AccessTokens, Subject, UnknownKey, looks_like_jwt

SUBJECT = Subject("user-1", "session-1", "role-1", app=True)
TTL = 900.0
LENIENT = JWSRegistry(strict_check_header=False, algorithms=["ES256", "HS256", "ES384", "Ed25519"])


@pytest.fixture
def ring(secret: Secret, clock: ManualClock) -> KeyRing:
    """A current and a next key, one that has retired, and the secret's own key, which has too."""
    until = clock.now() + 3600
    return KeyRing(
        [
            signing_key("current"),
            signing_key("next", State.NEXT),
            signing_key("retired", State.RETIRED, expires_at=until),
            SigningKey(None, "HS256", State.RETIRED, Vault(secret).token_key, until),
        ]
    )


@pytest.fixture
def tokens(ring: KeyRing, clock: ManualClock) -> AccessTokens:
    return AccessTokens(ring, clock)


@pytest.fixture
def token(tokens: AccessTokens, clock: ManualClock) -> str:
    return tokens.issue(SUBJECT, clock.now() + TTL)


def parts(token: str) -> list[dict[str, Any]]:
    return [json.loads(base64.urlsafe_b64decode(part + "===")) for part in token.split(".")[:2]]


def sign(header: dict[str, Any], claims: dict[str, Any], key: Any, **options: Any) -> str:
    return jwt.encode(header, claims, key, default_type=None, **options)


def own_key(ring: KeyRing, name: str | None = "current") -> ECKey | OctKey:
    key = ring.find(name, 0.0)
    assert key is not None
    return key.jwk


def unsigned(header: dict[str, Any], claims: dict[str, Any]) -> str:
    texts = (json.dumps(part).encode() for part in (header, claims))
    return ".".join(base64.urlsafe_b64encode(text).decode().rstrip("=") for text in texts) + "."


def assert_refused(tokens: AccessTokens, token: str, code: Code = Code.INVALID_TOKEN) -> None:
    with pytest.raises(Problem) as caught:
        tokens.verify(token)
    assert caught.value.code is code


def test_token_says_whom_it_is_for(token: str, clock: ManualClock) -> None:
    header, claims = parts(token)
    assert header == {"alg": "ES256", "typ": "at+jwt", "kid": "current"}
    assert claims.pop("jti")
    assert claims == {
        "iss": "watchword",
        "id": "user-1",
        "sub": "user-1",
        "sid": "session-1",
        "role": "role-1",
        "app_access": True,
        "admin_access": False,
        "iat": int(clock.now()),
        "exp": int(clock.now() + TTL),
    }


def test_own_token_is_verified_again_and_again(tokens: AccessTokens, token: str) -> None:
    first, second = tokens.verify(token), tokens.verify(token)
    assert first == second
    assert (first.id, first.sid, first.session) == ("user-1", "session-1", None)


def test_session_mode_token_carries_its_refresh_token(tokens: AccessTokens, clock: ManualClock) -> None:
    token = tokens.issue(Subject("user-1", "session-1", refresh="the refresh token"), clock.now() + TTL)
    assert tokens.verify(token).session == "the refresh token"


def test_token_is_good_until_its_last_moment_and_not_longer(
    tokens: AccessTokens, token: str, clock: ManualClock
) -> None:
    clock.advance(TTL - 0.001)
    tokens.verify(token)
    clock.advance(0.001)
    assert_refused(tokens, token, Code.TOKEN_EXPIRED)


def test_expired_token_is_refused_though_it_was_never_seen(tokens: AccessTokens, clock: ManualClock) -> None:
    assert_refused(tokens, tokens.issue(SUBJECT, clock.now() - 1), Code.TOKEN_EXPIRED)


def test_expired_token_with_a_bad_signature_is_invalid(tokens: AccessTokens, clock: ManualClock) -> None:
    assert_refused(tokens, tokens.issue(SUBJECT, clock.now() - 1)[:-4] + "AAAA")


@pytest.mark.parametrize("name", ["next", "retired"])
def test_every_key_of_the_ring_verifies(tokens: AccessTokens, token: str, ring: KeyRing, name: str) -> None:
    header, claims = parts(token)
    assert tokens.verify(sign(header | {"kid": name}, claims, own_key(ring, name))).sid == "session-1"


def test_key_that_retired_too_long_ago_verifies_nothing(
    tokens: AccessTokens, token: str, ring: KeyRing, clock: ManualClock
) -> None:
    header, claims = parts(token)
    clock.advance(3600)
    claims |= {"exp": int(clock.now() + TTL)}
    assert_refused(tokens, sign(header | {"kid": "retired"}, claims, own_key(ring, "retired")))
    assert_refused(tokens, sign({"alg": "HS256", "typ": "at+jwt"}, claims, own_key(ring, None)))
    assert tokens.verify(sign(header, claims, own_key(ring)))


def test_token_that_was_signed_under_the_secret_is_still_good(tokens: AccessTokens, token: str, ring: KeyRing) -> None:
    _, claims = parts(token)
    assert tokens.verify(sign({"alg": "HS256", "typ": "at+jwt"}, claims, own_key(ring, None))).sid == "session-1"


def test_token_signed_under_the_secret_is_refused_where_no_key_is_left_for_it(
    token: str, ring: KeyRing, clock: ManualClock
) -> None:
    _, claims = parts(token)
    tokens = AccessTokens(ring_of_one("current"), clock)
    assert_refused(tokens, sign({"alg": "HS256", "typ": "at+jwt"}, claims, own_key(ring, None)))


@pytest.mark.parametrize("name", ["current", "next", "retired", "unheard-of"])
def test_token_signed_with_another_key_under_a_name_of_ours_is_refused(
    tokens: AccessTokens, clock: ManualClock, name: str
) -> None:
    stranger = AccessTokens(ring_of_one(name), clock)
    assert_refused(tokens, stranger.issue(SUBJECT, clock.now() + TTL))


def test_key_of_the_ring_does_not_verify_under_the_name_of_another(
    tokens: AccessTokens, token: str, ring: KeyRing
) -> None:
    header, claims = parts(token)
    assert_refused(tokens, sign(header | {"kid": "next"}, claims, own_key(ring)))


def test_key_that_is_not_known_is_told_from_a_bad_signature(
    tokens: AccessTokens, token: str, clock: ManualClock
) -> None:
    with pytest.raises(UnknownKey):
        tokens.verify(AccessTokens(ring_of_one("newer"), clock).issue(SUBJECT, clock.now() + TTL))
    with pytest.raises(Problem) as caught:
        tokens.verify(token[:-4] + "AAAA")
    assert not isinstance(caught.value, UnknownKey)


def test_token_is_forgotten_when_a_key_leaves_the_ring(tokens: AccessTokens, token: str, ring: KeyRing) -> None:
    assert tokens.verify(token)
    ring.replace([signing_key("another")])
    assert_refused(tokens, token)


def test_ring_without_a_key_signs_nothing(clock: ManualClock) -> None:
    with pytest.raises(RuntimeError):
        AccessTokens(KeyRing(), clock).issue(SUBJECT, clock.now() + TTL)


def public_forms(ring: KeyRing) -> list[bytes]:
    """Every form in which a public key might be taken for a shared secret."""
    key = own_key(ring)
    assert isinstance(key, ECKey)
    jwk = key.as_dict(private=False)
    return [
        key.as_pem(private=False),
        key.as_der(private=False),
        str(jwk["x"]).encode(),
        json.dumps(jwk).encode(),
        json.dumps(ring.public(0.0)[0]).encode(),
        json.dumps({"keys": ring.public(0.0)}).encode(),
    ]


@pytest.mark.parametrize("form", range(6))
@pytest.mark.parametrize("kid", [{}, {"kid": "current"}])
def test_public_key_is_not_taken_for_a_shared_secret(
    tokens: AccessTokens, token: str, ring: KeyRing, form: int, kid: dict[str, str]
) -> None:
    _, claims = parts(token)
    body = unsigned({"alg": "HS256", "typ": "at+jwt"} | kid, claims).rstrip(".")
    signature = hmac.digest(public_forms(ring)[form], body.encode(), "sha256")
    assert_refused(tokens, f"{body}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}")


def test_key_of_the_secret_does_not_sign_for_another_key(tokens: AccessTokens, token: str, ring: KeyRing) -> None:
    _, claims = parts(token)
    for kid in ("current", "next", "", "None", "null"):
        header = {"alg": "HS256", "typ": "at+jwt", "kid": kid}
        assert_refused(tokens, sign(header, claims, own_key(ring, None), registry=LENIENT))


def test_elliptic_key_does_not_sign_for_the_key_of_the_secret(tokens: AccessTokens, token: str, ring: KeyRing) -> None:
    _, claims = parts(token)
    assert_refused(tokens, sign({"alg": "ES256", "typ": "at+jwt"}, claims, own_key(ring), registry=LENIENT))


@pytest.mark.parametrize(
    ("alg", "key"), [("ES384", ECKey.generate_key("P-384")), ("Ed25519", OKPKey.generate_key("Ed25519"))]
)
def test_other_asymmetric_algorithm_is_refused(tokens: AccessTokens, token: str, alg: str, key: Any) -> None:
    header, claims = parts(token)
    brought = {"jwk": key.as_dict(private=False)}
    assert_refused(tokens, sign(header | {"alg": alg} | brought, claims, key, registry=LENIENT))


def test_token_signed_with_the_bare_secret_is_refused(tokens: AccessTokens, token: str, secret: Secret) -> None:
    _, claims = parts(token)
    bare = OctKey.import_key(secret.reveal())
    assert_refused(tokens, sign({"alg": "HS256", "typ": "at+jwt"}, claims, bare))


@pytest.mark.parametrize("purpose", ["refresh-token", "signing-keys"])
def test_key_of_another_purpose_signs_no_access_token(
    tokens: AccessTokens, token: str, secret: Secret, purpose: str
) -> None:
    _, claims = parts(token)
    key = OctKey.import_key(derive(secret, purpose))
    assert_refused(tokens, sign({"alg": "HS256", "typ": "at+jwt"}, claims, key))


@pytest.mark.parametrize("alg", ["none", "None", "NONE", "nOnE", ""])
def test_unsigned_token_is_refused(tokens: AccessTokens, token: str, alg: str) -> None:
    header, claims = parts(token)
    assert_refused(tokens, unsigned({"alg": alg, "typ": "at+jwt"}, claims))
    assert_refused(tokens, unsigned(header | {"alg": alg}, claims))


def test_signature_of_a_token_cannot_be_left_out(tokens: AccessTokens, token: str) -> None:
    assert_refused(tokens, token.rpartition(".")[0] + ".")


@pytest.mark.parametrize("alg", ["HS384", "HS512"])
def test_other_algorithm_with_the_right_key_is_refused(
    tokens: AccessTokens, token: str, ring: KeyRing, alg: str
) -> None:
    _, claims = parts(token)
    assert_refused(tokens, sign({"alg": alg, "typ": "at+jwt"}, claims, own_key(ring, None), algorithms=[alg]))


def test_rsa_token_is_refused_whatever_key_it_brings(tokens: AccessTokens, token: str) -> None:
    _, claims = parts(token)
    key = RSAKey.generate_key(2048)
    header = {"alg": "RS256", "typ": "at+jwt", "kid": "current", "jwk": key.as_dict(private=False)}
    assert_refused(tokens, sign(header, claims, key, algorithms=["RS256"]))


def test_rs256_signature_under_an_hs256_header_is_refused(tokens: AccessTokens, token: str) -> None:
    _, claims = parts(token)
    key = RSAKey.generate_key(2048)
    confused = OctKey.import_key(str(key.as_dict(private=False)["n"]))
    assert_refused(tokens, sign({"alg": "HS256", "typ": "at+jwt"}, claims, confused))


@pytest.mark.parametrize(
    "header",
    [
        {"jku": "https://evil.example.com/keys"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"x5u": "https://evil.example.com/certificate"},
        {"unheard-of": 1},
    ],
)
def test_header_that_brings_a_key_changes_nothing(
    tokens: AccessTokens, token: str, ring: KeyRing, header: dict[str, Any]
) -> None:
    own, claims = parts(token)
    forged = ECKey.generate_key("P-256")
    brought = header | ({"jwk": forged.as_dict(private=False)} if "jwk" in header else {})
    assert_refused(tokens, sign(own | brought, claims, forged, registry=LENIENT))
    assert tokens.verify(sign(own | header, claims, own_key(ring), registry=LENIENT)).sid == "session-1"


@pytest.mark.parametrize("kid", ["another", "", "CURRENT", "current ", "../current", "current\x00", 5, [], {}])
def test_token_that_names_no_key_of_ours_is_refused(tokens: AccessTokens, token: str, ring: KeyRing, kid: Any) -> None:
    header, claims = parts(token)
    texts = (json.dumps(part).encode() for part in (header | {"kid": kid}, claims))
    body = ".".join(base64.urlsafe_b64encode(text).decode().rstrip("=") for text in texts)
    signature = sign(header, claims, own_key(ring)).rpartition(".")[2]
    assert_refused(tokens, f"{body}.{signature}")


@pytest.mark.parametrize("typ", ["JWT", "AT+JWT", "at+jwt ", "refresh", None])
def test_token_of_another_type_is_refused(tokens: AccessTokens, token: str, ring: KeyRing, typ: str | None) -> None:
    _, claims = parts(token)
    header = {"alg": "ES256", "kid": "current"} | ({} if typ is None else {"typ": typ})
    assert_refused(tokens, sign(header, claims, own_key(ring)))


@pytest.mark.parametrize("name", ["iss", "id", "sub", "sid", "jti", "iat", "exp", "role", "app_access", "admin_access"])
def test_token_without_a_claim_is_refused(tokens: AccessTokens, token: str, ring: KeyRing, name: str) -> None:
    header, claims = parts(token)
    del claims[name]
    assert_refused(tokens, sign(header, claims, own_key(ring)))


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "directus"},
        {"sub": "user-2"},
        {"id": "user-2"},
        {"exp": "tomorrow"},
        {"exp": None},
        {"sid": 5},
        {"admin_access": "yes"},
        {"iat": 1_800_000_061},
    ],
)
def test_token_with_a_claim_that_does_not_fit_is_refused(
    tokens: AccessTokens, token: str, ring: KeyRing, change: dict[str, Any]
) -> None:
    header, claims = parts(token)
    assert_refused(tokens, sign(header, claims | change, own_key(ring)))


def test_small_difference_between_clocks_is_put_up_with(tokens: AccessTokens, token: str, ring: KeyRing) -> None:
    header, claims = parts(token)
    assert tokens.verify(sign(header, claims | {"iat": 1_800_000_060}, own_key(ring)))


def test_altered_payload_is_refused(tokens: AccessTokens, token: str) -> None:
    header, payload, signature = token.split(".")
    claims = json.loads(base64.urlsafe_b64decode(payload + "===")) | {"admin_access": True}
    altered = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    assert_refused(tokens, f"{header}.{altered}.{signature}")


def test_only_so_many_verified_tokens_are_kept(
    tokens: AccessTokens, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchword.identity.tokens._CACHED", 2)
    issued = [tokens.issue(SUBJECT, clock.now() + TTL) for _ in range(3)]
    for token in (*issued, issued[0]):
        assert tokens.verify(token).sid == "session-1"
    assert len(tokens._verified) == 2


def test_endless_token_is_refused_unread(tokens: AccessTokens, token: str) -> None:
    assert_refused(tokens, token + "A" * 5000)
    assert not looks_like_jwt(token + "A" * 5000)


def test_only_tokens_that_claim_to_be_ours_look_like_ours(token: str) -> None:
    assert looks_like_jwt(token)
    assert looks_like_jwt(unsigned({"alg": "none"}, {"iss": "watchword"}))
    assert not looks_like_jwt(unsigned({"alg": "none"}, {"iss": "directus"}))
    assert not looks_like_jwt(unsigned({"alg": "none"}, {"sub": "user-1"}))
    assert not looks_like_jwt(token.rpartition(".")[0])
    assert not looks_like_jwt("a.static.token")
    assert not looks_like_jwt("")


@given(st.one_of(st.text(), st.lists(st.text(alphabet="eyJhbGci0.-_="), min_size=3, max_size=3).map(".".join)))
def test_no_text_makes_the_check_fail_otherwise_than_by_refusing(text: str) -> None:
    assert not looks_like_jwt(text)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["alg", "typ", "b64", "crit", "kid"]), inner),
    )
)
def test_no_header_makes_verification_fail_otherwise_than_by_refusing(header: Any) -> None:
    tokens = AccessTokens(ring_of_one(), ManualClock())
    assert_refused(tokens, unsigned(header, {"iss": "watchword"}) + "c2lnbmF0dXJl")
