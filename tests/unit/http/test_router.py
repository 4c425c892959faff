"""Requests go where Starlette's router would send them."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send

from tests.unit.http.support import scope_of
from watchword.http.router import DirectRouter


class End:
    """Notes what has come to it."""

    def __init__(self, name: str, seen: list[Any]) -> None:
        self._name = name
        self._seen = seen

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self._seen.append((self._name, scope.get("path_params"), scope.get("endpoint") is self))


@pytest.fixture
def seen() -> list[Any]:
    return []


def router(seen: list[Any], *routes: BaseRoute) -> DirectRouter:
    return DirectRouter(routes, End("none", seen))


async def sent(router: DirectRouter, **scope: Any) -> None:
    async def nothing(*_: Any) -> Any:
        raise AssertionError

    await router({**scope_of(), "root_path": "", **scope}, nothing, nothing)


async def test_a_path_without_parameters_is_found(seen: list[Any]) -> None:
    routes = router(seen, Route("/a/{x}", End("one", seen)), Route("/b", End("b", seen)))
    await sent(routes, path="/b", method="DELETE")
    await sent(routes, path="/a/b")
    await sent(routes, path="/c")
    assert seen == [("b", {}, True), ("one", {"x": "b"}, True), ("none", None, False)]


async def test_who_comes_first_comes_first(seen: list[Any]) -> None:
    await sent(router(seen, Route("/a/{x}", End("any", seen)), Route("/a/b", End("b", seen))), path="/a/b")
    await sent(router(seen, Route("/a/b", End("b", seen)), Route("/a/{x}", End("any", seen))), path="/a/b")
    await sent(router(seen, Mount("/a", End("below", seen)), Route("/a/b", End("b", seen))), path="/a/b")
    await sent(router(seen, Route("/b", End("one", seen)), Route("/b", End("two", seen))), path="/b")
    assert [name for name, *_ in seen] == ["any", "b", "below", "one"]


async def test_a_route_for_some_methods_leaves_the_others(seen: list[Any]) -> None:
    routes = router(seen, Route("/a", End("get", seen), methods=["GET"]), Route("/a", End("all", seen)))
    await sent(routes, path="/a", method="GET")
    await sent(routes, path="/a", method="POST")
    assert [name for name, *_ in seen] == ["get", "all"]


async def test_a_socket_and_a_prefix_are_found_as_before(seen: list[Any]) -> None:
    routes = router(seen, Route("/a", End("http", seen)), WebSocketRoute("/a", End("socket", seen)))
    await sent(routes, path="/a", type="websocket")
    await sent(routes, path="/p/a", root_path="/p")
    await sent(routes, path="/p/a")
    assert [name for name, *_ in seen] == ["socket", "http", "none"]
