"""Durations and sizes as people write them: `15m`, `7d`, `1.5h`, `1mb`."""

from __future__ import annotations

import re

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d|w)?", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(b|kb|mb|gb)?", re.IGNORECASE)
_BYTES = {"b": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3}


def parse_duration(text: str, bare: str) -> float:
    """Return seconds. `bare` is the unit of a number without one (`s` or `ms`).

    Raises:
        ValueError: the text is no duration.
    """
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a duration such as 15m, 7d or 500ms")
    return float(match[1]) * _SECONDS[(match[2] or bare).lower()]


def parse_size(text: str) -> int:
    """Return bytes.

    Raises:
        ValueError: the text is no size.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError("must be a size such as 1mb or 64kb")
    return int(float(match[1]) * _BYTES[(match[2] or "b").lower()])
