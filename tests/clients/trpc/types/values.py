"""Calls procedures of the shop, and prints their paths, inputs and results as the wire has them, in JSON."""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from shop import LAMP, app  # type: ignore[import-not-found]  # it is in the folder that this runs in

from watchword.backend.procedures import Kind
from watchword.backend.results import Results
from watchword.protocol.operations import ABSENT, PLAIN

ITEM = {"itemId": str(LAMP.item_id), "name": "Lamp", "price": "9.90"}
WHOLE = {"size": "large", "tags": ["new"], "note": "a", "added": "2026-01-01T10:00:00Z", "photo": "aGk="}
CARD = {"type": "card", "number": "1", "until": "2026-01-01"}
CUSTOMER = {"email": "a@b", "since": "2026-01-01T10:00:00Z", "sizes": {"small": 3}}
CALLS: list[tuple[str, Any]] = [
    ("items.by_id", {"item_id": str(LAMP.item_id)}),
    ("items.by_id", {"item_id": "another one"}),
    ("items.search", ABSENT),
    ("items.search", {"text": "Lamp", "size": "large", "limit": 1}),
    ("items.add", ITEM),
    ("items.add", ITEM | WHOLE),
    ("items.tree", ABSENT),
    ("items.plant", {"name": "a", "children": [{"name": "b"}]}),
    ("items.export", {"size": "small"}),
    ("items.changes", ABSENT),
    ("orders.pay", {"order": 1, "by": {"type": "cash", "amount": 3.5}}),
    ("orders.pay", {"order": 1, "by": CARD, "to": {"street": "a", "zip": "1"}}),
    ("orders.register", CUSTOMER | {"friends": [CUSTOMER]}),
    ("orders.total", [1, 2]),
    ("orders.anything", {"a": [1]}),
    ("orders.of-day", {"day": "2026-01-01"}),
    ("orders.settings", {}),
    ("orders.settings", {"theme": "dark", "volume": 3}),
    ("orders.clock", ABSENT),
]


async def value_of(path: str, given: Any) -> Any:
    """Return the result of a procedure, the first one of several."""
    procedure = app.mounts["/trpc"][0].find(path)
    results = Results(procedure.signature, PLAIN)
    if procedure.kind is not Kind.SUBSCRIPTION and not procedure.signature.gives_many:
        return await results.of_call(None, given)  # type: ignore[arg-type]  # none of them looks at its call
    first = await anext(results.of_subscription(None, given))  # type: ignore[arg-type]
    return {"id": first.id, "data": first.data} if procedure.signature.is_tracked else first


async def main() -> None:
    """Print everything."""
    told = [(path, None if given is ABSENT else given, await value_of(path, given)) for path, given in CALLS]
    sys.stdout.write(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main())
