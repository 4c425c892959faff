"""Static tokens: everybody manages their own, administrators anybody's and those of roles. Our own addition."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.base.errors import forbidden, invalid_payload
from watchword.http.answers import NO_CONTENT, Answer
from watchword.http.bodies import read_object
from watchword.http.sessions import key_in_path, own_user, require_administrator, shown, told
from watchword.identity.client import is_storable
from watchword.identity.listings import Page
from watchword.identity.static_tokens import NewToken
from watchword.query.types import FieldType
from watchword.query.values import convert
from watchword.query.wire import parse_query, parse_query_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

_MOST = 2**31 - 1  # what a database takes for a number of rows


class Tokens:
    """The handlers of `/users/me/tokens` and `/tokens`."""

    def __init__(self, backend: Backend, settings: HttpSettings) -> None:
        self._identity = backend.identity
        self._limit = settings.max_payload_size

    @property
    def routes(self) -> Mapping[str, Mapping[str, Handler]]:
        """The handlers by path and method."""
        return {
            "/users/me/tokens": {"GET": self.list_own, "POST": self.create_own},
            "/users/me/tokens/{token}": {"DELETE": self.revoke_own},
            "/tokens": {"GET": self.list, "POST": self.create},
            "/tokens/{token}": {"DELETE": self.revoke},
        }

    async def list_own(self, call: Call) -> Answer:
        """Answer with the caller's tokens.

        Raises:
            Problem: INVALID_CREDENTIALS for the public and for the token of a role.
        """
        user = own_user(call)
        return told([shown(each) for each in await self._identity.listings.tokens(user=user, page=Page(None))])

    async def create_own(self, call: Call) -> Answer:
        """Make a token for the caller, who has to be logged in: a token that ends must not make one that does not.

        Raises:
            Problem: INVALID_CREDENTIALS as above; FORBIDDEN for a caller with a static token; INVALID_PAYLOAD,
                FAILED_VALIDATION.
        """
        user = own_user(call)
        if call.context.principal.session is None:
            raise forbidden("Static tokens are made by users who are logged in.")
        new = parse_new_token(await read_object(call.request, self._limit))
        return await self._create(call, msgspec.structs.replace(new, user=user))

    async def revoke_own(self, call: Call) -> Answer:
        """Revoke one of the caller's tokens.

        Raises:
            Problem: INVALID_CREDENTIALS as above; FORBIDDEN when it is not theirs.
        """
        return await self._revoke(call, own_user(call))

    async def list(self, call: Call) -> Answer:
        """Answer with all tokens, or those of one `user` or `role` of the query string.

        Raises:
            Problem: FORBIDDEN for all but administrators; INVALID_QUERY.
        """
        require_administrator(call)
        params = parse_query_string(call.query_string)
        user, role = (_key(params.get(name)) for name in ("user", "role"))
        listed = await self._identity.listings.tokens(user=user, role=role, page=_page(params))
        return told([shown(each) for each in listed])

    async def create(self, call: Call) -> Answer:
        """Make a token for a user or a role.

        Raises:
            Problem: FORBIDDEN for all but administrators, and for a user or role that does not exist; INVALID_PAYLOAD,
                FAILED_VALIDATION.
        """
        require_administrator(call)
        body = await read_object(call.request, self._limit)
        user, role = (_key(body.pop(name, None)) for name in ("user", "role"))
        if (user is None) == (role is None):
            raise invalid_payload('Either "user" or "role" is required')
        return await self._create(call, msgspec.structs.replace(parse_new_token(body), user=user, role=role))

    async def revoke(self, call: Call) -> Answer:
        """Revoke a token.

        Raises:
            Problem: FORBIDDEN for all but administrators, and when there is no such token.
        """
        require_administrator(call)
        return await self._revoke(call, None)

    async def _create(self, call: Call, new: NewToken) -> Answer:
        """Answer with the token itself, this one time."""
        by = call.context.principal.user
        issued = await self._identity.static_tokens.create(new, call.context.client, by=by)
        listed = await self._identity.listings.token(issued.id)
        if listed is None:
            raise forbidden()  # the user or the role has been deleted meanwhile
        return told({**shown(listed), "token": issued.token.reveal()})

    async def _revoke(self, call: Call, user: str | None) -> Answer:
        by = call.context.principal.user
        token = key_in_path(call, "token")
        if not await self._identity.static_tokens.revoke(token, call.context.client, user=user, by=by):
            raise forbidden()
        return NO_CONTENT


def parse_new_token(body: dict[str, Any]) -> NewToken:
    """Read what a token shall be called and when it ends.

    Raises:
        Problem: INVALID_PAYLOAD, also for members that are not known: a misspelt expiry must not make a lasting token.
    """
    unknown = body.keys() - {"name", "expires_at"}
    if unknown:
        raise invalid_payload(f'"{min(unknown)}" is not allowed')
    name = body.get("name")
    if not isinstance(name, str) or not name.strip():
        raise invalid_payload('"name" is required')
    try:
        expires_at = convert(FieldType.TIMESTAMP, body.get("expires_at"))
        seconds = None if expires_at is None else expires_at.timestamp()
    except (ValueError, OverflowError):
        raise invalid_payload('"expires_at" must be a date with a time') from None
    return NewToken(name=name.strip(), expires_at=seconds)


def _key(value: Any) -> str | None:
    if value is not None and not (isinstance(value, str) and value and is_storable(value)):
        raise invalid_payload('"user" and "role" must be keys')
    return value


def _page(params: dict[str, Any]) -> Page:
    query = parse_query("tokens", {name: params[name] for name in ("limit", "offset", "page") if name in params})
    offset = min(query.offset, _MOST)
    if query.limit is None:
        return Page(offset=offset)
    return Page(None if query.limit < 0 else min(query.limit, _MOST), offset)
