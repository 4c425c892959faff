"""Listings: what is shown of sessions and tokens, and of whose."""

from __future__ import annotations

import pytest
from sqlalchemy import insert

from watchword.base.clock import ManualClock
from watchword.identity.authenticator import Identity
from watchword.identity.client import Client
from watchword.identity.listings import Page
from watchword.identity.settings import Mode
from watchword.identity.static_tokens import NewToken
from watchword.identity.users import NewUser
from watchword.storage.engine import Database
from watchword.storage.tables import roles


@pytest.fixture
async def other(identity: Identity) -> str:
    return await identity.users.create(NewUser(email="bob@example.com"))


async def test_live_sessions_of_one_user_are_listed_the_last_used_first(
    identity: Identity, user: str, other: str, client: Client, clock: ManualClock
) -> None:
    first = await identity.sessions.start(user, Mode.JSON, client)
    clock.advance(60)
    second = await identity.sessions.start(user, Mode.SESSION, Client("198.51.100.1"))
    ended = await identity.sessions.start(user, Mode.JSON, client)
    await identity.sessions.revoke(ended.session, "by hand")
    await identity.sessions.start(other, Mode.JSON, client)
    listed = await identity.listings.sessions(user)
    assert [(each.id, each.mode) for each in listed] == [(second.session, "session"), (first.session, "json")]
    assert (listed[1].ip, listed[1].user_agent, listed[1].origin) == (client.address, client.agent, client.origin)
    assert listed[1].last_used_at == listed[1].created_at
    clock.advance(86_400)
    assert [each.id for each in await identity.listings.sessions(user)] == [first.session]


async def test_tokens_are_listed_by_holder_and_page_without_themselves(
    identity: Identity, user: str, other: str, db: Database, clock: ManualClock
) -> None:
    async with db.write() as connection:
        await connection.execute(insert(roles).values(id="r", name="Importers"))
    issued = []
    for new in (NewToken(user=user, name="one"), NewToken(role="r", name="two"), NewToken(user=other, name="three")):
        issued.append(await identity.static_tokens.create(new))
        clock.advance(1)
    await identity.static_tokens.set(user, "a text that is set")
    tokens = identity.listings.tokens
    assert [each.name for each in await tokens(user=user)] == ["one", None]
    assert [(each.name, each.user, each.role) for each in await tokens(role="r")] == [("two", None, "r")]
    assert [each.name for each in await tokens()] == ["one", "two", "three", None]
    assert [each.name for each in await tokens(page=Page(2, 1))] == ["two", "three"]
    shown = str(await tokens(page=Page(None)))
    assert not any(each.token.reveal() in shown for each in issued)
    assert "a text that is set" not in shown
    found = await identity.listings.token(issued[1].id)
    assert found is not None
    assert found.prefix is not None
    assert issued[1].token.reveal().startswith(found.prefix)
    assert await identity.listings.token("nobody's") is None
