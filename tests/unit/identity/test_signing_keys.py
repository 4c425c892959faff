"""Signing keys: sealed under the secret, and shown without their private parts."""

from __future__ import annotations

import pytest
from joserfc import jwe
from joserfc.jwk import OctKey

from tests.support.keys import signing_key
from watchword.base.secret import Secret, derive
from watchword.identity.signing_keys import KeyRing, SigningKey, State, Vault

PRIVATE = {"d", "k", "p", "q", "dp", "dq", "qi", "oth"}


@pytest.fixture
def vault(secret: Secret) -> Vault:
    return Vault(secret)


def test_sealed_key_can_be_opened_again(vault: Vault) -> None:
    jwk, sealed = vault.make("key-1")
    opened = vault.open("key-1", sealed)
    assert opened is not None
    assert opened.as_dict(private=True) == jwk.as_dict(private=True)


def test_sealed_text_holds_nothing_of_the_key(vault: Vault) -> None:
    jwk, sealed = vault.make("key-1")
    assert not any(str(jwk.as_dict(private=True)[name]) in sealed for name in ("d", "x", "y"))


def test_key_cannot_be_opened_under_another_secret(vault: Vault) -> None:
    _, sealed = vault.make("key-1")
    assert Vault(Secret("another secret, just as long as ours")).open("key-1", sealed) is None


def test_key_cannot_be_passed_off_as_another(vault: Vault) -> None:
    _, sealed = vault.make("key-1")
    assert vault.open("key-2", sealed) is None


@pytest.mark.parametrize("text", ["", "x", "a.b.c.d.e", "....", "\u00e9"])
def test_text_that_is_no_sealed_key_is_not_opened(vault: Vault, text: str) -> None:
    assert vault.open("key-1", text) is None


def test_altered_key_is_not_opened(vault: Vault) -> None:
    _, sealed = vault.make("key-1")
    parts = sealed.split(".")
    parts[3] = ("A" if parts[3][0] != "A" else "B") + parts[3][1:]
    assert vault.open("key-1", ".".join(parts)) is None


@pytest.mark.parametrize("text", [b"nothing", b"{}", b'{"kty":"EC"}', b'{"kty":"oct","k":"AAAA"}', b"[]"])
def test_what_was_sealed_and_is_no_key_is_not_opened(vault: Vault, secret: Secret, text: bytes) -> None:
    header = {"alg": "dir", "enc": "A256GCM", "kid": "key-1"}
    sealed = jwe.encrypt_compact(header, text, OctKey.import_key(derive(secret, "signing-keys")))
    assert vault.open("key-1", sealed) is None


def test_public_part_holds_what_verifiers_need_and_nothing_private() -> None:
    key = signing_key("key-1")
    public = key.public()
    assert public is not None
    assert public.keys() == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    assert (public["kid"], public["use"], public["alg"], public["crv"]) == ("key-1", "sig", "ES256", "P-256")


def test_key_of_the_secret_has_no_public_part(vault: Vault) -> None:
    own = SigningKey(None, "HS256", State.RETIRED, vault.token_key)
    assert own.public() is None
    ring = KeyRing([own, signing_key("key-1")])
    assert [key["kid"] for key in ring.public(0.0)] == ["key-1"]
    assert not any(PRIVATE & key.keys() for key in ring.public(0.0))


def test_ring_shows_the_next_the_current_and_the_retired_keys_that_are_still_good() -> None:
    keys = [
        signing_key("next", State.NEXT),
        signing_key("current"),
        signing_key("retired", State.RETIRED, expires_at=10.0),
        signing_key("gone", State.RETIRED, expires_at=5.0),
    ]
    ring = KeyRing(keys)
    assert {key["kid"] for key in ring.public(5.0)} == {"next", "current", "retired"}
    assert ring.find("gone", 5.0) is None
    assert ring.find("gone", 4.9) is keys[3]
    assert ring.current is keys[1]


def test_generation_grows_when_a_key_leaves_and_not_when_one_comes() -> None:
    first, second = signing_key("first"), signing_key("second", State.NEXT)
    ring = KeyRing([first])
    ring.replace([first, second])
    assert ring.generation == 0
    ring.replace([second])
    assert ring.generation == 1
