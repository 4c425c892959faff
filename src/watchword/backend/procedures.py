"""Procedures: async functions of an application that clients call by name, whatever they speak."""

from __future__ import annotations

import inspect
from enum import StrEnum
from functools import cached_property
from typing import TYPE_CHECKING, Any, TypeVar, overload

import msgspec

from watchword.backend.pipeline import Middleware, Pipeline
from watchword.backend.results import Results
from watchword.backend.signatures import Signature
from watchword.base.errors import Code, Problem, forbidden
from watchword.protocol.operations import PLAIN

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable, Iterator, Mapping

    from watchword.access.principal import Principal
    from watchword.backend.call import Call
    from watchword.protocol.operations import Manner

F = TypeVar("F", bound="Callable[..., Any]")

RESERVED = frozenset({"then", "call", "apply"})
"""Names that clients in JavaScript cannot call."""


class Kind(StrEnum):
    """What a procedure does: a query only reads, a subscription gives values for as long as it is wanted."""

    QUERY = "query"
    MUTATION = "mutation"
    SUBSCRIPTION = "subscription"


class Requirements(msgspec.Struct, frozen=True):
    """Who may call. `roles`: one of them, by key or name; `scopes`: all of them; `admin`: every right.

    `ticket`: only with a ticket for just that, which is for subscriptions.
    """

    authenticated: bool = False
    admin: bool = False
    ticket: bool = False
    roles: tuple[str, ...] = ()
    scopes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return self.authenticated or self.admin or self.ticket or bool(self.roles) or bool(self.scopes)

    def check(self, principal: Principal, role_names: Mapping[str, str]) -> None:
        """Let a caller pass.

        Raises:
            Problem: INVALID_CREDENTIALS for nobody, FORBIDDEN for somebody who may not.
        """
        if not self:
            return
        if principal.is_anonymous:
            raise Problem(Code.INVALID_CREDENTIALS, "You have to be authenticated.")
        if self.admin and not principal.admin:
            raise forbidden()
        is_one = principal.admin or any(principal.has_role(role, role_names) for role in self.roles)
        if self.roles and not is_one:
            raise forbidden()
        if principal.scopes is not None and not set(self.scopes) <= set(principal.scopes):
            raise forbidden()


class Procedure:
    """One procedure: its path, its kind, who may call it, and how."""

    def __init__(
        self,
        path: str,
        kind: Kind,
        function: Callable[..., Any],
        requirements: tuple[Requirements, ...],
        layers: tuple[Middleware, ...] = (),
    ) -> None:
        self.path = path
        self.kind = kind
        self.requirements = requirements
        self.signature = Signature(function)
        self.description = inspect.getdoc(function) or ""
        if kind is Kind.SUBSCRIPTION and not self.signature.is_generator:
            raise TypeError(f"the {kind} {path} must be an async generator")
        self.needs_ticket = any(required.ticket for required in requirements)
        if self.needs_ticket and kind is not Kind.SUBSCRIPTION:
            raise TypeError(f"the {kind} {path} cannot demand a ticket; that is for subscriptions")
        self._pipeline = Pipeline()
        for layer in layers:
            self._pipeline.add(layer)

    @property
    def needs_authentication(self) -> bool:
        """Whether the public may not call it."""
        return any(self.requirements)

    def admits(self, principal: Principal, role_names: Mapping[str, str]) -> bool:
        """Whether somebody may call it."""
        try:
            self.require(principal, role_names)
        except Problem:
            return False
        return True

    def require(self, principal: Principal, role_names: Mapping[str, str]) -> None:
        """Let somebody pass.

        Raises:
            Problem: INVALID_CREDENTIALS for nobody, FORBIDDEN for somebody who may not.
        """
        for required in self.requirements:
            required.check(principal, role_names)

    @cached_property
    def resumes(self) -> bool:
        """Whether the input says where a client that comes back was."""
        return self.signature.resumes

    async def call(self, call: Call, data: Any, role_names: Mapping[str, str], manner: Manner = PLAIN) -> Any:
        """Call it with a decoded value, or ABSENT; return its result.

        In a manner that `streams` that may be an async iterator of values, or a mapping some of whose members are, or
        are awaited.

        Raises:
            Problem: whatever the caller may know; INVALID_PAYLOAD for an input that does not fit,
                UNSUPPORTED_MEDIA_TYPE for a result that needs a manner that streams.
        """
        self.require(call.principal, role_names)
        if self.kind is Kind.SUBSCRIPTION:
            raise Problem(Code.METHOD_NOT_ALLOWED, f"{self.path} is a subscription.")
        results = Results(self.signature, manner)
        if not self._pipeline:
            return await results.of_call(call, data)
        return await self._pipeline.run(call, data, lambda given: results.of_call(call, given))

    async def subscribe(
        self, call: Call, data: Any, role_names: Mapping[str, str], manner: Manner = PLAIN
    ) -> AsyncGenerator[Any, None]:
        """Begin a subscription; its values come as `Tracked` where they are.

        Raises:
            Problem: as `call`.
        """
        self.require(call.principal, role_names)
        if self.kind is not Kind.SUBSCRIPTION:
            raise Problem(Code.METHOD_NOT_ALLOWED, f"{self.path} is a {self.kind}.")
        results = Results(self.signature, manner)

        async def begin(given: Any) -> Any:
            return results.of_subscription(call, given)

        values: AsyncGenerator[Any, None] = await self._pipeline.run(call, data, begin)
        return values


class Router:
    """Procedures under one roof; routers are nested by `include`. Names are joined by dots: `users.invite`."""

    def __init__(self, **requirements: Any) -> None:
        self._requirements = _requirements(requirements)
        self._entries: dict[str, tuple[Kind, Callable[..., Any], Requirements]] = {}
        self._routers: dict[str, Router] = {}
        self._layers: list[Middleware] = []

    @overload
    def query(self, function: F, /) -> F: ...
    @overload
    def query(self, /, *, name: str | None = None, **requirements: Any) -> Callable[[F], F]: ...
    def query(self, function: Any = None, /, *, name: str | None = None, **requirements: Any) -> Any:
        """Register a procedure that only reads."""
        return self._register(Kind.QUERY, function, name, requirements)

    @overload
    def mutation(self, function: F, /) -> F: ...
    @overload
    def mutation(self, /, *, name: str | None = None, **requirements: Any) -> Callable[[F], F]: ...
    def mutation(self, function: Any = None, /, *, name: str | None = None, **requirements: Any) -> Any:
        """Register a procedure that may change something."""
        return self._register(Kind.MUTATION, function, name, requirements)

    @overload
    def subscription(self, function: F, /) -> F: ...
    @overload
    def subscription(self, /, *, name: str | None = None, **requirements: Any) -> Callable[[F], F]: ...
    def subscription(self, function: Any = None, /, *, name: str | None = None, **requirements: Any) -> Any:
        """Register an async generator, whose values are told as they come."""
        return self._register(Kind.SUBSCRIPTION, function, name, requirements)

    def middleware(self, around: F) -> F:
        """Put a function around every procedure of this router and of those in it: `(call, input, proceed)`."""
        self._layers.append(around)
        return around

    def include(self, name: str, router: Router) -> Router:
        """Add the procedures of another router under a name."""
        self._check_name(name)
        self._routers[name] = router
        return router

    def procedures(self) -> Iterator[Procedure]:
        """Yield every procedure, by its full path."""
        yield from self._procedures("", (), ())

    def _procedures(
        self, prefix: str, layers: tuple[Middleware, ...], above: tuple[Requirements, ...]
    ) -> Iterator[Procedure]:
        layers = (*layers, *self._layers)
        required = (*above, self._requirements)
        for name, (kind, function, own) in self._entries.items():
            yield Procedure(prefix + name, kind, function, (*required, own), layers)
        for name, router in self._routers.items():
            yield from router._procedures(f"{prefix}{name}.", layers, required)  # noqa: SLF001 - its own kind

    def _register(self, kind: Kind, function: Any, name: str | None, requirements: dict[str, Any]) -> Any:
        def register(found: F) -> F:
            called = name or found.__name__
            self._check_name(called)
            required = _requirements(requirements)
            Procedure(called, kind, found, (required,))  # what cannot be one is told where it is written
            self._entries[called] = (kind, found, required)
            return found

        return register if function is None else register(function)

    def _check_name(self, name: str) -> None:
        if not name or name in RESERVED or any(character in name for character in ".,/?#"):
            raise ValueError(f"{name!r} cannot be the name of a procedure")
        if name in self._entries or name in self._routers:
            raise ValueError(f"there is a procedure or a router {name!r} already")


def _requirements(given: dict[str, Any]) -> Requirements:
    for name in ("roles", "scopes"):
        if isinstance(given.get(name), str):
            raise TypeError(f"{name} must be a sequence of names")
    listed: dict[str, Any] = {
        name: tuple(value) if name in {"roles", "scopes"} else value for name, value in given.items()
    }
    return Requirements(**listed)
