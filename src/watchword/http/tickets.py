"""Tickets: given to who is logged in, for the URL of a socket. An addition to what Directus has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import Code, Problem
from watchword.http.sessions import told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.http.answers import Answer
    from watchword.http.endpoint import Call, Handler


class Tickets:
    """The handler of `/auth/ticket`. Who asks is established as everywhere, so no foreign page gets one by a cookie."""

    def __init__(self, backend: Backend) -> None:
        self._tickets = backend.identity.tickets

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {"/auth/ticket": {"POST": self.create}}

    async def create(self, call: Call) -> Answer:
        """Give the caller a ticket, and say for how many milliseconds it is good.

        Raises:
            Problem: INVALID_CREDENTIALS for the public.
        """
        if call.context.principal.is_anonymous:
            raise Problem(Code.INVALID_CREDENTIALS)
        issued = self._tickets.issue(call.context.principal, call.context.client)
        return told({"ticket": issued.ticket.reveal(), "expires": int(issued.seconds * 1000)})
