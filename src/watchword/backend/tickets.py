"""Tickets: tickets for subscriptions that demand one, from the client's wish for one to its use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.backend.procedures import Kind
from watchword.backend.ticket_inputs import LIFETIME, bound_input
from watchword.base import json
from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.access.principal import Principal
    from watchword.backend.procedure_table import ProcedureTable
    from watchword.identity.subscription_tickets import SubscriptionTickets


class _Wish(msgspec.Struct):
    path: str
    input: Any = None
    expiresIn: float = LIFETIME  # noqa: N815 - what clients call it


def issue_ticket(
    tickets: SubscriptionTickets,
    table: ProcedureTable,
    principal: Principal,
    role_names: Mapping[str, str],
    asked: Any,
) -> dict[str, Any]:
    """Return a ticket for whoever may subscribe but for the want of one: `{"ticket", "expiresAt"}` (milliseconds).

    Raises:
        Problem: ROUTE_NOT_FOUND, there is no such subscription; what its requirements raise.
    """
    wish = json.converted(asked, _Wish)
    procedure = table.find(wish.path, Kind.SUBSCRIPTION)
    if not procedure.needs_ticket:
        raise Problem(Code.INVALID_PAYLOAD, f"{wish.path} needs no ticket.", field="path")
    procedure.require(principal, role_names)
    ticket, expires_at = tickets.issue(principal, wish.path, bound_input(wish.input), wish.expiresIn)
    return {"ticket": ticket, "expiresAt": round(expires_at * 1000)}
