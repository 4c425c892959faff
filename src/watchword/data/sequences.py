"""Sequences: where PostgreSQL takes the numbers of automatic keys from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import REGCLASS

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

_FAR = 1_000_000


async def take_numbers(connection: AsyncConnection, column: sa.Column[Any], count: int) -> list[int] | None:
    """Take the next numbers of the sequence that belongs to a column; None where there is none."""
    number = sa.func.nextval(_sequence_of(column))
    series = sa.func.generate_series(1, count).table_valued("n")
    numbers = (await connection.execute(sa.select(number).select_from(series))).scalars().all()
    return None if None in numbers else list(numbers)


async def move_past(connection: AsyncConnection, column: sa.Column[Any], number: int) -> None:
    """Let the sequence of a column go on behind a number that was given by hand, or its next rows would collide.

    Does nothing where there is no sequence, where it is further already, or where the role may not move it. A number
    far ahead leaves it alone: nobody shall use up the numbers that are left.
    """
    sequence = _sequence_of(column)
    ahead = sa.cast(number, sa.BigInteger()) - sa.func.coalesce(sa.func.pg_sequence_last_value(sequence), 0)
    behind = ahead.between(1, _FAR)
    moved = sa.func.setval(sequence, sa.cast(number, sa.BigInteger()))
    may_move = sa.func.has_sequence_privilege(sequence, "UPDATE")
    await connection.execute(sa.select(sa.case((may_move, sa.case((behind, moved))))))


def _sequence_of(column: sa.Column[Any]) -> sa.ColumnElement[Any]:
    owned = sa.func.pg_get_serial_sequence(sa.func.quote_ident(column.table.name), column.name)
    return sa.cast(owned, REGCLASS)
