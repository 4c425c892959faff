"""Headers that all answers of a mount have, and those of answers that come bit by bit."""

from __future__ import annotations

VARY = ("vary", "trpc-accept, accept")


def flowing(media_type: str) -> list[tuple[bytes, bytes]]:
    """Return the headers of an answer that nobody on its way may keep or change, nor gather before passing it on."""
    return [
        (b"content-type", media_type.encode()),
        (b"cache-control", b"no-cache, no-transform"),
        (b"x-accel-buffering", b"no"),
        (VARY[0].encode(), VARY[1].encode()),
    ]
