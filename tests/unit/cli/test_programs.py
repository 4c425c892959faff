"""Applications that the command line is given by name."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from watchword.app.settings import SettingsError
from watchword.cli.programs import is_program, load_program


@pytest.mark.parametrize("text", ["app:app", "shop.web:application", "_a:_b"])
def test_a_module_and_an_attribute_name_a_program(text: str) -> None:
    assert is_program(text)


@pytest.mark.parametrize(
    "text", ["shop.db", "postgresql://localhost/shop", "/a:b", "a:b:c", "a:", "9a:b", "C:\\shop.db"]
)
def test_databases_are_no_programs(text: str) -> None:
    assert not is_program(text)


def test_a_file_of_that_name_is_a_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "app:app").touch()
    assert not is_program("app:app")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    return tmp_path


def test_a_program_is_found_in_the_working_directory(folder: Path) -> None:
    (folder / "shop_of_this_test.py").write_text("from watchword import Watchword\napp = Watchword()\nother = 5\n")
    assert type(load_program("shop_of_this_test:app")).__name__ == "Watchword"
    with pytest.raises(SettingsError, match="no Watchword application"):
        load_program("shop_of_this_test:other")
    with pytest.raises(SettingsError, match="has no 'nothing'"):
        load_program("shop_of_this_test:nothing")


def test_what_is_missing_is_told_apart_from_what_is_broken(folder: Path) -> None:
    (folder / "broken_of_this_test.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(SettingsError, match="no module 'nowhere_at_all'"):
        load_program("nowhere_at_all:app")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        load_program("broken_of_this_test:app")
