"""Quoting for the DDL that SQLAlchemy cannot express: triggers and their functions."""

from __future__ import annotations


def name(identifier: str) -> str:
    """Quote an identifier."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Quote a string constant for SQLite, or for PostgreSQL where it holds no backslash."""
    return "'" + text.replace("'", "''") + "'"


def escaped(text: str) -> str:
    """Quote a string constant for PostgreSQL, whatever `standard_conforming_strings` says."""
    if "\\" not in text:
        return literal(text)
    return " E" + literal(text.replace("\\", "\\\\"))
