"""Speaks with a server in words of a transcript, and compares what it says with what the transcript has."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import httpx
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from tests.clients.directus.frames import Step
from tests.support.newsroom import Newsroom
from tests.support.server import PATIENCE

Words = dict[str, Any]


class Socket:
    """One WebSocket, without any client's idea of what should be on it."""

    def __init__(self, connection: ClientConnection, words: Words) -> None:
        self._connection = connection
        self._words = words

    def say(self, frame: Any) -> None:
        """Send an object as JSON, a text as it is, or bytes."""
        filled = fill(frame, self._words)
        self._connection.send(filled if isinstance(filled, str | bytes) else json.dumps(filled))

    def hear(self) -> Any:
        """Return the next frame, or the code of the close."""
        try:
            return json.loads(self._connection.recv(PATIENCE))
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd is not None else None

    def expect(self, *frames: Any) -> None:
        """Compare the next frames with those of the transcript."""
        for frame in frames:
            heard = _without_position(_by_key(self.hear()))
            assert agrees(frame, heard, self._words), f"expected {fill(frame, self._words)}, heard {heard}"

    def converse(self, steps: list[Step], rest: httpx.Client | None = None) -> None:
        """Go through a conversation; a tuple is a request over HTTP, None waits."""
        for said, frames in steps:
            if isinstance(said, tuple):
                assert rest is not None
                ask(rest, said, self._words)
            elif said is not None:
                self.say(said)
            self.expect(*frames)


def _by_key(frame: Any) -> Any:
    """Order rows that one statement has changed: the database does not say in which order it changes them."""
    if isinstance(frame, dict) and frame.get("event") == "update" and isinstance(frame["data"], list):
        return frame | {"data": sorted(frame["data"], key=lambda row: str(row.get("id")))}
    return frame


def _without_position(frame: Any) -> Any:
    """Take away what the transcripts do not have: where a client may go on that comes back."""
    if not isinstance(frame, dict) or "position" not in frame:
        return frame
    assert frame["type"] in {"subscription", "ping"}
    return {name: value for name, value in frame.items() if name != "position"}


@contextmanager
def open_socket(
    room: Newsroom,
    words: Words,
    path: str = "/websocket",
    headers: Mapping[str, str] | None = None,
    subprotocols: Sequence[Subprotocol] | None = None,
) -> Iterator[Socket]:
    """Open a socket at a path.

    Raises:
        InvalidStatus: the upgrade was refused.
    """
    filled = {name: fill(value, words) for name, value in (headers or {}).items()}
    url = room.server.url.replace("http", "ws", 1) + fill(path, words)
    connection = connect(url, additional_headers=filled, subprotocols=subprotocols, open_timeout=PATIENCE, proxy=None)
    with connection:
        yield Socket(connection, words)


def upgrade(room: Newsroom, words: Words, path: str, headers: Mapping[str, str]) -> int:
    """Return the status that a request for a socket gets."""
    try:
        with open_socket(room, words, path, headers):
            return 101
    except InvalidStatus as refused:
        return refused.response.status_code


def ask(rest: httpx.Client, request: tuple[str, str, Any], words: Words) -> httpx.Response:
    """Send a request of a transcript."""
    method, path, body = request
    return rest.request(method, fill(path, words), json=fill(body, words) if body is not None else None)


def fill(value: Any, words: Words) -> Any:
    """Put what is known in the place of `<word>`; `<#word>` is the same as text."""
    if isinstance(value, dict):
        return {name: fill(member, words) for name, member in value.items()}
    if isinstance(value, list):
        return [fill(member, words) for member in value]
    if not isinstance(value, str) or "<" not in value:
        return value
    if value.startswith("<") and value.endswith(">") and value[1:-1] in words:
        return words[value[1:-1]]
    for name, word in words.items():
        value = value.replace(f"<{name}>", str(word)).replace(f"<#{name}>", str(word))
    return value


def agrees(expected: Any, actual: Any, words: Words) -> bool:
    """Whether what came is what was expected; a word that is not known yet is learned."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        return expected.keys() == actual.keys() and all(agrees(expected[name], actual[name], words) for name in actual)
    if isinstance(expected, list) and isinstance(actual, list):
        return len(expected) == len(actual) and all(map(agrees, expected, actual, [words] * len(actual)))
    filled = fill(expected, words)
    if isinstance(filled, str) and filled.startswith("<") and filled.endswith(">"):
        words[filled[1:-1]] = actual
        return actual is not None
    return type(filled) is type(actual) and filled == actual
