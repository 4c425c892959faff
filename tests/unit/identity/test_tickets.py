"""Connection tickets: good once, soon, from where they were asked for, and for whoever still may."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, insert, select, update

from tests.unit.identity.conftest import EMAIL, PASSWORD
from watchword.access.permissions import Action
from watchword.access.principal import Principal
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.identity.authenticator import Authenticated, Identity
from watchword.identity.client import Client
from watchword.identity.outside import Identified
from watchword.identity.static_tokens import NewToken
from watchword.identity.tickets import MOST, MOST_OF_ONE, Tickets, looks_like_ticket
from watchword.identity.users import Status
from watchword.protocol.operations import AccessToken, ConnectionTicket, Credential, Password, RefreshToken
from watchword.storage.engine import Database
from watchword.storage.tables import access, auth_events, permissions, policies, roles, users

PAGE = Client("192.0.2.1", "a page", "https://app.example.com")
PROGRAM = Client("192.0.2.1", "a program")
ADA = Principal(user="ada", session="s-1", admin=True, roles=("admins",), user_values={"name": "Ada"})


@pytest.fixture
def tickets(clock: ManualClock) -> Tickets:
    return Tickets(clock, 30.0)


def issued(tickets: Tickets, principal: Principal = ADA, client: Client = PAGE) -> str:
    return tickets.issue(principal, client).ticket.reveal()


def test_ticket_stands_once_for_who_asked_and_not_for_their_rights(tickets: Tickets) -> None:
    ticket = issued(tickets)
    assert looks_like_ticket(ticket)
    assert tickets.redeem(ticket, PAGE) == Principal(user="ada", session="s-1")
    assert tickets.redeem(ticket, PAGE) is None
    assert len(tickets) == 0


def test_no_two_tickets_are_the_same(tickets: Tickets) -> None:
    first, second = issued(tickets), issued(tickets)
    assert first != second
    assert tickets.redeem(second, PAGE) == tickets.redeem(first, PAGE) == Principal(user="ada", session="s-1")


def test_ticket_is_kept_as_a_digest_and_never_shown(tickets: Tickets) -> None:
    told = tickets.issue(ADA, PAGE)
    assert told.ticket.reveal() not in repr((told, vars(tickets)))


@pytest.mark.parametrize(("seconds", "is_good"), [(0.0, True), (29.9, True), (30.0, False), (3_600.0, False)])
def test_ticket_is_good_for_its_time(tickets: Tickets, clock: ManualClock, seconds: float, is_good: bool) -> None:
    ticket = issued(tickets)
    clock.advance(seconds)
    assert (tickets.redeem(ticket, PAGE) is not None) == is_good


@pytest.mark.parametrize(
    ("asking", "presenting"),
    [
        (PAGE, Client("192.0.2.2", "a page", "https://app.example.com")),
        (PAGE, Client(None, "a page", "https://app.example.com")),
        (PAGE, Client("192.0.2.1", "a page", "https://evil.example.com")),
        (PAGE, Client("192.0.2.1", "a page", "null")),
        (PAGE, PROGRAM),
        (PROGRAM, PAGE),
    ],
)
def test_ticket_presented_from_elsewhere_is_refused_and_burnt(
    tickets: Tickets, asking: Client, presenting: Client
) -> None:
    ticket = issued(tickets, client=asking)
    assert tickets.redeem(ticket, presenting) is None
    assert tickets.redeem(ticket, asking) is None


def test_ticket_of_a_program_is_for_programs_whatever_they_call_themselves(tickets: Tickets) -> None:
    ticket = issued(tickets, client=PROGRAM)
    assert tickets.redeem(ticket, Client("192.0.2.1", "another name")) is not None


def test_ticket_is_not_said_to_be_good_for_longer_than_its_credential(tickets: Tickets, clock: ManualClock) -> None:
    soon = Principal(user="ada", session="s-1", expires_at=clock.now() + 5)
    assert tickets.issue(soon, PAGE).seconds == 5
    clock.advance(6)
    assert tickets.issue(soon, PAGE).seconds == 0
    assert tickets.issue(ADA, PAGE).seconds == 30


def test_expiry_of_a_ticket_is_not_that_of_its_principal(tickets: Tickets, clock: ManualClock) -> None:
    lasting = Principal(user="ada", session="s-1", expires_at=clock.now() + 900)
    assert tickets.issue(lasting, PAGE).seconds == 30.0
    found = tickets.redeem(issued(tickets, lasting), PAGE)
    assert found is not None
    assert found.expires_at == clock.now() + 900


def test_caller_who_asks_for_many_loses_the_oldest_and_nobody_else_any(tickets: Tickets) -> None:
    other = issued(tickets, Principal(user="bob", session="s-2"))
    second_session = issued(tickets, Principal(user="ada", session="s-3"))
    own = [issued(tickets) for _ in range(MOST_OF_ONE + 2)]
    assert len(tickets) == MOST_OF_ONE + 2
    assert [tickets.redeem(ticket, PAGE) is not None for ticket in own] == [False] * 2 + [True] * MOST_OF_ONE
    assert tickets.redeem(other, PAGE) is not None
    assert tickets.redeem(second_session, PAGE) is not None


def test_claims_that_an_application_changes_do_not_matter_to_a_ticket(tickets: Tickets) -> None:
    claims = {"sub": "eve"}
    ticket = issued(tickets, Principal(issuer="partner", claims=claims))
    claims["sub"] = "mallory"
    assert tickets.redeem(ticket, PAGE) is not None
    assert len(tickets._held) == 0


def test_used_tickets_make_room(tickets: Tickets) -> None:
    kept = issued(tickets)
    for _ in range(MOST_OF_ONE * 2):
        assert tickets.redeem(issued(tickets), PAGE) is not None
    assert tickets.redeem(kept, PAGE) is not None


def test_all_together_lose_the_oldest(tickets: Tickets) -> None:
    first, second = [issued(tickets, Principal(token=f"early {n}")) for n in range(2)]
    for n in range(MOST - 1):
        tickets.issue(Principal(token=str(n)), PAGE)
    assert len(tickets) == MOST
    assert tickets.redeem(first, PAGE) is None
    assert tickets.redeem(second, PAGE) is not None


def test_what_is_too_old_is_forgotten(tickets: Tickets, clock: ManualClock) -> None:
    for n in range(5):
        tickets.issue(Principal(token=str(n)), PAGE)
    clock.advance(30)
    tickets.issue(ADA, PAGE)
    assert len(tickets) == 1
    assert len(tickets._held) == 1


def test_burnt_ticket_is_over_and_another_is_not(tickets: Tickets) -> None:
    burnt, kept = issued(tickets), issued(tickets)
    tickets.burn(burnt)
    tickets.burn("anything else")
    assert tickets.redeem(burnt, PAGE) is None
    assert tickets.redeem(kept, PAGE) is not None


@given(st.text())
def test_text_that_was_not_given_out_is_nothing(text: str) -> None:
    tickets = Tickets(ManualClock(), 30.0)
    tickets.issue(ADA, PAGE)
    assert not looks_like_ticket(text)
    assert tickets.redeem(text.encode(errors="replace").decode(), PAGE) is None
    assert len(tickets) == 1


@pytest.mark.parametrize(
    "text", ["", "wwt_", "wwt_" + "A" * 42, "wwt_" + "A" * 44, "ww_" + "A" * 44, "wwt_" + "é" * 43]
)
def test_other_texts_do_not_look_like_a_ticket(text: str) -> None:
    assert not looks_like_ticket(text)


# On a whole identity core


@pytest.fixture
async def logged_in(identity: Identity, user: str) -> Authenticated:
    return await identity.authenticate(Password(EMAIL, Secret(PASSWORD)), PAGE)


def ticket_of(identity: Identity, principal: Principal, client: Client = PAGE) -> ConnectionTicket:
    return ConnectionTicket(identity.tickets.issue(principal, client).ticket)


async def code_of(identity: Identity, credential: Credential, client: Client = PAGE) -> Code:
    with pytest.raises(Problem) as caught:
        await identity.authenticate(credential, client)
    return caught.value.code


async def refusals(db: Database) -> list[dict[str, str]]:
    async with db.read() as connection:
        rows = await connection.execute(select(auth_events).where(auth_events.c.kind == "token_refused"))
        return [row["detail"] for row in rows.mappings()]


async def test_ticket_of_a_session_is_as_good_as_its_token(
    identity: Identity, logged_in: Authenticated, db: Database
) -> None:
    found = await identity.authenticate(ticket_of(identity, logged_in.principal), PAGE)
    assert found.principal == logged_in.principal
    assert found.expires_at == logged_in.expires_at
    assert (found.access_token, found.refresh_token) == (None, None)
    assert await refusals(db) == []
    assert identity.results["ConnectionTicket", "ok"] == 1


async def test_ticket_used_twice_is_refused_as_a_bad_token_is(
    identity: Identity, logged_in: Authenticated, db: Database
) -> None:
    ticket = ticket_of(identity, logged_in.principal)
    await identity.authenticate(ticket, PAGE)
    assert await code_of(identity, ticket) is Code.INVALID_CREDENTIALS
    assert await code_of(identity, AccessToken(Secret("a-token-of-nobody"))) is Code.INVALID_CREDENTIALS
    first, second = await refusals(db)
    assert first == second == {"code": "INVALID_CREDENTIALS"}


async def test_ticket_gives_the_rights_of_when_it_is_used(
    identity: Identity, logged_in: Authenticated, db: Database
) -> None:
    ticket = ticket_of(identity, logged_in.principal)
    async with db.write() as connection:
        await connection.execute(insert(policies).values(id="p", name="P"))
        await connection.execute(insert(access).values(id="a", user=logged_in.principal.user, policy="p"))
        await connection.execute(
            insert(permissions).values(policy="p", collection="articles", action="read", fields="*")
        )
    identity.grants.invalidate()
    found = await identity.authenticate(ticket, PAGE)
    assert found.access.find("articles", Action.READ) is not None
    assert logged_in.access.find("articles", Action.READ) is None


async def test_ticket_of_an_ended_session_is_refused(identity: Identity, logged_in: Authenticated) -> None:
    ticket, session = ticket_of(identity, logged_in.principal), logged_in.principal.session
    assert session is not None
    await identity.sessions.revoke(session, "a test")
    assert await code_of(identity, ticket) is Code.INVALID_CREDENTIALS


async def test_ticket_of_another_session_goes_on(identity: Identity, logged_in: Authenticated) -> None:
    other = await identity.authenticate(Password(EMAIL, Secret(PASSWORD)), PAGE)
    assert other.principal.session is not None
    ticket = ticket_of(identity, logged_in.principal)
    await identity.sessions.revoke(other.principal.session, "a test")
    assert (await identity.authenticate(ticket, PAGE)).principal == logged_in.principal


@pytest.mark.parametrize("change", ["suspended", "deleted"])
async def test_ticket_of_a_user_who_is_gone_is_refused(
    identity: Identity, logged_in: Authenticated, db: Database, change: str
) -> None:
    ticket = ticket_of(identity, logged_in.principal)
    which = users.c.id == logged_in.principal.user
    suspend = update(users).where(which).values(status=Status.SUSPENDED.value)
    async with db.write() as connection:
        await connection.execute(suspend if change == "suspended" else delete(users).where(which))
    identity.grants.invalidate()
    assert await code_of(identity, ticket) is Code.INVALID_CREDENTIALS


async def test_ticket_of_an_expired_token_says_that_it_has_expired(
    identity: Identity, user: str, clock: ManualClock
) -> None:
    made = await identity.static_tokens.create(NewToken(user=user, name="a program", expires_at=clock.now() + 10))
    principal = (await identity.authenticate(AccessToken(made.token), PAGE)).principal
    in_time, late = ticket_of(identity, principal), ticket_of(identity, principal)
    clock.advance(9)
    assert (await identity.authenticate(in_time, PAGE)).expires_at == principal.expires_at
    clock.advance(1)
    assert await code_of(identity, late) is Code.TOKEN_EXPIRED


@pytest.mark.parametrize("revoked", [False, True])
async def test_ticket_of_a_static_token_is_good_while_the_token_is(
    identity: Identity, user: str, revoked: bool
) -> None:
    made = await identity.static_tokens.create(NewToken(user=user, name="a program"))
    principal = (await identity.authenticate(AccessToken(made.token), PROGRAM)).principal
    ticket = ticket_of(identity, principal, PROGRAM)
    if revoked:
        await identity.static_tokens.revoke(made.id)
        assert await code_of(identity, ticket, PROGRAM) is Code.INVALID_CREDENTIALS
    else:
        assert (await identity.authenticate(ticket, PROGRAM)).principal == principal


async def test_ticket_of_a_roles_token_is_the_roles(identity: Identity, db: Database) -> None:
    async with db.write() as connection:
        await connection.execute(insert(roles).values(id="importers", name="Importers"))
    made = await identity.static_tokens.create(NewToken(role="importers", name="a program"))
    principal = (await identity.authenticate(AccessToken(made.token), PROGRAM)).principal
    found = (await identity.authenticate(ticket_of(identity, principal, PROGRAM), PROGRAM)).principal
    assert found == principal
    assert (found.user, found.token, found.role) == (None, made.id, "importers")


@pytest.mark.parametrize("revoked", [False, True])
async def test_ticket_of_somebody_for_whom_others_vouch_is_good_until_that_is_revoked(
    identity: Identity, clock: ManualClock, revoked: bool
) -> None:
    asked: list[str] = []

    async def vouch(token: str, _: Client) -> Identified | None:
        asked.append(token)
        ends = clock.now() + 60
        return Identified(user="eve", session="e-1", claims={"sub": "eve"}, expires_at=ends, scopes=("read",))

    identity.outside.add("partner", vouch)
    principal = (await identity.authenticate(AccessToken(Secret("a-foreign-token")), PAGE)).principal
    ticket = ticket_of(identity, principal)
    if revoked:
        await identity.outside.revoke("partner", session="e-1")
        assert await code_of(identity, ticket) is Code.INVALID_CREDENTIALS
    else:
        assert (await identity.authenticate(ticket, PAGE)).principal == principal
    assert asked == ["a-foreign-token"]


async def test_ticket_presented_as_a_token_is_refused_burnt_and_shown_to_nobody(
    identity: Identity, logged_in: Authenticated, db: Database
) -> None:
    asked: list[str] = []

    async def vouch(token: str, _: Client) -> Identified | None:
        asked.append(token)
        return Identified(user="eve")

    identity.outside.add("partner", vouch)
    for kind in (AccessToken, RefreshToken):
        ticket = ticket_of(identity, logged_in.principal)
        assert await code_of(identity, kind(ticket.token)) is Code.INVALID_CREDENTIALS
        assert await code_of(identity, ticket) is Code.INVALID_CREDENTIALS
    assert asked == []
    told = str(await refusals(db))
    assert told.count("INVALID_CREDENTIALS") == 4
    assert "wwt_" not in told


@pytest.mark.parametrize("text", ["", "\ud800", "a-token-of-nobody", "wwt_" + "A" * 43])
async def test_what_is_no_ticket_is_refused(identity: Identity, text: str) -> None:
    assert await code_of(identity, ConnectionTicket(Secret(text))) is Code.INVALID_CREDENTIALS


async def test_token_is_no_ticket(identity: Identity, logged_in: Authenticated) -> None:
    assert logged_in.access_token is not None
    assert await code_of(identity, ConnectionTicket(Secret(logged_in.access_token))) is Code.INVALID_CREDENTIALS
