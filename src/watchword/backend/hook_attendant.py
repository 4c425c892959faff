"""HookAttendant: tells an application's hooks what happens to a connection of a dialect without a socket of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.backend.attendant import Attendant
from watchword.backend.hooks import Occasion
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from watchword.access.principal import Principal
    from watchword.backend.background import Background
    from watchword.backend.context import Connection
    from watchword.backend.hooks import Hooks
    from watchword.base.errors import Problem
    from watchword.protocol import operations as op


class HookAttendant(Attendant):
    """Hears, and lets everything by."""

    def __init__(self, hooks: Hooks, background: Background, connection: Connection) -> None:
        self._hooks = hooks
        self._background = background
        self._connection = connection
        self._has_begun = False

    def begun(self) -> None:
        """Hear that the connection stands."""
        self._has_begun = True
        self._tell(Occasion.CONNECT)

    def acts_as(self, principal: Principal) -> None:
        """Hear that somebody acts on the connection."""
        if not principal.is_anonymous:
            self._tell(Occasion.AUTHENTICATE, principal)

    def refused(self, operation: op.Authenticate | op.Open, problem: Problem) -> None:
        """Hear that a credential was not good."""
        self._tell(Occasion.AUTH_FAILURE, problem)

    def told(self, outcome: out.Outcome) -> None:
        """Hear that an identity has ended."""
        if isinstance(outcome, out.Refused) and not outcome.presented:
            self._tell(Occasion.AUTH_FAILURE, outcome.problem)

    def closed(self, code: int, reason: str) -> None:
        """Hear the end."""
        if self._has_begun:
            self._tell(Occasion.CLOSE, code, reason)

    def _tell(self, occasion: Occasion, *told: object) -> None:
        if self._hooks.hears(occasion):
            self._background.spawn(self._hooks.tell, occasion, self._connection, *told)
