"""Call: what the code of an application sees of one operation: who asks, over what, and the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from watchword.access.compile import FULL_ACCESS
from watchword.access.principal import ANONYMOUS, Principal
from watchword.backend.context import NOWHERE, Connection, Context
from watchword.backend.items import Items
from watchword.backend.ticket_inputs import LIFETIME, bound_input

if TYPE_CHECKING:
    from watchword.backend.exchange import Exchange
    from watchword.backend.items import Performer
    from watchword.identity.subscription_tickets import SubscriptionTickets


class Call:
    """The caller of an operation, and what it may be answered with.

    Attributes:
        principal: on whose behalf; `principal.is_anonymous` for the public.
        connection: the socket or the request that it comes over: `id`, `address`, `headers`, `query`, `params`.
        items: the collections, under the rights of the caller; in a subscription, those that it has by now.
        system: the collections, with every right: what it reads is for the code, and not to be passed on as it is.
        exchange: the channels, as the server itself.
        socket: the server's end of the socket, where the dialect has one to offer; None over HTTP.
    """

    is_watchword_call: ClassVar[bool] = True

    def __init__(
        self,
        context: Context,
        performer: Performer,
        exchange: Exchange,
        socket: Any = None,
        tickets: SubscriptionTickets | None = None,
    ) -> None:
        self._tickets = tickets
        self._context = context
        self._performer = performer
        self.exchange = exchange
        self.socket = socket

    def act_under(self, context: Context) -> None:
        """Follow the connection: who acts on it now, and with which rights."""
        self._context = context

    @property
    def items(self) -> Items:
        """The collections, under the rights of the caller."""
        return Items(self._performer, self._context)

    @property
    def principal(self) -> Principal:
        """On whose behalf the operation runs."""
        return self._context.principal

    @property
    def context(self) -> Context:
        """The caller with the rights that it had when the operation began."""
        return self._context

    @property
    def connection(self) -> Connection:
        """What the operation comes over."""
        return self._context.connection

    def issue_ticket(self, path: str, data: Any = None, *, expires_in: float = LIFETIME) -> str:
        """Return a ticket for the caller's subscription to a procedure that demands one, with just this input.

        Raises:
            Problem: INVALID_CREDENTIALS, the caller is nobody in particular.
        """
        if self._tickets is None:
            raise RuntimeError("there are no tickets where this call comes from")
        return self._tickets.issue(self.principal, path, bound_input(data), expires_in)[0]

    @property
    def dialect(self) -> str:
        """What is spoken on the connection: `http`, `socketcluster`, `directus`."""
        return self._context.connection.dialect

    @property
    def session(self) -> str | None:
        """The id of the session that the caller logged in by."""
        principal = self._context.principal
        return principal.session if principal.claimed is None else principal.claimed.session

    @property
    def claims(self) -> dict[str, Any]:
        """What the caller's token says; empty where there is none, or it says nothing to applications."""
        return self._context.principal.claims or {}

    @property
    def system(self) -> Items:
        """The collections with every right."""
        return Items(self._performer, system_context(self._context.connection))


def system_context(connection: Connection = NOWHERE) -> Context:
    """Return the server itself as the caller of an operation."""
    return Context(ANONYMOUS, FULL_ACCESS, connection.client, connection)
