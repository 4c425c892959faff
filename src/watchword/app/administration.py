"""Administration: what the command line does to a database, with or without a server running on it.

Triggers and the log's epochs are the server's: a command that knows other settings must not make them other than it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from watchword.app.build import build, open_database, reflect_options
from watchword.base.errors import Code, Problem
from watchword.data.reflect import reflect
from watchword.identity.administrators import has_administrator
from watchword.identity.bootstrap import administrator_role, create_administrator, find_role
from watchword.identity.users import NewUser, Status, User
from watchword.storage.migrations import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType

    from watchword.app.settings import Settings
    from watchword.base.secret import Secret
    from watchword.data.catalogue import Catalogue


class Administration:
    """The cores, opened for one command."""

    def __init__(self, settings: Settings) -> None:
        self._parts = build(settings)
        self.place = settings.database_url.rpartition("@")[2].rpartition("//")[2].lstrip("/")

    async def __aenter__(self) -> Self:
        await migrate(self._parts.db)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._parts.identity.close()
        await self._parts.db.close()

    async def has_administrator(self) -> bool:
        """Whether somebody has every right."""
        return await has_administrator(self._parts.db)

    async def create_administrator(self, email: str, password: Secret) -> None:
        """Make a user with every right."""
        await create_administrator(self._parts.db, self._parts.identity.users, email, password)

    async def create_user(self, email: str, password: Secret, role: str | None, *, admin: bool) -> str:
        """Make a user and return the key. `role` is the key or the name of a role.

        Raises:
            Problem: there is no such role, or several; the address or the password will not do.
        """
        if admin:
            role = await administrator_role(self._parts.db)
        elif role is not None:
            role = await find_role(self._parts.db, role)
        return await self._parts.identity.users.create(NewUser(email=email, password=password, role=role))

    async def list_users(self) -> list[tuple[str, str, str, str]]:
        """Return key, e-mail address, status and role of every user."""
        listed: list[User] = []
        while page := await self._parts.identity.users.list(offset=len(listed)):
            listed += page
        return [(user.id, user.email or "-", user.status, user.role or "-") for user in listed]

    async def set_password(self, email: str, password: Secret) -> None:
        """Set a password and end the sessions."""
        await self._parts.identity.users.set_password((await self._find(email)).id, password)

    async def suspend(self, email: str) -> None:
        """Suspend a user and end the sessions."""
        await self._parts.identity.users.set_status((await self._find(email)).id, Status.SUSPENDED)

    async def _find(self, email: str) -> User:
        user = await self._parts.identity.users.find_by_email(email)
        if user is None:
            raise Problem(Code.INVALID_PAYLOAD, f"There is no user with the e-mail address {email}.")
        return user


async def describe(settings: Settings) -> list[str]:
    """Describe each collection with its fields and relations, then what is not served; change nothing."""
    db = open_database(settings)
    try:
        return list(_described(await reflect(db, reflect_options(settings))))
    finally:
        await db.close()


def _described(catalogue: Catalogue) -> Iterator[str]:
    for collection in catalogue.schema.collections.values():
        captured = "" if collection.captured else "; not captured"
        yield f"{collection.name}  (key: {', '.join(collection.key)}{captured})"
        for field in collection.fields.values():
            special = f"  [{', '.join(field.special)}]" if field.special else ""
            relation = collection.relations.get(field.name)
            union = collection.unions.get(field.name)
            related = " | ".join(union.members) if union else relation.related if relation else ""
            leads = f" -> {related}" if related else ""
            yield f"    {field.name}: {field.type.value}{'' if field.nullable else ' not null'}{leads}{special}"
        for relation in collection.relations.values():
            if relation.many:
                yield f"    {relation.field}: many of {relation.related}.{relation.related_field}"
    for table in catalogue.skipped:
        yield f"{table}  (not served: it has no primary key)"
