"""Dialect: the words of one client protocol, and nothing else: it never awaits, reads a clock or decides."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from watchword.base.errors import Problem
    from watchword.protocol.events import Event
    from watchword.protocol.operations import Operation
    from watchword.protocol.outcomes import Cause, Outcome

Frame = str | bytes
"""A WebSocket message: a text, or bytes for a binary one."""


class Dialect(Protocol):
    """Translates frames to operations and outcomes to frames, for one connection."""

    name: str

    def receive(self, frame: str | bytes) -> Iterable[Operation]:
        """Decode one frame, once. Never raises: what cannot be understood becomes `Invalid`."""

    def send(self, outcome: Outcome) -> Iterable[Frame]:
        """Say an outcome; an empty result says nothing."""

    def push(self, subscription: str | None, events: Sequence[Event]) -> Iterable[Frame]:
        """Tell a subscriber of events in order, in as few frames as the protocol allows.

        Bodies and whole frames are kept in `Event.cache`, so that an event is encoded once however many follow it.
        """

    def close_code(self, reason: Outcome | Cause | None) -> int:
        """Return the WebSocket close code to end with: after saying an outcome, for a cause, or for no reason."""


@runtime_checkable
class Batching(Protocol):
    """What a dialect can do beside that, where its messages can be put together after they have been encoded."""

    def join(self, frames: Sequence[Frame]) -> Frame:
        """Return one frame that says what these say, in order."""


@runtime_checkable
class Explaining(Protocol):
    """What a dialect can do where its close codes have reasons that clients look at."""

    def close_text(self, code: int) -> str:
        """Return the reason to close with, beside a code."""


@runtime_checkable
class Answering(Protocol):
    """What a dialect can do where every call wants an answer, also one that is not even looked at."""

    def refuse(self, frame: str | bytes, problem: Problem) -> Iterable[Frame]:
        """Say of every call in a message that it has not been done."""
