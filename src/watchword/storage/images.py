"""Decodes the row images of the change log; nothing that a program stored can stop the reading."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from watchword.storage.engine import Kind

LARGE = 8192
"""A value of more bytes than this is left out of images."""

OMITTED = "$omitted"
"""Where an image lists the columns that it leaves out; they are null in it."""

_exact = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)
_plain = msgspec.json.Decoder(dict[str, Any])

Image = dict[str, Any]


def decode(kind: Kind, text: bytes | str | None) -> tuple[Image | None, tuple[str, ...]]:
    """Return an image and the names of the columns that it leaves out.

    Raises:
        ValueError: the text is not an image.
    """
    if text is None:
        return None, ()
    clean = text if isinstance(text, str) else text.decode(errors="replace")  # SQLite's text need not be UTF-8
    image = _parse(_plain if kind == "sqlite" else _exact, clean)
    omitted = _omitted(image.pop(OMITTED, []))
    for name in omitted:
        if name not in image:
            raise ValueError("not a column")
        del image[name]
    if kind == "sqlite":
        image = {name: _stored(value) for name, value in image.items()}
    return image, omitted


def _parse(decoder: msgspec.json.Decoder[Image], text: str) -> Image:
    try:
        return decoder.decode(text)
    except msgspec.DecodeError:
        # A json column of PostgreSQL may hold what msgspec refuses: lone surrogates, exponents beyond a double's.
        image = json.loads(text, parse_float=Decimal)
    if not isinstance(image, dict):
        raise ValueError("not an object")  # noqa: TRY004 # the text is wrong, not the caller
    return image


def _omitted(names: Any) -> tuple[str, ...]:
    """A table may have a column of that name, with anything in it."""
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueError("not a list of columns")
    return tuple(names)


def _stored(value: Any) -> Any:
    """Undo what the triggers do to values that JSON cannot hold: `[digits]` is a real, `["x", digits]` a blob."""
    if not isinstance(value, list):
        return value
    return float(value[0]) if len(value) == 1 else bytes.fromhex(value[1])
