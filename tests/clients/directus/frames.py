"""Frames as transcripts have them: what they are made of, and the rows that are there when a conversation begins.

`<word>` stands for a value: one that is known (`<reader>` is the reader's static token), or one that is met for the
first time and has to be the same from then on; `<#word>` is the same as text. A number is the code of a close.
"""

from __future__ import annotations

from typing import Any

Frame = dict[str, Any]
Step = tuple[Any, list[Any]]

CLOSED = 4401  # Directus closes without a code; clients read none, people who look for a reason do


def ok(**members: Any) -> Frame:
    """The confirmation of a credential."""
    return {"type": "auth", "status": "ok", **members}


def error(kind: str, code: str, message: str, **members: Any) -> Frame:
    """A refusal of any kind."""
    return {"type": kind, "status": "error", "error": {"code": code, "message": message}, **members}


def forbidden(kind: str, what: str, **members: Any) -> Frame:
    """The refusal of what is out of sight or does not exist."""
    message = f"You don't have permission to access {what} or it does not exist. Queried in root."
    return error(kind, "FORBIDDEN", message, **members)


def told(event: str, *rows: Any, **members: Any) -> Frame:
    """An event of a subscription."""
    return {"type": "subscription", "event": event, "data": list(rows), **members}


def items(action: str, uid: Any, **members: Any) -> Frame:
    """A request for items of the articles."""
    return {"type": "items", "collection": "articles", "action": action, **members, "uid": uid}


def answer(data: Any, uid: Any, **members: Any) -> Frame:
    """The answer to it."""
    return {"type": "items", "data": data, **members, "uid": uid}


def article(key: Any, title: str, **more: Any) -> Frame:
    """A whole article."""
    bare = {"slug": None, "body": None, "status": "draft", "author": None, "published_on": None}
    return {"id": key, "title": title} | bare | more


SEED = """
INSERT INTO articles (id, title, slug, body, status, author, published_on) VALUES
    (1001, 'Article 1', 'article-1', 'text', 'published', 1, '2026-01-02 12:00:00'),
    (1002, 'Article 2', 'article-2', 'text', 'draft', 1, '2026-01-03 12:00:00'),
    (1003, 'Article 3', 'article-3', 'text', 'published', NULL, NULL);
"""
FIRST = article(
    1001, "Article 1", slug="article-1", body="text", status="published", author=1, published_on="2026-01-02T12:00:00"
)
SECOND = article(1002, "Article 2", slug="article-2", body="text", author=1, published_on="2026-01-03T12:00:00")
THIRD = article(1003, "Article 3", slug="article-3", body="text", status="published")

PASSWORD = {"type": "auth", "email": "reader@example.com", "password": "reader-pass-1"}
PING = {"type": "ping"}
PONG = {"type": "pong"}
