"""The commands for clients of tRPC."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from watchword.app.settings import SettingsError
from watchword.cli.main import app

PROGRAM = """
from watchword import Watchword

app = Watchword(database_url="sqlite:///shop.db")

@app.query
async def hello(name: str) -> str:
    return name

"""

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Run:
    """Run the command for a program in a module that no other test has imported."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    module = f"shop_of_{request.node.name.partition('[')[0]}"

    def types(*arguments: str, mounts: str = "app.trpc()") -> Result:
        (tmp_path / f"{module}.py").write_text(PROGRAM + mounts)
        sys.modules.pop(module, None)
        return CliRunner().invoke(app, ["trpc", "types", f"{module}:app", *arguments])

    return types


def told(result: Result) -> str:
    assert isinstance(result.exception, SettingsError)
    return str(result.exception)


def test_types_go_to_standard_output(run: Run) -> None:
    result = run()
    assert result.exit_code == 0
    assert "hello: TRPCQueryProcedure<{" in result.stdout


def test_types_go_to_a_file_which_is_what_is_checked(run: Run, tmp_path: Path) -> None:
    assert run("-o", "app-router.d.ts").output == ""
    assert (tmp_path / "app-router.d.ts").read_text() == run().stdout
    assert run("-o", "app-router.d.ts", "--check").exit_code == 0


def test_a_file_that_is_not_what_the_procedures_say_is_told_and_left_alone(run: Run, tmp_path: Path) -> None:
    (tmp_path / "app-router.d.ts").write_text("// another one\n")
    result = run("-o", "app-router.d.ts", "--check")
    assert (result.exit_code, result.output) == (1, "")
    assert told(result).startswith("app-router.d.ts is not what the procedures say now")
    assert (tmp_path / "app-router.d.ts").read_text() == "// another one\n"


def test_a_file_that_is_not_there_is_told(run: Run, tmp_path: Path) -> None:
    assert told(run("-o", "app-router.d.ts", "--check")).startswith("app-router.d.ts is not there")
    assert not (tmp_path / "app-router.d.ts").exists()


def test_a_check_needs_a_file(run: Run) -> None:
    assert run("--check").exit_code == 2


def test_a_folder_that_is_not_there_is_told(run: Run) -> None:
    assert told(run("-o", "nowhere/app-router.d.ts")) == "nowhere/app-router.d.ts: No such file or directory"


def test_the_only_mount_is_meant_wherever_it_is(run: Run) -> None:
    assert run(mounts="app.trpc('/rpc')").exit_code == 0


def test_of_several_mounts_one_is_chosen(run: Run) -> None:
    mounts = "app.trpc()\napp.trpc('/super', transformer='superjson')"
    assert "transformer: false;" in run(mounts=mounts).stdout
    assert "transformer: true;" in run("--mount", "super/", mounts=mounts).stdout


def test_a_mount_that_is_not_there_is_told(run: Run) -> None:
    assert told(run("--mount", "/other")) == "There is no mount at /other; --mount takes /trpc"
    both = run(mounts="app.trpc('/a')\napp.trpc('/b')")
    assert told(both) == "There is no mount at /trpc; --mount takes /a, /b"


def test_an_application_without_a_mount_is_told(run: Run) -> None:
    assert "serves no clients of tRPC" in told(run(mounts=""))


def test_a_type_that_cannot_be_exported_is_told(run: Run) -> None:
    mounts = "app.trpc()\n@app.query\nasync def broken() -> complex: ...\n"
    assert told(run(mounts=mounts)).startswith("broken: the output complex cannot be exported")
