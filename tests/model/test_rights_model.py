"""Sockets, rights and changes in any order: nobody gets what they may not see, nobody keeps what they see no longer."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.application import Application, application, permission

if TYPE_CHECKING:
    from tests.support.sockets import ScriptedSocket

USERS = ("ann", "bob")
RULES: dict[str, Any] = {
    "all": {},
    "published": {"status": {"_eq": "published"}},
    "own": {"owner": {"_eq": "$CURRENT_USER"}},
    "named": {"author": {"name": {"_eq": "Ann"}}},
}
FIELDS = ("id", "id,title", "id,title,status")

ROWS = st.fixed_dictionaries(
    {
        "title": st.sampled_from(["x", "y"]),
        "status": st.sampled_from(["draft", "published"]),
        "owner": st.sampled_from([*USERS, None]),
        "author": st.sampled_from([1, 2, None]),
    }
)
IDS = st.integers(1, 3)
STEPS = st.one_of(
    st.tuples(st.just("put"), IDS, ROWS),
    st.tuples(st.just("delete"), IDS),
    st.tuples(st.just("grant"), st.sampled_from(USERS), st.sampled_from(sorted(RULES)), st.sampled_from(FIELDS)),
    st.tuples(st.just("forbid"), st.sampled_from(USERS)),
    st.tuples(st.just("become"), st.integers(0, 1), st.sampled_from(USERS)),
)


class World:
    """What should be true, kept beside what the server tells."""

    def __init__(self, app: Application, ids: dict[str, str], policies: dict[str, str]) -> None:
        self.app = app
        self.ids = ids
        self.policies = policies
        self.rows: dict[int, dict[str, Any]] = {}
        self.rights: dict[str, tuple[str, str] | None] = dict.fromkeys(USERS)
        self.before: dict[int, dict[str, Any]] = {}
        self.former: dict[str, tuple[str, str] | None] = {}
        self.granted: dict[str, Any] = {}
        self.acting = ["ann", "bob"]
        self.follows = [False, False]
        self.held: list[dict[str, dict[str, Any]]] = [{}, {}]

    def sees(self, user: str, row: dict[str, Any]) -> bool:
        return self.shows(self.rights[user], user, row)

    def may_know(self, user: str, key: int) -> bool:
        """Whether a row was in sight before the last step, or is; what comes into it by rights is not told at once."""
        rows = [row for row in (self.rows.get(key), self.before.get(key)) if row is not None]
        return any(self.shows(rule, user, row) for rule in (self.rights[user], self.former.get(user)) for row in rows)

    def shows(self, rule: tuple[str, str] | None, user: str, row: dict[str, Any]) -> bool:
        if rule is None:
            return False
        truths = {
            "all": True,
            "published": row["status"] == "published",
            "own": row["owner"] == user,
            "named": row["author"] == 1,
        }
        return bool(truths[rule[0]])

    async def do(self, sockets: list[ScriptedSocket], step: tuple[Any, ...]) -> None:
        self.before, self.former = dict(self.rows), dict(self.rights)
        match step:
            case ("put", key, row):
                stored = row | {"owner": self.ids.get(row["owner"])}
                if key in self.rows:
                    await self.app.admin("PATCH", f"/items/articles/{key}", stored)
                else:
                    await self.app.admin("POST", "/items/articles", stored | {"id": key})
                self.rows[key] = row
            case ("delete", key) if key in self.rows:
                await self.app.admin("DELETE", f"/items/articles/{key}")
                del self.rows[key]
            case ("grant", user, rule, fields):
                body = permission("read", rows=RULES[rule], fields=fields) | {"policy": self.policies[user]}
                if user in self.granted:
                    await self.app.admin("PATCH", f"/permissions/{self.granted[user]}", body)
                else:
                    self.granted[user] = (await self.app.admin("POST", "/permissions", body))["id"]
                self.rights[user] = (rule, fields)
            case ("forbid", user):
                await self.forbid(user)
            case ("become", index, user):
                assert (await self.ask(index, sockets, {"type": "auth", "access_token": f"{user}-static-token"}))[
                    "status"
                ] == "ok"
                if self.acting[index] != user:
                    self.held[index].clear()  # another user's rows are no concern of this one
                self.acting[index] = user
            case _:
                pass

    async def forbid(self, user: str) -> None:
        if user in self.granted:
            self.rights[user] = None
            await self.app.admin("DELETE", f"/permissions/{self.granted.pop(user)}")

    async def ask(self, index: int, sockets: list[ScriptedSocket], message: dict[str, Any]) -> dict[str, Any]:
        """Ask, and take in what is told before the answer."""
        await sockets[index].say(message)
        while True:
            frame: dict[str, Any] = await sockets[index].receive()
            if frame["type"] == "auth":
                return frame
            self.take(index, frame, check=False)

    async def listen(self, sockets: list[ScriptedSocket]) -> None:
        await self.app.app.parts.feed.settle()
        for index, socket in enumerate(sockets):
            while (frame := await socket.next_within(0.03)) is not None:
                self.take(index, frame, check=True)
            user = self.acting[index]
            for key in self.held[index]:
                assert int(key) in self.rows, "a row is gone and was not told"
                assert self.sees(user, self.rows[int(key)]), "a row left the sight and was not told"
            if not self.follows[index] and self.rights[user] is not None:
                await socket.say({"type": "subscribe", "collection": "articles", "uid": "s"})
                frame = await socket.receive()
                assert frame["event"] == "init", frame
                self.follows[index] = True
                self.held[index].clear()
                self.take(index, frame, check=True)
                visible = {str(key) for key, row in self.rows.items() if self.sees(user, row)}
                assert set(self.held[index]) == visible

    def take(self, index: int, frame: dict[str, Any], *, check: bool) -> None:
        held, user = self.held[index], self.acting[index]
        if frame.get("error") is not None:
            assert frame["event"] == "unsubscribe"
            assert self.rights[user] is None or not check
            self.follows[index] = False
            held.clear()
            return
        if frame["event"] == "delete":
            for key in frame["data"]:
                assert key in held or self.may_know(user, int(key)), "a key was told that was never in sight"
                held.pop(key, None)
            return
        for row in frame["data"]:
            held[str(row["id"])] = row
            rule = self.rights[user]
            if check:
                assert rule is not None
                assert set(row) == set(rule[1].split(","))
                assert self.sees(user, self.rows[row["id"]])


async def play(steps: list[tuple[Any, ...]], folder: Path) -> None:
    async with application(f"sqlite:///{folder / 'model.db'}") as app:
        await app.admin("POST", "/items/authors", [{"id": 1, "name": "Ann"}, {"id": 2, "name": "Bob"}])
        ids, policies = {}, {}
        for user in USERS:
            ids[user] = await app.user(user, [permission("read", "authors")])
            found = await app.admin("GET", "/policies")
            policies[user] = next(each["id"] for each in found if each["name"] == user)
        world = World(app, ids, policies)
        async with app.authenticated("ann-static-token") as ann, app.authenticated("bob-static-token") as bob:
            sockets = [ann, bob]
            await world.listen(sockets)
            for step in steps:
                await world.do(sockets, step)
                await world.listen(sockets)


@pytest.mark.timeout(180)
@settings(max_examples=8, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(STEPS, min_size=3, max_size=12))
def test_nobody_gets_or_keeps_what_they_may_not_see(steps: list[tuple[Any, ...]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        anyio.run(play, steps, Path(folder))
