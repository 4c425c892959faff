"""Start: gets to the command sooner. Most of a start is importing, and some of that is for nothing."""

from __future__ import annotations

import gc
import sys


def start() -> None:
    """Run the command line."""
    gc.disable()  # what is imported stays: looking through it for garbage, again and again, finds none
    _import_structlog()
    from watchword.cli.main import main  # noqa: PLC0415 - all the rest is imported by it

    gc.freeze()
    gc.enable()
    main()


def _import_structlog() -> None:
    """Import structlog without rich, which it would import for tracebacks in colours; ours are plain text."""
    if "rich" in sys.modules:
        return
    sys.modules["rich"] = None  # type: ignore[assignment]  # how Python is told that there is no such module
    try:
        import structlog  # noqa: F401, PLC0415
    finally:
        del sys.modules["rich"]
