"""Exchanges over HTTP as Directus has them, body by body; words are as in frames."""

from __future__ import annotations

from typing import Any

import msgspec

from tests.clients.directus.frames import FIRST, article

Cookie = tuple[str, str, str]


class Exchange(msgspec.Struct, frozen=True):
    """A request and its answer. `cookies`: name, value, and attributes, but for the time in words."""

    method: str
    path: str
    status: int
    answer: Any = None
    body: Any = None
    headers: dict[str, str] = {}
    cookies: tuple[Cookie, ...] = ()


def data(value: Any) -> dict[str, Any]:
    """The body of a good answer."""
    return {"data": value}


def refusal(code: str, message: str, **extensions: Any) -> dict[str, Any]:
    """The body of a bad one."""
    return {"errors": [{"message": message, "extensions": {**extensions, "code": code}}]}


def invalid(code: str, kind: str, reason: str) -> dict[str, Any]:
    """The body that says what is wrong with a payload or a query."""
    return refusal(code, f"Invalid {kind}. {reason}.", reason=reason)


def payload(reason: str) -> dict[str, Any]:
    """What is wrong with a payload."""
    return invalid("INVALID_PAYLOAD", "payload", reason)


def unseen(what: str) -> dict[str, Any]:
    """What is out of sight or does not exist."""
    reason = f"You don't have permission to access {what} or it does not exist. Queried in root."
    return refusal("FORBIDDEN", reason, reason=reason)


def bearer(token: str) -> dict[str, str]:
    """The header that carries a token."""
    return {"Authorization": f"Bearer {token}"}


def get(path: str, answer: Any, status: int = 200, token: str = "<editor>") -> Exchange:
    """A reading request with a token."""
    return Exchange("GET", path, status, answer, headers=bearer(token) if token else {})


def write(method: str, path: str, body: Any, answer: Any, status: int = 200, *, token: str = "<editor>") -> Exchange:
    """A writing request with a token."""
    return Exchange(method, path, status, answer, body, bearer(token))


def auth(
    path: str, body: Any, status: int, answer: Any = None, *, cookie: str = "", sets: Cookie | None = None
) -> Exchange:
    """A request about credentials."""
    headers = {"Cookie": cookie} if cookie else {}
    return Exchange("POST", f"/auth/{path}", status, answer, body, headers, () if sets is None else (sets,))


ENDED = refusal("INVALID_CREDENTIALS", "Invalid user credentials.")
EXPIRED = refusal("TOKEN_EXPIRED", "Token expired.")
WITHOUT_TOKEN = payload("The refresh token is required in either the payload or cookie")
READER = {"email": "reader@example.com", "password": "reader-pass-1"}
ME = data({"id": "<reader id>"})
ONE = "/items/articles?limit=1&fields=id&sort=id&filter[id][_gt]=1000"
REFRESH_COOKIE = "Max-Age=604800; Path=/; HttpOnly; SameSite=Lax"
SESSION_COOKIE = "Max-Age=86400; Path=/; HttpOnly; SameSite=Lax"
# Directus empties cookies with their full life; we end it.
GONE = "Max-Age=0; Path=/; HttpOnly; SameSite=Lax"


def tokens(number: int) -> dict[str, Any]:
    """What a login or a refresh in JSON mode gives."""
    return data({"expires": 900_000, "refresh_token": f"<refresh {number}>", "access_token": f"<access {number}>"})


AUTHENTICATION: dict[str, list[Exchange]] = {
    "json": [
        auth("login", READER, 200, tokens(1)),
        auth("refresh", {"refresh_token": "<refresh 1>"}, 200, tokens(2)),
        auth("refresh", {"refresh_token": "<refresh 2>", "mode": "json"}, 200, tokens(3)),
        get("/users/me?fields=id,email,role", ME, token="<access 3>"),
        # A token that was used before the last one: somebody has a copy, so the session ends. Directus lets it live.
        auth("refresh", {"refresh_token": "<refresh 1>", "mode": "json"}, 401, ENDED),
        auth("refresh", {"refresh_token": "<refresh 3>", "mode": "json"}, 401, ENDED),
        get("/users/me?fields=id", ENDED, 401, token="<access 3>"),
    ],
    "refresh without or with a bad token": [
        auth("refresh", {"mode": "json"}, 400, WITHOUT_TOKEN),
        auth("refresh", {"refresh_token": "nope", "mode": "json"}, 401, ENDED),
        auth("refresh", None, 400, WITHOUT_TOKEN),
    ],
    "tokens": [
        get("/users/me", ME, token="<reader>"),
        get("/users/me?access_token=<reader>", ME, token=""),
        get(
            "/items/articles?limit=1&access_token=<reader>",
            payload("The request uses more than one method for including an access token"),
            400,
            token="<reader>",
        ),
        get("/users/me", ENDED, 401, token=""),
        get("/users/me", ENDED, 401, token="nope"),
        get("/users/me", refusal("INVALID_TOKEN", "Invalid token."), 403, token="<forged>"),
        Exchange("GET", ONE, 403, unseen('collection "articles"'), headers={"Authorization": "Basic abc"}),
        Exchange("GET", ONE, 200, data([{"id": 1001}]), headers={"Authorization": "bearer <reader>"}),
    ],
    "logout": [
        auth("login", READER, 200, tokens(1)),
        auth("logout", {"refresh_token": "<refresh 1>", "mode": "json"}, 204),
        auth("logout", {"refresh_token": "<refresh 1>", "mode": "json"}, 204),
        auth("logout", {}, 400, WITHOUT_TOKEN),
        auth("refresh", {"refresh_token": "<refresh 1>", "mode": "json"}, 401, ENDED),
        # Directus accepts the access token until it expires.
        get("/users/me?fields=id", ENDED, 401, token="<access 1>"),
    ],
    "cookie": [
        auth(
            "login",
            READER | {"mode": "cookie"},
            200,
            data({"expires": 900_000, "access_token": "<access 1>"}),
            sets=("directus_refresh_token", "<cookie 1>", REFRESH_COOKIE),
        ),
        auth(
            "refresh",
            {"mode": "cookie"},
            200,
            data({"expires": 900_000, "access_token": "<access 2>"}),
            cookie="directus_refresh_token=<cookie 1>",
            sets=("directus_refresh_token", "<cookie 2>", REFRESH_COOKIE),
        ),
        auth(
            "logout",
            {"mode": "cookie"},
            204,
            cookie="directus_refresh_token=<cookie 2>",
            sets=("directus_refresh_token", "", GONE),
        ),
    ],
    "session": [
        auth(
            "login",
            READER | {"mode": "session"},
            200,
            data({"expires": 86_400_000}),
            sets=("directus_session_token", "<session 1>", SESSION_COOKIE),
        ),
        Exchange("GET", ONE, 200, data([{"id": 1001}]), headers={"Cookie": "directus_session_token=<session 1>"}),
        Exchange("GET", "/users/me?fields=id", 200, ME, headers={"Cookie": "directus_session_token=<session 1>"}),
        auth(
            "refresh",
            {"mode": "session"},
            200,
            data({"expires": 86_400_000}),
            cookie="directus_session_token=<session 1>",
            sets=("directus_session_token", "<session 2>", SESSION_COOKIE),
        ),
        # For a while the old cookie is as good as the new one: requests were on their way.
        Exchange("GET", ONE, 200, data([{"id": 1001}]), headers={"Cookie": "directus_session_token=<session 1>"}),
        auth(
            "logout",
            {"mode": "session"},
            204,
            cookie="directus_session_token=<session 2>",
            sets=("directus_session_token", "", GONE),
        ),
        Exchange(
            "GET",
            ONE,
            401,
            ENDED,
            headers={"Cookie": "directus_session_token=<session 2>"},
            cookies=(("directus_session_token", "", GONE),),
        ),
    ],
    "bad logins": [
        auth("login", READER | {"password": "x"}, 401, ENDED),
        auth("login", {"email": "nobody@example.com", "password": "x"}, 401, ENDED),
        auth("login", {"email": "a@b.co"}, 400, payload('"password" is required')),
        auth("login", {"password": "x"}, 400, payload('"email" is required')),
        auth("login", {}, 400, payload('"email" is required')),
        auth("login", {"email": "abc", "password": "x"}, 400, payload('"email" must be a valid email')),
        auth("login", READER | {"mode": "zzz"}, 400, payload('"mode" must be one of [cookie, json, session]')),
        auth("login", READER | {"otp": "123456"}, 200, tokens(1)),
        auth(
            "login/nope",
            READER,
            404,
            refusal("ROUTE_NOT_FOUND", "Route /auth/login/nope doesn't exist.", path="/auth/login/nope"),
        ),
        get("/auth", {"data": [], "disableDefault": False}, token=""),
        get(
            "/auth/login",
            refusal("ROUTE_NOT_FOUND", "Route /auth/login doesn't exist.", path="/auth/login"),
            404,
            token="",
        ),
        # A bad token is refused before anything else.
        Exchange("POST", "/auth/login", 401, ENDED, READER, bearer("nope")),
    ],
}

PROJECT = {
    "project_name",
    "project_descriptor",
    "project_logo",
    "project_color",
    "default_appearance",
    "default_theme_light",
    "default_theme_dark",
    "theme_light_overrides",
    "theme_dark_overrides",
    "default_language",
    "public_foreground",
    "public_background",
    "public_favicon",
    "public_note",
    "custom_css",
    "public_registration",
    "public_registration_verify_email",
}

ITEMS = "/items/articles"
OWN = "filter[id][_gt]=1000"


def ids(*keys: int) -> dict[str, Any]:
    """Rows of which only the keys are shown."""
    return data([{"id": key} for key in keys])


READS: list[Exchange] = [
    get(
        f"{ITEMS}?limit=2&fields=id,title&sort=id",
        data([{"id": 1001, "title": "Article 1"}, {"id": 1002, "title": "Article 2"}]),
    ),
    # A field of a relation that may not be read is left out of a wildcard, and is an error by name.
    get(f"{ITEMS}/1001?fields=id,author.*", data({"id": 1001, "author": {"id": 1, "first_name": "Ann"}})),
    get(f"{ITEMS}/1001?fields[]=id&fields[]=title", data({"id": 1001, "title": "Article 1"})),
    get(f"{ITEMS}/1001?fields=*.*", data(FIRST | {"author": {"id": 1, "first_name": "Ann"}})),
    get(f"{ITEMS}?filter[status][_eq]=published&sort=id&fields=id", ids(1001, 1003)),
    get(
        f'{ITEMS}?filter={{"_or":[{{"id":{{"_eq":1001}}}},{{"title":{{"_contains":"e 2"}}}}]}}&sort=id&fields=id',
        ids(1001, 1002),
    ),
    get(f"{ITEMS}?filter[author][first_name][_eq]=Ann&sort=id&fields=id", ids(1001, 1002)),
    get(f"{ITEMS}?filter[id][_in]=1001,1003&sort=id&fields=id", ids(1001, 1003)),
    get(f"{ITEMS}?filter[id][_between]=1002,1003&sort=id&fields=id", ids(1002, 1003)),
    get(f"{ITEMS}?filter[author][_null]=true&fields=id", ids(1003)),
    get(f"{ITEMS}?filter[title][_starts_with]=Art&sort=id&limit=1&fields=id", ids(1001)),
    get(f"{ITEMS}?filter[title][_icontains]=ARTICLE 1&fields=id", ids(1001)),
    get(
        f"{ITEMS}?filter[title][_regex]=^A&fields=id",
        invalid("INVALID_QUERY", "query", '"string" field type does not contain the "_regex" filter operator'),
        400,
    ),
    get(
        f"{ITEMS}?filter[year(published_on)][_eq]=2026&sort=id&limit=1&fields=id,year(published_on)",
        data([{"id": 1001, "published_on_year": 2026}]),
    ),
    get(f"{ITEMS}?filter[published_on][_lt]=$NOW&sort=id&fields=id", ids(1001, 1002)),
    get(f"{ITEMS}?sort=-published_on,id&limit=2&fields=id&filter[published_on][_nnull]=true", ids(1002, 1001)),
    get(f"{ITEMS}?sort=author.first_name,id&filter[author][_nnull]=true&limit=1&fields=id", ids(1001)),
    get(f"{ITEMS}?search=Article 3&fields=id", ids(1003)),
    get(f"{ITEMS}?limit=2&page=2&sort=id&fields=id", ids(1003)),
    get(f"{ITEMS}?limit=2&offset=1&sort=id&fields=id", ids(1002, 1003)),
    get(f"{ITEMS}?limit=0&fields=id", ids()),
    get(f"{ITEMS}?limit=-1&fields=id&sort=id&filter[id][_lt]=1003", ids(1001, 1002)),
    get(
        f"{ITEMS}?limit=1&fields=id&sort=id&meta=*",
        {"meta": {"total_count": 3, "filter_count": 3}, "data": [{"id": 1001}]},
    ),
    get(
        f"{ITEMS}?fields=id&meta=filter_count&filter[status][_eq]=draft",
        {"meta": {"filter_count": 1}, "data": [{"id": 1002}]},
    ),
    get(
        f"{ITEMS}?limit=1&fields=id&meta=total_count,page",
        invalid("INVALID_QUERY", "query", '"meta[1]" must be one of [total_count, filter_count]'),
        400,
    ),
    get(f"{ITEMS}?aggregate[count]=*", data([{"count": 3}])),
    get(
        f"{ITEMS}?aggregate[count]=id&aggregate[min]=id&aggregate[max]=id,published_on&aggregate[countDistinct]=status",
        data(
            [
                {
                    "count": {"id": 3},
                    "min": {"id": 1001},
                    "max": {"id": 1003, "published_on": "2026-01-03T12:00:00"},
                    "countDistinct": {"status": 2},
                }
            ]
        ),
    ),
    get(
        f"{ITEMS}?aggregate[count]=*&groupBy[]=status&sort=status",
        data([{"status": "draft", "count": 1}, {"status": "published", "count": 2}]),
    ),
    get(
        f"{ITEMS}?aggregate[count]=*&groupBy[]=month(published_on)&filter[published_on][_nnull]=true",
        data([{"published_on_month": 1, "count": 2}]),
    ),
    get(
        f'{ITEMS}?aggregate={{"count":"*"}}&groupBy=status&sort=status',
        data([{"status": "draft", "count": 1}, {"status": "published", "count": 2}]),
    ),
    get(f"{ITEMS}/1001?alias[t]=title&fields=id,t", data({"id": 1001, "t": "Article 1"})),
    get(
        f'{ITEMS}/1001?deep={{"author":{{"_filter":{{"first_name":{{"_eq":"nobody"}}}}}}}}&fields=id,author.first_name',
        data({"id": 1001, "author": None}),
    ),
    get(f"{ITEMS}?export=csv&limit=2&sort=id&fields=id,title", '"id","title"\n1001,"Article 1"\n1002,"Article 2"'),
    get(f"{ITEMS}?export=json&limit=1&sort=id&fields=id", [{"id": 1001}]),
    Exchange(
        "SEARCH",
        ITEMS,
        200,
        ids(1003),
        {"query": {"fields": ["id"], "filter": {"id": {"_gt": 1002}}}},
        bearer("<editor>"),
    ),
    Exchange("SEARCH", ITEMS, 400, payload('"ids" is not allowed'), {"ids": [1001]}, bearer("<editor>")),
    get("/items/nope", unseen('collection "nope"'), 403),
    get(f"{ITEMS}?fields=body", unseen('field "body" in collection "articles"'), 403, token="<reader>"),
    get("/nope", refusal("ROUTE_NOT_FOUND", "Route /nope doesn't exist.", path="/nope"), 404),
]

NO_UPDATE = (
    'You don\'t have permissions to perform "update" for the field(s) "title" in collection "articles" '
    "or it does not exist."
)
NO_DELETE = 'You don\'t have permission to perform "delete" for collection "articles" or it does not exist.'

WRITES: list[Exchange] = [
    write(
        "POST",
        f"{ITEMS}?fields=id,title,status,published_on",
        {"title": "q1", "published_on": "2026-02-03T04:05:06.789Z"},
        data({"id": "<q>", "title": "q1", "status": "draft", "published_on": "2026-02-03T04:05:06"}),
    ),
    get(f"{ITEMS}/<q>?fields=published_on", data({"published_on": "2026-02-03T04:05:06"})),
    write("PATCH", f"{ITEMS}/<q>?fields=id,title", {"title": "q2"}, data({"id": "<q>", "title": "q2"})),
    write(
        "PATCH",
        f"{ITEMS}?fields=id,body",
        {"keys": [1001, 1002], "data": {"body": "x"}},
        data([{"id": 1001, "body": "x"}, {"id": 1002, "body": "x"}]),
    ),
    write(
        "PATCH",
        f"{ITEMS}?fields=id,body",
        {"query": {"filter": {"id": {"_in": [1001, 1003]}}, "sort": ["id"]}, "data": {"body": "y"}},
        data([{"id": 1001, "body": "y"}, {"id": 1003, "body": "y"}]),
    ),
    write(
        "PATCH",
        f"{ITEMS}?fields=id,body",
        [{"id": 1001, "body": "a"}, {"id": 1002, "body": "b"}],
        data([{"id": 1001, "body": "a"}, {"id": 1002, "body": "b"}]),
    ),
    write("DELETE", f"{ITEMS}/<q>", None, None, 204),
    write(
        "POST",
        f"{ITEMS}?fields=id",
        [{"title": "d1"}, {"title": "d2"}, {"title": "d3"}],
        data([{"id": "<d1>"}, {"id": "<d2>"}, {"id": "<d3>"}]),
    ),
    write("DELETE", ITEMS, ["<d1>", "<d2>"], None, 204),
    write("DELETE", ITEMS, {"query": {"filter": {"title": {"_eq": "d3"}}}}, None, 204),
    get(f"{ITEMS}?aggregate[count]=*", data([{"count": 3}])),
    write(
        "POST",
        ITEMS,
        {"title": "d", "slug": "article-1"},
        refusal(
            "RECORD_NOT_UNIQUE",
            'Value "article-1" for field "slug" in collection "articles" has to be unique.',
            collection="articles",
            field="slug",
            value="article-1",
        ),
        400,
    ),
    write(
        "POST",
        ITEMS,
        {"title": None},
        refusal(
            "FAILED_VALIDATION",
            'Validation failed for field "title". Value can\'t be null.',
            field="title",
            path=[],
            type="nnull",
        ),
        400,
    ),
    write(
        "POST",
        ITEMS,
        {},
        refusal(
            "FAILED_VALIDATION",
            'Validation failed for field "title". Value is required.',
            field="title",
            path=[],
            type="required",
        ),
        400,
    ),
    write("POST", ITEMS, {"title": "x", "nope": 1}, data(article("<x>", "x"))),
    write(
        "POST",
        ITEMS,
        {"title": "x", "published_on": "garbage"},
        payload('Invalid DateTime format in field "published_on"'),
        400,
    ),
    write("POST", ITEMS, [], data([])),
    # All of a batch or nothing of it.
    write(
        "POST",
        ITEMS,
        [{"title": "b1"}, {"title": None}],
        refusal(
            "FAILED_VALIDATION",
            'Validation failed for field "title". Value can\'t be null.',
            field="title",
            path=[],
            type="nnull",
        ),
        400,
    ),
    get(f"{ITEMS}?filter[title][_eq]=b1&fields=id", ids()),
    write("PATCH", f"{ITEMS}/999999", {"title": "x"}, refusal("FORBIDDEN", NO_UPDATE, reason=NO_UPDATE), 403),
    write("DELETE", f"{ITEMS}/999999", None, refusal("FORBIDDEN", NO_DELETE, reason=NO_DELETE), 403),
    write(
        "PUT",
        f"{ITEMS}/1001",
        {"title": "x"},
        refusal("ROUTE_NOT_FOUND", "Route /items/articles/1001 doesn't exist.", path="/items/articles/1001"),
        404,
    ),
    write("DELETE", ITEMS, None, payload('"value" must contain at least one of [query, keys]'), 400),
    write("PATCH", ITEMS, {"title": "x"}, payload('"data" is required'), 400),
    write("POST", ITEMS, {"title": "x"}, unseen('collection "articles"'), 403, token="<reader>"),
    write("PATCH", f"{ITEMS}/1001", {"title": "x"}, unseen('collection "articles"'), 403, token="<reader>"),
    write("DELETE", f"{ITEMS}/1001", None, unseen('collection "articles"'), 403, token="<reader>"),
]
