"""Sessions: rotation, grace, reuse, lifetimes and ends, on both databases."""

from __future__ import annotations

from typing import NoReturn

import pytest
from anyio import create_task_group
from sqlalchemy import delete, select, update

from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.identity.authenticator import Identity
from watchword.identity.client import Client
from watchword.identity.sessions import Sessions, Started
from watchword.identity.settings import IdentitySettings, Mode
from watchword.storage.engine import Database
from watchword.storage.tables import auth_events, users
from watchword.storage.tables import sessions as table

GRACE = 10.0
WEEK = 7 * 86_400.0


@pytest.fixture
def sessions(identity: Identity) -> Sessions:
    return identity.sessions


@pytest.fixture
def elsewhere(db: Database, clock: ManualClock, secret: Secret, settings: IdentitySettings) -> Sessions:
    """The sessions as another node knows them."""
    return Identity(db, clock, secret, settings).sessions


@pytest.fixture
async def started(sessions: Sessions, user: str, client: Client) -> Started:
    return await sessions.start(user, Mode.JSON, client)


async def assert_refused(sessions: Sessions, token: str, client: Client) -> None:
    with pytest.raises(Problem) as caught:
        await sessions.refresh(token, client)
    assert caught.value.code is Code.INVALID_CREDENTIALS


async def events(db: Database) -> list[str]:
    async with db.read() as connection:
        return list((await connection.execute(select(auth_events.c.kind).order_by(auth_events.c.id))).scalars())


async def test_started_session_is_live_and_remembers_its_client(
    sessions: Sessions, started: Started, db: Database, clock: ManualClock
) -> None:
    assert await sessions.is_live(started.session)
    assert started.expires_at == clock.now() + WEEK
    async with db.read() as connection:
        row = (await connection.execute(select(table))).mappings().one()
    assert (row["ip"], row["user_agent"], row["origin"]) == ("192.0.2.1", "a test", "https://app.example.com")
    assert row["mode"] == "json"


async def test_session_of_nobody_is_refused(sessions: Sessions, client: Client) -> None:
    with pytest.raises(Problem) as caught:
        await sessions.start("00000000-0000-7000-8000-000000000000", Mode.JSON, client)
    assert caught.value.code is Code.INVALID_CREDENTIALS


async def test_client_that_sends_nonsense_is_stored_as_far_as_it_goes(
    sessions: Sessions, user: str, db: Database
) -> None:
    await sessions.start(user, Mode.JSON, Client("x" * 300, "\x00\r\n" * 900, None))
    async with db.read() as connection:
        row = (await connection.execute(select(table))).mappings().one()
    assert len(row["ip"]) == 255
    assert len(row["user_agent"]) == 512
    assert "\x00" not in row["user_agent"]


async def test_refresh_gives_a_successor_for_the_same_session(
    sessions: Sessions, started: Started, client: Client
) -> None:
    refreshed = await sessions.refresh(started.refresh_token, client)
    assert (refreshed.session, refreshed.user) == (started.session, started.user)
    assert refreshed.refresh_token != started.refresh_token
    assert (await sessions.refresh(refreshed.refresh_token, client)).refresh_token != refreshed.refresh_token


@pytest.mark.parametrize("text", ["", "nope", "A" * 64])
async def test_text_that_is_no_token_of_ours_is_refused_and_ends_nothing(
    sessions: Sessions, started: Started, client: Client, text: str
) -> None:
    await assert_refused(sessions, text, client)
    assert await sessions.is_live(started.session)


async def test_altered_token_is_refused_and_ends_nothing(sessions: Sessions, started: Started, client: Client) -> None:
    altered = started.refresh_token[:-1] + ("A" if started.refresh_token[-1] != "A" else "B")
    await assert_refused(sessions, altered, client)
    assert await sessions.is_live(started.session)


async def test_old_token_gives_the_same_successor_within_the_grace(
    sessions: Sessions, elsewhere: Sessions, started: Started, client: Client, clock: ManualClock
) -> None:
    first = await sessions.refresh(started.refresh_token, client)
    clock.advance(GRACE - 0.001)
    assert await sessions.refresh(started.refresh_token, client) == first
    assert await elsewhere.refresh(started.refresh_token, client) == first
    assert await sessions.is_live(started.session)


async def test_old_token_after_the_grace_ends_the_session(
    sessions: Sessions, started: Started, client: Client, clock: ManualClock, db: Database
) -> None:
    ended: list[str] = []
    sessions.on_revoked(ended.append)
    refreshed = await sessions.refresh(started.refresh_token, client)
    clock.advance(GRACE)
    await assert_refused(sessions, started.refresh_token, client)
    assert ended == [started.session]
    assert not await sessions.is_live(started.session)
    await assert_refused(sessions, refreshed.refresh_token, client)
    assert await events(db) == ["refresh_reuse"]


async def test_old_token_whose_successor_was_used_ends_the_session(
    sessions: Sessions, started: Started, client: Client, db: Database
) -> None:
    second = await sessions.refresh(started.refresh_token, client)
    third = await sessions.refresh(second.refresh_token, client)
    await assert_refused(sessions, started.refresh_token, client)
    await assert_refused(sessions, third.refresh_token, client)
    assert await events(db) == ["refresh_reuse"]


async def test_reuse_leaves_the_users_other_sessions_alone(
    sessions: Sessions, started: Started, user: str, client: Client, clock: ManualClock
) -> None:
    other = await sessions.start(user, Mode.JSON, client)
    await sessions.refresh(started.refresh_token, client)
    clock.advance(GRACE)
    await assert_refused(sessions, started.refresh_token, client)
    assert await sessions.is_live(other.session)
    await sessions.refresh(other.refresh_token, client)


async def test_without_grace_a_token_is_good_once(
    db: Database, clock: ManualClock, secret: Secret, client: Client
) -> None:
    identity = Identity(db, clock, secret, IdentitySettings(refresh_grace=0))
    async with db.write() as connection:
        await connection.execute(users.insert().values(id="u", email="u@example.com"))
    started = await identity.sessions.start("u", Mode.JSON, client)
    await identity.sessions.refresh(started.refresh_token, client)
    await assert_refused(identity.sessions, started.refresh_token, client)


async def test_parallel_refreshes_on_two_nodes_converge(
    sessions: Sessions, elsewhere: Sessions, started: Started, client: Client
) -> None:
    given: list[str] = []
    extended: list[str] = []
    for node in (sessions, elsewhere):
        node.on_extended(lambda session, _: extended.append(session))

    async def refresh(node: Sessions) -> None:
        given.append((await node.refresh(started.refresh_token, client)).refresh_token)

    async with create_task_group() as group:
        for _ in range(10):
            group.start_soon(refresh, sessions)
            group.start_soon(refresh, elsewhere)
    assert len(given) == 20
    assert len(set(given)) == 1
    assert extended == [started.session]
    await sessions.refresh(given[0], client)


async def test_refresh_lets_the_session_slide(
    sessions: Sessions, started: Started, client: Client, clock: ManualClock
) -> None:
    clock.advance(WEEK - 1)
    refreshed = await sessions.refresh(started.refresh_token, client)
    assert refreshed.expires_at == clock.now() + WEEK
    clock.advance(WEEK - 1)
    assert await sessions.is_live(started.session)
    clock.advance(1)
    assert not await sessions.is_live(started.session)
    await assert_refused(sessions, refreshed.refresh_token, client)


async def test_no_refresh_carries_a_session_beyond_its_lifetime(
    db: Database, clock: ManualClock, secret: Secret, client: Client
) -> None:
    sessions = Identity(db, clock, secret, IdentitySettings(refresh_ttl=100, session_lifetime=150)).sessions
    async with db.write() as connection:
        await connection.execute(users.insert().values(id="u", email="u@example.com"))
    started = await sessions.start("u", Mode.JSON, client)
    end = clock.now() + 150
    clock.advance(90)
    refreshed = await sessions.refresh(started.refresh_token, client)
    assert refreshed.expires_at == end
    clock.advance(60)
    await assert_refused(sessions, refreshed.refresh_token, client)


async def test_extension_is_told_with_the_end_of_the_new_tokens(
    sessions: Sessions, user: str, started: Started, client: Client, clock: ManualClock
) -> None:
    extended: list[tuple[str, float]] = []
    sessions.on_extended(lambda session, until: extended.append((session, until)))
    clock.advance(600)
    await sessions.refresh(started.refresh_token, client)
    in_cookie = await sessions.start(user, Mode.SESSION, client)
    await sessions.refresh(in_cookie.refresh_token, client)
    assert extended == [(started.session, clock.now() + 900), (in_cookie.session, clock.now() + 86_400)]


async def test_revoked_session_is_dead_at_once_and_told_once(
    sessions: Sessions, started: Started, client: Client, db: Database
) -> None:
    ended: list[str] = []
    sessions.on_revoked(ended.append)
    assert await sessions.revoke(started.session, "an admin said so")
    assert not await sessions.revoke(started.session, "an admin said so")
    assert not await sessions.is_live(started.session)
    await assert_refused(sessions, started.refresh_token, client)
    assert ended == [started.session]
    async with db.read() as connection:
        event = (await connection.execute(select(auth_events))).mappings().one()
    assert (event["kind"], event["session"]) == ("revocation", started.session)
    assert event["detail"] == {"reason": "an admin said so"}


async def test_revoking_a_user_spares_the_session_it_is_done_from(
    sessions: Sessions, started: Started, user: str, client: Client
) -> None:
    others = [(await sessions.start(user, Mode.JSON, client)).session for _ in range(2)]
    assert sorted(await sessions.revoke_user(user, "by hand", except_session=started.session)) == sorted(others)
    assert await sessions.is_live(started.session)
    assert not any([await sessions.is_live(other) for other in others])
    assert await sessions.revoke_user(user, "by hand") == [started.session]


async def test_known_session_is_checked_without_the_database(
    sessions: Sessions, started: Started, db: Database, clock: ManualClock
) -> None:
    async with db.write() as connection:
        await connection.execute(delete(table))
    assert await sessions.is_live(started.session)
    clock.advance(10)
    assert not await sessions.is_live(started.session)


async def test_end_on_another_node_is_seen_when_the_cache_has_aged(
    sessions: Sessions, elsewhere: Sessions, started: Started, clock: ManualClock
) -> None:
    assert await elsewhere.is_live(started.session)
    await sessions.revoke(started.session, "by hand")
    clock.advance(10)
    assert not await elsewhere.is_live(started.session)


async def test_sweep_tells_of_an_end_on_another_node_once(
    sessions: Sessions, elsewhere: Sessions, started: Started
) -> None:
    ended: list[str] = []
    elsewhere.on_revoked(ended.append)
    assert await elsewhere.sweep([started.session]) == []
    await sessions.revoke(started.session, "by hand")
    assert await elsewhere.sweep([started.session]) == [started.session]
    assert await elsewhere.sweep([started.session]) == [started.session]
    assert ended == [started.session]


async def test_sweep_tells_of_a_refresh_on_another_node_once(
    sessions: Sessions, elsewhere: Sessions, started: Started, client: Client, clock: ManualClock
) -> None:
    assert await elsewhere.is_live(started.session)
    extended: list[tuple[str, float]] = []
    elsewhere.on_extended(lambda session, until: extended.append((session, until)))
    clock.advance(5)
    await sessions.refresh(started.refresh_token, client)
    assert await elsewhere.sweep([started.session]) == []
    assert await elsewhere.sweep([started.session]) == []
    assert extended == [(started.session, clock.now() + 900)]


async def test_sweep_finds_what_was_ended_behind_our_back(
    sessions: Sessions, elsewhere: Sessions, user: str, client: Client, db: Database
) -> None:
    live, revoked, deleted = [(await sessions.start(user, Mode.JSON, client)).session for _ in range(3)]
    ended: list[str] = []
    elsewhere.on_revoked(ended.append)
    assert await elsewhere.sweep([live, revoked, deleted, live]) == []
    await sessions.revoke(revoked, "by hand")
    async with db.write() as connection:
        await connection.execute(delete(table).where(table.c.id == deleted))
    assert await elsewhere.sweep([live, revoked, deleted]) == [revoked, deleted]
    assert await elsewhere.sweep([live, revoked, deleted]) == [revoked, deleted]
    assert ended == [revoked, deleted]
    assert await elsewhere.sweep([]) == []


async def test_deleted_user_has_no_session(sessions: Sessions, started: Started, user: str, db: Database) -> None:
    async with db.write() as connection:
        await connection.execute(delete(users).where(users.c.id == user))
    assert await sessions.sweep([started.session]) == [started.session]
    assert not await sessions.is_live(started.session)


async def test_refresh_token_inside_a_session_token_must_be_current_or_in_grace(
    sessions: Sessions, elsewhere: Sessions, user: str, client: Client, clock: ManualClock
) -> None:
    started = await sessions.start(user, Mode.SESSION, client)
    assert await elsewhere.check(started.session, started.refresh_token)
    refreshed = await sessions.refresh(started.refresh_token, client)
    for node in (sessions, elsewhere):
        assert await node.check(started.session, refreshed.refresh_token)
        assert await node.check(started.session, started.refresh_token)
    clock.advance(GRACE)
    for node in (sessions, elsewhere):
        assert await node.check(started.session, refreshed.refresh_token)
        assert not await node.check(started.session, started.refresh_token)
    assert await sessions.is_live(started.session)


async def test_purge_deletes_what_ended_long_ago(
    sessions: Sessions, user: str, client: Client, clock: ManualClock, db: Database
) -> None:
    await sessions.start(user, Mode.SESSION, client)
    revoked = await sessions.start(user, Mode.JSON, client)
    await sessions.revoke(revoked.session, "by hand")
    live = await sessions.start(user, Mode.JSON, client)
    assert await sessions.purge() == 0
    clock.advance(2 * 86_400 + 1)
    assert await sessions.purge() == 2
    async with db.read() as connection:
        assert list((await connection.execute(select(table.c.id))).scalars()) == [live.session]


async def test_stale_row_of_a_reader_does_not_revive_a_session(
    sessions: Sessions, started: Started, db: Database
) -> None:
    await sessions.revoke(started.session, "by hand")
    async with db.write() as connection:
        await connection.execute(update(table).values(revoked_at=None))
    assert await sessions.sweep([started.session]) == [started.session]
    assert not await sessions.is_live(started.session)


async def test_stale_row_of_a_reader_does_not_undo_a_refresh(
    sessions: Sessions, started: Started, client: Client, clock: ManualClock, db: Database
) -> None:
    async with db.read() as connection:
        before = (await connection.execute(select(table))).mappings().one()
    clock.advance(5)
    await sessions.refresh(started.refresh_token, client)
    extended: list[tuple[str, float]] = []
    sessions.on_extended(lambda session, until: extended.append((session, until)))
    async with db.write() as connection:
        await connection.execute(update(table).values(dict(before)))
    assert await sessions.sweep([started.session]) == []
    assert extended == []


async def test_use_that_cannot_be_noted_has_no_effect_and_is_not_tried_again_for_a_minute(
    sessions: Sessions, started: Started, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    tries = 0

    def unreachable(**_: bool) -> NoReturn:
        nonlocal tries
        tries += 1
        raise Problem(Code.SERVICE_UNAVAILABLE)

    with monkeypatch.context() as patched:
        patched.setattr(sessions._db, "write", unreachable)
        for seconds in (300, 59, 1):
            clock.advance(seconds)
            session = await sessions.check(started.session)
            assert session is not None
            await sessions.note_use(session)
    assert tries == 2
