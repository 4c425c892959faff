"""Key store: keys are made once, rotated without a logout, and never readable in the database."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from typing import Any

import anyio
import pytest
from joserfc import jwt
from joserfc.jwk import KeySet
from sqlalchemy import delete, insert, select, update

from tests.support.keys import ring_of_one
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.identity.authenticator import Identity
from watchword.identity.client import NOWHERE, Client
from watchword.identity.key_store import KeyStore
from watchword.identity.settings import IdentitySettings, Mode
from watchword.identity.signing_keys import KeyRing, SigningKey, State, Vault
from watchword.identity.tokens import AccessTokens, Subject
from watchword.protocol.operations import AccessToken, Password
from watchword.storage.engine import Database
from watchword.storage.tables import sessions, signing_keys

SUBJECT = Subject("user-1", "session-1")


@pytest.fixture
def keys(identity: Identity) -> KeyStore:
    return identity.keys


@pytest.fixture
def elsewhere(db: Database, clock: ManualClock, secret: Secret, settings: IdentitySettings) -> Identity:
    """The identity core of another node."""
    return Identity(db, clock, secret, settings)


@pytest.fixture
def stranger(db: Database, clock: ManualClock, settings: IdentitySettings) -> Identity:
    """A node that was given another secret."""
    return Identity(db, clock, Secret("another secret, just as long as ours"), settings)


async def states(db: Database) -> dict[str, str]:
    async with db.read() as connection:
        rows = await connection.execute(select(signing_keys.c.id, signing_keys.c.state))
    return {row.id: row.state for row in rows}


async def log_in(identity: Identity, client: Client, mode: Mode = Mode.JSON) -> str:
    granted = await identity.authenticate(Password("ada@example.com", Secret("correct horse battery")), client, mode)
    assert granted.access_token is not None
    return granted.access_token


async def assert_good(identity: Identity, token: str, client: Client) -> None:
    assert (await identity.authenticate(AccessToken(Secret(token)), client)).principal.session is not None


async def claims_of(identity: Identity, user: str, clock: ManualClock) -> dict[str, Any]:
    """Start a session and return what a token of it says."""
    session = (await identity.sessions.start(user, Mode.JSON, NOWHERE)).session
    claims = {"iss": "watchword", "id": user, "sub": user, "sid": session, "role": None, "app_access": False}
    return claims | {"admin_access": False, "iat": int(clock.now()), "exp": int(clock.now()) + 900, "jti": "1"}


def kid(token: str) -> str:
    return str(json.loads(base64.urlsafe_b64decode(token.split(".", maxsplit=1)[0] + "==="))["kid"])


async def test_first_use_makes_a_current_and_a_next_key(keys: KeyStore, db: Database) -> None:
    await keys.ready()
    await keys.ready()
    assert sorted((await states(db)).values()) == ["current", "next"]


async def test_nodes_that_start_at_once_have_the_same_keys(identity: Identity, elsewhere: Identity) -> None:
    async with anyio.create_task_group() as group:
        group.start_soon(identity.keys.start)
        group.start_soon(elsewhere.keys.start)
    await elsewhere.keys.ready()
    first, second = identity.keys.ring.current, elsewhere.keys.ring.current
    assert first is not None
    assert second is not None
    assert first.id == second.id


async def test_rotation_makes_the_next_key_sign_and_logs_nobody_out(
    identity: Identity, user: str, client: Client, db: Database
) -> None:
    before = await log_in(identity, client)
    session = await log_in(identity, client, Mode.SESSION)
    following = next(key for key, state in (await states(db)).items() if state == "next")
    assert await identity.keys.rotate() == following
    after = await log_in(identity, client)
    assert (kid(before), kid(after)) == (kid(session), following)
    assert kid(before) != following
    for token in (before, session, after):
        await assert_good(identity, token, client)
    now = await states(db)
    assert (now[kid(before)], now[following]) == ("retired", "current")
    assert sorted(now.values()) == ["current", "next", "retired"]


async def test_token_of_before_two_rotations_is_good_until_it_expires(
    identity: Identity, user: str, client: Client, clock: ManualClock
) -> None:
    token = await log_in(identity, client)
    await identity.keys.rotate()
    await identity.keys.rotate()
    clock.advance(899)
    await assert_good(identity, token, client)
    clock.advance(1)
    with pytest.raises(Problem) as caught:
        await assert_good(identity, token, client)
    assert caught.value.code is Code.TOKEN_EXPIRED


async def test_other_node_accepts_tokens_of_a_key_that_it_has_not_heard_of(
    identity: Identity, elsewhere: Identity, user: str, client: Client
) -> None:
    await elsewhere.keys.start()
    await identity.keys.rotate()
    await identity.keys.rotate()
    await assert_good(elsewhere, await log_in(identity, client), client)
    await assert_good(identity, await log_in(elsewhere, client), client)


async def test_other_node_signs_with_the_new_key_when_it_is_told_or_after_a_while(
    identity: Identity, elsewhere: Identity, user: str, client: Client, clock: ManualClock
) -> None:
    await elsewhere.keys.start()
    signing = await identity.keys.rotate()
    assert kid(await log_in(elsewhere, client)) != signing
    elsewhere.keys.forget()
    assert kid(await log_in(elsewhere, client)) == signing
    signing = await identity.keys.rotate()
    clock.advance(10)
    assert kid(await log_in(elsewhere, client)) == signing


async def test_unknown_key_is_looked_up_once_a_second(
    identity: Identity, user: str, client: Client, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    read = identity.keys._read

    async def counted() -> bool:
        nonlocal reads
        reads += 1
        return await read()

    await identity.keys.start()
    monkeypatch.setattr(identity.keys, "_read", counted)
    for number in range(5):
        forged = AccessTokens(ring_of_one(f"key-{number}"), clock).issue(SUBJECT, clock.now() + 60)
        with pytest.raises(Problem):
            await assert_good(identity, forged, client)
    assert reads == 1
    clock.advance(1)
    with pytest.raises(Problem):
        await assert_good(identity, forged, client)
    assert reads == 2


async def test_nodes_that_rotate_at_once_leave_one_current_and_one_next_key(
    identity: Identity, elsewhere: Identity, db: Database
) -> None:
    await identity.keys.start()
    await elsewhere.keys.start()
    async with anyio.create_task_group() as group:
        group.start_soon(identity.keys.rotate)
        group.start_soon(elsewhere.keys.rotate)
    found = sorted((await states(db)).values())
    assert found == ["current", "next", "retired", "retired"]


async def test_retired_key_is_kept_as_long_as_a_session_needs_it(
    db: Database, clock: ManualClock, secret: Secret, client: Client, user: str
) -> None:
    long = Identity(db, clock, secret, IdentitySettings(login_stall=0, session_ttl=30 * 86_400))
    short = Identity(db, clock, secret, IdentitySettings(login_stall=0))
    token = await log_in(long, client, Mode.SESSION)
    await short.keys.rotate()
    clock.advance(29 * 86_400)
    await short.keys.purge()
    await assert_good(long, token, client)


async def test_retired_keys_stop_verifying_and_are_purged(keys: KeyStore, clock: ManualClock, db: Database) -> None:
    await keys.start()
    retired = keys.ring.current
    await keys.rotate()
    assert retired is not None
    clock.advance(86_400 + 59)
    assert keys.ring.find(retired.id, clock.now()) is not None
    clock.advance(1)
    assert keys.ring.find(retired.id, clock.now()) is None
    assert retired.id not in {key["kid"] for key in await keys.public()}
    assert await keys.purge() == 0
    clock.advance(86_401)
    assert await keys.purge() == 1
    assert sorted((await states(db)).values()) == ["current", "next"]


async def test_key_that_was_deleted_verifies_nothing(
    identity: Identity, user: str, client: Client, db: Database
) -> None:
    token = await log_in(identity, client)
    await assert_good(identity, token, client)
    await identity.keys.rotate()
    async with db.write() as connection:
        await connection.execute(delete(signing_keys).where(signing_keys.c.id == kid(token)))
    identity.keys.forget()
    with pytest.raises(Problem) as caught:
        await assert_good(identity, token, client)
    assert caught.value.code is Code.INVALID_TOKEN


async def test_tokens_signed_under_the_secret_stay_good_where_there_were_sessions(
    identity: Identity, user: str, client: Client, secret: Secret, clock: ManualClock
) -> None:
    claims = await claims_of(identity, user, clock)
    token = jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, Vault(secret).token_key)
    await assert_good(identity, token, client)
    assert sorted(key.state for key in await identity.keys.list()) == ["current", "next", "retired"]
    assert len(await identity.keys.public()) == 2
    clock.advance(86_400 + 61)
    late = jwt.encode(
        {"alg": "HS256", "typ": "at+jwt"}, claims | {"exp": int(clock.now()) + 60}, Vault(secret).token_key
    )
    with pytest.raises(Problem) as caught:
        await assert_good(identity, late, client)
    assert caught.value.code is Code.INVALID_TOKEN


async def test_new_database_accepts_nothing_signed_under_the_secret(
    identity: Identity, user: str, client: Client, secret: Secret, clock: ManualClock
) -> None:
    await identity.keys.start()
    claims = await claims_of(identity, user, clock)
    token = jwt.encode({"alg": "HS256", "typ": "at+jwt"}, claims, Vault(secret).token_key)
    with pytest.raises(Problem) as caught:
        await assert_good(identity, token, client)
    assert caught.value.code is Code.INVALID_TOKEN


async def test_server_with_a_new_secret_makes_new_keys(
    identity: Identity, stranger: Identity, user: str, client: Client, db: Database
) -> None:
    token = await log_in(identity, client)
    await stranger.keys.start()
    with pytest.raises(Problem) as caught:
        await assert_good(stranger, token, client)
    assert caught.value.code is Code.INVALID_TOKEN
    await assert_good(stranger, await log_in(stranger, client), client)
    assert sorted((await states(db)).values()) == ["current", "next", "retired", "retired"]


async def test_command_with_a_wrong_secret_changes_nothing(
    identity: Identity, stranger: Identity, db: Database
) -> None:
    await identity.keys.start()
    before = await states(db)
    for attempt in (stranger.keys.ready, stranger.keys.rotate, stranger.keys.public):
        with pytest.raises(Problem) as caught:
            await attempt()
        assert caught.value.code is Code.SERVICE_UNAVAILABLE
    assert await states(db) == before


async def test_node_goes_on_with_its_keys_when_another_secret_has_replaced_them(
    identity: Identity, stranger: Identity, user: str, client: Client
) -> None:
    token = await log_in(identity, client)
    await stranger.keys.start()
    identity.keys.forget()
    await assert_good(identity, token, client)
    await assert_good(identity, await log_in(identity, client), client)


async def test_key_put_into_the_database_by_another_hand_verifies_nothing(
    identity: Identity, user: str, client: Client, clock: ManualClock, db: Database
) -> None:
    await identity.keys.start()
    session = (await identity.sessions.start(user, Mode.JSON, client)).session
    foreign = Vault(Secret("another secret, just as long as ours"))
    jwk, sealed = foreign.make("foreign")
    row: dict[str, Any] = {"id": "foreign", "algorithm": "ES256", "state": "retired", "sealed": sealed}
    async with db.write() as connection:
        await connection.execute(
            insert(signing_keys).values(row | {"created_at": datetime.fromtimestamp(clock.now(), UTC)})
        )
    ring = KeyRing([SigningKey("foreign", "ES256", State.CURRENT, jwk)])
    identity.keys.forget()
    forged = AccessTokens(ring, clock).issue(Subject(user, session), clock.now() + 60)
    with pytest.raises(Problem):
        await assert_good(identity, forged, client)
    assert identity.keys.ring.find("foreign", clock.now()) is None


async def test_keys_that_changed_places_in_the_database_are_not_opened(
    identity: Identity, elsewhere: Identity, db: Database
) -> None:
    await identity.keys.start()
    async with db.write() as connection:
        rows = {row.state: row for row in await connection.execute(select(signing_keys))}
        swapped = update(signing_keys).where(signing_keys.c.id == rows[State.NEXT].id)
        await connection.execute(swapped.values(sealed=rows[State.CURRENT].sealed))
    await elsewhere.keys.ready()
    assert elsewhere.keys.ring.find(rows[State.NEXT].id, 0.0) is None
    assert elsewhere.keys.ring.current is not None


async def test_dump_of_the_database_holds_no_private_key(keys: KeyStore, db: Database) -> None:
    await keys.start()
    await keys.rotate()
    async with db.read() as connection:
        dump = str([dict(row) for row in (await connection.execute(select(signing_keys))).mappings()])
    private = [str(key.jwk.as_dict(private=True)["d"]) for key in keys.ring._keys.values()]
    assert len(private) == 3
    for text in private:
        number = base64.urlsafe_b64decode(text + "=")
        for form in (text, number.hex(), base64.b64encode(number).decode()[:40]):
            assert form not in dump
    assert "PRIVATE" not in dump


async def test_published_keys_verify_tokens_and_hold_no_private_parts(
    identity: Identity, user: str, client: Client
) -> None:
    before = await log_in(identity, client)
    await identity.keys.rotate()
    after = await log_in(identity, client)
    published = await identity.keys.public()
    assert len(published) == 3
    assert not any({"d", "k"} & key.keys() for key in published)
    key_set = KeySet.import_key_set({"keys": published})
    for token in (before, after):
        assert jwt.decode(token, key_set, algorithms=["ES256"]).claims["id"] == user


async def test_keys_are_listed_the_newest_first_without_themselves(keys: KeyStore, clock: ManualClock) -> None:
    await keys.start()
    clock.advance(60)
    signing = await keys.rotate()
    listed = await keys.list()
    assert listed[0].state == "next"
    assert next(key.id for key in listed if key.state == "current") == signing
    retired = next(key for key in listed if key.state == "retired")
    assert retired.retired_at == datetime.fromtimestamp(clock.now(), UTC)
    assert not hasattr(retired, "sealed")


async def test_end_of_every_session_is_no_reason_to_keep_a_key_longer(
    identity: Identity, user: str, client: Client, clock: ManualClock, db: Database
) -> None:
    await log_in(identity, client, Mode.SESSION)
    async with db.write() as connection:
        late = datetime.fromtimestamp(clock.now() + 60 * 86_400, UTC)
        await connection.execute(update(sessions).values(expires_at=late))
    await identity.sessions.revoke_user(user, "by hand")
    await identity.keys.rotate()
    retired = next(key for key in await identity.keys.list() if key.state == "retired")
    assert retired.expires_at == datetime.fromtimestamp(clock.now() + 86_400 + 60, UTC)
