"""Our own tables are written the same way as everybody's."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.writing import NOW, House
from watchword.access.compile import compile_access
from watchword.access.permissions import Action, Permission, Policy
from watchword.base.errors import Code, Problem
from watchword.data.reflect import reflect
from watchword.data.scope import Scope
from watchword.query.filters import Compare, Variable
from watchword.query.variables import Variables
from watchword.storage.engine import Database
from watchword.storage.tables import metadata


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    db = Database(database_url)
    async with db.write() as connection:
        await connection.run_sync(metadata.create_all)
    yield House(db, await reflect(db))
    await db.close()


async def test_users_are_created_with_a_key_a_hash_and_defaults(house: House) -> None:
    [key] = await house.create("directus_users", [{"email": "a@example.com", "password": "s3cret", "tags": ["x"]}])

    columns = ("id", "email", "password", "status", "email_notifications", "tags")
    assert await house.rows("directus_users", *columns) == [
        (key, "a@example.com", "hashed:s3cret", "active", True, ["x"])
    ]


async def test_an_address_is_taken_whatever_its_case(house: House) -> None:
    await house.create("directus_users", [{"email": "a@example.com"}])
    with pytest.raises(Problem) as caught:
        await house.create("directus_users", [{"email": "A@Example.com"}])

    assert caught.value.message == (
        'Value "A@Example.com" for field "email" in collection "directus_users" has to be unique.'
    )


async def test_a_static_token_is_not_a_column(house: House) -> None:
    for write in ({"token": "t0ken"}, {"token": None}):
        with pytest.raises(Problem) as caught:
            await house.create("directus_users", [{"email": "a@example.com", **write}])
        assert caught.value.code is Code.FORBIDDEN
        assert 'field "token"' in caught.value.message
    assert await house.create("directus_users", [{"email": "a@example.com", "token": "**********"}])


async def test_roles_policies_and_permissions_are_written_as_one(house: House) -> None:
    permission = {"collection": "articles", "action": "read", "permissions": {"a": {"_eq": 1}}, "fields": ["id", "a"]}
    policy = {"name": "Readers", "ip_access": ["10.0.0.0/8"], "permissions": [permission]}
    [role] = await house.create("directus_roles", [{"name": "Reader", "policies": [{"policy": policy}]}])

    assert await house.rows("directus_access", "role") == [role]
    assert await house.rows("directus_policies", "name", "ip_access", "admin_access") == [
        ("Readers", ["10.0.0.0/8"], False)
    ]
    assert await house.rows("directus_permissions", "collection", "permissions", "fields") == [
        ("articles", {"a": {"_eq": 1}}, ["id", "a"])
    ]


async def test_users_change_what_their_rights_name_of_their_own_row_only(house: House) -> None:
    me, other = await house.create("directus_users", [{"email": "a@example.com"}, {"email": "b@example.com"}])
    own = Compare("id", "eq", Variable("CURRENT_USER"))
    rights = [Permission("directus_users", Action.UPDATE, own, frozenset({"first_name"}))]
    scope = Scope(compile_access([Policy("p", tuple(rights))]), Variables(me), NOW)

    assert await house.update("directus_users", {"first_name": "A"}, scope, keys=[me]) == [me]
    for key, data in (
        (other, {"first_name": "A"}),
        (me, {"role": None}),
        (me, {"policies": []}),
        (me, {"status": "x"}),
    ):
        with pytest.raises(Problem) as caught:
            await house.update("directus_users", data, scope, keys=[key])
        assert caught.value.code is Code.FORBIDDEN


async def test_hidden_tables_are_no_collections(house: House) -> None:
    for name in ("watchword_sessions", "watchword_users", "sqlite_master", "pg_class"):
        with pytest.raises(Problem) as caught:
            await house.create(name, [{}])
        assert caught.value.code is Code.FORBIDDEN


async def test_a_token_counts_as_written_where_the_rule_is_held_against_rows(house: House) -> None:
    mine = Compare("email", "eq", "a@example.com")
    rules = (
        Permission("directus_users", Action.UPDATE, fields=frozenset({"title"})),
        Permission("directus_users", Action.UPDATE, mine, frozenset({"token"})),
    )
    scope = Scope(compile_access([Policy("p", rules)]), Variables(), NOW)
    own, other = await house.create("directus_users", [{"email": "a@example.com"}, {"email": "b@example.com"}])
    assert await house.update("directus_users", {"token": "**********"}, keys=[own], scope=scope) == [own]
    with pytest.raises(Problem) as caught:
        await house.update("directus_users", {"token": "**********", "title": "x"}, keys=[other], scope=scope)
    assert caught.value.code is Code.FORBIDDEN
    assert await house.update("directus_users", {"title": "x"}, keys=[other], scope=scope) == [other]
