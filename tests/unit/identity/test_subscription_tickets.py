"""Subscription tickets: good for one caller, one procedure and one input, for a short while."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jwt
from joserfc.jwk import OctKey

from watchword.access.principal import ANONYMOUS, Principal
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.base.secret import Secret
from watchword.identity.subscription_tickets import LONGEST, SubscriptionTickets

ANN = Principal(user="ann", session="s1")
BOB = Principal(user="bob")
INPUT = {"room": "a", "limit": 3}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def tickets(clock: ManualClock) -> SubscriptionTickets:
    return SubscriptionTickets(Secret("x" * 40), clock)


def refused(tickets: SubscriptionTickets, ticket: Any, principal: Principal, path: str, data: Any) -> bool:
    try:
        tickets.check(ticket, principal, path, data)
    except Problem as problem:
        return problem.code is Code.FORBIDDEN
    return False


def test_a_ticket_lets_in_whom_it_is_for_and_says_until_when(tickets: SubscriptionTickets, clock: ManualClock) -> None:
    ticket, expires_at = tickets.issue(ANN, "a.b", INPUT, 60.0)
    assert expires_at == clock.now() + 60.0
    assert not refused(tickets, ticket, ANN, "a.b", {"limit": 3, "room": "a"})
    assert not refused(tickets, ticket, Principal(user="ann", session="another"), "a.b", INPUT)


@pytest.mark.parametrize(
    ("principal", "path", "data"),
    [
        (BOB, "a.b", INPUT),
        (ANONYMOUS, "a.b", INPUT),
        (Principal(issuer="idp", claims={"sub": "ann"}), "a.b", INPUT),
        (ANN, "a.c", INPUT),
        (ANN, "a.b", {"room": "b", "limit": 3}),
        (ANN, "a.b", {"room": "a"}),
        (ANN, "a.b", None),
    ],
)
def test_it_is_good_for_nobody_and_nothing_else(
    tickets: SubscriptionTickets, principal: Principal, path: str, data: Any
) -> None:
    ticket, _ = tickets.issue(ANN, "a.b", INPUT, 60.0)
    assert refused(tickets, ticket, principal, path, data)


def test_it_is_over_in_time(tickets: SubscriptionTickets, clock: ManualClock) -> None:
    ticket, _ = tickets.issue(ANN, "a.b", INPUT, 60.0)
    clock.advance(59.0)
    assert not refused(tickets, ticket, ANN, "a.b", INPUT)
    clock.advance(1.0)
    assert refused(tickets, ticket, ANN, "a.b", INPUT)


def test_nobody_gets_one_and_none_is_for_long(tickets: SubscriptionTickets) -> None:
    with pytest.raises(Problem) as caught:
        tickets.issue(ANONYMOUS, "a", None, 60.0)
    assert caught.value.code is Code.INVALID_CREDENTIALS
    for lifetime in (0.0, -1.0, LONGEST + 1, float("nan"), float("inf")):
        with pytest.raises(Problem) as caught:
            tickets.issue(ANN, "a", None, lifetime)
        assert caught.value.code is Code.INVALID_PAYLOAD


def test_tokens_of_another_kind_or_key_are_none(tickets: SubscriptionTickets, clock: ManualClock) -> None:
    other = SubscriptionTickets(Secret("y" * 40), clock)
    ticket, _ = other.issue(ANN, "a.b", INPUT, 60.0)
    assert refused(tickets, ticket, ANN, "a.b", INPUT)
    good, _ = tickets.issue(ANN, "a.b", INPUT, 60.0)
    head, payload, _ = good.split(".")
    assert refused(tickets, f"{head}.{payload}.", ANN, "a.b", INPUT)
    unsigned = jwt.encode({"alg": "HS256"}, {"exp": clock.now() + 60}, OctKey.import_key("z" * 40))
    assert refused(tickets, unsigned, ANN, "a.b", INPUT)


@given(st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text()))
def test_whatever_is_shown_is_judged(shown: Any) -> None:
    tickets = SubscriptionTickets(Secret("x" * 40), ManualClock())
    assert refused(tickets, shown, ANN, "a.b", INPUT)
