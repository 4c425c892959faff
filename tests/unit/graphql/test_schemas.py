"""The schemas that are kept: shared by who sees the same, made anew when anything changes, and bounded."""

from __future__ import annotations

import pytest

from tests.unit.graphql.conftest import catalogue_of, reading, rights, table
from watchword.access.compile import FULL_ACCESS
from watchword.access.permissions import Action, Permission
from watchword.data.catalogue import Catalogue
from watchword.graphql import schemas as module
from watchword.graphql.compiled import NO_VARIABLES, Operation, compiled
from watchword.graphql.options import Area, Options
from watchword.graphql.schemas import Schema, Schemas
from watchword.graphql.system import system_fields
from watchword.query.filters import Compare
from watchword.query.types import FieldType as Kind


def kept() -> Schemas:
    return Schemas(Options(), system_fields)


async def test_who_sees_the_same_shares_a_schema(catalogue: Catalogue) -> None:
    schemas = kept()
    one = rights(Permission("labels", Action.READ, Compare("id", "eq", 1)))
    other = rights(Permission("labels", Action.READ, Compare("id", "eq", 2)))

    made = await schemas.of(catalogue, one, Area.ITEMS)
    assert await schemas.of(catalogue, other, Area.ITEMS) is made
    assert await schemas.of(catalogue, rights(reading("labels", "id")), Area.ITEMS) is not made
    assert await schemas.of(catalogue, one, Area.SYSTEM) is not made
    assert await schemas.of(catalogue, one, Area.ITEMS) is made


async def test_another_database_has_other_schemas(catalogue: Catalogue) -> None:
    schemas = kept()
    made = await schemas.of(catalogue, FULL_ACCESS, Area.ITEMS)
    other = await schemas.of(catalogue_of(table("new", {"id": Kind.INTEGER})), FULL_ACCESS, Area.ITEMS)

    assert "type articles " in await made.text()
    assert "articles" not in await other.text()


async def test_schemas_are_forgotten_when_there_are_too_many(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_TYPES", 60)
    schemas = kept()
    first = await schemas.of(catalogue, FULL_ACCESS, Area.ITEMS)
    await schemas.of(catalogue, rights(reading("labels")), Area.ITEMS)

    assert await schemas.of(catalogue, FULL_ACCESS, Area.ITEMS) is not first


async def test_shapes_are_forgotten_when_there_are_too_many(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_SHAPES", 1)
    schemas = kept()
    access = rights(reading("labels"))
    first = await schemas.of(catalogue, access, Area.ITEMS)
    other = await schemas.of(catalogue, rights(reading("authors")), Area.ITEMS)

    assert "labels" not in await other.text()
    again = await schemas.of(catalogue, access, Area.ITEMS)
    assert again is not first
    assert await again.text() == await first.text()


async def test_documents_are_forgotten_where_all_schemas_keep_too_many_together(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MOST_CHARACTERS", 50)
    schemas = kept()
    first = await schemas.of(catalogue, rights(reading("labels")), Area.ITEMS)
    other = await schemas.of(catalogue, rights(reading("authors")), Area.ITEMS)
    for schema, text in ((first, "{ labels { id } }"), (other, "{ authors { id } }")):
        schemas.keep(schema, text, schema.documents.understand(text))
    both = [first.documents.size, other.documents.size]
    long = "{ authors { name } } #".ljust(30)
    await schemas.of(catalogue, rights(reading("authors")), Area.ITEMS)
    made = schemas.keep(other, long, other.documents.understand(long))

    assert both == [17, 18]
    assert (first.documents.size, other.documents.size) == (0, 48)
    assert first.documents.known("{ labels { id } }") is None
    assert other.documents.known(long) is made
    assert other.documents.known("{ authors { id } }") is not None


async def test_only_the_newest_descriptions_are_kept_of_a_schema(catalogue: Catalogue) -> None:
    schema = await kept().of(catalogue, FULL_ACCESS, Area.ITEMS)
    asked = [_operation(schema, f"{{ __schema {{ queryType {{ name }} }} }} # {each}") for each in range(6)]
    for number, operation in enumerate(asked):
        schema.keep_described(operation, {"__schema": number})

    assert [schema.described(operation) for operation in asked] == [None, None, *({"__schema": n} for n in range(2, 6))]


def _operation(schema: Schema, text: str) -> Operation:
    document = schema.documents.understand(text)
    return compiled(document, document.operation(None), schema.built, schema.catalogue, NO_VARIABLES)
