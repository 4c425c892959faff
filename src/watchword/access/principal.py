"""Principal: on whose behalf an operation runs."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.query.variables import Variables


class Principal(msgspec.Struct, frozen=True):
    """An identity and what was established about it. `expires_at` is epoch seconds, None for credentials without end.

    `session` is the id of the login it stems from (None for static tokens and the public). `token` is the id of the
    static token, where one was used; the principal of a role's token has no user. `roles` runs from the root ancestor
    to the user's own role. `admin` and `app` are the OR over its policies. "No principal" does not exist: the public is
    `ANONYMOUS`, with its own policies.
    """

    user: str | None = None
    session: str | None = None
    token: str | None = None
    role: str | None = None
    roles: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    admin: bool = False
    app: bool = False
    expires_at: float | None = None
    address: str | None = None
    user_values: dict[str, Any] = {}
    role_values: dict[str, Any] = {}

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody has been authenticated."""
        return self.user is None and self.token is None

    @property
    def subject(self) -> str | None:
        """Who it is, in a text that nobody else has: the user, or a role's token by itself; None for the public."""
        if self.user is None and self.token is not None:
            return f"token {self.token}"
        return self.user

    def variables(self) -> Variables:
        """Return what `$CURRENT_USER` and its relatives stand for."""
        return Variables(self.user, self.role, self.roles, self.policies, self.user_values, self.role_values)


ANONYMOUS = Principal()
