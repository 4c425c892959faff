"""Answers of tRPC that come bit by bit, read by who has asked for them for as long as a socket would be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.support.application import PASSWORD, Application, application
from watchword import Call, Watchword

if TYPE_CHECKING:
    from anyio.abc import ObjectReceiveStream
    from starlette.types import Message, Scope


class Answer:
    """One streamed answer, as the server writes it."""

    def __init__(self, messages: ObjectReceiveStream[Message]) -> None:
        self._messages = messages
        self.leave = anyio.Event()

    async def until(self, text: bytes) -> None:
        """Read up to a line with a text."""
        with anyio.fail_after(10):
            while text not in (await self._messages.receive()).get("body", b""):
                pass

    async def end(self) -> None:
        """Read up to the end."""
        with anyio.fail_after(10):
            while (await self._messages.receive()).get("more_body", False):
                pass


def register(app: Watchword) -> None:
    app.trpc()

    @app.query(authenticated=True)
    async def mine(call: Call) -> AsyncIterator[str]:
        while True:
            yield f"of {call.principal.user}"
            await anyio.sleep(0.01)

    @app.query(roles=["editor"])
    async def edited() -> AsyncIterator[str]:
        while True:
            yield "of editors"
            await anyio.sleep(0.01)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    async with application(database_url, register=register) as running:
        yield running


@asynccontextmanager
async def asked(app: Application, path: str, token: str) -> AsyncIterator[Answer]:
    sent, messages = anyio.create_memory_object_stream[Any](10_000)
    answer = Answer(messages)
    first = [{"type": "http.request", "body": b"", "more_body": False}]

    async def receive() -> Message:
        if first:
            return first.pop()
        await answer.leave.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        await sent.send(message)

    headers = [(b"trpc-accept", b"application/jsonl"), (b"authorization", f"Bearer {token}".encode())]
    scope: Scope = {"type": "http", "method": "GET", "path": f"/trpc/{path}", "raw_path": f"/trpc/{path}".encode()}
    more: Scope = {"query_string": b"batch=1", "headers": headers, "client": ("127.0.0.1", 1), "scheme": "http"}
    async with anyio.create_task_group() as group:
        with sent, messages:
            group.start_soon(app.app, {**scope, **more}, receive, send)
            yield answer
            answer.leave.set()
            group.cancel_scope.cancel()


async def editor(app: Application, name: str) -> dict[str, Any]:
    role = (await app.admin("POST", "/roles", {"name": "editor"}))["id"]
    user = {"email": f"{name}@example.com", "password": PASSWORD, "role": role}
    made = await app.admin("POST", "/users", user)
    return {"id": made["id"], **await app.login(name)}


async def test_who_logs_out_reads_no_further_and_everybody_else_does(app: Application) -> None:
    ann, bob = await editor(app, "ann"), await editor(app, "bob")
    async with asked(app, "mine", ann["access_token"]) as of_ann, asked(app, "mine", bob["access_token"]) as of_bob:
        await of_ann.until(ann["id"].encode())
        await app.http.post("/auth/logout", json={"refresh_token": ann["refresh_token"]})
        await of_ann.end()
        for _ in range(20):
            await of_bob.until(bob["id"].encode())


async def test_who_is_suspended_reads_no_further(app: Application) -> None:
    ann = await editor(app, "ann")
    async with asked(app, "mine", ann["access_token"]) as answer:
        await answer.until(ann["id"].encode())
        await app.admin("PATCH", f"/users/{ann['id']}", {"status": "suspended"})
        await answer.end()


async def test_who_loses_the_role_reads_no_further(app: Application) -> None:
    ann = await editor(app, "ann")
    async with asked(app, "edited", ann["access_token"]) as answer, asked(app, "mine", ann["access_token"]) as other:
        await answer.until(b"of editors")
        await app.admin("PATCH", f"/users/{ann['id']}", {"role": None})
        await answer.end()
        for _ in range(20):
            await other.until(ann["id"].encode())


async def test_an_answer_ends_with_the_token_it_was_asked_for_with(database_url: str) -> None:
    async with application(database_url, register=register, ACCESS_TOKEN_TTL="1s") as app:
        ann = await editor(app, "ann")
        async with asked(app, "mine", ann["access_token"]) as answer:
            await answer.until(ann["id"].encode())
            await answer.end()
