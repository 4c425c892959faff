"""Sockets: the upgrade of a request to a conversation, on any ASGI server.

The order of the checks is Directus': room, origin, then credentials. A credential in the request is always checked, in
every mode, and a bad one refuses the upgrade; only the mode `strict` demands one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog
from starlette.requests import HTTPConnection

from watchword.backend.limits import Occupancy, Seat, SocketLimits
from watchword.backend.pace import Pace
from watchword.base.errors import Code, Problem
from watchword.connection.policy import AuthPolicy, Mode
from watchword.http.caller import client_of, connection_of
from watchword.http.origins import Origins
from watchword.http.transport import AsgiTransport, accept_and_close, refuse
from watchword.http.upgrades import burn_tickets, upgrade_credential

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.types import Receive, Scope, Send

    from watchword.access.principal import Principal
    from watchword.backend.backend import Backend
    from watchword.protocol.dialect import Dialect

_log = structlog.get_logger(__name__)

_TOLD = frozenset({400, 401, 429, 503})
_OTHERWISE = 403
_UNAUTHENTICATED = 401


class SocketOptions(msgspec.Struct, frozen=True):
    """One endpoint: its policy, its numbers, who may connect, and how many.

    With `admins`, a credential in the request has to be an administrator's. `rejection` is a code and a reason: whoever
    has to show a good credential in the request and does not is accepted and closed with them. Browsers hide the status
    of a refused upgrade, and clients do not try it again.
    """

    policy: AuthPolicy
    pace: Pace
    origins: Origins
    session_cookie: str
    trusted_proxies: int = 0
    limits: SocketLimits = SocketLimits()
    admins: bool = False
    rejection: tuple[int, str] | None = None


class SocketEndpoint:
    """An ASGI application for the sockets of one dialect, which may share its `occupancy` with another one."""

    def __init__(
        self,
        backend: Backend,
        dialect: Callable[[], Dialect],
        options: SocketOptions,
        occupancy: Occupancy | None = None,
    ) -> None:
        self._backend = backend
        self._dialect = dialect
        self._options = options
        self._occupancy = occupancy or Occupancy(options.limits)

    @property
    def open(self) -> int:
        """How many sockets are open, those included whose upgrade is being decided."""
        return self._occupancy.open

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse the upgrade or accept it and drive the conversation to its end."""
        connection = HTTPConnection(scope)
        client = client_of(connection, self._options.trusted_proxies)
        await receive()  # websocket.connect
        try:
            seat = self._occupancy.enter(client)
        except Problem as problem:
            await _refuse(scope, send, problem)
            return
        try:
            await self._serve(connection, receive, send, seat)
        finally:
            seat.leave()

    async def _serve(self, connection: HTTPConnection, receive: Receive, send: Send, seat: Seat) -> None:
        scope = connection.scope
        try:
            principal = await self._admit(connection)
            if principal is None:
                seat.begin_anonymous()
        except Problem as problem:
            await self._reject(scope, send, problem)
            return
        await send({"type": "websocket.accept", "subprotocol": _spoken(scope)})
        await self._converse(connection, receive, send, principal, seat)

    async def _reject(self, scope: Scope, send: Send, problem: Problem) -> None:
        closing = self._options.rejection
        if closing is None or problem.status != _UNAUTHENTICATED:
            await _refuse(scope, send, problem)
        else:
            await accept_and_close(scope, send, _spoken(scope), *closing)

    async def _admit(self, connection: HTTPConnection) -> Principal | None:
        """Return who the request authenticates, None for nobody.

        Raises:
            Problem: the upgrade is refused.
        """
        options = self._options
        if not options.origins.allows(connection):
            burn_tickets(connection, self._backend.identity.tickets)
            raise Problem(Code.FORBIDDEN)
        credential = upgrade_credential(connection, options.session_cookie)
        if credential is None:
            if options.policy.mode is Mode.STRICT:
                raise Problem(Code.INVALID_CREDENTIALS)
            return None
        client = client_of(connection, options.trusted_proxies)
        try:
            identified = await self._backend.identify(credential, client)
        except Problem as problem:
            unauthenticated = problem.code in {Code.INVALID_TOKEN, Code.FORBIDDEN}
            raise Problem(Code.INVALID_CREDENTIALS) if unauthenticated else problem from None
        if options.admins and not identified.principal.admin:
            raise Problem(Code.INVALID_CREDENTIALS)
        return identified.principal

    async def _converse(
        self, connection: HTTPConnection, receive: Receive, send: Send, principal: Principal | None, seat: Seat
    ) -> None:
        client = client_of(connection, self._options.trusted_proxies)
        dialect = self._dialect()
        known = connection_of(connection, dialect.name, client)
        conversation = self._backend.open(dialect, self._options.policy, self._options.pace, known)
        _log.info("socket.opened", path=connection.scope["path"], address=client.address)
        transport = AsgiTransport(connection.scope, receive, send)
        await conversation.run(transport, principal, lambda acting: seat.count(is_anonymous=acting.is_anonymous))
        _log.info("socket.closed", path=connection.scope["path"], address=client.address)


def _spoken(scope: Scope) -> str | None:
    return next(iter(scope.get("subprotocols", ())), None)


async def _refuse(scope: Scope, send: Send, problem: Problem) -> None:
    await refuse(scope, send, problem.status if problem.status in _TOLD else _OTHERWISE)
