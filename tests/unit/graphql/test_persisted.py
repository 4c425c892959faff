"""Persisted documents: what clients have sent is kept by its digest, as far as there is room."""

from __future__ import annotations

import hashlib

import pytest

from watchword.graphql.documents import Refused
from watchword.graphql.persisted import BESIDE, MOST_KEPT, PersistedDocuments
from watchword.protocol.operations import Execute


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def send(documents: PersistedDocuments, text: str) -> None:
    assert documents.text(Execute(text, digest=digest(text))) == text


def is_known(documents: PersistedDocuments, text: str) -> bool:
    try:
        return documents.text(Execute(None, digest=digest(text))) == text
    except Refused:
        return False


def test_short_documents_count_with_what_is_kept_beside_them() -> None:
    documents = PersistedDocuments({}, only=False)
    room = MOST_KEPT // (BESIDE + 4)
    for number in range(room + 1):
        send(documents, f"{number:04}")

    assert not is_known(documents, "0000")
    assert is_known(documents, "0001")
    assert is_known(documents, f"{room:04}")


def test_document_that_is_used_stays_longer() -> None:
    documents = PersistedDocuments({}, only=False)
    long = "x" * (MOST_KEPT // 3)
    for text in ("a" + long, "b" + long):
        send(documents, text)
    assert is_known(documents, "a" + long)
    send(documents, "c" + long)

    assert [is_known(documents, each + long) for each in "abc"] == [True, False, True]


def test_document_of_another_digest_is_refused_and_not_kept() -> None:
    documents = PersistedDocuments({}, only=False)
    with pytest.raises(Refused, match="GraphQL"):
        documents.text(Execute("{ b }", digest=digest("{ a }")))

    assert not is_known(documents, "{ a }")
