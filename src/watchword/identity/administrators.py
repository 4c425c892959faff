"""Administrators: there is always one who is active, once there has been one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import exists, func, or_, select

from watchword.base.errors import unprocessable
from watchword.storage.tables import access, policies, roles, users

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.storage.engine import Database

DECIDING = frozenset({"directus_users", "directus_roles", "directus_policies", "directus_access"})
"""The collections whose rows decide who is an administrator."""

_LOCK = 7303  # any number that nobody else is likely to lock

_REASON = "At least one active administrator has to remain"


async def has_administrator(db: Database) -> bool:
    """Whether an active user holds a policy with every right, in person or by a role or its ancestors."""
    async with db.read() as connection:
        return await _is_there_one(connection)


async def require_administrator(connection: AsyncConnection, db: Database, *, known: bool = False) -> None:
    """Refuse the transaction that would leave nobody with every right; call it when everything is written.

    `known` says that there was an administrator before; without it, the database is asked as others see it. Those who
    take administrators away at the same time take turns, so that no two of them leave none.

    Raises:
        Problem: UNPROCESSABLE_CONTENT.
    """
    if connection.dialect.name == "postgresql":  # SQLite's writers take turns anyway
        await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    if await _is_there_one(connection):
        return
    if known or await has_administrator(db):
        raise unprocessable(_REASON)


async def _is_there_one(connection: AsyncConnection) -> bool:
    administering = (
        select(access.c.role)
        .join(policies, policies.c.id == access.c.policy)
        .where(policies.c.admin_access, access.c.role.is_not(None))
        .cte("administering", recursive=True)
    )
    # A role has its ancestors' policies. UNION drops what was found before, so a circle of roles ends.
    administering = administering.union(select(roles.c.id).join(administering, roles.c.parent == administering.c.role))
    in_person = exists(
        select(access.c.id)
        .join(policies, policies.c.id == access.c.policy)
        .where(policies.c.admin_access, access.c.user == users.c.id)
    )
    found = select(users.c.id).where(
        users.c.status == "active", or_(users.c.role.in_(select(administering.c.role)), in_person)
    )
    return bool((await connection.execute(select(exists(found)))).scalar())
