"""Catalogue: the schema together with the tables that it was read from; one for each structure of the database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watchword.data.meta import NOTHING_SAID, Meta
from watchword.data.schema import Schema

if TYPE_CHECKING:
    from collections.abc import Mapping

    import sqlalchemy as sa

    from watchword.access.compile import Rule
    from watchword.data.facts import TableFacts
    from watchword.data.rules import BoundRule
    from watchword.data.schema import Collection, Relation
    from watchword.storage.engine import Kind

MOST_RULES = 4096


class Catalogue:
    """What the database holds, as clients see it (`schema`) and as statements need it (`table`).

    The columns of a table have the types of `data.columns`: they take and give canonical values. `skipped` names the
    tables that are not served because they have no primary key, `facts` is what the database says of those that are, by
    collection, and `meta` what is said of them beside. What it holds never changes; it also remembers what was worked
    out from it, so that all of that ends with it.
    """

    def __init__(  # noqa: PLR0913, PLR0917 - what it holds, in the order in which it becomes known
        self,
        schema: Schema,
        kind: Kind,
        tables: Mapping[str, sa.Table],
        skipped: tuple[str, ...] = (),
        facts: Mapping[str, TableFacts] | None = None,
        meta: Meta = NOTHING_SAID,
    ) -> None:
        self.schema = schema
        self.kind: Kind = kind
        self.skipped = skipped
        self.facts = dict(facts or {})
        self.meta = meta
        self._tables = dict(tables)
        self._rules: dict[tuple[str, int], tuple[Rule, BoundRule]] = {}

    def without_capture(self, names: frozenset[str]) -> Catalogue:
        """Return the same catalogue in which changes of the collections named are not captured."""
        collections = {
            name: msgspec.structs.replace(each, captured=each.captured and name not in names)
            for name, each in self.schema.collections.items()
        }
        return Catalogue(Schema(collections), self.kind, self._tables, self.skipped, self.facts, self.meta)

    def says_the_same(self, other: Catalogue) -> bool:
        """Whether nothing differs between two looks at the database."""
        return (
            self.schema.collections == other.schema.collections
            and self.facts == other.facts
            and self.meta == other.meta
            and self.skipped == other.skipped
        )

    def changed(self, other: Catalogue) -> frozenset[str]:
        """Return the collections that are not, or are not the same, in both."""
        here, there = self.schema.collections, other.schema.collections
        return frozenset(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))

    def collection(self, name: str) -> Collection:
        """Return a collection by its client's name.

        Raises:
            Problem: FORBIDDEN, when there is none.
        """
        return self.schema.collection(name)

    def table(self, name: str) -> sa.Table:
        """Return the table of a collection, by the collection's name.

        Raises:
            Problem: FORBIDDEN, when there is no such collection.
        """
        table = self._tables.get(name)
        return self._tables[self.schema.collection(name).name] if table is None else table

    def related(self, relation: Relation) -> Collection:
        """Return the collection that a relation leads to."""
        return self.schema.collections[relation.related]

    def known_rule(self, collection: str, rule: Rule) -> BoundRule | None:
        """Return what was remembered of exactly this rule."""
        known = self._rules.get((collection, id(rule)))
        return known[1] if known is not None and known[0] is rule else None

    def remember_rule(self, collection: str, rule: Rule, bound: BoundRule) -> None:
        """Remember a bound rule; the rule is kept alive, so that its identity stays its own."""
        if len(self._rules) >= MOST_RULES:
            self._rules.clear()
        self._rules[collection, id(rule)] = (rule, bound)
