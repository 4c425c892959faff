"""The conversation of one who follows the server's log, as Directus has it, frame by frame. We differ in nothing."""

from __future__ import annotations

from tests.clients.directus.frames import PING, Frame, Step, error
from tests.clients.directus.transcripts import UNPARSED

UPGRADES = {"no token": "", "token of a reader": "?access_token=<reader>", "unknown token": "?access_token=nope"}

WITHOUT_LEVEL = (
    'Validation error: Invalid input: expected string, received undefined at "log_level" '
    'or Invalid input: expected "unsubscribe" at "type"'
)
READ = ("GET", "/items/articles?limit=1", None)
LOST = ("GET", "/nope", None)


def following(level: str) -> Frame:
    """The confirmation; it has no `uid`."""
    return {"type": "logs", "event": "subscribe", "log_level": level}


def record(number: int) -> Frame:
    """A record of a request; the `uid` is that of the node."""
    return {
        "type": "logs",
        "data": {"level": 30, "time": f"<time {number}>", "msg": f"<text {number}>"},
        "uid": "<node>",
    }


LOGS: list[Step] = [
    ({"type": "subscribe", "log_level": "info", "uid": "l1"}, [following("info")]),
    (READ, [record(1)]),
    (LOST, [record(2)]),
    (
        {"type": "subscribe", "log_level": "nope"},
        [error("logs", "INVALID_PAYLOAD", 'Invalid "nope" log level')],
    ),
    ({"type": "subscribe"}, [error("logs", "INVALID_PAYLOAD", WITHOUT_LEVEL)]),
    (PING, []),
    ({"type": "subscribe", "log_level": "error"}, [following("error")]),
    (READ, []),
    ({"type": "unsubscribe"}, [{"type": "logs", "event": "unsubscribe"}]),
    ({"type": "foo"}, []),
    ("xx", [UNPARSED]),
]
