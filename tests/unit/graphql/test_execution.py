"""Execution: what one document may take of the database."""

from __future__ import annotations

from typing import Any

from graphql.language import OperationDefinitionNode

from watchword.access.compile import FULL_ACCESS
from watchword.backend.context import Context
from watchword.base.clock import ManualClock
from watchword.data.catalogue import Catalogue
from watchword.data.forms import Showing
from watchword.graphql.compiled import NO_VARIABLES, compiled
from watchword.graphql.execution import Execution
from watchword.graphql.options import Area, Options
from watchword.graphql.schemas import Schemas
from watchword.graphql.system import system_fields
from watchword.protocol.operations import Read
from watchword.protocol.outcomes import Reply


class Slow:
    """A database that takes six seconds for whatever it is asked."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.asked = 0

    is_overseen = False

    async def show(self, context: Context, operation: Read, showing: Showing) -> Reply:
        del showing
        return await self.perform(context, operation)

    async def perform(self, context: Context, operation: Any) -> Reply:
        del context
        self.asked += 1
        self.clock.advance(6)
        return Reply([] if isinstance(operation, Read) else [{"id": 1}])


async def executed(catalogue: Catalogue, text: str, writes: int = 100) -> tuple[Slow, Execution, Any]:
    schema = await Schemas(Options(), system_fields).of(catalogue, FULL_ACCESS, Area.ITEMS)
    document = schema.documents.understand(text)
    node: OperationDefinitionNode = document.operation(None)
    operation = compiled(document, node, schema.built, catalogue, NO_VARIABLES)
    slow = Slow()
    execution = Execution(slow, Context(access=FULL_ACCESS), catalogue, {}, Options(seconds=10, writes=writes))
    return slow, execution, await execution.run(operation.steps, NO_VARIABLES, {})


async def test_no_more_is_read_when_a_document_has_taken_its_time(catalogue: Catalogue) -> None:
    text = "{ " + " ".join(f"a{number}: authors(limit: {number}) {{ id }}" for number in range(1, 9)) + " }"
    slow, execution, data = await executed(catalogue, text)

    assert slow.asked == 2
    assert data is None
    assert [error["extensions"]["code"] for error in execution.errors] == ["SERVICE_UNAVAILABLE"]


async def test_fields_that_may_be_absent_are_left_out_when_the_time_is_over(catalogue: Catalogue) -> None:
    text = "{ a: authors { id } b: labels { id } c: authors_by_id(id: 1) { id } d: authors_by_id(id: 2) { id } }"
    slow, execution, data = await executed(catalogue, text)

    assert slow.asked == 2
    assert data == {"a": [], "b": [], "c": None, "d": None}
    assert [error["path"] for error in execution.errors] == [["c"], ["d"]]


async def test_writes_of_one_document_are_bounded_together(catalogue: Catalogue) -> None:
    one = "delete_authors_items(ids: [1, 2]) { ids }"
    text = f"mutation {{ a: {one} b: {one} c: {one} d: delete_authors_item(id: 1) {{ id }} }}"
    slow, execution, data = await executed(catalogue, text, writes=5)

    assert slow.asked == 3
    assert (data["c"], data["d"]) == (None, {"id": "1"})
    [error] = execution.errors
    assert error["message"] == "Invalid payload. Exceeded max batch mutation limit of 5."


async def test_what_is_written_is_written_to_its_end(catalogue: Catalogue) -> None:
    one = "delete_authors_items(ids: [1]) { ids }"
    slow, execution, data = await executed(catalogue, f"mutation {{ a: {one} b: {one} c: {one} }}")

    assert (slow.asked, execution.errors) == (3, [])
    assert data == {name: {"ids": ["1"]} for name in "abc"}
