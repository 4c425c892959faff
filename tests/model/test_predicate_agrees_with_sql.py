"""A filter means the same in memory and in SQL, on both databases, for every row: true, false or unknown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from decimal import Decimal
from random import Random
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from watchword.access.compile import FULL_ACCESS
from watchword.data.binding import Binder
from watchword.data.catalogue import Catalogue
from watchword.data.expressions import Expressions
from watchword.data.lookup import Lookup
from watchword.data.parameters import Parameters
from watchword.data.reflect import ReflectOptions, reflect
from watchword.data.scope import Scope
from watchword.data.shapes import shape_of
from watchword.query.filters import All, Compare, Filter, Not, Variable
from watchword.query.filters import Any as AnyOf
from watchword.query.predicate import compile_predicate
from watchword.query.query import Query
from watchword.query.types import FieldType, Function, Operator, functions_of, operators_of
from watchword.query.variables import Variables
from watchword.storage.engine import Database

ROWS = 120
NOW = datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC).timestamp()
USER = "3757270f-1c69-461d-8cf9-094724195028"
VARIABLES = Variables(
    current_user=USER, current_role=None, current_roles=("a", USER, "10"), user={"name": "aB%", "age": 10}
)

TYPES = {
    "string": ("VARCHAR(40)", "varchar(40)"),
    "text": ("TEXT", "text"),
    "uuid": ("UUID", "uuid"),
    "integer": ("INTEGER", "integer"),
    "big": ("BIGINT", "bigint"),
    "float": ("DOUBLE", "double precision"),
    "single": ("REAL", "real"),
    "decimal": ("DECIMAL(12,2)", "numeric(12,2)"),
    "boolean": ("BOOLEAN", "boolean"),
    "day": ("DATE", "date"),
    "clock": ("TIME", "time"),
    "moment": ("DATETIME", "timestamp"),
    "instant": ("TIMESTAMP", "timestamptz"),
    "json": ("JSON", "jsonb"),
    "list": ("TEXT", "text"),
    "bytes": ("BLOB", "bytea"),
    "mood": ("VARCHAR(9)", "mood"),
}
TEXTS = [
    "",
    "a",
    "A",
    "ab",
    "aB%",
    "%",
    "_",
    "a_",
    "ß",
    "SS",
    "İ",
    "ΑΣ",
    "é",
    "e\u0301",
    "😀",
    "zz",
    " a",
    "a\\",
    "10",
    "9",
    "Straße",
    "-1",
]
POOLS: dict[str, list[Any]] = {
    "string": TEXTS,
    "text": TEXTS,
    "uuid": [USER, "00000000-0000-4000-8000-000000000000", "ffffffff-ffff-4fff-8fff-ffffffffffff"],
    "integer": [-1, 0, 1, 9, 10, 2**31 - 1],
    "big": [-(2**63), -1, 0, 9, 10, 2**53 + 1, 2**63 - 1],
    "float": [-1.5, 0.0, 0.1, 0.30000000000000004, 9.0, 10.0, 1e300],
    "single": [-1.5, 0.0, 0.1, 3.25, 9.0, 16777216.0],
    "decimal": [Decimal("-3.50"), Decimal("0.00"), Decimal("0.10"), Decimal("9.00"), Decimal("9999999999.99")],
    "boolean": [True, False],
    "day": [date(2026, 1, 1), date(2025, 12, 29), date(2026, 3, 1), date(2024, 2, 29), date(1969, 12, 31)],
    "clock": [time(0, 0), time(12, 30, 15), time(23, 59, 59), time(12, 30)],
    "moment": list(
        map(datetime.fromisoformat, ["2026-03-01T12:30:15", "2026-03-01", "2025-12-28T23:59:59", "1950-06-01"])
    ),
    "instant": [
        datetime(2026, 3, 1, 12, 30, 15, tzinfo=UTC),
        datetime(2027, 1, 3, 0, 0, 0, 1, tzinfo=UTC),
        datetime(1950, 6, 1, tzinfo=UTC),
    ],
    "json": [[], [1, "a"], {"a": 1.5}, "text", 5, True],
    "list": [[], ["a"], ["a", "b"], ["ab", "10"]],
    "bytes": [b"", b"\x00\xff"],
    "mood": ["", "sad", "Happy"],
}
KINDS = {
    "string": FieldType.STRING,
    "text": FieldType.TEXT,
    "uuid": FieldType.UUID,
    "integer": FieldType.INTEGER,
    "big": FieldType.BIG_INTEGER,
    "float": FieldType.FLOAT,
    "single": FieldType.FLOAT,
    "decimal": FieldType.DECIMAL,
    "boolean": FieldType.BOOLEAN,
    "day": FieldType.DATE,
    "clock": FieldType.TIME,
    "moment": FieldType.DATE_TIME,
    "instant": FieldType.TIMESTAMP,
    "json": FieldType.JSON,
    "list": FieldType.CSV,
    "bytes": FieldType.BINARY,
    "mood": FieldType.STRING,
}
VALUES: dict[FieldType, st.SearchStrategy[Any]] = {
    FieldType.INTEGER: st.integers(-2, 11) | st.sampled_from([2**31 - 1, 2**40, -(2**63)]),
    FieldType.BIG_INTEGER: st.sampled_from(POOLS["big"]),
    FieldType.FLOAT: st.sampled_from([*POOLS["float"], *POOLS["single"], 0.100000001, 10]),
    FieldType.DECIMAL: st.sampled_from(["-3.5", "0", 0.1, "9.001", 9, "9999999999.99", "1e20"]),
    FieldType.BOOLEAN: st.booleans(),
    FieldType.DATE: st.sampled_from(["2026-01-01", "2024-02-29", "2026-03-01T05:00:00", "1969-12-31"]),
    FieldType.TIME: st.sampled_from(["00:00", "12:30:15", "12:30", "23:59:59.5"]),
    FieldType.DATE_TIME: st.sampled_from(
        ["2026-03-01T12:30:15", "2026-03-01", "2025-12-28T23:59:59Z", "2026-03-01T00:00:00+01:00"]
    ),
    FieldType.TIMESTAMP: st.sampled_from(
        ["2026-03-01T12:30:15Z", "2026-03-01", "2027-01-03T00:00:00.000001Z", "1950-06-01"]
    ),
    FieldType.UUID: st.sampled_from([*POOLS["uuid"], USER.upper()]),
}
VALUES |= dict.fromkeys(
    (FieldType.STRING, FieldType.TEXT, FieldType.CSV), st.sampled_from([*TEXTS, "a,b", "ab,10", "Happy"])
)
UUID_PARTS = st.sampled_from(["", "3757", "FF", "fff", "-", "5028"])
VARIABLE = st.sampled_from(
    [
        Variable("NOW"),
        Variable("NOW", shift=-86400.0 * 61),
        Variable("CURRENT_USER"),
        Variable("CURRENT_USER", ("name",)),
        Variable("CURRENT_USER", ("age",)),
        Variable("CURRENT_ROLE"),
        Variable("CURRENT_ROLES"),
    ]
)
_FLAGS = {Operator.NULL, Operator.NNULL, Operator.EMPTY, Operator.NEMPTY}
_LISTS = {Operator.IN, Operator.NIN}
_RANGES = {Operator.BETWEEN, Operator.NBETWEEN}


@st.composite
def compares(draw: st.DrawFn) -> Compare:
    field = draw(st.sampled_from(sorted(KINDS)))
    kind = KINDS[field]
    function = None
    functions = sorted(functions_of(kind) - {Function.COUNT})
    if draw(st.booleans()) and functions:
        function = draw(st.sampled_from(functions))
        kind = FieldType.INTEGER
    operator = draw(st.sampled_from(sorted(operators_of(kind))))
    if operator in _FLAGS:
        return Compare(field, operator.value, draw(st.booleans()), function)
    matching = operator.value.endswith(("contains", "with"))
    values = UUID_PARTS if kind is FieldType.UUID and matching else VALUES[kind]
    if function is not None:
        values |= st.sampled_from([2026, 52, 53, 31, 12, 1950])
    values |= VARIABLE
    if operator in _LISTS:
        return Compare(field, operator.value, draw(st.lists(values | st.none(), max_size=4)), function)
    if operator in _RANGES:
        return Compare(field, operator.value, [draw(values), draw(values)], function)
    return Compare(field, operator.value, draw(values), function)


FILTERS: st.SearchStrategy[Filter] = st.recursive(
    compares(),
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda parts: All(tuple(parts)))
        | st.lists(inner, max_size=3).map(lambda parts: AnyOf(tuple(parts)))
        | inner.map(Not)
    ),
    max_leaves=4,
)


class Filled(msgspec.Struct):
    db: Database
    catalogue: Catalogue
    rows: list[dict[str, Any]]


@pytest.fixture
async def filled(database_url: str) -> AsyncIterator[Filled]:
    """A table of all types with many rows of telling values, and nulls."""
    db = Database(database_url)
    index = 0 if db.kind == "sqlite" else 1
    columns = ", ".join(f'"{name}" {types[index]}' for name, types in TYPES.items())
    async with db.write() as connection:
        if db.kind == "postgresql":
            await connection.execute(sa.text("CREATE TYPE mood AS ENUM ('', 'sad', 'Happy')"))
        await connection.execute(sa.text(f"CREATE TABLE things (id integer PRIMARY KEY, {columns})"))
    catalogue = await reflect(db, ReflectOptions(special={"things": {"list": ["csv"]}}))
    random = Random(5)  # noqa: S311 - test data
    rows = [
        {"id": number} | {name: random.choice([None, *pool]) for name, pool in POOLS.items()} for number in range(ROWS)
    ]
    async with db.write() as connection:
        await connection.execute(sa.insert(catalogue.table("things")), rows)
    async with db.read() as connection:
        read = [dict(row) for row in (await connection.execute(sa.select(catalogue.table("things")))).mappings()]
    yield Filled(db, catalogue, read)
    await db.close()


async def truths_in_sql(filled: Filled, node: Filter, given: tuple[Any, ...] = ()) -> dict[int, bool | None]:
    """What the database makes of a filter for each row."""
    parameters = Parameters()
    table = filled.catalogue.table("things")
    condition = Expressions(filled.catalogue, parameters).condition(node, filled.catalogue.collection("things"), table)
    truth = sa.case((condition, 1), (sa.not_(condition), 0))
    values = parameters.values(Scope(FULL_ACCESS, VARIABLES, NOW), given)
    async with filled.db.read() as connection:
        rows = await connection.execute(sa.select(table.c.id, truth), values)
        return {number: None if found is None else bool(found) for number, found in rows}


async def test_what_is_read_is_the_canonical_value_that_was_written(filled: Filled) -> None:
    pools = dict(POOLS)
    if filled.db.kind == "sqlite":
        pools["decimal"] = [float(value) for value in POOLS["decimal"]]
    for name, pool in pools.items():
        known = {repr(value) for value in [None, *pool, *_whole(pool)]}
        assert {repr(row[name]) for row in filled.rows} <= known


def _whole(pool: list[Any]) -> list[int]:
    """SQLite keeps a whole decimal as an integer."""
    return [int(value) for value in pool if isinstance(value, float) and value.is_integer()]


@settings(max_examples=250, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(node=FILTERS)
@pytest.mark.timeout(120)
async def test_a_filter_means_the_same_in_memory_and_in_sql(filled: Filled, node: Filter) -> None:
    collection = filled.catalogue.collection("things")
    binder = Binder(filled.catalogue, Scope.system(NOW))
    bound = binder.bind_filter(collection, node, trusted=True)
    test = compile_predicate(bound)
    in_memory = {row["id"]: test(row, VARIABLES, NOW) for row in filled.rows}
    assert await truths_in_sql(filled, bound) == in_memory
    shape = shape_of(Query("things", filter=node), limited=True)
    lifted = binder.bind_filter(collection, shape.query.filter, trusted=True)
    assert await truths_in_sql(filled, lifted, shape.given) == in_memory


ROW = st.fixed_dictionaries({name: st.sampled_from([None, *pool]) for name, pool in POOLS.items()})


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(nodes=st.lists(FILTERS, min_size=1, max_size=5), rows=st.lists(ROW, min_size=1, max_size=8))
@pytest.mark.timeout(120)
async def test_a_filter_means_the_same_for_rows_that_are_in_no_table(
    filled: Filled, nodes: list[Filter], rows: list[dict[str, Any]]
) -> None:
    collection = filled.catalogue.collection("things")
    binder = Binder(filled.catalogue, Scope.system(NOW))
    bound = [binder.bind_filter(collection, node, trusted=True) for node in nodes]
    scope = Scope(binder.scope.access, VARIABLES, NOW)
    in_memory = [[compile_predicate(node)(row, VARIABLES, NOW) is True for node in bound] for row in rows]
    assert await Lookup(filled.db).match_images(filled.catalogue, scope, collection, bound, rows) == in_memory
