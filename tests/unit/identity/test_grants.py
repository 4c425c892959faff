"""Grants: which policies are in force, in which order, and that nobody gets another's."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import Table, delete, insert, update

from watchword.access.permissions import Action
from watchword.base.clock import ManualClock
from watchword.base.errors import Code, Problem
from watchword.identity.grants import Grants, Rights
from watchword.identity.settings import IdentitySettings
from watchword.query.filters import EVERYTHING
from watchword.query.wire import parse_permission_filter
from watchword.storage.engine import Database
from watchword.storage.tables import access, permissions, policies, roles, users

HERE = "192.0.2.1"


class World:
    """Writes rows as an administrator would."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._count = 0

    async def _insert(self, table: Table, **values: Any) -> None:
        async with self._db.write() as connection:
            await connection.execute(insert(table).values(values))

    async def user(self, key: str, role: str | None = None, status: str = "active", **values: Any) -> str:
        await self._insert(users, id=key, email=f"{key}@example.com", role=role, status=status, **values)
        return key

    async def role(self, key: str, parent: str | None = None, **values: Any) -> str:
        await self._insert(roles, id=key, name=key, parent=parent, **values)
        return key

    async def policy(self, key: str, **values: Any) -> str:
        await self._insert(policies, id=key, name=key, **values)
        return key

    async def allow(self, policy: str, collection: str, action: str = "read", **values: Any) -> None:
        values = {"fields": "*", "permissions": {}} | values
        await self._insert(permissions, policy=policy, collection=collection, action=action, **values)

    async def give(self, policy: str, sort: int | None = None, **to: Any) -> None:
        self._count += 1
        await self._insert(access, id=f"access-{self._count:03}", policy=policy, sort=sort, **to)

    async def readable(self, policy: str, collection: str, **to: Any) -> None:
        """Make a policy that lets `collection` be read, and give it."""
        await self.policy(policy)
        await self.allow(policy, collection)
        await self.give(policy, **to)


@pytest.fixture
def world(db: Database) -> World:
    return World(db)


@pytest.fixture
def grants(db: Database, clock: ManualClock) -> Grants:
    return Grants(db, clock, IdentitySettings())


async def rights_of(grants: Grants, user: str, address: str | None = HERE) -> Rights:
    rights = await grants.of_user(user, address)
    assert rights is not None
    return rights


def readable(rights: Rights) -> set[str]:
    return {name for name in ("open", "staff", "boss", "own", "ads") if rights.access.find(name, Action.READ)}


async def test_public_has_the_policies_given_to_nobody(world: World, grants: Grants) -> None:
    await world.user("u")
    await world.role("r")
    await world.readable("p-public", "open")
    await world.readable("p-user", "own", user="u")
    await world.readable("p-role", "staff", role="r")
    rights = await grants.of_public(HERE)
    assert readable(rights) == {"open"}
    assert (rights.user, rights.role, rights.roles, rights.policies) == (None, None, (), ("p-public",))
    assert (rights.admin, rights.app) == (False, False)


async def test_user_with_a_role_has_its_tree_and_their_own_and_not_the_publics(world: World, grants: Grants) -> None:
    await world.role("staff")
    await world.role("boss", parent="staff")
    await world.user("u", role="boss")
    await world.user("other", role="staff")
    await world.readable("p-public", "open")
    await world.readable("p-own", "own", user="u")
    await world.readable("p-boss", "boss", role="boss")
    await world.readable("p-staff", "staff", role="staff")
    rights = await rights_of(grants, "u")
    assert readable(rights) == {"staff", "boss", "own"}
    assert rights.roles == ("staff", "boss")
    assert rights.policies == ("p-staff", "p-boss", "p-own")
    others = await rights_of(grants, "other")
    assert readable(others) == {"staff"}


async def test_user_without_a_role_has_the_publics_and_their_own(world: World, grants: Grants) -> None:
    await world.user("u")
    await world.readable("p-public", "open")
    await world.readable("p-own", "own", user="u")
    rights = await rights_of(grants, "u")
    assert readable(rights) == {"open", "own"}
    assert rights.policies == ("p-public", "p-own")


async def test_nothing_given_is_nothing_allowed(world: World, grants: Grants) -> None:
    await world.user("u")
    rights = await rights_of(grants, "u")
    with pytest.raises(Problem) as caught:
        rights.access.rule("open", Action.READ)
    assert caught.value.code is Code.FORBIDDEN


@pytest.mark.parametrize("status", ["draft", "invited", "unverified", "suspended", "archived", "ACTIVE", ""])
async def test_user_who_is_not_active_has_no_rights_at_all(world: World, grants: Grants, status: str) -> None:
    await world.user("u", status=status)
    assert await grants.of_user("u", HERE) is None


async def test_user_who_does_not_exist_has_no_rights_at_all(grants: Grants) -> None:
    assert await grants.of_user("nobody", HERE) is None


async def test_policies_come_in_the_order_of_their_sort(world: World, grants: Grants) -> None:
    await world.role("r")
    await world.user("u", role="r")
    for name, sort in (("last", None), ("second", 2), ("first", 1)):
        await world.policy(name)
        await world.allow(name, "staff", "create", presets={"source": name})
        await world.give(name, sort, role="r")
    rights = await rights_of(grants, "u")
    assert rights.policies == ("first", "second", "last")
    assert rights.access.rule("staff", Action.CREATE).presets == {"source": "last"}


async def test_personal_policy_overrides_the_same_policy_of_the_role(world: World, grants: Grants) -> None:
    await world.role("r")
    await world.user("u", role="r")
    for name in ("shared", "other"):
        await world.policy(name)
        await world.allow(name, "staff", "create", presets={"source": name})
        await world.give(name, role="r")
    await world.give("shared", user="u")
    rights = await rights_of(grants, "u")
    assert rights.policies == ("other", "shared")
    assert rights.access.rule("staff", Action.CREATE).presets == {"source": "shared"}


async def test_admin_policy_opens_everything_to_its_holder_only(world: World, grants: Grants) -> None:
    await world.role("admins")
    await world.user("u", role="admins")
    await world.user("other")
    await world.policy("p-admin", admin_access=True)
    await world.give("p-admin", role="admins")
    rights = await rights_of(grants, "u")
    assert rights.admin
    assert rights.app
    assert rights.access.find("anything", Action.DELETE)
    assert not (await rights_of(grants, "other")).admin
    assert not (await grants.of_public(HERE)).admin


async def test_public_never_administers(world: World, grants: Grants) -> None:
    await world.user("u")
    await world.policy("p-public", admin_access=True, app_access=True)
    await world.allow("p-public", "open")
    await world.give("p-public")
    for rights in (await grants.of_public(HERE), await rights_of(grants, "u")):
        assert (rights.admin, rights.app) == (False, False)
        assert readable(rights) == {"open"}
        assert rights.access.find("anything", Action.READ) is None


async def test_app_access_shows_users_themselves_and_their_roles(world: World, grants: Grants) -> None:
    await world.role("r")
    await world.user("u", role="r")
    await world.policy("p-app", app_access=True)
    await world.give("p-app", role="r")
    rights = await rights_of(grants, "u")
    assert (rights.app, rights.admin) == (True, False)
    own = rights.access.rule("directus_users", Action.READ)
    assert own.filter == parse_permission_filter({"id": {"_eq": "$CURRENT_USER"}})
    assert own.fields is not None
    assert own.fields.isdisjoint({"password", "token", "role"})
    assert rights.access.rule("directus_roles", Action.READ).fields == frozenset({"id", "name"})
    assert rights.access.find("directus_users", Action.UPDATE) is None


async def test_policy_is_in_force_only_where_its_list_says(world: World, grants: Grants) -> None:
    await world.role("r")
    await world.user("u", role="r")
    await world.policy("p-office", ip_access="192.0.2.0/24,198.51.100.1", admin_access=True)
    await world.give("p-office", role="r")
    assert (await rights_of(grants, "u", "192.0.2.77")).admin
    assert (await rights_of(grants, "u", "198.51.100.1")).admin
    assert not (await rights_of(grants, "u", "203.0.113.1")).admin
    assert not (await rights_of(grants, "u", None)).admin
    assert (await rights_of(grants, "u", "203.0.113.1")).policies == ()


async def test_role_that_is_its_own_ancestor_does_no_harm(world: World, grants: Grants, db: Database) -> None:
    await world.role("a")
    await world.role("b", parent="a")
    async with db.write() as connection:
        await connection.execute(update(roles).where(roles.c.id == "a").values(parent="b"))
    await world.user("u", role="a")
    assert (await rights_of(grants, "u")).roles == ("b", "a")


async def test_stored_rule_becomes_a_rule(world: World, grants: Grants) -> None:
    await world.user("u")
    await world.policy("p")
    rule = {"owner": {"_eq": "$CURRENT_USER"}}
    await world.allow("p", "own", permissions=rule, fields="id,title", validation={"title": {"_nnull": True}})
    await world.give("p", user="u")
    found = (await rights_of(grants, "u")).access.rule("own", Action.READ)
    assert found.filter == parse_permission_filter(rule)
    assert found.fields == frozenset({"id", "title"})
    assert found.check == parse_permission_filter({"title": {"_nnull": True}})


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"fields": "*"}, None),
        ({"fields": "id, *"}, None),
        ({"fields": None}, frozenset()),
        ({"fields": ""}, frozenset()),
    ],
)
async def test_no_fields_are_no_fields_and_the_star_is_all(
    world: World, grants: Grants, values: dict[str, Any], fields: frozenset[str] | None
) -> None:
    await world.user("u")
    await world.policy("p")
    await world.allow("p", "own", **values)
    await world.give("p", user="u")
    rule = (await rights_of(grants, "u")).access.rule("own", Action.READ)
    assert rule.fields == fields
    assert rule.filter == EVERYTHING


@pytest.mark.parametrize(
    "values",
    [
        {"permissions": ["not", "a", "filter"]},
        {"permissions": "{broken"},
        {"permissions": 5},
        {"validation": {"_and": 7}},
        {"presets": ["a list"]},
        {"action": "share"},
        {"action": "READ"},
    ],
)
async def test_permission_that_cannot_be_understood_permits_nothing(
    world: World, grants: Grants, values: dict[str, Any]
) -> None:
    await world.user("u")
    await world.policy("p")
    await world.allow("p", "own", **values)
    await world.allow("p", "staff")
    await world.give("p", user="u")
    assert readable(await rights_of(grants, "u")) == {"staff"}


async def test_values_that_rules_ask_for_are_read_and_no_others(world: World, grants: Grants) -> None:
    await world.role("r", description="north")
    await world.user("u", role="r", title="editor", password="$argon2id$hash", tags=["a"])
    await world.policy("p")
    rule = {
        "_and": [
            {"title": {"_eq": "$CURRENT_USER.title"}},
            {"region": {"_eq": "$CURRENT_USER.role.description"}},
            {"zone": {"_eq": "$CURRENT_ROLE.description"}},
            {"hash": {"_eq": "$CURRENT_USER.password"}},
            {"deep": {"_eq": "$CURRENT_USER.role.parent.name"}},
            {"odd": {"_eq": "$CURRENT_USER.unheard_of"}},
        ]
    }
    await world.allow("p", "own", permissions=rule)
    await world.allow("p", "own", "create", presets={"place": "$CURRENT_USER.location", "price": "$5"})
    await world.give("p", user="u")
    rights = await rights_of(grants, "u")
    assert rights.user_values == {"title": "editor", "role.description": "north", "location": None}
    assert rights.role_values == {"description": "north"}


async def test_same_policies_share_one_access(world: World, grants: Grants) -> None:
    await world.role("r")
    await world.readable("p", "staff", role="r")
    await world.user("u", role="r")
    await world.user("v", role="r")
    await world.user("w")
    first = await rights_of(grants, "u")
    assert (await rights_of(grants, "v")).access is first.access
    assert (await rights_of(grants, "w")).access is not first.access
    grants.invalidate()
    assert (await rights_of(grants, "u")).access is first.access


async def test_rights_are_answered_from_memory_until_invalidated(world: World, grants: Grants, db: Database) -> None:
    await world.user("u")
    await world.readable("p", "own", user="u")
    first = await rights_of(grants, "u")
    async with db.write() as connection:
        await connection.execute(delete(policies))
    assert await rights_of(grants, "u") is first
    grants.invalidate()
    assert readable(await rights_of(grants, "u")) == set()


async def test_one_user_can_be_invalidated_alone(world: World, grants: Grants, db: Database) -> None:
    await world.user("u")
    await world.user("v")
    kept = await rights_of(grants, "v")
    await rights_of(grants, "u")
    async with db.write() as connection:
        await connection.execute(update(users).values(status="suspended"))
    grants.invalidate("u")
    assert await grants.of_user("u", HERE) is None
    assert await grants.of_user("v", HERE) is kept


async def test_change_is_seen_without_word_of_it_when_the_cache_has_aged(
    world: World, grants: Grants, clock: ManualClock
) -> None:
    await world.user("u")
    assert readable(await rights_of(grants, "u")) == set()
    await world.readable("p", "own", user="u")
    clock.advance(10)
    assert readable(await rights_of(grants, "u")) == {"own"}
