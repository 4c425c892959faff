"""superjson: values to envelopes and back, and what is done with envelopes that nobody's client sends."""

from __future__ import annotations

import math
import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum, IntEnum, StrEnum
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from tests.support.superjson import VALUES, told
from watchword.base.errors import Code, Problem
from watchword.base.superjson import (
    DEEPEST,
    MOST_NUMBERS,
    MOST_REPEATED,
    ErrorValue,
    RegularExpression,
    SetOf,
    Url,
    deserialize,
    serialize,
)

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)


class Colour(Enum):
    RED = "red"
    SINCE = MOMENT


class Size(IntEnum):
    BIG = 2


class Word(StrEnum):
    YES = "yes"


def noted(json: Any, values: Any, **more: Any) -> dict[str, Any]:
    return {"json": json, "meta": {"values": values, "v": 1, **more}}


BOTH_WAYS: list[tuple[Any, dict[str, Any]]] = [
    (None, {"json": None}),
    (True, {"json": True}),
    ("text", {"json": "text"}),
    (2**53 - 1, {"json": 2**53 - 1}),
    (2**53, noted("9007199254740992", ["bigint"])),
    (-(2**70), noted("-1180591620717411303424", ["bigint"])),
    (1.5, {"json": 1.5}),
    (math.inf, noted("Infinity", ["number"])),
    (-math.inf, noted("-Infinity", ["number"])),
    (UNSET, noted(None, ["undefined"])),
    (MOMENT, noted("2026-02-03T04:05:06.789Z", ["Date"])),
    (datetime(1, 1, 1, tzinfo=UTC), noted("0001-01-01T00:00:00.000Z", ["Date"])),
    (b"\x00\xff", noted([0, 255], [["typed-array", "Uint8Array"]])),
    (Url("https://example.org/"), noted("https://example.org/", ["URL"])),
    (RegularExpression("a/b", "gi"), noted("/a/b/gi", ["regexp"])),
    (ErrorValue("TypeError", "no"), noted({"name": "TypeError", "message": "no"}, ["Error"])),
    ([], {"json": []}),
    ({}, {"json": {}}),
    ([1, MOMENT], noted([1, "2026-02-03T04:05:06.789Z"], {"1": ["Date"]})),
    ({"a": {"b": {7}}}, noted({"a": {"b": [7]}}, {"a.b": ["set"]})),
    ({"a.b": {"\\": UNSET}}, noted({"a.b": {"\\": None}}, {"a\\.b.\\\\": ["undefined"]})),
    ({1: MOMENT}, noted([[1, "2026-02-03T04:05:06.789Z"]], ["map", {"0.1": ["Date"]}])),
    ({MOMENT: {2: 3}}, noted([["2026-02-03T04:05:06.789Z", [[2, 3]]]], ["map", {"0.0": ["Date"], "0.1": ["map"]}])),
    ({2**60}, noted([str(2**60)], ["set", {"0": ["bigint"]}])),
    (SetOf([{"a": 1}]), noted([{"a": 1}], ["set"])),
    ({"constructor": 1}, {"json": {"constructor": 1}}),
]


@pytest.mark.parametrize(("value", "envelope"), BOTH_WAYS)
def test_a_value_and_its_envelope_become_each_other(value: Any, envelope: dict[str, Any]) -> None:
    assert serialize(value) == envelope
    found = deserialize(envelope)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("value", "envelope"),
    [
        (datetime(2026, 2, 3, 4, 5, 6), noted("2026-02-03T04:05:06.000Z", ["Date"])),  # noqa: DTZ001 - naive is UTC
        (MOMENT.astimezone(timezone(timedelta(hours=5))), noted("2026-02-03T04:05:06.789Z", ["Date"])),
        (MOMENT.replace(microsecond=999_999), noted("2026-02-03T04:05:06.999Z", ["Date"])),
        (date(2026, 2, 3), noted("2026-02-03T00:00:00.000Z", ["Date"])),
        (-0.0, noted("-0", ["number"])),
        (frozenset({1}), noted([1], ["set"])),
        ((1, 2), {"json": [1, 2]}),
        (bytearray(b"a"), noted([97], [["typed-array", "Uint8Array"]])),
        (UUID(int=1), {"json": "00000000-0000-0000-0000-000000000001"}),
        (Decimal("1.50"), {"json": "1.50"}),
        (Colour.RED, {"json": "red"}),
        (Colour.SINCE, noted("2026-02-03T04:05:06.789Z", ["Date"])),
        ([Size.BIG], {"json": [2]}),
        ({Word.YES: Word.YES, Colour.RED: 1}, {"json": {"yes": "yes", "red": 1}}),
        (KeyError("x"), noted({"name": "KeyError", "message": "'x'"}, ["Error"])),
    ],
)
def test_values_without_a_form_of_their_own_take_the_nearest(value: Any, envelope: dict[str, Any]) -> None:
    assert serialize(value) == envelope


def test_numbers_that_equality_does_not_tell_apart_are_kept() -> None:
    assert math.isnan(deserialize(serialize(math.nan)))
    assert math.copysign(1, deserialize(serialize(-0.0))) == -1


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        (re.compile("a"), "/a/"),
        (re.compile(""), "/(?:)/"),
        (re.compile("a.b$", re.IGNORECASE | re.MULTILINE | re.DOTALL), "/a.b$/ims"),
        (re.compile(r"(?P<n>\d+)/(?P=n)\\A"), r"/(?<n>\d+)/\k<n>\\A/"),
        (re.compile(r"[]a(?P<*+][^]\]*+][*]+(?=x)(?<!y)(?:z)"), r"/[\]a(?P<*+][^\]\]*+][*]+(?=x)(?<!y)(?:z)/"),
    ],
)
def test_a_pattern_becomes_one_of_javascript(pattern: re.Pattern[str], text: str) -> None:
    assert serialize(pattern) == noted(text, ["regexp"])


@pytest.mark.parametrize(
    "pattern",
    [
        re.compile("a", re.VERBOSE),
        re.compile("a", re.ASCII),
        re.compile(b"a"),
        re.compile(r"a\Z"),
        re.compile(r"\Aa"),
        re.compile(r"[\a]"),
        re.compile("(?i)a"),
        re.compile("(?i:a)"),
        re.compile("(?#why)a"),
        re.compile("(?>a)"),
        re.compile("(a)?(?(1)b|c)"),
        re.compile("a++"),
        re.compile("a{1,2}+"),
        re.compile("a{,3}"),
    ],
)
def test_a_pattern_that_javascript_has_not_is_an_error(pattern: re.Pattern[Any]) -> None:
    with pytest.raises(ValueError, match="RegExp"):
        serialize(pattern)


def test_what_has_no_form_is_an_error_of_the_application() -> None:
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    for value in (object(), [timedelta(1)], 1j):
        with pytest.raises(TypeError):
            serialize(value)
    for value in (cyclic, {"__proto__": MOMENT}, datetime.max.replace(tzinfo=timezone(timedelta(hours=-1)))):
        with pytest.raises(ValueError, match=r"within itself|__proto__|out of range"):
            serialize(value)


@pytest.mark.parametrize(
    ("envelope", "value"),
    [
        (noted("2026-02-03", [["class", "Day"]]), "2026-02-03"),
        (noted({"at": "2026-02-03T04:05:06.789Z"}, [["custom", "x"], {"at": ["Date"]}]), {"at": MOMENT}),
        (noted("s", [["symbol", "s"]]), "s"),
        (
            noted([1, "NaN", "-0", 1.5], [["typed-array", "Float64Array"]]),
            [1, pytest.approx(math.nan, nan_ok=True), 0, 1.5],
        ),
        (noted(["1", "-2"], [["typed-array", "BigInt64Array"]]), [1, -2]),
        (noted([1, True], ["set"]), SetOf([1, True])),
        (noted([[[1, [2]], 3]], ["map"]), {(1, (2,)): 3}),
        (noted([[[1], 3]], ["map", {"0.0": ["set"]}]), {frozenset({1}): 3}),
        (noted("2026-02-03T05:05:06.789+01:00", ["Date"]), MOMENT),
        (
            noted({"name": "E", "message": "m", "cause": None}, ["Error", {"cause": ["undefined"]}]),
            ErrorValue("E", "m"),
        ),
        ({"json": {"a": 1}, "meta": None}, {"a": 1}),
        ({"json": 1, "meta": {"values": None, "v": 1}}, 1),
        ({"json": 1, "meta": {}, "more": 1}, 1),
    ],
)
def test_what_only_clients_send_is_read(envelope: dict[str, Any], value: Any) -> None:
    found = deserialize(envelope)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize("version", [{}, {"v": 0}, {"v": None}])
def test_paths_without_a_version_know_the_backslash_only_before_dots(version: dict[str, Any]) -> None:
    json = {"a\\b": "NaN", "c.d": {"e": "Infinity"}}
    found = deserialize({"json": json, "meta": {"values": {"a\\b": ["number"], "c\\.d.e": ["number"]}, **version}})
    assert math.isnan(found["a\\b"])
    assert found["c.d"] == {"e": math.inf}


def test_the_envelope_stays_as_it_is() -> None:
    envelope = noted({"a": ["1", None]}, {"a": ["set", {"0": ["bigint"]}]}, referentialEqualities={"a.0": ["a.1"]})
    assert deserialize(envelope) == {"a": SetOf([1, 1])}
    assert envelope["json"] == {"a": ["1", None]}


def test_nulls_become_what_they_are_said_to_be_the_same_as() -> None:
    json = {"a": {"at": "2026-02-03T04:05:06.789Z", "again": None}, "b": None, "m": [["k", None]]}
    same = {"a": ["b", "m.0.1"], "a.at": ["a.again"]}
    found = deserialize(noted(json, {"a.at": ["Date"], "m": ["map"]}, referentialEqualities=same))
    inner = {"at": MOMENT, "again": MOMENT}
    assert found == {"a": inner, "b": inner, "m": {"k": inner}}


def test_what_is_written_out_is_not_replaced_by_what_it_is_the_same_as() -> None:
    envelope = {"json": {"a": {"x": 1}, "b": {"x": 2}}, "meta": {"referentialEqualities": {"a": ["b"]}, "v": 1}}
    assert deserialize(envelope) == {"a": {"x": 1}, "b": {"x": 2}}


DOUBLING = {str(level): [f"{level + 1}.0", f"{level + 1}.1"] for level in range(60)}

HOSTILE: list[Any] = [
    None,
    [],
    {},
    {"meta": {}},
    {"json": 1, "meta": []},
    {"json": 1, "meta": {"v": 2}},
    {"json": 1, "meta": {"v": True}},
    {"json": 1, "meta": {"v": "1"}},
    *[
        noted(json, values)
        for json, values in [
            (1, 1),
            (1, []),
            (1, [1]),
            (1, [None]),
            (1, ["Date", {}, {}]),
            (1, ["Date", 1]),
            (1, [["a"]]),
            (1, [["a", 1]]),
            (1, ["unknown"]),
            (1, [["unknown", "x"]]),
            ("", [["typed-array", "Uint8Array"]]),
            ([256], [["typed-array", "Uint8Array"]]),
            ([True], [["typed-array", "Uint8Array"]]),
            ([[]], [["typed-array", "Int8Array"]]),
            ([1], [["typed-array", "BigInt64Array"]]),
            ([1], [["typed-array", "Object"]]),
            (None, ["Date"]),
            (0, ["Date"]),
            ("yesterday", ["Date"]),
            ("2026-02-30T00:00:00.000Z", ["Date"]),
            ("+010000-01-01T00:00:00.000Z", ["Date"]),
            ("0001-01-01T00:00:00.000+23:00", ["Date"]),
            (1, ["bigint"]),
            ("0x1", ["bigint"]),
            ("1" * 1001, ["bigint"]),
            ("one", ["number"]),
            ("[1]", ["set"]),
            ([1], ["map"]),
            ([[1]], ["map"]),
            ([[{}, 1]], ["map"]),
            ([[1, 1], [True, 2]], ["map"]),
            ("a", ["regexp"]),
            ("//", ["regexp"]),
            ("E", ["Error"]),
            ({"name": 1, "message": ""}, ["Error"]),
            (1, ["URL"]),
            ({}, {"a": ["undefined"]}),
            ({"a": 1}, {"a.b": ["Date"]}),
            ([1], {"1": ["undefined"]}),
            ([1], {"-1": ["undefined"]}),
            ([1], {"00": ["undefined"]}),
            ([1], {"9" * 5000: ["undefined"]}),
            ([1], {"a": {}}),
            ("text", {"length": ["undefined"]}),
            ({"a": "NaN"}, {"a": ["number"], "b\\": ["number"]}),
            ({"a": {"b": "NaN"}}, {"a.b": ["number"], "a": {"b": ["number"]}}),
            ({"__proto__": None}, {"__proto__": ["undefined"]}),
            ({"constructor": {"prototype": None}}, {"constructor.prototype": ["undefined"]}),
            ({"a": "\\"}, {"a": ["regexp", {"b\\c": ["Date"]}]}),
            ({}, {".".join("a" * 1000): ["Date"]}),
        ]
    ],
    *[
        {"json": json, "meta": {"referentialEqualities": same, "v": 1}}
        for json, same in [
            (1, 1),
            (1, [["a"]]),
            ({"a": 1}, {"b": ["a"]}),
            ({"a": 1}, {"a": "a"}),
            ({"a": 1}, {"a": [1]}),
            ({"a": 1}, {"a": ["b"]}),
            ({"a": 1, "b": 1}, {"a": ["b.c"]}),
            ({"a": {"b": None}}, {"a": ["a.b"]}),
            ({"a": {"x": None}, "b": {"y": None}}, {"a": ["b.y"], "b": ["a.x"]}),
            ({"a": [1] + [None] * 5}, {"a": [f"a.{n}" for n in range(1, 6)]}),
            ({"0": [1, 1], **{str(level): [None, None] for level in range(1, 61)}}, DOUBLING),
            ({"a": 1, "__proto__": {"b": None}}, {"a": ["__proto__.b"]}),
        ]
    ],
]


@pytest.mark.parametrize("envelope", HOSTILE, ids=lambda envelope: str(envelope)[:60])
def test_an_envelope_that_does_not_hold_is_a_problem_of_the_clients(envelope: Any) -> None:
    with pytest.raises(Problem) as caught:
        deserialize(envelope)
    assert caught.value.code is Code.INVALID_PAYLOAD


def nested(levels: int, within: Any = None) -> Any:
    for _ in range(levels):
        within = [within]
    return within


def test_values_are_nested_as_deeply_as_anywhere_else_and_no_deeper() -> None:
    for value in (nested(DEEPEST), nested(DEEPEST, MOMENT), nested(DEEPEST - 1, {1})):
        assert deserialize(serialize(value)) == value
    deeper = nested(DEEPEST + 1)
    with pytest.raises(ValueError, match="deeper than 200"):
        serialize(deeper)
    for envelope in ({"json": deeper}, {"json": nested(100_000)}, noted(deeper, {"0": ["set"]})):
        with pytest.raises(Problem, match="deeper than 200"):
            deserialize(envelope)


def test_notes_are_nested_no_deeper_than_values() -> None:
    notes: Any = ["Date"]
    for _ in range(100_000):
        notes = {"0": notes}
    with pytest.raises(Problem, match="leads nowhere"):
        deserialize(noted(nested(DEEPEST), notes))


def test_repetitions_are_counted_before_anything_is_built() -> None:
    json: dict[str, list[Any]] = {"a": [0] * 1000, "b": [None] * (MOST_REPEATED // 1000)}
    places = [f"b.{n}" for n in range(MOST_REPEATED // 1000)]
    same = {"a": places}
    found = deserialize({"json": json, "meta": {"referentialEqualities": same, "v": 1}})
    assert found["b"][-1] == [0] * 1000
    json["a"].append(0)
    with pytest.raises(Problem, match="repeated"):
        deserialize({"json": json, "meta": {"referentialEqualities": same, "v": 1}})


def test_sets_cannot_be_filled_with_numbers_that_are_slow_to_tell_apart() -> None:
    alike = [str(number * (2**61 - 1)) for number in range(1, MOST_NUMBERS + 2)]
    notes = {str(index): ["bigint"] for index in range(len(alike))}
    with pytest.raises(Problem, match="not texts"):
        deserialize(noted(alike, ["set", notes]))
    numbers = list(range(MOST_NUMBERS))
    assert deserialize(noted(numbers, ["set"])) == set(numbers)
    pairs = [[number, 0] for number in range(MOST_NUMBERS // 2 + 1)]
    with pytest.raises(Problem, match="not texts"):
        deserialize(noted([pairs, pairs], {"0": ["map"], "1": ["map"]}))
    assert len(deserialize(noted([f"text {each}" for each in alike], ["set"]))) == len(alike)


def test_keys_that_are_much_to_compare_may_be_fewer() -> None:
    few, many = MOST_NUMBERS // 10, MOST_NUMBERS // 10 + 1
    alike = [str(2**64 * (2**61 - 1) + number * (2**61 - 1)) for number in range(many)]
    notes = {str(index): ["bigint"] for index in range(few)}
    assert len(deserialize(noted(alike[:few], ["set", notes]))) == few
    with pytest.raises(Problem, match="not texts"):
        deserialize(noted(alike, ["set", notes | {str(few): ["bigint"]}]))
    long = [[[*([1] * 20), number], 0] for number in range(MOST_NUMBERS // 40)]
    with pytest.raises(Problem, match="not texts"):
        deserialize(noted(long, ["map"]))
    assert len(deserialize(noted(long[:100], ["map"]))) == 100
    assert len(deserialize(noted([key for key, _ in long], ["set"]))) == len(long)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES)
def test_values_come_back_as_they_were(value: Any) -> None:
    assert told(deserialize(serialize(value))) == told(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(["NaN", "1", "/a/", "a"]) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from("ab01.\\") | st.text(), inner),
    max_leaves=15,
)
KINDS = st.sampled_from(
    ["undefined", "bigint", "Date", "number", "set", "map", "regexp", "Error", "URL", ["class", "x"], "x", 1]
    + [["typed-array", name] for name in ("Uint8Array", "Float64Array", "BigInt64Array", "x")]
)
PATHS = st.lists(st.sampled_from(["0", "1", "a", "b", "\\.", "\\\\", "\\", "__proto__", ""]), max_size=4).map(".".join)
NOTES = st.recursive(
    st.tuples(KINDS).map(list) | JSON,
    lambda inner: st.dictionaries(PATHS, inner) | st.tuples(KINDS, st.dictionaries(PATHS, inner)).map(list),
    max_leaves=8,
)
SAME = st.dictionaries(PATHS, st.lists(PATHS, max_size=4), max_size=4) | JSON
ENVELOPES = st.fixed_dictionaries(
    {"json": JSON},
    optional={
        "meta": st.fixed_dictionaries(
            {}, optional={"values": NOTES, "referentialEqualities": SAME, "v": st.sampled_from([0, 1, 2, None])}
        )
    },
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(ENVELOPES | JSON)
@example({"json": {"a": None, "b": {"a": None}}, "meta": {"referentialEqualities": {"b": ["a"], "a": ["b.a"]}}})
def test_no_envelope_breaks_the_reading(envelope: Any) -> None:
    try:
        deserialize(envelope)
    except Problem as problem:
        assert problem.code is Code.INVALID_PAYLOAD  # noqa: PT017 - anything else fails the test
