"""Rules, bound: what a permission rule says about a collection, ready to be put into statements and tests."""

from __future__ import annotations

import msgspec

from watchword.access.compile import Rule
from watchword.query.filters import EVERYTHING, Filter, any_of


class BoundRule(msgspec.Struct, frozen=True):
    """A rule whose filters are bound. `rule` has the bound grants and the bound check; the rest is computed once."""

    rule: Rule
    filter: Filter
    fields: frozenset[str] | None
    uniform: bool

    def allows(self, field: str) -> bool:
        """Whether the field is in sight on some row."""
        return self.fields is None or field in self.fields

    def seen_when(self, field: str) -> Filter:
        """Return the rows on which the field is in sight; EVERYTHING where that is every row in sight."""
        if self.uniform:
            return EVERYTHING
        naming = [grant.filter for grant in self.rule.grants if grant.fields is None or field in grant.fields]
        return EVERYTHING if len(naming) == len(self.rule.grants) else any_of(*naming)
