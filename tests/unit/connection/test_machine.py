from __future__ import annotations

import pytest

from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.connection.machine import Admit, AuthMachine, Effect, Shut, State, Tell, Verify
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.protocol.operations import AccessToken, Authenticate, Invalid, Operation, Ping, Unsubscribe
from watchword.protocol.outcomes import Authenticated, Cause, Refused

HANDSHAKE = AuthPolicy(Mode.HANDSHAKE, serves_expired=True)
PUBLIC = AuthPolicy(Mode.PUBLIC, on_reject=Reaction.DEMOTE, on_expiry=Reaction.DEMOTE, confirms_timeout=True)
ALICE = Principal(user="alice", session="s1")
BOB = Principal(user="bob", session="s2")


def authenticate(uid: str | None = None) -> Authenticate:
    return Authenticate(AccessToken(Secret("token")), uid)


def told(effects: list[Effect]) -> list[Code]:
    return [e.outcome.problem.code for e in effects if isinstance(e, Tell) and isinstance(e.outcome, Refused)]


def active(policy: AuthPolicy = HANDSHAKE, lifetime: float | None = 60.0) -> AuthMachine:
    machine = AuthMachine(policy)
    machine.opened(0.0)
    machine.presented(authenticate())
    machine.verified(authenticate(), ALICE, 0.0, lifetime)
    machine.effects()
    return machine


def test_handshake_waits_for_a_credential_until_the_timeout() -> None:
    machine = AuthMachine(HANDSHAKE)
    machine.opened(5.0)
    assert (machine.state, machine.deadline, machine.principal) == (State.WAITING, 15.0, ANONYMOUS)
    machine.tick(14.9)
    assert machine.effects() == []
    machine.tick(15.0)
    assert told(machine.effects()) == [Code.AUTH_FAILED]
    assert machine.is_closed


def test_a_credential_under_check_came_in_time() -> None:
    machine = AuthMachine(HANDSHAKE)
    machine.opened(0.0)
    machine.presented(authenticate())
    assert machine.effects() == [Verify(authenticate())]
    machine.tick(100.0)
    assert machine.state is State.WAITING


def test_a_good_credential_admits_before_it_answers() -> None:
    machine = AuthMachine(HANDSHAKE)
    machine.opened(0.0)
    machine.presented(authenticate("u"))
    machine.effects()
    machine.verified(authenticate("u"), ALICE, 1.0, 60.0, Authenticated("u", "refresh"))
    admit, tell = machine.effects()
    assert admit == Admit(ALICE)
    assert isinstance(tell, Tell)
    assert isinstance(tell.outcome, Authenticated)
    assert (tell.outcome.id, machine.deadline) == ("u", 61.0)


@pytest.mark.parametrize("operation", [Ping(), Unsubscribe(), Invalid(Problem(Code.FORBIDDEN), "server")])
def test_any_other_first_message_closes(operation: Operation) -> None:
    machine = AuthMachine(HANDSHAKE)
    machine.opened(0.0)
    with pytest.raises(Problem) as raised:
        machine.admits(operation, 1.0)
    assert raised.value.code is Code.AUTH_FAILED
    assert isinstance(machine.effects()[-1], Shut)


def test_a_bad_first_credential_does_not_echo_its_id() -> None:
    machine = AuthMachine(HANDSHAKE)
    machine.opened(0.0)
    machine.presented(authenticate("u"))
    machine.effects()
    machine.rejected(authenticate("u"), Problem(Code.INVALID_CREDENTIALS), 1.0)
    tell, shut = machine.effects()
    assert isinstance(tell, Tell)
    assert isinstance(tell.outcome, Refused)
    assert tell.outcome.id is None
    assert isinstance(shut, Shut)


def test_expiry_leaves_the_time_of_the_policy_to_authenticate_again() -> None:
    machine = active()
    machine.tick(60.0)
    assert told(machine.effects()) == [Code.TOKEN_EXPIRED]
    assert (machine.state, machine.principal, machine.deadline) == (State.GRACE, ANONYMOUS, 70.0)
    machine.presented(authenticate())
    machine.verified(authenticate(), ALICE, 65.0, None)
    assert (machine.state, machine.principal, machine.deadline) == (State.ACTIVE, ALICE, None)


def test_nobody_stays_in_grace_for_ever() -> None:
    machine = active()
    machine.tick(60.0)
    machine.tick(70.0)
    assert told(machine.effects()) == [Code.TOKEN_EXPIRED, Code.AUTH_TIMEOUT]
    assert machine.is_closed


def test_grace_serves_only_the_policies_that_say_so() -> None:
    strict = active(AuthPolicy(Mode.STRICT))
    strict.tick(60.0)
    strict.admits(Ping(), 1.0)
    with pytest.raises(Problem) as raised:
        strict.admits(Unsubscribe(), 1.0)
    assert raised.value.code is Code.TOKEN_EXPIRED
    lenient = active()
    lenient.tick(60.0)
    lenient.admits(Unsubscribe(), 1.0)


def test_a_failed_credential_never_keeps_the_old_identity() -> None:
    machine = active()
    machine.presented(authenticate("u"))
    machine.rejected(authenticate("u"), Problem(Code.INVALID_CREDENTIALS), 1.0)
    assert (machine.state, machine.principal) == (State.CLOSED, ANONYMOUS)
    public = active(PUBLIC)
    public.presented(authenticate("u"))
    public.rejected(authenticate("u"), Problem(Code.INVALID_CREDENTIALS), 1.0)
    assert (public.state, public.principal) == (State.ACTIVE, ANONYMOUS)


def test_public_sockets_outlive_their_credential() -> None:
    machine = active(PUBLIC)
    machine.tick(60.0)
    machine.tick(70.0)
    assert told(machine.effects()) == [Code.TOKEN_EXPIRED, Code.AUTH_TIMEOUT]
    assert (machine.state, machine.principal, machine.deadline) == (State.ACTIVE, ANONYMOUS, None)


def test_public_sockets_without_a_credential_have_no_deadline() -> None:
    machine = AuthMachine(PUBLIC)
    machine.opened(0.0)
    assert (machine.state, machine.deadline) == (State.ACTIVE, None)


def test_revocation_closes() -> None:
    machine = active()
    machine.revoked(Problem(Code.AUTH_FAILED), 1.0)
    assert told(machine.effects()) == [Code.AUTH_FAILED]
    assert (machine.state, machine.principal) == (State.CLOSED, ANONYMOUS)


def test_a_verification_that_ends_after_the_close_changes_nothing() -> None:
    machine = active()
    machine.presented(authenticate())
    machine.revoked(Problem(Code.AUTH_FAILED), 1.0)
    machine.effects()
    machine.verified(authenticate(), BOB, 2.0, None)
    assert (machine.state, machine.principal, machine.effects()) == (State.CLOSED, ANONYMOUS, [])


def test_a_refreshed_session_moves_the_deadline() -> None:
    machine = active()
    machine.extended(30.0, 900.0)
    assert machine.deadline == 930.0
    public = AuthMachine(PUBLIC)
    public.opened(0.0)
    public.extended(1.0, 5.0)
    assert public.deadline is None


IMPORTER = Principal(token="t1", role="importers", roles=("importers",))


@pytest.mark.parametrize(("policy", "state"), [(HANDSHAKE, State.GRACE), (PUBLIC, State.ACTIVE)])
def test_token_of_a_role_expires_like_any_credential(policy: AuthPolicy, state: State) -> None:
    machine = AuthMachine(policy)
    machine.opened(0.0, IMPORTER, 60.0)
    assert not machine.principal.is_anonymous
    machine.effects()
    machine.tick(60.0)
    assert (machine.state, machine.principal) == (state, ANONYMOUS)
    assert told(machine.effects()) == [Code.TOKEN_EXPIRED]


def test_principals_are_told_apart_by_their_subjects() -> None:
    again = Principal(token="t1", role="importers", policies=("another",))
    other = Principal(token="t2", role="importers")
    assert IMPORTER.subject == again.subject
    assert Principal(user="alice", token="t1").subject == ALICE.subject
    subjects = [each.subject for each in (ANONYMOUS, ALICE, BOB, IMPORTER, other, Principal(user="t1"))]
    assert len(set(subjects)) == len(subjects)
    assert ANONYMOUS.subject is None


def test_a_bad_credential_in_grace_is_told_and_leaves_the_time_that_is_left() -> None:
    machine = AuthMachine(AuthPolicy(Mode.HANDSHAKE, on_reject=Reaction.DEMOTE, on_expiry=Reaction.GRACE))
    machine.opened(0.0, ALICE, 60.0)
    machine.tick(60.0)
    deadline = machine.deadline
    machine.presented(authenticate("u"))
    machine.effects()
    machine.rejected(authenticate("u"), Problem(Code.INVALID_CREDENTIALS), 61.0)
    assert told(machine.effects()) == [Code.INVALID_CREDENTIALS]
    assert (machine.state, machine.principal, machine.deadline) == (State.GRACE, ANONYMOUS, deadline)


@pytest.mark.parametrize("principal", [None, ALICE])
@pytest.mark.parametrize("mode", Mode)
def test_first_message_has_to_come_in_time_whoever_it_is(mode: Mode, principal: Principal | None) -> None:
    machine = AuthMachine(AuthPolicy(mode, first_message=3.0))
    machine.opened(5.0, principal)
    machine.effects()
    assert machine.deadline == 8.0
    machine.tick(7.9)
    assert machine.effects() == []
    machine.tick(8.0)
    assert machine.effects() == [Shut(Cause.NOT_OPENED)]
    assert (machine.state, machine.principal) == (State.CLOSED, ANONYMOUS)


def test_who_has_asked_for_something_may_be_silent_afterwards() -> None:
    machine = AuthMachine(AuthPolicy(Mode.PUBLIC, first_message=3.0))
    machine.opened(0.0)
    machine.admits(Ping(), 1.0)
    assert machine.deadline is None


def test_shorter_time_for_a_credential_is_that_of_the_first_message() -> None:
    machine = AuthMachine(AuthPolicy(Mode.HANDSHAKE, timeout=1.0, first_message=3.0))
    machine.opened(0.0)
    machine.tick(1.0)
    assert machine.effects() == [Shut(Cause.NOT_OPENED)]


def test_end_of_the_credential_is_no_missing_message() -> None:
    machine = AuthMachine(AuthPolicy(Mode.STRICT, on_expiry=Reaction.CLOSE, first_message=3.0))
    machine.opened(0.0, ALICE, 2.0)
    machine.tick(2.0)
    assert told(machine.effects()) == [Code.TOKEN_EXPIRED]
    assert machine.deadline is None


def test_other_rights_close_where_that_is_the_rule() -> None:
    problem = Problem(Code.FORBIDDEN)
    staying = active()
    staying.rights_changed(problem, 1.0)
    assert (staying.effects(), staying.principal) == ([], ALICE)
    leaving = active(AuthPolicy(Mode.HANDSHAKE, on_rights_changed=Reaction.CLOSE))
    leaving.rights_changed(problem, 1.0)
    assert leaving.effects() == [Tell(Refused(problem)), Shut(Refused(problem))]
    assert (leaving.state, leaving.principal) == (State.CLOSED, ANONYMOUS)


def test_who_is_nobody_yet_has_no_rights_to_change() -> None:
    machine = AuthMachine(AuthPolicy(Mode.HANDSHAKE, on_rights_changed=Reaction.CLOSE))
    machine.opened(0.0)
    machine.rights_changed(Problem(Code.FORBIDDEN), 1.0)
    assert (machine.state, machine.effects()) == (State.WAITING, [])
