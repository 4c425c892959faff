"""ProcedureAttendant: answers calls and subscriptions on one connection with the procedures of a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from watchword.backend.challenges import Challenge, Challenged, Challenges
from watchword.backend.hook_attendant import HookAttendant
from watchword.backend.ticket_inputs import bound_input
from watchword.backend.tickets import issue_ticket
from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from watchword.access.principal import Principal
    from watchword.backend.attendant import Begun, Caller
    from watchword.backend.backend import Backend
    from watchword.backend.context import Connection, Context
    from watchword.backend.procedure_table import ProcedureTable
    from watchword.identity.authenticator import Authenticated


class OwnProcedures(msgspec.Struct, frozen=True):
    """What the procedures of the server's own are called, None for those that there are not; and how it challenges."""

    challenges: str | None = None
    prove: str | None = None
    ticket: str | None = None
    challenge: Challenge | None = None


class _Proof(msgspec.Struct):
    nonce: str
    ticket: str


class _Asked:
    """The subscription to what the connection is asked; it lasts as long as that."""

    def __init__(self, values: AsyncGenerator[Any, None]) -> None:
        self.values = values

    def keeps(self, principal: Principal) -> bool:
        """Whoever acts on the connection is asked."""
        return True

    def admit(self, context: Context) -> None:
        """Go on."""


class Served(Challenged, Protocol):
    """The connection that is attended."""


class ProcedureAttendant(HookAttendant):
    """The attendant of a dialect whose clients call procedures by themselves, without a socket to the application."""

    def __init__(
        self,
        backend: Backend,
        connection: Connection,
        table: ProcedureTable,
        own: OwnProcedures,
        upgrade: Authenticated | Problem | None = None,
    ) -> None:
        super().__init__(backend.application.hooks, backend.background, connection)
        self._backend = backend
        self._table = table
        self._own = own
        self._upgrade = upgrade
        self._challenges: Challenges | None = None

    def attach(self, connection: Served) -> None:
        """Learn which connection it is; called before it runs."""
        if self._own.challenge is not None:
            self._challenges = Challenges(self._own.challenge, self._backend.clock, connection)

    def established(self) -> Authenticated | None:
        """Return whom the upgrade has established."""
        if isinstance(self._upgrade, Problem):
            raise self._upgrade
        return self._upgrade

    def acts_as(self, principal: Principal) -> None:
        """Hear that somebody acts on the connection."""
        super().acts_as(principal)
        if self._challenges is not None:
            self._challenges.acts_as(principal)

    async def authenticating(self, operation: op.Authenticate | op.Open, principal: Principal) -> None:
        """Take the answer to a challenge, where the credential comes with one."""
        if isinstance(operation, op.Open) or operation.answer is None:
            return
        if self._challenges is None:
            raise Problem(Code.INVALID_PAYLOAD, "Nothing has been asked.", field="nonce")
        self._challenges.answer(operation.answer)

    async def admit(self, operation: op.Operation, caller: Caller) -> op.Operation:
        """Keep what the client tells with its first message, for the application to read."""
        if isinstance(operation, op.Open):
            self._connection.params = operation.params
        return operation

    async def call(self, operation: op.Invoke, caller: Caller) -> out.Reply | None:
        """Call a procedure, of the table or of the server's own."""
        context = await caller()
        if operation.kind == "mutation" and operation.procedure == self._own.ticket:
            names = await self._backend.identity.names()
            tickets = self._backend.identity.subscription_tickets
            issued = issue_ticket(tickets, self._table, context.principal, names, operation.data)
            return out.Reply(issued, id=operation.id)
        if operation.kind == "mutation" and operation.procedure == self._own.prove and self._challenges is not None:
            self._prove(self._challenges, context.principal, operation.data)
            return out.Reply(None, id=operation.id)
        return await self._backend.invoke(context, operation, table=self._table)

    async def watch(self, operation: op.Watch, caller: Caller) -> Begun:
        """Begin a subscription, to a procedure of the table or to what is asked."""
        if operation.procedure == self._own.challenges and self._challenges is not None:
            return _Asked(self._challenges.values())
        watching = await self._backend.watch(await caller(), operation, self._table)
        if self._challenges is not None and self._table.find(operation.procedure).needs_ticket:
            self._challenges.tickets[operation.subscription] = (operation.procedure, bound_input(operation.data))
        return watching

    def unwatched(self, name: str) -> None:
        """Hear that a subscription to a procedure has ended."""
        if self._challenges is not None:
            self._challenges.tickets.pop(name, None)

    def _prove(self, challenges: Challenges, principal: Principal, data: Any) -> None:
        proof = json.converted(data, _Proof)
        question = challenges.subject_of(proof.nonce)
        tickets = self._backend.identity.subscription_tickets
        tickets.check(proof.ticket, principal, question.path or "", question.input)
        challenges.prove(question)
