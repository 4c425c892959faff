"""Guarded connections: refused with a reason and a while to hear it, and asked for a new credential in time."""

from __future__ import annotations

import pytest

from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.connection.machine import Admit, AuthMachine, Shut, State, Tell
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.protocol.operations import AccessToken, Authenticate, Ignore, Invoke, Open, Ping
from watchword.protocol.outcomes import Authenticated, Opened, Refused, Renew

ANN = Principal(user="ann", session="s1")
BAD = Problem(Code.INVALID_CREDENTIALS)
OPEN = Open(AccessToken(Secret("t")))
NOBODY = Open()
AUTHENTICATE = Authenticate(AccessToken(Secret("t")), 7)
CALL = Invoke("a", id=1)


def policy(mode: Mode = Mode.PUBLIC, *, opens: bool = False) -> AuthPolicy:
    return AuthPolicy(
        mode,
        10.0,
        on_reject=Reaction.DEMOTE,
        on_expiry=Reaction.CLOSE,
        on_message_expiry=Reaction.DEMOTE,
        opens=opens,
        guarded=True,
        renew=0.6,
        linger=0.15,
    )


def machine_of(mode: Mode = Mode.PUBLIC, *, opens: bool = False) -> AuthMachine:
    machine = AuthMachine(policy(mode, opens=opens))
    machine.opened(0.0)
    return machine


def opened(mode: Mode, operation: Open, principal: Principal) -> AuthMachine:
    machine = machine_of(mode, opens=True)
    machine.admits(operation, 1.0)
    machine.presented(operation)
    machine.effects()
    machine.verified(operation, principal, 1.0, 100.0 if principal.user else None)
    return machine


def refusal(machine: AuthMachine) -> Problem:
    with pytest.raises(Problem) as caught:
        machine.admits(CALL, 2.0)
    return caught.value


@pytest.mark.parametrize("mode", list(Mode))
def test_a_bad_first_credential_is_refused_in_every_mode_and_told_before_the_close(mode: Mode) -> None:
    machine = machine_of(mode, opens=True)
    machine.presented(OPEN)
    machine.effects()
    machine.rejected(OPEN, BAD, 1.0)
    assert machine.effects() == [Tell(Refused(BAD))]
    assert machine.state is State.LEAVING
    assert refusal(machine) is BAD
    machine.admits(Ping(), 1.1)
    machine.admits(Ignore(), 1.1)
    machine.tick(1.14)
    assert machine.effects() == []
    machine.tick(1.15)
    assert machine.effects() == [Shut(Refused(BAD))]
    assert machine.is_closed


def test_a_bad_credential_of_the_upgrade_is_told_on_the_connection() -> None:
    machine = AuthMachine(policy())
    machine.opened(0.0, problem=BAD)
    assert machine.effects() == [Tell(Refused(BAD))]
    assert refusal(machine) is BAD


def test_nobody_may_open_a_public_connection_and_no_strict_one() -> None:
    assert opened(Mode.PUBLIC, NOBODY, ANONYMOUS).effects() == [Admit(ANONYMOUS), Tell(Opened())]
    strict = opened(Mode.STRICT, NOBODY, ANONYMOUS)
    (told,) = strict.effects()
    assert isinstance(told, Tell)
    assert isinstance(told.outcome, Refused)
    assert told.outcome.problem.code is Code.INVALID_CREDENTIALS
    assert strict.state is State.LEAVING


def test_who_opens_a_handshake_as_nobody_may_still_say_who_it_is_and_nothing_else() -> None:
    machine = opened(Mode.HANDSHAKE, NOBODY, ANONYMOUS)
    assert machine.effects() == []
    machine.admits(Ping(), 2.0)
    machine.admits(AUTHENTICATE, 2.0)
    machine.presented(AUTHENTICATE)
    machine.effects()
    machine.verified(AUTHENTICATE, ANN, 3.0, 60.0)
    assert machine.effects() == [Admit(ANN), Tell(Authenticated(7))]
    other = opened(Mode.HANDSHAKE, NOBODY, ANONYMOUS)
    assert refusal(other).code is Code.AUTH_FAILED
    assert other.state is State.LEAVING


def test_a_refused_message_is_answered_and_the_connection_told() -> None:
    machine = machine_of(Mode.HANDSHAKE)
    machine.presented(AUTHENTICATE)
    machine.effects()
    machine.rejected(AUTHENTICATE, BAD, 1.0)
    assert machine.effects() == [Tell(Refused(BAD, 7, presented=True)), Tell(Refused(BAD))]
    assert machine.state is State.LEAVING


@pytest.mark.parametrize("opens", [True, False])
def test_who_says_nothing_in_time_is_told_so(opens: bool) -> None:
    machine = machine_of(Mode.HANDSHAKE, opens=opens)
    machine.tick(10.0)
    (told,) = machine.effects()
    assert isinstance(told, Tell)
    assert isinstance(told.outcome, Refused)
    assert told.outcome.problem.code is Code.AUTH_TIMEOUT


def test_a_credential_of_the_connection_is_to_be_renewed_in_time_and_closes_it_in_the_end() -> None:
    machine = opened(Mode.PUBLIC, OPEN, ANN)
    machine.effects()
    assert machine.deadline == 61.0
    machine.tick(61.0)
    assert machine.effects() == [Tell(Renew())]
    machine.tick(62.0)
    assert machine.effects() == []
    machine.tick(101.0)
    told, shut = machine.effects()
    assert isinstance(told, Tell)
    assert isinstance(told.outcome, Refused)
    assert told.outcome.problem.code is Code.TOKEN_EXPIRED
    assert isinstance(shut, Shut)


def test_who_looks_too_late_asks_for_nothing_any_more() -> None:
    machine = opened(Mode.PUBLIC, OPEN, ANN)
    machine.effects()
    machine.tick(200.0)
    assert machine.is_closed
    assert Tell(Renew()) not in machine.effects()


def test_an_extended_session_is_renewed_later() -> None:
    machine = opened(Mode.PUBLIC, OPEN, ANN)
    machine.effects()
    machine.extended(50.0, 100.0)
    assert machine.deadline == 110.0


def test_a_credential_of_a_message_is_not_to_be_renewed_and_leaves_the_public() -> None:
    machine = opened(Mode.PUBLIC, NOBODY, ANONYMOUS)
    machine.presented(AUTHENTICATE)
    machine.verified(AUTHENTICATE, ANN, 2.0, 60.0)
    machine.effects()
    assert machine.deadline == 62.0
    machine.tick(62.0)
    admitted, told = machine.effects()
    assert admitted == Admit(ANONYMOUS)
    assert isinstance(told, Tell)
    assert isinstance(told.outcome, Refused)
    assert told.outcome.goes_on
    assert machine.state is State.ACTIVE


def test_what_hardly_lives_any_more_is_not_to_be_renewed() -> None:
    machine = AuthMachine(policy())
    machine.opened(0.0, ANN, 0.4)
    assert machine.deadline == 0.4


def test_an_expelled_connection_is_told_why_and_closed_at_once() -> None:
    machine = opened(Mode.PUBLIC, OPEN, ANN)
    machine.effects()
    machine.expelled(BAD, 5.0)
    assert machine.effects() == [Tell(Refused(BAD)), Shut(Refused(BAD))]
    machine.expelled(BAD, 6.0)
    assert machine.effects() == []


def test_a_refused_connection_cannot_be_revived() -> None:
    machine = machine_of(Mode.HANDSHAKE, opens=True)
    machine.presented(OPEN)
    machine.rejected(OPEN, BAD, 1.0)
    machine.effects()
    machine.verified(AUTHENTICATE, ANN, 1.05, 60.0)
    machine.rejected(AUTHENTICATE, BAD, 1.05)
    machine.revoked(BAD, 1.05)
    assert machine.effects() == []
    assert machine.principal.is_anonymous
