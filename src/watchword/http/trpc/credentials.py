"""Credentials: where a request to a mount may say who sends it.

What the caller says on purpose goes before what a browser sends by itself: connection parameters, then the header
`Authorization`, then the URL, then the session cookie. A one-time ticket counts in the URL alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qsl

import msgspec

from watchword.base.errors import Problem
from watchword.base.secret import Secret
from watchword.http.caller import QUERY_PARAMETER, Source, bearer_tokens, session_token
from watchword.identity.tickets import looks_like_ticket
from watchword.protocol.operations import AccessToken, ConnectionTicket

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from watchword.backend.backend import Backend
    from watchword.identity.authenticator import Authenticated
    from watchword.identity.client import Client

IN_URL = ("token", QUERY_PARAMETER)
"""The parameters of a URL that may hold a token."""


class Presented(msgspec.Struct, frozen=True):
    """A credential as a request presents it. Only a cookie is sent without the caller's wish."""

    credential: AccessToken | ConnectionTicket
    source: Source = Source.EXPLICIT


def presented(connection: HTTPConnection, cookie: str) -> Presented | None:
    """Return what a request presents beside connection parameters, None for nothing."""
    headers = bearer_tokens(connection)
    if headers:
        return Presented(AccessToken(Secret(headers[0])))
    in_url = query_parameters(connection)
    for name in IN_URL:
        token = in_url.get(name)
        if token:
            kind = ConnectionTicket if looks_like_ticket(token) else AccessToken
            return Presented(kind(Secret(token)))
    found = session_token(connection, cookie)
    return None if found is None else Presented(AccessToken(Secret(found)), Source.COOKIE)


def query_parameters(connection: HTTPConnection) -> dict[str, str]:
    """Return the parameters of the URL; of a repeated one the first."""
    pairs = parse_qsl(connection.scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    return dict(reversed(pairs))


async def identified(backend: Backend, shown: Presented | None, client: Client) -> Authenticated | Problem | None:
    """Return who presents a credential, why it is not good, or None for nobody."""
    if shown is None:
        return None
    try:
        return await backend.identify(shown.credential, client)
    except Problem as problem:
        return problem
