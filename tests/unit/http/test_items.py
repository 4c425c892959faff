from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.unit.http.conftest import ADMIN, EDITOR, NOBODY, READER, WRITER

COLLECTION = 'You don\'t have permission to access collection "{}" or it does not exist. Queried in root.'


def error_of(answer: httpx.Response) -> dict[str, Any]:
    (error,) = answer.json()["errors"]
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    return dict(error)


async def test_list_is_told_under_data(client: httpx.AsyncClient) -> None:
    answer = await client.get("/items/articles?limit=2&fields=id,title&sort=id", headers=EDITOR)

    assert answer.status_code == 200
    assert answer.content == b'{"data":[{"id":1,"title":"Article 1"},{"id":2,"title":"Article 2"}]}'
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


async def test_counts_come_before_the_data(client: httpx.AsyncClient) -> None:
    answer = await client.get("/items/articles?limit=1&fields=id&meta=filter_count&filter[id][_lt]=4", headers=EDITOR)

    assert answer.content == b'{"meta":{"filter_count":3},"data":[{"id":1}]}'


async def test_query_string_may_hold_brackets_and_json(client: httpx.AsyncClient) -> None:
    brackets = await client.get("/items/articles?filter[id][_in]=2,3&fields[]=id", headers=EDITOR)
    json = await client.get(
        "/items/articles", params={"filter": '{"id":{"_in":[2,3]}}', "fields": "id"}, headers=EDITOR
    )

    assert brackets.json() == json.json() == {"data": [{"id": 2}, {"id": 3}]}


async def test_unknown_parameters_are_ignored(client: httpx.AsyncClient) -> None:
    answer = await client.get("/items/articles?unknown_param=1&limit=1&fields=id&backlink=false", headers=EDITOR)

    assert answer.json() == {"data": [{"id": 1}]}


async def test_content_version_is_refused_and_the_main_one_is_what_there_is(client: httpx.AsyncClient) -> None:
    for path in ("/items/articles/1", "/items/articles"):
        refused = await client.get(f"{path}?version=draft", headers=EDITOR)
        assert (refused.status_code, error_of(refused)["extensions"]["code"]) == (501, "NOT_SUPPORTED")
        assert (await client.get(f"{path}?version=main", headers=EDITOR)).status_code == 200


async def test_bad_parameter_is_an_invalid_query(client: httpx.AsyncClient) -> None:
    answer = await client.get("/items/articles?limit=abc", headers=EDITOR)

    assert answer.status_code == 400
    assert error_of(answer) == {
        "message": 'Invalid query. "limit" must be a number.',
        "extensions": {"reason": '"limit" must be a number', "code": "INVALID_QUERY"},
    }


async def test_item_is_told_by_its_key(client: httpx.AsyncClient) -> None:
    answer = await client.get("/items/articles/3?fields=id,title", headers=EDITOR)

    assert answer.json() == {"data": {"id": 3, "title": "Article 3"}}


@pytest.mark.parametrize("key", ["999999", "abc", "1.5", "%00", "1;drop"])
async def test_item_that_there_is_not_is_forbidden(client: httpx.AsyncClient, key: str) -> None:
    answer = await client.get(f"/items/articles/{key}", headers=EDITOR)

    assert answer.status_code == 403
    assert error_of(answer) == {
        "message": "You don't have permission to access this.",
        "extensions": {"code": "FORBIDDEN"},
    }


async def test_missing_and_forbidden_collections_look_the_same(client: httpx.AsyncClient) -> None:
    for collection, headers in (("nope", EDITOR), ("notes", READER), ("articles", NOBODY), ("watchword_users", ADMIN)):
        answer = await client.get(f"/items/{collection}", headers=headers)

        text = COLLECTION.format(collection)
        assert answer.status_code == 403
        assert answer.headers["cache-control"] == "no-store"
        assert error_of(answer) == {"message": text, "extensions": {"reason": text, "code": "FORBIDDEN"}}


@pytest.mark.parametrize("method", ["GET", "SEARCH", "POST", "PATCH", "DELETE"])
async def test_system_collections_are_not_items(client: httpx.AsyncClient, method: str) -> None:
    for path in ("/items/directus_users", "/items/directus_anything"):
        answer = await client.request(method, path, headers=ADMIN, json={})

        assert answer.status_code == 403
        assert error_of(answer)["message"] == "You don't have permission to access this."


async def test_reader_sees_only_the_permitted_fields(client: httpx.AsyncClient) -> None:
    permitted = await client.get("/items/articles?limit=1", headers=READER)
    forbidden = await client.get("/items/articles?fields=id,body", headers=READER)

    assert permitted.json() == {"data": [{"id": 1, "title": "Article 1"}]}
    assert forbidden.status_code == 403


async def test_search_reads_by_the_query_of_its_body(client: httpx.AsyncClient) -> None:
    body = {"query": {"limit": 1, "fields": ["id"], "filter": {"id": {"_gt": 3}}}}

    answer = await client.request("SEARCH", "/items/articles", json=body, headers=EDITOR)
    by_keys = await client.request(
        "SEARCH", "/items/articles", json={"keys": [2], "query": {"fields": ["id"]}}, headers=EDITOR
    )

    assert answer.json() == {"data": [{"id": 4}]}
    assert by_keys.json() == {"data": [{"id": 2}]}


async def test_search_obeys_permissions(client: httpx.AsyncClient) -> None:
    answer = await client.request("SEARCH", "/items/notes", json={"query": {}}, headers=READER)

    assert answer.status_code == 403


async def test_search_refuses_other_members(client: httpx.AsyncClient) -> None:
    answer = await client.request("SEARCH", "/items/articles", json={"ids": [1], "query": {}}, headers=EDITOR)

    assert answer.status_code == 400
    assert error_of(answer)["extensions"] == {"reason": '"ids" is not allowed', "code": "INVALID_PAYLOAD"}


async def test_created_item_comes_back_as_the_query_string_asks(client: httpx.AsyncClient) -> None:
    one = await client.post("/items/notes?fields=text", json={"text": "a"}, headers=EDITOR)
    many = await client.post("/items/notes?fields=text", json=[{"text": "b"}, {"text": "c"}], headers=EDITOR)
    none = await client.post("/items/notes", json=[], headers=EDITOR)

    assert (one.status_code, one.json()) == (200, {"data": {"text": "a"}})
    assert (many.status_code, many.json()) == (200, {"data": [{"text": "b"}, {"text": "c"}]})
    assert (none.status_code, none.json()) == (200, {"data": []})


async def test_who_may_not_read_gets_no_content_for_a_write(client: httpx.AsyncClient) -> None:
    created = await client.post("/items/notes", json={"id": 501, "text": "a"}, headers=WRITER)
    many = await client.post("/items/notes", json=[{"text": "a"}], headers=WRITER)
    updated = await client.patch("/items/notes/501", json={"text": "b"}, headers=WRITER)

    assert [(answer.status_code, answer.content) for answer in (created, many, updated)] == [(204, b"")] * 3
    assert "content-type" not in created.headers
    assert (await client.get("/items/notes/501?fields=text", headers=EDITOR)).json() == {"data": {"text": "b"}}


async def test_create_without_permission_is_refused_and_writes_nothing(client: httpx.AsyncClient) -> None:
    for headers in (READER, NOBODY):
        answer = await client.post("/items/notes", json={"id": 601, "text": "x"}, headers=headers)

        assert answer.status_code == 403
    assert (await client.get("/items/notes/601", headers=EDITOR)).status_code == 403


async def test_batch_with_a_bad_row_writes_nothing(client: httpx.AsyncClient) -> None:
    answer = await client.post("/items/articles", json=[{"id": 701, "title": "b1"}, {"title": None}], headers=EDITOR)

    assert answer.status_code == 400
    assert error_of(answer)["extensions"] == {
        "field": "title",
        "path": [],
        "type": "nnull",
        "code": "FAILED_VALIDATION",
    }
    assert (await client.get("/items/articles/701", headers=EDITOR)).status_code == 403


async def test_value_that_has_to_be_unique_is_named(client: httpx.AsyncClient) -> None:
    answer = await client.post("/items/articles", json={"title": "d", "slug": "article-1"}, headers=EDITOR)

    assert answer.status_code == 400
    assert error_of(answer) == {
        "message": 'Value "article-1" for field "slug" in collection "articles" has to be unique.',
        "extensions": {
            "collection": "articles",
            "field": "slug",
            "value": "article-1",
            "code": "RECORD_NOT_UNIQUE",
        },
    }


async def test_item_is_updated_and_told(client: httpx.AsyncClient) -> None:
    answer = await client.patch("/items/articles/5?fields=id,body", json={"body": "new"}, headers=EDITOR)

    assert (answer.status_code, answer.json()) == (200, {"data": {"id": 5, "body": "new"}})


async def test_items_are_updated_by_keys_by_query_and_each_by_its_own_key(client: httpx.AsyncClient) -> None:
    url = "/items/articles?fields=id,body"
    by_query = {"query": {"filter": {"id": {"_in": [8, 9]}}, "fields": ["slug"]}, "data": {"body": "y"}}

    keys = await client.patch(url, json={"keys": [6, 7], "data": {"body": "x"}}, headers=EDITOR)
    query = await client.patch(url, json=by_query, headers=EDITOR)
    rows = await client.patch(url, json=[{"id": 6, "body": "a"}, {"id": 7, "body": "b"}], headers=EDITOR)

    assert keys.json() == {"data": [{"id": 6, "body": "x"}, {"id": 7, "body": "x"}]}
    assert query.json() == {"data": [{"id": 8, "body": "y"}, {"id": 9, "body": "y"}]}
    assert rows.json() == {"data": [{"id": 6, "body": "a"}, {"id": 7, "body": "b"}]}


async def test_update_without_permission_is_refused(client: httpx.AsyncClient) -> None:
    for path, body in (
        ("/items/articles/4", {"title": "x"}),
        ("/items/articles", {"keys": [4], "data": {"title": "x"}}),
    ):
        assert (await client.patch(path, json=body, headers=READER)).status_code == 403
    assert (await client.get("/items/articles/4?fields=title", headers=EDITOR)).json()["data"]["title"] == "Article 4"


async def test_items_are_deleted_by_key_by_keys_and_by_query(client: httpx.AsyncClient) -> None:
    await client.post("/items/notes", json=[{"id": n, "text": "gone"} for n in range(801, 807)], headers=EDITOR)

    bodies = ([802, 803], {"keys": [804]}, {"query": {"filter": {"id": {"_gte": 805}, "text": {"_eq": "gone"}}}})
    answers = [
        await client.delete("/items/notes/801", headers=EDITOR),
        *[await client.request("DELETE", "/items/notes", json=body, headers=EDITOR) for body in bodies],
    ]

    left = await client.get("/items/notes?filter[text][_eq]=gone", headers=EDITOR)
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 4
    assert left.json() == {"data": []}


async def test_delete_without_permission_is_refused(client: httpx.AsyncClient) -> None:
    assert (await client.delete("/items/articles/1", headers=READER)).status_code == 403
    assert (await client.request("DELETE", "/items/articles", json=[1], headers=READER)).status_code == 403
    assert (await client.get("/items/articles/1", headers=EDITOR)).status_code == 200


async def test_delete_of_nothing_named_is_refused(client: httpx.AsyncClient) -> None:
    headers = EDITOR | {"Content-Type": "application/json"}

    answer = await client.delete("/items/articles", headers=headers)

    assert answer.status_code == 400
    assert error_of(answer)["message"] == 'Invalid payload. "value" must contain at least one of [query, keys].'


@pytest.mark.parametrize(
    ("content", "content_type", "status", "code"),
    [
        (b"{bad", "application/json", 400, "INVALID_PAYLOAD"),
        (b'"str"', "application/json", 400, "INVALID_PAYLOAD"),
        (b"[1]", "application/json", 400, "INVALID_PAYLOAD"),
        (b'{"text":"x"}', "text/plain", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b"text=x", "application/x-www-form-urlencoded", 415, "UNSUPPORTED_MEDIA_TYPE"),
        (b'{"text":"' + b"x" * 1_048_576 + b'"}', "application/json", 413, "CONTENT_TOO_LARGE"),
    ],
)
async def test_body_that_will_not_do_is_refused(
    client: httpx.AsyncClient, content: bytes, content_type: str, status: int, code: str
) -> None:
    answer = await client.post("/items/notes", content=content, headers=EDITOR | {"Content-Type": content_type})

    assert answer.status_code == status
    assert error_of(answer)["extensions"]["code"] == code


async def test_list_can_be_exported(client: httpx.AsyncClient) -> None:
    csv = await client.get("/items/articles?export=csv&limit=2&fields=id,title", headers=EDITOR)
    json = await client.get("/items/articles?export=json&limit=1&fields=id", headers=EDITOR)
    unknown = await client.get("/items/articles?export=nope", headers=EDITOR)

    assert csv.text == '"id","title"\n1,"Article 1"\n2,"Article 2"'
    assert csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert json.json() == [{"id": 1}]
    assert unknown.status_code == 400


async def test_export_obeys_permissions(client: httpx.AsyncClient) -> None:
    assert (await client.get("/items/notes?export=csv", headers=READER)).status_code == 403
    assert (
        await client.get("/items/articles?export=csv&limit=1", headers=READER)
    ).text == '"id","title"\n1,"Article 1"'


async def test_head_has_the_headers_of_get(client: httpx.AsyncClient) -> None:
    head = await client.head("/items/articles?limit=1", headers=EDITOR)
    get = await client.get("/items/articles?limit=1", headers=EDITOR)

    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == get.headers["content-length"]


async def test_options_tells_the_methods(client: httpx.AsyncClient) -> None:
    answer = await client.options("/items/articles")

    assert answer.status_code == 200
    assert {"GET", "SEARCH", "POST", "PATCH", "DELETE"} <= set(answer.headers["allow"].split(", "))


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", "/items/articles/1"), ("GET", "/items"), ("GET", "/nope"), ("POST", "/items/articles/1")],
)
async def test_route_that_there_is_not_is_named(client: httpx.AsyncClient, method: str, path: str) -> None:
    for headers in (EDITOR, NOBODY):
        answer = await client.request(method, path, headers=headers)

        assert answer.status_code == 404
        assert error_of(answer) == {
            "message": f"Route {path} doesn't exist.",
            "extensions": {"path": path, "code": "ROUTE_NOT_FOUND"},
        }


async def test_slash_at_the_end_of_a_path_is_passed_over(client: httpx.AsyncClient) -> None:
    assert (await client.get("/items/articles/1/?fields=id", headers=EDITOR)).json() == {"data": {"id": 1}}
    assert (await client.get("/nope/", headers=EDITOR)).status_code == 404
