"""Paths of snapshots: the structure as a document, compared and applied."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.http.openapi.operations import in_query, operation
from watchword.http.openapi.schemas import ANYTHING, FLAG, OBJECT, TEXT, data_of, nullable, part, several, whole

if TYPE_CHECKING:
    from watchword.http.openapi.schemas import Json

_PART = part(
    "collection",
    collection=TEXT,
    field=nullable(TEXT),
    type=nullable(TEXT),
    related_collection=nullable(TEXT),
    schema=nullable(OBJECT),
    meta=nullable(OBJECT),
)
_SNAPSHOT = {
    "collections": several(_PART),
    "fields": several(_PART),
    "relations": several(_PART),
    "version": nullable({"type": "integer"}),
    "directus": nullable(TEXT),
    "vendor": nullable(TEXT),
}
_ENTRY = part("kind", kind=TEXT, path=several(TEXT), lhs=ANYTHING, rhs=ANYTHING)
_CHANGED = part(
    "collection", "diff", collection=TEXT, field=nullable(TEXT), related_collection=nullable(TEXT), diff=several(_ENTRY)
)
_DIFFERENCE = {"collections": several(_CHANGED), "fields": several(_CHANGED), "relations": several(_CHANGED)}
_WITH_OWN = {"systemFields": several(OBJECT)}


def administrators() -> dict[str, Json]:
    """The paths of snapshots, which are for administrators."""
    return {
        "/schema/snapshot": {
            "get": operation(
                "Read the structure as a document", "structure", answer=data_of(whole(**_SNAPSHOT, **_WITH_OWN))
            )
        },
        "/schema/diff": {
            "post": operation(
                "Compare a document with the structure",
                "structure",
                answer=data_of(whole(hash=TEXT, diff=whole(**_DIFFERENCE, **_WITH_OWN))),
                body=part(**_SNAPSHOT),
                more=(in_query("force", FLAG),),
                silent=True,
            )
        },
        "/schema/apply": {
            "post": operation(
                "Change the structure by a difference",
                "structure",
                body=part("hash", hash=TEXT, diff=part(**_DIFFERENCE)),
            )
        },
    }
