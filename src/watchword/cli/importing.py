"""Importing: most of a start is importing, and some of that is for nothing."""

from __future__ import annotations

import gc
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def importing() -> Iterator[None]:
    """Import what is imported in the block without work for nothing."""
    gc.disable()  # what is imported stays: looking through it for garbage, again and again, finds none
    try:
        _import_structlog()
        yield
        gc.freeze()
    finally:
        gc.enable()


def _import_structlog() -> None:
    """Import structlog without rich, which it would import for tracebacks in colours; ours are plain text."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python is told that there is no such module
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]
