"""Reads and writes pydantic v2 models as values of Python."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from msgspec import UNSET

from watchword.backend.fitting import utc_date
from watchword.backend.invalid_input import invalid_model
from watchword.backend.unfolding import LEAVES, regrouped, unfolded

_INEXACT = "date_from_datetime_inexact"


def read_model(value: Any, model: Any) -> Any:
    """Return what a value of a client is as a model.

    Raises:
        Problem: INVALID_PAYLOAD.
    """
    given = _settled(value)
    try:
        return model.model_validate(given)
    except ValueError as error:  # pydantic's own error is one
        places = _inexact(error)
        if not places:
            raise invalid_model(error) from error
    whole = [given]
    for place in places:
        _to_date(whole, place)
    try:
        return model.model_validate(whole[0])
    except ValueError as error:
        raise invalid_model(error) from error


def write_model(model: Any) -> Any:
    """Return a model as dicts, lists, sets and single values; what only pydantic can tell is what it is in JSON."""
    native = model.model_dump(by_alias=True)
    try:
        return unfolded(native)
    except TypeError:
        return _nearest(native, model.model_dump(mode="json", by_alias=True))


def _settled(value: Any) -> Any:
    """Return a copy without UNSET, as JSON would have it."""
    if isinstance(value, dict):
        return {key: _settled(each) for key, each in value.items() if each is not UNSET}
    if isinstance(value, list):
        return [_settled(each) for each in value]
    return None if value is UNSET else value


def _inexact(error: ValueError) -> list[tuple[Any, ...]]:
    """Return where a date was wanted and a moment within a day found, which pydantic refuses."""
    described = getattr(error, "errors", None)
    details = described(include_url=False, include_context=False, include_input=False) if callable(described) else []
    return [each["loc"] for each in details if each["type"] == _INEXACT]


def _to_date(whole: list[Any], place: tuple[Any, ...]) -> None:
    """Make the moment at a place within the one value of a list a date; steps that name types lead nowhere."""
    holder: Any = whole
    key: Any = 0
    for step in place:
        found = holder[key]
        if isinstance(found, set):
            found = holder[key] = list(found)
        if (isinstance(found, dict) and step in found) or (isinstance(found, list) and isinstance(step, int)):
            holder, key = found, step
    if isinstance(holder[key], datetime):
        holder[key] = utc_date(holder[key])


def _nearest(native: Any, told: Any) -> Any:
    """Return the leaves of a dump, and the rest from the dump as JSON, which has the same structure."""
    if isinstance(native, dict):
        pairs = zip(native.items(), told.items(), strict=True)
        return {
            key if isinstance(key, LEAVES) else told_key: _nearest(each, told_each)
            for (key, each), (told_key, told_each) in pairs
        }
    if isinstance(native, list | tuple | set | frozenset):
        return regrouped([_nearest(*each) for each in zip(native, told, strict=True)], native)
    return native if isinstance(native, LEAVES) else told
