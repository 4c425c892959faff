"""Well-known places: the public parts of the signing keys, for those who verify access tokens themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.http.answers import Answer, json_answer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler

# The next key is published long before it signs, so that nobody has to ask more often than this.
_CACHED = ("cache-control", "public, max-age=300")


class WellKnown:
    """The handlers under `/.well-known`."""

    def __init__(self, backend: Backend) -> None:
        self._identity = backend.identity

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {"/.well-known/jwks.json": {"GET": self.keys}}

    async def keys(self, _: Call) -> Answer:
        """Answer with the key set (RFC 7517): the next key, the current one, and the retired ones that still verify."""
        return json_answer({"keys": await self._identity.keys.public()}, headers=(_CACHED,))
