"""Program: what a Python program registers with its application."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar, overload

from watchword.access.permissions import Action
from watchword.backend.application import Application
from watchword.backend.call import system_context
from watchword.backend.finishing import unbroken
from watchword.backend.hooks import EVERY, Occasion
from watchword.backend.items import Items
from watchword.backend.procedure_table import ProcedureTable
from watchword.backend.rules import ChannelRules, Rule
from watchword.backend.socketcluster import SocketClusterServer
from watchword.backend.socketcluster_options import SocketClusterOptions
from watchword.live.channels import Retention
from watchword.protocol.operations import ABSENT

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.app.build import Parts
    from watchword.backend.exchange import Exchange
    from watchword.backend.procedures import Router
    from watchword.backend.socket import Socket
    from watchword.http.trpc.options import TrpcOptions
    from watchword.identity.outside import Authenticator

F = TypeVar("F", bound=Callable[..., Any])
Work = Callable[[], Awaitable[object]]

DEFAULT_PATH = "/socketcluster/"
DEFAULT_MOUNT = "/trpc"


class Program:
    """The extension points of an application; `Watchword` has all of them.

    Everything is registered before the server starts: procedures, rules, endpoints and hooks are fixed from then on.
    """

    parts: Parts

    def __init__(self) -> None:
        self._application = Application()
        self._endpoints: dict[str, SocketClusterServer] = {}
        self._mounts: dict[str, tuple[ProcedureTable, TrpcOptions]] = {}
        self._tasks: list[Work] = []

    # -- procedures --------------------------------------------------------------------------------------------------

    @property
    def procedures(self) -> Router:
        """The router that all procedures of the application are under."""
        return self._application.procedures.router

    @overload
    def query(self, function: F, /) -> F: ...
    @overload
    def query(self, /, *, name: str | None = None, **requirements: Any) -> Callable[[F], F]: ...
    def query(self, function: Any = None, /, *, name: str | None = None, **requirements: Any) -> Any:
        """Register a procedure that only reads; see `Router.query`."""
        return self._registered(self.procedures.query, function, name, requirements)

    @overload
    def mutation(self, function: F, /) -> F: ...
    @overload
    def mutation(self, /, *, name: str | None = None, **requirements: Any) -> Callable[[F], F]: ...
    def mutation(self, function: Any = None, /, *, name: str | None = None, **requirements: Any) -> Any:
        """Register a procedure that may change something; see `Router.mutation`."""
        return self._registered(self.procedures.mutation, function, name, requirements)

    @overload
    def subscription(self, function: F, /) -> F: ...
    @overload
    def subscription(self, /, *, name: str | None = None, **requirements: Any) -> Callable[[F], F]: ...
    def subscription(self, function: Any = None, /, *, name: str | None = None, **requirements: Any) -> Any:
        """Register an async generator; see `Router.subscription`."""
        return self._registered(self.procedures.subscription, function, name, requirements)

    def include(self, name: str, router: Router) -> Router:
        """Add the procedures of a router under a name: `users.invite`."""
        self._application.procedures.changed()
        return self.procedures.include(name, router)

    def _registered(self, register: Any, function: Any, name: str | None, requirements: dict[str, Any]) -> Any:
        self._application.procedures.changed()
        if function is None:
            return register(name=name, **requirements)
        return register(function)

    # -- around everything -------------------------------------------------------------------------------------------

    @overload
    def middleware(self, around: F, /) -> F: ...
    @overload
    def middleware(self, /, *, priority: int = 0) -> Callable[[F], F]: ...
    def middleware(self, around: Any = None, /, *, priority: int = 0) -> Any:
        """Put a function around every operation of every dialect: `(call, operation, proceed)`.

        It returns what `await proceed(operation)` gives, or something in its place; raises Problem to refuse.
        """

        def add(function: F) -> F:
            self._application.pipeline.add(function, priority)
            return function

        return add if around is None else add(around)

    def before(self, collection: str = EVERY, action: Action | str | None = None) -> Callable[[F], F]:
        """Call before items are written: `(call, event)`. It may change `event.payload`, or raise Problem to refuse.

        The caller's rights have been checked by then, and the transaction is open.
        """
        wanted = None if action is None else Action(action)

        def add(hook: F) -> F:
            self._application.hooks.add_before(collection, wanted, hook)
            return hook

        return add

    def after(self, collection: str = EVERY, action: Action | str | None = None) -> Callable[[F], F]:
        """Call after items have been written and committed: `(call, event)`."""
        wanted = None if action is None else Action(action)

        def add(hook: F) -> F:
            self._application.hooks.add_after(collection, wanted, hook)
            return hook

        return add

    def on(self, occasion: Occasion | str) -> Callable[[F], F]:
        """Call when something happens to a connection.

        `connect`: `(connection)`; `authenticate`: `(connection, principal)`; `auth_failure`: `(connection, problem)`;
        `close`: `(connection, code, reason)`.
        """

        def add(hook: F) -> F:
            self._application.hooks.add(Occasion(occasion), hook)
            return hook

        return add

    def task(self, work: Work) -> Work:
        """Run an async function for as long as the server runs."""
        self._tasks.append(work)
        return work

    # -- channels ----------------------------------------------------------------------------------------------------

    def channel(  # noqa: PLR0913 - what there is to say of a channel, by name
        self,
        pattern: str,
        *,
        subscribe: Rule = True,
        publish: Rule = False,
        history: int = 0,
        age: float = 3600.0,
        presence: bool = False,
    ) -> None:
        """Say who may hear the channels that a pattern takes, who may publish there, and what is kept.

        `*` is a part between slashes, `**` any text, `{name}` a part that a rule's function finds in `channel.params`.
        Of several patterns that take a name the first counts. `history` publications are kept for `age` seconds.

        Raises:
            TypeError: a rule is none.
        """
        self._application.rules.add(ChannelRules(pattern, subscribe, publish, Retention(history, age), presence))

    @property
    def exchange(self) -> Exchange:
        """The channels, as the server itself."""
        return self.parts.backend.exchange

    # -- identities --------------------------------------------------------------------------------------------------

    def authenticator(self, name: str) -> Callable[[Authenticator], Authenticator]:
        """Let a function judge tokens that Watchword has not issued: `(token, client)`.

        It returns an `Identified`, None for a token that is none of its own, or raises Problem for a bad one.

        Raises:
            ValueError: there is one of that name.
        """

        def add(function: Authenticator) -> Authenticator:
            self.parts.identity.outside.add(name, function)
            return function

        return add

    async def revoke(self, authenticator: str, *, user: str | None = None, session: str | None = None) -> None:
        """Refuse what an authenticator has said of a user until now, or of a session; their sockets follow.

        Raises:
            ValueError: there is no such authenticator, or neither a user nor a session is given, or both.
        """
        if not self.parts.identity.outside.has(authenticator):
            raise ValueError(f"there is no authenticator {authenticator!r}")
        await unbroken(self.parts.identity.outside.revoke(authenticator, user=user, session=session))

    # -- data and clients --------------------------------------------------------------------------------------------

    @property
    def items(self) -> Items:
        """The collections, with every right."""
        return Items(self.parts.backend.inside, system_context())

    def broadcast(self, event: str, data: Any = ABSENT, *, user: str | None = None, role: str | None = None) -> int:
        """Transmit to every SocketCluster client on this node, to those of a user, or of a role by its key.

        Returns to how many.
        """
        count = 0
        for endpoint in self._endpoints.values():
            for socket in tuple(endpoint.clients.values()):
                if _is_meant(socket, user, role):
                    socket.transmit(event, data)
                    count += 1
        return count

    def socketcluster(
        self, path: str = DEFAULT_PATH, options: SocketClusterOptions | None = None, **values: Any
    ) -> SocketClusterServer:
        """Serve `socketcluster-client` at a path; `values` are members of SocketClusterOptions.

        Raises:
            ValueError: there is an endpoint at the path, or an option is not fit.
        """
        if path in self._endpoints:
            raise ValueError(f"there is an endpoint at {path} already")
        chosen = options if options is not None else SocketClusterOptions(**values)
        server = SocketClusterServer(path, chosen, self._application)
        server.start(self.parts.backend, self.parts.background)
        self._endpoints[path] = server
        return server

    def trpc(
        self,
        path: str = DEFAULT_MOUNT,
        router: Router | None = None,
        options: TrpcOptions | None = None,
        **values: Any,
    ) -> None:
        """Serve `@trpc/client` at a path and below it, over WebSocket and HTTP; `values` are members of TrpcOptions.

        What is served are the procedures of `router`, by default all of the application.

        Raises:
            ValueError: there is a mount at the path, it is none, or an option is not fit.
        """
        where = "/" + path.strip("/")
        if where == "/":
            raise ValueError(f"a mount needs a path of its own, such as {DEFAULT_MOUNT}")
        if where in self._mounts:
            raise ValueError(f"there is a mount at {where} already")
        from watchword.http.trpc.options import options_of  # noqa: PLC0415 - few ask for it, and all would wait

        table = self._application.procedures if router is None else ProcedureTable(router)
        self._mounts[where] = (table, options if options is not None else options_of(values))

    @property
    def mounts(self) -> Mapping[str, tuple[ProcedureTable, TrpcOptions]]:
        """What is served to `@trpc/client`, by path: the procedures, and how."""
        return MappingProxyType(self._mounts)


def _is_meant(socket: Socket, user: str | None, role: str | None) -> bool:
    principal = socket.principal
    claimed = principal.claimed
    if user is not None and user != principal.named:
        return False
    return role is None or role in principal.roles or (claimed is not None and role in claimed.roles)
