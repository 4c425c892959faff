"""A shared task board: people log in, see the same tasks, and see at once what the others do with them.

Run it with `uvicorn server:site`. `site` serves the built front end and, below it, `app`, which is all of the server.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Annotated, Any, Literal

import anyio
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from watchword import Call, Code, ItemsEvent, Problem, Router, Tracked, Watchword, tracked

DATABASE = Path("board.db")
BUILT = Path(__file__).parent / "web" / "dist"

TEAM = "Team"
PEOPLE = {  # who is there when the board is new; the first one administers the server
    "ann@example.com": ("Ann", "the lamp is lit"),
    "bob@example.com": ("Bob", "the tide is out"),
    "cleo@example.com": ("Cleo", "the wind is west"),
}
ADMIN = next(iter(PEOPLE))

TABLE = """
CREATE TABLE IF NOT EXISTS tasks (
    id INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT 'todo' CHECK (state IN ('todo', 'doing', 'done')),
    owner TEXT NOT NULL,
    author TEXT NOT NULL
)
"""

RIGHTS: list[dict[str, Any]] = [  # of the team; whoever administers has every right
    {"action": "read", "fields": ["*"]},
    {"action": "create", "fields": ["title"]},
    {"action": "update", "fields": ["state"]},
    {"action": "delete", "permissions": {"owner": {"_eq": "$CURRENT_USER"}}},
]

State = Literal["todo", "doing", "done"]
Title = Annotated[str, msgspec.Meta(max_length=120, pattern=r"^\S")]


class Person(msgspec.Struct):
    """Somebody who is logged in."""

    id: str
    name: str
    admin: bool


class Task(msgspec.Struct):
    """A card on the board. `owner` is the id of whoever has added it, `author` the name."""

    id: int
    title: str
    state: State
    owner: str
    author: str


class Board(msgspec.Struct, tag="board", tag_field="kind"):
    """All there is, to begin with."""

    tasks: list[Task]


class Changed(msgspec.Struct, tag="changed", tag_field="kind"):
    """A task that is new, or is as it was not before."""

    task: Task


class Removed(msgspec.Struct, tag="removed", tag_field="kind"):
    """A task that is no longer there."""

    id: int


app = Watchword(database_url=f"sqlite:///{DATABASE.absolute()}", admin_email=ADMIN, admin_password=PEOPLE[ADMIN][1])
app.trpc("/trpc", mode="handshake")
app.channel("board", subscribe=False, history=1_000)  # heard only through `tasks.changes`
app.channel("here", subscribe=False)

tasks = Router(roles=[TEAM])
app.include("tasks", tasks)
telling = anyio.Lock()
present: Counter[str] = Counter()


@app.query(authenticated=True)
async def me(call: Call) -> Person:
    """Say who the caller is."""
    return await person_of(call)


@app.subscription(authenticated=True)
async def here(call: Call) -> AsyncGenerator[list[str], None]:
    """Tell who has the board open, now and whenever that changes."""
    name = (await person_of(call)).name
    heard = aiter(app.exchange.subscribe("here"))
    present[name] += 1
    app.exchange.transmit_publish("here")
    try:
        yield sorted(+present)
        async for _ in heard:
            yield sorted(+present)
    finally:
        present[name] -= 1
        app.exchange.transmit_publish("here")


@tasks.query(name="list")
async def list_tasks(call: Call) -> list[Task]:
    """Return all tasks that the caller may see, in the order in which they were added."""
    return msgspec.convert(await call.items.read("tasks", sort=["id"], limit=-1), list[Task])


@tasks.mutation
async def add(call: Call, title: Title) -> Task:
    """Add a task, as something to do."""
    return msgspec.convert(await call.items.create("tasks", {"title": title}), Task)


@tasks.mutation
async def move(call: Call, task: int, state: State) -> Task:
    """Move a task to another column. Everybody in the team may."""
    return msgspec.convert(await call.items.update("tasks", task, {"state": state}), Task)


@tasks.mutation
async def remove(call: Call, task: int) -> None:
    """Remove a task. Only who has added it may, and administrators."""
    await call.items.delete("tasks", task)


@tasks.subscription
async def changes(
    call: Call, last_event_id: str | None = None
) -> AsyncGenerator[Tracked[Board | Changed | Removed], None]:
    """Tell all tasks and then what changes; a client that comes back is told what it has missed."""
    heard, position = aiter(app.exchange.subscribe("board")), last_event_id
    while True:
        missed = said_since(position)
        if missed is None:
            position = app.exchange.position("board")
            yield tracked(position, Board(await list_tasks(call)))
            continue
        for position, data in missed:
            yield tracked(position, msgspec.convert(data, Changed | Removed))
        await anext(heard)


@app.before("tasks", "create")
async def sign(call: Call, event: ItemsEvent) -> None:
    """Write down who adds a task: rights say that nobody can claim to be somebody else."""
    person = await person_of(call)
    event.payload |= {"owner": person.id, "author": person.name}


@app.after("tasks")
async def tell(call: Call, event: ItemsEvent) -> None:
    """Tell everybody what has become of tasks, whichever road the write came by."""
    async with telling:  # or what was read before another change could be told after it
        rows = await call.system.read("tasks", filter={"id": {"_in": list(event.keys)}}, limit=-1)
        for row in rows:
            app.exchange.transmit_publish("board", {"kind": "changed", "task": row})
        for key in {*event.keys} - {row["id"] for row in rows}:
            app.exchange.transmit_publish("board", {"kind": "removed", "id": key})


async def person_of(call: Call) -> Person:
    """Return who calls."""
    user = call.principal.user
    if user is None:
        raise Problem(Code.INVALID_CREDENTIALS)
    row = await call.system.read_one("directus_users", user, fields=["first_name"])
    return Person(user, row["first_name"] or "Somebody", call.principal.admin)


def said_since(position: str | None) -> list[tuple[str, Any]] | None:
    """Return what has been told since a position, each with its own; None when that is not known any more."""
    if position is None:
        return None
    try:
        return [(app.exchange.mark(each), each.data) for each in app.exchange.history("board", since=position)]
    except Problem:
        return None


async def prepare() -> None:
    """Hire the people and give the team its rights, where that has not been done."""
    if await app.items.read("directus_roles", filter={"name": {"_eq": TEAM}}):
        return
    rights = [{"collection": "tasks", **right} for right in RIGHTS]
    users = [
        {"email": email, "password": password, "first_name": name}
        for email, (name, password) in PEOPLE.items()
        if email != ADMIN
    ]
    policies = [{"policy": {"name": "The board", "permissions": rights}}]
    await app.items.create("directus_roles", {"name": TEAM, "policies": policies, "users": users})
    (admin,) = await app.items.read("directus_users", filter={"email": {"_eq": ADMIN}})
    await app.items.update("directus_users", admin["id"], {"first_name": PEOPLE[ADMIN][0]})


@asynccontextmanager
async def lifespan(site: Starlette) -> AsyncIterator[None]:
    """Run the server for as long as the site runs: what is mounted does not hear of the start by itself."""
    with closing(sqlite3.connect(DATABASE)) as connection:
        connection.execute(TABLE)
    async with app.lifespan(site):
        await prepare()
        yield


async def page(_: Request) -> FileResponse:
    """Answer with the front end."""
    return FileResponse(BUILT / "index.html")


site = Starlette(
    routes=[
        Route("/", page),
        Mount("/assets", StaticFiles(directory=BUILT / "assets", check_dir=False)),
        Mount("/", app),
    ],
    lifespan=lifespan,
)
