"""Lines: the places between a socket and the application where functions may allow, change, block or delay."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from watchword.base.errors import Code, Problem
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from watchword.backend.context import Connection
    from watchword.backend.socket import Socket


class Line(StrEnum):
    """Where a function stands: at the upgrade and the handshake, before what comes in, before what goes out."""

    HANDSHAKE = "handshake"
    INBOUND_RAW = "inbound_raw"
    INBOUND = "inbound"
    OUTBOUND = "outbound"


class ActionType(StrEnum):
    """What a function is asked about."""

    HANDSHAKE_WS = "handshakeWS"
    HANDSHAKE_SC = "handshakeSC"
    MESSAGE = "message"
    TRANSMIT = "transmit"
    INVOKE = "invoke"
    SUBSCRIBE = "subscribe"
    PUBLISH_IN = "publishIn"
    AUTHENTICATE = "authenticate"
    PUBLISH_OUT = "publishOut"


class Action:
    """One thing that a function is asked about. To change it, set `data`; to block it, raise.

    Attributes:
        type: what it is.
        socket: the socket that it comes from or goes to; None at the upgrade, where there is only the `request`.
        data: the message, the packet's data, or what the handshake is about; ABSENT where there is none.
        channel, procedure, receiver: the name that it is about.
        auth_token, signed_auth_token: of an authentication, the claims and the token.
        auth_token_expired_error: the problem, on the first action after the token has expired.
    """

    __slots__ = (
        "auth_token",
        "auth_token_expired_error",
        "channel",
        "data",
        "procedure",
        "receiver",
        "request",
        "signed_auth_token",
        "socket",
        "type",
    )

    def __init__(
        self, kind: ActionType, socket: Socket | None = None, data: Any = ABSENT, *, request: Connection | None = None
    ) -> None:
        self.type = kind
        self.socket: Any = socket
        self.data = data
        self.request = request
        self.channel: str | None = None
        self.procedure: str | None = None
        self.receiver: str | None = None
        self.auth_token: dict[str, Any] | None = None
        self.signed_auth_token: str | None = None
        self.auth_token_expired_error: Problem | None = None

    def __repr__(self) -> str:
        name = self.channel or self.procedure or self.receiver
        return f"Action({self.type.value}{'' if name is None else f' {name}'})"


LineFunction = Callable[[Action], Awaitable[None] | None]


class Blocked(Problem):
    """What blocks without a reason: the client is told nothing but that it was blocked."""

    def __init__(self) -> None:
        super().__init__(Code.FORBIDDEN, silent=True)


class Lines:
    """The functions of one endpoint, by line, in the order in which they were added."""

    def __init__(self) -> None:
        self._functions: dict[Line, list[LineFunction]] = {line: [] for line in Line}

    def add(self, line: Line, function: LineFunction) -> None:
        """Add a function to a line."""
        self._functions[line].append(function)

    def remove(self, line: Line, function: LineFunction | None = None) -> None:
        """Take a function off a line, or all of them."""
        if function is None:
            self._functions[line].clear()
        elif function in self._functions[line]:
            self._functions[line].remove(function)

    def has(self, line: Line) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._functions[line])

    @property
    def waits_outbound(self) -> bool:
        """Whether a function on the outbound line may wait."""
        return any(inspect.iscoroutinefunction(function) for function in self._functions[Line.OUTBOUND])

    async def ask(self, line: Line, action: Action) -> None:
        """Ask every function of a line.

        Raises:
            Problem: one of them blocks.
        """
        for function in tuple(self._functions[line]):
            answer = function(action)
            if inspect.isawaitable(answer):
                await answer

    def ask_now(self, line: Line, action: Action) -> None:
        """Ask a line none of whose functions waits.

        Raises:
            Problem: one of them blocks.
        """
        for function in self._functions[line]:
            function(action)
