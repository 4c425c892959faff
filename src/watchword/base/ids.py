"""Identifiers: sortable ones for rows, short ones for things that live in one process. Never secrets."""

from __future__ import annotations

import secrets

import uuid_utils.compat

_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(one + other for one in _DIGITS for other in _DIGITS)
_LAST = len(_PAIRS) - 1


def uuid7() -> str:
    """Return a time-ordered UUID (RFC 9562) in its canonical text form."""
    return str(uuid_utils.compat.uuid7())


def short_id() -> str:
    """Return eight random base32 characters: the id of an epoch, a node or a request."""
    bits = secrets.randbits(40)
    return _PAIRS[bits >> 30] + _PAIRS[bits >> 20 & _LAST] + _PAIRS[bits >> 10 & _LAST] + _PAIRS[bits & _LAST]
