"""Lines: the places between a socket and the application where functions may allow, change, block or delay."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from enum import StrEnum
from types import CoroutineType
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
    """The functions of one endpoint, by line, in the order in which they were added.

    Attributes:
        filters: whether there is anybody to ask on the outbound line, which is asked for each that a message goes to.
        waits: whether one of those may wait.
    """

    def __init__(self) -> None:
        self._functions: dict[Line, tuple[LineFunction, ...]] = dict.fromkeys(Line, ())
        self.filters = False
        self.waits = False

    def add(self, line: Line, function: LineFunction) -> None:
        """Add a function to a line."""
        self._set(line, (*self._functions[line], function))

    def remove(self, line: Line, function: LineFunction | None = None) -> None:
        """Take a function off a line, or all of them."""
        kept = list(self._functions[line]) if function is not None else []
        if function in kept:
            kept.remove(function)
        self._set(line, tuple(kept))

    def has(self, line: Line) -> bool:
        """Whether there is anybody to ask."""
        return bool(self._functions[line])

    async def ask(self, line: Line, action: Action) -> None:
        """Ask every function of a line.

        Raises:
            Problem: one of them blocks.
        """
        for function in self._functions[line]:
            answer = function(action)
            if type(answer) is CoroutineType or inspect.isawaitable(answer):
                await answer

    def ask_now(self, action: Action) -> bool:
        """Ask the outbound line, none of whose functions is known to wait; False when one turns out to, and has to be
        asked by `ask`.

        Raises:
            Problem: one of them blocks.
        """
        for function in self._functions[Line.OUTBOUND]:
            answer = function(action)
            if answer is not None and inspect.isawaitable(answer):
                if isinstance(answer, CoroutineType):
                    answer.close()  # it has not begun
                self.waits = True
                return False
        return True

    def _set(self, line: Line, functions: tuple[LineFunction, ...]) -> None:
        self._functions[line] = functions
        outbound = self._functions[Line.OUTBOUND]
        self.filters = bool(outbound)
        self.waits = any(inspect.iscoroutinefunction(each) for each in outbound)
