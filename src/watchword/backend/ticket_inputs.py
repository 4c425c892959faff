"""Inputs of subscriptions that demand a ticket: the ticket in it, and what it is bound to."""

from __future__ import annotations

from typing import Any

from watchword.backend.signatures import LAST_EVENT_ID
from watchword.protocol.operations import ABSENT

TICKET = "ticket"
"""The member of a subscription's input that is not for the procedure."""

LIFETIME = 60.0
"""Seconds that a ticket is good for where nobody says otherwise."""


def take_ticket(data: Any) -> tuple[Any, Any]:
    """Return the ticket of an input, None for none, and what is left for the procedure."""
    if not isinstance(data, dict) or TICKET not in data:
        return None, data
    rest = {name: value for name, value in data.items() if name != TICKET}
    return data[TICKET], rest or ABSENT


def bound_input(data: Any) -> Any:
    """Return the part of an input that a ticket is bound to: not the ticket, nor where the client was."""
    if data is ABSENT or data is None:
        return {}
    if not isinstance(data, dict):
        return data
    return {name: value for name, value in data.items() if name not in {TICKET, LAST_EVENT_ID}}
