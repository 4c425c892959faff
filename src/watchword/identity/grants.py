"""Grants: which policies are in force for a caller, and the rights that follow."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from sqlalchemy import select

from watchword.access.compile import Access
from watchword.identity.cache import Cache
from watchword.identity.rulebook import Rulebook, load_rulebook, sorted_policies
from watchword.identity.users import Status
from watchword.storage.tables import access, users

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from watchword.access.permissions import Policy
    from watchword.access.principal import Claimed
    from watchword.base.clock import Clock
    from watchword.identity.settings import IdentitySettings
    from watchword.storage.engine import Database

_USER_COLUMNS = [column for column in users.c if column is not users.c.password]
_ONE = "rulebook"


class Rights(msgspec.Struct, frozen=True):
    """What a caller may do, and the values that the rules ask of them. `roles` runs from the root to their own."""

    access: Access
    policies: tuple[str, ...]
    user: str | None = None
    role: str | None = None
    roles: tuple[str, ...] = ()
    admin: bool = False
    app: bool = False
    user_values: dict[str, Any] = {}
    role_values: dict[str, Any] = {}


class _Holder:
    """One user as read: the row, the policies given to the user in person, and the rights last worked out."""

    __slots__ = ("policies", "rights", "row", "rulebook")

    def __init__(self, row: dict[str, Any] | None, policies: tuple[str, ...]) -> None:
        self.row = row
        self.policies = policies
        self.rulebook: Rulebook | None = None
        self.rights: Rights | None = None


class Grants:
    """Answers what a user, a role or the public may do, from memory where it can.

    Rights of callers with the same policies share one `Access`. After `invalidate` nothing read before it is used.
    """

    def __init__(self, db: Database, clock: Clock, settings: IdentitySettings) -> None:
        self._db = db
        self._rulebooks: Cache[str, Rulebook] = Cache(clock, size=1, max_age=settings.cache_seconds)
        self._holders: Cache[str, _Holder] = Cache(clock, size=settings.cache_size, max_age=settings.cache_seconds)
        self._latest: Rulebook | None = None

    async def of_user(self, user: str, address: str | None) -> Rights | None:
        """Return the rights of an active user; None for one who is not active or does not exist."""
        rulebook = await self._rulebook()
        holder = await self._holders.load(user, lambda: self._read_holder(user))
        if holder.row is None or holder.row["status"] != Status.ACTIVE:
            return None
        if holder.rights is not None and holder.rulebook is rulebook:
            return holder.rights
        given = _policies_of(holder.row["role"], holder.policies, rulebook)
        rights = _rights(rulebook, given, address, holder.row["role"], holder.row)
        if not any(rulebook.is_restricted(policy) for policy in given):
            holder.rulebook, holder.rights = rulebook, rights
        return rights

    async def of_public(self, address: str | None) -> Rights:
        """Return the rights of everybody."""
        rulebook = await self._rulebook()
        return _rights(rulebook, rulebook.public, address)

    async def of_role(self, role: str, address: str | None) -> Rights | None:
        """Return the rights of a role by itself, without a user; None for one that does not exist."""
        rulebook = await self._rulebook()
        if role not in rulebook.roles:
            return None
        return _rights(rulebook, rulebook.of_roles(rulebook.lineage(role)), address, role)

    async def of_claimed(self, claimed: Claimed, address: str | None) -> Rights:
        """Return the rights of the roles and policies that somebody is said to have; without any, the public's.

        Names that nothing has give nothing.
        """
        rulebook = await self._rulebook()
        roles = [role for name in claimed.roles if (role := rulebook.role_named(name)) is not None]
        lines = tuple(dict.fromkeys(key for role in roles for key in rulebook.lineage(role)))
        ordered = {policy.id: policy for policy in rulebook.of_roles(lines)}
        ordered |= {policy.id: policy for policy in rulebook.called(claimed.policies)}
        # What users of the administration app may see of themselves is not for whom others name like one of them.
        own = (msgspec.structs.replace(policy, app_access=False) for policy in ordered.values())
        given = tuple(own) if claimed.roles or claimed.policies else rulebook.public
        rights = _rights(rulebook, given, address, roles[-1] if roles else None)
        return msgspec.structs.replace(rights, roles=lines)

    async def names(self) -> Mapping[str, str]:
        """Return the names of roles and policies by their keys."""
        return (await self._rulebook()).names

    async def enforces_tfa(self, policies: Iterable[str]) -> bool:
        """Whether one of these policies asks for a second factor."""
        return (await self._rulebook()).enforces_tfa(policies)

    def invalidate(self, user: str | None = None) -> None:
        """Forget what was read: of one user, whose row or personal policies have changed, or everything."""
        if user is not None:
            self._holders.drop(user)
            return
        self._holders.clear()
        self._rulebooks.clear()

    async def _rulebook(self) -> Rulebook:
        return await self._rulebooks.load(_ONE, self._read_rulebook)

    async def _read_rulebook(self) -> Rulebook:
        """Read the rules; while they are the same, the object stays the same, and with it every shared `Access`."""
        async with self._db.read() as connection:
            rulebook = await load_rulebook(connection, self._latest)
        self._latest = rulebook
        return rulebook

    async def _read_holder(self, user: str) -> _Holder:
        async with self._db.read() as connection:
            row = (await connection.execute(select(*_USER_COLUMNS).where(users.c.id == user))).mappings().one_or_none()
            given = await connection.execute(
                select(access.c.sort, access.c.id, access.c.policy).where(access.c.user == user)
            )
            policies = sorted_policies(tuple(row) for row in given)
        return _Holder(None if row is None else dict(row), policies)


def _policies_of(role: str | None, personal: tuple[str, ...], rulebook: Rulebook) -> tuple[Policy, ...]:
    """Return what is given to a user, in order: later ones override. Only who has no role gets the public's."""
    if role is None:
        given: Iterable[Policy] = rulebook.public
    else:
        given = rulebook.of_roles(rulebook.lineage(role))
    ordered = {policy.id: policy for policy in given}
    for policy in rulebook.named(personal):
        ordered.pop(policy.id, None)
        ordered[policy.id] = policy
    return tuple(ordered.values())


def _rights(
    rulebook: Rulebook,
    given: Iterable[Policy],
    address: str | None,
    role: str | None = None,
    row: dict[str, Any] | None = None,
) -> Rights:
    policies = tuple(policy for policy in given if rulebook.admits(policy, address))
    compiled = rulebook.compiled(policies)
    role_row = rulebook.roles.get(role, {}) if role is not None else {}
    return Rights(
        access=compiled.access,
        policies=tuple(policy.id for policy in policies),
        user=None if row is None else row["id"],
        role=role,
        roles=() if role is None else rulebook.lineage(role),
        admin=compiled.access.admin,
        app=any(policy.app_access or policy.admin_access for policy in policies),
        user_values={} if row is None else _values(compiled.user_paths, row, role_row),
        role_values=_values(compiled.role_paths, role_row, {}),
    )


def _values(paths: Iterable[tuple[str, ...]], row: dict[str, Any], role_row: dict[str, Any]) -> dict[str, Any]:
    """Look up `$CURRENT_USER.path`: a column of the user, or one of the user's role. Other paths have no value."""
    values = {}
    for path in paths:
        if len(path) == 1 and path[0] in row:
            values[path[0]] = row[path[0]]
        elif len(path) == 2 and path[0] == "role" and path[1] in role_row:  # noqa: PLR2004 - `role.column`
            values[".".join(path)] = role_row[path[1]]
    return values
