"""What is worked out once for a catalogue and somebody's rights."""

from __future__ import annotations

import gc

from watchword.access.compile import Access
from watchword.data.catalogue import Catalogue
from watchword.data.schema import Schema
from watchword.data.worked_out import MOST_RIGHTS, WorkedOut


class Work:
    """Counts how often it is done."""

    def __init__(self) -> None:
        self.done = 0

    def __call__(self, catalogue: Catalogue, access: Access) -> list[int]:
        self.done += 1
        return [self.done]


def new_catalogue() -> Catalogue:
    return Catalogue(Schema({}), "sqlite", {})


def test_the_same_is_worked_out_once() -> None:
    work, catalogue, access = Work(), new_catalogue(), Access({})
    results = WorkedOut(work)

    assert results.of(catalogue, access) is results.of(catalogue, access)
    assert work.done == 1


def test_other_rights_and_another_structure_have_their_own() -> None:
    work, catalogue, access = Work(), new_catalogue(), Access({})
    results = WorkedOut(work)
    first = results.of(catalogue, access)

    assert results.of(catalogue, Access({})) != first
    assert results.of(new_catalogue(), access) != first
    assert results.of(catalogue, access) is first


def test_results_end_with_what_they_are_of() -> None:
    work, catalogue, access = Work(), new_catalogue(), Access({})
    results = WorkedOut(work)
    results.of(catalogue, access)
    del catalogue
    gc.collect()

    assert len(results._known) == 0


def test_few_rights_are_kept_at_a_time() -> None:
    work, catalogue = Work(), new_catalogue()
    results = WorkedOut(work)
    kept = [Access({}) for _ in range(MOST_RIGHTS + 1)]
    for access in kept:
        results.of(catalogue, access)

    assert len(results._known[catalogue]) == 1
