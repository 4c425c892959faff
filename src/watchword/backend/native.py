"""Reads and writes the values of procedures where the wire carries more than JSON: moments, bytes, sets, big integers.

What JSON can say is read and written as without them, so that a procedure serves both kinds of clients.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from msgspec import inspect as kinds

from watchword.backend.fitting import fitted
from watchword.backend.invalid_input import invalid_input, is_pydantic
from watchword.backend.native_models import read_model, write_model
from watchword.backend.unfolding import unfolded


def read_native(value: Any, kind: Any) -> Any:
    """Return what a value of a client is as a type.

    Members of objects that are UNSET are left out; elsewhere it counts as None, as JSON would have it.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    if kind is Any:
        return value
    if is_pydantic(kind):
        return read_model(value, kind)
    try:
        return msgspec.convert(fitted(value, _described(kind)), kind, strict=True)
    except msgspec.ValidationError as error:
        raise invalid_input(str(error)) from error
    except RecursionError as error:
        raise invalid_input("Values are nested too deeply") from error


def write_native(value: Any, kind: Any) -> Any:
    """Return a result as dicts, lists, sets and single values of Python, checked against its type.

    Raises:
        TypeError: It holds what has no form at clients.
        ValueError: It is not of its type (msgspec's and pydantic's own errors), or is nested too deeply.
    """
    if is_pydantic(kind):
        return write_model(value if isinstance(value, kind) else kind.model_validate(value))
    plain = unfolded(value)
    if kind is not Any:
        msgspec.convert(plain, kind, strict=True, str_keys=True)
    return plain


def _described(kind: Any) -> kinds.Type:
    try:
        return _remembered(kind)
    except TypeError:  # Annotated with what has no hash.
        return kinds.type_info(kind)


@lru_cache(maxsize=1024)
def _remembered(kind: Any) -> kinds.Type:
    return kinds.type_info(kind)
