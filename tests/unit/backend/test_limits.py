"""Limits: what one client may ask for, and that others are not concerned."""

from __future__ import annotations

import pytest

from watchword.backend.limits import Meter, Occupancy, Quota, RequestRates, SocketLimits
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.identity.client import Client

HERE = Client("192.0.2.1")
THERE = Client("192.0.2.2")


@pytest.mark.parametrize(("points", "seconds"), [(0, 1.0), (1, 0.0), (-1, 1.0)])
def test_quota_of_nothing_is_refused(points: int, seconds: float) -> None:
    with pytest.raises(ValueError, match="positive"):
        Quota(points, seconds)


def test_meter_tells_how_long_to_wait_and_begins_anew() -> None:
    meter = Meter(Quota(2, 1.0))
    assert [meter.take(10.0), meter.take(10.25)] == [0.0, 0.0]
    assert meter.take(10.75) == 0.25
    assert meter.take(11.0) == 0.0


def test_meters_are_apart() -> None:
    first, second = Meter(Quota(1)), Meter(Quota(1))
    first.take(0.0)
    assert first.take(0.0)
    assert not second.take(0.0)


async def test_address_that_floods_waits_and_another_does_not() -> None:
    clock = ManualClock()
    rates = RequestRates(clock, Quota(2, 10), None)
    await rates.admit(HERE)
    await rates.admit(HERE)
    with pytest.raises(Problem) as refused:
        await rates.admit(HERE)
    assert refused.value.code is Code.REQUESTS_EXCEEDED
    assert refused.value.extensions["limit"] == 2
    assert refused.value.extensions["retry_after"] == 10
    await rates.admit(THERE)
    clock.advance(10)
    await rates.admit(HERE)


async def test_all_together_have_a_rate_that_one_address_does_not_use_up() -> None:
    rates = RequestRates(ManualClock(), Quota(1, 10), Quota(2, 10))
    await rates.admit(HERE)
    for _ in range(5):
        with pytest.raises(Problem):
            await rates.admit(HERE)
    await rates.admit(THERE)
    with pytest.raises(Problem) as refused:
        await rates.admit(Client("192.0.2.3"))
    assert refused.value.extensions["limit"] == 2


async def test_neighbours_in_an_ipv6_network_share_a_rate() -> None:
    rates = RequestRates(ManualClock(), Quota(1), None)
    await rates.admit(Client("2001:db8::1"))
    with pytest.raises(Problem):
        await rates.admit(Client("2001:db8::2"))
    await rates.admit(Client("2001:db8:0:1::1"))


def test_full_endpoint_refuses_everybody_until_somebody_leaves() -> None:
    occupancy = Occupancy(SocketLimits(sockets=1))
    seat = occupancy.enter(HERE)
    with pytest.raises(Problem) as refused:
        occupancy.enter(THERE)
    assert refused.value.code is Code.FORBIDDEN
    seat.leave()
    occupancy.enter(THERE).leave()
    assert occupancy.open == 0


def test_full_address_refuses_itself_alone() -> None:
    occupancy = Occupancy(SocketLimits(per_address=1))
    seat = occupancy.enter(HERE)
    with pytest.raises(Problem) as refused:
        occupancy.enter(HERE)
    assert refused.value.code is Code.REQUESTS_EXCEEDED
    occupancy.enter(THERE)
    seat.leave()
    occupancy.enter(HERE)


def test_unauthenticated_sockets_are_bounded_per_address() -> None:
    occupancy = Occupancy(SocketLimits(unauthenticated=1))
    first, second, other = occupancy.enter(HERE), occupancy.enter(HERE), occupancy.enter(THERE)
    first.begin_anonymous()
    with pytest.raises(Problem) as refused:
        second.begin_anonymous()
    assert refused.value.code is Code.REQUESTS_EXCEEDED
    other.begin_anonymous()
    first.count(is_anonymous=False)
    second.begin_anonymous()


def test_seat_that_was_left_counts_for_nothing() -> None:
    occupancy = Occupancy(SocketLimits(unauthenticated=1))
    for _ in range(3):
        seat = occupancy.enter(HERE)
        seat.begin_anonymous()
        seat.count(is_anonymous=True)
        seat.leave()
    assert occupancy.open == 0
    assert not occupancy._addresses
