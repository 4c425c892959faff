"""Caller: who sends a request, and from where."""

from __future__ import annotations

from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import msgspec
from msgspec.structs import replace

from watchword.access.principal import ANONYMOUS
from watchword.backend.context import Connection, Context
from watchword.base.errors import invalid_payload
from watchword.base.secret import Secret, random_token
from watchword.http.origins import SAFE_METHODS, Origins
from watchword.identity.client import Client, parse_address
from watchword.protocol.operations import AccessToken, Credential

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection, Request

    from watchword.backend.backend import Backend
    from watchword.http.settings import HttpSettings

DIALECT = "rest"
"""What is spoken where nothing else is."""

QUERY_PARAMETER = "access_token"
"""Where a token is in a URL, as Directus has it."""

_ID_BYTES = 15
_MOST_ADDRESSES = 1_000
"""Addresses that are remembered as they are read: a connection has the same one for all of its requests."""
_SEVERAL = "The request uses more than one method for including an access token"


class Source(StrEnum):
    """Where in a request a token was."""

    EXPLICIT = "explicit"
    COOKIE = "cookie"


class Presented(msgspec.Struct, frozen=True):
    """A token as a request presents it. Only a cookie is sent without the caller's wish."""

    token: Secret
    source: Source


class Callers:
    """Turns requests into contexts, the same way for every route."""

    def __init__(self, backend: Backend, settings: HttpSettings) -> None:
        self.origins = Origins(settings)
        self._backend = backend
        self._cookie = settings.session_cookie.name
        self._proxies = settings.trusted_proxies

    def client(self, connection: HTTPConnection) -> Client:
        """Return the other end of a request."""
        return client_of(connection, self._proxies)

    def presented(self, request: Request, *, cookies: bool = True) -> Presented | None:
        """Return the token that a request presents; an explicit one goes before the cookie.

        Raises:
            Problem: INVALID_PAYLOAD when it presents two, FORBIDDEN when a foreign page acts with the user's cookie.
        """
        token = explicit_token(request)
        if token is not None:
            return Presented(Secret(token), Source.EXPLICIT)
        token = session_token(request, self._cookie) if cookies else None
        if token is None:
            return None
        if request.method not in SAFE_METHODS:
            self.origins.require_own(request)
        return Presented(Secret(token), Source.COOKIE)

    async def context(self, presented: Presented | None, client: Client) -> Context:
        """Return who presents a token and their rights; the public's where none was presented.

        Raises:
            Problem: INVALID_CREDENTIALS, INVALID_TOKEN, TOKEN_EXPIRED, also where the public would be let in.
        """
        return await self.bearing(None if presented is None else AccessToken(presented.token), client)

    async def bearing(self, credential: Credential | None, client: Client) -> Context:
        """Return who bears a credential and their rights; the public's for none.

        Raises:
            Problem: as `context`.
        """
        if credential is None:
            return await self._backend.context(ANONYMOUS, client)
        identified = await self._backend.identify(credential, client)
        return Context(identified.principal, identified.access, client)

    def known(self, context: Context, request: Request) -> Context:
        """Return a context that knows its request, where the application's code may ask for it."""
        if not self._backend.application.looks_at_operations:
            return context
        return replace(context, connection=connection_of(request, DIALECT, context.client))


def connection_of(connection: HTTPConnection, dialect: str, client: Client, **more: Any) -> Connection:
    """Return what is known of a connection by its request, under a name that cannot be guessed."""
    scope = connection.scope
    return Connection(
        random_token(_ID_BYTES),
        dialect,
        client,
        headers=tuple(scope["headers"]),
        query_string=scope.get("query_string", b""),
        path=scope["path"],
        **more,
    )


def explicit_token(connection: HTTPConnection) -> str | None:
    """Return the token of the header `Authorization: Bearer` or of the parameter `access_token`.

    Other schemes are not ours to judge.

    Raises:
        Problem: INVALID_PAYLOAD when there is more than one.
    """
    found = [*tokens_in_query(connection), *bearer_tokens(connection)]
    if len(found) > 1:
        raise invalid_payload(_SEVERAL)
    return found[0] if found else None


def session_token(connection: HTTPConnection, name: str) -> str | None:
    """Return the token of a cookie; an empty cookie is none."""
    return connection.cookies.get(name) or None if "cookie" in connection.headers else None


def tokens_in_query(connection: HTTPConnection, parameter: str = QUERY_PARAMETER) -> list[str]:
    """Return the values that a parameter of the URL has; empty ones are none."""
    query_string: bytes = connection.scope.get("query_string", b"")
    if parameter.encode() not in query_string and b"%" not in query_string:
        return []
    return [value for name, value in parse_qsl(query_string.decode("latin-1")) if name == parameter]


def bearer_tokens(connection: HTTPConnection) -> list[str]:
    """Return the tokens of the headers `Authorization: Bearer`."""
    tokens = []
    for value in connection.headers.getlist("authorization"):
        parts = value.split()
        if len(parts) == 2 and parts[0].lower() == "bearer":  # noqa: PLR2004 - the scheme and the token
            tokens.append(parts[1])
    return tokens


def client_of(connection: HTTPConnection, trusted_proxies: int) -> Client:
    """Return the other end: its address, as far as our own proxies vouch for it, and what it says of itself."""
    headers = connection.headers
    return Client(_address(connection, trusted_proxies), headers.get("user-agent"), headers.get("origin"))


def _address(connection: HTTPConnection, trusted_proxies: int) -> str | None:
    """Each proxy appends the address that it sees, so only as many entries as there are proxies can be believed."""
    peer = connection.scope.get("client")
    address = _as_address(peer[0]) if peer else None
    if trusted_proxies == 0:
        return address
    forwarded = ",".join(connection.headers.getlist("x-forwarded-for")).split(",")
    for entry in reversed(forwarded[-trusted_proxies:]):
        believed = _as_address(entry.strip())
        if believed is None:
            break
        address = believed
    return address


@lru_cache(_MOST_ADDRESSES)
def _as_address(text: str) -> str | None:
    """Read an address as proxies write it, perhaps with a port."""
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    address = parse_address(text)
    return None if address is None else str(address)
