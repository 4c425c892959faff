"""Uploads: inputs of procedures that are no JSON: a form with files, or bytes as they come."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence


class Upload:
    """A file of a form. `name` is what the client calls the file, `media_type` what it says that it is."""

    def __init__(self, name: str, media_type: str, content: bytes) -> None:
        self.name = name
        self.media_type = media_type
        self.content = content

    @property
    def size(self) -> int:
        """How many bytes it has."""
        return len(self.content)


class FormData:
    """A form: texts and files by the names of their fields, each of which may come several times.

    As the annotation of a procedure's only parameter, it is what the procedure takes.
    """

    def __init__(self, entries: Sequence[tuple[str, str | Upload]]) -> None:
        self.entries = tuple(entries)

    def all(self, name: str) -> list[str | Upload]:
        """Return everything of a name, in the order in which it came."""
        return [value for each, value in self.entries if each == name]

    def text(self, name: str) -> str | None:
        """Return the first text of a name."""
        return next((value for value in self.all(name) if isinstance(value, str)), None)

    def file(self, name: str) -> Upload | None:
        """Return the first file of a name."""
        return next((value for value in self.all(name) if isinstance(value, Upload)), None)

    @property
    def texts(self) -> Mapping[str, str]:
        """The texts by name; of a repeated one the last."""
        return {name: value for name, value in self.entries if isinstance(value, str)}


class ByteStream:
    """Bytes as they come, for one loop. Annotates a procedure's only parameter, as `FormData` does."""

    def __init__(self, chunks: AsyncIterator[bytes]) -> None:
        self._chunks = chunks

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._chunks

    async def read(self) -> bytes:
        """Return all that is left of it."""
        return b"".join([chunk async for chunk in self._chunks])
