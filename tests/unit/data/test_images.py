"""An image from the change log decodes to what a SELECT gives for the same row."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from watchword.data.images import decode_image
from watchword.data.reflect import ReflectOptions, reflect
from watchword.data.schema import Collection, Field
from watchword.query.types import FieldType
from watchword.storage.changes import Captured, Logged
from watchword.storage.engine import Database
from watchword.storage.log import ChangeLog
from watchword.storage.migrations import migrate

SQLITE = """CREATE TABLE thing (
    id INTEGER PRIMARY KEY, string VARCHAR(40), words TEXT, whole INTEGER, big BIGINT, double REAL,
    exact DECIMAL(30, 4), flag BOOLEAN, day DATE, clock TIME, moment DATETIME, instant TIMESTAMP, native JSON,
    written TEXT, code UUID, bytes BLOB, anything)"""
SQLITE_ROWS = [
    """(1, 'é😀', 'a,b', 1, 9223372036854775807, 0.1, 1.10, 1, '2026-01-02', '03:04:05', '2026-01-02 03:04:05',
        '2026-01-02T03:04:05.678901Z', '{"a": [1.5, null]}', '[1]', '3757270f-1c69-461d-8cf9-094724195028', x'00ff',
        'any')""",
    """(2, '', '', -1, -9223372036854775808, 1e300, 12345678901234567890, 0, 'soon', 'noon',
        '2026-01-02T03:04:05+01:00', 1700000000, 'not json', 'nor this', 'no uuid', 'text', 2.5)""",
    """(3, '["x"]', 'one', 'many', 1.5, 'nan', 'cheap', 7, '2026-01-02 00:00:00', '03:04', 'then', '2026-01-02', '7',
        'null', x'01', '', x'ff')""",
    f"(4{', NULL' * 16})",
]
POSTGRESQL = """CREATE TABLE thing (
    id integer PRIMARY KEY, string varchar(40), words text, whole smallint, big bigint, double double precision,
    exact numeric(30, 4), flag boolean, day date, clock time, moment timestamp, instant timestamptz, native jsonb,
    written text, code uuid, bytes bytea, anything inet, single real, free numeric, plain json, mood mood, few text[],
    sized char(2), short varchar(9))"""
POSTGRESQL_ROWS = [
    """(1, 'é😀', 'a,b', 1, 9223372036854775807, 0.1, 1.10, true, '2026-01-02', '03:04:05.5', '2026-01-02 03:04:05.25',
        '2026-01-02T03:04:05.678901+02', '{"a": [1.5, null, 1e3]}', '[1]', '3757270F-1C69-461D-8CF9-094724195028',
        '\\x00ff', '10.0.0.1', 0.1, 10.00, '{"b":  1.50}', 'sad', '{a,NULL}', 'de', 'x')""",
    """(2, '', '', -1, -9223372036854775808, 'infinity', 12345678901234567890.1234, false, 'infinity', '00:00',
        '-infinity', 'infinity', '"text"', 'not json', NULL, '', '::1', '-infinity', 'NaN', '"x"', 'happy', '{}', 'en',
        '')""",
    """(3, '["x"]', 'one', NULL, NULL, 1e-300, 0, NULL, '0001-01-01', '23:59:59.999999', '2026-01-02', '2026-07-02',
        '7', 'null', NULL, NULL, NULL, 16777216, 1e30, 'null', NULL, NULL, NULL, NULL)""",
    f"(4{', NULL' * 23})",
    f"(5{', NULL' * 16}, 1e-45{', NULL' * 6})",
    f"(6{', NULL' * 16}, 99999997952{', NULL' * 6})",
]
OPTIONS = ReflectOptions(special={"thing": {"words": ["csv"], "written": ["json"]}})


async def test_images_are_what_a_select_gives(database_url: str) -> None:
    db = Database(database_url)
    sqlite = db.kind == "sqlite"
    await migrate(db)
    async with db.write() as connection:
        if not sqlite:
            await connection.exec_driver_sql("CREATE TYPE mood AS ENUM ('sad', 'happy')")
        await connection.exec_driver_sql(SQLITE if sqlite else POSTGRESQL)
    catalogue = await reflect(db, OPTIONS)
    collection = catalogue.collection("thing")
    log = ChangeLog(db)
    await log.open()
    await log.capture([Captured("thing", "thing", ("id",), tuple(collection.fields))])
    async with db.write() as connection:
        for row in SQLITE_ROWS if sqlite else POSTGRESQL_ROWS:
            await connection.exec_driver_sql(f"INSERT INTO thing VALUES {row}")
        table = catalogue.table("thing")
        selected = (await connection.execute(sa.select(table).order_by(table.c.id))).mappings().all()
    changes = [entry for entry in await log.sequence() if isinstance(entry, Logged)]
    decoded = [decode_image(collection, db.kind, change.after or {}) for change in changes]
    await log.close()
    await db.close()
    for image, values in zip(decoded, selected, strict=True):
        for name, value in values.items():
            assert shown(image[name]) == shown(value), name


def shown(value: Any) -> str:
    return f"{value:f}" if isinstance(value, Decimal) else repr(value)


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.decimals() | st.binary(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
EVERY_TYPE = Collection("c", "c", ("id",), {kind.value: Field(kind.value, kind) for kind in FieldType})


@given(
    st.dictionaries(st.sampled_from([*EVERY_TYPE.fields, "gone"]), ANYTHING), st.sampled_from(["sqlite", "postgresql"])
)
def test_decoding_an_image_never_raises(raw: dict[str, Any], kind: str) -> None:
    assert set(decode_image(EVERY_TYPE, kind, raw)) == set(raw) - {"gone"}


def test_numbers_inside_json_are_plain() -> None:
    collection = Collection("c", "c", ("id",), {"meta": Field("meta", FieldType.JSON)})
    raw = {"meta": {"a": [Decimal("1.5"), {"b": Decimal("2e3")}]}, "unknown": 1}
    assert decode_image(collection, "postgresql", raw) == {"meta": {"a": [1.5, {"b": 2000.0}]}}
