"""Types of Python as types of TypeScript, one by one."""

from __future__ import annotations

import enum
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Any, Generic, Literal, NamedTuple, NotRequired, TypedDict, TypeVar

import msgspec
import pydantic
import pytest

from watchword import ByteStream, FormData
from watchword.app.typescript.reading import Reader
from watchword.app.typescript.types import Key, Side, Unexportable
from watchword.app.typescript.writing import declared, written

T = TypeVar("T")


class Color(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


class Point(msgspec.Struct):
    """Where something is."""

    x: int
    y: int = 0


class Pair(NamedTuple):
    left: int
    right: str = "r"


class Packed(msgspec.Struct, array_like=True, tag="p"):
    x: int
    y: int = 0


class Named(msgspec.Struct, rename="camel", tag_field="kind", tag="named"):
    first_name: Annotated[str, msgspec.Meta(pattern="^a", max_length=5, description="What\nit is.")]
    age: Annotated[int, msgspec.Meta(ge=0, lt=150)] | None = None


class Sparse(msgspec.Struct, omit_defaults=True):
    a: int = 1
    b: list[int] = []
    c: str | msgspec.UnsetType = msgspec.UNSET
    d: msgspec.UnsetType | int = 3


class Box(msgspec.Struct, Generic[T]):
    content: T


class Node(msgspec.Struct):
    next: Node | None = None


@dataclass
class Size:
    width: int
    tags: list[str] = field(default_factory=list)


class Keys(TypedDict):
    a: int
    b: NotRequired[str]
    c_d: None


class Nothing(msgspec.Struct):
    pass


class Mail(pydantic.BaseModel):
    """A letter."""

    model_config = pydantic.ConfigDict(extra="allow")

    to: str = pydantic.Field(alias="To", min_length=3, description="To whom.")
    sent: datetime | None = None
    amount: Decimal = Decimal(1)
    numbers: dict[int, set[str]] = {}
    levels: dict[Level, int] = {}
    color: Literal["red"] | Color = Color.RED
    pair: tuple[int, str] = (1, "a")
    hidden: str = pydantic.Field(default="", exclude=True)

    @pydantic.computed_field
    def length(self) -> int:
        return 1


class Sets(msgspec.Struct):
    letters: frozenset[str] = frozenset("edcba")


class Tags(pydantic.BaseModel):
    letters: set[str] = set("edcba")


class Letters(pydantic.RootModel[list[Mail]]):
    pass


def name_of(key: Key) -> str:
    cls = key[0] if isinstance(key, tuple) else key
    name: str = getattr(cls, "__name__", "Generic")
    return name


def shown(kind: Any, side: Side = Side.OUTPUT, *, is_native: bool = False) -> str:
    return written(Reader(side, is_native=is_native).read(kind), name_of)


def body(kind: Any, side: Side = Side.OUTPUT, *, is_native: bool = False) -> str:
    reader = Reader(side, is_native=is_native)
    reader.read(kind)
    found = next(each for key, each in reader.declarations.items() if key in {kind, (kind, "pydantic")})
    return declared("X", found, name_of)


@pytest.mark.parametrize(
    ("kind", "plain", "native"),
    [
        (str, "string", "string"),
        (int, "number", "number"),
        (float, "number", "number"),
        (bool, "boolean", "boolean"),
        (type(None), "null", "null"),
        (Any, "unknown", "unknown"),
        (object, "unknown", "unknown"),
        (msgspec.Raw, "unknown", "unknown"),
        (uuid.UUID, "string", "string"),
        (Decimal, "string", "string"),
        (datetime, "string", "Date"),
        (date, "string", "Date"),
        (time, "string", "string"),
        (timedelta, "string", "string"),
        (bytes, "string", "Uint8Array"),
        (bytearray, "string", "Uint8Array"),
        (int | None, "number | null", "number | null"),
        (None | int | str, "number | string | null", "number | string | null"),
        (int | Any, "unknown", "unknown"),
        (int | float, "number", "number"),
        (list[int], "number[]", "number[]"),
        (list[int | str], "(number | string)[]", "(number | string)[]"),
        (list[Literal["a", "b"]], '("a" | "b")[]', '("a" | "b")[]'),
        (list, "unknown[]", "unknown[]"),
        (Sequence[datetime], "string[]", "Date[]"),
        (tuple[int, ...], "number[]", "number[]"),
        (tuple[int, str | None], "[number, (string | null)]", "[number, (string | null)]"),
        (tuple[()], "[]", "[]"),
        (set[int], "number[]", "Set<number>"),
        (frozenset[bytes], "string[]", "Set<Uint8Array>"),
        (dict[str, int], "Record<string, number>", "Record<string, number>"),
        (Mapping[str, Any], "Record<string, unknown>", "Record<string, unknown>"),
        (dict, "Record<string, unknown>", "Record<string, unknown>"),
        (dict[int, str], "Record<string, string>", "Map<number, string>"),
        (dict[datetime, int], "Record<string, number>", "Map<Date, number>"),
        (dict[uuid.UUID, int], "Record<string, number>", "Record<string, number>"),
        (dict[Literal["a"], int], 'Partial<Record<"a", number>>', 'Partial<Record<"a", number>>'),
        (dict[Color, int], "Partial<Record<Color, number>>", "Partial<Record<Color, number>>"),
        (dict[Level, int], "Partial<Record<Level, number>>", "Map<Level, number>"),
        (Literal["b", 'a"', 3, True, None], 'true | 3 | "a\\"" | "b" | null', 'true | 3 | "a\\"" | "b" | null'),
        (FormData, "FormData", "FormData"),
        (ByteStream, "Blob | Uint8Array", "Blob | Uint8Array"),
        (Point, "Point", "Point"),
        (list[Point | None], "(Point | null)[]", "(Point | null)[]"),
        (Annotated[int, msgspec.Meta(ge=1, description="x")], "number", "number"),
    ],
)
def test_every_type_has_one_in_typescript(kind: Any, plain: str, native: str) -> None:
    assert (shown(kind), shown(kind, is_native=True)) == (plain, native)
    assert (shown(kind, Side.INPUT), shown(kind, Side.INPUT, is_native=True)) == (plain, native)


def test_what_has_a_default_may_be_left_out_of_an_input_and_is_in_every_output() -> None:
    assert body(Point, Side.INPUT).splitlines() == [
        "/** Where something is. */",
        "export interface X {",
        "  x: number;",
        "  /** @default 0 */",
        "  y?: number;",
        "}",
    ]
    assert "  y: number;" in body(Point)
    assert "  tags?: string[];" in body(Size, Side.INPUT)
    assert "  tags: string[];" in body(Size)


def test_what_is_left_out_of_outputs_may_be_missing() -> None:
    for side in Side:
        lines = body(Sparse, side).splitlines()
        assert [line for line in lines if "@" not in line][1:-1] == [
            "  a?: number;",
            "  b?: number[];",
            "  c?: string;",
            "  d?: number;",
        ]


@pytest.mark.parametrize("side", Side)
def test_typed_dicts_say_what_is_required(side: Side) -> None:
    assert body(Keys, side).splitlines()[1:-1] == ["  a: number;", "  b?: string;", "  c_d: null;"]


def test_enumerations_are_unions_of_their_values() -> None:
    assert body(Color) == 'export type X = "red" | "blue";'
    assert body(Level) == "export type X = 1 | 2;"


def test_named_tuples_and_structs_like_arrays_are_tuples() -> None:
    assert body(Pair) == "export type X = [number, string];"
    assert body(Pair, Side.INPUT) == "export type X = [number, string?];"
    assert body(Packed) == 'export type X = ["p", number, number];'
    assert body(Packed, Side.INPUT) == 'export type X = ["p", number, number?];'


def test_names_tags_and_constraints_are_those_of_the_wire() -> None:
    assert body(Named).splitlines() == [
        "export interface X {",
        '  kind: "named";',
        "  /**",
        "   * What",
        "   * it is.",
        "   * @pattern ^a",
        "   * @maxLength 5",
        "   */",
        "  firstName: string;",
        "  /**",
        "   * @minimum 0",
        "   * @exclusiveMaximum 150",
        "   * @default null",
        "   */",
        "  age: number | null;",
        "}",
    ]


def test_defaults_are_always_the_same() -> None:
    assert '  /** @default ["a","b","c","d","e"] */' in body(Sets)
    assert '  /** @default ["a","b","c","d","e"] */' in body(Tags)


def test_recursive_types_speak_of_themselves() -> None:
    assert "  next?: Node | null;" in body(Node, Side.INPUT)


def test_generic_types_are_declared_with_their_arguments() -> None:
    reader = Reader(Side.OUTPUT, is_native=False)
    reader.read(dict[str, Box[int] | None])
    reader.read(Box[list[Point]])
    assert [each.title for each in reader.declarations.values()] == ["BoxInt", "Point", "BoxListPoint"]


def test_a_pydantic_model_is_read_as_it_validates_and_as_it_writes() -> None:
    given = body(Mail, Side.INPUT)
    assert given.splitlines()[:6] == [
        "/** A letter. */",
        "export interface X {",
        "  /**",
        "   * To whom.",
        "   * @minLength 3",
        "   */",
    ]
    members = [line for line in given.splitlines() if "*" not in line]
    assert members[1:-1] == [
        "  To: string;",
        "  sent?: string | null;",
        "  amount?: number | string;",
        "  numbers?: Record<string, string[]>;",
        "  levels?: Partial<Record<Level, number>>;",
        '  color?: "red" | Color;',
        "  pair?: [number, string];",
        "  hidden?: string;",
        "  [key: string]: unknown;",
    ]
    members = [line for line in body(Mail).splitlines() if "*" not in line]
    assert members[1:-1] == [
        "  To: string;",
        "  sent: string | null;",
        "  amount: string;",
        "  numbers: Record<string, string[]>;",
        "  levels: Partial<Record<Level, number>>;",
        '  color: "red" | Color;',
        "  pair: [number, string];",
        "  length: number;",
        "  [key: string]: unknown;",
    ]


def test_a_pydantic_model_holds_dates_sets_and_maps_where_the_wire_does() -> None:
    text = body(Mail, is_native=True)
    for member in ("sent: Date | null;", "numbers: Map<number, Set<string>>;", "levels: Map<Level, number>;"):
        assert f"  {member}" in text


def test_a_pydantic_root_model_is_what_it_holds() -> None:
    assert body(Letters) == "export type X = Mail[];"


@pytest.mark.parametrize("text", ["\u2028", "\x85", "\x0b", "\n", "\\", "*/"])
def test_whatever_is_in_a_literal_it_stays_in_its_line(text: str) -> None:
    kind = msgspec.defstruct("Kind", [("a", Literal[text]), ("b", int)])
    lines = body(kind).split("\n")
    assert len(lines) == 4
    assert json.loads(lines[1].removeprefix("  a: ").removesuffix(";")) == text


def test_an_object_without_members_is_an_interface_without_members() -> None:
    assert body(Nothing) == "export interface X {\n}"


def test_a_pydantic_model_within_something_else_is_told_for_what_it_is() -> None:
    with pytest.raises(Unexportable, match="Mail'> is a pydantic model, which has to be the whole of it"):
        shown(list[Mail])


@pytest.mark.parametrize("kind", [complex, list[Mail], type, Point | Size, dict[str, Mail | None], msgspec.msgpack.Ext])
def test_what_has_no_type_is_told(kind: Any) -> None:
    with pytest.raises(Unexportable):
        shown(kind)
