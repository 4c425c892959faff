"""Values beyond JSON: what procedures get of them by their types, and what clients get of results."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from enum import Enum
from ipaddress import IPv4Address
from typing import Annotated, Any, Literal, NamedTuple, TypedDict
from uuid import UUID

import msgspec
import pydantic
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import UNSET, UnsetType

from tests.support.superjson import MOMENTS, VALUES
from watchword.backend.native import read_native, write_native
from watchword.backend.signatures import shape_of
from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.base.superjson import DEEPEST, ErrorValue, RegularExpression, SetOf, Url, deserialize, serialize

MOMENT = datetime(2026, 2, 3, 4, 5, 6, 789_000, UTC)
DAY = date(2026, 2, 3)
LATE = datetime(2026, 2, 4, 1, tzinfo=timezone(timedelta(hours=2)))
TREE = UUID(int=7)


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Point(NamedTuple):
    x: int
    on: date


class Circle(msgspec.Struct, frozen=True, tag="circle"):
    radius: float


class Square(msgspec.Struct, frozen=True, tag="square"):
    since: date


class Pair(msgspec.Struct, array_like=True, tag=1):
    first: int
    second: date


class Report(msgspec.Struct, rename="camel", omit_defaults=True):
    made_at: datetime
    due_on: date | None = None
    body_text: bytes = b""
    known_words: set[str] = msgspec.field(default_factory=set)
    by_number: dict[int, date] = {}
    by_day: dict[date, int] = {}
    big_number: int = 0
    price: Decimal = Decimal(0)
    tree: UUID = TREE
    colour: Colour = Colour.RED
    shapes: list[Circle | Square] = []
    pair: tuple[int, date] = (0, DAY)
    parts: list[Report] = []
    note: str | UnsetType = UNSET


@dataclass
class Size:
    width: int
    seen: set[int] = field(default_factory=set)
    note: str | UnsetType = UNSET


class Name(TypedDict, total=False):
    first: str
    born: date


class Mail(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(populate_by_name=True)

    sent_at: datetime = pydantic.Field(default=MOMENT, alias="sentAt")
    due: date | None = None
    days: list[date] = []
    body: bytes = b""
    words: set[str] = set()
    counts: dict[int, Decimal] = {}
    note: str | None = None


class Days(pydantic.BaseModel):
    either: date | int = 0
    both: set[date] = set()
    inner: Days | None = None


class Node(pydantic.BaseModel):
    address: IPv4Address
    secret: pydantic.SecretStr = pydantic.SecretStr("hidden")
    hosts: dict[IPv4Address, datetime] = {}
    seen: set[datetime] = set()


class Day(pydantic.RootModel[date]):
    pass


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (Any, {"a": UNSET, "b": MOMENT}, {"a": UNSET, "b": MOMENT}),
        (datetime, MOMENT, MOMENT),
        (datetime, "2026-02-03T04:05:06.789Z", MOMENT),
        (date, MOMENT, DAY),
        (date, LATE, DAY),
        (date, datetime(2026, 2, 3, 23), DAY),  # noqa: DTZ001 - naive is UTC
        (date, DAY, DAY),
        (date, "2026-02-03", DAY),
        (date | None, MOMENT, DAY),
        (Annotated[date | None, msgspec.Meta(title="day")], MOMENT, DAY),
        (list[date | int], [MOMENT, 1], [DAY, 1]),
        (set[date], {MOMENT, LATE}, {DAY}),
        (dict[date, date], {MOMENT: LATE}, {DAY: DAY}),
        (dict[tuple[date, int], int], {(MOMENT, 1): 2}, {(DAY, 1): 2}),
        (tuple[int, date], [1, MOMENT], (1, DAY)),
        (tuple[date, ...], [MOMENT], (DAY,)),
        (Point, [1, MOMENT], Point(1, DAY)),
        (Pair, [1, 2, MOMENT], Pair(2, DAY)),
        (Pair | int, [1, 2, MOMENT], Pair(2, DAY)),
        (Circle | Square, {"type": "square", "since": MOMENT}, Square(DAY)),
        (Circle | Square | None, {"type": "circle", "radius": 2}, Circle(2)),
        (set[Square], SetOf([{"type": "square", "since": MOMENT}]), {Square(DAY)}),
        (list[int], {1}, [1]),
        (frozenset[int], {1}, frozenset({1})),
        (bytes, b"\xff", b"\xff"),
        (bytes, "/w==", b"\xff"),
        (Decimal, "1.50", Decimal("1.50")),
        (UUID, str(TREE), TREE),
        (int, 2**80, 2**80),
        (int, -0.0, 0),
        (int | str, -0.0, 0),
        (int | float, -0.0, -0.0),
        (int | None, UNSET, None),
        (list[int | None], [UNSET], [None]),
        (dict[str, Any], {"a": UNSET, "b": [UNSET]}, {"b": [UNSET]}),
        (Url, Url("a:b"), Url("a:b")),
        (RegularExpression, RegularExpression("a", "i"), RegularExpression("a", "i")),
        (ErrorValue | None, ErrorValue("E", "m"), ErrorValue("E", "m")),
        (Size, {"width": 1, "note": UNSET, "seen": {1}}, Size(1, {1})),
        (Name, {"first": UNSET, "born": MOMENT}, {"born": DAY}),
        (
            Report,
            {"madeAt": MOMENT, "dueOn": MOMENT, "byDay": {MOMENT: 1}, "byNumber": {1: MOMENT}, "note": UNSET},
            Report(MOMENT, due_on=DAY, by_day={DAY: 1}, by_number={1: DAY}),
        ),
        (
            Report,
            {"madeAt": MOMENT, "parts": [{"madeAt": MOMENT, "pair": [1, MOMENT]}]},
            Report(MOMENT, parts=[Report(MOMENT, pair=(1, DAY))]),
        ),
        (Mail, {"sentAt": MOMENT, "due": MOMENT, "days": [DAY, MOMENT]}, Mail(due=DAY, days=[DAY, DAY])),
        (
            Mail,
            {"body": b"\xff", "words": {"a"}, "counts": {1: "1.5"}, "note": UNSET},
            Mail(body=b"\xff", words={"a"}, counts={1: Decimal("1.5")}),
        ),
        (Day, MOMENT, Day(DAY)),
        (
            Days,
            {"either": MOMENT, "inner": {"both": {MOMENT, LATE}}},
            Days(either=DAY, inner=Days(both={DAY})),
        ),
    ],
)
def test_a_value_is_read_as_its_type_says(kind: Any, value: Any, result: Any) -> None:
    found = read_native(value, kind)
    assert found == result
    assert type(found) is type(result)


@pytest.mark.parametrize(
    ("kind", "value", "field"),
    [
        (int, MOMENT, None),
        (int, UNSET, None),
        (str, Url("a"), None),
        (datetime, DAY, None),
        (list[date], [DAY, 1], "[1]"),
        (tuple[int, date], [1], None),
        (Report, {"madeAt": DAY}, "madeAt"),
        (Report, {"madeAt": UNSET}, None),
        (Report, {"madeAt": MOMENT, "parts": [{"madeAt": 1}]}, "parts[0].madeAt"),
        (Circle | Square, {"type": ["circle"]}, "type"),
        (re.Pattern, RegularExpression("a"), None),
        (ValueError, ErrorValue("ValueError", "m"), None),
        (Literal["a"], b"a", None),
        (date, [MOMENT], None),
        (Pair | int, {"x": MOMENT}, None),
    ],
)
def test_what_does_not_fit_is_a_problem_of_the_callers(kind: Any, value: Any, field: str | None) -> None:
    with pytest.raises(Problem) as caught:
        read_native(value, kind)
    assert caught.value.code is Code.INVALID_PAYLOAD
    assert caught.value.extensions.get("field") == field


@pytest.mark.parametrize("value", [{"due": MOMENT, "note": 1}, {"note": 1}])
def test_what_pydantic_finds_is_told_by_field(value: Any) -> None:
    with pytest.raises(Problem) as caught:
        read_native(value, Mail)
    assert [each["field"] for each in caught.value.extensions["fields"]] == ["note"]


def test_a_type_that_cannot_be_remembered_is_read_all_the_same() -> None:
    assert read_native(MOMENT, Annotated[date, {"title": "day"}]) == DAY


def test_what_is_read_stays_as_it_is() -> None:
    value = {"due": MOMENT, "days": [MOMENT], "note": UNSET}
    read_native(value, Mail)
    read_native(value, Name)
    assert value == {"due": MOMENT, "days": [MOMENT], "note": UNSET}


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (Any, UNSET, UNSET),
        (int | float, 1.5, 1.5),
        (None, None, None),
        (datetime, MOMENT, MOMENT),
        (bytes, b"\xff", b"\xff"),
        (Any, [bytearray(b"a"), memoryview(b"b")], [b"a", b"b"]),
        (int, 2**80, 2**80),
        (Decimal, Decimal("1.50"), "1.50"),
        (dict[UUID, Colour], {TREE: Colour.BLUE}, {str(TREE): "blue"}),
        (dict[int, date], {1: DAY}, {1: DAY}),
        (Any, timedelta(seconds=1), "PT1S"),
        (Any, {"a": UNSET}, {"a": UNSET}),
        (set[Circle], {Circle(1.5)}, SetOf([{"type": "circle", "radius": 1.5}])),
        (set[tuple[int, date]], {(1, DAY)}, {(1, DAY)}),
        (frozenset[int], frozenset({1}), frozenset({1})),
        (Point, Point(1, DAY), (1, DAY)),
        (Pair, Pair(1, DAY), [1, 1, DAY]),
        (Circle | Square, Square(DAY), {"type": "square", "since": DAY}),
        (Size, Size(1, {2}), {"width": 1, "seen": {2}}),
        (Name, {"born": DAY}, {"born": DAY}),
        (Report, Report(MOMENT, known_words={"a"}), {"madeAt": MOMENT, "knownWords": {"a"}}),
        (Report, {"madeAt": MOMENT}, {"madeAt": MOMENT}),
        (Url, Url("a:b"), Url("a:b")),
        (re.Pattern, re.compile("a"), re.compile("a")),
        (
            Mail,
            Mail(body=b"\xff", words={"a"}, counts={1: Decimal("1.5")}),
            {
                "sentAt": MOMENT,
                "due": None,
                "days": [],
                "body": b"\xff",
                "words": {"a"},
                "counts": {1: "1.5"},
                "note": None,
            },
        ),
        (
            Node,
            {"address": "127.0.0.1", "hosts": {"127.0.0.2": MOMENT}, "seen": [MOMENT]},
            {"address": "127.0.0.1", "secret": "**********", "hosts": {"127.0.0.2": MOMENT}, "seen": {MOMENT}},
        ),
        (Day, Day(DAY), DAY),
    ],
)
def test_a_result_is_taken_apart(kind: Any, value: Any, result: Any) -> None:
    found = write_native(value, kind)
    assert found == result
    assert type(found) is type(result)
    serialize(found)


@pytest.mark.parametrize(
    ("kind", "value", "error"),
    [
        (int, "text", msgspec.ValidationError),
        (date, MOMENT, msgspec.ValidationError),
        (list[int], [1, None], msgspec.ValidationError),
        (dict[str, int], {"a": UNSET}, msgspec.ValidationError),
        (Report, {"made_at": MOMENT}, msgspec.ValidationError),
        (Mail, {"note": 1}, pydantic.ValidationError),
        (Any, object(), TypeError),
        (Any, {Circle(1): 1}, TypeError),
    ],
)
def test_a_result_that_does_not_fit_is_the_applications_mistake(kind: Any, value: Any, error: type[Exception]) -> None:
    with pytest.raises(error):
        write_native(value, kind)


def test_a_result_within_itself_is_the_applications_mistake() -> None:
    cyclic = Report(MOMENT)
    cyclic.parts = [cyclic]
    with pytest.raises(ValueError, match="within itself"):
        write_native(cyclic, Report)


REPORTS: st.SearchStrategy[Report] = st.deferred(
    lambda: st.builds(
        Report,
        MOMENTS,
        due_on=st.none() | st.dates(),
        body_text=st.binary(),
        known_words=st.sets(st.text()),
        by_number=st.dictionaries(st.integers(-(2**70), 2**70), st.dates()),
        by_day=st.dictionaries(st.dates(), st.integers()),
        big_number=st.integers(-(2**80), 2**80),
        price=st.decimals(allow_nan=False, allow_infinity=False),
        tree=st.uuids(),
        colour=st.sampled_from(Colour),
        shapes=st.lists(st.builds(Circle, st.floats(-10, 10)) | st.builds(Square, st.dates())),
        pair=st.tuples(st.integers(), st.dates()),
        parts=st.lists(REPORTS, max_size=1),
        note=st.just(UNSET) | st.text(),
    )
)
MAILS = st.builds(
    Mail,
    sent_at=MOMENTS,
    due=st.none() | st.dates(),
    days=st.lists(st.dates()),
    body=st.binary(),
    words=st.sets(st.text()),
    counts=st.dictionaries(st.integers(), st.decimals(allow_nan=False, allow_infinity=False)),
    note=st.none() | st.text(),
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(REPORTS | MAILS | st.builds(Size, st.integers(), st.sets(st.integers()), st.just(UNSET) | st.text()))
def test_results_can_be_sent_back_as_inputs(value: Any) -> None:
    kind = type(value)
    sent = json.encode(serialize(write_native(value, kind)))
    assert read_native(deserialize(json.decode(sent)), kind) == value


class Plain(msgspec.Struct, omit_defaults=True, rename="camel"):
    some_number: int = 1
    some_numbers: list[float] = []
    some_words: dict[str, str | None] = {}
    some_colour: Colour | None = None
    some_note: str | UnsetType = UNSET
    some_parts: tuple[int, str] = (1, "a")
    inner: Plain | None = None


PLAIN: st.SearchStrategy[Plain] = st.deferred(
    lambda: st.builds(
        Plain,
        some_number=st.integers(-5, 5),
        some_numbers=st.lists(st.floats(allow_nan=False, allow_infinity=False)),
        some_words=st.dictionaries(st.text(), st.none() | st.text()),
        some_colour=st.none() | st.sampled_from(Colour),
        some_note=st.just(UNSET) | st.text(),
        some_parts=st.tuples(st.integers(0, 2), st.text(max_size=1)),
        inner=st.none() | PLAIN,
    )
)


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(PLAIN)
def test_without_values_beyond_json_a_result_is_what_it_is_in_json(value: Plain) -> None:
    assert json.encode(write_native(value, Plain)) == json.encode(shape_of(Plain).write(value))


KINDS: tuple[Any, ...] = (
    int,
    date | None,
    list[date],
    dict[int, date],
    tuple[int, date],
    set[int],
    Circle | Square | list[int],
    Pair | date,
    Report,
    Size,
    Name,
    Point,
    Mail,
    Node,
    Day,
    Url,
)
NAMES = ("madeAt", "dueOn", "byDay", "parts", "type", "since", "width", "seen", "first", "born", "due", "days", "note")
MEMBERS = st.dictionaries(st.sampled_from(NAMES), VALUES | st.sampled_from(["circle", "square"]))


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(VALUES | MEMBERS)
def test_no_value_breaks_the_reading(value: Any) -> None:
    for kind in KINDS:
        try:
            read_native(value, kind)
        except Problem as problem:
            assert problem.code is Code.INVALID_PAYLOAD  # noqa: PT017 - anything else fails the test


class Branch(msgspec.Struct):
    inner: list[Branch] | None = None


def test_a_value_as_deep_as_any_may_be_is_read() -> None:
    value: Any = {}
    for _ in range(DEEPEST // 2 - 1):
        value = {"inner": [value]}
    assert isinstance(read_native(value, Branch), Branch)
    assert write_native(read_native(value, Branch), Branch)["inner"]


def test_a_value_deeper_than_any_may_be_is_a_problem() -> None:
    value: Any = {}
    for _ in range(10_000):
        value = {"inner": [value]}
    with pytest.raises(Problem):
        read_native(value, Branch)
