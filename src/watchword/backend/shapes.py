"""Shapes: from what a client wants to follow to what the hub can match, under the client's rights."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.access.permissions import Action
from watchword.backend.structure import columns_in_images
from watchword.base.errors import Code, Problem, forbidden_field, invalid_query
from watchword.data.binding import Binder
from watchword.live.matching import Column, Shape, Sight
from watchword.query.filters import all_of
from watchword.query.measures import fields_compared
from watchword.query.query import Query, Selection, fingerprint
from watchword.query.variables import variables_in

if TYPE_CHECKING:
    from watchword.data.catalogue import Catalogue
    from watchword.data.rules import BoundRule
    from watchword.data.schema import Collection
    from watchword.data.scope import Scope
    from watchword.protocol.operations import Subscribe
    from watchword.query.filters import Filter, Variable

_EVERY_FIELD = (Selection(("*",)),)


def shape_of(catalogue: Catalogue, scope: Scope, operation: Subscribe) -> Shape:
    """Bind a subscription to the schema and to the rule of its caller.

    Raises:
        Problem: FORBIDDEN for a collection or field out of sight, INVALID_QUERY for a query that cannot be followed,
            COLLECTION_INACTIVE for a collection whose changes are not captured.
    """
    query = operation.query
    rule = scope.access.rule(query.collection, Action.READ)
    collection = catalogue.collection(query.collection)
    if not collection.captured:
        reason = f'Changes of collection "{collection.name}" are not captured.'
        raise Problem(Code.COLLECTION_INACTIVE, reason, collection=collection.name)
    if query.aggregate or query.group:
        raise invalid_query('"aggregate" and "groupBy" can\'t be followed')
    binder = Binder(catalogue, scope)
    where = binder.bind_filter(collection, query.filter)
    if query.search:
        where = all_of(where, binder.bind_search(collection, query.search))
    bound = binder.bind_rule(collection, rule)
    _check_images(collection, all_of(where, *(grant.filter for grant in bound.rule.grants)))
    columns = _columns(collection, bound, query)
    sights = tuple(Sight(grant.filter, grant.fields) for grant in bound.rule.grants)
    used = variables_in(where) | bound.rule.variables
    if columns is None:
        used |= scope.access.variables | _deep_variables(query)
    item = None if operation.item is None else str(operation.item)
    read_with = [query.fields, query.alias, query.deep, scope.access.fingerprint] if columns is None else columns
    first = [query.sort, query.limit, query.offset]  # which rows, and in which order, when everything is told anew
    visible = [(sight.filter, None if sight.fields is None else sorted(sight.fields)) for sight in sights]
    return Shape(
        key=fingerprint([collection.name, where, visible, read_with, operation.event, item, first]),
        collection=collection.name,
        where=where,
        sights=sights,
        columns=columns,
        query=query,
        access=scope.access,
        event=operation.event,
        item=item,
        personal=tuple(sorted((v for v in used if v.name != "NOW"), key=fingerprint)),
    )


def _columns(collection: Collection, rule: BoundRule, query: Query) -> tuple[Column, ...] | None:
    """Return the columns that are told, or None when an image does not hold all that is asked for."""
    columns: dict[str, Column] = {}
    is_in_image = not query.deep
    held = columns_in_images(collection)
    for selection in query.fields or _EVERY_FIELD:
        name = selection.path[0]
        for each in _every(collection, rule) if name == "*" else [name]:
            source = query.meant(each)
            computed = selection.function is not None or bool(selection.place)
            if len(selection.path) > 1 or computed or source not in collection.fields:
                _check(collection, rule, source)
                is_in_image = False
            else:
                columns[each] = _column(collection, rule, each, source)
                is_in_image &= source in held
    return tuple(columns.values()) if is_in_image else None


def _check_images(collection: Collection, node: Filter) -> None:
    """Refuse to follow rows by what no change tells: some would come into sight, or leave it, without a word.

    Raises:
        Problem: INVALID_QUERY.
    """
    unknown = fields_compared(node).difference(columns_in_images(collection), collection.relations)
    if unknown:
        raise invalid_query(f'"{min(unknown)}" can\'t be followed')


def _check(collection: Collection, rule: BoundRule, source: str) -> None:
    """Refuse a field out of sight, also where what is told of it is read from the database."""
    known = source in collection.fields or source in collection.relations
    if not known or not all(map(rule.allows, collection.shown_by(source))):
        raise forbidden_field(collection.name, source)


def _every(collection: Collection, rule: BoundRule) -> list[str]:
    return [name for name in collection.names if rule.allows(name)]


def _column(collection: Collection, rule: BoundRule, name: str, source: str) -> Column:
    field = collection.fields.get(source)
    if field is None or not rule.allows(source):
        raise forbidden_field(collection.name, source)
    return Column(name, source, field.type, concealed=field.concealed)


def _deep_variables(query: Query) -> frozenset[Variable]:
    found: frozenset[Variable] = frozenset()
    for deep in query.deep.values():
        found |= variables_in(deep.filter) | _deep_variables(deep)
    return found
