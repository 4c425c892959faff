"""The page on the tRPC dialect has every option, every error and every procedure that there is."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

import watchword
from watchword.base.errors import Code
from watchword.dialects.trpc.errors import KEYS, KINDS
from watchword.dialects.trpc.wire import BuiltIns
from watchword.http.trpc.options import TrpcOptions

PAGE = (Path(__file__).parents[3] / "docs" / "dialects" / "trpc.md").read_text(encoding="utf-8")


def first_cells(heading: str) -> set[str]:
    """Return what is in backquotes in the first column of the tables of a section."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return {
        name for row in re.findall(r"^\| (`[^|]*)\|", section, re.MULTILINE) for name in re.findall(r"`([^`]+)`", row)
    }


def test_every_option_is_described() -> None:
    assert first_cells("Options") == set(TrpcOptions.__struct_fields__)


def test_every_built_in_procedure_is_described() -> None:
    names = {name for name in msgspec.structs.astuple(BuiltIns()) if name is not None}

    assert first_cells("Procedures that every mount has") == names


@pytest.mark.parametrize("key", KINDS)
def test_every_error_is_in_the_table_with_its_codes(key: str) -> None:
    row = re.search(rf"^\| `{key}` \| (-\d+) \| (\d+) \| (.*) \|$", PAGE, re.MULTILINE)
    assert row is not None
    told = {Code(code) for code in re.findall(r"`([A-Z_]+)`", row[3])}

    assert (int(row[1]), int(row[2])) == (KINDS[key].number, KINDS[key].status)
    assert told == {code for code, found in KEYS.items() if found == key}


def test_what_options_are_made_of_can_be_imported() -> None:
    section = PAGE.partition("## Options\n")[2]

    for name in set(re.findall(r"`([A-Z][A-Za-z]+)\(", section)):
        assert name in watchword.__all__
