"""Challenges: from time to time a client has to show that it still has what it was let in for.

Everything goes on meanwhile. Who has not answered in time loses the connection, or the one subscription that was to be
proven.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import msgspec

from watchword.backend.streams import Stream
from watchword.base.errors import Code, Problem, forbidden
from watchword.base.secret import equal, random_token

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping

    from watchword.access.principal import Principal
    from watchword.base.clock import Clock

_MOST_WAITING = 1_000


class Challenge(msgspec.Struct, frozen=True):
    """Ask `every` so many seconds for an answer `within` so many.

    Raises:
        ValueError: one of them is not positive.
    """

    every: float = 300.0
    within: float = 30.0

    def __post_init__(self) -> None:
        if self.every <= 0 or self.within <= 0:
            raise ValueError("the times of a challenge must be positive")


class Challenged(Protocol):
    """The connection that is asked."""

    @property
    def acting(self) -> Principal:
        """On whose behalf operations run."""

    def spawn(self, work: Callable[..., Coroutine[Any, Any, object]], *arguments: Any) -> None:
        """Do some work beside the rest."""

    def expel(self, problem: Problem) -> None:
        """End the connection for a reason that the client is told."""

    def end_watch(self, name: str, problem: Problem) -> None:
        """End a subscription to a procedure."""


class Question(msgspec.Struct, frozen=True):
    """One challenge: of the connection, or of the subscription of a name, to a path with an input."""

    nonce: str
    expires_at: float
    subscription: str | None = None
    path: str | None = None
    input: Any = None

    def told(self) -> dict[str, Any]:
        """Return what the client is told; `expiresAt` is in milliseconds."""
        about = None if self.path is None else {"path": self.path, "input": self.input}
        return {"nonce": self.nonce, "expiresAt": round(self.expires_at * 1000), "subscription": about}


class Challenges:
    """The challenges of one connection. Nobody in particular has nothing to show, and is not asked."""

    def __init__(self, challenge: Challenge, clock: Clock, connection: Challenged) -> None:
        self._challenge = challenge
        self._clock = clock
        self._connection = connection
        self._outstanding: dict[str, Question] = {}
        self._told: Stream[Question] = Stream(_MOST_WAITING)
        self._is_running = False
        self.tickets: dict[str, tuple[str, Any]] = {}
        """The subscriptions that were begun by a ticket: their path and input, by name."""

    def acts_as(self, principal: Principal) -> None:
        """Begin to ask, once somebody acts on the connection."""
        if not principal.is_anonymous and not self._is_running:
            self._is_running = True
            self._connection.spawn(self._run)

    async def values(self) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield what is asked, beginning with what waits for an answer."""
        consumer = self._told.consumer()
        try:
            for question in tuple(self._outstanding.values()):
                yield question.told()
            async for question in consumer:
                yield question.told()
        finally:
            consumer.kill()

    def answer(self, nonce: str) -> None:
        """Take the answer to what was asked of the connection.

        Raises:
            Problem: INVALID_PAYLOAD, that has not been asked, or is over.
        """
        question = self._find(nonce)
        if question.subscription is not None:
            raise _not_asked()
        del self._outstanding[question.nonce]

    def subject_of(self, nonce: str) -> Question:
        """Return the subscription that was asked to be proven.

        Raises:
            Problem: INVALID_PAYLOAD, that has not been asked, or is over.
        """
        question = self._find(nonce)
        if question.subscription is None:
            raise _not_asked()
        return question

    def prove(self, question: Question) -> None:
        """Take the proof of a subscription, which has been checked."""
        self._outstanding.pop(question.nonce, None)

    def _find(self, nonce: str) -> Question:
        found = next((each for each in self._outstanding if equal(each, nonce)), None)
        if found is None:
            raise _not_asked()
        return self._outstanding[found]

    async def _run(self) -> None:
        try:
            while True:
                await self._clock.sleep_until(self._clock.monotonic() + self._challenge.every)
                if self._connection.acting.is_anonymous:
                    return
                self._ask()
                await self._clock.sleep_until(self._clock.monotonic() + self._challenge.within)
                self._judge()
        finally:
            self._is_running = False

    def _ask(self) -> None:
        expires_at = self._clock.now() + self._challenge.within
        questions = [Question(random_token(18), expires_at)]
        questions += [
            Question(random_token(18), expires_at, name, path, given) for name, (path, given) in self.tickets.items()
        ]
        for question in questions:
            self._outstanding[question.nonce] = question
            self._told.write(question)

    def _judge(self) -> None:
        unanswered, self._outstanding = self._outstanding, {}
        for question in unanswered.values():
            if question.subscription is None:
                if not self._connection.acting.is_anonymous:
                    self._connection.expel(Problem(Code.AUTH_TIMEOUT, "The challenge was not answered in time."))
            elif question.subscription in self.tickets:
                reason = "The subscription was not proven in time."
                self._connection.end_watch(question.subscription, forbidden(reason))


def _not_asked() -> Problem:
    return Problem(Code.INVALID_PAYLOAD, "That has not been asked, or is over.", field="nonce")
