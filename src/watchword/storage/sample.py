"""Sample: the tables, people and rights that the demo shows. For an empty database whose migrations have run."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, func, insert, text

from watchword.base.ids import uuid7
from watchword.storage.tables import access, permissions, policies, roles, users
from watchword.storage.types import UtcTimestamp

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.storage.engine import Database

ADMIN_EMAIL = "admin@example.com"
READER_EMAIL = "reader@example.com"

metadata = MetaData()

articles = Table(
    "articles",
    metadata,
    Column("id", Integer(), primary_key=True),
    Column("title", Text(), nullable=False),
    Column("status", Text(), nullable=False, server_default="draft"),
    Column("author", Text()),
    Column("views", Integer(), nullable=False, server_default=text("0")),
    Column("notes", Text()),  # internal: no rule for readers names it
    Column("date_created", UtcTimestamp(), server_default=func.current_timestamp()),
    Column("date_updated", UtcTimestamp()),
    sqlite_autoincrement=True,
)

_READABLE = "id,title,status,author,views,date_created,date_updated"
_PUBLISHED = {"status": {"_eq": "published"}}

_ARTICLES = (
    (
        "How a tide table is made",
        "published",
        "Imani Okoro",
        1840,
        "Ask the harbour office before the next print run.",
        3,
    ),
    ("The night train to Tromsø", "published", "Jonas Lindqvist", 932, None, 5),
    ("Seven knots worth knowing", "draft", "Mara Devlin", 0, "Photos of the bowline are mirrored.", 8),
    ("What the lighthouse keeper wrote", "published", "Imani Okoro", 4210, "The family has not signed yet.", 9),
    ("A field guide to fog signals", "draft", "Teodor Weiss", 12, "Needs a second reader.", 11),
    ("Bread for a week at sea", "published", "Amara Nwosu", 611, None, 14),
    ("Letters from the signal station", "archived", "Mara Devlin", 77, "Rights lapsed in 2024.", 17),
    ("Mending a sail by lamplight", "published", "Jonas Lindqvist", 205, "Lead picture arrives on Friday.", 20),
)


async def load_sample(db: Database, admin_hash: str, reader_hash: str) -> None:
    """Create the collection `articles` with its rows, and two people: one who may do everything, one who may read.

    Readers, and everybody who has not logged in, are given published rows only; readers without `notes`, everybody
    else without anything but `id` and `title`. The hashes are those of the two passwords.
    """
    async with db.write() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(articles), _rows())
        admin = await _add_policy(connection, "Administrator", admin_access=True, app_access=True)
        reader = await _add_policy(connection, "Reader")
        public = await _add_policy(connection, "Public")
        await _let_read(connection, reader, _READABLE)
        await _let_read(connection, public, "id,title")
        await _give(connection, public, role=None)
        await _add_user(connection, ADMIN_EMAIL, admin_hash, role=await _add_role(connection, "Administrator", admin))
        await _add_user(connection, READER_EMAIL, reader_hash, role=await _add_role(connection, "Reader", reader))


def _rows() -> list[dict[str, Any]]:
    names = ("title", "status", "author", "views", "notes")
    return [
        {**dict(zip(names, values, strict=True)), "date_created": datetime(2026, 10, day, 8, 12, tzinfo=UTC)}
        for *values, day in _ARTICLES
    ]


async def _add_policy(connection: AsyncConnection, name: str, **flags: bool) -> str:
    key = uuid7()
    await connection.execute(insert(policies).values(id=key, name=name, **flags))
    return key


async def _let_read(connection: AsyncConnection, policy: str, fields: str) -> None:
    rule = {"collection": articles.name, "action": "read", "permissions": _PUBLISHED, "fields": fields}
    await connection.execute(insert(permissions).values(policy=policy, **rule))


async def _add_role(connection: AsyncConnection, name: str, policy: str) -> str:
    key = uuid7()
    await connection.execute(insert(roles).values(id=key, name=name))
    await _give(connection, policy, role=key)
    return key


async def _give(connection: AsyncConnection, policy: str, *, role: str | None) -> None:
    """Give a policy to a role; to the public, where there is none."""
    await connection.execute(insert(access).values(id=uuid7(), role=role, policy=policy, sort=1))


async def _add_user(connection: AsyncConnection, email: str, password: str, *, role: str) -> None:
    name = email.partition("@")[0].capitalize()
    await connection.execute(
        insert(users).values(id=uuid7(), email=email, first_name=name, password=password, role=role)
    )
