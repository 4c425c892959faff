from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watchword.base.errors import Problem
from watchword.http.exports import export_answer, export_format, to_csv


def test_rows_become_the_recorded_lines() -> None:
    assert to_csv([{"id": 1, "title": "Article 1"}, {"id": 2, "title": "x"}]) == '"id","title"\n1,"Article 1"\n2,"x"'


def test_values_are_written_by_their_kind() -> None:
    row = {"a": None, "b": True, "c": 'say "hi",\n', "d": {"e": 1, "f": {"g": "x"}}, "h": [1, {"i": 2}], "j": {}}

    assert to_csv([row]) == ('"a","b","c","d.e","d.f.g","h","j"\n,true,"say ""hi"",\n",1,"x","[1,{""i"":2}]","{}"')


def test_rows_of_different_members_share_their_columns() -> None:
    assert to_csv([{"a": 1}, {"b": 2}]) == '"a","b"\n1,\n,2'


def test_nothing_is_an_empty_file() -> None:
    assert to_csv([]) == ""


@given(texts=st.lists(st.text(st.characters(codec="utf-8", exclude_characters="\0")), min_size=1, max_size=4))
def test_texts_come_back_from_a_csv_reader(texts: list[str]) -> None:
    written = to_csv([{f"c{index}": text for index, text in enumerate(texts)}])

    assert list(csv.reader(io.StringIO(written, newline="")))[1] == texts


def test_export_is_a_file_to_keep() -> None:
    answer = export_answer('my"items', [{"id": 1}], "csv")

    assert answer.media_type == "text/csv; charset=utf-8"
    assert ("content-disposition", 'attachment; filename="my_items.csv"') in answer.headers
    assert export_answer("a", [{"id": 1}], "csv_utf8").body == "\ufeff".encode() + b'"id"\n1'
    assert export_answer("a", [{"id": 1}], "json").body == b'[{"id":1}]'
    assert export_answer("a", {"id": 1}, "csv").body == b'"id"\n1'


def test_unknown_format_is_refused() -> None:
    assert export_format({"export": "csv"}) == "csv"
    assert export_format({"export": ""}) is None
    assert export_format({}) is None
    for wanted in ("nope", "xml", ["csv"], {"a": "csv"}):
        with pytest.raises(Problem) as refused:
            export_format({"export": wanted})
        assert refused.value.message == 'Invalid query. "export" must be one of [csv, csv_utf8, json].'
