"""Connections that begin with a message of their dialect's, with a credential or without one."""

from __future__ import annotations

import pytest

from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.connection.machine import Admit, AuthMachine, Effect, Shut, State, Tell, Verify
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.protocol.operations import (
    AccessToken,
    Authenticate,
    Ignore,
    Invoke,
    Join,
    Open,
    Operation,
    Ping,
    Publish,
    Unsubscribe,
)
from watchword.protocol.outcomes import (
    Authenticated,
    Cause,
    Deauthenticated,
    Failure,
    Issued,
    Opened,
    Refused,
)

ANN = Principal(user="ann")
BOB = Principal(user="bob")
BAD = Problem(Code.INVALID_TOKEN)
STRICT = AuthPolicy(
    Mode.HANDSHAKE,
    timeout=10.0,
    on_reject=Reaction.DEMOTE,
    on_expiry=Reaction.DEMOTE,
    on_revoke=Reaction.DEMOTE,
    opens=True,
)
LOOSE = AuthPolicy(
    Mode.HANDSHAKE, on_reject=Reaction.DEMOTE, on_expiry=Reaction.DEMOTE, opens=True, serves_unopened=True
)
GUARDED = AuthPolicy(Mode.PUBLIC, opens=True, guarded=True)
OPEN = Open(None, 1)
AUTHENTICATE = Authenticate(AccessToken(Secret("t")), 2)


def waiting(policy: AuthPolicy = STRICT) -> AuthMachine:
    machine = AuthMachine(policy)
    machine.opened(0.0)
    return machine


def opened(principal: Principal = ANONYMOUS, lifetime: float | None = None) -> AuthMachine:
    machine = waiting()
    machine.admits(OPEN, 1.0)
    machine.presented(OPEN)
    machine.verified(OPEN, principal, 1.0, lifetime)
    machine.effects()
    return machine


def shut_for(machine: AuthMachine) -> Cause | None:
    found = [effect for effect in machine.effects() if isinstance(effect, Shut)]
    return found[0].reason if found and isinstance(found[0].reason, Cause) else None


def test_it_opens_as_the_public_or_as_somebody() -> None:
    for principal, authenticated in ((ANONYMOUS, False), (ANN, True)):
        machine = waiting()
        machine.presented(OPEN)
        assert machine.effects() == [Verify(OPEN)]
        machine.verified(OPEN, principal, 1.0, None)
        assert machine.effects() == [Admit(principal), Tell(Opened(1, authenticated))]
        assert machine.state is State.ACTIVE


@pytest.mark.parametrize("sign", [Ping(), Ignore()])
def test_a_guarded_connection_may_show_life_before_it_opens(sign: Operation) -> None:
    machine = waiting(GUARDED)

    machine.admits(sign, 1.0)

    assert (machine.state, machine.effects()) == (State.WAITING, [])


def test_what_a_refused_connection_gives_up_is_no_question() -> None:
    machine = waiting(AuthPolicy(Mode.PUBLIC, opens=True, guarded=True, linger=1.0))
    machine.rejected(OPEN, BAD, 1.0)
    machine.effects()

    machine.admits(Unsubscribe("1", 1), 1.0)
    with pytest.raises(Problem):
        machine.admits(Invoke("mirror", None, 2), 1.0)

    assert machine.state is State.LEAVING


def test_a_bad_credential_opens_as_the_public_and_is_told() -> None:
    machine = waiting()
    machine.presented(OPEN)
    machine.effects()
    machine.rejected(OPEN, BAD, 1.0)
    assert machine.effects() == [Admit(ANONYMOUS), Tell(Opened(1, problem=BAD))]


@pytest.mark.parametrize("operation", [Ignore(), Invoke("a"), Join("a"), Publish("a"), AUTHENTICATE])
def test_nothing_comes_before_the_opening(operation: Operation) -> None:
    machine = waiting()
    with pytest.raises(Problem):
        machine.admits(operation, 1.0)
    assert shut_for(machine) is Cause.EARLY


def test_where_it_may_all_but_joining_does() -> None:
    machine = waiting(LOOSE)
    machine.admits(Invoke("a"), 1.0)
    machine.admits(AUTHENTICATE, 1.0)
    with pytest.raises(Problem):
        machine.admits(Join("a"), 1.0)
    assert not machine.is_closed


def test_a_credential_before_the_opening_counts_until_then() -> None:
    machine = waiting(LOOSE)
    machine.presented(AUTHENTICATE)
    machine.effects()
    machine.verified(AUTHENTICATE, ANN, 1.0, 60.0)
    assert machine.effects() == [Admit(ANN), Tell(Authenticated(2))]
    assert (machine.state, machine.principal) == (State.WAITING, ANN)
    machine.presented(OPEN)
    machine.effects()
    machine.verified(OPEN, ANONYMOUS, 2.0, None)
    assert machine.principal is ANONYMOUS


def test_a_bad_credential_before_the_opening_leaves_it_waiting() -> None:
    machine = waiting(LOOSE)
    machine.presented(AUTHENTICATE)
    machine.effects()
    machine.rejected(AUTHENTICATE, BAD, 1.0)
    assert machine.effects() == [Tell(Refused(BAD, 2, presented=True))]
    assert machine.state is State.WAITING


def test_it_does_not_open_twice() -> None:
    machine = opened(ANN)
    with pytest.raises(Problem) as caught:
        machine.admits(OPEN, 1.0)
    assert caught.value.code is Code.UNPROCESSABLE_CONTENT
    machine.rejected(OPEN, BAD, 2.0)
    assert (machine.principal, machine.effects()) == (ANN, [])


def test_who_does_not_open_in_time_is_closed_without_a_word() -> None:
    machine = waiting()
    machine.tick(9.9)
    assert not machine.is_closed
    machine.tick(10.0)
    assert machine.effects() == [Shut(Cause.NOT_OPENED)]


def test_the_application_may_bar_the_opening_and_choose_the_code() -> None:
    machine = waiting()
    machine.presented(OPEN)
    machine.effects()
    machine.barred(OPEN, BAD, 4501)
    assert machine.effects() == [Tell(Failure(OPEN, BAD)), Shut(Cause.REFUSED, 4501)]
    opened_before = opened()
    opened_before.barred(OPEN, BAD, None)
    assert not opened_before.is_closed


def test_an_identity_is_given_and_taken_at_run_time() -> None:
    machine = opened()
    machine.assigned(ANN, 5.0, 60.0, Issued("token"))
    effects: list[Effect] = [Admit(ANN), Tell(Issued("token"))]
    assert (machine.effects(), machine.deadline) == (effects, 65.0)
    machine.deauthenticated(6.0, Deauthenticated())
    assert machine.effects() == [Admit(ANONYMOUS), Tell(Deauthenticated())]
    assert machine.deadline is None
    machine.assigned(BOB, 7.0, None, Issued("token"))
    machine.effects()
    machine.deauthenticated(8.0, None)
    assert machine.effects() == [Admit(ANONYMOUS)]


def test_nothing_is_given_before_the_opening_or_after_the_end() -> None:
    for machine in (waiting(), opened(ANN)):
        if machine.state is State.ACTIVE:
            machine.disconnected()
        machine.assigned(ANN, 1.0, None, Issued("token"))
        machine.deauthenticated(1.0, Deauthenticated())
        assert machine.effects() == []
        assert machine.principal is ANONYMOUS


def test_expiry_and_revocation_leave_the_public() -> None:
    machine = opened(ANN, 10.0)
    machine.tick(11.0)
    assert machine.principal is ANONYMOUS
    admit, tell = machine.effects()
    assert admit == Admit(ANONYMOUS)
    assert isinstance(tell, Tell)
    assert isinstance(tell.outcome, Refused)
    assert (tell.outcome.problem.code, tell.outcome.presented) == (Code.TOKEN_EXPIRED, False)
    machine = opened(ANN)
    machine.revoked(BAD, 2.0)
    assert machine.effects() == [Admit(ANONYMOUS), Tell(Refused(BAD))]
    assert machine.state is State.ACTIVE


def test_nothing_is_admitted_after_the_end() -> None:
    machine = waiting(STRICT)
    machine.disconnected()
    for operation in (Invoke("a", id=1), Join("c"), Unsubscribe()):
        with pytest.raises(Problem) as raised:
            machine.admits(operation, 1.0)
        assert raised.value.code is Code.UNPROCESSABLE_CONTENT
