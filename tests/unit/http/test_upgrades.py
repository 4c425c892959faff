from __future__ import annotations

import pytest

from tests.unit.http.support import request_of
from watchword.access.principal import Principal
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.http.upgrades import burn_tickets, upgrade_credential
from watchword.identity.client import Client
from watchword.identity.tickets import Tickets
from watchword.protocol.operations import AccessToken, ConnectionTicket

COOKIE = "session"
TICKET = "wwt_" + "A" * 43


def test_ticket_counts_in_the_url_alone() -> None:
    in_header = request_of(headers=[("Authorization", f"Bearer {TICKET}")])
    in_cookie = request_of(headers=[("Cookie", f"{COOKIE}={TICKET}")])

    assert upgrade_credential(request_of(query=f"access_token={TICKET}"), COOKIE) == ConnectionTicket(Secret(TICKET))
    assert upgrade_credential(in_header, COOKIE) == AccessToken(Secret(TICKET))
    assert upgrade_credential(in_cookie, COOKIE) == AccessToken(Secret(TICKET))


def test_tokens_are_taken_from_the_url_the_header_or_else_the_cookie() -> None:
    cookie = ("Cookie", f"{COOKIE}=c")

    assert upgrade_credential(request_of(query="access_token=q", headers=[cookie]), COOKIE) == AccessToken(Secret("q"))
    bearer = request_of(headers=[cookie, ("Authorization", "Bearer h")])
    assert upgrade_credential(bearer, COOKIE) == AccessToken(Secret("h"))
    assert upgrade_credential(request_of(headers=[cookie]), COOKIE) == AccessToken(Secret("c"))
    assert upgrade_credential(request_of(query="access_token="), COOKIE) is None


def test_another_parameter_presents_nothing() -> None:
    request = request_of(query=f"token={TICKET}&access_token=abc")

    assert upgrade_credential(request, COOKIE) == AccessToken(Secret("abc"))
    assert upgrade_credential(request_of(query=f"ticket={TICKET}"), COOKIE) is None


@pytest.mark.parametrize(
    ("query", "headers"),
    [
        (f"access_token={TICKET}", [("Authorization", "Bearer abc")]),
        (f"access_token={TICKET}&access_token={TICKET}", []),
    ],
)
def test_ticket_beside_another_credential_is_refused(query: str, headers: list[tuple[str, str]]) -> None:
    with pytest.raises(Problem) as refused:
        upgrade_credential(request_of(query=query, headers=headers), COOKIE)

    assert refused.value.code is Code.INVALID_PAYLOAD


def test_tickets_of_a_refused_url_are_burnt_and_others_are_not() -> None:
    tickets, client = Tickets(ManualClock(), 30.0), Client("192.0.2.7")
    burnt, kept = [tickets.issue(Principal(user="ada"), client).ticket.reveal() for _ in range(2)]

    burn_tickets(request_of(query=f"a=b&access_token={burnt}&token={kept}"), tickets)

    assert tickets.redeem(burnt, client) is None
    assert tickets.redeem(kept, client) is not None


def test_a_dialect_whose_parameter_is_another_burns_what_is_in_that() -> None:
    tickets, client = Tickets(ManualClock(), 30.0), Client("192.0.2.7")
    burnt, kept = [tickets.issue(Principal(user="ada"), client).ticket.reveal() for _ in range(2)]

    burn_tickets(request_of(query=f"token={burnt}&access_token={kept}"), tickets, "token")

    assert tickets.redeem(burnt, client) is None
    assert tickets.redeem(kept, client) is not None
