"""Verification: what lies between a credential that a connection presents and the machine's knowing what came of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import structlog

from watchword.access.principal import ANONYMOUS
from watchword.base.errors import Code, Problem
from watchword.base.ids import short_id
from watchword.protocol import operations as op
from watchword.protocol import outcomes as out

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.access.principal import Principal
    from watchword.backend.attendant import Attendant
    from watchword.backend.context import Connection
    from watchword.backend.services import Services
    from watchword.connection.machine import AuthMachine
    from watchword.identity.authenticator import Authenticated

_log = structlog.get_logger(__name__)

SESSION_ENDED = Problem(Code.AUTH_FAILED, "The session has ended.")
RIGHTS_CHANGED = Problem(Code.FORBIDDEN, "The rights of the connection have changed.")


class Verification:
    """Checks the credentials of one connection: is each a good one, and does the application agree?"""

    def __init__(self, machine: AuthMachine, services: Services, attendant: Attendant, connection: Connection) -> None:
        self._machine = machine
        self._services = services
        self._attendant = attendant
        self._client = connection.client
        self._clock = services.clock
        self._extensions: dict[str, float] | None = None

    def extended(self, session: str, expires_at: float) -> None:
        """Hear that a session lives on; a token of it that is being checked does, too."""
        if self._extensions is not None:
            self._extensions[session] = expires_at

    async def check(self, operation: op.Authenticate | op.Open) -> None:
        """Check what an operation presents and tell the machine."""
        extensions = self._extensions = {}
        try:
            verified, problem = await self._judge(operation)
        finally:
            self._extensions = None
        principal = ANONYMOUS if verified is None else verified.principal
        if isinstance(operation, op.Open) and not await self._may_open(operation, principal, problem):
            return
        if problem is None and not principal.is_anonymous:
            problem = await self._objection(operation, principal)
        now = self._clock.monotonic()
        if problem is not None:
            self._machine.rejected(operation, problem, now)
            return
        lifetime = self._lifetime(principal, extensions)
        self._machine.verified(operation, principal, now, lifetime, _told(operation, verified))
        # The session may have been revoked while the credential was being checked and before the hub could know of us.
        if not principal.is_anonymous and not await self._services.is_live(principal):
            self._machine.revoked(SESSION_ENDED, self._clock.monotonic())

    def _lifetime(self, principal: Principal, extensions: Mapping[str, float]) -> float | None:
        if principal.expires_at is None:
            return None
        extended = extensions.get(principal.session or "", principal.expires_at)
        return max(principal.expires_at, extended) - self._clock.now()

    async def _judge(self, operation: op.Authenticate | op.Open) -> tuple[Authenticated | None, Problem | None]:
        credential = operation.credential
        if operation.problem is not None:
            self._attendant.refused(operation, operation.problem)
            return None, operation.problem
        try:
            if credential is None:
                return self._attendant.established(), None
            own = await self._attendant.identify(credential, self._client)
            return own if own is not None else await self._services.identify(credential, self._client), None
        except Exception as error:  # noqa: BLE001 - a bug must not leave the connection waiting for an answer
            problem = problem_of(operation, error)
            self._attendant.refused(operation, problem)
            return None, problem

    async def _may_open(self, operation: op.Open, principal: Principal, problem: Problem | None) -> bool:
        try:
            await self._attendant.opening(principal, problem)
        except Exception as error:  # noqa: BLE001 - a bug of the application's must not open the connection
            barred = problem_of(operation, error)
            self._attendant.failed(operation, barred)
            self._machine.barred(operation, barred, barred.extensions.get("statusCode"))
            return False
        return True

    async def _objection(self, operation: op.Authenticate | op.Open, principal: Principal) -> Problem | None:
        try:
            await self._attendant.authenticating(operation, principal)
        except Exception as error:  # noqa: BLE001 - a bug of the application's must not let anybody in
            problem = problem_of(operation, error)
            self._attendant.refused(operation, problem)
            return problem
        return None


def _told(operation: op.Authenticate | op.Open, verified: Authenticated | None) -> out.Authenticated:
    if verified is None:
        return out.Authenticated(operation.id)
    return out.Authenticated(operation.id, verified.refresh_token, verified.access_token, verified.principal.expires_at)


def problem_of(operation: op.Operation, error: Exception) -> Problem:
    """Return what an operation failed of: the problem itself, or what the client may know of a bug."""
    return error if isinstance(error, Problem) else unexpected(operation, error)


def unexpected(operation: op.Operation, error: Exception) -> Problem:
    """Log a bug and return what the client may know of it."""
    reference = short_id()
    _log.error("operation.failed", exc_info=error, reference=reference, operation=type(operation).__name__)
    return Problem(Code.INTERNAL, f"An unexpected error occurred. Reference: {reference}.", id=reference)
