"""Identity: from every kind of credential to a principal, and from every wrong one to the same refusal."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
from anyio import create_task_group, fail_after, wait_all_tasks_blocked
from sqlalchemy import delete, insert, select, update

from tests.support.keys import ring_of_one
from tests.unit.identity.conftest import EMAIL, PASSWORD
from watchword.access.permissions import Action
from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.identity.authenticator import Authenticated, Identity
from watchword.identity.client import Client
from watchword.identity.settings import IdentitySettings, Mode
from watchword.identity.static_tokens import NewToken
from watchword.identity.tokens import AccessTokens, Subject
from watchword.identity.users import NewUser, Status
from watchword.protocol.operations import AccessToken, Credential, Password, RefreshToken
from watchword.query.filters import Variable
from watchword.storage.engine import Database
from watchword.storage.tables import (
    access,
    auth_events,
    metadata,
    permissions,
    policies,
    roles,
    sessions,
    tokens,
    users,
)

ELSEWHERE = Client("198.51.100.1")


def password(email: str = EMAIL, text: str = PASSWORD) -> Password:
    return Password(email, Secret(text))


def bearer(token: str | None) -> AccessToken:
    assert token is not None
    return AccessToken(Secret(token))


def refresh(token: str | None) -> RefreshToken:
    assert token is not None
    return RefreshToken(Secret(token))


async def assert_refused(
    identity: Identity, credential: Credential, client: Client, code: Code = Code.INVALID_CREDENTIALS
) -> Problem:
    with pytest.raises(Problem) as caught:
        await identity.authenticate(credential, client)
    assert caught.value.code is code
    return caught.value


async def make_admin(db: Database, user: str) -> None:
    async with db.write() as connection:
        await connection.execute(insert(roles).values(id="admins", name="Admins"))
        await connection.execute(insert(policies).values(id="p-admin", name="Admin", admin_access=True))
        await connection.execute(insert(access).values(id="a-admin", role="admins", policy="p-admin"))
        await connection.execute(update(users).where(users.c.id == user).values(role="admins"))


async def events(db: Database) -> list[dict[str, Any]]:
    async with db.read() as connection:
        rows = await connection.execute(select(auth_events).order_by(auth_events.c.id))
        return [dict(row) for row in rows.mappings()]


@pytest.fixture
async def logged_in(identity: Identity, user: str, client: Client) -> Authenticated:
    return await identity.authenticate(password(), client)


# Passwords


async def test_login_gives_a_principal_and_both_tokens(
    identity: Identity, user: str, logged_in: Authenticated, clock: ManualClock
) -> None:
    principal = logged_in.principal
    assert (principal.user, principal.address, principal.is_anonymous) == (user, "192.0.2.1", False)
    assert principal.session is not None
    assert logged_in.refresh_token is not None
    assert len(logged_in.refresh_token) == 64
    assert logged_in.expires_at == principal.expires_at == clock.now() + 900
    assert await identity.sessions.is_live(principal.session)


async def test_login_with_an_address_in_other_letters(identity: Identity, user: str, client: Client) -> None:
    assert (await identity.authenticate(password("ADA@Example.com"), client)).principal.user == user


async def test_rights_of_an_admin_are_in_the_principal_and_in_the_token(
    identity: Identity, user: str, client: Client, db: Database
) -> None:
    await make_admin(db, user)
    authenticated = await identity.authenticate(password(), client)
    assert authenticated.principal.admin
    assert authenticated.access.admin
    assert authenticated.access_token is not None
    claims = identity.access_tokens.verify(authenticated.access_token)
    assert (claims.role, claims.admin_access, claims.app_access) == ("admins", True, True)


async def test_claim_of_being_admin_gives_no_rights(
    identity: Identity, user: str, logged_in: Authenticated, client: Client, clock: ManualClock
) -> None:
    assert logged_in.principal.session is not None
    boast = Subject(user, logged_in.principal.session, role="admins", admin=True, app=True)
    principal = (
        await identity.authenticate(bearer(identity.access_tokens.issue(boast, clock.now() + 60)), client)
    ).principal
    assert (principal.admin, principal.app, principal.role) == (False, False, None)


REFUSED_LOGINS = {
    "unknown": ("nobody@example.com", PASSWORD),
    "wrong": (EMAIL, "wrong password"),
    "empty": (EMAIL, ""),
    "too long": (EMAIL, "x" * 5000),
    "not text": (EMAIL, "\ud800"),
    "no address": ("", ""),
    "unstorable": ("ada@example.com\x00", PASSWORD),
}


@pytest.mark.parametrize("case", REFUSED_LOGINS)
async def test_refused_login_costs_one_verification_and_says_nothing(
    identity: Identity, user: str, client: Client, case: str
) -> None:
    before = identity.passwords.verifications
    problem = await assert_refused(identity, password(*REFUSED_LOGINS[case]), client)
    assert identity.passwords.verifications == before + 1
    assert (problem.message, problem.extensions) == ("Invalid user credentials.", {})


async def test_right_login_costs_one_verification(identity: Identity, user: str, client: Client) -> None:
    before = identity.passwords.verifications
    await identity.authenticate(password(), client)
    assert identity.passwords.verifications == before + 1


@pytest.mark.parametrize(
    "change",
    [
        *({"status": status.value} for status in Status if status is not Status.ACTIVE),
        {"provider": "sso"},
        {"password": None},
    ],
)
async def test_right_password_of_a_user_who_may_not_log_in_is_refused_alike(
    lite_identity: Identity, lite_user: str, lite: Database, client: Client, change: dict[str, Any]
) -> None:
    async with lite.write() as connection:
        await connection.execute(update(users).values(change))
    before = lite_identity.passwords.verifications
    problem = await assert_refused(lite_identity, password(), client)
    assert lite_identity.passwords.verifications == before + 1
    assert (problem.message, problem.extensions) == ("Invalid user credentials.", {})
    async with lite.read() as connection:
        assert (await connection.execute(select(sessions))).first() is None


@pytest.fixture
def stalling(lite: Database, clock: ManualClock, secret: Secret) -> Identity:
    return Identity(lite, clock, secret, IdentitySettings(login_stall=5, access_ttl=2))


@pytest.mark.usefixtures("lite_user")
@pytest.mark.parametrize("credential", [password(), password(text="wrong"), password("nobody@example.com")])
async def test_every_answer_to_a_login_takes_the_same_time(
    stalling: Identity, lite: Database, clock: ManualClock, client: Client, credential: Password
) -> None:
    answered_at: list[float] = []

    async def log_in() -> None:
        with suppress(Problem):
            await stalling.authenticate(credential, client)
        answered_at.append(clock.monotonic())

    with fail_after(10):
        async with create_task_group() as group:
            group.start_soon(log_in)
            while not await events(lite):
                await wait_all_tasks_blocked()
            await wait_all_tasks_blocked()
            clock.advance(4.99)
            await wait_all_tasks_blocked()
            assert answered_at == []
            clock.advance(0.01)
    assert answered_at == [5]


@pytest.mark.usefixtures("lite_user")
async def test_token_of_a_stalled_login_lives_its_whole_time(
    stalling: Identity, lite: Database, clock: ManualClock, client: Client
) -> None:
    answers: list[Authenticated] = []

    async def log_in() -> None:
        answers.append(await stalling.authenticate(password(), client))

    with fail_after(10):
        async with create_task_group() as group:
            group.start_soon(log_in)
            while not await events(lite):
                await wait_all_tasks_blocked()
            clock.advance(5)
    assert answers[0].expires_at == clock.now() + 2


async def test_too_many_failures_are_refused_before_any_work(
    lite_identity: Identity, lite_user: str, client: Client
) -> None:
    for _ in range(10):
        await assert_refused(lite_identity, password(text="wrong"), client)
    before = lite_identity.passwords.verifications
    problem = await assert_refused(lite_identity, password(), client, Code.REQUESTS_EXCEEDED)
    assert set(problem.extensions) == {"limit", "reset", "retry_after"}
    assert lite_identity.passwords.verifications == before
    assert (await lite_identity.authenticate(password(), ELSEWHERE)).principal.user == lite_user


async def test_account_that_does_not_exist_is_throttled_alike(lite_identity: Identity, client: Client) -> None:
    for _ in range(10):
        await assert_refused(lite_identity, password("nobody@example.com"), client)
    await assert_refused(lite_identity, password("nobody@example.com"), client, Code.REQUESTS_EXCEEDED)


async def test_many_right_logins_at_once_all_succeed(lite_identity: Identity, lite_user: str, client: Client) -> None:
    found: list[str | None] = []

    async def log_in() -> None:
        found.append((await lite_identity.authenticate(password(), client)).principal.user)

    async with create_task_group() as group:
        for _ in range(32):
            group.start_soon(log_in)
    assert found == [lite_user] * 32


# Access tokens


async def test_access_token_gives_the_principal_of_its_session(
    identity: Identity, logged_in: Authenticated, client: Client
) -> None:
    again = await identity.authenticate(bearer(logged_in.access_token), client)
    assert again.principal == logged_in.principal
    assert (again.access_token, again.refresh_token) == (None, None)


async def test_access_token_in_use_needs_no_database(
    identity: Identity, logged_in: Authenticated, client: Client, db: Database
) -> None:
    await identity.authenticate(bearer(logged_in.access_token), client)
    await db.close()
    async with db.write() as connection:
        await connection.execute(delete(sessions))
    assert await identity.authenticate(bearer(logged_in.access_token), client)


async def test_access_token_expires(
    identity: Identity, logged_in: Authenticated, client: Client, clock: ManualClock
) -> None:
    clock.advance(900)
    await assert_refused(identity, bearer(logged_in.access_token), client, Code.TOKEN_EXPIRED)


async def test_forged_token_is_invalid_and_garbage_unknown(
    identity: Identity, user: str, client: Client, clock: ManualClock
) -> None:
    await identity.keys.ready()
    own = identity.keys.ring.current
    assert own is not None
    for name in ("a key that nobody knows", str(own.id)):
        stranger = AccessTokens(ring_of_one(name), clock)
        forged = stranger.issue(Subject(user, "session-1"), clock.now() + 60)
        await assert_refused(identity, bearer(forged), client, Code.INVALID_TOKEN)
    for garbage in ("nope", "", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "\ud800", "\x00", "x" * 10_000):
        await assert_refused(identity, bearer(garbage), client)


async def test_token_of_a_session_that_never_was_is_refused(
    identity: Identity, user: str, client: Client, clock: ManualClock
) -> None:
    await identity.keys.ready()
    token = identity.access_tokens.issue(Subject(user, "session-1"), clock.now() + 60)
    await assert_refused(identity, bearer(token), client)


async def test_token_for_another_user_than_its_session_is_refused(
    identity: Identity, logged_in: Authenticated, client: Client, clock: ManualClock
) -> None:
    other = await identity.users.create(NewUser(email="bob@example.com"))
    assert logged_in.principal.session is not None
    token = identity.access_tokens.issue(Subject(other, logged_in.principal.session), clock.now() + 60)
    await assert_refused(identity, bearer(token), client)


async def test_refresh_token_is_no_access_token_nor_the_reverse(
    identity: Identity, logged_in: Authenticated, client: Client
) -> None:
    await assert_refused(identity, bearer(logged_in.refresh_token), client)
    await assert_refused(identity, refresh(logged_in.access_token), client)
    assert await identity.authenticate(bearer(logged_in.access_token), client)


async def test_access_token_is_dead_after_log_out(
    identity: Identity, logged_in: Authenticated, client: Client, db: Database
) -> None:
    assert logged_in.refresh_token is not None
    await identity.log_out(Secret(logged_in.refresh_token), client)
    await assert_refused(identity, bearer(logged_in.access_token), client)
    await assert_refused(identity, refresh(logged_in.refresh_token), client)
    await identity.log_out(Secret(logged_in.refresh_token), client)
    kinds = [event["kind"] for event in await events(db)]
    assert kinds == ["login", "logout", "token_refused", "token_refused"]


@pytest.mark.parametrize("token", ["", "nope", "A" * 64, "a.b.c"])
async def test_log_out_with_a_token_that_is_none_ends_nothing(
    identity: Identity, logged_in: Authenticated, client: Client, token: str
) -> None:
    await identity.log_out(Secret(token), client)
    assert await identity.authenticate(bearer(logged_in.access_token), client)


async def test_log_out_with_a_forged_token_ends_nothing(
    identity: Identity, user: str, logged_in: Authenticated, client: Client, clock: ManualClock
) -> None:
    assert logged_in.principal.session is not None
    own = identity.keys.ring.current
    assert own is not None
    forged = AccessTokens(ring_of_one(str(own.id)), clock).issue(
        Subject(user, logged_in.principal.session), clock.now() + 60
    )
    await identity.log_out(Secret(forged), client)
    assert await identity.authenticate(bearer(logged_in.access_token), client)


async def test_log_out_ends_one_session_only(identity: Identity, logged_in: Authenticated, client: Client) -> None:
    other = await identity.authenticate(password(), client)
    assert logged_in.refresh_token is not None
    await identity.log_out(Secret(logged_in.refresh_token), client)
    assert await identity.authenticate(bearer(other.access_token), client)


async def test_tokens_are_dead_after_suspension_and_stay_dead(
    identity: Identity, user: str, logged_in: Authenticated, client: Client
) -> None:
    await identity.users.set_status(user, Status.SUSPENDED)
    await assert_refused(identity, bearer(logged_in.access_token), client)
    await identity.users.set_status(user, Status.ACTIVE)
    await assert_refused(identity, bearer(logged_in.access_token), client)
    await assert_refused(identity, refresh(logged_in.refresh_token), client)


async def test_suspension_by_another_hand_counts_once_rights_are_invalidated(
    identity: Identity, logged_in: Authenticated, client: Client, db: Database
) -> None:
    async with db.write() as connection:
        await connection.execute(update(users).values(status="suspended"))
    identity.grants.invalidate()
    await assert_refused(identity, bearer(logged_in.access_token), client)
    await assert_refused(identity, refresh(logged_in.refresh_token), client)
    assert logged_in.principal.session is not None
    assert not await identity.sessions.is_live(logged_in.principal.session)


async def test_tokens_of_a_deleted_user_are_dead(
    identity: Identity, logged_in: Authenticated, client: Client, db: Database
) -> None:
    async with db.write() as connection:
        await connection.execute(delete(users))
    identity.grants.invalidate()
    await assert_refused(identity, bearer(logged_in.access_token), client)
    await assert_refused(identity, refresh(logged_in.refresh_token), client)


async def test_new_password_ends_old_tokens(
    identity: Identity, user: str, logged_in: Authenticated, client: Client
) -> None:
    await identity.users.set_password(user, Secret("another good password"))
    await assert_refused(identity, bearer(logged_in.access_token), client)
    await assert_refused(identity, password(), client)
    assert await identity.authenticate(password(text="another good password"), client)


# Refresh tokens


async def test_refresh_gives_new_tokens_for_the_same_session(
    identity: Identity, logged_in: Authenticated, client: Client, clock: ManualClock
) -> None:
    clock.advance(600)
    again = await identity.authenticate(refresh(logged_in.refresh_token), client)
    assert again.principal.session == logged_in.principal.session
    assert again.expires_at == clock.now() + 900
    assert again.refresh_token != logged_in.refresh_token
    for token in (logged_in.access_token, again.access_token):
        assert await identity.authenticate(bearer(token), client)


async def test_parallel_refreshes_converge(lite_identity: Identity, lite_user: str, client: Client) -> None:
    logged_in = await lite_identity.authenticate(password(), client)
    given: list[str | None] = []

    async def again() -> None:
        given.append((await lite_identity.authenticate(refresh(logged_in.refresh_token), client)).refresh_token)

    async with create_task_group() as group:
        for _ in range(12):
            group.start_soon(again)
    assert len(given) == 12
    assert len(set(given)) == 1


async def test_reuse_ends_access_tokens_too(
    identity: Identity, logged_in: Authenticated, client: Client, clock: ManualClock, db: Database
) -> None:
    again = await identity.authenticate(refresh(logged_in.refresh_token), client)
    clock.advance(10)
    await assert_refused(identity, refresh(logged_in.refresh_token), client)
    await assert_refused(identity, bearer(again.access_token), client)
    await assert_refused(identity, refresh(again.refresh_token), client)
    kinds = [event["kind"] for event in await events(db)]
    assert kinds == ["login", "refresh", "refresh_reuse", *["token_refused"] * 3]


# Session mode


async def test_session_mode_gives_one_token_for_both_uses(
    identity: Identity, user: str, client: Client, clock: ManualClock
) -> None:
    first = await identity.authenticate(password(), client, Mode.SESSION)
    assert first.refresh_token is None
    assert first.expires_at == clock.now() + 86_400
    assert (await identity.authenticate(bearer(first.access_token), client)).principal == first.principal
    second = await identity.authenticate(refresh(first.access_token), client)
    assert (second.mode, second.refresh_token) == (Mode.SESSION, None)
    assert second.principal.session == first.principal.session
    assert second.access_token != first.access_token


async def test_old_session_token_is_good_for_the_grace_and_then_reuse(
    identity: Identity, user: str, client: Client, clock: ManualClock
) -> None:
    first = await identity.authenticate(password(), client, Mode.SESSION)
    second = await identity.authenticate(refresh(first.access_token), client)
    clock.advance(9)
    assert await identity.authenticate(bearer(first.access_token), client)
    third = await identity.authenticate(refresh(first.access_token), client)
    assert claim(third) == claim(second)
    clock.advance(1)
    await assert_refused(identity, bearer(first.access_token), client)
    assert await identity.authenticate(bearer(second.access_token), client)
    await assert_refused(identity, refresh(first.access_token), client)
    await assert_refused(identity, bearer(second.access_token), client)


async def test_session_token_ends_by_log_out(identity: Identity, user: str, client: Client) -> None:
    first = await identity.authenticate(password(), client, Mode.SESSION)
    assert first.access_token is not None
    await identity.log_out(Secret(first.access_token), client)
    await assert_refused(identity, bearer(first.access_token), client)
    await assert_refused(identity, refresh(first.access_token), client)


def claim(authenticated: Authenticated) -> Any:
    assert authenticated.access_token is not None
    payload = authenticated.access_token.split(".")[1]
    return json.loads(base64.urlsafe_b64decode(payload + "==="))["session"]


# Static tokens


@pytest.fixture
async def importers(db: Database) -> str:
    """A role with a parent and a policy of its own; the public has another policy."""
    async with db.write() as connection:
        await connection.execute(insert(roles).values(id="staff", name="Staff"))
        await connection.execute(insert(roles).values(id="importers", name="Importers", parent="staff"))
        for policy, role, collection, action in (
            ("import", "importers", "articles", "create"),
            ("everybody", None, "news", "read"),
        ):
            await connection.execute(insert(policies).values(id=policy, name=policy))
            await connection.execute(insert(access).values(id=policy, role=role, policy=policy))
            granted = {"policy": policy, "collection": collection, "action": action, "fields": "*"}
            await connection.execute(insert(permissions).values(granted))
    return "importers"


async def test_static_token_gives_a_principal_without_a_session(identity: Identity, user: str, client: Client) -> None:
    issued = await identity.static_tokens.create(NewToken(user=user))
    principal = (await identity.authenticate(bearer(issued.token.reveal()), client)).principal
    assert (principal.user, principal.session, principal.token, principal.expires_at) == (user, None, issued.id, None)


async def test_static_token_set_by_hand_works(identity: Identity, user: str, client: Client) -> None:
    await identity.static_tokens.set(user, "reader-static-token-0001")
    assert (await identity.authenticate(bearer("reader-static-token-0001"), client)).principal.user == user
    await assert_refused(identity, bearer("reader-static-token-0002"), client)


async def test_static_token_expires(identity: Identity, user: str, client: Client, clock: ManualClock) -> None:
    issued = await identity.static_tokens.create(NewToken(user=user, expires_at=clock.now() + 60))
    assert (await identity.authenticate(bearer(issued.token.reveal()), client)).expires_at == clock.now() + 60
    clock.advance(60)
    await assert_refused(identity, bearer(issued.token.reveal()), client, Code.TOKEN_EXPIRED)


async def test_static_token_is_dead_when_revoked_or_its_user_suspended(
    identity: Identity, user: str, client: Client
) -> None:
    first, second = [await identity.static_tokens.create(NewToken(user=user)) for _ in range(2)]
    assert await identity.authenticate(bearer(first.token.reveal()), client)
    await identity.static_tokens.revoke(first.id)
    await assert_refused(identity, bearer(first.token.reveal()), client)
    await identity.users.set_status(user, Status.SUSPENDED)
    identity.grants.invalidate(user)
    await assert_refused(identity, bearer(second.token.reveal()), client)


async def test_token_of_a_role_gives_its_rights_and_no_user(
    identity: Identity, client: Client, db: Database, importers: str
) -> None:
    issued = await identity.static_tokens.create(NewToken(role=importers))
    authenticated = await identity.authenticate(bearer(issued.token.reveal()), client)
    principal = authenticated.principal
    assert (principal.user, principal.role, principal.roles) == (None, importers, ("staff", importers))
    assert (principal.policies, principal.token, principal.session) == (("import",), issued.id, None)
    assert (principal.admin, principal.app, principal.is_anonymous) == (False, False, False)
    assert authenticated.access.find("articles", Action.CREATE) is not None
    assert authenticated.access.find("news", Action.READ) is None
    variables = principal.variables()
    assert variables.resolve(Variable("CURRENT_USER"), 0.0) is None
    assert variables.resolve(Variable("CURRENT_USER", ("role", "name")), 0.0) is None
    assert variables.resolve(Variable("CURRENT_ROLE"), 0.0) == importers
    assert await identity.renew(principal) == authenticated


async def test_token_of_a_role_without_policies_may_do_nothing_not_even_what_the_public_may(
    identity: Identity, client: Client, importers: str
) -> None:
    issued = await identity.static_tokens.create(NewToken(role="staff"))
    authenticated = await identity.authenticate(bearer(issued.token.reveal()), client)
    anonymous = await identity.renew(Principal(address=client.address))
    assert anonymous.access.find("news", Action.READ) is not None
    for access_now in (authenticated.access, (await identity.renew(authenticated.principal)).access):
        assert access_now.find("news", Action.READ) is None
        assert access_now.find("articles", Action.CREATE) is None
        assert not access_now.admin


async def test_token_of_a_role_expires(identity: Identity, client: Client, clock: ManualClock, importers: str) -> None:
    issued = await identity.static_tokens.create(NewToken(role=importers, expires_at=clock.now() + 60))
    principal = (await identity.authenticate(bearer(issued.token.reveal()), client)).principal
    clock.advance(60)
    await assert_refused(identity, bearer(issued.token.reveal()), client, Code.TOKEN_EXPIRED)
    with pytest.raises(Problem):
        await identity.renew(principal)


@pytest.mark.parametrize("withdraw", ["token", "role"])
async def test_token_of_a_role_is_dead_when_it_or_the_role_is_gone(
    identity: Identity, client: Client, db: Database, importers: str, withdraw: str
) -> None:
    issued = await identity.static_tokens.create(NewToken(role=importers))
    principal = (await identity.authenticate(bearer(issued.token.reveal()), client)).principal
    if withdraw == "token":
        await identity.static_tokens.revoke(issued.id)
    else:
        async with db.write() as connection:
            await connection.execute(delete(roles).where(roles.c.id == importers))
        identity.grants.invalidate()
    await assert_refused(identity, bearer(issued.token.reveal()), client)
    with pytest.raises(Problem) as caught:
        await identity.renew(principal)
    assert caught.value.code is Code.INVALID_CREDENTIALS


async def test_use_of_a_session_is_noted_every_five_minutes(
    identity: Identity, logged_in: Authenticated, client: Client, clock: ManualClock, user: str
) -> None:
    started = clock.now()

    async def use() -> float:
        await identity.authenticate(bearer(logged_in.access_token), client)
        return (await identity.listings.sessions(user))[0].last_used_at.timestamp()

    assert await use() == started
    clock.advance(299)
    assert await use() == started
    clock.advance(1)
    assert await use() == started + 300
    clock.advance(1)
    assert await use() == started + 300


# Rights of now


async def test_anonymous_has_the_publics_rights(identity: Identity, client: Client) -> None:
    anonymous = await identity.renew(Principal(address=client.address))
    assert anonymous.principal.is_anonymous
    assert (anonymous.principal.address, anonymous.principal.admin) == ("192.0.2.1", False)
    assert not anonymous.access.admin
    assert (await identity.renew(anonymous.principal)).principal == anonymous.principal
    assert not (await identity.renew(ANONYMOUS)).access.admin


async def test_renewed_principal_has_the_rights_of_now(
    identity: Identity, user: str, logged_in: Authenticated, db: Database
) -> None:
    assert not logged_in.principal.admin
    await make_admin(db, user)
    identity.grants.invalidate()
    renewed = await identity.renew(logged_in.principal)
    assert renewed.access.admin
    assert (renewed.principal.admin, renewed.principal.role) == (True, "admins")
    assert renewed.principal.session == logged_in.principal.session
    assert renewed.expires_at == logged_in.expires_at


async def revoke_session(identity: Identity, principal: Any) -> None:
    await identity.sessions.revoke(principal.session, "by hand")


async def suspend(identity: Identity, principal: Any) -> None:
    await identity.users.set_status(principal.user, Status.SUSPENDED)
    identity.grants.invalidate()


@pytest.mark.parametrize("end", [revoke_session, suspend])
async def test_principal_whose_session_or_activity_ended_is_not_renewed(
    identity: Identity, logged_in: Authenticated, end: Callable[[Identity, Any], Any]
) -> None:
    await end(identity, logged_in.principal)
    with pytest.raises(Problem) as caught:
        await identity.renew(logged_in.principal)
    assert caught.value.code is Code.INVALID_CREDENTIALS


async def test_principal_of_a_revoked_static_token_is_not_renewed(
    identity: Identity, user: str, client: Client
) -> None:
    issued = await identity.static_tokens.create(NewToken(user=user))
    principal = (await identity.authenticate(bearer(issued.token.reveal()), client)).principal
    assert (await identity.renew(principal)).principal == principal
    await identity.static_tokens.revoke(issued.id)
    with pytest.raises(Problem):
        await identity.renew(principal)


# At rest


async def test_dump_of_the_database_holds_no_credential(
    identity: Identity, user: str, client: Client, db: Database, clock: ManualClock
) -> None:
    first = await identity.authenticate(password(), client)
    second = await identity.authenticate(refresh(first.refresh_token), client)
    third = await identity.authenticate(password(), client, Mode.SESSION)
    fourth = await identity.authenticate(refresh(third.access_token), client)
    static = (await identity.static_tokens.create(NewToken(user=user))).token.reveal()
    await identity.static_tokens.set(user, "reader-static-token-0001")
    await assert_refused(identity, password(text="a wrong password"), client)
    await assert_refused(identity, password(email="a password in the wrong field"), client)
    await assert_refused(identity, bearer("a garbage token"), client)
    clock.advance(10)
    await assert_refused(identity, refresh(first.refresh_token), client)
    issued = [first, second, third, fourth]
    credentials = {PASSWORD, static, "reader-static-token-0001", "a wrong password", "a garbage token"}
    credentials |= {"a password in the wrong field", claim(third), claim(fourth)}
    credentials |= {token for each in issued for token in (each.access_token, each.refresh_token) if token}
    dump = await dumped(db)
    assert len(credentials) == 14
    assert [text for text in credentials if text in dump] == []


async def dumped(db: Database) -> str:
    texts = []
    async with db.read() as connection:
        for table in (users, sessions, tokens, auth_events, *metadata.sorted_tables):
            texts += [str(tuple(row)) for row in await connection.execute(select(table))]
    return "\n".join(texts)


async def test_every_event_is_told_with_its_user_and_session(
    identity: Identity, user: str, logged_in: Authenticated, client: Client, db: Database
) -> None:
    await assert_refused(identity, password(text="wrong"), client)
    await assert_refused(identity, password("nobody@example.com"), client)
    told = [(event["kind"], event["user"], event["session"], event["email"]) for event in await events(db)]
    assert told == [
        ("login", user, logged_in.principal.session, None),
        ("login_failed", user, None, EMAIL),
        ("login_failed", None, None, "nobody@example.com"),
    ]


async def test_login_succeeds_though_it_cannot_be_told(
    lite_identity: Identity, lite_user: str, client: Client, lite: Database
) -> None:
    async with lite.write() as connection:
        await connection.run_sync(auth_events.drop)
    assert (await lite_identity.authenticate(password(), client)).principal.user == lite_user


async def test_closed_identity_verifies_no_password(lite_identity: Identity, lite_user: str, client: Client) -> None:
    await lite_identity.close()
    await assert_refused(lite_identity, password(), client, Code.SERVICE_UNAVAILABLE)
