"""Params: the bearer token among what a client tells along with its connection, wherever clients put it."""

from __future__ import annotations

from typing import Any

from watchword.base.secret import Secret
from watchword.protocol.operations import AccessToken

_BEARER = "bearer"


def credential_in(params: Any) -> AccessToken | None:
    """Return the credential: in `access_token`, `Authorization` or the `Authorization` of `headers`; None for none."""
    if not isinstance(params, dict):
        return None
    token = params.get("access_token")
    if isinstance(token, str) and token:
        return AccessToken(Secret(token))
    for holder in (params, params.get("headers")):
        found = _authorization(holder)
        if found is not None:
            return AccessToken(Secret(found))
    return None


def _authorization(holder: Any) -> str | None:
    if not isinstance(holder, dict):
        return None
    for name, value in holder.items():
        if isinstance(name, str) and name.lower() == "authorization" and isinstance(value, str):
            scheme, _, token = value.strip().partition(" ")
            if scheme.lower() == _BEARER and token.strip():
                return token.strip()
    return None
