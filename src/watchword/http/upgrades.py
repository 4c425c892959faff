"""Upgrades: what a request for a socket presents, where there can be one credential; and tickets that are burnt.

A ticket counts here alone, and only in the URL: in a header, a cookie, a message or any other request it is a token
that nobody has given out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.secret import Secret
from watchword.http.caller import QUERY_PARAMETER, explicit_token, session_token, tokens_in_query
from watchword.identity.tickets import looks_like_ticket
from watchword.protocol.operations import AccessToken, ConnectionTicket

if TYPE_CHECKING:
    from starlette.requests import HTTPConnection

    from watchword.identity.tickets import Tickets


def upgrade_credential(connection: HTTPConnection, session_cookie: str) -> AccessToken | ConnectionTicket | None:
    """Return what an upgrade request presents in its header, in its URL, or else in its cookie.

    Raises:
        Problem: INVALID_PAYLOAD when header and URL present more than one.
    """
    token = explicit_token(connection)
    if token is None:
        token = session_token(connection, session_cookie)
    if token is None:
        return None
    if looks_like_ticket(token) and tokens_in_query(connection):
        return ConnectionTicket(Secret(token))
    return AccessToken(Secret(token))


def burn_tickets(connection: HTTPConnection, tickets: Tickets, parameter: str = QUERY_PARAMETER) -> None:
    """End the tickets in the URL of an upgrade that is refused for where it comes from, before they are looked at."""
    for token in tokens_in_query(connection, parameter):
        tickets.burn(token)
