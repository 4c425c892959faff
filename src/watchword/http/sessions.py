"""Sessions: everybody sees and ends their own, administrators anybody's. An addition to what Directus has."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base.errors import Code, Problem, forbidden
from watchword.http.answers import NO_CONTENT, NO_STORE, Answer, json_answer
from watchword.identity.client import is_storable
from watchword.query.rendering import render_any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler

_BY_USER = "ended by the user"
_BY_ADMINISTRATOR = "ended by an administrator"


class Sessions:
    """The handlers of `/users/me/sessions` and `/users/{key}/sessions`."""

    def __init__(self, backend: Backend) -> None:
        self._identity = backend.identity

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {
            "/users/me/sessions": {"GET": self.list_own, "DELETE": self.end_others},
            "/users/me/sessions/{session}": {"DELETE": self.end_own},
            "/users/{key}/sessions": {"GET": self.list, "DELETE": self.end_all},
            "/users/{key}/sessions/{session}": {"DELETE": self.end},
        }

    async def list_own(self, call: Call) -> Answer:
        """Answer with the caller's live sessions.

        Raises:
            Problem: INVALID_CREDENTIALS for the public and for the token of a role.
        """
        return await self._list(call, own_user(call))

    async def end_own(self, call: Call) -> Answer:
        """End one of the caller's sessions, which may be the one that is used.

        Raises:
            Problem: INVALID_CREDENTIALS as above; FORBIDDEN when it is not theirs, or not live.
        """
        return await self._end(call, own_user(call), _BY_USER)

    async def end_others(self, call: Call) -> Answer:
        """End the caller's sessions, but for the one that is used. A static token has none, so it ends all.

        Raises:
            Problem: INVALID_CREDENTIALS as above.
        """
        kept = call.context.principal.session
        await self._identity.sessions.revoke_user(own_user(call), _BY_USER, call.context.client, except_session=kept)
        return NO_CONTENT

    async def list(self, call: Call) -> Answer:
        """Answer with anybody's live sessions.

        Raises:
            Problem: FORBIDDEN for all but administrators.
        """
        require_administrator(call)
        return await self._list(call, key_in_path(call, "key"))

    async def end(self, call: Call) -> Answer:
        """End a session of the user that the path names.

        Raises:
            Problem: FORBIDDEN for all but administrators, and when there is no such live session.
        """
        require_administrator(call)
        return await self._end(call, key_in_path(call, "key"), _BY_ADMINISTRATOR)

    async def end_all(self, call: Call) -> Answer:
        """End every session of a user.

        Raises:
            Problem: FORBIDDEN for all but administrators.
        """
        require_administrator(call)
        await self._identity.sessions.revoke_user(key_in_path(call, "key"), _BY_ADMINISTRATOR, call.context.client)
        return NO_CONTENT

    async def _list(self, call: Call, user: str) -> Answer:
        current = call.context.principal.session
        listed = await self._identity.listings.sessions(user)
        return told([shown(each) | {"current": each.id == current} for each in listed])

    async def _end(self, call: Call, user: str, reason: str) -> Answer:
        session = key_in_path(call, "session")
        if not await self._identity.sessions.revoke(session, reason, call.context.client, user=user):
            raise forbidden()
        return NO_CONTENT


def own_user(call: Call) -> str:
    """Return the user who asks.

    Raises:
        Problem: INVALID_CREDENTIALS for the public and for the token of a role.
    """
    user = call.context.principal.user
    if user is None:
        raise Problem(Code.INVALID_CREDENTIALS)
    return user


def require_administrator(call: Call) -> None:
    """Let administrators pass.

    Raises:
        Problem: FORBIDDEN for everybody else.
    """
    if not call.context.principal.admin:
        raise forbidden()


def key_in_path(call: Call, name: str) -> str:
    """Return a key that the path names.

    Raises:
        Problem: FORBIDDEN for a text that cannot be a key, as for one that is none.
    """
    key = call.path(name)
    if not is_storable(key):
        raise forbidden()
    return key


def shown(listed: msgspec.Struct) -> dict[str, Any]:
    """Return a listed thing as JSON."""
    return {name: render_any(value) for name, value in msgspec.structs.asdict(listed).items()}


def told(data: Any) -> Answer:
    """Answer with what no cache shall keep."""
    return json_answer({"data": data}, headers=(NO_STORE,))
