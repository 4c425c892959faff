"""Items: the paths of a collection, as far as a caller's rules let them be used."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from watchword.access.permissions import Action
from watchword.data.schema import Collection
from watchword.http.openapi.operations import SELECTING, SHAPING, in_path, operation
from watchword.http.openapi.schemas import OBJECT, Json, data_of, key_of, shown_row, written_row

if TYPE_CHECKING:
    from watchword.access.compile import Access
    from watchword.data.catalogue import Catalogue

ROWS = "#/components/schemas"
_META = {"type": "object", "additionalProperties": {"type": "integer"}}


class Described(msgspec.Struct, frozen=True):
    """A collection at a path. `name` is that of its component; `reads_only` leaves out what would write."""

    collection: Collection
    path: str
    name: str
    reads_only: bool = False


class ItemPaths:
    """Describes one collection for one caller."""

    def __init__(self, catalogue: Catalogue, access: Access, described: Described) -> None:
        self._schema = catalogue.schema
        self._access = access
        self._wide = catalogue.kind == "sqlite"
        self._of = described
        self._rules = {action: access.find(described.collection.name, action) for action in Action}
        if described.reads_only:
            self._rules |= dict.fromkeys((Action.CREATE, Action.UPDATE, Action.DELETE))

    @property
    def components(self) -> dict[str, Json]:
        """The schemas of the rows, by name: as they are read, created and updated."""
        collection, found = self._of.collection, {}
        for action, rule in self._rules.items():
            if rule is None or action is Action.DELETE:
                continue
            is_read = action is Action.READ
            found[self._component(action)] = (
                shown_row(self._schema, collection, self._access, wide=self._wide)
                if is_read
                else written_row(self._schema, collection, self._access, action)
            )
        return found

    @property
    def paths(self) -> dict[str, Json]:
        """The path items: the collection's and, below it, the item's."""
        key = in_path("key", "The key of the item.")
        one = {"parameters": [key], **self._of_item}
        found = {self._of.path: self._of_collection, f"{self._of.path}/{{key}}": one}
        return {path: item for path, item in found.items() if item.keys() - {"parameters"}}

    @property
    def as_singleton(self) -> dict[str, Json]:
        """The path of a collection that is one item."""
        found = {"get": self._read(one=True), "patch": self._update_one()}
        item = {method: each for method, each in found.items() if each is not None}
        return {self._of.path: item} if item else {}

    @property
    def _of_collection(self) -> Json:
        single = self._of.collection.singleton
        found = {
            "get": self._read(one=single),
            "post": None if single else self._create(),
            "patch": self._update_either() if single else self._update_many(),
            "delete": self._delete(one=False),
        }
        return {method: each for method, each in found.items() if each is not None}

    @property
    def _of_item(self) -> Json:
        found = {"get": self._read(one=True), "patch": self._update_one(), "delete": self._delete(one=True)}
        return {method: each for method, each in found.items() if each is not None}

    @property
    def _tag(self) -> str:
        return self._of.collection.name

    def _component(self, action: Action) -> str:
        return self._of.name if action is Action.READ else f"{self._of.name}.{action.value}"

    def _row(self, action: Action) -> Json:
        return {"$ref": f"{ROWS}/{self._component(action)}"}

    def _read(self, *, one: bool) -> Json | None:
        if self._rules[Action.READ] is None:
            return None
        row = self._row(Action.READ)
        if one:
            return operation(f"Read one of {self._tag}", self._tag, answer=data_of(row), queries=SHAPING)
        answer = data_of({"type": "array", "items": row})
        answer["properties"] = answer["properties"] | {"meta": _META}
        return operation(f"Read {self._tag}", self._tag, answer=answer, queries=SELECTING)

    def _create(self) -> Json | None:
        if self._rules[Action.CREATE] is None:
            return None
        row = self._row(Action.CREATE)
        return self._writing("Create one or several of", {"anyOf": [row, {"type": "array", "items": row}]}, either=True)

    def _update_one(self) -> Json | None:
        if self._rules[Action.UPDATE] is None:
            return None
        return self._writing("Update one of", self._row(Action.UPDATE), either=False)

    def _update_either(self) -> Json | None:
        """Describe the update of a singleton: by its object, or by a list as in any other collection."""
        if self._rules[Action.UPDATE] is None:
            return None
        row = self._row(Action.UPDATE)
        return self._writing("Update", {"anyOf": [row, {"type": "array", "items": row}]}, either=True)

    def _update_many(self) -> Json | None:
        if self._rules[Action.UPDATE] is None:
            return None
        row = self._row(Action.UPDATE)
        body = {"anyOf": [*self._chosen({"data": row}), {"type": "array", "items": row}]}
        return self._writing("Update several of", body, either=None)

    def _delete(self, *, one: bool) -> Json | None:
        if self._rules[Action.DELETE] is None:
            return None
        if one:
            return operation(f"Delete one of {self._tag}", self._tag)
        keys = {"type": "array", "items": key_of(self._of.collection)}
        return operation(f"Delete several of {self._tag}", self._tag, body={"anyOf": [keys, *self._chosen({})]})

    def _chosen(self, more: Json) -> list[Json]:
        """Return the bodies that say which items: by their keys, or by a query."""
        keys = {"type": "array", "items": key_of(self._of.collection)}
        return [
            {
                "type": "object",
                "properties": {way: schema, **more},
                "required": [way, *more],
                "additionalProperties": False,
            }
            for way, schema in (("keys", keys), ("query", OBJECT))
        ]

    def _writing(self, verb: str, body: Json, *, either: bool | None) -> Json:
        """Describe a write. `either` says that one or several may come back, None that several do."""
        if self._rules[Action.READ] is None:
            return operation(f"{verb} {self._tag}", self._tag, body=body)
        row = self._row(Action.READ)
        rows = {"type": "array", "items": row}
        answers = {True: {"anyOf": [row, rows]}, False: row, None: rows}
        return operation(
            f"{verb} {self._tag}",
            self._tag,
            answer=data_of(answers[either]),
            body=body,
            queries=SHAPING,
            silent=True,
        )
