"""Entitlements: what callers are told of their own rights."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from watchword.access.compile import Access, Grant, Rule
from watchword.access.permissions import Action
from watchword.data.scope import Scope
from watchword.query.dynamic import operand_of, parse_variable
from watchword.query.filters import EVERYTHING
from watchword.query.query import Query, Selection
from watchword.query.rendering import render, render_any
from watchword.query.types import FieldType

if TYPE_CHECKING:
    from watchword.backend.context import Context
    from watchword.backend.structure import Structure
    from watchword.base.clock import Clock
    from watchword.data.select import Reader

_SHARE = "share"
_EVERY_FIELD = ["*"]
_FULL: dict[str, Any] = {"access": "full", "fields": _EVERY_FIELD}
_NONE: dict[str, Any] = {"access": "none"}

_Looks = dict[tuple[str, Action], list[tuple[Grant, Access]]]


class Entitlements:
    """Says what a caller may do, to whole collections and to one item. Nobody may share: there is no sharing."""

    def __init__(self, structure: Structure, reader: Reader, clock: Clock) -> None:
        self._structure = structure
        self._reader = reader
        self._clock = clock
        self._looks: WeakKeyDictionary[Access, _Looks] = WeakKeyDictionary()

    def of_collections(self, context: Context) -> dict[str, Any]:
        """Return access, fields and presets by collection and action; collections without any right are left out."""
        served = self._structure.catalogue.schema.collections
        if context.access.admin:
            return {name: dict.fromkeys((*Action, _SHARE), _FULL) for name in sorted(served)}
        return {
            name: {**{action.value: self._of_action(context, name, action) for action in Action}, _SHARE: _NONE}
            for name in sorted(context.access.collections & served.keys())
        }

    async def of_item(self, context: Context, collection: str, key: str | None) -> dict[str, Any]:
        """Return what may be done to an item, or, without a key, to some item of the collection.

        An item that does not exist is one to which nothing may be done, and so is one of an unknown collection.
        """
        updating = await self._grants(context, collection, Action.UPDATE, key)
        rule = context.access.find(collection, Action.UPDATE)
        update: dict[str, Any] = {"access": bool(updating)}
        if updating and rule is not None:
            update |= {"fields": _fields(updating), "presets": self._presets(context, collection, rule)}
        deletes = bool(await self._grants(context, collection, Action.DELETE, key))
        shares = context.access.admin and deletes
        return {"update": update, "delete": {"access": deletes}, _SHARE: {"access": shares}}

    def _of_action(self, context: Context, collection: str, action: Action) -> dict[str, Any]:
        rule = context.access.find(collection, action)
        if rule is None:
            return _NONE
        told: dict[str, Any] = {"access": "full" if rule.filter == EVERYTHING else "partial"}
        told["fields"] = _fields(rule.grants)
        presets = self._presets(context, collection, rule)
        return told | {"presets": presets} if presets else told

    def _presets(self, context: Context, collection: str, rule: Rule) -> dict[str, Any]:
        scope = context.scope(self._clock.now())
        fields = self._structure.catalogue.schema.collections[collection].fields
        kinds = {name: fields[name].type if name in fields else FieldType.STRING for name in rule.presets}
        return {name: _resolved(value, kinds[name], scope) for name, value in rule.presets.items()}

    async def _grants(self, context: Context, collection: str, action: Action, key: str | None) -> list[Grant]:
        """Return the grants that hold for the item, or all of them without one."""
        found = self._structure.catalogue.schema.collections.get(collection)
        rule = context.access.find(collection, action)
        if found is None or rule is None:
            return []
        if key is None:
            return list(rule.grants)
        query = Query(collection, fields=tuple(Selection((name,)) for name in found.key))
        holding = []
        for grant, look in self._looking(context.access, collection, action, rule):
            scope = Scope(look, context.principal.variables(), self._clock.now())
            if await self._reader.read_keys(self._structure.catalogue, scope, query, [key]):
                holding.append(grant)
        return holding

    def _looking(self, access: Access, collection: str, action: Action, rule: Rule) -> list[tuple[Grant, Access]]:
        """Return for each grant the rights to read just the rows that it holds for, the same ones each time."""
        known = self._looks.setdefault(access, {})
        if (collection, action) not in known:
            known[collection, action] = [
                (grant, Access({(collection, Action.READ): Rule((Grant(grant.filter, None),))}))
                for grant in rule.grants
            ]
        return known[collection, action]


def _fields(grants: list[Grant] | tuple[Grant, ...]) -> list[str]:
    names: set[str] = set()
    for grant in grants:
        if grant.fields is None:
            return _EVERY_FIELD
        names |= grant.fields
    return sorted(names)


def _resolved(value: Any, kind: FieldType, scope: Scope) -> Any:
    """Return a preset with its variables put in, as it would be read back."""
    match value:
        case dict():
            return {name: _resolved(item, kind, scope) for name, item in value.items()}
        case list():
            return [_resolved(item, kind, scope) for item in value]
        case str() if (variable := parse_variable(value)) is not None:
            if variable.name == "NOW":
                return render(kind, operand_of(variable, kind, scope.variables, scope.now))
            found = scope.variables.resolve(variable, scope.now)
            return list(found) if isinstance(found, tuple) else render_any(found)
        case _:
            return value
