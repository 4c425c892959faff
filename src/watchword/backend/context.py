"""Context: who asks, from where, with which rights."""

from __future__ import annotations

import msgspec

from watchword.access.compile import NO_ACCESS, Access
from watchword.access.principal import ANONYMOUS, Principal
from watchword.data.scope import Scope
from watchword.identity.client import Client


class Context(msgspec.Struct, frozen=True):
    """The caller of one operation: an identity, its rights at this moment, and where it comes from."""

    principal: Principal = ANONYMOUS
    access: Access = NO_ACCESS
    client: Client = Client()

    def scope(self, now: float) -> Scope:
        """Return the rights and variables under which the data core runs."""
        return Scope(self.access, self.principal.variables(), now)
