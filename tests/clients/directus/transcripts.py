"""Conversations about identity and items as Directus has them, frame by frame.

Where we mean to differ, what we say stands here, with the reason.
"""

from __future__ import annotations

from typing import Any

from tests.clients.directus.frames import (
    CLOSED,
    FIRST,
    PASSWORD,
    PING,
    PONG,
    Frame,
    Step,
    answer,
    article,
    error,
    forbidden,
    items,
    ok,
    told,
)

# --- The first message ---

ACCEPTED: dict[str, Step] = {
    "access token": ({"type": "auth", "access_token": "<access>"}, [ok()]),
    "access token and uid": ({"type": "auth", "access_token": "<access>", "uid": "u1"}, [ok(uid="u1")]),
    "access token and number": ({"type": "auth", "access_token": "<access>", "uid": 7}, [ok(uid=7)]),
    "static token": ({"type": "auth", "access_token": "<reader>"}, [ok()]),
    "email and password": (PASSWORD, [ok(refresh_token="<given>")]),
    "password and uid": (PASSWORD | {"uid": "u2"}, [ok(uid="u2", refresh_token="<given>")]),
    "refresh token": ({"type": "auth", "refresh_token": "<refresh>"}, [ok(refresh_token="<next>")]),
    "binary frame": (b'{"type": "auth", "access_token": "reader-static-token-0001"}', [ok()]),
}

REFUSED: dict[str, Any] = {
    "unknown token": {"type": "auth", "access_token": "nope", "uid": "x"},
    "token of another signer": {"type": "auth", "access_token": "<forged>"},
    "wrong password": PASSWORD | {"password": "wrong"},
    "unknown email": PASSWORD | {"email": "nobody@example.com"},
    "not an email": PASSWORD | {"email": "nobody"},
    "unknown refresh token": {"type": "auth", "refresh_token": "nope"},
    "no credential": {"type": "auth"},
    "null token": {"type": "auth", "access_token": None},
    "empty token": {"type": "auth", "access_token": ""},
    "text": "hello",
    "broken JSON": '{"type":"auth",',
    "array": "[1,2]",
    "string": '"auth"',
    "null": "null",
    "nothing": "",
    "unknown type": {"type": "foo"},
    "subscribe": {"type": "subscribe", "collection": "articles"},
    "ping": PING,
    "capitals": {"type": "AUTH", "access_token": "<reader>"},
}
HANDSHAKE_FAILED = [error("auth", "AUTH_FAILED", "Authentication handshake failed."), CLOSED]

# --- After it ---

UNPARSED = error("server", "INVALID_PAYLOAD", "Unable to parse the incoming message.")


def expected(what: str, found: str, where: str = "") -> Frame:
    """The refusal of a frame of a wrong shape."""
    text = f"Validation error: Invalid input: expected {what}, received {found}{where}"
    return error("server", "INVALID_PAYLOAD", text)


AUTHENTICATED: list[Step] = [
    ({"type": "auth", "access_token": "<reader>"}, [ok()]),
    ({"type": "foo", "uid": 1}, []),
    ({"uid": 2}, [expected("string", "undefined", ' at "type"')]),
    ("hello", [UNPARSED]),
    ('{"a":', [UNPARSED]),
    ("[1]", [expected("object", "array")]),
    ("null", [expected("object", "null")]),
    ('"x"', [expected("object", "string")]),
    ("", [UNPARSED]),
    (b'{"type": "ping"}', [PONG]),
    (PING, [PONG]),
    (PING | {"uid": "p"}, [PONG | {"uid": "p"}]),
    (PONG, []),
    ({"type": "PING"}, []),
    (PING | {"uid": "last"}, [PONG | {"uid": "last"}]),
]

NO_CREDENTIAL = 'Invalid payload. "access_token", "refresh_token" or "email" and "password" is required.'
AGAIN: dict[str, list[Step]] = {
    "another user": [
        ({"type": "auth", "access_token": "<editor>", "uid": "second"}, [ok(uid="second")]),
        (items("create", "c", data={"title": "By the editor"}), [answer(article("<made>", "By the editor"), "c")]),
    ],
    # Directus says nothing; who forgets the token should hear of it.
    "no credential": [
        ({"type": "auth", "uid": "third"}, [error("auth", "INVALID_PAYLOAD", NO_CREDENTIAL, uid="third")]),
        (PING, [PONG]),
    ],
    "unknown token": [
        (
            {"type": "auth", "access_token": "nope", "uid": "second"},
            [error("auth", "AUTH_FAILED", "Authentication failed.", uid="second"), CLOSED],
        ),
    ],
    "wrong password": [
        (PASSWORD | {"password": "x"}, [error("auth", "AUTH_FAILED", "Authentication failed."), CLOSED]),
    ],
}

# --- The upgrade: what the request carries, and what becomes of it ---

UPGRADES: dict[str, tuple[str, dict[str, str], int]] = {
    "token in the URL": ("/websocket?access_token=<reader>", {}, 101),
    "unknown token in the URL": ("/websocket?access_token=nope", {}, 401),
    # Directus ignores the header.
    "token in the header": ("/websocket", {"Authorization": "Bearer <reader>"}, 101),
    "own page": ("/websocket?access_token=<reader>", {"Origin": "<url>"}, 101),
    "foreign page": ("/websocket", {"Origin": "http://evil.example"}, 403),
    "page of no origin": ("/websocket", {"Origin": "null"}, 403),
    "session cookie": ("/websocket", {"Cookie": "directus_session_token=<session>"}, 101),
    "session cookie of a foreign page": (
        "/websocket",
        {"Cookie": "directus_session_token=<session>", "Origin": "http://evil.example"},
        403,
    ),
    "bad session cookie": ("/websocket", {"Cookie": "directus_session_token=nope"}, 401),
    # Directus leaves requests for other paths without an answer.
    "path of Likha ERP": ("/websockets?access_token=<reader>", {}, 101),
    "another path": ("/", {}, 404),
}

STRICT_UPGRADES: dict[str, tuple[str, dict[str, str], int]] = {
    "nothing": ("/websocket", {}, 401),
    "unknown token": ("/websocket?access_token=nope", {}, 401),
    "empty token": ("/websocket?access_token=", {}, 401),
    "access token": ("/websocket?access_token=<access>", {}, 101),
    "static token": ("/websocket?access_token=<reader>", {}, 101),
    "token in the header": ("/websocket", {"Authorization": "Bearer <reader>"}, 101),
}

# --- Expiry ---

EXPIRED = error("auth", "TOKEN_EXPIRED", "Token expired.")
TIMED_OUT = error("auth", "AUTH_TIMEOUT", "Authentication timed out.")
FOLLOW = {"type": "subscribe", "collection": "articles", "event": "create", "query": {"fields": ["title"]}}
RETITLE = items("update", "x", id=1001, data={"title": "Article 1"}, query={"fields": ["id"]})

TIMES_OUT: list[Step] = [
    (FOLLOW | {"uid": "sub1"}, [{"type": "subscription", "event": "init", "uid": "sub1"}]),
    (None, [EXPIRED]),
    (None, [TIMED_OUT, CLOSED]),
]
STAYS_PUBLIC: list[Step] = [
    (RETITLE, [answer(FIRST, "x")]),
    (None, [EXPIRED]),
    (RETITLE, [forbidden("items", 'collection "articles"', uid="x")]),
    (None, [TIMED_OUT]),
    (PING, [PONG]),
]
# While the client brings a new token, Directus shows it what the public sees; we keep it for the user.
RENEWED: list[Step] = [
    (FOLLOW | {"uid": "sub1"}, [{"type": "subscription", "event": "init", "uid": "sub1"}]),
    (None, [EXPIRED]),
    (RETITLE, [forbidden("items", 'collection "articles"', uid="x")]),
    (PING, [PONG]),
    (("POST", "/items/articles", {"title": "Meanwhile", "status": "published"}), []),
    (
        {"type": "auth", "refresh_token": "<refresh>", "uid": "re"},
        [ok(uid="re", refresh_token="<next>"), told("create", {"title": "Meanwhile"}, uid="sub1")],
    ),
    (RETITLE, [answer(FIRST, "x")]),
    ({"type": "auth", "access_token": "<editor>"}, [ok()]),
]

# --- Public ---

PUBLIC_FIELDS = {name: value for name, value in FIRST.items() if name != "body"}
PUBLIC: list[Step] = [
    (PING, [PONG]),
    (items("read", 1, query={"limit": 1}), [answer([PUBLIC_FIELDS], 1)]),
    (
        {"type": "items", "action": "read", "collection": "directus_users", "uid": 2},
        [error("items", "INVALID_COLLECTION", "Cannot trigger an action on a system collection.", uid=2)],
    ),
    (items("create", 3, data={"title": "x"}), [forbidden("items", 'collection "articles"', uid=3)]),
    ({"type": "auth", "access_token": "nope"}, [error("auth", "AUTH_FAILED", "Authentication failed.")]),
    (PING, [PONG]),
    (
        {"type": "auth", "email": "editor@example.com", "password": "editor-pass-1"},
        [ok(refresh_token="<given>")],
    ),
    (RETITLE, [answer(FIRST, "x")]),
]

# --- Items ---

ITEMS: list[Step] = [
    ({"type": "auth", "access_token": "<editor>"}, [ok()]),
    (
        items("create", "c1", data={"title": "One", "slug": "ws-1", "status": "published"}),
        [answer(article("<one>", "One", slug="ws-1", status="published"), "c1")],
    ),
    (
        items("create", "c2", data={"title": "Two"}, query={"fields": ["id", "title", "author.first_name"]}),
        [answer({"id": "<two>", "title": "Two", "author": None}, "c2")],
    ),
    (
        items("create", "c3", data=[{"title": "3"}, {"title": "4"}], query={"fields": ["id", "title"]}),
        [answer([{"id": "<three>", "title": "3"}, {"id": "<four>", "title": "4"}], "c3")],
    ),
    # Directus leaves the next three without an answer.
    (
        items("create", "null", data={"title": None}),
        [error("items", "FAILED_VALIDATION", 'Validation failed for field "title". Value can\'t be null.', uid="null")],
    ),
    (
        items("create", "empty", data={}),
        [error("items", "FAILED_VALIDATION", 'Validation failed for field "title". Value is required.', uid="empty")],
    ),
    (
        items("create", "none"),
        [error("items", "INVALID_PAYLOAD", 'Invalid payload. "data" is required.', uid="none")],
    ),
    (
        items("create", "dup", data={"title": "dup", "slug": "article-1"}),
        [
            error(
                "items",
                "RECORD_NOT_UNIQUE",
                'Value "article-1" for field "slug" in collection "articles" has to be unique.',
                uid="dup",
            )
        ],
    ),
    (items("create", "more", data={"title": "x", "nope": 1}), [answer(article("<five>", "x"), "more")]),
    (
        items(
            "read",
            "r1",
            query={"limit": 2, "fields": ["id", "title"], "sort": ["-id"], "filter": {"slug": {"_null": True}}},
        ),
        [answer([{"id": "<five>", "title": "x"}, {"id": "<four>", "title": "4"}], "r1")],
    ),
    (items("read", "r2", id=1001), [answer(FIRST, "r2")]),
    (items("read", "r2s", id="1001", query={"fields": ["id"]}), [answer({"id": 1001}, "r2s")]),
    (
        items("read", "r3", ids=["<three>", "<four>"], query={"fields": ["title"]}),
        [answer([{"title": "3"}, {"title": "4"}], "r3")],
    ),
    (
        items("read", "r4", id=999_999),
        [error("items", "FORBIDDEN", "You don't have permission to access this.", uid="r4")],
    ),
    (
        items("read", "r5", query={"filter": {"nope": {"_eq": 1}}}),
        [forbidden("items", 'field "nope" in collection "articles"', uid="r5")],
    ),
    (
        items("read", "r6", query={"fields": ["nope"]}),
        [forbidden("items", 'field "nope" in collection "articles"', uid="r6")],
    ),
    (
        items("read", "r7", query={"filter": {"id": {"_bad": 1}}}),
        [
            error(
                "items",
                "INVALID_QUERY",
                'Invalid query. "integer" field type does not contain the "_bad" filter operator.',
                uid="r7",
            )
        ],
    ),
    (
        items("read", "r8", query={"aggregate": {"count": "*"}, "groupBy": ["status"], "sort": ["status"]}),
        [answer([{"status": "draft", "count": 5}, {"status": "published", "count": 3}], "r8")],
    ),
    (
        items(
            "read",
            "r9",
            query={
                "limit": 1,
                "fields": ["id"],
                "meta": "*",
                "sort": ["-id"],
                "filter": {"id": {"_gt": 1000}, "slug": {"_starts_with": "article"}},
            },
        ),
        [answer([{"id": 1003}], "r9", meta={"total_count": 8, "filter_count": 3})],
    ),
    (
        items("read", "r10", query={"limit": "x"}),
        [error("items", "INVALID_QUERY", 'Invalid query. "limit" must be a number.', uid="r10")],
    ),
    (
        items("read", "r11", query={"filter": {"id": {"_eq": 1001}}, "fields": ["id", "author.first_name"]}),
        [answer([{"id": 1001, "author": {"first_name": "Ann"}}], "r11")],
    ),
    # An update of one item is told whole, whatever fields were asked for.
    (
        items("update", "u1", id="<one>", data={"title": "One b"}, query={"fields": ["id"]}),
        [answer(article("<one>", "One b", slug="ws-1", status="published"), "u1")],
    ),
    (
        items(
            "update", "u2", ids=["<three>", "<four>"], data={"status": "published"}, query={"fields": ["id", "status"]}
        ),
        [answer([{"id": "<three>", "status": "published"}, {"id": "<four>", "status": "published"}], "u2")],
    ),
    (
        items(
            "update",
            "u3",
            query={"filter": {"title": {"_in": ["3", "4"]}}, "fields": ["title", "body"]},
            data={"body": "q"},
        ),
        [answer([{"title": "3", "body": "q"}, {"title": "4", "body": "q"}], "u3")],
    ),
    (
        items("update", "u4", id=999_999, data={"title": "x"}),
        [
            error(
                "items",
                "FORBIDDEN",
                'You don\'t have permissions to perform "update" for the field(s) "title" in collection "articles" '
                "or it does not exist.",
                uid="u4",
            )
        ],
    ),
    (items("delete", "d1", id="<one>"), [answer("<one>", "d1")]),
    (items("delete", "d2", ids=["<three>", "<four>"]), [answer(["<three>", "<four>"], "d2")]),
    (
        items("delete", "d3", id=999_999),
        [
            error(
                "items",
                "FORBIDDEN",
                'You don\'t have permission to perform "delete" for collection "articles" or it does not exist.',
                uid="d3",
            )
        ],
    ),
    (
        items("delete", "d4"),
        [
            error(
                "items",
                "INVALID_PAYLOAD",
                "Either 'ids', 'id' or 'query' is required for a DELETE request.",
                uid="d4",
            )
        ],
    ),
    (items("delete", "d5", query={"filter": {"title": {"_eq": "no such"}}}), [answer([], "d5")]),
    (
        {"type": "items", "action": "read", "collection": "nope", "uid": "a3"},
        [forbidden("items", 'collection "nope"', uid="a3")],
    ),
    (
        {"type": "items", "action": "read", "collection": "directus_settings", "uid": "a4"},
        [error("items", "INVALID_COLLECTION", "Cannot trigger an action on a system collection.", uid="a4")],
    ),
    (items("read", 12, query={"filter": {"id": {"_eq": 1001}}, "fields": ["id"]}), [answer([{"id": 1001}], 12)]),
    ({"type": "ITEMS", "action": "read", "collection": "articles", "uid": 13}, []),
    (PING, [PONG]),
]

REFUSED_ITEMS: list[Step] = [
    ({"type": "auth", "access_token": "<reader>"}, [ok()]),
    (items("create", "f1", data={"title": "x"}), [forbidden("items", 'collection "articles"', uid="f1")]),
    (items("update", "f2", id=1001, data={"title": "x"}), [forbidden("items", 'collection "articles"', uid="f2")]),
    (items("delete", "f3", id=1001), [forbidden("items", 'collection "articles"', uid="f3")]),
    (
        items("read", "f4", id=1002),
        [error("items", "FORBIDDEN", "You don't have permission to access this.", uid="f4")],
    ),
    (items("read", "f5", id=1001), [answer(PUBLIC_FIELDS, "f5")]),
    (
        items("read", "f6", query={"fields": ["body"]}),
        [forbidden("items", 'field "body" in collection "articles"', uid="f6")],
    ),
]
