"""Standing: the rights that whoever acts on a connection has had there, for dialects that end with them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio

from watchword.base.errors import Problem

if TYPE_CHECKING:
    from watchword.access.compile import Access
    from watchword.access.principal import Principal
    from watchword.backend.context import Context


class Standing:
    """Tells whether rights have become others, and while it may be so, lets nobody answer by the older ones."""

    def __init__(self) -> None:
        self._principal: Principal | None = None
        self._access: Access | None = None
        self._doubt: anyio.Event | None = None

    def doubt(self) -> None:
        """The rights may have changed; which they are is being looked up."""
        self._doubt = self._doubt or anyio.Event()

    def settle(self) -> bool:
        """It is known which they are, or the connection ends; return whether that has been in doubt."""
        doubt, self._doubt = self._doubt, None
        if doubt is not None:
            doubt.set()
        return doubt is not None

    async def certain(self) -> None:
        """Return when nothing is in doubt."""
        while self._doubt is not None:
            await self._doubt.wait()

    def changes(self, principal: Principal, found: Context | Problem) -> bool:
        """Take note of the rights of now; say whether the same principal had others before."""
        access = None if isinstance(found, Problem) else found.access
        is_same = principal is self._principal
        former, self._principal, self._access = self._access, principal, access
        if not is_same or access is former:
            return False
        return access is None or former is None or not access.is_same_as(former)
