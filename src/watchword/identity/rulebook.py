"""Rulebook: all roles, policies and permissions as they are stored, read together and immutable."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
import structlog
from sqlalchemy import select

from watchword.access.compile import Access, compile_access
from watchword.access.permissions import Action, Permission, Policy
from watchword.base.errors import Problem, invalid_payload
from watchword.identity.addresses import AddressList, split_list
from watchword.query.dynamic import parse_variable
from watchword.query.variables import variables_in
from watchword.query.wire import parse_permission_filter
from watchword.storage.tables import access, permissions, policies, roles

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from sqlalchemy import ColumnElement, Table
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.query.filters import Variable

_log = structlog.get_logger(__name__)

_ACTIONS = frozenset(Action)
_EVERY_FIELD = "*"
_OWN_USER = frozenset({"id", "first_name", "last_name", "email", "avatar", "language", "status"})
_OWN_ROLES = frozenset({"id", "name"})

# What a user of the administration app can always see: who they are, what their roles are called, what they did.
APP_ACCESS = Policy(
    "app",
    (
        Permission("directus_users", Action.READ, parse_permission_filter({"id": {"_eq": "$CURRENT_USER"}}), _OWN_USER),
        Permission("directus_activity", Action.READ, parse_permission_filter({"user": {"_eq": "$CURRENT_USER"}})),
        Permission(
            "directus_roles", Action.READ, parse_permission_filter({"id": {"_in": "$CURRENT_ROLES"}}), _OWN_ROLES
        ),
    ),
)


class Compiled(msgspec.Struct, frozen=True):
    """An `Access`, and the paths that its rules walk from the caller (`$CURRENT_USER.path`, `$CURRENT_ROLE.path`)."""

    access: Access
    user_paths: frozenset[tuple[str, ...]]
    role_paths: frozenset[tuple[str, ...]]


class Rows(msgspec.Struct, frozen=True):
    """The stored rows that a rulebook is made of; personal access rows are not among them."""

    roles: list[dict[str, Any]]
    policies: list[dict[str, Any]]
    permissions: list[dict[str, Any]]
    access: list[dict[str, Any]]


class Rulebook:
    """Who is given which policies by role, and what they say."""

    def __init__(self, rows: Rows) -> None:
        self.rows = rows
        self.roles = {row["id"]: row for row in rows.roles}
        granted = _granted(rows.permissions)
        self._policies = {row["id"]: _policy(row, granted.get(row["id"], ())) for row in rows.policies}
        self._addresses = {key: AddressList(policy.ip_access) for key, policy in self._policies.items()}
        self._by_role = _by_role(rows.access)
        self.names = {row["id"]: row["name"] for row in (*rows.roles, *rows.policies)}
        self._compiled: dict[tuple[tuple[str, bool, bool], ...], Compiled] = {}
        # Everybody is nobody in particular: the public never administers, whatever its policy says.
        self.public = tuple(
            msgspec.structs.replace(policy, admin_access=False, app_access=False)
            for policy in self.named(self._by_role.get(None, ()))
        )

    def named(self, ids: Iterable[str]) -> tuple[Policy, ...]:
        """Return policies by their keys; those that are gone are left out."""
        return tuple(self._policies[key] for key in ids if key in self._policies)

    def role_named(self, name: str) -> str | None:
        """Return the key of a role by its key or its name."""
        if name in self.roles:
            return name
        return next((key for key, row in self.roles.items() if row["name"] == name), None)

    def called(self, names: Iterable[str]) -> tuple[Policy, ...]:
        """Return policies by their keys or names; names that none has are left out."""
        wanted = set(names)
        return self.named(row["id"] for row in self.rows.policies if row["id"] in wanted or row["name"] in wanted)

    def enforces_tfa(self, ids: Iterable[str]) -> bool:
        """Whether one of these policies asks for a second factor."""
        enforcing = {row["id"] for row in self.rows.policies if row["enforce_tfa"]}
        return not enforcing.isdisjoint(ids)

    def lineage(self, role: str) -> tuple[str, ...]:
        """Return a role and its ancestors, the root first. A role that is its own ancestor ends the walk."""
        line: list[str] = []
        current: str | None = role
        while current is not None and current in self.roles and current not in line:
            line.append(current)
            current = self.roles[current]["parent"]
        return tuple(reversed(line))

    def of_roles(self, lineage: Iterable[str]) -> tuple[Policy, ...]:
        """Return the policies of roles, in order; one that is given twice counts where it comes last."""
        ordered: dict[str, Policy] = {}
        for role in lineage:
            for policy in self.named(self._by_role.get(role, ())):
                ordered.pop(policy.id, None)
                ordered[policy.id] = policy
        return tuple(ordered.values())

    def is_restricted(self, policy: Policy) -> bool:
        """Whether a policy is in force for some addresses only."""
        return not self._addresses[policy.id].is_open

    def admits(self, policy: Policy, address: str | None) -> bool:
        """Whether a policy is in force for a caller at this address."""
        return self._addresses[policy.id].admits(address)

    def compiled(self, given: tuple[Policy, ...]) -> Compiled:
        """Return what policies add up to; the same object for the same policies."""
        key = tuple((policy.id, policy.admin_access, policy.app_access) for policy in given)
        found = self._compiled.get(key)
        if found is None:
            if any(policy.app_access for policy in given):
                given = (APP_ACCESS, *given)
            found = self._compiled[key] = _compile(given)
        return found


async def load_rulebook(connection: AsyncConnection, previous: Rulebook | None) -> Rulebook:
    """Read the rulebook; return the previous one when nothing in it has changed."""
    rows = Rows(
        roles=await _all(connection, roles),
        policies=await _all(connection, policies),
        permissions=await _all(connection, permissions),
        access=await _all(connection, access, access.c.user.is_(None)),
    )
    return previous if previous is not None and previous.rows == rows else Rulebook(rows)


def sorted_policies(given: Iterable[tuple[int | None, str, str]]) -> tuple[str, ...]:
    """Order the policies of access rows (sort, id, policy); those without a place come last."""
    ordered = sorted(given, key=lambda row: (row[0] is None, row[0] or 0, row[1]))
    return tuple(policy for _, _, policy in ordered)


async def _all(connection: AsyncConnection, table: Table, *which: ColumnElement[bool]) -> list[dict[str, Any]]:
    rows = await connection.execute(select(table).where(*which).order_by(table.c.id))
    return [dict(row) for row in rows.mappings()]


def _by_role(rows: Iterable[Mapping[str, Any]]) -> dict[str | None, tuple[str, ...]]:
    given: dict[str | None, list[tuple[int | None, str, str]]] = {}
    for row in rows:
        given.setdefault(row["role"], []).append((row["sort"], row["id"], row["policy"]))
    return {role: sorted_policies(entries) for role, entries in given.items()}


def _granted(rows: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Permission, ...]]:
    granted: dict[str, tuple[Permission, ...]] = {}
    for row in rows:
        permission = _permission(row)
        if permission is not None:
            granted[row["policy"]] = (*granted.get(row["policy"], ()), permission)
    return granted


def _policy(row: Mapping[str, Any], granted: tuple[Permission, ...]) -> Policy:
    return Policy(row["id"], granted, bool(row["admin_access"]), bool(row["app_access"]), split_list(row["ip_access"]))


def _permission(row: Mapping[str, Any]) -> Permission | None:
    """Read a stored permission. One that cannot be understood permits nothing."""
    if row["action"] not in _ACTIONS:
        return None
    presets = row["presets"] or {}
    try:
        if not isinstance(presets, dict):
            raise invalid_payload("Presets are an object")
        return Permission(
            row["collection"],
            Action(row["action"]),
            parse_permission_filter(row["permissions"]),
            _fields(row["fields"]),
            presets,
            parse_permission_filter(row["validation"]),
        )
    except Problem as problem:
        _log.warning("permission.not_understood", permission=row["id"], policy=row["policy"], reason=problem.message)
        return None


def _fields(text: str | None) -> frozenset[str] | None:
    names = frozenset(split_list(text))
    return None if _EVERY_FIELD in names else names


def _compile(given: tuple[Policy, ...]) -> Compiled:
    mentioned: set[Variable] = set()
    for permission in (permission for policy in given for permission in policy.permissions):
        mentioned |= variables_in(permission.filter) | variables_in(permission.validation)
        mentioned |= _variables_of(permission.presets)
    paths: dict[str, set[tuple[str, ...]]] = {}
    for variable in mentioned:
        if variable.path:
            paths.setdefault(variable.name, set()).add(variable.path)
    return Compiled(
        compile_access(given), frozenset(paths.get("CURRENT_USER", ())), frozenset(paths.get("CURRENT_ROLE", ()))
    )


def _variables_of(presets: Mapping[str, Any]) -> set[Variable]:
    texts = (value for value in presets.values() if isinstance(value, str))
    return {variable for variable in map(parse_variable, texts) if variable is not None}
