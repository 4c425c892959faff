from __future__ import annotations

import uuid

import anyio
import anyio.lowlevel
import pytest

from watchword.base import json
from watchword.base.clock import Clock, ManualClock, SystemClock
from watchword.base.errors import STATUS, Code, Problem, failed_validation, forbidden_field, not_unique
from watchword.base.ids import short_id, uuid7
from watchword.base.secret import Secret, derive, digest, equal, random_token


def test_every_code_has_a_status_and_can_be_raised() -> None:
    assert set(STATUS) == set(Code)
    assert all(400 <= status < 600 for status in STATUS.values())
    assert all(Problem(code, "text").status == STATUS[code] for code in Code)


def test_a_problem_carries_those_that_came_with_it() -> None:
    second = failed_validation("b", "nnull", "Value can't be null.")
    first = Problem(Code.FORBIDDEN, others=[second])
    assert list(first.each()) == [first, second]
    assert second.extensions == {"field": "b", "path": [], "type": "nnull"}


def test_messages_name_what_they_are_about() -> None:
    assert 'field "f" in collection "c"' in forbidden_field("c", "f").message
    assert not_unique("c", "f", 1).extensions == {"collection": "c", "field": "f", "value": 1}


def test_a_secret_shows_itself_to_nobody() -> None:
    secret = Secret("hidden")
    assert "hidden" not in f"{secret} {secret!r} {[secret]}"
    assert secret.reveal() == "hidden"
    assert (secret == Secret("hidden"), secret == Secret("other"), secret == "hidden") == (True, False, False)
    assert hash(secret) == hash(Secret("hidden"))
    assert not Secret("")


def test_tokens_are_long_and_their_digests_are_not_the_token() -> None:
    token = random_token()
    assert (len(token), len(digest(token))) == (64, 64)
    assert token != random_token()
    assert equal(token, token)
    assert not equal(token, token[:-1])


def test_no_key_serves_two_purposes() -> None:
    assert derive(Secret("s"), "a") != derive(Secret("s"), "b") != derive(Secret("t"), "b")


def test_ids_are_what_they_say() -> None:
    assert uuid.UUID(uuid7()).version == 7
    assert uuid7() < uuid7()
    assert len(short_id()) == 8


@pytest.mark.parametrize("text", ["{", b"\xff", "\ud800", "[" * 100_000, "", "NaN"])
def test_what_is_not_json_is_a_payload_problem(text: str | bytes) -> None:
    with pytest.raises(Problem) as raised:
        json.decode(text)
    assert raised.value.code is Code.INVALID_PAYLOAD


def test_what_json_has_no_number_for_is_null_beside_whatever_else() -> None:
    infinite = [float("inf"), {"b": float("nan")}, 1.5]

    assert json.encode({"a": infinite}) == b'{"a":[null,{"b":null},1.5]}'
    assert json.encode({"a": infinite, "c": "\ud800"}) == b'{"a":[null,{"b":null},1.5],"c":"\\ud800"}'


def test_halves_of_characters_are_written_as_escapes() -> None:
    assert json.encode({"a": ["x\ud800", "ü"], 1: uuid.UUID(int=1)}) == (
        b'{"a":["x\\ud800","\\u00fc"],"1":"00000000-0000-0000-0000-000000000001"}'
    )


def test_json_goes_round() -> None:
    assert json.decode(json.encode({"a": [1, "ü", None]})) == {"a": [1, "ü", None]}


async def test_a_manual_clock_moves_when_told_to() -> None:
    clock = ManualClock(1000.0)
    woken: list[float] = []

    async def sleeper() -> None:
        await clock.sleep_until(10.0)
        woken.append(clock.monotonic())

    async with anyio.create_task_group() as group:
        group.start_soon(sleeper)
        await anyio.lowlevel.checkpoint()
        clock.advance(9.0)
        await anyio.lowlevel.checkpoint()
        assert woken == []
        clock.advance(1.0)
    assert (woken, clock.now()) == ([10.0], 1010.0)


async def test_the_machines_clock_sleeps_no_longer_than_it_must() -> None:
    clock: Clock = SystemClock()
    with anyio.fail_after(1):
        await clock.sleep_until(clock.monotonic())
    assert clock.now() > 1_700_000_000


def test_decoded_values_become_what_a_type_has_and_nothing_is_taken_for_something_else() -> None:
    assert json.converted([1, 2], list[int]) == [1, 2]
    for unfit in (["1"], [1.5], [True], "12", None):
        with pytest.raises(Problem) as raised:
            json.converted(unfit, list[int])
        assert raised.value.code is Code.INVALID_PAYLOAD
