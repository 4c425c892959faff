from __future__ import annotations

import pytest

from watchword.access.compile import FULL_ACCESS, NO_ACCESS, UNLIMITED, compile_access
from watchword.access.permissions import Action, Permission, Policy
from watchword.base.errors import Code, Problem
from watchword.query.filters import EVERYTHING, Any, Compare, Variable

PUBLISHED = Compare("status", "eq", "published")
OWN = Compare("owner", "eq", Variable("CURRENT_USER"))


def policy(*permissions: Permission, name: str = "p", admin: bool = False) -> Policy:
    return Policy(name, permissions, admin_access=admin)


def read(filter_: Compare | None = None, fields: set[str] | None = None) -> Permission:
    return Permission("articles", Action.READ, filter_ or EVERYTHING, None if fields is None else frozenset(fields))


def test_what_nobody_allows_is_refused_in_the_words_of_what_does_not_exist() -> None:
    access = compile_access([policy(read())])
    with pytest.raises(Problem) as unreadable:
        access.rule("articles", Action.DELETE)
    with pytest.raises(Problem) as missing:
        access.rule("nowhere", Action.READ)
    assert unreadable.value.code is missing.value.code is Code.FORBIDDEN
    assert unreadable.value.message.replace("articles", "nowhere") == missing.value.message
    assert NO_ACCESS.find("articles", Action.READ) is None


def test_rows_add_up() -> None:
    rule = compile_access([policy(read(PUBLISHED)), policy(read(OWN))]).rule("articles", Action.READ)
    assert rule.filter == Any((PUBLISHED, OWN))
    whole = compile_access([policy(read(PUBLISHED)), policy(read())]).rule("articles", Action.READ)
    assert whole.filter == EVERYTHING


def test_fields_add_up_for_the_rows_that_each_grant_covers() -> None:
    rule = compile_access([policy(read(PUBLISHED, {"a"}), read(OWN, {"a", "b"}))]).rule("articles", Action.READ)
    assert (rule.fields, rule.is_uniform) == (frozenset({"a", "b"}), False)
    assert (rule.allows("b"), rule.allows("c")) == (True, False)
    assert [grant.fields for grant in rule.grants] == [frozenset({"a"}), frozenset({"a", "b"})]


def test_all_fields_is_more_than_some() -> None:
    rule = compile_access([policy(read(None, {"a"}), read(PUBLISHED))]).rule("articles", Action.READ)
    assert rule.fields is None
    assert rule.allows("anything")


def test_no_field_is_not_all_fields() -> None:
    rule = compile_access([policy(read(None, set()))]).rule("articles", Action.READ)
    assert not rule.allows("a")


def test_later_presets_override_and_every_check_holds() -> None:
    first = Permission("articles", Action.CREATE, presets={"a": 1, "b": 1}, validation=PUBLISHED)
    second = Permission("articles", Action.CREATE, presets={"b": 2}, validation=OWN)
    rule = compile_access([policy(first), policy(second)]).rule("articles", Action.CREATE)
    assert rule.presets == {"a": 1, "b": 2}
    assert rule.check == type(rule.check)((PUBLISHED, OWN))  # type: ignore[call-arg,arg-type] # All of both


def test_an_administrator_may_do_everything_everywhere() -> None:
    access = compile_access([policy(read(PUBLISHED)), policy(admin=True)])
    assert access is FULL_ACCESS
    assert access.rule("nowhere", Action.DELETE) is UNLIMITED


def test_equal_rights_have_equal_fingerprints() -> None:
    first, second = (compile_access([policy(read(OWN, {"a", "b"}))]) for _ in range(2))
    other = compile_access([policy(read(PUBLISHED, {"a", "b"}))])
    assert first.fingerprint == second.fingerprint != other.fingerprint
    assert FULL_ACCESS.fingerprint != NO_ACCESS.fingerprint
    assert first.rule("articles", Action.READ).fingerprint() == second.rule("articles", Action.READ).fingerprint()


def test_the_variables_of_rules_for_reading_are_known() -> None:
    writing = Permission("articles", Action.UPDATE, Compare("role", "eq", Variable("CURRENT_ROLE")))
    assert compile_access([policy(read(OWN), writing)]).variables == {Variable("CURRENT_USER")}


def test_a_grant_that_only_adds_fields_to_rows_seen_by_all_is_personal_all_the_same() -> None:
    access = compile_access([policy(read(None, {"title"}), read(OWN, {"title", "salary"}))])
    assert access.rule("articles", Action.READ).filter == EVERYTHING
    assert access.variables == access.rule("articles", Action.READ).variables == {Variable("CURRENT_USER")}


def test_rights_are_the_same_in_whatever_order_they_are_given() -> None:
    one, two = read(PUBLISHED, {"a", "b"}), read(OWN, {"c"})
    first = compile_access([policy(one), policy(two)])
    assert first.is_same_as(compile_access([policy(two, one, name="q")]))
    assert compile_access([policy(admin=True)]).is_same_as(FULL_ACCESS)


@pytest.mark.parametrize(
    "other",
    [
        read(OWN, {"a"}),
        read(PUBLISHED, {"a", "b"}),
        read(PUBLISHED),
        Permission("articles", Action.UPDATE, PUBLISHED, frozenset({"a"})),
        Permission("authors", Action.READ, PUBLISHED, frozenset({"a"})),
        Permission("articles", Action.READ, PUBLISHED, frozenset({"a"}), presets={"a": 1}),
        Permission("articles", Action.READ, PUBLISHED, frozenset({"a"}), validation=OWN),
    ],
)
def test_rights_differ_by_all_that_they_say(other: Permission) -> None:
    access = compile_access([policy(read(PUBLISHED, {"a"}))])
    assert not access.is_same_as(compile_access([policy(other)]))
    assert not access.is_same_as(NO_ACCESS)
    assert not NO_ACCESS.is_same_as(FULL_ACCESS)


def test_one_is_not_yes_where_rights_are_compared() -> None:
    one, yes = (compile_access([policy(read(Compare("a", "eq", value)))]) for value in (1, True))
    assert not one.is_same_as(yes)
