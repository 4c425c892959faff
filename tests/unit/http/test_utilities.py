from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.application import ADMIN as ADMINISTRATOR
from tests.support.application import Application, application, permission
from tests.unit.http.conftest import ADMIN, EDITOR, NOBODY, READER

TASKS = "CREATE TABLE tasks (id INTEGER PRIMARY KEY, name VARCHAR(20), sort INTEGER);"
KIM = {"Authorization": "Bearer kim-static-token"}
LEE = {"Authorization": "Bearer lee-static-token"}


@pytest.mark.parametrize(("query", "length"), [("", 32), ("?length=1", 1), ("?length=500", 500)])
async def test_random_texts_have_the_length_that_is_asked_for(
    client: httpx.AsyncClient, query: str, length: int
) -> None:
    texts = {(await client.get(f"/utils/random/string{query}", headers=NOBODY)).json()["data"] for _ in range(8)}

    assert all(re.fullmatch(rf"[A-Za-z0-9_-]{{{length}}}", text) for text in texts)
    assert len(texts) > 1


@pytest.mark.parametrize("length", ["0", "501", "-1", "x", "1.5", "²", "9" * 5000])
async def test_random_text_of_any_other_length_is_refused(client: httpx.AsyncClient, length: str) -> None:
    answer = await client.get("/utils/random/string", params={"length": length})

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "INVALID_QUERY")


async def test_hashes_verify_what_they_were_made_of_and_nothing_else(client: httpx.AsyncClient) -> None:
    made = (await client.post("/utils/hash/generate", json={"string": "text"}, headers=READER)).json()["data"]

    async def verify(text: str, hashed: str) -> Any:
        body = {"string": text, "hash": hashed}
        return (await client.post("/utils/hash/verify", json=body, headers=READER)).json()["data"]

    assert made.startswith("$argon2id$")
    assert await verify("text", made) is True
    assert await verify("other", made) is False
    assert await verify("text", "no hash") is False
    assert await verify("text", "nö hash") is False
    assert await verify("text", made.replace("m=19456", "m=4000000").replace("t=2", "t=4000000")) is False
    assert await verify("text", "$argon2id$v=19$m=" + "9" * 900 + ",t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA") is False


@pytest.mark.parametrize("body", [{}, {"string": ""}, {"string": 1}, {"string": "x" * 2000}])
async def test_hash_needs_a_text(client: httpx.AsyncClient, body: dict[str, Any]) -> None:
    for path in ("generate", "verify"):
        assert (await client.post(f"/utils/hash/{path}", json=body, headers=EDITOR)).status_code == 400


async def test_hashing_is_not_for_everybody(client: httpx.AsyncClient) -> None:
    for path in ("generate", "verify"):
        assert (await client.post(f"/utils/hash/{path}", json={"string": "x"}, headers=NOBODY)).status_code == 403


async def test_memory_is_cleared_by_administrators_alone(client: httpx.AsyncClient) -> None:
    for path in ("/utils/cache/clear", "/utils/cache/clear?system"):
        assert (await client.post(path, headers=ADMIN)).status_code == 204
        for headers in (EDITOR, READER, NOBODY):
            assert (await client.post(path, headers=headers)).status_code == 403


@pytest.fixture
async def board(database_url: str) -> AsyncIterator[Application]:
    """Five tasks, the last of which has no place yet; Kim may sort them, Lee may read them."""
    async with application(database_url, TASKS) as app:
        rows = [{"name": name, "sort": number} for number, name in enumerate("abcd", start=1)]
        await app.admin("POST", "/items/tasks", [*rows, {"name": "e"}])
        await app.user("kim", [permission("read", "tasks"), permission("update", "tasks", fields="sort")])
        await app.user("lee", [permission("read", "tasks")])
        yield app


async def names(board: Application) -> str:
    rows = await board.admin("GET", "/items/tasks?sort=sort&fields=name,sort")
    assert [row["sort"] for row in rows] == [1, 2, 3, 4, 5]
    return "".join(row["name"] for row in rows)


@pytest.mark.parametrize(
    ("item", "to", "expected"), [(1, 3, "bcade"), (4, 2, "adbce"), (5, 1, "eabcd"), ("2", "2", "abcde")]
)
async def test_item_takes_the_place_of_another(board: Application, item: Any, to: Any, expected: str) -> None:
    answer = await board.http.post("/utils/sort/tasks", json={"item": item, "to": to}, headers=KIM)

    assert answer.status_code == 204, answer.text
    assert await names(board) == expected


async def test_sorting_is_for_those_who_may_write_the_places(board: Application) -> None:
    move = {"item": 1, "to": 3}
    for headers in (LEE, {}):
        assert (await board.http.post("/utils/sort/tasks", json=move, headers=headers)).status_code == 403
    for body in ({"item": 1, "to": 99}, {"item": 99, "to": 1}):
        assert (await board.http.post("/utils/sort/tasks", json=body, headers=KIM)).status_code == 403
    for path in ("nowhere", "directus_users"):
        assert (await board.http.post(f"/utils/sort/{path}", json=move, headers=KIM)).status_code == 403


async def test_sorting_needs_a_field_for_it(client: httpx.AsyncClient, board: Application) -> None:
    move = {"item": 1, "to": 3}
    without = await client.post("/utils/sort/notes", json=move, headers=ADMIN)

    assert without.status_code == 400
    assert "doesn't have a sort field" in without.json()["errors"][0]["message"]
    for body in ({}, {"item": 1}, {"item": [1], "to": 2}, {"item": True, "to": 2}):
        assert (await board.http.post("/utils/sort/tasks", json=body, headers=ADMINISTRATOR)).status_code == 400
