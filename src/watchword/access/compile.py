"""Compile policies into Access: for a collection and an action, the one Rule that holds."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from watchword.access.permissions import Action, Permission, Policy
from watchword.base.errors import forbidden_collection
from watchword.query.filters import EVERYTHING, Filter, all_of, any_of
from watchword.query.query import fingerprint
from watchword.query.variables import variables_in

if TYPE_CHECKING:
    from collections.abc import Iterable

    from watchword.query.filters import Variable


class Grant(msgspec.Struct, frozen=True):
    """Fields (None: all) that are allowed on the rows that satisfy `filter`."""

    filter: Filter
    fields: frozenset[str] | None


class Rule(msgspec.Struct, frozen=True):
    """What may be done to which rows and fields: the union of its grants.

    A row is in sight when at least one grant's filter is true for it; a field of that row is in sight when at least
    one grant that names the field is true for it (else it reads as null). `presets` are values given on create and
    update unless the payload has them; `check` is what the written values must satisfy (`validation`).
    """

    grants: tuple[Grant, ...]
    presets: dict[str, Any] = {}
    check: Filter = EVERYTHING

    @property
    def filter(self) -> Filter:
        """The rows in sight, as one filter."""
        return any_of(*(grant.filter for grant in self.grants))

    @property
    def fields(self) -> frozenset[str] | None:
        """Every field that is in sight on some row; None means all."""
        names: frozenset[str] = frozenset()
        for grant in self.grants:
            if grant.fields is None:
                return None
            names |= grant.fields
        return names

    @property
    def variables(self) -> frozenset[Variable]:
        """Every variable that decides about rows or fields, also of grants that add fields to rows seen by all."""
        return frozenset().union(*(variables_in(grant.filter) for grant in self.grants))

    @property
    def is_uniform(self) -> bool:
        """Whether every row in sight shows the same fields."""
        return len({grant.fields for grant in self.grants}) == 1

    def allows(self, field: str) -> bool:
        """Whether the field is in sight on some row."""
        return self.fields is None or field in self.fields

    def fingerprint(self) -> str:
        """Return a text that is equal for rules that show the same rows and fields."""
        return fingerprint(
            [(grant.filter, sorted(grant.fields) if grant.fields is not None else None) for grant in self.grants]
        )

    def imprint(self) -> str:
        """Return a text that is equal for rules that allow the same, whatever they were put together of."""
        grants = sorted(
            fingerprint([grant.filter, sorted(grant.fields) if grant.fields is not None else None])
            for grant in self.grants
        )
        return fingerprint([grants, self.presets, self.check])


UNLIMITED = Rule((Grant(EVERYTHING, None),))


class Access:
    """The rules of one set of policies; immutable, shared by all principals that have the same policies."""

    def __init__(self, rules: dict[tuple[str, Action], Rule], *, admin: bool = False) -> None:
        self._rules = rules
        self.admin = admin

    @cached_property
    def variables(self) -> frozenset[Variable]:
        """Every variable that a rule for reading mentions."""
        return frozenset().union(
            *(rule.variables for (_, action), rule in self._rules.items() if action is Action.READ)
        )

    @cached_property
    def fingerprint(self) -> str:
        """A text that is equal for rights to read the same."""
        read = sorted(
            (name, rule.fingerprint()) for (name, action), rule in self._rules.items() if action is Action.READ
        )
        return fingerprint([self.admin, read])

    def is_same_as(self, other: Access) -> bool:
        """Whether these are the same rights, to read and to write."""
        return self is other or self._imprint == other._imprint

    @cached_property
    def _imprint(self) -> str:
        rules = sorted((name, action.value, rule.imprint()) for (name, action), rule in self._rules.items())
        return fingerprint([self.admin, rules])

    def rule(self, collection: str, action: Action) -> Rule:
        """Return the rule for an action.

        Raises:
            Problem: FORBIDDEN, in the same words whether the collection exists or not.
        """
        rule = self.find(collection, action)
        if rule is None:
            raise forbidden_collection(collection)
        return rule

    @property
    def collections(self) -> frozenset[str]:
        """Every collection that a rule is about; administrators need none."""
        return frozenset(name for name, _ in self._rules)

    def find(self, collection: str, action: Action) -> Rule | None:
        """Return the rule for an action, or None where nothing is allowed."""
        return UNLIMITED if self.admin else self._rules.get((collection, action))


FULL_ACCESS = Access({}, admin=True)
NO_ACCESS = Access({})


def compile_access(policies: Iterable[Policy]) -> Access:
    """Compile policies, in order: later ones override earlier ones' presets, all else adds up."""
    policies = tuple(policies)
    if any(policy.admin_access for policy in policies):
        return FULL_ACCESS
    grouped: dict[tuple[str, Action], list[Permission]] = {}
    for policy in policies:
        for permission in policy.permissions:
            grouped.setdefault((permission.collection, permission.action), []).append(permission)
    return Access({key: _compile_rule(permissions) for key, permissions in grouped.items()})


def _compile_rule(permissions: list[Permission]) -> Rule:
    by_fields: dict[frozenset[str] | None, list[Filter]] = {}
    presets: dict[str, Any] = {}
    for permission in permissions:
        by_fields.setdefault(permission.fields, []).append(permission.filter)
        presets |= permission.presets
    grants = tuple(Grant(any_of(*filters), fields) for fields, filters in by_fields.items())
    return Rule(grants, presets, all_of(*(permission.validation for permission in permissions)))
