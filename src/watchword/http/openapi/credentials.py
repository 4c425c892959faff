"""Paths of credentials: sessions, static tokens, tickets and the public parts of the signing keys."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.http.openapi.operations import in_path, in_query, operation
from watchword.http.openapi.schemas import FLAG, OBJECT, TEXT, data_of, several, whole

if TYPE_CHECKING:
    from watchword.http.openapi.schemas import Json

_PERHAPS: Json = {"type": ["string", "null"]}
_MOMENT: Json = {"type": "string", "format": "date-time"}
_MOMENT_PERHAPS: Json = {"type": ["string", "null"], "format": "date-time"}


_SESSION = whole(
    id=TEXT,
    created_at=_MOMENT,
    last_used_at=_MOMENT,
    expires_at=_MOMENT,
    ip=_PERHAPS,
    user_agent=_PERHAPS,
    origin=_PERHAPS,
    mode=TEXT,
    current=FLAG,
)
_TOKEN = {
    "id": TEXT,
    "name": _PERHAPS,
    "prefix": _PERHAPS,
    "user": _PERHAPS,
    "role": _PERHAPS,
    "created_at": _MOMENT,
    "expires_at": _MOMENT_PERHAPS,
    "last_used_at": _MOMENT_PERHAPS,
}
_TOKENS = data_of(several(whole(**_TOKEN)))
_ISSUED = data_of(whole(**_TOKEN, token=TEXT))


def everybodys() -> dict[str, Json]:
    """The paths that are open to everybody."""
    keys = whole(keys=several(OBJECT))
    return {
        "/.well-known/jwks.json": {"get": operation("Read the keys that verify access tokens", "auth", answer=keys)},
    }


def users() -> dict[str, Json]:
    """The paths that are for those who have logged in."""
    session, token = in_path("session", "The key of the session."), in_path("token", "The key of the token.")
    ticket = data_of(whole(ticket=TEXT, expires={"type": "integer"}))
    return {
        "/auth/ticket": {"post": operation("Get a ticket for the URL of a socket", "auth", answer=ticket)},
        "/users/me/sessions": {
            "get": operation("List the own sessions", "me", answer=data_of(several(_SESSION))),
            "delete": operation("End the own sessions but the one that is used", "me"),
        },
        "/users/me/sessions/{session}": {
            "parameters": [session],
            "delete": operation("End one of the own sessions", "me"),
        },
        "/users/me/tokens": {
            "get": operation("List the own static tokens", "me", answer=_TOKENS),
            "post": operation("Make a static token", "me", answer=_ISSUED, body=_new()),
        },
        "/users/me/tokens/{token}": {
            "parameters": [token],
            "delete": operation("Revoke one of the own static tokens", "me"),
        },
    }


def administrators() -> dict[str, Json]:
    """The paths that are for administrators."""
    user = in_path("key", "The key of the user.")
    session, token = in_path("session", "The key of the session."), in_path("token", "The key of the token.")
    held = tuple(in_query(name, TEXT) for name in ("user", "role"))
    return {
        "/users/{key}/sessions": {
            "parameters": [user],
            "get": operation("List the sessions of a user", "auth", answer=data_of(several(_SESSION))),
            "delete": operation("End the sessions of a user", "auth"),
        },
        "/users/{key}/sessions/{session}": {
            "parameters": [user, session],
            "delete": operation("End a session of a user", "auth"),
        },
        "/tokens": {
            "get": operation(
                "List static tokens", "auth", answer=_TOKENS, queries=("limit", "offset", "page"), more=held
            ),
            "post": operation(
                "Make a static token for a user or a role", "auth", answer=_ISSUED, body=_new(user=TEXT, role=TEXT)
            ),
        },
        "/tokens/{token}": {"parameters": [token], "delete": operation("Revoke a static token", "auth")},
    }


def _new(**holder: Json) -> Json:
    return {
        "type": "object",
        "properties": {"name": TEXT, "expires_at": _MOMENT_PERHAPS, **holder},
        "required": ["name"],
        "additionalProperties": False,
    }
