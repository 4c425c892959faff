"""The REST API beside its own description: requests made from `/server/specs/oas`, answers held against it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from schemathesis import APIOperation, Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.support.library import BOOK, READER_EMAIL, READER_PASSWORD, library
from tests.support.newsroom import administrator, client_of, made
from tests.support.server import ADMIN_EMAIL, ADMIN_PASSWORD, Server

pytestmark = pytest.mark.timeout(300)

EXAMPLES = 2  # of each way to ask, for each operation
PROFILE = settings(
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=list(HealthCheck),
)
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
LOGINS = {"administrator": (ADMIN_EMAIL, ADMIN_PASSWORD), "reader": (READER_EMAIL, READER_PASSWORD)}
KEYS = {
    "/permissions/me": BOOK,
    "/items/books": BOOK,
    "/items/shelves": "1",
    "/items/loans": "ann,1",
    "/items/house": "1",
}
# With a query it reaches the caller's own row: a password set there would make a refusal of every answer after it.
LEFT_OUT = {"PATCH /users"}

STRUCTURE = ("/collections", "/fields", "/relations", "/schema")
SPARE = {"collection": "spare", "field": "note"}
RELATION = {"collection": "spare", "field": "shelf"}
SPARE_COLLECTION = {
    "collection": "spare",
    "schema": {},
    "fields": [
        {"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}},
        {"field": "note", "type": "string"},
        {"field": "shelf", "type": "integer"},
    ],
}
SPARE_FIELD = {"field": "more", "type": "string", "schema": {"default_value": "x"}, "meta": {"note": "More"}}

CHANGES: dict[str, dict[str, Any]] = {
    "POST /collections": {
        "body": [{"collection": "made", "fields": [SPARE_FIELD]}, {"collection": "folder", "schema": None}]
    },
    "PATCH /collections": {"body": [{"collection": "spare", "meta": {"note": "Spare", "hidden": None}}]},
    "POST /fields/{collection}": {"path_parameters": {"collection": "spare"}, "body": SPARE_FIELD},
    "PATCH /fields/{collection}": {
        "path_parameters": {"collection": "spare"},
        "body": [{"field": "note", "meta": {"width": "half"}}],
    },
    "POST /relations": {"body": {"collection": "spare", "field": "shelf", "related_collection": "shelves"}},
    "PATCH /relations/{collection}/{field}": {
        "path_parameters": RELATION,
        "body": {"meta": {"one_field": "spares"}, "schema": {"on_delete": "SET NULL"}},
    },
    "DELETE /relations/{collection}/{field}": {"path_parameters": RELATION},
    "POST /schema/diff": {"body": {"collections": [{"collection": "spare", "meta": {"note": "Other"}}]}},
}

Words = dict[str, Any]
Asked = Case[Any]


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """A library on each kind of database."""
    with library(database_url, tmp_path) as served:
        with administrator(served) as rest:
            made(rest.post("/collections", json=SPARE_COLLECTION))
            made(rest.post("/items/spare", json={"note": "a"}))
        yield served


@pytest.mark.parametrize("caller", LOGINS)
def test_every_answer_is_as_described(server: Server, caller: str, subtests: pytest.Subtests) -> None:
    headers = {"Authorization": f"Bearer {log_in(server, caller)['access_token']}"}
    description = schemathesis.openapi.from_url(f"{server.url}/server/specs/oas", headers=headers)
    with requests.Session() as session:
        session.headers.update(headers)
        for operation in operations_of(description):
            with subtests.test(operation.label):
                examples = 1 if is_structure(operation) else EXAMPLES  # each looks at the whole database again
                hold(operation.as_strategy(), session, examples)
                if operation.query or operation.body:  # any text in a path is right
                    hold(operation.as_strategy(generation_mode=GenerationMode.NEGATIVE), session, examples)
                known = known_of(operation, server, caller)
                if known:
                    hold(operation.as_strategy(**known), session, examples)
        assert session.get(f"{server.url}/users/me").status_code == 200


def operations_of(description: Any) -> list[APIOperation[Any, Any, Any, Any]]:
    """Return the operations in a good order: what removes things goes last, and what removes many at the end.

    What changes the structure comes after all that.
    """
    operations = []
    for found in description.get_all_operations():
        assert isinstance(found, Ok), found
        operations.append(found.ok())
    kept = (each for each in operations if each.label not in LEFT_OUT)
    return sorted(kept, key=lambda each: (is_structure(each), each.method.upper() == "DELETE", "{" not in each.path))


def is_structure(operation: APIOperation[Any, Any, Any, Any]) -> bool:
    """Whether an operation may change the structure: what was described of the items does not hold after it."""
    return operation.path.startswith(STRUCTURE) and operation.method.upper() != "GET"


def hold(way: SearchStrategy[Asked], session: requests.Session, examples: int) -> None:
    """Hold the answers to some requests against the description."""

    @settings(PROFILE, max_examples=examples)
    @given(case=way)
    def ask(case: Asked) -> None:
        case.call_and_validate(session=session, checks=CHECKS)

    ask()


def known_of(operation: APIOperation[Any, Any, Any, Any], server: Server, caller: str) -> Words:
    """Return parts of a request about things that are there."""
    match operation.label:
        case "POST /auth/login":
            return {"body": credentials_of(caller)}
        case "POST /auth/refresh" | "POST /auth/logout":
            return {"body": {"refresh_token": log_in(server, caller)["refresh_token"]}}
        case "POST /tokens":
            return {"body": {"name": "spare", "user": key_at(server, "/users")}}
        case "POST /utils/sort/books":
            return {"body": {"item": BOOK, "to": BOOK}}
        case "POST /schema/apply":
            return {"body": difference(server)}
        case label if label in CHANGES:
            return CHANGES[label]
        case _:
            return parts_of_path(operation, server, caller)


def parts_of_path(operation: APIOperation[Any, Any, Any, Any], server: Server, caller: str) -> Words:
    """Return the keys of things that are there for a path that has room for some."""
    things = {each.name for each in operation.path_parameters}
    if operation.path.startswith(STRUCTURE):
        return {"path_parameters": {name: SPARE[name] for name in things}} if things else {}
    known = {"collection": "books", "key": key_at(server, operation.path.partition("/{")[0])} if things else {}
    if things & {"session", "token"}:
        known |= log_in(server, caller)
    return {"path_parameters": {name: known[name] for name in things}} if things else {}


def difference(server: Server) -> Words:
    """Return a difference to the structure that is there."""
    with administrator(server) as rest:
        wanted = made(rest.get("/schema/snapshot"))
        wanted["collections"] = [each for each in wanted["collections"] if each["collection"] != "folder"]
        found = rest.post("/schema/diff", json=wanted)
        return made(found) if found.status_code == 200 else {"hash": ""}


def key_at(server: Server, path: str) -> str:
    """Return the key of an item of a collection."""
    if path in KEYS:
        return KEYS[path]
    with administrator(server) as rest:
        rows = rest.get(path, params={"fields": "id", "limit": -1}).json().get("data", [])
    return str(rows[-1]["id"]) if rows else ""


def credentials_of(caller: str) -> dict[str, str]:
    """Return what the caller logs in with."""
    email, password = LOGINS[caller]
    return {"email": email, "password": password}


def log_in(server: Server, caller: str) -> Words:
    """Log in; return the tokens, the user's key, and those of the session and of a static token made in it."""
    with client_of(server) as client:
        tokens: Words = made(client.post("/auth/login", json=credentials_of(caller)))
    with client_of(server, tokens["access_token"]) as client:
        token = made(client.post("/users/me/tokens", json={"name": "spare"}))
        sessions = made(client.get("/users/me/sessions"))
        key = made(client.get("/users/me"))["id"]
    current = next(each["id"] for each in sessions if each["current"])
    return tokens | {"key": key, "token": token["id"], "session": current}
