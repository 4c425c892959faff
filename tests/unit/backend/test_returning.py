"""Who comes back: which changes of rights may have taken rows out of sight."""

from __future__ import annotations

from typing import Any

import pytest

from watchword.access.compile import FULL_ACCESS
from watchword.access.principal import Principal
from watchword.backend.returning import concerns, may_have_lost_sight
from watchword.live.matching import Shape, Sight, View
from watchword.query.filters import EVERYTHING, Compare, Filter, Related, Variable
from watchword.query.query import Query
from watchword.query.variables import Variables
from watchword.storage.log import Bulk, ChangeAction, Logged

ANN = Principal(
    user="ann",
    role="writers",
    roles=("staff", "writers"),
    policies=("reading",),
    user_values={"team": "red", "role.name": "Writers"},
    role_values={"area": "north"},
)
PUBLIC = Principal(policies=("public",))
READS = {"policy": "reading", "collection": "articles", "action": "read", "permissions": "{}", "fields": "id"}


def view(where: Filter = EVERYTHING, *personal: Variable) -> View:
    shape = Shape(
        "s", "articles", where, (Sight(EVERYTHING, None),), (), Query("articles"), FULL_ACCESS, personal=personal
    )
    return View(shape, Variables())


PLAIN = view()
RELATIONAL = view(Related("author", EVERYTHING))
OF_PARTS = view(Compare("meta", "eq", "x", place=("a",)))
BY_POLICY = view(EVERYTHING, Variable("CURRENT_POLICIES"))


def change(
    collection: str, before: dict[str, Any] | None, after: dict[str, Any] | None, key: str = "1", at: int = 1
) -> Logged:
    action: ChangeAction = "create" if before is None else "delete" if after is None else "update"
    return Logged(f"directus_{collection}", action, key, before, after, at)


PERMISSION_NARROWED = change("permissions", READS, READS | {"permissions": '{"id": 1}'})
PERMISSION_GIVEN = change("permissions", None, READS)
PERMISSION_ELSEWHERE = change("permissions", READS | {"collection": "authors"}, None)
PERMISSION_OF_OTHERS = change("permissions", READS | {"policy": "other"}, None)
PERMISSION_TO_WRITE = change("permissions", READS | {"action": "update"}, None)
FIELDS = change("permissions", READS, READS | {"fields": "id,title"})
PERSONAL = {"user": "ann", "role": None, "policy": "reading"}
OF_THE_ROLE = {"user": None, "role": "staff", "policy": "reading"}
OF_ALL = {"user": None, "role": None, "policy": "reading"}
POLICY = {"name": "a", "admin_access": 1, "app_access": 0, "ip_access": None}


@pytest.mark.parametrize(
    ("entry", "principal", "of"),
    [
        (PERMISSION_NARROWED, ANN, PLAIN),
        (change("permissions", READS, None), ANN, PLAIN),
        (change("permissions", READS, READS | {"action": "update"}), ANN, PLAIN),
        (PERMISSION_GIVEN, ANN, RELATIONAL),
        (PERMISSION_ELSEWHERE, ANN, RELATIONAL),
        (change("access", PERSONAL, None), ANN, PLAIN),
        (change("access", OF_THE_ROLE, None), ANN, PLAIN),
        (change("access", OF_THE_ROLE, OF_THE_ROLE | {"role": "others"}), ANN, PLAIN),
        (change("access", OF_ALL, None), PUBLIC, PLAIN),
        (change("access", None, PERSONAL), ANN, BY_POLICY),
        (change("policies", POLICY, POLICY | {"admin_access": 0}, "gone"), ANN, PLAIN),
        (change("policies", POLICY, POLICY | {"ip_access": "10.0.0.1"}, "gone"), ANN, PLAIN),
        (change("roles", {"parent": "old"}, {"parent": "staff"}, "writers"), ANN, PLAIN),
        (change("roles", {"area": "south"}, {"area": "north"}, "writers"), ANN, PLAIN),
        (change("roles", {"name": "Old"}, {"name": "Writers"}, "writers"), ANN, PLAIN),
        (change("users", {"role": "old"}, {"role": "writers"}, "ann"), ANN, PLAIN),
        (change("users", {"team": "blue"}, {"team": "red"}, "ann"), ANN, PLAIN),
        (Bulk("directus_permissions", 1, 1), ANN, PLAIN),
    ],
)
def test_what_may_have_hidden_rows_loses_the_position(entry: Logged | Bulk, principal: Principal, of: View) -> None:
    assert may_have_lost_sight([entry], principal, of)


@pytest.mark.parametrize(
    ("entry", "principal", "of"),
    [
        (PERMISSION_GIVEN, ANN, PLAIN),
        (PERMISSION_ELSEWHERE, ANN, PLAIN),
        (PERMISSION_GIVEN, ANN, OF_PARTS),
        (PERMISSION_ELSEWHERE, ANN, OF_PARTS),
        (PERMISSION_OF_OTHERS, ANN, RELATIONAL),
        (PERMISSION_TO_WRITE, ANN, RELATIONAL),
        (FIELDS, ANN, RELATIONAL),
        (change("access", None, PERSONAL), ANN, PLAIN),
        (change("access", PERSONAL | {"user": "bob"}, None), ANN, PLAIN),
        (change("access", OF_ALL, None), ANN, PLAIN),
        (change("policies", POLICY, POLICY | {"name": "b"}, "reading"), ANN, PLAIN),
        (change("roles", {"parent": "old"}, {"parent": "staff"}, "others"), ANN, PLAIN),
        (change("roles", {"icon": "a"}, {"icon": "b"}, "writers"), ANN, PLAIN),
        (change("users", {"last_access": 1, "email": "a"}, {"last_access": 2, "email": "b"}, "ann"), ANN, PLAIN),
    ],
)
def test_what_hides_no_rows_loses_no_position(entry: Logged, principal: Principal, of: View) -> None:
    assert not may_have_lost_sight([entry], principal, of)


def test_what_was_changed_and_changed_back_is_no_change() -> None:
    there = change("permissions", READS, READS | {"permissions": '{"id": 1}'}, at=1)
    back = change("permissions", READS | {"permissions": '{"id": 1}'}, READS, at=2)
    came, went = change("access", None, PERSONAL, "7", 3), change("access", PERSONAL, None, "7", 4)

    assert not may_have_lost_sight([there, back, came, went], ANN, BY_POLICY)
    assert may_have_lost_sight([there, back, there], ANN, PLAIN)


def test_a_rule_that_is_too_large_for_the_log_may_be_another_one() -> None:
    large = {name: value for name, value in READS.items() if name != "permissions"}
    entry = Logged("directus_permissions", "update", "1", large, large | {"fields": "*"}, 1, ("permissions",))

    assert may_have_lost_sight([entry], ANN, PLAIN)
    assert not may_have_lost_sight([entry], PUBLIC, PLAIN)


def test_changes_of_other_users_are_not_looked_at() -> None:
    assert not concerns(change("users", {"role": "a"}, {"role": "b"}, "bob"), ANN)
    assert concerns(change("users", {"role": "a"}, {"role": "b"}, "ann"), ANN)
    assert concerns(Bulk("directus_users", 1, 1), ANN)
    assert concerns(PERMISSION_OF_OTHERS, ANN)
