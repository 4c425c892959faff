"""Items of one request, over REST and sockets."""

from __future__ import annotations

from tests.support.application import ADMIN, application

NEW = {"title": "new"}
REASON = "Invalid payload. Exceeded max batch mutation limit of 2."


async def test_rest_refuses_too_many_items_and_takes_the_rest(database_url: str) -> None:
    async with application(database_url, MAX_BATCH_MUTATION=2) as app:
        refused = await app.http.post("/items/articles", json=[NEW] * 3, headers=ADMIN)
        [error] = refused.json()["errors"]
        assert (refused.status_code, error["extensions"]["code"]) == (400, "INVALID_PAYLOAD")
        assert error["message"] == REASON
        assert len(await app.admin("POST", "/items/articles", [NEW] * 2)) == 2
        assert len(await app.admin("GET", "/items/articles")) == 2


async def test_a_socket_is_told_of_too_many_items_and_goes_on(sqlite_url: str) -> None:
    async with (
        application(sqlite_url, MAX_BATCH_MUTATION=2) as app,
        app.authenticated("admin-token-0001") as socket,
    ):
        write = {"type": "items", "action": "create", "collection": "articles", "uid": "1"}
        told = await socket.ask(write | {"data": [NEW] * 3})
        assert (told["status"], told["uid"]) == ("error", "1")
        assert told["error"] == {"code": "INVALID_PAYLOAD", "message": REASON}
        assert len((await socket.ask(write | {"data": [NEW] * 2}))["data"]) == 2


async def test_the_bound_can_be_taken_away(sqlite_url: str) -> None:
    async with application(sqlite_url, MAX_BATCH_MUTATION=-1) as app:
        assert len(await app.admin("POST", "/items/articles", [NEW] * 200)) == 200
