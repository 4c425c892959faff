"""Call: what the code of an application sees of one operation: who asks, over what, and the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from watchword.access.compile import FULL_ACCESS
from watchword.access.principal import ANONYMOUS, Principal
from watchword.backend.context import NOWHERE, Connection, Context
from watchword.backend.items import Items

if TYPE_CHECKING:
    from watchword.backend.exchange import Exchange
    from watchword.backend.items import Performer


class Call:
    """The caller of an operation, and what it may be answered with.

    Attributes:
        principal: on whose behalf; `principal.is_anonymous` for the public.
        connection: the socket or the request that it comes over: `id`, `address`, `headers`, `query`, `params`.
        items: the collections, under the rights of the caller.
        system: the collections, with every right: what it reads is for the code, and not to be passed on as it is.
        exchange: the channels, as the server itself.
        socket: the server's end of the socket, where the dialect has one to offer; None over HTTP.
    """

    is_watchword_call: ClassVar[bool] = True

    def __init__(self, context: Context, performer: Performer, exchange: Exchange, socket: Any = None) -> None:
        self._context = context
        self._performer = performer
        self.exchange = exchange
        self.socket = socket
        self.items = Items(performer, context)

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
