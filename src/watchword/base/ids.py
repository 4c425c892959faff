"""Identifiers: sortable ones for rows, short ones for things that live in one process. Never secrets."""

from __future__ import annotations

import base64
import secrets

import uuid_utils.compat

_BYTES = 5


def uuid7() -> str:
    """Return a time-ordered UUID (RFC 9562) in its canonical text form."""
    return str(uuid_utils.compat.uuid7())


def short_id() -> str:
    """Return eight random base32 characters: the id of an epoch, a node or a request."""
    return base64.b32encode(secrets.token_bytes(_BYTES)).decode().lower()
