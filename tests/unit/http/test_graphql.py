"""GraphQL over HTTP: methods, types, statuses, errors, limits, and what the system endpoint answers."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request

from tests.unit.http.conftest import ADMIN, EDITOR, NOBODY, PASSWORD, READER, WRITER, client_of, serving
from watchword.app.application import Watchword
from watchword.app.build import http_settings
from watchword.graphql.options import Options
from watchword.graphql.system import DELEGATED
from watchword.http.auth import Auth
from watchword.http.caller import Callers
from watchword.http.graphql import GraphqlOnDemand
from watchword.http.graphql_system import Answering, SystemFields
from watchword.http.openapi.document import Description
from watchword.http.server import Server
from watchword.http.utilities import Utilities

RESPONSE = {"Accept": "application/graphql-response+json"}


async def ask(client: httpx.AsyncClient, query: str, headers: dict[str, str] = ADMIN, **more: Any) -> httpx.Response:
    path = more.pop("path", "/graphql")
    return await client.post(path, json={"query": query, **more}, headers=headers)


async def system(client: httpx.AsyncClient, query: str, headers: dict[str, str] = ADMIN, **more: Any) -> Any:
    answer = await ask(client, query, headers, path="/graphql/system", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()


def reasons(answer: httpx.Response) -> list[str]:
    """Return why a document was refused, in the answer that Directus gives."""
    assert answer.status_code == 400
    [error] = answer.json()["errors"]
    assert error["extensions"]["code"] == "GRAPHQL_VALIDATION"
    assert error["message"] == "GraphQL validation error."
    return [each["message"] for each in error["extensions"]["errors"]]


async def test_post_is_answered(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "{ articles(limit: 1) { id title } }")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json; charset=utf-8"
    assert answer.json() == {"data": {"articles": [{"id": "1", "title": "Article 1"}]}}


async def test_get_reads(client: httpx.AsyncClient) -> None:
    query = "query A($n: Int) { articles(limit: $n) { id } } query B { __typename }"
    params = {"query": query, "operationName": "A", "variables": json.dumps({"n": 2})}
    answer = await client.get("/graphql", params=params, headers=ADMIN)

    assert answer.json() == {"data": {"articles": [{"id": "1"}, {"id": "2"}]}}


async def test_get_never_writes(client: httpx.AsyncClient) -> None:
    params = {"query": 'mutation { create_notes_item(data: {text: "by GET"}) { id } }'}
    answer = await client.get("/graphql", params=params, headers=ADMIN)

    assert (answer.status_code, answer.headers["allow"]) == (405, "POST")
    assert answer.json()["errors"][0]["message"] == 'Invalid method "GET" used. Should be one of "POST".'
    assert answer.json()["errors"][0]["extensions"]["code"] == "METHOD_NOT_ALLOWED"
    notes = (await client.get("/items/notes", headers=ADMIN)).json()["data"]
    assert "by GET" not in [note["text"] for note in notes]


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE"])
async def test_other_methods_are_not_allowed(client: httpx.AsyncClient, method: str) -> None:
    answer = await client.request(method, "/graphql", headers=ADMIN)

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


@pytest.mark.parametrize(
    ("accept", "given"),
    [
        ("application/graphql-response+json", "application/graphql-response+json"),
        ("application/json, application/graphql-response+json;q=0.9", "application/graphql-response+json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
    ],
)
async def test_answer_has_the_type_that_is_taken(client: httpx.AsyncClient, accept: str, given: str) -> None:
    answer = await ask(client, "{ __typename }", ADMIN | {"Accept": accept})

    assert answer.headers["content-type"] == f"{given}; charset=utf-8"


async def test_type_that_there_is_not_is_not_acceptable(client: httpx.AsyncClient) -> None:
    assert (await ask(client, "{ __typename }", ADMIN | {"Accept": "text/html"})).status_code == 406


async def test_body_has_to_say_that_it_is_json(client: httpx.AsyncClient) -> None:
    plain = await client.post("/graphql", content=b'{"query":"{ __typename }"}', headers=ADMIN)

    assert plain.status_code == 415


FAILING = '{ articles(limit: 1) { id } articles_by_id(id: "404") { id } }'
UNFIT: list[tuple[dict[str, Any], int]] = [
    ({"query": "{ articles { nope } }"}, 422),
    ({"query": "query A { __typename }", "operationName": "B"}, 422),
    ({"query": "query A($n: Int!) { articles(limit: $n) { id } }", "variables": {"n": "x"}}, 422),
    ({"query": "subscription { articles_mutated { key } }"}, 422),
    ({"query": 3}, 422),
    ({}, 422),
    ({"query": "{"}, 400),
    ({"query": FAILING}, 294),
    ({"query": "{ __typename }"}, 200),
]


@pytest.mark.parametrize("wanted", ["2026", "compatible"])
async def test_statuses_are_those_of_the_newest_draft_where_that_is_wanted(tmp_path: Path, wanted: str) -> None:
    async with serving(tmp_path, GRAPHQL_STRICT_STATUS=wanted) as app, client_of(app) as client:
        for body, newest in UNFIT:
            compatible = {422: 400, 294: 200}.get(newest, newest)
            answer = await client.post("/graphql", json=body, headers=ADMIN | RESPONSE)
            assert answer.status_code == (newest if wanted == "2026" else compatible), answer.text
            plain = await client.post("/graphql", json=body, headers=ADMIN)
            assert plain.status_code == compatible, plain.text
        headers = ADMIN | RESPONSE | {"Content-Type": "application/json"}
        assert (await client.post("/graphql", content=b"{", headers=headers)).status_code == 400


@pytest.mark.parametrize("body", [{}, [], [{"query": "{ __typename }"}], {"query": 3}, {"query": None}])
async def test_request_without_a_document_is_refused(client: httpx.AsyncClient, body: Any) -> None:
    answer = await client.post("/graphql", json=body, headers=ADMIN)

    assert answer.status_code == 400
    error = answer.json()["errors"][0]
    assert (error["message"], error["extensions"]["code"]) == (
        "Invalid payload. Must provide query string.",
        "INVALID_PAYLOAD",
    )


@pytest.mark.parametrize("more", [{"variables": "x"}, {"variables": []}, {"operationName": 1}, {"extensions": 1}])
async def test_parameters_of_other_types_are_refused(client: httpx.AsyncClient, more: dict[str, Any]) -> None:
    assert (await client.post("/graphql", json={"query": "{ __typename }", **more}, headers=ADMIN)).status_code == 400


async def test_variables_of_a_get_are_json(client: httpx.AsyncClient) -> None:
    answer = await client.get("/graphql", params={"query": "{ __typename }", "variables": "{"}, headers=ADMIN)

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"]["code"] == "INVALID_QUERY"


async def test_document_that_does_not_fit_is_explained(client: httpx.AsyncClient) -> None:
    assert reasons(await ask(client, "{ zzz { id } }")) == ["Cannot query field 'zzz' on type 'Query'."]
    assert reasons(await ask(client, "{ "))[0].startswith("Syntax Error")
    wanting = 'mutation { create_articles_item(data: {slug: "x"}) { id } }'
    assert "title" in reasons(await ask(client, wanting))[0]
    assert "operation name" in reasons(await ask(client, "query A { __typename } query B { __typename }"))[0]
    many = await ask(client, "query($n: Int) { articles(limit: $n) { id } }", variables={"n": "x"})
    assert "$n" in reasons(many)[0]


async def test_specification_has_its_own_form_of_errors(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "{ zzz { id } }", ADMIN | RESPONSE)

    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/graphql-response+json; charset=utf-8"
    [error] = answer.json()["errors"]
    assert error == {
        "message": "Cannot query field 'zzz' on type 'Query'.",
        "locations": [{"line": 1, "column": 3}],
    }


async def test_bad_token_is_refused_before_anything_else(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "{ __typename }", {"Authorization": "Bearer nope"})

    assert answer.status_code in {401, 403}


async def test_field_out_of_sight_looks_like_one_that_does_not_exist(client: httpx.AsyncClient) -> None:
    hidden = reasons(await ask(client, "{ articles { body } }", READER))
    missing = reasons(await ask(client, "{ articles { nope } }", READER))

    assert hidden == [missing[0].replace("nope", "body")]
    assert reasons(await ask(client, "{ articles { id } }", NOBODY)) == [
        "Cannot query field 'articles' on type 'Query'."
    ]


async def test_missing_item_is_null_with_an_error_at_its_place(client: httpx.AsyncClient) -> None:
    answer = await ask(client, "{ a: articles_by_id(id: 999) { id } articles(limit: 1) { id } }", EDITOR)

    assert answer.status_code == 200
    body = answer.json()
    assert body["data"] == {"a": None, "articles": [{"id": "1"}]}
    [error] = body["errors"]
    assert (error["path"], error["extensions"]["code"]) == (["a"], "FORBIDDEN")
    assert error["locations"] == [{"line": 1, "column": 3}]


async def test_violation_names_its_field(client: httpx.AsyncClient) -> None:
    query = 'mutation { create_articles_item(data: {title: "t", slug: "article-1"}) { id } }'
    body = (await ask(client, query, EDITOR)).json()

    assert body["data"] == {"create_articles_item": None}
    assert body["errors"][0]["extensions"] == {
        "code": "RECORD_NOT_UNIQUE", "collection": "articles", "field": "slug", "value": "article-1",
    }  # fmt: skip


async def test_who_may_not_read_is_told_that_it_was_written(client: httpx.AsyncClient) -> None:
    answer = await ask(client, 'mutation { create_notes_item(data: {text: "unseen"}) }', WRITER)

    assert answer.json() == {"data": {"create_notes_item": True}}


async def test_mutations_run_in_their_order_and_one_that_fails_leaves_the_others_be(client: httpx.AsyncClient) -> None:
    query = """mutation {
      one: create_notes_item(data: {text: "1"}) { text }
      two: delete_notes_item(id: 9999) { id }
      three: create_notes_item(data: {text: "3"}) { text }
    }"""
    body = (await ask(client, query, EDITOR)).json()

    assert body["data"] == {"one": {"text": "1"}, "two": None, "three": {"text": "3"}}
    assert [error["path"] for error in body["errors"]] == [["two"]]


async def test_what_must_have_a_value_and_has_none_leaves_no_data(client: httpx.AsyncClient) -> None:
    body = (await ask(client, '{ articles(sort: ["nope"]) { id } }', EDITOR)).json()

    assert body["data"] is None
    assert body["errors"][0]["extensions"]["code"] == "FORBIDDEN"


async def test_described_schema_is_the_callers(client: httpx.AsyncClient) -> None:
    query = '{ __schema { queryType { fields { name } } } __type(name: "articles") { fields { name } } }'
    described = (await ask(client, query, READER)).json()["data"]

    assert [field["name"] for field in described["__type"]["fields"]] == ["id", "title"]
    again = (await ask(client, query, READER)).json()["data"]
    assert again == described
    named = "query($n: String!) { __type(name: $n) { name } }"
    assert (await ask(client, named, READER, variables={"n": "notes"})).json()["data"] == {"__type": None}
    assert (await ask(client, named, EDITOR, variables={"n": "notes"})).json()["data"] == {"__type": {"name": "notes"}}


async def test_skipped_fields_are_not_there(client: httpx.AsyncClient) -> None:
    query = "query($no: Boolean!) { articles(limit: 1) { id title @skip(if: $no) } a: __typename @include(if: $no) }"

    off = await ask(client, query, EDITOR, variables={"no": True})
    on = await ask(client, query, EDITOR, variables={"no": False})
    assert off.json()["data"] == {"articles": [{"id": "1"}], "a": "Query"}
    assert on.json()["data"] == {"articles": [{"id": "1", "title": "Article 1"}]}


async def test_persisted_query_is_asked_for_once(client: httpx.AsyncClient) -> None:
    text = "{ articles(limit: 1) { id } }"
    digest = hashlib.sha256(text.encode()).hexdigest()
    extensions = {"persistedQuery": {"version": 1, "sha256Hash": digest}}

    unknown = await client.post("/graphql", json={"extensions": extensions}, headers=EDITOR)
    assert unknown.status_code == 200
    assert unknown.json() == {
        "errors": [{"message": "PersistedQueryNotFound", "extensions": {"code": "PERSISTED_QUERY_NOT_FOUND"}}]
    }
    assert (await ask(client, text, EDITOR, extensions=extensions)).status_code == 200
    known = await client.get("/graphql", params={"extensions": json.dumps(extensions)}, headers=EDITOR)
    assert known.json() == {"data": {"articles": [{"id": "1"}]}}
    wrong = {"persistedQuery": {"version": 1, "sha256Hash": "0" * 64}}
    assert "sha" in (await ask(client, text, EDITOR, extensions=wrong)).json()["errors"][0]["message"]


async def test_known_documents_can_be_the_only_ones(tmp_path: Path) -> None:
    file = tmp_path / "documents.json"
    text = "query Known { articles(limit: 1) { id } }"
    file.write_text(json.dumps({"known": text}))
    settings = {"GRAPHQL_DOCUMENTS": str(file), "GRAPHQL_DOCUMENTS_ONLY": "true"}
    async with serving(tmp_path, **settings) as app, client_of(app) as client:
        named = await client.post("/graphql", json={"documentId": "known"}, headers=ADMIN)
        whole = await ask(client, text)
        other = await ask(client, "{ __typename }")
        unknown = await client.post("/graphql", json={"documentId": "nope"}, headers=ADMIN)

    assert named.json() == whole.json() == {"data": {"articles": [{"id": "1"}]}}
    assert "data" not in other.json()
    assert "data" not in unknown.json()


async def test_introspection_can_be_switched_off(tmp_path: Path) -> None:
    async with serving(tmp_path, GRAPHQL_INTROSPECTION="false") as app, client_of(app) as client:
        described = await ask(client, "{ __schema { types { name } } }")
        hint = reasons(await ask(client, "{ article { id } }"))
        text = await client.get("/server/specs/graphql", headers=ADMIN)

    assert "introspection" in reasons(described)[0].lower()
    assert hint == ["Cannot query field 'article' on type 'Query'."]
    assert text.status_code == 403


async def test_limits_of_nested_lists_are_multiplied(tmp_path: Path) -> None:
    async with serving(tmp_path, GRAPHQL_ESTIMATED_ROWS_MAX="1000") as app, client_of(app) as client:
        few = await ask(client, "{ articles(limit: 900) { id } }")
        many = await ask(client, "{ a: articles(limit: 900) { id } b: articles(limit: 900) { title } }")

    assert "errors" not in few.json()
    assert many.json()["errors"][0]["extensions"]["code"] == "INVALID_QUERY"


async def test_rows_of_all_fields_are_counted_together(tmp_path: Path) -> None:
    async with serving(tmp_path, QUERY_ROWS_MAX="15") as app, client_of(app) as client:
        few = await ask(client, "{ articles { id } }")
        many = await ask(client, "{ a: articles { id } b: articles { title } }")

    assert "errors" not in few.json()
    assert many.json()["errors"][0]["extensions"]["code"] == "INVALID_QUERY"


async def test_text_of_the_schema_is_the_callers(client: httpx.AsyncClient) -> None:
    own = await client.get("/server/specs/graphql", headers=READER)
    all_of_it = await client.get("/server/specs/graphql/items", headers=ADMIN)
    of_system = await client.get("/server/specs/graphql/system", headers=ADMIN)

    assert own.headers["content-type"] == "text/plain; charset=utf-8"
    assert "type articles {\n  id: ID!\n  title: String!\n}" in own.text
    assert "notes" not in own.text
    assert "slug" in all_of_it.text
    assert "auth_login" in of_system.text
    assert (await client.get("/server/specs/graphql/nope", headers=ADMIN)).status_code == 404


EVENTS = {"Accept": "text/event-stream"}


async def test_events_are_given_to_who_takes_nothing_else(client: httpx.AsyncClient) -> None:
    told = await ask(client, "{ articles(limit: 1) { id } }", EDITOR | EVENTS)
    plain = await ask(client, "{ __typename }", EDITOR | {"Accept": "text/event-stream, application/json"})

    assert told.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert told.text == 'event: next\ndata: {"data":{"articles":[{"id":"1"}]}}\n\nevent: complete\ndata: \n\n'
    assert plain.headers["content-type"].startswith("application/json")


async def test_events_show_nobody_more(client: httpx.AsyncClient) -> None:
    told = await ask(client, "{ articles { body } }", READER | EVENTS)

    assert told.status_code == 200
    assert "Cannot query field 'body'" in told.text


async def test_events_are_none_of_the_system(client: httpx.AsyncClient) -> None:
    assert (await ask(client, "{ server_ping }", ADMIN | EVENTS, path="/graphql/system")).status_code == 406


async def test_events_of_a_get_change_nothing(client: httpx.AsyncClient) -> None:
    made = {"query": 'mutation { create_notes_item(data: {text: "by GET"}) { id } }'}
    asked = await client.get("/graphql", params={"query": "{ __typename }"}, headers=EDITOR | EVENTS)

    assert (await client.get("/graphql", params=made, headers=EDITOR | EVENTS)).status_code == 405
    assert '"__typename":"Query"' in asked.text


async def test_events_of_a_get_change_nothing_where_the_digest_is_made_known_meanwhile(
    app: Watchword, client: httpx.AsyncClient
) -> None:
    query = 'mutation { create_notes_item(data: {text: "by a digest"}) { id } }'
    persisted = {"persistedQuery": {"version": 1, "sha256Hash": hashlib.sha256(query.encode()).hexdigest()}}
    told: list[bytes] = []

    async def asked(scope: Any, receive: Any, send: Any) -> None:
        """Have somebody else send the document, where it is not good, when the answer begins."""

        async def sending(message: Any) -> None:
            if message["type"] == "http.response.start":
                await ask(client, query, NOBODY, extensions=persisted, path="/graphql/system")
            told.append(message.get("body", b""))
            await send(message)

        await app(scope, receive, sending)

    parameters = {"extensions": json.dumps(persisted)}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(asked), base_url="http://test:8055") as getting:
        await getting.get("/graphql", params=parameters, headers=ADMIN | EVENTS)

    assert b"PersistedQueryNotFound" in b"".join(told)
    assert (await ask(client, '{ notes(filter: {text: {_eq: "by a digest"}}) { id } }')).json() == {
        "data": {"notes": []}
    }


async def test_request_for_events_that_is_none_is_refused(client: httpx.AsyncClient) -> None:
    answer = await client.post("/graphql", json={}, headers=EDITOR | EVENTS)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/json; charset=utf-8")


# -- the system endpoint -----------------------------------------------------------------------------------------------


async def test_every_system_field_is_answered_by_somebody(app: Watchword) -> None:
    backend, http = app.parts.backend, http_settings(app.settings)
    auth = Auth(backend, Callers(backend, http), http)
    server = Server(http, app.parts.db.probe, "1", backend.clock, backend.identity.project.settings)
    parts = Answering(backend, auth, server, Utilities(backend, http), Description(backend, http, "1"))
    graphql = await GraphqlOnDemand(backend, Options()).loaded()

    assert SystemFields(parts, graphql, Request({"type": "http", "headers": []})).delegates.keys() == DELEGATED


async def test_login_gives_tokens(client: httpx.AsyncClient) -> None:
    query = """mutation($p: String!) { auth_login(email: "admin@example.com", password: $p)
      { access_token expires refresh_token } }"""
    given = (await system(client, query, NOBODY, variables={"p": PASSWORD}))["data"]["auth_login"]

    assert given["expires"] == "900000"
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    assert (await system(client, "{ users_me { email } }", bearer))["data"] == {
        "users_me": {"email": "admin@example.com"}
    }
    refresh = "mutation($t: String!) { auth_refresh(refresh_token: $t, mode: json) { refresh_token } }"
    renewed = await system(client, refresh, NOBODY, variables={"t": given["refresh_token"]})
    token = renewed["data"]["auth_refresh"]["refresh_token"]
    assert token != given["refresh_token"]
    leave = "mutation($t: String) { auth_logout(refresh_token: $t) }"
    assert (await system(client, leave, NOBODY, variables={"t": token}))["data"] == {"auth_logout": True}
    gone = await system(client, refresh, NOBODY, variables={"t": token})
    assert gone["errors"][0]["extensions"]["code"] == "INVALID_CREDENTIALS"


async def test_login_into_a_cookie(client: httpx.AsyncClient) -> None:
    query = """mutation($p: String!) { auth_login(email: "admin@example.com", password: $p, mode: session)
      { access_token expires refresh_token } }"""
    answer = await ask(client, query, NOBODY, variables={"p": PASSWORD}, path="/graphql/system")

    assert answer.json()["data"]["auth_login"] == {
        "access_token": None, "expires": "86400000", "refresh_token": None,
    }  # fmt: skip
    assert answer.headers["set-cookie"].startswith("directus_session_token=")
    assert "no-store" in answer.headers["cache-control"]


async def test_wrong_password_says_so_and_no_more(client: httpx.AsyncClient) -> None:
    query = 'mutation { auth_login(email: "admin@example.com", password: "x") { access_token } }'
    body = await system(client, query, NOBODY)

    assert body["data"] == {"auth_login": None}
    assert body["errors"][0]["message"] == "Invalid user credentials."
    unknown = await system(client, query.replace("admin@", "nobody@"), NOBODY)
    assert unknown["errors"][0]["message"] == "Invalid user credentials."


GUESSES = (
    """mutation { a: auth_login(email: "a@b.co", password: "x") { expires }
      b: auth_login(email: "a@b.co", password: "y") { expires } }""",
    """mutation { ...F ...G }
      fragment F on Mutation { a: auth_login(email: "a@b.co", password: "x") { expires } }
      fragment G on Mutation { b: auth_login(email: "a@b.co", password: "x") { expires } }""",
)


@pytest.mark.parametrize("field", ["server_health", "server_specs_oas", "server_specs_graphql"])
async def test_what_costs_much_is_told_once(client: httpx.AsyncClient, field: str) -> None:
    twice = await ask(client, f"{{ a: {field} b: {field} }}", path="/graphql/system")

    assert reasons(twice) == [f'"{field}" can only be used once per request']
    assert (await system(client, f"query A {{ {field} }} query B {{ {field} }}", operationName="B"))["data"][field]


@pytest.mark.parametrize("query", GUESSES)
async def test_passwords_are_not_guessed_by_the_dozen(client: httpx.AsyncClient, query: str) -> None:
    answer = await ask(client, query, NOBODY, path="/graphql/system")

    assert reasons(answer) == ['"auth_login" can only be used once per request']


async def test_own_row_is_shown_and_changed(client: httpx.AsyncClient) -> None:
    changed = await system(client, 'mutation { update_users_me(data: {title: "Dr"}) { title } }')

    assert changed["data"] == {"update_users_me": {"title": "Dr"}}
    assert (await ask(client, "{ users_me { id } }", READER, path="/graphql/system")).status_code == 400
    assert (await ask(client, "{ users_me { id } }", NOBODY, path="/graphql/system")).status_code == 400


async def test_caller_is_told_the_own_rights(client: httpx.AsyncClient) -> None:
    body = await system(client, "{ permissions_me policies_me_globals { admin_access app_access } }", READER)

    assert set(body["data"]["permissions_me"]) >= {"articles"}
    assert body["data"]["policies_me_globals"] == {"admin_access": False, "app_access": False}
    nobody = await system(client, "{ permissions_me }", NOBODY)
    assert nobody["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await system(client, "{ roles_me { name } }"))["data"]["roles_me"]


async def test_server_tells_what_callers_may_know(client: httpx.AsyncClient) -> None:
    query = "{ server_ping server_health server_info { version project { project_name } } server_specs_graphql }"
    told = (await system(client, query))["data"]

    assert told["server_ping"] == "pong"
    assert told["server_health"]["status"] == "ok"
    assert told["server_info"]["project"] == {"project_name": "Test"}
    assert told["server_info"]["version"]
    assert told["server_specs_graphql"].startswith("type Query")
    nobody = await system(client, "{ server_ping server_info { version } server_health }", NOBODY)
    assert nobody["data"] == {"server_ping": "pong", "server_info": {"version": None}, "server_health": None}
    assert (await system(client, "{ server_specs_oas }"))["data"]["server_specs_oas"]["openapi"] == "3.1.0"


async def test_users_are_read_and_written(client: httpx.AsyncClient) -> None:
    make = 'mutation { create_users_item(data: {email: "made@example.com", password: "long enough to be one"}) { id password } }'  # fmt: skip  # noqa: E501
    made = (await system(client, make))["data"]["create_users_item"]

    assert made["password"] == "**********"
    by_id = await system(client, "query($i: ID!) { users_by_id(id: $i) { email } }", variables={"i": made["id"]})
    assert by_id["data"] == {"users_by_id": {"email": "made@example.com"}}
    removed = await system(
        client, "mutation($i: ID!) { delete_users_item(id: $i) { id } }", variables={"i": made["id"]}
    )
    assert removed["data"] == {"delete_users_item": {"id": made["id"]}}


async def test_project_is_a_singleton(client: httpx.AsyncClient) -> None:
    changed = await system(client, 'mutation { update_settings(data: {project_color: "#123456"}) { project_color } }')

    assert changed["data"] == {"update_settings": {"project_color": "#123456"}}
    assert (await system(client, "{ settings { project_color } }"))["data"] == {
        "settings": {"project_color": "#123456"}
    }


async def test_utilities(client: httpx.AsyncClient) -> None:
    query = 'mutation { utils_random_string(length: 7) utils_hash_generate(string: "x") utils_cache_clear }'
    done = (await system(client, query))["data"]

    assert len(done["utils_random_string"]) == 7
    assert done["utils_cache_clear"] is True
    verify = 'mutation($h: String!) { utils_hash_verify(string: "x", hash: $h) }'
    verified = await system(client, verify, variables={"h": done["utils_hash_generate"]})
    assert verified["data"] == {"utils_hash_verify": True}
    nobody = await system(client, 'mutation { utils_hash_generate(string: "x") }', NOBODY)
    assert nobody["errors"][0]["extensions"]["code"] == "FORBIDDEN"
    assert (await ask(client, "mutation { utils_cache_clear }", EDITOR, path="/graphql/system")).status_code == 400


@pytest.fixture
async def own(tmp_path: Path) -> AsyncIterator[httpx.AsyncClient]:
    """A client of an application of its own, whose structure may be changed."""
    async with serving(tmp_path) as app, client_of(app) as client:
        yield client


async def test_structure_is_made_changed_and_dropped_and_the_schema_follows(own: httpx.AsyncClient) -> None:
    make = """mutation($c: JSON!) { create_collections_item(data: $c) { collection } }"""
    design = {"collection": "plants", "schema": {}, "fields": [{"field": "name", "type": "string"}]}
    assert (await system(own, make, variables={"c": design}))["data"] == {
        "create_collections_item": {"collection": "plants"}
    }
    assert (await ask(own, "{ plants { id name } }")).json() == {"data": {"plants": []}}
    grow = (
        'mutation { create_fields_item(collection: "plants", data: {field: "height", type: "integer"}) { field type } }'
    )
    assert (await system(own, grow))["data"]["create_fields_item"] == {"field": "height", "type": "integer"}
    assert (await ask(own, "{ plants { height } }")).json() == {"data": {"plants": []}}
    told = '{ collections_by_name(name: "plants") { collection schema { name } } fields_in_collection(collection: "plants") { field } }'  # noqa: E501
    data = (await system(own, told))["data"]
    assert data["collections_by_name"] == {"collection": "plants", "schema": {"name": "plants"}}
    assert {field["field"] for field in data["fields_in_collection"]} >= {"name", "height"}
    assert "errors" not in await system(
        own, 'mutation { delete_fields_item(collection: "plants", field: "height") { field } }'
    )
    assert reasons(await ask(own, "{ plants { height } }"))
    assert "errors" not in await system(
        own, 'mutation { delete_collections_item(collection: "plants") { collection } }'
    )
    assert reasons(await ask(own, "{ plants { id } }"))


async def test_structure_out_of_sight_is_not_told(client: httpx.AsyncClient) -> None:
    told = await system(
        client, '{ collections { collection } collections_by_name(name: "notes") { collection } }', READER
    )

    assert [each["collection"] for each in (told["data"] or {"collections": []})["collections"]] in ([], ["articles"])
    assert told["errors"][0]["extensions"]["code"] == "FORBIDDEN"
