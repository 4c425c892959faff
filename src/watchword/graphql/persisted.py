"""Persisted: documents that clients send by their digests, those that the operator knows and those that were sent."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import TYPE_CHECKING

from watchword.graphql.documents import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping

    from watchword.protocol.operations import Execute

MOST_KEPT = 4_000_000
"""Characters of documents that clients have sent, and of what is kept beside each."""

BESIDE = 500
"""What a digest and its place take, in characters: a million documents of four would be hundreds of megabytes."""


class PersistedDocuments:
    """Finds texts by digests. With `only`, texts that the operator does not know are refused.

    Clients that use automatic persisted queries send a digest, and the text as well when they are told that it is not
    known.
    """

    def __init__(self, known: Mapping[str, str], *, only: bool) -> None:
        self._listed = dict(known)
        self._texts = frozenset(known.values())
        self._only = only
        self._sent: OrderedDict[str, str] = OrderedDict()
        self._size = 0

    def text(self, request: Execute) -> str:
        """Return the text that a request means.

        Raises:
            Refused: it is not known, is not allowed, or has another digest.
        """
        if request.text is None:
            return self._found(request.digest or "", listed_only=request.listed)
        if self._only and request.text not in self._texts:
            raise _refused("Only documents that the server knows may be sent.", "PERSISTED_QUERY_ONLY")
        if request.digest is not None and not request.listed:
            if hashlib.sha256(request.text.encode("utf-8", "surrogatepass")).hexdigest() != request.digest:
                raise _refused("provided sha does not match query", "PERSISTED_QUERY_HASH_MISMATCH")
            self._keep(request.digest, request.text)
        return request.text

    def _found(self, digest: str, *, listed_only: bool) -> str:
        found = self._listed.get(digest)
        if found is None and not (self._only or listed_only):
            found = self._sent.get(digest)
            if found is not None:
                self._sent.move_to_end(digest)
        if found is None:
            raise _refused("PersistedQueryNotFound", "PERSISTED_QUERY_NOT_FOUND")
        return found

    def _keep(self, digest: str, text: str) -> None:
        if digest in self._sent:
            return
        self._sent[digest] = text
        self._size += len(text) + BESIDE
        while self._size > MOST_KEPT:
            _, forgotten = self._sent.popitem(last=False)
            self._size -= len(forgotten) + BESIDE


def _refused(message: str, code: str) -> Refused:
    return Refused([{"message": message, "extensions": {"code": code}}], is_plain=True)
