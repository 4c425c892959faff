"""The file of types of a mount."""

from __future__ import annotations

from collections.abc import AsyncIterator
from types import new_class
from typing import Any, Generic, TypeVar

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword import Call, Router, Tracked, tracked
from watchword.app.typescript.built_ins import built_ins
from watchword.app.typescript.naming import Names
from watchword.app.typescript.router import app_router
from watchword.app.typescript.types import STRING, Declaration, Key, Members, Side, Unexportable
from watchword.app.typescript.writing import documented
from watchword.backend import procedure_attendant, tickets
from watchword.backend.challenges import Challenge
from watchword.backend.procedure_table import ProcedureTable
from watchword.backend.signatures import Signature
from watchword.dialects.trpc import wire
from watchword.dialects.trpc.wire import BuiltIns
from watchword.http.trpc.options import TrpcOptions

T = TypeVar("T")

NONE = BuiltIns(None, None, None, None, None, None, None)


class Point(msgspec.Struct):
    x: int
    y: int = 0


class Line(msgspec.Struct):
    points: list[Point]


class Flat(msgspec.Struct):
    x: int


class Box(msgspec.Struct, Generic[T]):
    content: T


def types(router: Router, **options: Any) -> str:
    return app_router(ProcedureTable(router), TrpcOptions(**({"built_ins": NONE} | options)))


def leaf(text: str, name: str) -> list[str]:
    """Return what a procedure takes and gives."""
    lines = iter(line.strip() for line in text.splitlines())
    kind = next(line for line in lines if line.startswith(f"{name}: TRPC")).partition(": TRPC")[2]
    taken: list[str] = []
    for line in lines:
        if line == "meta: object;":
            return [kind.partition("Procedure")[0], *taken]
        taken.append(line)
    raise AssertionError(name)


@pytest.fixture
def router() -> Router:
    return Router()


def test_a_whole_file(router: Router) -> None:
    @router.query
    async def find(call: Call, x: int) -> Point | None:
        """Find a point.

        The one `*/` nearest to it.
        """

    assert (
        types(router)
        == """\
// Written by `watchword trpc types` from the procedures of the server. Do not change it by hand.
import type {
  TRPC_ERROR_CODE_KEY,
  TRPCBuiltRouter,
  TRPCErrorShape,
  TRPCQueryProcedure,
} from "@trpc/server";

/** An error as clients get it, in `shape`; `data` is also in `TRPCClientError.data`. */
export type WatchwordErrorShape = TRPCErrorShape<{
  code: TRPC_ERROR_CODE_KEY;
  httpStatus: number;
  path?: string;
  /** What is wrong with which member of the input. */
  fieldErrors?: Record<string, string[]>;
  /** What it is more exactly, where a client may act on that: `TOKEN_EXPIRED`, `POSITION_LOST`, `USER_SUSPENDED`. */
  problem?: string;
}>;

export interface Point {
  x: number;
  /** @default 0 */
  y: number;
}

export type AppProcedures = {
  /**
   * Find a point.
   *
   * The one `*\\/` nearest to it.
   */
  find: TRPCQueryProcedure<{
    input: { x: number };
    output: Point | null;
    meta: object;
  }>;
};

export interface AppRoot {
  ctx: object;
  meta: object;
  errorShape: WatchwordErrorShape;
  transformer: false;
}

/** The procedures of the server, for `createTRPCClient<AppRouter>`. */
export type AppRouter = TRPCBuiltRouter<AppRoot, AppProcedures>;
"""
    )


def test_the_kinds_of_procedures_and_what_they_take_and_give(router: Router) -> None:
    @router.query
    async def nothing() -> None: ...

    @router.mutation
    async def all_optional(a: int = 1) -> int:
        return a

    @router.mutation
    async def whole_optional(value: int | None = None, /) -> int:
        return value or 0

    @router.query
    async def unknown(value, /): ...  # type: ignore[no-untyped-def]  # what is not annotated is the point

    @router.query
    async def many() -> AsyncIterator[Point]:
        yield Point(1)

    @router.subscription
    async def ticks(last_event_id: str | None = None) -> AsyncIterator[Tracked[int]]:
        yield tracked("1", 1)

    @router.subscription
    async def plain() -> AsyncIterator[None]:
        yield None

    text = types(router)
    assert leaf(text, "nothing") == ["Query", "input: void;", "output: null;"]
    optional = ["input: {", "/** @default 1 */", "a?: number;", "} | undefined | void;"]
    assert leaf(text, "all_optional") == ["Mutation", *optional, "output: number;"]
    assert leaf(text, "whole_optional")[1] == "input: number | null | undefined | void;"
    assert leaf(text, "unknown")[1:] == ["input: unknown;", "output: unknown;"]
    assert leaf(text, "many")[2] == "output: AsyncIterable<Point, void, unknown>;"
    assert "lastEventId?: string | null;" in leaf(text, "ticks")
    assert leaf(text, "ticks")[-1] == "output: AsyncIterable<{ id: string; data: number }, void, unknown>;"
    assert leaf(text, "plain") == ["Subscription", "input: void;", "output: AsyncIterable<null, void, unknown>;"]


def test_with_superjson_no_result_is_void_and_there_is_a_transformer(router: Router) -> None:
    @router.query
    async def nothing() -> None: ...

    text = types(router, transformer="superjson")
    assert leaf(text, "nothing")[2] == "output: void;"
    assert "  transformer: true;" in text


def test_what_is_sent_has_a_name_of_its_own_only_where_it_differs(router: Router) -> None:
    @router.query
    async def line(line: Line) -> Line:
        return line

    @router.query
    async def flat(flat: Flat) -> Flat:
        return flat

    text = types(router)
    assert leaf(text, "line")[1:] == ["input: LineInput;", "output: Line;"]
    assert leaf(text, "flat")[1:] == ["input: Flat;", "output: Flat;"]
    assert "export interface LineInput {\n  points: PointInput[];\n}" in text
    assert "export interface Line {\n  points: Point[];\n}" in text


def test_a_type_that_is_only_sent_keeps_its_name(router: Router) -> None:
    @router.mutation
    async def draw(point: Point) -> None: ...

    text = types(router)
    assert leaf(text, "draw")[1] == "input: Point;"
    assert "y?: number;" in text
    assert "PointInput" not in text


def test_routers_are_objects_and_keys_that_are_no_names_are_quoted(router: Router) -> None:
    inner = Router()

    @inner.query(name="of-day")
    async def of_day() -> int:
        return 1

    router.include("reports", inner)
    router.include("2", inner)
    text = types(router)
    assert '  reports: {\n    "of-day": TRPCQueryProcedure<{' in text
    assert '  "2": {\n' in text


def test_a_subscription_by_ticket_takes_one_and_tickets_are_given_for_it(router: Router) -> None:
    @router.subscription(ticket=True)
    async def follow(room: str) -> AsyncIterator[int]:
        yield 1

    @router.subscription(ticket=True)
    async def here(point: Point) -> AsyncIterator[int]:
        yield 1

    @router.subscription(ticket=True)
    async def news() -> AsyncIterator[int]:
        yield 1

    note = "/** A ticket for just this subscription. */"
    text = types(router, built_ins=BuiltIns())
    assert leaf(text, "follow")[1:-1] == ["input: {", "room: string;", note, "ticket: string;", "};"]
    assert leaf(text, "here")[1:-1] == ["input: Point & {", note, "ticket: string;", "};"]
    assert leaf(text, "news")[1:-1] == ["input: {", note, "ticket: string;", "};"]
    wishes = (
        '{ path: "follow"; input: { room: string }; expiresIn?: number }'
        ' | { path: "here"; input: Point; expiresIn?: number } | { path: "news"; expiresIn?: number }'
    )
    assert leaf(text, "ticket")[1] == f"input: {wishes};"


def test_a_ticket_is_beside_whatever_an_input_may_be(router: Router) -> None:
    @router.subscription(ticket=True)
    async def follow(what: Any, /) -> AsyncIterator[int]:
        yield 1

    given = leaf(types(router), "follow")[1:-1]
    assert given[2:] == ["ticket: string;", "[key: string]: unknown;", "};"]


class Packed(msgspec.Struct, array_like=True):
    x: int


@pytest.mark.parametrize("kind", [str, Packed, dict[str, int], list[Point]])
def test_a_ticket_needs_an_object_to_be_in(router: Router, kind: Any) -> None:
    async def follow(room: Any, /) -> AsyncIterator[int]:
        yield 1

    follow.__annotations__["room"] = kind
    router.subscription(ticket=True)(follow)
    with pytest.raises(Unexportable, match=r"^follow: the input cannot be exported: .*ticket"):
        types(router)


def test_what_is_built_in_is_there_as_it_is_called(router: Router) -> None:
    text = types(router, built_ins=BuiltIns())
    assert leaf(text, "authenticate")[1:] == ["input: WatchwordCredentials;", "output: WatchwordSession;"]
    assert "  collections: {\n" in text
    renamed = types(router, built_ins=BuiltIns(authenticate="auth.login", refresh=None))
    assert "  auth: {\n" in renamed
    assert "authenticate: TRPC" not in renamed
    assert "refresh: TRPC" not in renamed


def test_challenges_are_there_where_a_mount_challenges(router: Router) -> None:
    assert "challenges: TRPC" not in types(router, built_ins=BuiltIns())
    asking = types(router, built_ins=BuiltIns(), challenge=Challenge())
    assert leaf(asking, "challenges")[2] == "output: AsyncIterable<WatchwordChallenge, void, unknown>;"
    assert leaf(asking, "prove")[1:] == ["input: { nonce: string; ticket: string };", "output: null;"]


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("collections.changes", wire._Changes),
        ("channels.messages", wire._Messages),
        ("refresh", wire._Refresh),
        ("ticket", tickets._Wish),
        ("prove", procedure_attendant._Proof),
    ],
)
def test_what_is_built_in_takes_what_the_server_reads(name: str, read: type[msgspec.Struct]) -> None:
    found = dict(built_ins(TrpcOptions(challenge=Challenge()), None))[name].input
    assert isinstance(found, Members)
    fields = {field.encode_name: not field.required for field in msgspec.structs.fields(read)}
    assert {member.name: member.optional for member in found.members} == fields


def test_the_types_built_in_are_those_that_the_file_speaks_of(router: Router) -> None:
    text = types(router, built_ins=BuiltIns(changes=None, messages=None))
    assert "WatchwordSession" in text
    assert "WatchwordChange" not in text


def test_a_file_is_the_same_in_whatever_order_procedures_are_registered() -> None:
    async def one(point: Point) -> Line: ...  # type: ignore[empty-body]  # it is not called

    async def two(line: Line) -> Flat: ...  # type: ignore[empty-body]

    def registered(*functions: Any) -> Router:
        router = Router()
        for function in functions:
            router.query(function)
        return router

    assert types(registered(one, two)) == types(registered(two, one))


def test_a_type_that_cannot_be_exported_is_told_with_its_procedure(router: Router) -> None:
    @router.query
    async def broken() -> complex:
        return 1j

    with pytest.raises(Unexportable, match=r"^broken: the output complex cannot be exported: .*'complex'"):
        types(router)


def test_an_input_that_cannot_be_exported_is_told_with_its_procedure(router: Router) -> None:
    @router.query
    async def broken(a: dict[str, complex]) -> int:
        return 1

    with pytest.raises(Unexportable, match=r"^broken: the input cannot be exported: .*'complex'"):
        types(router)


def test_tracked_values_are_for_subscriptions(router: Router) -> None:
    @router.query
    async def numbers() -> AsyncIterator[Tracked[int]]:
        yield tracked("1", 1)

    with pytest.raises(Unexportable, match=r"numbers: .*gives no tracked values"):
        types(router)


def test_a_name_that_is_built_in_cannot_be_taken(router: Router) -> None:
    @router.query
    async def authenticate() -> int:
        return 1

    with pytest.raises(Unexportable, match="authenticate: built in"):
        types(router, built_ins=BuiltIns())


def test_nothing_can_be_below_a_procedure(router: Router) -> None:
    @router.query
    async def collections() -> int:
        return 1

    with pytest.raises(Unexportable, match=r"collections\.changes: collections is a procedure"):
        types(router, built_ins=BuiltIns())


def declaration(title: str, *home: str) -> Declaration:
    return Declaration(title, home, STRING)


def names(*declarations: Declaration, taken: tuple[str, ...] = ()) -> list[str]:
    numbered: dict[Key, Declaration] = dict(enumerate(declarations))
    found = Names({}, numbered, taken)
    return [found.of(key, Side.OUTPUT) for key in numbered]


def test_types_of_the_same_name_are_told_apart_by_their_modules() -> None:
    item, other = declaration("Item", "shop", "orders"), declaration("Item", "shop", "users")
    assert names(item, other) == ["OrdersItem", "UsersItem"]
    assert names(other, item) == ["UsersItem", "OrdersItem"]


def test_as_much_of_their_modules_as_it_takes() -> None:
    found = names(declaration("Item", "a", "models"), declaration("Item", "b", "models"), declaration("Other", "a"))
    assert found == ["AModelsItem", "BModelsItem", "Other"]


def test_names_of_typescript_are_left_alone() -> None:
    assert names(declaration("Map", "shop", "plans"), taken=("Map",)) == ["PlansMap"]


def test_what_cannot_be_told_apart_is_numbered() -> None:
    assert names(declaration("Item", "shop"), declaration("Item", "shop")) == ["ShopItem", "ShopItem2"]


def test_the_name_of_an_input_does_not_take_that_of_another_type(router: Router) -> None:
    class PointInput(msgspec.Struct):
        a: int

    @router.query
    async def both(point: Point) -> Point:
        return point

    async def other(point: Any) -> None: ...

    other.__annotations__["point"] = PointInput
    assert Signature(other).takes_whole
    router.query(other)
    text = types(router)
    assert leaf(text, "both")[1] == "input: PointInput2;"
    assert leaf(text, "other")[1] == "input: PointInput;"


def of_module(name: str) -> Any:
    return new_class("Item", (msgspec.Struct,), {}, lambda body: body.update(__module__=name, __annotations__={}))


def test_generic_types_of_two_classes_of_a_name_do_not_depend_on_what_comes_first() -> None:
    boxes = {"one": Box[of_module("shop.a")], "two": Box[of_module("shop.b")]}  # type: ignore[misc]  # made just now

    def given(*names: str) -> list[str]:
        router = Router()
        for name in names:

            async def box() -> Any: ...

            box.__annotations__["return"] = boxes[name]
            router.query(name=name)(box)
        text = types(router)
        return [leaf(text, name)[2] for name in boxes]

    assert given("one", "two") == given("two", "one")
    assert len(set(given("one", "two"))) == 2


def test_two_classes_of_a_name_get_two_types(router: Router) -> None:
    async def one() -> Any: ...
    async def two() -> Any: ...

    one.__annotations__["return"], two.__annotations__["return"] = of_module("shop.a"), of_module("shop.b")
    router.query(one)
    router.query(two)
    text = types(router)
    assert (leaf(text, "one")[2], leaf(text, "two")[2]) == ("output: AItem;", "output: BItem;")


@given(st.lists(st.text()))
def test_no_text_ends_a_comment(lines: list[str]) -> None:
    found = documented(tuple(lines))
    assert found == "" or found.index("*/") == len(found) - len("*/\n")
