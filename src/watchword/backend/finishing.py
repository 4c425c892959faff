"""Finishing: what the functions of an application give back, whether they are async or not."""

from __future__ import annotations

import inspect
from typing import Any


async def finish(result: Any) -> Any:
    """Return a result: of a plain function at once, of an async one when it is there."""
    return await result if inspect.isawaitable(result) else result
