"""Procedures and routers: paths, requirements, middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from watchword.access.principal import ANONYMOUS, Claimed, Principal
from watchword.backend.procedures import Kind, Procedure, Router
from watchword.base.errors import Code, Problem

NAMES = {"r1": "editor", "r2": "reader"}
EDITOR = Principal(user="ann", roles=("r1",))
READER = Principal(user="bob", roles=("r2",))
ADMIN = Principal(user="eve", admin=True)
OUTSIDER = Principal(issuer="idp", claimed=Claimed(roles=("editor",)), scopes=("read",))
KEYED = Principal(issuer="idp", claimed=Claimed(roles=("r1",)))


class Asked:
    """Stands for a call: what a procedure needs of one is who asks."""

    def __init__(self, principal: Principal) -> None:
        self.principal = principal


async def hello() -> str:
    return "hello"


def only(router: Router) -> Procedure:
    (found,) = router.procedures()
    return found


async def verdict(router: Router, principal: Principal) -> Any:
    try:
        return await only(router).call(Asked(principal), None, NAMES)  # type: ignore[arg-type]  # see Asked
    except Problem as problem:
        return problem.code


@pytest.mark.parametrize(
    ("requirements", "principal", "expected"),
    [
        ({}, ANONYMOUS, "hello"),
        ({"authenticated": True}, ANONYMOUS, Code.INVALID_CREDENTIALS),
        ({"authenticated": True}, READER, "hello"),
        ({"roles": ["editor"]}, READER, Code.FORBIDDEN),
        ({"roles": ["editor"]}, EDITOR, "hello"),
        ({"roles": ["r1"]}, EDITOR, "hello"),
        ({"roles": ["editor"]}, OUTSIDER, "hello"),
        ({"roles": ["reader"]}, OUTSIDER, Code.FORBIDDEN),
        ({"roles": ["editor"]}, KEYED, "hello"),
        ({"roles": ["r1"]}, KEYED, "hello"),
        ({"roles": ["reader"]}, KEYED, Code.FORBIDDEN),
        ({"roles": [""]}, Principal(user="cid", roles=("nameless",)), Code.FORBIDDEN),
        ({"roles": ["editor"]}, ADMIN, "hello"),
        ({"roles": ["editor"]}, ANONYMOUS, Code.INVALID_CREDENTIALS),
        ({"admin": True}, EDITOR, Code.FORBIDDEN),
        ({"admin": True}, ADMIN, "hello"),
        ({"scopes": ["read"]}, OUTSIDER, "hello"),
        ({"scopes": ["read", "write"]}, OUTSIDER, Code.FORBIDDEN),
        ({"scopes": ["write"]}, EDITOR, "hello"),
    ],
)
async def test_requirements_let_in_whom_they_name_and_nobody_else(
    requirements: dict[str, Any], principal: Principal, expected: Any
) -> None:
    router = Router()
    router.query(**requirements)(hello)
    assert await verdict(router, principal) == expected
    assert only(router).admits(principal, NAMES) is (expected == "hello")


async def test_a_routers_requirements_hold_for_all_that_is_in_it() -> None:
    inner = Router(roles=["reader"])
    inner.query(roles=["editor"])(hello)
    outer = Router(authenticated=True)
    outer.include("inner", inner)
    assert only(outer).path == "inner.hello"
    assert await verdict(outer, EDITOR) is Code.FORBIDDEN
    assert await verdict(outer, Principal(user="both", roles=("r1", "r2"))) == "hello"


async def test_middleware_goes_around_from_the_outermost_router_on() -> None:
    order: list[str] = []

    def noting(name: str) -> Any:
        async def around(call: Any, data: Any, proceed: Any) -> Any:
            order.append(name)
            result = await proceed(data)
            order.append(f"/{name}")
            return f"{result}!"

        return around

    inner, outer = Router(), Router()
    inner.query(hello)
    inner.middleware(noting("inner"))
    outer.middleware(noting("outer"))
    outer.include("a", inner)
    assert await verdict(outer, ANONYMOUS) == "hello!!"
    assert order == ["outer", "inner", "/inner", "/outer"]


async def test_middleware_does_not_see_what_requirements_refuse() -> None:
    async def never(call: Any, data: Any, proceed: Any) -> Any:
        raise AssertionError("it must not be called")

    router = Router()
    router.middleware(never)
    router.query(admin=True)(hello)
    assert await verdict(router, EDITOR) is Code.FORBIDDEN


async def test_a_subscription_gives_values_and_is_not_called() -> None:
    router = Router()

    @router.subscription
    async def count(to: int) -> AsyncIterator[int]:
        for number in range(to):
            yield number

    procedure = only(router)
    assert procedure.kind is Kind.SUBSCRIPTION
    assert await verdict(router, ANONYMOUS) is Code.METHOD_NOT_ALLOWED
    values = await procedure.subscribe(Asked(ANONYMOUS), {"to": 2}, NAMES)  # type: ignore[arg-type]  # see Asked
    assert [value async for value in values] == [0, 1]


def test_names_that_clients_cannot_call_are_refused() -> None:
    router = Router()
    router.query(hello)
    for name in ("then", "a.b", "a,b", "", "hello"):
        with pytest.raises(ValueError, match=r"name|already"):
            router.query(name=name)(hello)
    with pytest.raises(TypeError):
        router.query(name="x", rolls=["editor"])(hello)
    with pytest.raises(TypeError, match="sequence"):
        router.query(name="x", roles="editor")(hello)
    with pytest.raises(TypeError):
        router.subscription(name="x")(hello)
