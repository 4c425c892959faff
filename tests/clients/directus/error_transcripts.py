"""Exchanges over HTTP that go wrong, or nearly, as Directus has them; where we mean to differ, the reason stands there.

The reader here has fewer rights than the recorded one: published articles only, without their text, and nothing is
open to the public.
"""

from __future__ import annotations

from tests.clients.directus.frames import FIRST, SECOND, THIRD, article
from tests.clients.directus.rest_transcripts import (
    ITEMS,
    NO_DELETE,
    NO_UPDATE,
    Exchange,
    bearer,
    data,
    get,
    ids,
    invalid,
    payload,
    refusal,
    unseen,
    write,
)

NO_FIELDS = 'You don\'t have permission to perform "read" for collection "directus_fields" or it does not exist.'
NO_ACCESS = refusal("FORBIDDEN", "You don't have permission to access this.")
ARTICLES = unseen('collection "articles"')
BODY = unseen('field "body" in collection "articles"')
NOPE = unseen('field "nope" in collection "articles"')


def query(reason: str) -> dict[str, object]:
    """What is wrong with a query."""
    return invalid("INVALID_QUERY", "query", reason)


def nowhere(path: str) -> dict[str, object]:
    """The answer where there is no route."""
    return refusal("ROUTE_NOT_FOUND", f"Route {path} doesn't exist.", path=path)


def validation(field: str, kind: str, text: str) -> dict[str, object]:
    """What a field must not be."""
    message = f'Validation failed for field "{field}". Value {text}.'
    return refusal("FAILED_VALIDATION", message, field=field, path=[], type=kind)


def raw(body: str, answer: object, status: int = 400, media_type: str = "application/json") -> Exchange:
    """A create whose body is a text as it stands."""
    return Exchange("POST", ITEMS, status, answer, body.encode(), bearer("<editor>") | {"Content-Type": media_type})


def _may_read(access: str, *fields: str) -> dict[str, object]:
    """What is told to one who may read these fields and do nothing else."""
    none = {"access": "none"}
    read = {"access": access, "fields": list(fields)}
    return {"create": none, "read": read, "update": none, "delete": none, "share": none}


REFUSED: list[Exchange] = [
    get("/items/nope", unseen('collection "nope"'), 403),
    get("/items/directus_users", NO_ACCESS, 403, "<admin>"),
    get(f"{ITEMS}/999999", NO_ACCESS, 403),
    get(f"{ITEMS}/abc", NO_ACCESS, 403),
    get("/nope", nowhere("/nope"), 404, ""),
    get("/nope", nowhere("/nope"), 404),
    get("/items", nowhere("/items"), 404),
    Exchange("POST", ITEMS, 403, ARTICLES, {"title": "x"}),
    write("POST", ITEMS, {"title": "x"}, ARTICLES, 403, token="<reader>"),
    write("PATCH", f"{ITEMS}/1001", {"title": "x"}, ARTICLES, 403, token="<reader>"),
    write("DELETE", f"{ITEMS}/1001", None, ARTICLES, 403, token="<reader>"),
    get("/users", unseen('collection "directus_users"'), 403, "<reader>"),
    get("/settings", unseen('collection "directus_settings"'), 403, "<reader>"),
    get("/collections/articles", unseen('collection "directus_collections"'), 403, "<reader>"),
    get("/fields/articles", refusal("FORBIDDEN", NO_FIELDS, reason=NO_FIELDS), 403, "<reader>"),
    get("/server/health", NO_ACCESS, 403, ""),
    # Directus names its licence, which custom permissions are a part of.
    write(
        "POST",
        "/permissions",
        {"policy": "<reader id>", "collection": "articles", "action": "read", "fields": ["id"]},
        unseen('collection "directus_permissions"'),
        403,
        token="<reader>",
    ),
]

LIMITED: list[Exchange] = [
    get(f"{ITEMS}/1002", NO_ACCESS, 403, "<reader>"),
    get(f"{ITEMS}?fields=id,body&limit=1", BODY, 403, "<reader>"),
    get(f"{ITEMS}?filter[body][_nnull]=true&limit=1", BODY, 403, "<reader>"),
    get(f"{ITEMS}?sort=body&limit=1", BODY, 403, "<reader>"),
    get(
        f"{ITEMS}?fields=*&limit=1&sort=id",
        data([{name: value for name, value in FIRST.items() if name != "body"}]),
        token="<reader>",
    ),
    get(f"{ITEMS}?aggregate[count]=*", data([{"count": 2}]), token="<reader>"),
    get(f"{ITEMS}?limit=0&meta=*", {"meta": {"total_count": 2, "filter_count": 2}, "data": []}, token="<reader>"),
    # What may not be read is not searched either.
    get(f"{ITEMS}?search=text&fields=id", ids(), token="<reader>"),
    get(f"{ITEMS}?fields=*&limit=1", ARTICLES, 403, ""),
    get(
        "/policies/me/globals",
        data({"app_access": False, "admin_access": False, "enforce_tfa": False}),
        token="<reader>",
    ),
    # The recorded reader has every field.
    get(
        "/permissions/me",
        data(
            {
                "articles": _may_read("partial", "author", "id", "published_on", "slug", "status", "title"),
                "authors": _may_read("full", "first_name", "id"),
            }
        ),
        token="<reader>",
    ),
]

QUERIES: list[Exchange] = [
    get(f"{ITEMS}?filter[nope][_eq]=1", NOPE, 403),
    get(f"{ITEMS}?filter[id][_bad]=1", query('"integer" field type does not contain the "_bad" filter operator'), 400),
    get(f"{ITEMS}?filter=%7Bbad", query("Invalid JSON for filter object"), 400),
    get(f"{ITEMS}?filter[id][_eq]=abc", query("Invalid numeric value"), 400),
    # Directus compares the text with the column, and finds nothing.
    get(f"{ITEMS}?filter[published_on][_gt]=notadate", query("Invalid date value"), 400),
    get(f"{ITEMS}?fields=nope", NOPE, 403),
    get(f"{ITEMS}?sort=nope", NOPE, 403),
    get(f"{ITEMS}?limit=abc", query('"limit" must be a number'), 400),
    get(f"{ITEMS}?limit=-5", query('"limit" must be greater than or equal to -1'), 400),
    get(f"{ITEMS}?page=0&sort=id", data([FIRST, SECOND, THIRD])),
    get(f"{ITEMS}?page=-1", query('"page" must be greater than or equal to 0'), 400),
    get(f"{ITEMS}?offset=abc", query('"offset" must be a number'), 400),
    # Directus answers with an empty object for each row.
    get(f"{ITEMS}?aggregate[nope]=*", query('"aggregate.nope" is not allowed'), 400),
    # Directus adds texts up to 0, as SQLite does; PostgreSQL has no such sum.
    get(f"{ITEMS}?aggregate[sum]=title", query('"string" field type does not support the "sum" function'), 400),
    get(f"{ITEMS}?groupBy=nope", NOPE, 403),
    get(f"{ITEMS}?meta=nope", query('"meta[0]" must be one of [total_count, filter_count]'), 400),
    # Directus leaves a `deep` that it cannot read out, although it refuses such a filter.
    get(f"{ITEMS}?deep={{bad", query("Invalid JSON for deep object"), 400),
    get(f"{ITEMS}?unknown_param=1&limit=1&fields=id&sort=id", ids(1001)),
    get(
        f"{ITEMS}?fields=id,author.nope&limit=1",
        refusal(
            "FORBIDDEN",
            'You don\'t have permission to access field "nope" in collection "authors" or it does not exist. '
            'Queried in "author".',
            reason='You don\'t have permission to access field "nope" in collection "authors" or it does not exist. '
            'Queried in "author".',
        ),
        403,
    ),
    # Directus answers with the bare keys.
    get(f"{ITEMS}?fields=title.x&limit=1", unseen('field "title.x" in collection "articles"'), 403),
    get(f"{ITEMS}?filter[_and]=x", query("Invalid filter object"), 400),
    get(f"{ITEMS}?filter[title]=abc&limit=1&fields=title", data([])),
    get(f"{ITEMS}?search=&sort=id", data([FIRST, SECOND, THIRD])),
    # We have neither XML nor YAML.
    get(f"{ITEMS}?export=nope&limit=1", query('"export" must be one of [csv, csv_utf8, json]'), 400),
]

LONG = "y" * 300

PAYLOADS: list[Exchange] = [
    # Directus says only that some key is invalid.
    write(
        "POST",
        ITEMS,
        {"title": "x", "author": 999},
        refusal(
            "INVALID_FOREIGN_KEY",
            'Invalid foreign key "999" for field "author" in collection "articles".',
            collection="articles",
            field="author",
            value=999,
        ),
        400,
    ),
    write(
        "POST",
        ITEMS,
        {"title": "x", "author": "notakey"},
        refusal(
            "INVALID_FOREIGN_KEY",
            'Invalid foreign key "notakey" for field "author" in collection "articles".',
            collection="articles",
            field="author",
            value="notakey",
        ),
        400,
    ),
    # Directus stores it where SQLite does; here both databases keep to the length of the column.
    write(
        "POST",
        ITEMS,
        {"title": LONG},
        refusal(
            "VALUE_TOO_LONG",
            f'Value "{LONG}" for field "title" in collection "articles" is too long.',
            collection="articles",
            field="title",
            value=LONG,
        ),
        400,
    ),
    write("POST", ITEMS, {"title": {"a": 1}}, data(article("<made>", '{"a":1}'))),
    write(
        "POST",
        ITEMS,
        {"id": 1001, "title": "x"},
        refusal(
            "RECORD_NOT_UNIQUE",
            'Value "1001" for field "id" in collection "articles" has to be unique.',
            collection="articles",
            field="id",
            value=1001,
        ),
        400,
    ),
    # The texts of Directus are those of its JSON parser.
    raw("{bad", payload("JSON is malformed: object keys must be strings (byte 1)")),
    raw('"str"', payload("The body must be an object or an array")),
    raw("[]", data([]), 200),
    # Directus takes it for no body at all. A form of any other site can send this without asking.
    raw("a=b", refusal("UNSUPPORTED_MEDIA_TYPE", "Unsupported media type."), 415, "text/plain"),
    write("POST", ITEMS, {}, validation("title", "required", "is required"), 400),
    write("PATCH", f"{ITEMS}/999999", {"title": "x"}, refusal("FORBIDDEN", NO_UPDATE, reason=NO_UPDATE), 403),
    write("DELETE", f"{ITEMS}/999999", None, refusal("FORBIDDEN", NO_DELETE, reason=NO_DELETE), 403),
    write("PUT", f"{ITEMS}/1001", {"title": "x"}, nowhere(f"{ITEMS}/1001"), 404),
    write("DELETE", ITEMS, None, payload('"value" must contain at least one of [query, keys]'), 400),
    write("PATCH", ITEMS, {"title": "x"}, payload('"data" is required'), 400),
]

MISTAKES = {"refused": REFUSED, "limited": LIMITED, "queries": QUERIES, "payloads": PAYLOADS}
