"""Options: what the settings say of GraphQL."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Area(StrEnum):
    """Which of the two endpoints a schema is for: the user's collections, or those of the server itself."""

    ITEMS = "items"
    SYSTEM = "system"


class DocumentLimits(msgspec.Struct, frozen=True):
    """Bounds of one document. `tokens`: words and signs. `depth`: objects within objects.

    `fields`: all fields, those of a fragment each time that it is used. `roots`: fields at the root.
    `aliases`: fields under another name. `repeated`: how often one place may have one name: comparing these is what
    makes validation slow. `names`: under how many names one place below the root may have one value. `rows`: what the
    limits of nested lists come to when they are multiplied; `event_rows`: that of one event of a subscription.
    """

    tokens: int = 5_000
    depth: int = 13
    fields: int = 2_000
    roots: int = 50
    aliases: int = 100
    repeated: int = 20
    names: int = 10
    rows: int = 1_000_000_000
    event_rows: int = 10_000


class Options(msgspec.Struct, frozen=True):
    """`introspection`: whether clients may ask what there is.

    `default_limit` and `rows` are what a read without a limit gives, and what all reads of a document may take
    together; after `seconds` no more of them begins. `writes` is how many items the writes of a document may be about,
    those within others apart. `documents` are the texts that may be sent by their digests;
    `only_documents` refuses all others.
    """

    limits: DocumentLimits = DocumentLimits()
    introspection: bool = True
    default_limit: int = 100
    rows: int | None = 250_000
    seconds: float = 10.0
    writes: int | None = 10_000
    documents: dict[str, str] = {}
    only_documents: bool = False
