"""What a client holds that follows titles over many connections, and what must be true of every frame that it gets."""

from __future__ import annotations

from typing import Any


def offset(position: str | None) -> int:
    """Return the place in the log that a position tells; the beginning without one."""
    return int((position or ":0").partition(":")[2])


class Holding:
    """`held` are titles by key; `position` is where the client comes back to. No title is given to a row twice."""

    def __init__(self) -> None:
        self.position: str | None = None
        self.held: dict[str, str] = {}
        self._told: set[tuple[str, str]] = set()

    @property
    def since(self) -> dict[str, str]:
        """What a subscription says of what is held already."""
        return {} if self.position is None else {"since": self.position}

    def begin(self, answer: dict[str, Any]) -> None:
        """Take the answer to a subscription: who comes back gets no data, and is not told that it is lost."""
        assert (answer["event"], answer.get("error")) == ("init", None), answer
        assert ("data" in answer) == (self.position is None)
        self.position = answer["position"]

    def take(self, frame: dict[str, Any]) -> None:
        """Take an event."""
        former, self.position = offset(self.position), frame["position"]
        assert former <= offset(frame["position"])
        for each in frame["data"]:
            if frame["event"] == "delete":
                del self.held[each]  # nobody is told twice, or of what was never there
                continue
            key, title = str(each["id"]), each["title"]
            assert (key in self.held) == (frame["event"] == "update")
            assert (key, title) not in self._told
            self._told.add((key, title))
            self.held[key] = title
