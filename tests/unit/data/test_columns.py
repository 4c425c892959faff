"""What foreign programs store comes out as canonical values, or as it is; it never raises."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from watchword.access.compile import FULL_ACCESS
from watchword.base import json
from watchword.base.errors import Problem
from watchword.data.columns import decoder, from_stored, shortest_real
from watchword.data.reflect import ReflectOptions, reflect
from watchword.data.scope import Scope
from watchword.data.select import Reader
from watchword.query.rendering import render
from watchword.query.types import FieldType
from watchword.query.wire import parse_query
from watchword.storage.engine import Database

DECLARED = {
    "flag": "BOOLEAN",
    "count": "INTEGER",
    "price": "DECIMAL(9,2)",
    "day": "DATE",
    "clock": "TIME",
    "moment": "DATETIME",
    "instant": "TIMESTAMP",
    "meta": "JSON",
    "words": "TEXT",
    "anything": "",
}


@pytest.fixture
async def db(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    columns = ", ".join(f"{name} {declared}" for name, declared in DECLARED.items())
    async with database.write() as connection:
        await connection.execute(sa.text(f"CREATE TABLE thing (id INTEGER PRIMARY KEY, {columns})"))
    yield database
    await database.close()


@pytest.mark.parametrize(
    ("column", "stored", "canonical", "rendered"),
    [
        ("flag", "1", True, True),
        ("flag", "0", False, False),
        ("flag", "5", 5, 5),
        ("flag", "'yes'", "yes", "yes"),
        ("count", "'many'", "many", "many"),
        ("count", "9007199254740993", 9007199254740993, "9007199254740993"),
        ("price", "1.5", 1.5, 1.5),
        ("price", "'cheap'", "cheap", "cheap"),
        ("day", "'2026-02-03'", date(2026, 2, 3), "2026-02-03"),
        ("day", "'soon'", "soon", "soon"),
        ("clock", "'12:30'", time(12, 30), "12:30:00"),
        ("clock", "'noon'", "noon", "noon"),
        ("moment", "'2026-02-03T04:05:06Z'", datetime.fromisoformat("2026-02-03T04:05:06"), "2026-02-03T04:05:06"),
        ("moment", "'2026-02-03 04:05:06+01:00'", datetime.fromisoformat("2026-02-03T03:05:06"), "2026-02-03T03:05:06"),
        ("moment", "1700000000", 1700000000, 1700000000),
        ("moment", "'then'", "then", "then"),
        ("instant", "'2026-02-03 04:05:06.5'", datetime(2026, 2, 3, 4, 5, 6, 500_000, UTC), "2026-02-03T04:05:06.500Z"),
        ("instant", "'later'", "later", "later"),
        ("meta", "'{\"a\": 1'", '{"a": 1', '{"a": 1'),
        ("meta", "'null'", None, None),
        ("meta", "'7'", 7, 7),
        ("words", "''", [], []),
        ("words", "'a,b'", ["a", "b"], ["a", "b"]),
        ("anything", "x'ff'", b"\xff", "/w=="),
        ("anything", "7", 7, 7),
    ],
)
async def test_stored_values_are_read_leniently(
    db: Database, column: str, stored: str, canonical: Any, rendered: Any
) -> None:
    catalogue = await reflect(db, ReflectOptions(special={"thing": {"words": ["csv"]}}))
    async with db.write() as connection:
        await connection.exec_driver_sql(f"INSERT INTO thing (id, {column}) VALUES (1, {stored})")
        read = (await connection.execute(sa.select(catalogue.table("thing").c[column]))).scalar_one()
    assert (read, type(read)) == (canonical, type(canonical))
    page = await Reader(db).read(catalogue, Scope(FULL_ACCESS), parse_query("thing", {"fields": column}))
    assert page.data == [{column: rendered}]
    json.encode(page.data)


async def test_members_of_lists_are_counted(database_url: str) -> None:
    db = Database(database_url)
    async with db.write() as connection:
        await connection.execute(
            sa.text("CREATE TABLE thing (id INTEGER PRIMARY KEY, native JSON, words TEXT, text TEXT)")
        )
    catalogue = await reflect(db, ReflectOptions(special={"thing": {"words": ["csv"], "text": ["json"]}}))
    values = [([1, 2], ["a", "b"]), ([], []), ({"a": 1}, ["a"]), ("text", None), (None, None)]
    rows = [{"id": number, "native": native, "words": words} for number, (native, words) in enumerate(values)]
    async with db.write() as connection:
        await connection.execute(sa.insert(catalogue.table("thing")), rows)
    everyone, reader = Scope(FULL_ACCESS), Reader(db)
    asked = parse_query("thing", {"fields": "count(native),count(words)"})
    counts = (await reader.read(catalogue, everyone, asked)).data
    assert [row["native_count"] for row in counts] == [2, 0, None, None, None]
    assert [row["words_count"] for row in counts] == [2, 0, 1, None, None]
    asked = parse_query("thing", {"fields": "id", "filter": {"words": {"_eq": "a,b"}, "count(words)": {"_gt": 1}}})
    assert (await reader.read(catalogue, everyone, asked)).data == [{"id": 0}]
    if db.kind == "postgresql":
        with pytest.raises(Problem):
            await reader.read(catalogue, everyone, parse_query("thing", {"fields": "count(text)"}))
    await db.close()


@pytest.mark.parametrize("stored", ["2026-02-03T04:05:06", "2026-02-03 04:05:06", "2026-02-03T04:05:06Z"])
async def test_moments_are_compared_however_they_were_written(db: Database, stored: str) -> None:
    catalogue = await reflect(db)
    async with db.write() as connection:
        await connection.exec_driver_sql("INSERT INTO thing (moment, instant) VALUES (?, ?)", (stored, stored))
    for field in ("moment", "instant"):
        for condition in (
            {"_eq": "2026-02-03T04:05:06Z"},
            {"_lte": "2026-02-03T04:05:06Z"},
            {"_in": "2026-02-03T04:05:06Z"},
        ):
            asked = parse_query("thing", {"fields": "id", "filter": {field: condition}})
            assert (await Reader(db).read(catalogue, Scope(FULL_ACCESS), asked)).data == [{"id": 1}]


async def test_every_json_value_survives_in_a_table(database_url: str) -> None:
    db = Database(database_url)
    async with db.write() as connection:
        await connection.execute(sa.text("CREATE TABLE thing (id INTEGER PRIMARY KEY, native JSON, written TEXT)"))
    catalogue = await reflect(db, ReflectOptions(special={"thing": {"written": ["json"]}}))
    table = catalogue.table("thing")
    values = [
        {"a": [1, 2.5, None, True]},
        [],
        "",
        "text",
        "5",
        5,
        1.25,
        True,
        False,
        None,
        "\u2028 'quoted' \\ 😀",
        "null",
    ]
    rows = [{"id": number, "native": value, "written": value} for number, value in enumerate(values)]
    async with db.write() as connection:
        await connection.execute(sa.insert(table), rows)
        read = [dict(row) for row in (await connection.execute(sa.select(table).order_by(table.c.id))).mappings()]
    await db.close()
    assert [row["native"] for row in read] == values
    assert [row["written"] for row in read] == values


async def test_types_that_nobody_knows_are_read_and_written_as_text(postgres_url: str) -> None:
    db = Database(postgres_url)
    async with db.write() as connection:
        await connection.execute(sa.text("CREATE TYPE mood AS ENUM ('sad', 'happy')"))
        await connection.execute(
            sa.text("CREATE TABLE thing (id integer PRIMARY KEY, mood mood, address inet, few integer[], single real)")
        )
        await connection.execute(sa.text("CREATE TABLE about (mood mood PRIMARY KEY, thing integer REFERENCES thing)"))
        await connection.execute(sa.text("CREATE TABLE feeling (id integer PRIMARY KEY, mood mood REFERENCES about)"))
    catalogue = await reflect(db)
    table = catalogue.table("thing")
    row = {"id": 1, "mood": "happy", "address": "10.0.0.0/8", "single": 0.1}
    async with db.write() as connection:
        await connection.execute(sa.insert(table), [row, {"id": 2, "mood": None, "address": None, "single": None}])
        await connection.execute(sa.text("UPDATE thing SET few = ARRAY[1, 2] WHERE id = 1"))
    everyone = Scope(FULL_ACCESS)
    page = await Reader(db).read(catalogue, everyone, parse_query("thing", {"fields": [*row, "few"]}))
    assert page.data == [row | {"few": [1, 2]}, {"id": 2, "mood": None, "address": None, "few": None, "single": None}]
    for condition in (
        {"mood": "happy"},
        {"mood": {"_in": ["happy", "glad"]}},
        {"address": {"_starts_with": "10."}},
        {"single": 0.1},
        {"few": {"_nnull": True}},
        {"count(few)": 2},
    ):
        asked = parse_query("thing", {"fields": "id", "filter": condition, "sort": "mood,address,-id"})
        assert (await Reader(db).read(catalogue, everyone, asked)).data == [{"id": 1}], condition
    asked = parse_query("thing", {"aggregate": {"count": "*", "max": "mood"}, "groupBy": "address"})
    groups = (await Reader(db).read(catalogue, everyone, asked)).data
    assert groups[1] == {"address": "10.0.0.0/8", "count": 1, "max": {"mood": "happy"}}
    async with db.write() as connection:
        await connection.execute(sa.text("INSERT INTO about VALUES ('sad', 1)"))
        await connection.execute(sa.text("INSERT INTO feeling VALUES (7, 'sad')"))
    asked = parse_query("about", {"fields": "thing.single,feeling"})
    assert await Reader(db).read_keys(catalogue, everyone, asked, ["sad", "glad"]) == [
        {"thing": {"single": 0.1}, "feeling": [7]}
    ]
    await db.close()


@given(st.sampled_from(list(FieldType)), st.text() | st.integers() | st.floats() | st.binary() | st.booleans())
def test_decoding_never_raises(kind: FieldType, stored: Any) -> None:
    decode = decoder(kind)
    if decode is not None:
        decode(stored)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_the_shortest_form_stands_for_the_same_single(value: float) -> None:
    assert struct.pack("f", shortest_real(value)) == struct.pack("f", value)


MOMENTS = st.one_of(
    st.none() | st.integers() | st.floats() | st.text(max_size=19) | st.binary(max_size=3),
    st.datetimes(timezones=st.none() | st.timezones()).map(lambda moment: moment.isoformat(" ")),
    st.datetimes().map(lambda moment: moment.isoformat("T", "seconds")),
    st.from_regex(r"\d{4}-[0-9W]\d-\d\d[ T:]\d\d[:+-]\d\d[:+-]\d\d", fullmatch=True),
    st.sampled_from(
        ["2026-01-02 24:00:00", "2026-13-02 00:00:00", "2026-01-02 03:04+01", "2026-W01-1T03:04:05", "now"]
    ),
)


@pytest.mark.parametrize("kind", [FieldType.DATE_TIME, FieldType.TIMESTAMP])
@given(values=st.lists(MOMENTS, max_size=5))
def test_moments_are_rendered_from_texts_as_through_canonical_values(kind: FieldType, values: list[Any]) -> None:
    form, decode = from_stored(kind), decoder(kind)
    assert form is not None
    assert decode is not None
    assert list(map(repr, form(values))) == [repr(render(kind, decode(value))) for value in values]
