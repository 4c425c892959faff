"""Context: who asks, from where, over what, with which rights."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import msgspec

from watchword.access.compile import NO_ACCESS, Access
from watchword.access.principal import ANONYMOUS, Principal
from watchword.data.scope import Scope
from watchword.identity.client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping


class Connection:
    """What a caller is connected by: one socket from its upgrade to its close, or one request.

    `id` names it on this node, and is hard to guess. `dialect` is what is spoken. `params` are the parameters that the
    client gave with the connection, where the dialect has such a thing. With `open_channels`, channels that no rule is
    about are everybody's.
    """

    def __init__(  # noqa: PLR0913 - what there is to say
        self,
        id: str,  # noqa: A002 - what it is called
        dialect: str,
        client: Client,
        *,
        headers: tuple[tuple[bytes, bytes], ...] = (),
        query_string: bytes = b"",
        path: str = "",
        params: Mapping[str, Any] | None = None,
        open_channels: bool = False,
    ) -> None:
        self.id = id
        self.dialect = dialect
        self.client = client
        self.path = path
        self.params: Mapping[str, Any] = params or {}
        self.open_channels = open_channels
        self._headers = headers
        self._query_string = query_string

    @property
    def address(self) -> str | None:
        """The address of the other end, as far as our own proxies vouch for it."""
        return self.client.address

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """The headers of the request, by name in small letters; the values of a repeated one joined by commas."""
        found: dict[str, str] = {}
        for name, value in self._headers:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
        return found

    @cached_property
    def query(self) -> Mapping[str, str]:
        """The parameters of the URL; of a repeated one the last value."""
        parsed = parse_qs(self._query_string.decode("latin-1"), keep_blank_values=True)
        return {name: values[-1] for name, values in parsed.items()}


NOWHERE = Connection("", "server", Client())
"""What the server does of its own accord."""


class Context(msgspec.Struct, frozen=True):
    """The caller of one operation: an identity, its rights at this moment, and where it comes from."""

    principal: Principal = ANONYMOUS
    access: Access = NO_ACCESS
    client: Client = Client()
    connection: Connection = NOWHERE

    def scope(self, now: float) -> Scope:
        """Return the rights and variables under which the data core runs."""
        return Scope(self.access, self.principal.variables(), now)
