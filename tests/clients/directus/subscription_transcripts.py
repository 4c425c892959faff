"""Subscriptions as Directus has them, frame by frame.

Where we mean to differ, what we say stands here, with the reason.

A scene is who acts (a socket, or the editor over HTTP), what they do, and the frames that each socket gets of it.
"""

from __future__ import annotations

from typing import Any

from tests.clients.directus.frames import FIRST, SECOND, THIRD, Frame, article, error, forbidden, told

Scene = tuple[str, Any, dict[str, list[Any]]]

SOCKETS = {"editor": "<editor>", "reader": "<reader>", "query": "<reader>", "item": "<editor>", "twice": "<editor>"}
SUBSCRIBE = {"type": "subscribe", "collection": "articles"}
INIT = {"type": "subscription", "event": "init"}
ENDED = {"type": "subscription", "event": "unsubscribe"}
MATCHING = {"fields": ["id", "title"], "filter": {"title": {"_contains": "match"}}}
NESTED = {"fields": ["id", "title", "author.first_name"], "limit": 2, "sort": ["-id"]}


def seen(row: Frame) -> Frame:
    """What a reader sees of a row."""
    return {name: value for name, value in row.items() if name != "body"}


def post(body: Any) -> tuple[str, str, Any]:
    """The request that creates an article."""
    return ("POST", "/items/articles", body)


def patch(key: Any, body: Any) -> tuple[str, str, Any]:
    """The request that updates one."""
    return ("PATCH", f"/items/articles/{key}", body)


def e1(event: str, *rows: Any) -> Frame:
    """What the editor's subscription tells: nested fields."""
    return told(event, *rows, uid="e1")


def twice(row: Frame) -> list[Frame]:
    """What two subscriptions to updates tell on one socket."""
    return [told("update", row, uid="d"), told("update", {"id": row["id"]}, uid="5")]


def short(key: Any, title: str, author: str | None = None) -> Frame:
    """An article as the editor's subscription shows it."""
    return {"id": key, "title": title, "author": author and {"first_name": author}}


ANN = {**FIRST, "title": "Article 1 b"}
DRAFT = article("<d>", "draft match")
OPEN = article("<p>", "pub match", status="published")
BATCH = [{"title": "b1 match", "status": "published"}, {"title": "b2"}, {"title": "b3", "status": "published"}]
B1, B3 = (seen(article(f"<{name}>", title, status="published")) for name, title in (("b1", "b1 match"), ("b3", "b3")))

SCENES: list[Scene] = [
    (
        "editor",
        SUBSCRIBE | {"query": NESTED, "uid": "e1"},
        {"editor": [e1("init", short(1003, "Article 3"), short(1002, "Article 2", "Ann"))]},
    ),
    ("reader", SUBSCRIBE | {"uid": "r1"}, {"reader": [told("init", seen(FIRST), seen(THIRD), uid="r1")]}),
    # With an event there is no data, only the confirmation.
    ("reader", SUBSCRIBE | {"event": "create", "uid": "rc"}, {"reader": [INIT | {"uid": "rc"}]}),
    ("query", SUBSCRIBE | {"query": MATCHING, "uid": "rq"}, {"query": [told("init", uid="rq")]}),
    (
        "item",
        SUBSCRIBE | {"item": 1001, "query": {"fields": ["id", "title"]}, "uid": "it"},
        {"item": [INIT | {"data": {"id": 1001, "title": "Article 1"}, "uid": "it"}]},
    ),
    # The same uid again replaces the subscription; a number is told as text.
    ("twice", SUBSCRIBE | {"event": "update", "uid": "d"}, {"twice": [INIT | {"uid": "d"}]}),
    ("twice", SUBSCRIBE | {"event": "update", "uid": "d"}, {"twice": [INIT | {"uid": "d"}]}),
    ("twice", SUBSCRIBE | {"event": "update", "uid": 5, "query": {"fields": ["id"]}}, {"twice": [INIT | {"uid": "5"}]}),
    # What happens.
    ("http", post({"title": "draft match"}), {"editor": [e1("create", short("<d>", "draft match"))]}),
    (
        "http",
        post({"title": "pub match", "status": "published"}),
        {
            "editor": [e1("create", short("<p>", "pub match"))],
            "reader": [told("create", seen(OPEN), uid="r1"), told("create", seen(OPEN), uid="rc")],
            "query": [told("create", {"id": "<p>", "title": "pub match"}, uid="rq")],
        },
    ),
    # A row that leaves a query is told as a delete; Directus says nothing.
    (
        "http",
        patch("<p>", {"title": "pub other"}),
        {
            "editor": [e1("update", short("<p>", "pub other"))],
            "reader": [told("update", seen(OPEN | {"title": "pub other"}), uid="r1")],
            "query": [told("delete", "<#p>", uid="rq")],
            "twice": twice(OPEN | {"title": "pub other"}),
        },
    ),
    (
        "http",
        patch("<d>", {"body": "b"}),
        {"editor": [e1("update", short("<d>", "draft match"))], "twice": twice(DRAFT | {"body": "b"})},
    ),
    # A row that comes into sight is told as a create; Directus says update.
    (
        "http",
        patch("<d>", {"status": "published"}),
        {
            "editor": [e1("update", short("<d>", "draft match"))],
            "reader": [
                told("create", seen(DRAFT | {"status": "published"}), uid="r1"),
                told("create", seen(DRAFT | {"status": "published"}), uid="rc"),
            ],
            "query": [told("create", {"id": "<d>", "title": "draft match"}, uid="rq")],
            "twice": twice(DRAFT | {"body": "b", "status": "published"}),
        },
    ),
    (
        "http",
        patch("<p>", {"status": "draft"}),
        {
            "editor": [e1("update", short("<p>", "pub other"))],
            "reader": [told("delete", "<#p>", uid="r1")],
            "twice": twice(OPEN | {"title": "pub other", "status": "draft"}),
        },
    ),
    (
        "http",
        patch(1001, {"title": "Article 1 b"}),
        {
            "editor": [e1("update", short(1001, "Article 1 b", "Ann"))],
            "reader": [told("update", seen(ANN), uid="r1")],
            "item": [told("update", uid="it") | {"data": {"id": 1001, "title": "Article 1 b"}}],
            "twice": twice(ANN),
        },
    ),
    # Directus sends a frame for each created row; we send one, because clients lose frames that come together.
    (
        "http",
        post(BATCH),
        {
            "editor": [e1("create", short("<b1>", "b1 match"), short("<b2>", "b2"), short("<b3>", "b3"))],
            "reader": [told("create", B1, B3, uid="r1"), told("create", B1, B3, uid="rc")],
            "query": [told("create", {"id": "<b1>", "title": "b1 match"}, uid="rq")],
        },
    ),
    # `limit` and `sort` shape the first data, not the events: none is left out.
    (
        "http",
        ("PATCH", "/items/articles", {"keys": [1001, 1002, 1003], "data": {"body": "batch"}}),
        {
            "editor": [
                e1(
                    "update",
                    short(1001, "Article 1 b", "Ann"),
                    short(1002, "Article 2", "Ann"),
                    short(1003, "Article 3"),
                )
            ],
            "reader": [told("update", seen(ANN), seen(THIRD), uid="r1")],
            "item": [told("update", uid="it") | {"data": {"id": 1001, "title": "Article 1 b"}}],
            "twice": [
                told(
                    "update",
                    ANN | {"body": "batch"},
                    SECOND | {"body": "batch"},
                    THIRD | {"body": "batch"},
                    uid="d",
                ),
                told("update", {"id": 1001}, {"id": 1002}, {"id": 1003}, uid="5"),
            ],
        },
    ),
    # What changes nothing is not told; Directus tells it.
    ("http", patch(1001, {}), {}),
    (
        "http",
        ("DELETE", "/items/articles/<d>", None),
        {
            "editor": [e1("delete", "<#d>")],
            "reader": [told("delete", "<#d>", uid="r1")],
            "query": [told("delete", "<#d>", uid="rq")],
        },
    ),
    # The key of a row that is out of sight is not told; Directus tells every key to everybody.
    ("http", ("DELETE", "/items/articles/<p>", None), {"editor": [e1("delete", "<#p>")]}),
    # Ends and refusals.
    ("editor", {"type": "unsubscribe", "uid": "e1"}, {"editor": [ENDED | {"uid": "e1"}]}),
    ("editor", {"type": "unsubscribe", "uid": "nope"}, {"editor": [ENDED | {"uid": "nope"}]}),
    ("editor", {"type": "unsubscribe"}, {"editor": [ENDED]}),
    (
        "editor",
        {"type": "subscribe", "collection": "nope", "uid": "x1"},
        {"editor": [forbidden("subscribe", 'collection "nope"', uid="x1")]},
    ),
    (
        "editor",
        {"type": "subscribe", "collection": "directus_settings", "uid": "x3"},
        {"editor": [forbidden("subscribe", 'collection "directus_settings"', uid="x3")]},
    ),
    (
        "editor",
        SUBSCRIBE | {"query": {"fields": ["nope"]}, "uid": "x5"},
        {"editor": [forbidden("subscribe", 'field "nope" in collection "articles"', uid="x5")]},
    ),
    (
        "editor",
        SUBSCRIBE | {"query": {"filter": {"nope": {"_eq": 1}}}, "uid": "x6"},
        {"editor": [forbidden("subscribe", 'field "nope" in collection "articles"', uid="x6")]},
    ),
    (
        "editor",
        SUBSCRIBE | {"item": 999_999, "uid": "x7"},
        {"editor": [error("subscribe", "FORBIDDEN", "You don't have permission to access this.", uid="x7")]},
    ),
    # Directus finds this out at the first event.
    (
        "editor",
        SUBSCRIBE | {"event": "create", "query": {"fields": ["nope"]}, "uid": "x9"},
        {"editor": [forbidden("subscribe", 'field "nope" in collection "articles"', uid="x9")]},
    ),
    (
        "reader",
        {"type": "subscribe", "collection": "directus_users", "uid": "y1"},
        {"reader": [forbidden("subscribe", 'collection "directus_users"', uid="y1")]},
    ),
    (
        "reader",
        SUBSCRIBE | {"query": {"fields": ["id", "body"]}, "uid": "y2"},
        {"reader": [forbidden("subscribe", 'field "body" in collection "articles"', uid="y2")]},
    ),
    (
        "reader",
        SUBSCRIBE | {"item": 1002, "uid": "y3"},
        {"reader": [error("subscribe", "FORBIDDEN", "You don't have permission to access this.", uid="y3")]},
    ),
    (
        "http",
        post({"title": "last", "status": "published"}),
        {
            "reader": [
                told("create", seen(article("<last>", "last", status="published")), uid="r1"),
                told("create", seen(article("<last>", "last", status="published")), uid="rc"),
            ]
        },
    ),
]
MALFORMED: dict[str, Frame] = {
    "no collection": {"type": "subscribe", "uid": "x2"},
    "unknown event": SUBSCRIBE | {"event": "nope", "uid": "x4"},
    "query of text": SUBSCRIBE | {"query": "str", "uid": "x8"},
}
