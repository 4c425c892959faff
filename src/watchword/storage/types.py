"""Column types that behave the same on both databases."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import TIMESTAMP, Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine, UserDefinedType


class _TimestampText(UserDefinedType[str]):
    """A column declared TIMESTAMP whose values go in and out of SQLite as the text they are."""

    cache_ok = True

    def get_col_spec(self, **_: Any) -> str:
        return "TIMESTAMP"


class UtcTimestamp(TypeDecorator[datetime]):
    """An aware moment in UTC: `timestamptz` on PostgreSQL, text `YYYY-MM-DD HH:MM:SS[.ffffff]` on SQLite.

    That text sorts as time does. What another program stored and cannot be parsed as a moment is read as None.
    """

    impl = TIMESTAMP(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "sqlite":
            return dialect.type_descriptor(_TimestampText())
        return dialect.type_descriptor(TIMESTAMP(timezone=True))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("A moment needs its time zone")
        return to_text(value) if dialect.name == "sqlite" else value

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return from_text(value) if dialect.name == "sqlite" else value


def moment(seconds: float) -> datetime:
    """Return seconds since the epoch as our tables take them."""
    return datetime.fromtimestamp(seconds, UTC)


def to_text(moment: datetime) -> str:
    """Write an aware moment as SQLite stores it."""
    return moment.astimezone(UTC).replace(tzinfo=None).isoformat(sep=" ")


def from_text(text: Any) -> datetime | None:
    """Read a moment that SQLite stored, in our form or another ISO 8601 one; without a zone it is UTC."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
