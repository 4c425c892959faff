"""Static tokens: shown once, found by digest, gone when revoked."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NoReturn

import pytest
from sqlalchemy import delete, insert, select

from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret, digest
from watchword.identity.authenticator import Identity
from watchword.identity.client import Client
from watchword.identity.settings import IdentitySettings
from watchword.identity.static_tokens import SHORTEST, NewToken, StaticTokens, generate, has_typo
from watchword.identity.users import NewUser
from watchword.protocol.operations import AccessToken
from watchword.storage.engine import Database
from watchword.storage.tables import auth_events, roles
from watchword.storage.tables import tokens as table

NOBODY = "00000000-0000-7000-8000-000000000000"


@pytest.fixture
def tokens(identity: Identity) -> StaticTokens:
    return identity.static_tokens


@pytest.fixture
async def role(db: Database) -> str:
    async with db.write() as connection:
        await connection.execute(insert(roles).values(id="importers", name="Importers"))
    return "importers"


@pytest.fixture
def elsewhere(db: Database, clock: ManualClock, secret: Secret, settings: IdentitySettings) -> StaticTokens:
    """The tokens as another node knows them."""
    return Identity(db, clock, secret, settings).static_tokens


def test_generated_token_has_a_form_that_scanners_know() -> None:
    prefix, token = generate()
    assert re.fullmatch(r"ww_[a-z2-7]{8}_[0-9A-Za-z]{38}", token)
    assert token.startswith(prefix + "_")
    assert not has_typo(token)
    assert generate()[1] != token


def test_typo_is_seen_without_a_query() -> None:
    _, token = generate()
    assert has_typo(token[:20] + ("A" if token[20] != "A" else "B") + token[21:])
    assert has_typo(token[:-1] + ("A" if token[-1] != "A" else "B"))
    assert not has_typo("ww_made-by-hand")


async def test_created_token_is_found_and_only_its_digest_is_kept(
    tokens: StaticTokens, user: str, db: Database
) -> None:
    issued = await tokens.create(NewToken(user=user, name="the importer"))
    token = issued.token.reveal()
    found = await tokens.find(token)
    assert found is not None
    assert (found.id, found.user, found.expires_at) == (issued.id, user, None)
    async with db.read() as connection:
        row = (await connection.execute(select(table))).mappings().one()
    assert row["digest"] == digest(token)
    assert row["prefix"] == token[:11]
    assert row["name"] == "the importer"
    assert token not in str(dict(row))
    assert token not in repr(issued)


@pytest.mark.parametrize("token", ["", "x", "reader-static-token-0001", "ww_aaaaaaaa_" + "A" * 38])
async def test_unknown_token_is_not_found(tokens: StaticTokens, user: str, token: str) -> None:
    await tokens.create(NewToken(user=user))
    assert await tokens.find(token) is None


async def test_user_may_have_several_tokens(tokens: StaticTokens, user: str) -> None:
    issued = [await tokens.create(NewToken(user=user)) for _ in range(2)]
    assert [await tokens.find(each.token.reveal()) is not None for each in issued] == [True, True]
    assert await tokens.revoke(issued[0].id)
    assert not await tokens.revoke(issued[0].id)
    assert [await tokens.find(each.token.reveal()) is not None for each in issued] == [False, True]


async def test_any_text_can_be_set_and_replaces_the_one_before(tokens: StaticTokens, user: str) -> None:
    issued = await tokens.create(NewToken(user=user))
    await tokens.set(user, "reader-static-token-0001")
    assert await tokens.find("reader-static-token-0001") is not None
    assert await tokens.find(issued.token.reveal()) is not None  # a generated one goes only when it is revoked
    await tokens.set(user, "é" * SHORTEST)
    assert await tokens.find("é" * SHORTEST) is not None
    assert await tokens.find("reader-static-token-0001") is None


@pytest.mark.parametrize("short", ["", "x" * (SHORTEST - 1)])
async def test_token_that_is_too_short_cannot_be_set(
    identity: Identity, tokens: StaticTokens, user: str, db: Database, short: str
) -> None:
    await tokens.set(user, "own-static-token")
    with pytest.raises(Problem) as caught:
        await tokens.set(user, short)
    assert caught.value.code is Code.INVALID_PAYLOAD
    with pytest.raises(Problem):
        async with db.write() as connection:
            await tokens.set_in(connection, user, short)
    assert await tokens.find(short) is None
    assert await tokens.find("own-static-token") is not None


async def test_token_that_was_set_when_it_might_be_short_goes_on_working(
    identity: Identity, client: Client, user: str, db: Database
) -> None:
    async with db.write() as connection:
        await connection.execute(
            insert(table).values(id="1", user=user, digest=digest("short"), created_at=datetime.now(UTC))
        )
    found = await identity.authenticate(AccessToken(Secret("short")), client)
    assert found.principal.user == user


async def test_token_of_another_user_cannot_be_set(identity: Identity, user: str) -> None:
    other = await identity.users.create(NewUser(email="bob@example.com"))
    await identity.static_tokens.set(user, "shared-static-token")
    await identity.static_tokens.set(other, "own-static-token")
    with pytest.raises(Problem) as caught:
        await identity.static_tokens.set(other, "shared-static-token")
    assert caught.value.code is Code.RECORD_NOT_UNIQUE
    assert "shared-static-token" not in str(caught.value)
    for token, owner in (("shared-static-token", user), ("own-static-token", other)):
        found = await identity.static_tokens.find(token)
        assert found is not None
        assert found.user == owner


async def test_token_needs_a_user(tokens: StaticTokens) -> None:
    with pytest.raises(Problem) as caught:
        await tokens.create(NewToken(user=NOBODY))
    assert caught.value.code is Code.FORBIDDEN


async def test_revoking_a_user_takes_every_token(tokens: StaticTokens, user: str) -> None:
    issued = [await tokens.create(NewToken(user=user)) for _ in range(2)]
    assert await tokens.revoke_user(user) == 2
    assert [await tokens.find(each.token.reveal()) for each in issued] == [None, None]


async def test_revocation_on_another_node_is_seen_when_told_or_aged(
    tokens: StaticTokens, elsewhere: StaticTokens, user: str, clock: ManualClock
) -> None:
    first, second = [await tokens.create(NewToken(user=user)) for _ in range(2)]
    for issued in (first, second):
        assert await elsewhere.find(issued.token.reveal()) is not None
        await tokens.revoke(issued.id)
    elsewhere.forget()
    assert await elsewhere.find(first.token.reveal()) is None
    third = await tokens.create(NewToken(user=user))
    assert await elsewhere.find(third.token.reveal()) is not None
    await tokens.revoke(third.id)
    clock.advance(10)
    assert await elsewhere.find(third.token.reveal()) is None


async def test_token_is_live_until_it_expires_or_is_revoked(
    tokens: StaticTokens, user: str, clock: ManualClock
) -> None:
    issued = await tokens.create(NewToken(user=user, expires_at=clock.now() + 60))
    lasting = await tokens.create(NewToken(user=user))
    assert await tokens.find_live(issued.id)
    clock.advance(60)
    assert not await tokens.find_live(issued.id)
    assert await tokens.find_live(lasting.id)
    await tokens.revoke(lasting.id)
    assert not await tokens.find_live(lasting.id)


async def test_use_is_noted_every_five_minutes(
    tokens: StaticTokens, user: str, db: Database, clock: ManualClock
) -> None:
    token = (await tokens.create(NewToken(user=user))).token.reveal()

    async def use() -> float:
        found = await tokens.find(token)
        assert found is not None
        await tokens.note_use(found)
        async with db.read() as connection:
            noted = (await connection.execute(select(table.c.last_used_at))).scalar_one()
        return float(noted.timestamp())

    first = await use()
    assert first == clock.now()
    clock.advance(299)
    assert await use() == first
    clock.advance(1)
    assert await use() == clock.now()


async def test_token_is_good_though_its_use_cannot_be_noted(
    identity: Identity, user: str, client: Client, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = await identity.static_tokens.create(NewToken(user=user))
    tries = 0

    def unreachable(**_: bool) -> NoReturn:
        nonlocal tries
        tries += 1
        raise Problem(Code.SERVICE_UNAVAILABLE)

    with monkeypatch.context() as patched:
        patched.setattr(identity.static_tokens._db, "write", unreachable)
        for seconds in (0, 59, 1):
            clock.advance(seconds)
            assert (await identity.authenticate(AccessToken(issued.token), client)).principal.token == issued.id
    assert tries == 2
    clock.advance(60)
    await identity.authenticate(AccessToken(issued.token), client)
    [listed] = await identity.listings.tokens(user=user)
    assert listed.last_used_at == datetime.fromtimestamp(clock.now(), UTC)


async def test_use_of_a_revoked_token_does_not_revive_it(tokens: StaticTokens, user: str) -> None:
    issued = await tokens.create(NewToken(user=user))
    found = await tokens.find(issued.token.reveal())
    assert found is not None
    await tokens.revoke(issued.id)
    await tokens.note_use(found)
    assert await tokens.find(issued.token.reveal()) is None


async def test_token_can_be_set_and_taken_within_a_transaction(
    identity: Identity, tokens: StaticTokens, user: str, db: Database
) -> None:
    other = await identity.users.create(NewUser(email="bob@example.com"))
    await tokens.set(other, "taken-static-token")
    async with db.write() as connection:
        await tokens.set_in(connection, user, "own-static-token")
    tokens.forget()
    found = await tokens.find("own-static-token")
    assert found is not None
    assert found.user == user
    with pytest.raises(Problem) as caught:
        async with db.write() as connection:
            await tokens.set_in(connection, user, "taken-static-token")
    assert caught.value.code is Code.RECORD_NOT_UNIQUE
    tokens.forget()
    assert await tokens.find("own-static-token") is not None
    async with db.write() as connection:
        await tokens.set_in(connection, user, None)
    tokens.forget()
    assert await tokens.find("own-static-token") is None
    assert await tokens.find("taken-static-token") is not None


async def test_role_may_have_tokens_and_they_have_no_user(tokens: StaticTokens, role: str) -> None:
    issued = await tokens.create(NewToken(role=role, name="the importer"))
    found = await tokens.find(issued.token.reveal())
    assert found is not None
    assert (found.id, found.user, found.role) == (issued.id, None, role)
    assert await tokens.find_live(issued.id) == found


async def test_token_of_a_role_ends_with_it(tokens: StaticTokens, role: str, db: Database) -> None:
    issued = await tokens.create(NewToken(role=role))
    async with db.write() as connection:
        await connection.execute(delete(roles))
    assert await tokens.find_live(issued.id) is None
    assert await tokens.find(issued.token.reveal()) is None


async def test_token_of_a_role_is_not_touched_by_what_is_done_to_a_user(
    tokens: StaticTokens, user: str, role: str
) -> None:
    issued = await tokens.create(NewToken(role=role))
    await tokens.set(user, "own-static-token")
    assert not await tokens.revoke(issued.id, user=user)
    assert await tokens.revoke_user(user) == 1
    assert await tokens.find(issued.token.reveal()) is not None


async def test_token_is_not_revoked_for_another_user(identity: Identity, tokens: StaticTokens, user: str) -> None:
    other = await identity.users.create(NewUser(email="bob@example.com"))
    issued = await tokens.create(NewToken(user=user))
    assert not await tokens.revoke(issued.id, user=other)
    assert await tokens.find(issued.token.reveal()) is not None
    assert await tokens.revoke(issued.id, user=user)
    assert await tokens.find(issued.token.reveal()) is None


@pytest.mark.parametrize("new", [NewToken(role=NOBODY), NewToken(), NewToken(user=NOBODY, role=NOBODY)])
async def test_token_needs_one_holder_who_exists(tokens: StaticTokens, new: NewToken) -> None:
    with pytest.raises(Problem) as caught:
        await tokens.create(new)
    assert caught.value.code is Code.FORBIDDEN


@pytest.mark.parametrize("seconds", [0.0, -1.0, 1e12, float("inf"), float("nan")])
async def test_token_has_to_end_in_the_future(
    tokens: StaticTokens, user: str, clock: ManualClock, seconds: float
) -> None:
    with pytest.raises(Problem) as caught:
        await tokens.create(NewToken(user=user, expires_at=clock.now() + seconds))
    assert caught.value.code is Code.FAILED_VALIDATION


@pytest.mark.parametrize("name", ["x" * 256, "a\x00b", "\ud800"])
async def test_name_has_to_be_a_text_that_can_be_stored(tokens: StaticTokens, user: str, name: str) -> None:
    with pytest.raises(Problem) as caught:
        await tokens.create(NewToken(user=user, name=name))
    assert caught.value.code is Code.FAILED_VALIDATION


async def test_user_has_a_hundred_tokens_at_the_most(
    tokens: StaticTokens, user: str, role: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("watchword.identity.static_tokens._MOST", 2)
    for _ in range(2):
        await tokens.create(NewToken(user=user))
    with pytest.raises(Problem) as caught:
        await tokens.create(NewToken(user=user))
    assert caught.value.code is Code.INVALID_PAYLOAD
    assert await tokens.create(NewToken(role=role))


async def test_making_and_revoking_are_recorded_without_the_token(
    tokens: StaticTokens, user: str, db: Database, client: Client
) -> None:
    issued = await tokens.create(NewToken(user=user, name="the importer"), client, by=user)
    await tokens.revoke(issued.id, client, by=user)
    async with db.read() as connection:
        rows = [dict(row) for row in (await connection.execute(select(auth_events))).mappings()]
    assert [(row["kind"], row["detail"]["token"], row["ip"]) for row in rows] == [
        ("token_created", issued.id, client.address),
        ("token_revoked", issued.id, client.address),
    ]
    assert issued.token.reveal() not in str(rows)
