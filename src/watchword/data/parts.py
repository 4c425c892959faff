"""Parts: the functions of a field (`year`, …, `count`) in each database's own words."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from watchword.data.columns import Foreign
from watchword.query.types import FieldType, Function

_SQLITE_FORMAT = {
    Function.YEAR: "%Y",
    Function.MONTH: "%m",
    Function.DAY: "%d",
    Function.WEEKDAY: "%w",
    Function.HOUR: "%H",
    Function.MINUTE: "%M",
    Function.SECOND: "%S",
}
_POSTGRES_FIELD = {Function.WEEKDAY: "dow"}


def date_part(
    function: Function, column: sa.ColumnElement[Any], kind: FieldType, *, sqlite: bool
) -> sa.ColumnElement[int]:
    """Return a part of a date or time: UTC, weeks by ISO 8601, Sunday as weekday 0, whole seconds."""
    if sqlite:
        return _sqlite_part(function, column)
    if kind is FieldType.TIMESTAMP:
        column = sa.func.timezone(sa.literal_column("'UTC'"), column)
    part = sa.extract(_POSTGRES_FIELD.get(function, function.value), column)
    return sa.cast(sa.func.floor(part), sa.Integer)


def _sqlite_part(function: Function, column: sa.ColumnElement[Any]) -> sa.ColumnElement[int]:
    if function is Function.WEEK:
        # The week of a date is the week of its Thursday (ISO 8601); SQLite 3.40 has no format for it.
        thursday = sa.func.date(column, sa.literal_column("'-3 days'"), sa.literal_column("'weekday 4'"))
        day = sa.cast(sa.func.strftime(sa.literal_column("'%j'"), thursday), sa.Integer)
        one, seven = sa.literal_column("1", sa.Integer), sa.literal_column("7", sa.Integer)
        return (day - one) // seven + one
    picture: sa.ColumnElement[str] = sa.literal_column(f"'{_SQLITE_FORMAT[function]}'")
    return sa.cast(sa.func.strftime(picture, column), sa.Integer)


def count_of_items(column: sa.ColumnElement[Any], kind: FieldType, *, sqlite: bool) -> sa.ColumnElement[int]:
    """Return the number of items of a JSON array or of a comma-separated list; NULL for what is neither."""
    if kind is FieldType.CSV:
        return _csv_items(sa.type_coerce(column, sa.Text()))
    if sqlite:
        valid = sa.case((sa.func.json_valid(column) == sa.literal_column("1"), sa.func.json_type(column)))
        return sa.case((valid == sa.literal_column("'array'"), sa.func.json_array_length(column)))
    if isinstance(column.type, Foreign):
        column = sa.func.to_jsonb(column, type_=postgresql.JSONB())
    prefix = "jsonb" if isinstance(column.type, postgresql.JSONB) else "json"
    kind_of = getattr(sa.func, f"{prefix}_typeof")(column)
    return sa.case((kind_of == sa.literal_column("'array'"), getattr(sa.func, f"{prefix}_array_length")(column)))


def _csv_items(text: sa.ColumnElement[str]) -> sa.ColumnElement[int]:
    comma: sa.ColumnElement[str] = sa.literal_column("','")
    nothing: sa.ColumnElement[str] = sa.literal_column("''")
    one: sa.ColumnElement[int] = sa.literal_column("1")
    commas = sa.func.length(text) - sa.func.length(sa.func.replace(text, comma, nothing))
    return sa.case((text == nothing, sa.literal_column("0")), else_=commas + one)
