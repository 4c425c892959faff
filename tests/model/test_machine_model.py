"""The authentication machine against its table, under every order of events that Hypothesis finds."""

from __future__ import annotations

from contextlib import suppress
from copy import copy

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.connection.machine import TRANSITIONS, Admit, AuthMachine, Input, Shut, State, Tell, Verify
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.protocol.operations import AccessToken, Authenticate, Invoke, Ping, Unsubscribe
from watchword.protocol.outcomes import Authenticated, Cause

POLICIES = st.builds(
    AuthPolicy,
    mode=st.sampled_from(Mode),
    timeout=st.floats(1, 30),
    on_reject=st.sampled_from([Reaction.CLOSE, Reaction.DEMOTE]),
    on_expiry=st.sampled_from(Reaction),
    on_revoke=st.sampled_from([Reaction.CLOSE, Reaction.DEMOTE]),
    serves_expired=st.booleans(),
    confirms_timeout=st.booleans(),
    guarded=st.booleans(),
    on_message_expiry=st.none() | st.sampled_from([Reaction.CLOSE, Reaction.DEMOTE]),
    renew=st.none() | st.floats(0.1, 0.9),
    linger=st.sampled_from([0.0, 0.5]),
    on_rights_changed=st.sampled_from([None, Reaction.CLOSE]),
    first_message=st.none() | st.floats(1, 20),
)
USERS = st.sampled_from([Principal(user="alice", session="s1"), Principal(user="bob", session="s2")])
LIFETIMES = st.none() | st.floats(0, 60)


class MachineModel(RuleBasedStateMachine):
    """Keeps what must be true of any connection beside the machine: who was verified last, and until when."""

    @initialize(policy=POLICIES, principal=st.none() | USERS, lifetime=LIFETIMES)
    def open(self, policy: AuthPolicy, principal: Principal | None, lifetime: float | None) -> None:
        self.now = 0.0
        self.machine = AuthMachine(policy)
        self.pending: list[Authenticate] = []
        self.shut = False
        self.expires: float | None = None
        self.verified: Principal = ANONYMOUS
        self.silent_until = policy.first_message
        self.machine.opened(self.now, principal, lifetime)
        self._believe(principal or ANONYMOUS, lifetime if principal is not None else None)
        self._drain()

    def _believe(self, principal: Principal, lifetime: float | None) -> None:
        self.verified = principal
        self.expires = None if lifetime is None else self.now + lifetime

    def _drain(self) -> None:
        for effect in self.machine.effects():
            assert not self.shut, "nothing may follow a close"
            match effect:
                case Verify(operation=operation):
                    assert isinstance(operation, Authenticate)
                    self.pending.append(operation)
                case Shut(reason=reason):
                    self.shut = True
                    assert reason is not Cause.NOT_OPENED or self.silent_until is not None, "something had been asked"
                case Tell(outcome=Authenticated()):
                    assert self.machine.principal == self.verified
                case Admit() | Tell():
                    pass

    def _step(self, happened: Input, before: State) -> None:
        after = self.machine.state
        assert after is before or after in TRANSITIONS.get((before, happened), frozenset())
        self._drain()

    @rule(seconds=st.floats(0.01, 40))
    def time_passes(self, seconds: float) -> None:
        before = self.machine.state
        self.now += seconds
        self.machine.tick(self.now)
        self._step(Input.DEADLINE, before)

    @rule()
    def present(self) -> None:
        if not self.pending:
            operation = Authenticate(AccessToken(Secret("t")), 1)
            self.silent_until = None
            with suppress(Problem):
                self.machine.admits(operation, self.now)
                self.machine.presented(operation)
            self._drain()

    @rule()
    def ask(self) -> None:
        self.silent_until = None
        with suppress(Problem):
            self.machine.admits(Invoke("p"), self.now)
        self._drain()

    @precondition(lambda self: self.pending)
    @rule(principal=USERS, lifetime=LIFETIMES)
    def verify(self, principal: Principal, lifetime: float | None) -> None:
        before = self.machine.state
        operation = self.pending.pop()
        if before not in {State.CLOSED, State.LEAVING}:
            self._believe(principal, lifetime)
        self.machine.verified(operation, principal, self.now, lifetime)
        self._step(Input.VERIFIED, before)

    @precondition(lambda self: self.pending)
    @rule()
    def reject(self) -> None:
        before = self.machine.state
        self.machine.rejected(self.pending.pop(), Problem(Code.INVALID_CREDENTIALS), self.now)
        self._believe(ANONYMOUS, None)
        self._step(Input.REJECTED, before)

    @rule()
    def revoke(self) -> None:
        before = self.machine.state
        self.machine.revoked(Problem(Code.AUTH_FAILED), self.now)
        if before is not State.WAITING:
            self._believe(ANONYMOUS, None)
        self._step(Input.REVOKED, before)

    @rule()
    def change_rights(self) -> None:
        before = self.machine.state
        self.machine.rights_changed(Problem(Code.FORBIDDEN), self.now)
        self._step(Input.RIGHTS_CHANGED, before)
        closes = self.machine.policy.on_rights_changed is Reaction.CLOSE and before in {State.ACTIVE, State.GRACE}
        assert self.machine.state is (State.CLOSED if closes else before)

    @rule()
    def disconnect(self) -> None:
        before = self.machine.state
        self.machine.disconnected()
        self._step(Input.DISCONNECTED, before)

    @invariant()
    def nobody_acts_as_another(self) -> None:
        principal = self.machine.principal
        assert principal.is_anonymous or principal == self.verified

    @invariant()
    def nobody_acts_outside_active(self) -> None:
        assert self.machine.state is State.ACTIVE or self.machine.principal.is_anonymous

    @invariant()
    def nobody_acts_after_expiry_was_looked_at(self) -> None:
        if self.expires is not None and self.now > self.expires:
            self.machine.tick(self.now)
            self._drain()
            assert self.machine.principal.is_anonymous

    @invariant()
    def only_active_or_expired_connections_are_served(self) -> None:
        before, machine = self.machine.state, copy(self.machine)  # to ask is to have said something
        if before is State.ACTIVE or (before is State.GRACE and machine.policy.serves_expired):
            machine.admits(Unsubscribe(), self.now)
        elif before in {State.GRACE, State.LEAVING, State.CLOSED}:
            if before is State.GRACE:
                machine.admits(Ping(), self.now)
            # Who is told that the connection is refused may still stop what it has begun; that answers nothing.
            for operation in (Invoke("p"), *(() if before is State.LEAVING else (Unsubscribe(),))):
                with pytest.raises(Problem):
                    machine.admits(operation, self.now)

    @invariant()
    def waiting_has_an_end(self) -> None:
        if self.machine.state is State.LEAVING:
            assert self.machine.deadline is not None
        if self.machine.state in {State.WAITING, State.GRACE} and not self.pending:
            assert self.machine.deadline is not None

    @invariant()
    def silence_has_an_end(self) -> None:
        if self.silent_until is not None and self.now >= self.silent_until:
            self.machine.tick(self.now)
            self._drain()
            assert self.machine.state in {State.CLOSED, State.LEAVING}


TestMachineModel = MachineModel.TestCase
