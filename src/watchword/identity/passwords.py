"""Passwords: argon2id in worker threads, in bounded numbers, with the same work for a user who does not exist."""

from __future__ import annotations

import os
import secrets
from base64 import b64encode
from contextlib import contextmanager, suppress
from functools import cache, partial
from importlib import resources
from typing import TYPE_CHECKING, TypeVar

import anyio
import anyio.to_thread
import argon2
from argon2.exceptions import InvalidHashError, VerificationError

from watchword.base.errors import Code, Problem, failed_validation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

T = TypeVar("T")

MIN_CHARACTERS = 8
MAX_BYTES = 1024

_MEMORY_KIB = 19 * 1024
_PASSES = 2
_LANES = 1
_MOST = {"memory_cost": 64 * 1024, "time_cost": 4, "parallelism": 4, "hash_len": 64}
_RETRY_AFTER = 1
_GIVEN = 8  # texts of clients that are hashed or wait for it, whoever sent them
_LEAST_CONTEXT = 4  # shorter context words are too common in good passwords


class Passwords:
    """Hashes and verifies passwords on at most `workers` threads, with at most `queue` callers waiting for one.

    The event loop is never blocked, and memory stays below `workers` times 19 MiB. Whoever finds the queue full is
    refused with SERVICE_UNAVAILABLE at once. `verifications` counts the hashes that were computed to verify a password.
    """

    def __init__(self, workers: int | None = None, queue: int = 64) -> None:
        self._hasher = argon2.PasswordHasher(time_cost=_PASSES, memory_cost=_MEMORY_KIB, parallelism=_LANES)
        self._threads = anyio.CapacityLimiter(workers or min(2, os.cpu_count() or 1))
        self._capacity = int(self._threads.total_tokens) + queue
        self._pending = self._given = 0
        self._open = True
        self._nobody = _hash_of_nobody()
        self.verifications = 0

    async def hash(self, password: str) -> str:
        """Return what is stored of a password.

        Raises:
            Problem: FAILED_VALIDATION when it is longer than 1,024 bytes; SERVICE_UNAVAILABLE when the queue is full.
        """
        return await self._run(partial(self._hasher.hash, _capped(password)))

    async def verify(self, stored: str | None, password: str) -> bool:
        """Tell whether the password is the one that `stored` was made of.

        Costs the same when there is nothing to compare with (`stored` None), when the password is too long, and when
        it is wrong: one hash of our own parameters.

        Raises:
            Problem: SERVICE_UNAVAILABLE when the queue is full.
        """
        data = _bytes(password)
        if len(data) > MAX_BYTES:
            stored, data = None, data[:MAX_BYTES]
        matches = await self._run(partial(self._verify, stored, data))
        self.verifications += 1
        return matches

    async def hash_given(self, text: str) -> str:
        """Hash a text for a client's own purposes.

        Raises:
            Problem: SERVICE_UNAVAILABLE when clients have given too much to do already: logins come first.
        """
        with self._giving():
            return await self.hash(text)

    async def verify_given(self, given: str, text: str) -> bool:
        """Tell whether a hash that a client gives was made of a text; never of one that is costly beyond measure.

        Raises:
            Problem: as `hash_given`.
        """
        with self._giving():
            return await self.verify(given if _is_bounded(given) else None, text)

    def needs_rehash(self, stored: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(stored)

    def check_new(self, password: str, context: Iterable[str] = ()) -> None:
        """Refuse a password that is too short, too long, very common, or little more than a word of its context.

        `context` holds the user's e-mail address and names, the name of the site, and the like.

        Raises:
            Problem: FAILED_VALIDATION of the field `password`.
        """
        if len(password) < MIN_CHARACTERS:
            raise _refused("min_length", f"It must have at least {MIN_CHARACTERS} characters.")
        _capped(password)
        folded = password.casefold()
        if folded in _common():
            raise _refused("common", "It is one of the most used passwords.")
        if any(_is_little_more_than(folded, word) for word in _words(context)):
            raise _refused("context", "It is too close to a name that others know.")

    async def shutdown(self) -> None:
        """Refuse new work and return when the work under way is done."""
        if not self._open:
            return
        self._open = False
        for _ in range(int(self._threads.total_tokens)):
            await self._threads.acquire_on_behalf_of(object())

    @contextmanager
    def _giving(self) -> Iterator[None]:
        if self._given >= _GIVEN:
            raise _busy()
        self._given += 1
        try:
            yield
        finally:
            self._given -= 1

    async def _run(self, work: Callable[[], T]) -> T:
        if not self._open or self._pending >= self._capacity:
            raise _busy()
        self._pending += 1
        try:
            return await anyio.to_thread.run_sync(work, limiter=self._threads)
        finally:
            self._pending -= 1

    def _verify(self, stored: str | None, data: bytes) -> bool:
        try:
            matches = self._hasher.verify(stored or self._nobody, data)
        except (InvalidHashError, UnicodeEncodeError):
            return self._verify_nobody(data)
        except VerificationError:
            return False
        return matches and stored is not None

    def _verify_nobody(self, data: bytes) -> bool:
        with suppress(VerificationError):
            self._hasher.verify(self._nobody, data)
        return False


def _busy() -> Problem:
    return Problem(Code.SERVICE_UNAVAILABLE, service="passwords", retry_after=_RETRY_AFTER)


def _hash_of_nobody() -> str:
    """Return a hash that no password has, without making one. To verify against it costs what a real one costs."""
    salt, digest = (b64encode(secrets.token_bytes(size)).decode().rstrip("=") for size in (16, 32))
    return f"$argon2id$v=19$m={_MEMORY_KIB},t={_PASSES},p={_LANES}${salt}${digest}"


def _is_bounded(given: str) -> bool:
    """Whether a hash asks for no more than common parameters do: it says itself how much work it takes."""
    try:
        parameters = argon2.extract_parameters(given)
    except ValueError:
        return False
    return all(getattr(parameters, name) <= most for name, most in _MOST.items())


@cache
def _common() -> frozenset[str]:
    text = resources.files(__package__).joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))


def _bytes(password: str) -> bytes:
    return password.encode("utf-8", "surrogatepass")


def _capped(password: str) -> bytes:
    data = _bytes(password)
    if len(data) > MAX_BYTES:
        raise _refused("max_length", f"It must not be longer than {MAX_BYTES} bytes.")
    return data


def _words(context: Iterable[str]) -> Iterable[str]:
    for word in context:
        folded = word.casefold()
        yield folded
        local, at, domain = folded.partition("@")
        if at:
            yield local
            yield domain


def _is_little_more_than(password: str, word: str) -> bool:
    return len(word) >= _LEAST_CONTEXT and word in password and len(password) - len(word) < _LEAST_CONTEXT


def _refused(kind: str, text: str) -> Problem:
    return failed_validation("password", kind, text)
