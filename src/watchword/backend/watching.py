"""Watching: one subscription to a procedure that has been granted, and what keeps it granted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from watchword.backend.signatures import LAST_EVENT_ID
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping

    from watchword.access.principal import Principal
    from watchword.backend.call import Call
    from watchword.backend.context import Context
    from watchword.backend.procedures import Procedure


class Watching:
    """The values of a subscription, and the call that it was begun by, which follows the rights of its connection."""

    def __init__(
        self, procedure: Procedure, call: Call, values: AsyncGenerator[Any, None], names: Mapping[str, str]
    ) -> None:
        self.values = values
        self._procedure = procedure
        self._call = call
        self._names = names
        self._subject = call.principal.subject

    def keeps(self, principal: Principal) -> bool:
        """Whether it goes on when somebody begins to act on the connection: what anybody may have does."""
        return principal.subject == self._subject or not self._procedure.needs_authentication

    def admit(self, context: Context) -> None:
        """Go on under the rights of now.

        Raises:
            Problem: they do not allow it.
        """
        self._procedure.require(context.principal, self._names)
        self._call.act_under(context)


def merge_last_event_id(data: Any, since: str | None) -> Any:
    """Return an input with where the client was, as far as an input of its kind can hold that."""
    if since is None:
        return data
    if data is ABSENT or data is None:
        return {LAST_EVENT_ID: since}
    return data | {LAST_EVENT_ID: since} if isinstance(data, dict) else data
