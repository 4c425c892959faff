"""Principal: on whose behalf an operation runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.query.variables import Variables

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_OF_ONE_TOKEN = frozenset({"exp", "iat", "nbf", "jti"})


class Claimed(msgspec.Struct, frozen=True):
    """What somebody else says of a caller: the roles and policies, by key or name, the user and the session.

    Both are in the words of whoever says it: they are none of ours, even where they look the same.
    """

    roles: tuple[str, ...] = ()
    policies: tuple[str, ...] = ()
    user: str | None = None
    session: str | None = None


class Principal(msgspec.Struct, frozen=True):
    """An identity and what was established about it. `expires_at` is epoch seconds, None for credentials without end.

    `session` is the id of the login it stems from (None for static tokens and the public). `token` is the id of the
    static token, where one was used; the principal of a role's token has no user. `roles` runs from the root ancestor
    to the user's own role. `admin` and `app` are the OR over its policies. "No principal" does not exist: the public is
    `ANONYMOUS`, with its own policies.

    Where somebody else vouches for it, `issuer` says who, `claimed` what it is said to be, and its session and user are
    none of ours. `claims` are what its token says, for applications to read. `scopes` are what it may be used for; None
    sets no bound.
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
    issuer: str | None = None
    claimed: Claimed | None = None
    claims: dict[str, Any] | None = None
    scopes: tuple[str, ...] | None = None

    @property
    def is_anonymous(self) -> bool:
        """Whether nobody has been authenticated."""
        return self.user is None and self.token is None and self.issuer is None

    @property
    def subject(self) -> str | None:
        """Who it is, in a text that nobody else has: the user, or a role's token by itself; None for the public."""
        if self.user is None and self.token is not None:
            return f"token {self.token}"
        if self.issuer is not None:
            return f"{self.issuer} {(self.claimed and self.claimed.user) or self._said}"
        return self.user

    @property
    def named(self) -> str | None:
        """The user's id; for whom others vouch, the user they name."""
        return self.user if self.claimed is None else self.claimed.user

    def has_role(self, wanted: str, names: Mapping[str, str]) -> bool:
        """Whether a role that it has, or is said to have, is called so: by its key, or by its name in `names`."""
        claimed = () if self.claimed is None else self.claimed.roles
        return _is_called(wanted, (*self.roles, *claimed), names)

    def has_policy(self, wanted: str, names: Mapping[str, str]) -> bool:
        """Whether a policy that is in force for it is called so: by its key, or by its name in `names`."""
        return _is_called(wanted, self.policies, names)

    @property
    def _said(self) -> str:
        lasting = {name: value for name, value in (self.claims or {}).items() if name not in _OF_ONE_TOKEN}
        return str(sorted(lasting.items(), key=lambda pair: pair[0]))

    def variables(self) -> Variables:
        """Return what `$CURRENT_USER` and its relatives stand for; for whom others vouch, the user they name."""
        return Variables(self.named, self.role, self.roles, self.policies, self.user_values, self.role_values)


def _is_called(wanted: str, held: Iterable[str], names: Mapping[str, str]) -> bool:
    return any(wanted in {key, names.get(key)} for key in held)


ANONYMOUS = Principal()
