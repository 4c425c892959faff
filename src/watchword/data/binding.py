"""Binding: from a filter as clients say it to one whose fields, operators and values are known to fit a collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import structlog

from watchword.access.compile import Grant, Rule
from watchword.access.permissions import Action
from watchword.base.errors import Problem, forbidden_field, invalid_query
from watchword.data.operands import check_listed, convert_operand
from watchword.data.rules import BoundRule
from watchword.query.filters import EVERYTHING, NOTHING, All, Compare, Filter, Not, Related, all_of, any_of
from watchword.query.filters import Any as AnyOf
from watchword.query.types import NUMERIC, VALIDATION_ONLY, FieldType, Function, Operator, functions_of, operators_of
from watchword.query.values import convert

if TYPE_CHECKING:
    from watchword.data.catalogue import Catalogue
    from watchword.data.schema import Collection, Field, Relation
    from watchword.data.scope import Scope

_log = structlog.get_logger(__name__)

_SEARCHED = frozenset({FieldType.STRING, FieldType.TEXT, FieldType.CSV, FieldType.UNKNOWN})
_PRESENCE = {
    Operator.NULL: Operator.NULL,
    Operator.NNULL: Operator.NNULL,
    Operator.EMPTY: Operator.NULL,
    Operator.NEMPTY: Operator.NNULL,
}
"""What is asked of a concealed field: whether there is a value, and nothing of the value."""


class Binder:
    """Binds filters to a catalogue under the rights of a scope."""

    def __init__(self, catalogue: Catalogue, scope: Scope) -> None:
        self.catalogue = catalogue
        self.scope = scope

    def sight(self, collection: Collection) -> BoundRule:
        """Return the rule that says which rows and fields of a collection the caller may read.

        Raises:
            Problem: FORBIDDEN, when nothing of it may be read.
        """
        return self.bind_rule(collection, self.scope.access.rule(collection.name, Action.READ))

    def bind_rule(self, collection: Collection, rule: Rule) -> BoundRule:
        """Return the rule with bound grants and check; remembered for as long as the catalogue lives.

        A stored filter that no longer fits the collection grants nothing, and a stored check lets nothing pass.
        """
        known = self.catalogue.known_rule(collection.name, rule)
        if known is not None:
            return known
        grants = tuple(Grant(self._bind_stored(collection, grant.filter), grant.fields) for grant in rule.grants)
        bound = Rule(grants, rule.presets, self._bind_stored(collection, rule.check, validation=True))
        made = BoundRule(bound, bound.filter, bound.fields, bound.is_uniform)
        self.catalogue.remember_rule(collection.name, rule, made)
        return made

    def _bind_stored(self, collection: Collection, node: Filter, *, validation: bool = False) -> Filter:
        try:
            return self.bind_filter(collection, node, trusted=True, validation=validation)
        except Problem as problem:
            _log.warning("permission.unusable", collection=collection.name, reason=problem.message)
            return NOTHING

    def bind_filter(
        self, collection: Collection, node: Filter, *, trusted: bool = False, validation: bool = False
    ) -> Filter:
        """Return the filter with checked operators and canonical values.

        Filters of clients may only ask what their rules show: rows of related collections count where they are in
        sight, and a field that is in sight on some rows only is compared on those. `trusted` filters are the server's
        own (permission rules) and may ask anything. `validation` admits the operators that make sense on a payload
        only (`regex`, `submitted`).

        Raises:
            Problem: FORBIDDEN for a field out of sight, INVALID_QUERY for an operator or value that does not fit.
        """
        check_listed(node)
        return self._bind(collection, node, _Manner(trusted, validation))

    def _bind(self, collection: Collection, node: Filter, manner: _Manner) -> Filter:
        match node:
            case Compare():
                guard, bound = self._compare(collection, node, manner)
            case Related():
                guard, bound = self._related(collection, node, manner)
            case All(parts=parts):
                return all_of(*(self._bind(collection, part, manner) for part in parts))
            case AnyOf(parts=parts):
                return any_of(*(self._bind(collection, part, manner) for part in parts))
            case Not(part=part):
                # What guards a comparison must stay outside of the NOT, or rows out of sight would satisfy it.
                inner = _Manner(manner.trusted, manner.validation, [])
                negated = Not(self._bind(collection, part, inner))
                guard, bound = all_of(*inner.guards or ()), negated
        if manner.guards is None:
            return all_of(bound, guard)
        manner.guards.append(guard)
        return bound

    def _compare(self, collection: Collection, node: Compare, manner: _Manner) -> tuple[Filter, Filter]:
        operator = _operator(node.operator)
        asks_of_presence = operator in _PRESENCE and not node.place and node.function is None
        if asks_of_presence and not manner.trusted and self._is_concealed(collection, node.field):
            operator = _PRESENCE[operator or Operator.NULL]
        guard = self.field_guard(collection, node.field, trusted=manner.trusted, presence=asks_of_presence)
        relation = collection.relations.get(node.field)
        if node.place:
            self.check_document(collection, node.field)
            kind = node.type
        elif node.function is not None:
            kind = self.check_function(collection, node.field, node.function)
        elif relation is not None and relation.many:
            kind = FieldType.ALIAS
        else:
            kind = collection.fields[node.field].type
        allowed = operators_of(kind) | (VALIDATION_ONLY if manner.validation else frozenset())
        if operator is None or operator not in allowed:
            raise invalid_query(f'"{kind.value}" field type does not contain the "_{node.operator}" filter operator')
        operator, value = convert_operand(kind, operator, node.value)
        if kind is FieldType.ALIAS:
            empty = Related(node.field, EVERYTHING, "none" if operator is Operator.NULL else "some")
            return guard, self._related(collection, empty, manner)[1]
        within = None
        if relation is not None and relation.many:
            within = self.rows_in_sight(self.catalogue.related(relation), trusted=manner.trusted)
        return guard, Compare(node.field, operator.value, value, node.function, kind, within, node.place)

    def _related(self, collection: Collection, node: Related, manner: _Manner) -> tuple[Filter, Filter]:
        guard = self.relation_guard(collection, node.field, trusted=manner.trusted)
        relation = collection.relations[node.field]
        if node.quantifier not in {"some", "none"}:
            raise invalid_query(f'"_{node.quantifier}" is not a filter operator')
        related = self.catalogue.related(relation)
        inner = self._bind(related, node.filter, _Manner(manner.trusted, manner.validation))
        seen = self.rows_in_sight(related, trusted=manner.trusted)
        return guard, Related(node.field, all_of(inner, seen), node.quantifier)

    def rows_in_sight(self, collection: Collection, *, trusted: bool = False) -> Filter:
        """Return the rows of a related collection that count: those that the caller may read, or all if trusted.

        Raises:
            Problem: FORBIDDEN, when the caller may read nothing of the collection.
        """
        return EVERYTHING if trusted else self.sight(collection).filter

    def field_guard(
        self, collection: Collection, name: str, *, trusted: bool = False, path: str = "", presence: bool = False
    ) -> Filter:
        """Return the rows on which a field may be asked for by a filter, a sort, a grouping or an aggregate.

        `presence`: it is only asked whether there is a value, which concealed fields show, too.

        Raises:
            Problem: FORBIDDEN, when the field does not exist, is never in sight or is concealed.
        """
        field = collection.fields.get(name)
        if not collection.has(name):
            raise forbidden_field(collection.name, name, path)
        if field is not None and name not in self.catalogue.table(collection.name).c:
            raise forbidden_field(collection.name, name, path)
        if trusted:
            return EVERYTHING
        sight = self.sight(collection)
        if not sight.allows(name) or (field is not None and field.concealed and not presence):
            raise forbidden_field(collection.name, name, path)
        return sight.seen_when(name)

    def relation_guard(self, collection: Collection, name: str, *, trusted: bool = False, path: str = "") -> Filter:
        """Return the rows on which it may be asked what a relation, or one way of a union, leads to.

        Raises:
            Problem: FORBIDDEN, when there is none, or a field that shows where it leads is never in sight.
        """
        relation = collection.relations.get(name)
        is_way = relation is not None and relation.discriminator is not None
        if relation is None or (is_way and not trusted and self.leads_out_of_sight(relation)):
            raise forbidden_field(collection.name, name, path)
        shown_by = collection.shown_by(name)
        return all_of(*(self.field_guard(collection, field, trusted=trusted, path=path) for field in shown_by))

    def _is_concealed(self, collection: Collection, name: str) -> bool:
        field = collection.fields.get(name)
        return field is not None and field.concealed

    def leads_out_of_sight(self, relation: Relation) -> bool:
        """Whether a relation is to items of a collection that the caller reads nothing of."""
        return self.scope.access.find(relation.related, Action.READ) is None

    def check_function(self, collection: Collection, name: str, function: Function) -> FieldType:
        """Return the type of a function of a field that exists.

        Raises:
            Problem: INVALID_QUERY, when the function does not apply to the field.
        """
        relation = collection.relations.get(name)
        many = relation is not None and relation.many
        kind = FieldType.ALIAS if many else collection.fields[name].type
        opaque = not many and self._is_opaque(collection.fields[name])
        if function not in functions_of(kind) or opaque:
            raise invalid_query(f'"{function.value}" cannot be computed of the field "{name}"')
        return FieldType.INTEGER

    def check_document(self, collection: Collection, name: str) -> None:
        """Let pass a field of which a part can be asked for.

        Raises:
            Problem: INVALID_QUERY, when it holds no JSON values.
        """
        field = collection.fields.get(name)
        if field is None or field.type is not FieldType.JSON or self._is_opaque(field):
            raise invalid_query(f'"json" cannot be computed of the field "{name}"')

    def _is_opaque(self, field: Field) -> bool:
        """Whether the database does not look into a JSON value: PostgreSQL fails on a text that is none."""
        return "json" in field.special and self.catalogue.kind == "postgresql"

    def bind_search(self, collection: Collection, text: str) -> Filter:
        """Return the filter that a search stands for: some field that the caller may read holds the text.

        Texts hold it anywhere, in any case; numbers and identifiers are equal to it.
        """
        sight = self.sight(collection)
        parts = []
        for field in collection.fields.values():
            comparison = (
                None if field.concealed or not sight.allows(field.name) else _search(field.name, field.type, text)
            )
            if comparison is not None:
                parts.append(all_of(comparison, sight.seen_when(field.name)))
        return any_of(*parts) if parts else NOTHING


class _Manner(msgspec.Struct, frozen=True):
    """How a filter is bound. Below a NOT, `guards` collects what has to be said outside of it."""

    trusted: bool
    validation: bool
    guards: list[Filter] | None = None


def _operator(name: str) -> Operator | None:
    try:
        return Operator(name)
    except ValueError:
        return None


def _search(field: str, kind: FieldType, text: str) -> Compare | None:
    try:
        if kind in _SEARCHED:
            return Compare(field, Operator.ICONTAINS.value, convert(FieldType.TEXT, text), type=kind)
        if kind in NUMERIC or kind is FieldType.UUID:
            return Compare(field, Operator.EQ.value, convert(kind, text), type=kind)
    except ValueError:
        return None
    return None
