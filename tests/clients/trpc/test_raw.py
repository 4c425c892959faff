"""Messages on sockets of the tRPC dialect, one by one: what clients send, and what nobody should."""

from __future__ import annotations

import json
import time
from typing import Any

import anyio
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.clients.trpc.conftest import SECRET
from tests.clients.trpc.talk import about, ask, call, key, keys_of, query, result, stop, subscribe, talk
from tests.support.server import Server

pytestmark = pytest.mark.timeout(60)

UNUSABLE: list[Any] = [
    "",
    " ",
    "{",
    "nonsense",
    "1",
    "null",
    "true",
    '"PING"',
    "ping",
    "PING ",
    {},
    {"id": 1},
    {"id": 1, "method": "query"},
    {"id": 1, "method": "query", "params": None},
    {"id": 1, "method": "query", "params": []},
    {"id": 1, "method": "query", "params": {}},
    {"id": 1, "method": "query", "params": {"path": 1}},
    {"id": 1, "method": "query", "params": {"path": None}},
    {"id": 1, "method": "subscription", "params": {"path": "feed", "lastEventId": 1}},
    {"id": 1, "method": "subscription", "params": {"path": "feed", "lastEventId": None}},
    {"id": 1, "method": "call", "params": {"path": "echo"}},
    {"id": 1, "method": None, "params": {"path": "echo"}},
    {"id": 1, "method": ["query"], "params": {"path": "echo"}},
    {"id": 1, "method": "__proto__", "params": {"path": "echo"}},
    {"id": 1, "method": "connectionParams", "data": {"token": "pass:ann"}},
    {"method": "connectionParams", "data": {"token": "pass:ann"}},
    {"id": 1, "jsonrpc": "1.0", "method": "query", "params": {"path": "echo"}},
    {"id": 1, "jsonrpc": 2.0, "method": "query", "params": {"path": "echo"}},
    {"id": 1, "jsonrpc": None, "method": "query", "params": {"path": "echo"}},
    {"id": True, "method": "query", "params": {"path": "echo"}},
    {"id": {}, "method": "query", "params": {"path": "echo"}},
    {"id": [], "method": "query", "params": {"path": "echo"}},
    {"method": "query", "params": {"path": "echo"}},
    {"method": "subscription.stop"},
    {"id": {}, "method": "subscription.stop"},
    {"id": 1, "result": {"type": "data"}},
    [[]],
    [1],
    [None],
    [call(1, "echo"), {"id": 2}],
    [call(1, "echo"), "PING"],
    "[" * 5_000,
    '{"id":1,"method":"query","params":{"path":"echo","input":NaN}}',
    '{"id":1,"method":"query","params":{"path":"\\ud800"}}',
    b"PING",
    b"\x00\xff",
    json.dumps(call(1, "echo")).encode(),
]


@pytest.mark.parametrize("message", UNUSABLE, ids=str)
async def test_what_cannot_be_used_is_said_to_be_so(server: Server, message: Any) -> None:
    async with talk(server) as socket:
        answer = await socket.say(message)

        assert answer["id"] is None
        assert (answer["error"]["code"], answer["error"]["data"]["code"]) == (-32700, "PARSE_ERROR")
        assert "path" not in answer["error"]["data"]
        assert await socket.say(call(2, "echo", "still here")) == result(2, "still here")


async def test_a_call_needs_an_id(server: Server) -> None:
    async with talk(server) as socket:
        answer = await socket.say(call(None, "echo"))

        assert (answer["id"], answer["error"]["data"]["code"]) == (None, "PARSE_ERROR")
        assert "`id` is required" in answer["error"]["message"]


async def test_an_empty_array_asks_for_nothing(server: Server) -> None:
    async with talk(server) as socket:
        await socket.send([])

        assert await socket.settle() == []


async def test_members_that_nobody_knows_are_ignored(server: Server) -> None:
    async with talk(server) as socket:
        message = call(1, "echo", 1, extra=[1], params={"other": 2}) | {"result": 3}

        assert await socket.say(message) == result(1, 1)


@pytest.mark.parametrize("number", [0, 1, -1, 2**53, 1.5, "1", "", "é", "a" * 100])
async def test_ids_keep_their_type(server: Server, number: Any) -> None:
    async with talk(server) as socket:
        answer = await socket.say(call(number, "echo", 1))

        assert answer == result(number, 1)
        assert type(answer["id"]) is type(number)
        failed = await socket.say(call(number, "fail", {"code": "CONFLICT"}))
        assert failed["id"] == number
        await socket.send(subscribe(number, "countdown", {"start": 1}))
        assert [await socket.hear() for _ in range(3)] == [
            about(number, "started"),
            result(number, 1),
            about(number, "stopped"),
        ]


async def test_a_number_is_not_its_text(server: Server) -> None:
    async with talk(server) as socket:
        topic = key("ids")
        await socket.send([subscribe(1, "feed", {"topic": topic}), subscribe("1", "feed", {"topic": topic})])

        assert [await socket.hear(), await socket.hear()] == [about(1, "started"), about("1", "started")]
        assert await socket.say(stop("1")) == about("1", "stopped")
        ask(server, "say", {"topic": topic, "value": "x"})
        assert (await socket.hear())["id"] == 1
        assert await socket.settle() == []


async def test_the_version_is_echoed_where_it_was_told(server: Server) -> None:
    async with talk(server) as socket:
        version = {"jsonrpc": "2.0"}

        assert await socket.say(call(1, "echo", 1, **version)) == result(1, 1) | version
        assert (await socket.say(call(2, "nobody", **version)))["jsonrpc"] == "2.0"
        await socket.send(subscribe(3, "countdown", {"start": 1}, **version))
        assert [(await socket.hear())["jsonrpc"] for _ in range(3)] == ["2.0"] * 3
        assert "jsonrpc" not in await socket.say(call(4, "echo", 1))


async def test_no_result_is_no_value(server: Server) -> None:
    async with talk(server) as socket:
        answer = await socket.say(call(1, "nothing"))

        assert answer["result"].get("data") is None


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("query", "nobody"),
        ("query", "__proto__"),
        ("query", "constructor"),
        ("query", ""),
        ("query", "mirror"),
        ("mutation", "echo"),
        ("query", "countdown"),
        ("mutation", "countdown"),
        ("subscription", "echo"),
        ("subscription", "mirror"),
        ("subscription", "nobody"),
        ("query", "authenticate"),
        ("subscription", "authenticate"),
        ("mutation", "collections.changes"),
        ("query", "ticket"),
        ("subscription", "challenges"),
        ("mutation", "prove"),
    ],
)
async def test_what_there_is_not_is_not_found(server: Server, method: str, path: str) -> None:
    async with talk(server) as socket:
        answer = await socket.say(call(1, path, method=method))

        assert answer == {
            "id": 1,
            "error": {
                "message": f'No "{method}"-procedure on path "{path}"',
                "code": -32004,
                "data": {"code": "NOT_FOUND", "httpStatus": 404, "path": path},
            },
        }
        assert await socket.settle() == []


async def test_a_result_that_comes_bit_by_bit_is_refused(server: Server) -> None:
    async with talk(server) as socket:
        assert keys_of([await socket.say(call(1, "count_up", {"to": 1}))]) == [(1, "UNSUPPORTED_MEDIA_TYPE")]
        assert keys_of([await socket.say(call(2, "later", {"key": "x"}))]) == [(2, "UNSUPPORTED_MEDIA_TYPE")]


async def test_too_many_calls_in_an_array_fail_each(server: Server) -> None:
    async with talk(server, "/narrow") as socket:
        await socket.send([call(number, "echo", 1) for number in (1, "2", 3, 4)])
        answers = [await socket.hear() for _ in range(4)]

        assert keys_of(answers) == [(number, "BAD_REQUEST") for number in (1, "2", 3, 4)]
        assert answers[0]["error"]["message"] == "Batch call exceeds maximum size"
        assert keys_of([await socket.say([1, 2, 3, 4])]) == [(None, "BAD_REQUEST")]


# -- subscriptions -----------------------------------------------------------------------------------------------------


async def test_a_subscription_begins_tells_and_ends(server: Server) -> None:
    async with talk(server) as socket:
        await socket.send(subscribe(1, "countdown", {"start": 2}))
        heard = [await socket.hear() for _ in range(4)]

        assert heard == [about(1, "started"), result(1, 2), result(1, 1), about(1, "stopped")]
        assert await socket.settle() == []


async def test_an_id_of_a_value_is_in_both_places(server: Server) -> None:
    async with talk(server) as socket:
        topic = key("tracked")
        ask(server, "say", {"topic": topic, "value": ["x"]})
        await socket.send(subscribe(1, "feed", {"topic": topic}))

        assert await socket.hear() == about(1, "started")
        assert await socket.hear() == {
            "id": 1,
            "result": {"type": "data", "id": "1", "data": {"id": "1", "data": ["x"]}},
        }


@pytest.mark.parametrize("given", [{"params": {"lastEventId": "1"}}, {}])
async def test_where_a_client_was_comes_beside_the_input_or_in_it(server: Server, given: dict[str, Any]) -> None:
    async with talk(server) as socket:
        topic = key("resumed")
        for value in "abc":
            ask(server, "say", {"topic": topic, "value": value})
        data = {"topic": topic, "lastEventId": "2"} if not given else {"topic": topic, "lastEventId": "0"}
        await socket.send(subscribe(1, "feed", data, **given))

        assert await socket.hear() == about(1, "started")
        assert (await socket.hear())["result"]["id"] == ("2" if given else "3")


async def test_without_an_input_the_id_is_all_of_it(server: Server) -> None:
    async with talk(server) as socket:
        await socket.send(subscribe(1, "mixed", params={"lastEventId": "9"}))

        assert [await socket.hear() for _ in range(3)][1]["result"]["id"] == "9+"


@pytest.mark.parametrize(
    ("path", "data", "key_"),
    [
        ("countdown", {"start": "x"}, "BAD_REQUEST"),
        ("countdown", ..., "BAD_REQUEST"),
        ("protected", {"topic": "x"}, "UNAUTHORIZED"),
        ("ticketed", {"topic": "x"}, "UNAUTHORIZED"),
        ("collections.changes", {"collection": "nothing"}, "FORBIDDEN"),
        ("collections.changes", {}, "BAD_REQUEST"),
        ("collections.changes", {"collection": "articles", "onLost": "x"}, "BAD_REQUEST"),
        ("channels.messages", {"channel": 1}, "BAD_REQUEST"),
        ("channels.messages", {"channel": "nowhere"}, "FORBIDDEN"),
    ],
)
async def test_what_fails_before_the_beginning_is_only_an_error(
    server: Server, path: str, data: Any, key_: str
) -> None:
    async with talk(server) as socket:
        answer = await socket.say(subscribe(1, path, data))

        assert keys_of([answer]) == [(1, key_)]
        assert answer["error"]["data"]["path"] == path
        assert await socket.settle() == []
        await socket.send(subscribe(1, "countdown", {"start": 1}))
        assert await socket.hear() == about(1, "started")


@pytest.mark.parametrize(("data", "key_"), [({}, "INTERNAL_SERVER_ERROR"), ({"code": "CONFLICT"}, "CONFLICT")])
async def test_what_fails_later_comes_after_the_values(server: Server, data: Any, key_: str) -> None:
    async with talk(server) as socket:
        await socket.send(subscribe(1, "stumble", data))
        heard = [await socket.hear() for _ in range(3)]

        assert heard[:2] == [about(1, "started"), result(1, "before")]
        assert keys_of(heard) == [(1, key_)]
        assert SECRET not in json.dumps(heard)
        assert await socket.settle() in ([], [about(1, "stopped")])


async def test_a_stop_ends_the_procedure_and_says_so(server: Server) -> None:
    async with talk(server) as socket:
        topic = key("stop")
        await socket.send(subscribe(1, "feed", {"topic": topic}))
        assert await socket.hear() == about(1, "started")

        assert await socket.say(stop(1)) == about(1, "stopped")
        assert query(server, "so_far", {"key": f"left {topic}"}) == 1
        ask(server, "say", {"topic": topic, "value": "x"})
        assert await socket.settle() == []


async def test_a_stop_waits_for_the_procedure_but_signs_of_life_do_not(server: Server) -> None:
    async with talk(server) as socket:
        held = key("linger")
        await socket.send(subscribe(1, "linger", {"key": held}))
        assert [await socket.hear(), await socket.hear()] == [about(1, "started"), result(1, "there")]
        await socket.send(stop(1))

        assert query(server, "happened", {"key": f"ending {held}"}) == 1
        assert await socket.settle() == []
        duplicate = await socket.say(subscribe(1, "countdown", {"start": 1}))
        assert keys_of([duplicate]) == [(1, "BAD_REQUEST")]
        ask(server, "let", {"key": f"let {held}"})
        assert await socket.hear() == about(1, "stopped")
        assert query(server, "so_far", {"key": f"ended {held}"}) == 1
        await socket.send(subscribe(1, "countdown", {"start": 1}))
        assert await socket.hear() == about(1, "started")


async def test_a_stop_may_overtake_the_beginning(server: Server) -> None:
    async with talk(server) as socket:
        topic = key("early")
        await socket.send([subscribe(1, "feed", {"topic": topic}), stop(1)])
        heard = [await socket.hear()]
        if heard == [about(1, "started")]:
            heard.append(await socket.hear())

        assert heard[-1] == about(1, "stopped")
        ask(server, "say", {"topic": topic, "value": "x"})
        assert await socket.settle() == []


async def test_a_stop_of_nothing_is_ignored(server: Server) -> None:
    async with talk(server) as socket:
        await socket.send([stop(1), stop("x"), stop(2**60)])

        assert await socket.settle() == []


async def test_a_second_stop_is_ignored(server: Server) -> None:
    async with talk(server) as socket:
        await socket.send(subscribe(1, "feed", {"topic": key("twice")}))
        assert await socket.hear() == about(1, "started")
        await socket.send([stop(1), stop(1)])
        assert await socket.hear() == about(1, "stopped")

        assert await socket.settle() == []


@pytest.mark.parametrize("path", ["feed", "collections.changes", "channels.messages"])
async def test_an_id_that_is_in_use_is_refused_and_the_first_goes_on(server: Server, path: str) -> None:
    async with talk(server) as socket:
        topic = key("duplicate")
        await socket.send(subscribe(7, "feed", {"topic": topic}))
        assert await socket.hear() == about(7, "started")
        data = {"feed": {"topic": topic}, "collections.changes": {"collection": "articles"}}.get(
            path, {"channel": "board"}
        )
        refused = await socket.say(subscribe(7, path, data))

        assert keys_of([refused]) == [(7, "BAD_REQUEST")]
        assert refused["error"]["message"] == "Duplicate id 7"
        ask(server, "say", {"topic": topic, "value": "x"})
        assert (await socket.hear())["result"]["id"] == "1"


async def test_calls_may_have_the_ids_of_subscriptions(server: Server) -> None:
    async with talk(server) as socket:
        topic = key("spaces")
        await socket.send(subscribe(1, "feed", {"topic": topic}))
        assert await socket.hear() == about(1, "started")

        assert await socket.say(call(1, "echo", "call")) == result(1, "call")
        ask(server, "say", {"topic": topic, "value": "x"})
        assert (await socket.hear())["result"]["id"] == "1"
        assert await socket.say(stop(1)) == about(1, "stopped")


async def test_a_closed_socket_ends_everything_of_it(server: Server) -> None:
    topic, held = key("closed"), key("closed")
    async with talk(server) as socket:
        await socket.send([subscribe(1, "feed", {"topic": topic}), call(2, "hold", {"key": held})])
        assert await socket.hear() == about(1, "started")
        query(server, "happened", {"key": f"begun {held}"})

    assert query(server, "happened", {"key": f"left {topic}"}) == 1
    assert query(server, "happened", {"key": f"cancelled {held}"}) == 1


# -- order and signs of life -------------------------------------------------------------------------------------------


async def test_a_slow_call_keeps_nobody_waiting(server: Server) -> None:
    async with talk(server) as socket:
        held = key("slow")
        await socket.send([call(1, "hold", {"key": held}), call(2, "echo", "quick")])

        assert await socket.hear() == result(2, "quick")
        assert await socket.say("PING") == "PONG"
        ask(server, "let", {"key": f"let {held}"})
        assert await socket.hear() == result(1, held)


async def test_a_pong_overtakes_nothing(server: Server) -> None:
    async with talk(server) as socket:
        await socket.send(subscribe(1, "countdown", {"start": 200}))
        assert await socket.hear() == about(1, "started")
        heard: list[Any] = []
        for _ in range(5):
            heard += await socket.settle()
        while heard[-1] != about(1, "stopped"):
            heard.append(await socket.hear())

        assert heard == [*(result(1, number) for number in range(200, 0, -1)), about(1, "stopped")]


async def test_a_pong_is_no_question(server: Server) -> None:
    async with talk(server) as socket:
        await socket.send("PONG")

        assert await socket.settle() == []


async def test_who_answers_is_kept(server: Server) -> None:
    async with talk(server, "/alive") as socket:
        for _ in range(4):
            assert await socket.hear() == "PING"
            await socket.send("PONG")

        assert await socket.say(call(1, "echo", 1)) == result(1, 1)


async def test_whatever_is_heard_is_a_sign_of_life(server: Server) -> None:
    async with talk(server, "/alive") as socket:
        for number in range(4):
            assert await socket.hear() == "PING"
            assert await socket.say(call(number, "echo", 1)) == result(number, 1)


async def test_who_says_nothing_is_dropped(server: Server) -> None:
    topic = key("silent")
    async with talk(server, "/alive") as socket:
        await socket.send(subscribe(1, "feed", {"topic": topic}))
        assert await socket.hear() == about(1, "started")
        since = time.monotonic()
        heard, code = await socket.rest()

        assert heard == ["PING"]
        assert time.monotonic() - since < 3
        assert code != 1000
        assert query(server, "happened", {"key": f"left {topic}"}) == 1


async def test_what_is_told_is_no_sign_of_life(server: Server) -> None:
    topic = key("told")
    async with talk(server, "/alive") as socket, anyio.create_task_group() as group:
        await socket.send(subscribe(1, "news", {"topic": topic}))
        assert await socket.hear() == about(1, "started")

        async def tell() -> None:
            while True:
                await anyio.to_thread.run_sync(ask, server, "say", {"topic": topic, "value": 1})

        group.start_soon(tell)
        heard, _ = await socket.rest()
        group.cancel_scope.cancel()

        assert "PING" in heard


# -- the first message -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "params", [None, {}, {"other": "x"}, {"token": "pass:ann"}, {"authorization": "Bearer pass:ann"}]
)
async def test_parameters_open_a_connection(server: Server, params: Any) -> None:
    async with talk(server, params=params) as socket:
        told = (await socket.say(call(1, "whoami")))["result"]["data"]

        assert told["name"] == ("ann" if params and "other" not in params else None)
        assert told["params"] == sorted(params or {})


async def test_what_the_first_message_is_called_does_not_matter(server: Server) -> None:
    async with talk(server, "/trpc?connectionParams=1") as socket:
        await socket.send({"method": "whatever", "data": {"token": "pass:ann"}})

        assert (await socket.say(call(1, "whoami")))["result"]["data"]["name"] == "ann"


async def test_signs_of_life_may_come_before_it(server: Server) -> None:
    async with talk(server, "/trpc?connectionParams=1") as socket:
        assert await socket.say("PING") == "PONG"
        await socket.send("PONG")
        await socket.send({"method": "connectionParams", "data": {"token": "pass:ann"}})

        assert (await socket.say(call(1, "whoami")))["result"]["data"]["name"] == "ann"


@pytest.mark.parametrize("value", ["0", "true", "", "11"])
async def test_only_the_one_value_announces_it(server: Server, value: str) -> None:
    async with talk(server, f"/trpc?connectionParams={value}") as socket:
        assert await socket.say(call(1, "echo", 1)) == result(1, 1)


@pytest.mark.parametrize(
    "message",
    [
        "{",
        "[]",
        "1",
        {},
        {"method": "connectionParams"},
        {"method": "connectionParams", "data": []},
        {"method": "connectionParams", "data": "x"},
        {"method": "connectionParams", "data": {"token": 1}},
        {"method": "connectionParams", "data": {"token": None}},
        call(1, "let", {"key": "early"}, "mutation"),
        b"\x00",
    ],
    ids=str,
)
async def test_unusable_parameters_are_the_end(server: Server, message: Any) -> None:
    async with talk(server, "/trpc?connectionParams=1") as socket:
        await socket.send(message)
        await socket.send(call(2, "let", {"key": "early"}, "mutation"))
        heard, code = await socket.rest()

        assert keys_of(heard[:1]) == [(None, "PARSE_ERROR")]
        assert keys_of(heard[1:]) == [(2, "PARSE_ERROR")]
        assert code == 4401
    assert query(server, "so_far", {"key": "early"}) == 0


async def test_who_does_not_say_them_in_time_is_sent_away(server: Server) -> None:
    async with talk(server, "/hasty?connectionParams=1") as socket:
        heard, code = await socket.rest()

        assert keys_of(heard) == [(None, "UNAUTHORIZED")]
        assert code == 4408


async def test_signs_of_life_do_not_put_that_off(server: Server) -> None:
    async with talk(server, "/hasty?connectionParams=1") as socket:
        since = time.monotonic()
        try:
            while time.monotonic() - since < 5:
                await socket.send("PING")
                await socket.hear()
        except ConnectionClosed:
            pass

        assert socket.socket.close_code == 4408


async def test_nothing_waits_for_ever_for_a_refusal_to_end(server: Server) -> None:
    async with talk(server, params={"token": "pass:void"}) as socket:
        await socket.send([call(1, "echo"), subscribe("two", "countdown", {"start": 1})])
        since = time.monotonic()
        heard, code = await socket.rest()

        assert keys_of(heard) == [(None, "UNAUTHORIZED"), (1, "UNAUTHORIZED"), ("two", "UNAUTHORIZED")]
        assert "path" not in heard[0]["error"]["data"]
        assert code == 4401
        assert time.monotonic() - since < 2
        assert "pass:void" not in json.dumps(heard)


async def test_a_call_that_comes_while_a_refusal_lingers_is_answered(server: Server) -> None:
    async with talk(server, params={"token": "pass:void"}) as socket:
        assert keys_of([await socket.hear()]) == [(None, "UNAUTHORIZED")]

        assert keys_of([await socket.say(call(5, "echo"))]) == [(5, "UNAUTHORIZED")]
        assert await socket.say("PING") in {"PONG"}
        assert await socket.rest() == ([], 4401)


# -- bounds ------------------------------------------------------------------------------------------------------------


async def test_a_message_has_a_bound(server: Server) -> None:
    async with talk(server, "/narrow") as socket:
        await socket.send(call(1, "echo", "x" * 2_000))
        heard, code = await socket.rest()

        assert (heard, code) == ([], 1009)


async def test_the_first_one_has_a_narrower_one(server: Server) -> None:
    async with talk(server, "/narrow", params={"token": "x" * 500}) as socket:
        heard, code = await socket.rest()

        assert len(heard) <= 1
        assert code in {1009, 4401}


async def test_calls_at_the_same_time_have_a_bound(server: Server) -> None:
    async with talk(server, "/narrow") as socket:
        held = key("bound")
        await socket.send([call(number, "hold", {"key": held}) for number in range(3)])
        query(server, "happened", {"key": f"begun {held}", "times": 3})

        assert keys_of([await socket.say(call(3, "echo"))]) == [(3, "TOO_MANY_REQUESTS")]
        ask(server, "let", {"key": f"let {held}"})
        assert sorted([(await socket.hear())["id"] for _ in range(3)]) == [0, 1, 2]
        assert await socket.say(call(4, "echo", 1)) == result(4, 1)


async def test_subscriptions_at_the_same_time_have_a_bound(server: Server) -> None:
    async with talk(server, "/narrow") as socket:
        await socket.send([subscribe(number, "feed", {"topic": key("bound")}) for number in range(3)])
        heard = [await socket.hear() for _ in range(3)]

        assert sorted(heard, key=lambda each: each["id"])[:2] == [about(0, "started"), about(1, "started")]
        assert keys_of(heard) == [(2, "TOO_MANY_REQUESTS")]
        assert await socket.say(stop(0)) == about(0, "stopped")
        assert await socket.say(subscribe(2, "feed", {"topic": key("bound")})) == about(2, "started")


@pytest.mark.parametrize("path", ["collections.changes", "channels.messages"])
async def test_what_is_built_in_counts_as_well(server: Server, path: str) -> None:
    async with talk(server, "/narrow") as socket:
        data = {"channel": "board"} if path == "channels.messages" else {"collection": "articles"}
        others = [subscribe(number, "feed", {"topic": key("bound")}) for number in range(2)]
        await socket.send(others)
        assert [await socket.hear(), await socket.hear()] == [about(0, "started"), about(1, "started")]

        assert keys_of([await socket.say(subscribe(2, path, data))]) == [(2, "TOO_MANY_REQUESTS")]


async def test_sockets_have_a_bound(server: Server) -> None:
    async with talk(server, "/few") as socket:
        assert await socket.say(call(1, "echo", 1)) == result(1, 1)
        with pytest.raises(InvalidStatus) as refusal:
            async with talk(server, "/few"):
                pass

    assert refusal.value.response.status_code in {403, 429, 503}


async def test_an_unknown_mount_has_no_socket(server: Server) -> None:
    with pytest.raises(InvalidStatus) as refusal:
        async with talk(server, "/nowhere"):
            pass

    assert refusal.value.response.status_code in {403, 404}
