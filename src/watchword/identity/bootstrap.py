"""Bootstrap: the first administrator, and roles. There is no default account; somebody has to make one, once."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import insert, or_, select

from watchword.base.errors import invalid_payload
from watchword.base.ids import uuid7
from watchword.identity.users import NewUser
from watchword.storage.tables import access, policies, roles

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncConnection

    from watchword.base.secret import Secret
    from watchword.identity.users import Users
    from watchword.storage.engine import Database

ROLE_NAME = "Administrator"


async def create_administrator(db: Database, accounts: Users, email: str, password: Secret) -> str:
    """Make a user with every right and return the key. The role and its policy are made when they do not exist.

    Raises:
        Problem: the address or the password will not do.
    """
    role = await administrator_role(db)
    return await accounts.create(NewUser(email=email, password=password, role=role))


async def find_role(db: Database, wanted: str) -> str:
    """Return the role that has this key or this name.

    Raises:
        Problem: INVALID_PAYLOAD when there is none, or several have the name.
    """
    named = select(roles.c.id).where(or_(roles.c.id == wanted, roles.c.name == wanted))
    async with db.read() as connection:
        found = list((await connection.execute(named)).scalars())
    if len(found) != 1:
        raise invalid_payload(f'There is no role "{wanted}"' if not found else f'Several roles are named "{wanted}"')
    return str(found[0])


async def administrator_role(db: Database) -> str:
    """Return the role that has every right; make it and its policy when there is none."""
    async with db.write() as connection:
        found = await connection.execute(
            select(access.c.role)
            .join(policies, policies.c.id == access.c.policy)
            .where(policies.c.admin_access, access.c.role.is_not(None))
            .order_by(access.c.id)
            .limit(1)
        )
        role = found.scalar()
        return str(role) if role is not None else await _make_role(connection)


async def _make_role(connection: AsyncConnection) -> str:
    role, policy = uuid7(), uuid7()
    await connection.execute(insert(roles).values(id=role, name=ROLE_NAME, icon="verified"))
    await connection.execute(
        insert(policies).values(id=policy, name=ROLE_NAME, icon="verified", admin_access=True, app_access=True)
    )
    await connection.execute(insert(access).values(id=uuid7(), role=role, policy=policy, sort=1))
    return role
