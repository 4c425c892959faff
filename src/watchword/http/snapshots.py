"""Snapshots: `/schema/snapshot`, `/schema/diff` and `/schema/apply`, for administrators."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from watchword.backend.modelling import Modelling
from watchword.base.errors import invalid_payload
from watchword.data.restore import Restore
from watchword.data.snapshot import Diff, Snapshot, check_comparable, differences, fingerprint, snapshot
from watchword.http.answers import NO_CONTENT, Answer, json_answer
from watchword.http.bodies import read_object
from watchword.query.wire import parse_query_string

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.backend.backend import Backend
    from watchword.data.remodel import Remodel
    from watchword.http.endpoint import Call, Handler
    from watchword.http.settings import HttpSettings

Body = TypeVar("Body")


def snapshot_routes(backend: Backend, settings: HttpSettings, version: str) -> dict[str, Mapping[str, Handler]]:
    """Return the handlers by path and method."""
    snapshots = Snapshots(Modelling(backend.structure), settings.max_payload_size, version)
    return {
        "/schema/snapshot": {"GET": snapshots.take},
        "/schema/diff": {"POST": snapshots.compare},
        "/schema/apply": {"POST": snapshots.apply},
    }


class Snapshots:
    """The handlers under `/schema`."""

    def __init__(self, modelling: Modelling, limit: int, version: str) -> None:
        self._modelling = modelling
        self._limit = limit
        self._version = version

    async def take(self, call: Call) -> Answer:
        """Answer with the structure as a document."""
        self._modelling.check_administrator(call.context)
        return json_answer({"data": self._document()})

    async def compare(self, call: Call) -> Answer:
        """Answer with what has to become of the structure to be as the body says; with nothing where it is."""
        self._modelling.check_administrator(call.context)
        wanted = _decode(await read_object(call.request, self._limit), Snapshot)
        document = self._document()
        if "force" not in parse_query_string(call.query_string):
            check_comparable(document, wanted)
        found = differences(document, wanted)
        if found is None:
            return NO_CONTENT
        return json_answer({"data": {"hash": fingerprint(document), "diff": found}})

    async def apply(self, call: Call) -> Answer:
        """Change the structure by a difference to what it is now, in one transaction."""
        self._modelling.check_administrator(call.context)
        wanted = _decode(await read_object(call.request, self._limit), Diff)

        async def work(remodel: Remodel) -> None:
            document = snapshot(remodel.catalogue, self._version)
            if fingerprint(document) != wanted.hash:
                raise invalid_payload("The structure has changed since this diff was made; make a new one")
            await Restore(document, wanted.diff).run(remodel)

        await self._modelling.change(call.context, work)
        return NO_CONTENT

    def _document(self) -> dict[str, Any]:
        return snapshot(self._modelling.catalogue, self._version)


def _decode(body: Any, kind: type[Body]) -> Body:
    try:
        return msgspec.convert(body, kind)
    except msgspec.ValidationError as error:
        raise invalid_payload(str(error)) from None
