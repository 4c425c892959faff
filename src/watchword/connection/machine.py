"""AuthMachine: who is at the other end of a connection, from the upgrade to the close. No I/O, no clock.

Events go in as method calls with the time of the driver (monotonic seconds); what must be done comes out of
`effects()`. A credential may be in flight while the old principal still serves, so verifying is not a state.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.errors import Code, Problem
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.protocol.operations import (
    Authenticate,
    Ignore,
    Join,
    Open,
    Operation,
    Ping,
    Subscribe,
    Unsubscribe,
)
from watchword.protocol.outcomes import Authenticated, Cause, Deauthenticated, Failure, Issued, Opened, Refused, Renew


class State(StrEnum):
    """Where a connection stands."""

    WAITING = "waiting"
    ACTIVE = "active"
    GRACE = "grace"
    LEAVING = "leaving"
    CLOSED = "closed"


class Input(StrEnum):
    """What can happen to a connection."""

    VERIFIED = "verified"
    REJECTED = "rejected"
    DEADLINE = "deadline"
    REVOKED = "revoked"
    RIGHTS_CHANGED = "rights changed"
    ASSIGNED = "assigned"
    DISCONNECTED = "disconnected"


TRANSITIONS: dict[tuple[State, Input], frozenset[State]] = {
    (State.WAITING, Input.VERIFIED): frozenset({State.ACTIVE, State.WAITING, State.LEAVING}),
    (State.WAITING, Input.REJECTED): frozenset({State.CLOSED, State.ACTIVE, State.WAITING, State.LEAVING}),
    (State.WAITING, Input.DEADLINE): frozenset({State.CLOSED, State.LEAVING}),
    (State.ACTIVE, Input.VERIFIED): frozenset({State.ACTIVE}),
    (State.ACTIVE, Input.ASSIGNED): frozenset({State.ACTIVE}),
    (State.ACTIVE, Input.REJECTED): frozenset({State.ACTIVE, State.CLOSED}),
    (State.ACTIVE, Input.DEADLINE): frozenset({State.ACTIVE, State.GRACE, State.CLOSED}),
    (State.ACTIVE, Input.REVOKED): frozenset({State.ACTIVE, State.CLOSED}),
    (State.ACTIVE, Input.RIGHTS_CHANGED): frozenset({State.CLOSED}),
    (State.GRACE, Input.VERIFIED): frozenset({State.ACTIVE}),
    (State.GRACE, Input.REJECTED): frozenset({State.GRACE, State.CLOSED}),
    (State.GRACE, Input.DEADLINE): frozenset({State.CLOSED}),
    (State.GRACE, Input.REVOKED): frozenset({State.CLOSED}),
    (State.GRACE, Input.RIGHTS_CHANGED): frozenset({State.CLOSED}),
    (State.LEAVING, Input.DEADLINE): frozenset({State.CLOSED}),
    (State.WAITING, Input.DISCONNECTED): frozenset({State.CLOSED}),
    (State.ACTIVE, Input.DISCONNECTED): frozenset({State.CLOSED}),
    (State.GRACE, Input.DISCONNECTED): frozenset({State.CLOSED}),
    (State.LEAVING, Input.DISCONNECTED): frozenset({State.CLOSED}),
}
"""Every move that there is. The public mode starts in ACTIVE as the public, so it never waits.

WAITING goes on for a credential that comes before the message that opens the connection. LEAVING is where a policy
that lingers is instead of CLOSED, until the time is over.
"""


class Admit(msgspec.Struct, frozen=True):
    """From now on the connection acts as this principal."""

    principal: Principal


class Tell(msgspec.Struct, frozen=True):
    """Say this to the client."""

    outcome: Opened | Authenticated | Refused | Issued | Deauthenticated | Renew | Failure


class Verify(msgspec.Struct, frozen=True):
    """Check this credential and report with `verified` or `rejected`."""

    operation: Authenticate | Open


class Shut(msgspec.Struct, frozen=True):
    """Say nothing more and close. `reason` is what was told last, or why; `code` overrides the dialect's close code."""

    reason: Refused | Cause | None = None
    code: int | None = None
    text: str = ""


Effect = Admit | Tell | Verify | Shut

SHORTEST_RENEWAL = 0.2
"""Seconds that a credential has to have left when its renewal is asked for."""

HANDSHAKE_FAILED = Problem(Code.AUTH_FAILED, "Authentication handshake failed.")


class AuthMachine:
    """The authentication of one connection under one policy.

    `principal` is who acts now: ANONYMOUS is the public with the public's rights, never "everything". `deadline` is
    the moment (monotonic seconds) at which `tick` has something to do; None when nothing is due.
    """

    def __init__(self, policy: AuthPolicy) -> None:
        self.policy = policy
        self.state = State.WAITING
        self.principal = ANONYMOUS
        self._deadline: float | None = None
        self._renewal: float | None = None
        self._first: float | None = None
        self._comes_with_connection = False
        self._awaits_message = False
        self._verifying = False
        self._reason: Refused | None = None
        self._effects: list[Effect] = []

    @property
    def deadline(self) -> float | None:
        """When `tick` is due."""
        first, own = self._first, self._of_identity
        return own if first is None else first if own is None else min(first, own)

    @property
    def _of_identity(self) -> float | None:
        """When the identity is due. A credential that is being verified came in time, so the wait for one is off."""
        if self.state is State.ACTIVE:
            return self._deadline if self._renewal is None else self._renewal
        return None if self._verifying and self.state is not State.LEAVING else self._deadline

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self.state is State.CLOSED

    @property
    def tells(self) -> bool:
        """Whether events may still be told: it has neither ended nor been refused."""
        return self.state is not State.CLOSED and self.state is not State.LEAVING

    @property
    def has_effects(self) -> bool:
        """Whether `effects` has something to give."""
        return bool(self._effects)

    def effects(self) -> list[Effect]:
        """Return what has to be done since the last call, in order, once."""
        effects, self._effects = self._effects, []
        return effects

    def opened(
        self,
        now: float,
        principal: Principal | None = None,
        lifetime: float | None = None,
        problem: Problem | None = None,
    ) -> None:
        """Start. `principal` was established by the upgrade; `lifetime` is the seconds that its credential has left.

        `problem` is why the upgrade's credential was not good, where the connection is not refused at the upgrade.
        """
        self._first = None if self.policy.first_message is None else now + self.policy.first_message
        if problem is not None:
            self._refuse(problem, now)
        elif principal is not None:
            self._become(principal, now, lifetime, comes_with_connection=True)
        elif self.policy.opens:
            self._deadline = now + self.policy.timeout
        elif self.policy.mode is Mode.PUBLIC:
            self._become(ANONYMOUS, now, None)
        else:
            self._deadline = now + self.policy.timeout

    def admits(self, operation: Operation, now: float) -> None:
        """Let an operation pass at `now`, or refuse it.

        Raises:
            Problem: what to answer. In WAITING the machine also closes: the first message has to authenticate.
        """
        self._first = None
        if self.state is State.LEAVING:
            self._admits_while_leaving(operation)
            return
        if self.policy.opens and not self._awaits_message:
            self._admits_of_opening(operation)
            return
        if self.state is State.ACTIVE or isinstance(operation, Authenticate):
            return
        if self.state is State.WAITING:
            if self.policy.guarded and isinstance(operation, Ping | Ignore):
                return
            self._refuse(HANDSHAKE_FAILED, now)
            raise HANDSHAKE_FAILED
        if self.state is State.GRACE and (self.policy.serves_expired or isinstance(operation, Ping)):
            return
        raise Problem(Code.TOKEN_EXPIRED)

    def _admits_while_leaving(self, operation: Operation) -> None:
        if self._reason is not None and not isinstance(operation, Ping | Ignore | Unsubscribe):
            raise self._reason.problem

    def _admits_of_opening(self, operation: Operation) -> None:
        if isinstance(operation, Open):
            if self.state is not State.WAITING:
                raise Problem(Code.UNPROCESSABLE_CONTENT, "The connection has been opened already.")
        elif self.state is State.WAITING:
            if self.policy.guarded and isinstance(operation, Ping | Ignore):
                return
            if not self.policy.serves_unopened:
                self.shut(Cause.EARLY)
            if isinstance(operation, Join | Subscribe):
                text = "Cannot subscribe socket to a channel before it has completed the handshake"
                raise Problem(Code.UNPROCESSABLE_CONTENT, text)
            if not self.policy.serves_unopened:
                raise Problem(Code.UNPROCESSABLE_CONTENT, "The connection has not been opened yet.")
        elif self.state is State.CLOSED:
            raise Problem(Code.UNPROCESSABLE_CONTENT, "The connection has ended.")

    def presented(self, operation: Authenticate | Open) -> None:
        """Take a credential; the answer comes by `verified` or `rejected`."""
        if not self.is_closed:
            self._verifying = True
            self._effects.append(Verify(operation))

    def verified(
        self,
        operation: Authenticate | Open,
        principal: Principal,
        now: float,
        lifetime: float | None,
        told: Authenticated | None = None,
    ) -> None:
        """The credential was good: act as `principal` for `lifetime` seconds (None: without end).

        `told` is what the client is told of a credential that came in a message.
        """
        self._verifying = False
        if not self.tells:
            return
        if isinstance(operation, Open):
            if principal.is_anonymous and self.policy.guarded and self.policy.mode is not Mode.PUBLIC:
                self._wait_for_message(now)
                return
            self._become(principal, now, lifetime, comes_with_connection=True)
            self._effects.append(Tell(Opened(operation.id, not principal.is_anonymous)))
            return
        told = told or Authenticated(operation.id)
        if self.state is State.WAITING and self.policy.opens and not self._awaits_message:
            self._effects += [Admit(principal), Tell(told)]
            self.principal = principal
            return
        self._become(principal, now, lifetime)
        self._effects.append(Tell(told))

    def rejected(self, operation: Authenticate | Open, problem: Problem, now: float) -> None:
        """The credential was bad. The old identity is never kept: the connection closes or becomes the public."""
        self._verifying = False
        match self.state:
            case State.CLOSED | State.LEAVING:
                return
            case State.WAITING if self.policy.guarded:
                self._refuse(problem, now, None if isinstance(operation, Open) else operation)
            case State.WAITING if isinstance(operation, Open):
                self._become(ANONYMOUS, now, None)
                self._effects.append(Tell(Opened(operation.id, problem=problem)))
            case State.WAITING if self.policy.opens:
                self._effects.append(Tell(Refused(problem, operation.id, presented=True)))
            case State.WAITING:
                self._refuse(HANDSHAKE_FAILED, now)
            case _ if isinstance(operation, Open):
                return
            case State.ACTIVE | State.GRACE if self.policy.on_reject is Reaction.CLOSE:
                self._refuse(problem, now, operation)
            case State.ACTIVE:
                self._become(ANONYMOUS, now, None)
                self._effects.append(Tell(Refused(problem, operation.id, presented=True)))
            case State.GRACE:
                self._effects.append(Tell(Refused(problem, operation.id, presented=True)))

    def tick(self, now: float) -> None:
        """Do what the time asks for; nothing before `deadline`."""
        deadline = self.deadline
        if deadline is None or now < deadline or self.is_closed:
            return
        if self._first is not None and (now >= self._first or self.state is State.WAITING):
            self.shut(Cause.NOT_OPENED)
            return
        if self.state is State.ACTIVE and self._renewal is not None:
            self._renewal = None
            if self._deadline is None or now < self._deadline:
                self._effects.append(Tell(Renew()))
                return
        self._lapse(now)

    def _lapse(self, now: float) -> None:
        """End what the time of the identity, or of the wait for one, is over for."""
        self._deadline = None
        if self.state is State.LEAVING:
            self.disconnected()
            self._effects.append(Shut(self._reason))
        elif self.state is State.WAITING and self.policy.guarded:
            self._refuse(Problem(Code.AUTH_TIMEOUT), now)
        elif self.state is State.WAITING and self.policy.opens:
            self.shut(Cause.NOT_OPENED)
        elif self.state is State.WAITING:
            self._refuse(HANDSHAKE_FAILED, now)
        elif self.state is State.GRACE:
            self._refuse(Problem(Code.AUTH_TIMEOUT), now)
        elif self.principal.is_anonymous:
            self._effects.append(Tell(Refused(Problem(Code.AUTH_TIMEOUT))))
        else:
            self._expire(now)

    def extended(self, now: float, lifetime: float) -> None:
        """The session lives on: the credential of the active principal now has `lifetime` seconds left."""
        if self.state is State.ACTIVE and not self.principal.is_anonymous:
            self._live(now, lifetime)

    def revoked(self, problem: Problem, now: float) -> None:
        """The session or the user was withdrawn: close, or go on as the public."""
        if not self.tells or self.state is State.WAITING:
            return
        if self.state is State.ACTIVE and self.policy.on_revoke is Reaction.DEMOTE:
            self._become(ANONYMOUS, now, None)
            self._effects.append(Tell(Refused(problem)))
        else:
            self._refuse(problem, now)

    def rights_changed(self, problem: Problem, now: float) -> None:
        """Who acts has other rights: close where the policy wants that; else nothing, what is followed is moved."""
        if self.policy.on_rights_changed is Reaction.CLOSE and self.state in {State.ACTIVE, State.GRACE}:
            self._refuse(problem, now)

    def expelled(self, problem: Problem, now: float) -> None:
        """The server wants the connection no more, for a reason that the client is told."""
        if self.tells:
            self._refuse(problem, now)

    def assigned(self, principal: Principal, now: float, lifetime: float | None, told: Issued) -> None:
        """The application gives the connection an identity of its own accord, and the client a token of it."""
        if self.state is State.ACTIVE:
            self._become(principal, now, lifetime)
            self._effects.append(Tell(told))

    def deauthenticated(self, now: float, told: Deauthenticated | None) -> None:
        """The client or the application wants the connection to be the public's; `told` where the client is told."""
        if self.state is State.ACTIVE:
            self._become(ANONYMOUS, now, None)
            self._effects += [] if told is None else [Tell(told)]

    def barred(self, operation: Open, problem: Problem, code: int | None) -> None:
        """The application does not want the connection to open."""
        if self.state is State.WAITING:
            self._effects.append(Tell(Failure(operation, problem)))
            self.shut(Cause.REFUSED, code)

    def shut(self, cause: Cause, code: int | None = None) -> None:
        """Close for a cause that says itself what it is."""
        self.disconnected()
        self._effects.append(Shut(cause, code))

    def disconnected(self) -> None:
        """The other end is gone; nothing more is said."""
        self.state = State.CLOSED
        self.principal = ANONYMOUS
        self._deadline = self._renewal = self._first = None

    def _become(
        self, principal: Principal, now: float, lifetime: float | None, *, comes_with_connection: bool = False
    ) -> None:
        self.state = State.ACTIVE
        self.principal = principal
        self._comes_with_connection = comes_with_connection
        self._live(now, lifetime)
        self._effects.append(Admit(principal))

    def _live(self, now: float, lifetime: float | None) -> None:
        self._deadline = None if lifetime is None else now + lifetime
        renew = self.policy.renew if self._comes_with_connection else None
        soon = renew is None or lifetime is None or lifetime * (1 - renew) < SHORTEST_RENEWAL
        self._renewal = None if soon else now + (lifetime or 0.0) * (renew or 0.0)

    def _wait_for_message(self, now: float) -> None:
        """The connection has been opened by nobody: in the mode HANDSHAKE a later message may still say who it is."""
        if self.policy.mode is Mode.STRICT:
            self._refuse(Problem(Code.INVALID_CREDENTIALS), now)
        else:
            self._awaits_message = True

    def _expire(self, now: float) -> None:
        by_message = None if self._comes_with_connection else self.policy.on_message_expiry
        reaction = self.policy.on_expiry if by_message is None else by_message
        expired = Refused(Problem(Code.TOKEN_EXPIRED), goes_on=by_message is not None)
        if reaction is Reaction.CLOSE:
            self._refuse(expired.problem, now)
            return
        self._become(ANONYMOUS, now, None)
        if reaction is Reaction.GRACE:
            self.state = State.GRACE
        if reaction is Reaction.GRACE or self.policy.confirms_timeout:
            self._deadline = now + self.policy.timeout
        self._effects.append(Tell(expired))

    def _refuse(self, problem: Problem, now: float, operation: Authenticate | None = None) -> None:
        told = Refused(problem) if operation is None else Refused(problem, operation.id, presented=True)
        lingers = self.policy.linger > 0 and self.state is State.WAITING
        self.principal = ANONYMOUS
        self._renewal = self._first = None
        self._effects.append(Tell(told))
        if self.policy.guarded and told.presented:
            self._effects.append(Tell(Refused(problem)))  # about the connection, beside the answer to the message
        if lingers:
            self.state, self._reason, self._deadline = State.LEAVING, Refused(problem), now + self.policy.linger
            return
        self.state, self._deadline = State.CLOSED, None
        self._effects.append(Shut(told))
