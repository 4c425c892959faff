"""Snapshots: a structure taken, compared and made again, in this database and in another."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.application import ADMIN, Application, application, permission
from watchword.data.remodel import Remodel

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
async def app(database_url: str) -> AsyncIterator[Application]:
    """An application with authors and articles."""
    async with application(database_url) as running:
        yield running


async def compare(app: Application, snapshot: Any, force: str = "") -> tuple[int, Any]:
    answer = await app.http.post(f"/schema/diff{force}", json=snapshot, headers=ADMIN)
    return answer.status_code, answer.json()["data"] if answer.status_code == 200 else answer.text


async def enrich(app: Application) -> None:
    """Make a bit of everything."""
    unique = {"is_unique": True, "is_nullable": False, "default_value": "x"}
    slug = {"field": "slug", "type": "string", "schema": unique, "meta": {"note": "s"}}
    line = {"field": "line", "type": "alias", "meta": {"special": ["alias", "no-data"]}}
    for field in (slug, line, {"field": "editor", "type": "integer"}):
        await app.admin("POST", "/fields/articles", field)
    relation = {"collection": "articles", "field": "editor", "related_collection": "authors"}
    said = {"schema": {"on_delete": "SET NULL"}, "meta": {"one_field": "edited"}}
    await app.admin("POST", "/relations", relation | said)
    key = {"field": "code", "type": "string", "schema": {"is_primary_key": True}}
    notes = {"collection": "notes", "schema": {}, "meta": {"singleton": True}}
    await app.admin("POST", "/collections", notes | {"fields": [key, {"field": "words", "type": "csv"}]})
    await app.admin("POST", "/collections", {"collection": "folder", "schema": None, "meta": {"icon": "folder"}})
    await app.admin("PATCH", "/collections/articles", {"meta": {"group": "folder", "note": "All"}})


async def test_snapshot_does_not_differ_from_what_it_was_taken_of(app: Application) -> None:
    await enrich(app)
    taken = await app.admin("GET", "/schema/snapshot")

    assert await compare(app, taken) == (204, "")
    assert {each["collection"] for each in taken["collections"]} == {"articles", "authors", "folder", "notes"}
    assert all(not each["collection"].startswith("directus_") for each in taken["fields"])
    assert all("id" not in each["meta"] for each in taken["fields"] if each["meta"])


async def test_changes_are_undone_by_applying_the_difference(app: Application) -> None:
    before = await app.admin("GET", "/schema/snapshot")
    await app.admin("POST", "/items/articles", {"title": "One"})
    await enrich(app)

    status, diff = await compare(app, before)
    await app.admin("POST", "/schema/apply", diff)

    assert status == 200
    kinds = {each["collection"]: each["diff"][0]["kind"] for each in diff["diff"]["collections"]}
    assert kinds == {"notes": "D", "folder": "D", "articles": "E"}
    assert await app.admin("GET", "/schema/snapshot") == before
    assert [row["title"] for row in await app.admin("GET", "/items/articles")] == ["One"]


async def test_difference_makes_the_same_structure_again(app: Application) -> None:
    before = await app.admin("GET", "/schema/snapshot")
    await enrich(app)
    after = await app.admin("GET", "/schema/snapshot")
    await app.admin("POST", "/schema/apply", (await compare(app, before))[1])

    await app.admin("POST", "/schema/apply", (await compare(app, after))[1])

    assert (await compare(app, after))[0] == 204
    assert await app.admin("PATCH", "/items/notes", {"code": "a", "words": ["x"]}) == {"code": "a", "words": ["x"]}
    assert (await app.admin("GET", "/relations/articles/editor"))["schema"]["on_delete"] == "SET NULL"


async def test_structure_of_one_database_is_made_in_the_other(sqlite_url: str, postgres_url: str) -> None:
    async with application(postgres_url) as there:
        await enrich(there)
        taken = await there.admin("GET", "/schema/snapshot")
    async with application(sqlite_url, "SELECT 1;") as here:
        assert (await compare(here, taken))[0] == 400
        status, diff = await compare(here, taken, "?force")
        assert status == 200
        await here.admin("POST", "/schema/apply", diff)

        assert (await compare(here, taken, "?force"))[0] == 204
        author = {"name": "A", "edited": [{"title": "T", "slug": "t"}]}
        assert await here.admin("POST", "/items/authors?fields=edited.title", author) == {"edited": [{"title": "T"}]}


async def test_difference_to_something_else_is_refused(app: Application) -> None:
    before = await app.admin("GET", "/schema/snapshot")
    await enrich(app)
    _, diff = await compare(app, before)
    await app.admin("POST", "/fields/articles", {"field": "late", "type": "string"})

    answer = await app.http.post("/schema/apply", json=diff, headers=ADMIN)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "INVALID_PAYLOAD")
    assert await app.admin("GET", "/fields/articles/late")
    for body in ({"hash": 1}, {}, {"hash": "x", "diff": {"fields": [{"collection": "articles"}]}}, {"version": "x"}):
        path = "/schema/diff" if "version" in body else "/schema/apply"
        assert (await app.http.post(path, json=body, headers=ADMIN)).status_code == 400, body


async def test_difference_that_cannot_be_applied_changes_nothing(app: Application) -> None:
    taken = await app.admin("GET", "/schema/snapshot")
    await app.admin("POST", "/items/articles", [{"title": "Same"}, {"title": "Same"}])
    for field in taken["fields"]:
        if field["field"] == "title":
            field["schema"]["is_unique"] = True
        if field["field"] == "body":
            field["meta"] = {"note": "first"}
    _, diff = await compare(app, taken)
    diff["diff"]["fields"].sort(key=lambda each: each["field"])

    answer = await app.http.post("/schema/apply", json=diff, headers=ADMIN)

    assert answer.json()["errors"][0]["extensions"]["code"] == "RECORD_NOT_UNIQUE"
    assert (await app.admin("GET", "/fields/articles/body"))["meta"] is None


async def test_only_administrators_take_compare_and_apply(app: Application) -> None:
    await app.user("reader", [permission("read")])
    headers = {"Authorization": "Bearer reader-static-token"}
    for method, path in (("GET", "/schema/snapshot"), ("POST", "/schema/diff"), ("POST", "/schema/apply")):
        assert (await app.http.request(method, path, json={}, headers=headers)).status_code == 403, path


async def test_new_collections_are_made_without_a_look_at_the_database_for_each(
    app: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[None] = []
    look = Remodel.look

    async def counted(remodel: Remodel) -> None:
        looks.append(None)
        await look(remodel)

    monkeypatch.setattr(Remodel, "look", counted)
    wanted = await app.admin("GET", "/schema/snapshot")
    for number in range(20):
        name = f"notes_{number}"
        wanted["collections"].append({"collection": name, "schema": {}, "meta": {"note": name}})
        wanted["fields"].append({"collection": name, "field": "words", "type": "string", "schema": {}, "meta": None})
    _, found = await compare(app, wanted)
    await app.admin("POST", "/schema/apply", found)

    assert len(looks) <= 4
    told = {each["collection"]: each["meta"] for each in await app.admin("GET", "/collections")}
    assert all(told[f"notes_{number}"]["note"] == f"notes_{number}" for number in range(20))
    assert (await app.admin("POST", "/items/notes_19", {"words": "x"}))["words"] == "x"


async def test_two_collections_of_one_name_are_not_made(app: Application) -> None:
    body = [{"collection": "notes", "schema": {}}, {"collection": "notes", "schema": {}}]
    answer = await app.http.post("/collections", json=body, headers=ADMIN)

    assert (answer.status_code, answer.json()["errors"][0]["extensions"]["code"]) == (400, "INVALID_PAYLOAD")
    assert (await app.http.get("/collections/notes", headers=ADMIN)).status_code == 403
