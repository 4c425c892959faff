"""An application in Python for tests of `@trpc/client`: `python application.py DATABASE_URL --host … --port …`.

Its people come with passes that say who they are and until when. Each mount has options of its own.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from typing import Any

from msgspec import Struct

from watchword import (
    ByteStream,
    Call,
    Client,
    Code,
    FormData,
    Identified,
    Problem,
    Router,
    Tracked,
    Watchword,
    tracked,
)
from watchword.app.logs import configure_logs
from watchword.app.serve import serve
from watchword.backend.challenges import Challenge
from watchword.backend.limits import SocketLimits
from watchword.backend.pace import KeepAlive
from watchword.connection.policy import Mode
from watchword.dialects.trpc.wire import BuiltIns
from watchword.http.settings import CorsSettings
from watchword.http.trpc.options import EventOptions

SECRET = "what is in the database's password"
_database, _host, _port = sys.argv[1], sys.argv[3], int(sys.argv[5])
app = Watchword(database_url=_database, host=_host, port=_port)
other = Router()

app.trpc()
app.trpc("/override", method_override=True)
app.trpc("/alone", batching=False)
app.trpc("/narrow", max_batch=3, calls=3, subscriptions=2, frame=2_000, first_frame=500, max_body=3_000)
app.trpc("/handshake", mode=Mode.HANDSHAKE, auth_timeout=1.0)
app.trpc("/strict", mode=Mode.STRICT, auth_timeout=1.0)
app.trpc("/hasty", auth_timeout=0.3)
app.trpc("/final", renew=None)
app.trpc("/alive", keep_alive=KeepAlive(0.15, 1.0))
app.trpc("/few", sockets=SocketLimits(sockets=1))
app.trpc("/events", events=EventOptions(ping=0.1, reconnect_after=5.0))
app.trpc("/short", events=EventOptions(max_duration=0.4))
app.trpc("/once", events=EventOptions(end_after_first=True))
app.trpc("/challenge", challenge=Challenge(every=0.5, within=1.0))
app.trpc(
    "/cors",
    cors=CorsSettings(
        enabled=True,
        origins=("https://app.example.com",),
        methods=("GET", "POST", "OPTIONS"),
        allowed_headers=("content-type", "authorization", "trpc-accept"),
    ),
)
app.trpc(
    "/other",
    other,
    built_ins=BuiltIns(
        authenticate="auth.present", refresh=None, challenges=None, ticket="auth.ticket", changes="rows", messages=None
    ),
)

app.channel("board", publish=False, history=50)
app.channel("desk/{name}", subscribe="authenticated", history=5)


# -- what the scripts wait for ----------------------------------------------------------------------------------------


class Bulletins:
    """Values by topic, which stay, and how often something has happened, by key."""

    def __init__(self) -> None:
        self.values: dict[str, list[Any]] = {}
        self.counts: dict[str, int] = {}
        self.listeners: dict[str, int] = {}
        self._changed = asyncio.Condition()

    async def add(self, topic: str, value: Any) -> int:
        """Add a value and return its number, from 1."""
        self.values.setdefault(topic, []).append(value)
        await self._notify()
        return len(self.values[topic])

    async def follow(self, topic: str, after: int) -> AsyncIterator[tuple[int, Any]]:
        """Yield the values of a topic after a number, with their numbers."""
        self.listeners[topic] = self.listeners.get(topic, 0) + 1
        await self._notify()
        try:
            while True:
                values = self.values.get(topic, [])
                for number in range(after, len(values)):
                    after = number + 1
                    yield after, values[number]
                await self._until_more(topic, after)
        finally:
            self.listeners[topic] -= 1
            await self.count(f"left {topic}")

    async def _until_more(self, topic: str, than: int) -> None:
        async with self._changed:
            await self._changed.wait_for(lambda: len(self.values.get(topic, [])) > than)

    async def count(self, key: str) -> None:
        """Count that something has happened."""
        self.counts[key] = self.counts.get(key, 0) + 1
        await self._notify()

    async def until(self, key: str, times: int) -> int:
        """Return how often something has happened, once that is so often."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.counts.get(key, 0) >= times)
        return self.counts[key]

    async def heard(self, topic: str, times: int) -> int:
        """Return how many follow a topic, once that are so many."""
        async with self._changed:
            await self._changed.wait_for(lambda: self.listeners.get(topic, 0) == times)
        return times

    async def _notify(self) -> None:
        async with self._changed:
            self._changed.notify_all()


bulletins = Bulletins()


@app.query
async def happened(call: Call, key: str, times: int = 1) -> int:
    """Wait until something has happened so often."""
    return await bulletins.until(key, times)


@app.query
async def so_far(call: Call, key: str) -> int:
    """Return how often something has happened."""
    return bulletins.counts.get(key, 0)


@app.query
async def listeners(call: Call, topic: str, times: int) -> int:
    """Wait until so many follow a topic."""
    return await bulletins.heard(topic, times)


@app.mutation
async def say(call: Call, topic: str, value: Any) -> int:
    """Add a value to a topic."""
    return await bulletins.add(topic, value)


@app.mutation
async def let(call: Call, key: str) -> None:
    """Say that something has happened."""
    await bulletins.count(key)


# -- calls ------------------------------------------------------------------------------------------------------------


@app.query
async def add(call: Call, left: int, right: int) -> int:
    """Return a sum."""
    return left + right


@app.query
async def echo(call: Call, value: Any, /) -> Any:
    """Return the input."""
    return value


@app.mutation
async def mirror(call: Call, value: Any, /) -> Any:
    """Return the input, by a mutation."""
    return value


@app.query
async def nothing(call: Call) -> None:
    """Return nothing."""


@app.query
async def hold(call: Call, key: str) -> str:
    """Wait until the key is let; count how it has ended."""
    await bulletins.count(f"begun {key}")
    try:
        await bulletins.until(f"let {key}", 1)
    except asyncio.CancelledError:
        await asyncio.shield(asyncio.ensure_future(bulletins.count(f"cancelled {key}")))
        raise
    await bulletins.count(f"done {key}")
    return key


@app.query
async def whoami(call: Call) -> dict[str, Any]:
    """Return who calls, and what its connection has brought."""
    return {
        "name": call.principal.named,
        "isAnonymous": call.principal.is_anonymous,
        "params": sorted(call.connection.params),
        "dialect": call.dialect,
    }


@app.procedures.query(authenticated=True)
async def me(call: Call) -> str | None:
    """Return who calls, whom nobody may be."""
    return call.principal.named


@app.procedures.mutation(roles=("desk",))
async def desk_only(call: Call) -> str:
    """Do what only the desk may."""
    return "done"


@app.procedures.query(scopes=("read",))
async def scoped(call: Call) -> str:
    """Return what needs a scope."""
    return "read"


def _raise(code: str, name: str | None, **more: Any) -> None:
    extensions = more if name is None else {"name": name, **more}
    raise Problem(Code(code), f"It is {code}", **extensions)


@app.query
async def fail(call: Call, code: str, name: str | None = None) -> None:
    """Raise a problem of a code, under a name."""
    _raise(code, name, day=7)


@app.mutation
async def fail_too(call: Call, code: str, name: str | None = None) -> None:
    """Raise a problem of a code, by a mutation."""
    _raise(code, name)


@app.query
async def crash(call: Call) -> None:
    """Have a bug."""
    raise RuntimeError(SECRET)


@app.query
async def misfit(call: Call) -> int:
    """Return what is not annotated."""
    found: Any = SECRET
    return found  # type: ignore[no-any-return]  # which is what is wrong with it


class Address(Struct):
    """Where somebody lives."""

    street: str
    number: int


class Person(Struct):
    """Somebody."""

    name: str
    address: Address


@app.mutation
async def register(call: Call, person: Person) -> Person:
    """Return a person who is one."""
    return person


@app.mutation
async def form(call: Call, data: FormData) -> dict[str, Any]:
    """Return what a form has brought."""
    file = data.file("file")
    shown = None if file is None else [file.name, file.media_type, file.content.decode()]
    return {"texts": dict(data.texts), "file": shown, "tags": data.all("tag")}


@app.mutation
async def stream_in(call: Call, data: ByteStream) -> dict[str, int]:
    """Return how many bytes have come, and their sum."""
    size = total = 0
    async for chunk in data:
        size += len(chunk)
        total += sum(chunk)
    return {"size": size, "total": total}


# -- results that come bit by bit --------------------------------------------------------------------------------------


@app.query
async def count_up(call: Call, to: int, fails: bool = False) -> AsyncIterator[int]:
    """Return numbers one by one."""

    async def numbers() -> AsyncIterator[int]:
        for number in range(to):
            yield number
        if fails:
            raise Problem(Code.CONFLICT, "Halfway")

    return numbers()


@app.query
async def endless(call: Call, key: str) -> AsyncIterator[int]:
    """Return numbers without end, and count that they have ended."""

    async def numbers() -> AsyncIterator[int]:
        try:
            yield 0
            await asyncio.Event().wait()
        finally:
            await bulletins.count(f"ended {key}")

    return numbers()


@app.query
async def later(call: Call, key: str) -> dict[str, Any]:
    """Return some members now and others later."""

    async def slow() -> str:
        await bulletins.until(f"let {key}", 1)
        return "slow"

    async def broken() -> str:
        raise RuntimeError(SECRET)

    async def several() -> AsyncIterator[str]:
        yield "a"
        yield "b"

    return {"now": 1, "slow": slow(), "broken": broken(), "several": several()}


# -- subscriptions ----------------------------------------------------------------------------------------------------


@app.subscription
async def countdown(call: Call, start: int) -> AsyncIterator[int]:
    """Count down to 1 and end."""
    for number in range(start, 0, -1):
        yield number


def _number(last_event_id: str | None) -> int:
    if last_event_id is None:
        return 0
    if not last_event_id.isdecimal():
        raise Problem(Code.INVALID_PAYLOAD, "There is no such id", field="lastEventId")
    return int(last_event_id)


@app.subscription
async def feed(call: Call, topic: str, last_event_id: str | None = None) -> AsyncIterator[Tracked[Any]]:
    """Give the values of a topic under their numbers, after the last one that the client has got."""
    async for number, value in bulletins.follow(topic, _number(last_event_id)):
        yield tracked(str(number), value)


@app.subscription
async def news(call: Call, topic: str) -> AsyncIterator[Any]:
    """Give the values of a topic from now on, without ids."""
    async for _, value in bulletins.follow(topic, len(bulletins.values.get(topic, []))):
        yield value


@app.subscription
async def mixed(call: Call, last_event_id: str | None = None) -> AsyncIterator[Any]:
    """Give a value with an id, one without, and wait."""
    yield tracked(f"{'first' if last_event_id is None else _number(last_event_id)}+", "with")
    yield "without"
    await asyncio.Event().wait()


@app.subscription
async def quiet(call: Call) -> AsyncIterator[None]:
    """Give nothing."""
    await asyncio.Event().wait()
    yield


@app.subscription
async def stumble(call: Call, code: str | None = None, name: str | None = None) -> AsyncIterator[str]:
    """Give a value and fail, by a problem or by a bug."""
    yield "before"
    if code is None:
        raise RuntimeError(SECRET)
    _raise(code, name)


@app.subscription
async def linger(call: Call, key: str) -> AsyncIterator[str]:
    """Give a value, and take the time until the key is let to end."""
    try:
        yield "there"
        await asyncio.Event().wait()
    finally:
        await bulletins.count(f"ending {key}")
        await bulletins.until(f"let {key}", 1)
        await bulletins.count(f"ended {key}")


@app.procedures.subscription(authenticated=True)
async def protected(call: Call, topic: str) -> AsyncIterator[Any]:
    """Give the values of a topic to somebody."""
    async for _, value in bulletins.follow(topic, 0):
        yield value


@app.procedures.subscription(authenticated=True)
async def protected_feed(call: Call, topic: str, last_event_id: str | None = None) -> AsyncIterator[Tracked[Any]]:
    """Give the values of a topic to somebody, after the last one that the client has got."""
    async for number, value in bulletins.follow(topic, _number(last_event_id)):
        yield tracked(str(number), value)


@app.procedures.subscription(roles=("Reader", "desk"))
async def for_readers(call: Call, topic: str) -> AsyncIterator[Any]:
    """Give the values of a topic to those of a role."""
    async for _, value in bulletins.follow(topic, 0):
        yield value


@app.procedures.subscription(ticket=True)
async def ticketed(call: Call, topic: str) -> AsyncIterator[Any]:
    """Give the values of a topic to who has a ticket for it."""
    async for _, value in bulletins.follow(topic, 0):
        yield value


@app.procedures.subscription(ticket=True)
async def other_ticketed(call: Call, topic: str) -> AsyncIterator[Any]:
    """Give something else for a ticket."""
    yield topic


@app.mutation
async def own_ticket(call: Call, topic: str, expires_in: float = 60.0) -> str:
    """Give a ticket as an application does."""
    return call.issue_ticket("ticketed", {"topic": topic}, expires_in=expires_in)


@app.mutation
async def post(call: Call, channel: str, data: Any) -> None:
    """Publish as the server itself."""
    await call.exchange.publish(channel, data)


# -- people -----------------------------------------------------------------------------------------------------------


@app.authenticator("passes")
async def passes(token: str, client: Client) -> Identified | None:
    """Know people by their passes: `pass:NAME[:SECONDS SINCE 1970[:ROLE]]`."""
    if not token.startswith("pass:"):
        return None
    name, expires, role = (*token.split(":")[1:], "", "", "")[:3]
    await bulletins.count(f"pass {name}")
    if name == "void":
        raise Problem(Code.INVALID_TOKEN, "This pass is void")
    if expires and float(expires) <= time.time():
        raise Problem(Code.TOKEN_EXPIRED)
    roles = (role,) if role else ()
    scopes = {"reader": ("read", "more"), "writer": ("write",)}.get(name)
    return Identified(name, roles=roles, expires_at=float(expires) if expires else None, scopes=scopes)


@app.mutation
async def revoke(call: Call, user: str) -> None:
    """Take a user's passes away."""
    await app.revoke("passes", user=user)


# -- another router ---------------------------------------------------------------------------------------------------


@other.query
async def greet(call: Call, name: str) -> str:
    """Greet somebody."""
    return f"Good day, {name}"


@other.subscription(ticket=True)
async def letters(call: Call, word: str) -> AsyncIterator[str]:
    """Give the letters of a word."""
    for letter in word:
        yield letter


if __name__ == "__main__":
    configure_logs("info", "json")
    serve(app)
