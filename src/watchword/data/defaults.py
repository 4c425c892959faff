"""Defaults: the literal value that a column's default expression stands for, where it stands for one."""

from __future__ import annotations

import json
import re
from typing import Any

from watchword.query.types import NUMERIC, FieldType

_QUOTED = re.compile(r"^\(*(?:E)?'((?:[^']|'')*)'\)*(?:::[\w\s\".\[\]()]+)?$")
_PLAIN = re.compile(r"^\(*(-?[\d.]+(?:e[+-]?\d+)?|true|false)\)*(?:::[\w\s\".\[\]()]+)?$", re.IGNORECASE)


def literal_default(expression: str | None, kind: FieldType) -> Any:
    """Return a default as a JSON value of the field's type; None where it is computed, or NULL."""
    text = (expression or "").strip()
    quoted = _QUOTED.match(text)
    if quoted:
        return _value(quoted[1].replace("''", "'"), kind)
    plain = _PLAIN.match(text)
    return _value(plain[1], kind) if plain else None


def _value(text: str, kind: FieldType) -> Any:
    try:
        return _convert(text, kind)
    except ValueError:
        return None


def _convert(text: str, kind: FieldType) -> Any:
    if kind is FieldType.BOOLEAN:
        return text.lower() in {"true", "t", "1", "yes", "on"}
    if kind is FieldType.DECIMAL:
        return text
    if kind in NUMERIC:
        return int(text) if re.fullmatch(r"[+-]?\d+", text) else float(text)
    if kind is FieldType.JSON:
        return json.loads(text)
    if kind is FieldType.CSV:
        return text.split(",") if text else []
    return text
