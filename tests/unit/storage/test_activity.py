from __future__ import annotations

from sqlalchemy import select

from watchword.storage.activity import Deed, purge, record
from watchword.storage.engine import Database
from watchword.storage.tables import activity


async def test_deeds_are_written_as_long_as_their_columns(db: Database) -> None:
    deeds = [Deed("create", "a" * 100, "b" * 300, "user", origin="c" * 300), Deed("delete", "articles", "1")]
    async with db.write() as connection:
        await record(connection, deeds, 1000.5)
        await record(connection, [], 1000.5)

    async with db.read() as connection:
        rows = [dict(row) for row in (await connection.execute(select(activity).order_by(activity.c.id))).mappings()]
    assert [len(rows[0][name]) for name in ("collection", "item", "origin")] == [64, 255, 255]
    assert (rows[1]["action"], rows[1]["item"], rows[1]["user"]) == ("delete", "1", None)
    assert rows[1]["timestamp"].timestamp() == 1000.5


async def test_what_is_old_is_purged(db: Database) -> None:
    async with db.write() as connection:
        for moment in (10.0, 20.0, 30.0):
            await record(connection, [Deed("create", "a", str(moment))], moment)

    assert await purge(db, 20.0) == 1
    async with db.read() as connection:
        assert list((await connection.execute(select(activity.c.item))).scalars()) == ["20.0", "30.0"]
