"""Commands for clients of tRPC: types."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from watchword.app.settings import SettingsError
from watchword.cli.importing import importing
from watchword.cli.programs import load_program

if TYPE_CHECKING:
    from watchword.app.application import Watchword


@click.group()
def trpc() -> None:
    """Write what clients of tRPC are made with."""


@trpc.command("types")
@click.argument("program", metavar="MODULE:APP")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; default: standard output.")
@click.option("--mount", help="Path of the mount; default: the only one, or /trpc.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 when the file is not what would be written.")
def trpc_types(*, program: str, output: Path | None, mount: str | None, check: bool) -> None:
    """Write the types of an application's procedures in TypeScript, for `createTRPCClient<AppRouter>`."""
    if check and output is None:
        raise click.BadParameter("--check needs the file to look at: -o FILE")
    text = _types(load_program(program), mount)
    if output is None:
        click.echo(text, nl=False)
        return
    try:
        if check:
            _compare(output, text)
        else:
            output.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise SettingsError(f"{output}: {error.strerror}") from error


def _types(program: Watchword, wanted: str | None) -> str:
    with importing():
        from watchword.app.typescript.router import app_router  # noqa: PLC0415 - for this command alone
        from watchword.app.typescript.types import Unexportable  # noqa: PLC0415
    table, options = program.mounts[_path(program, wanted)]
    try:
        return app_router(table, options)
    except Unexportable as error:
        raise SettingsError(str(error)) from error


def _path(program: Watchword, wanted: str | None) -> str:
    from watchword.app.program import DEFAULT_MOUNT  # noqa: PLC0415 - the program has imported it

    mounts = tuple(program.mounts)
    if not mounts:
        raise SettingsError("The application serves no clients of tRPC; let it call app.trpc()")
    usual = mounts[0] if len(mounts) == 1 else DEFAULT_MOUNT
    path = usual if wanted is None else "/" + wanted.strip("/")
    if path not in mounts:
        raise SettingsError(f"There is no mount at {path}; --mount takes {', '.join(mounts)}")
    return path


def _compare(output: Path, text: str) -> None:
    if not output.exists():
        raise SettingsError(f"{output} is not there; write it without --check")
    if output.read_text(encoding="utf-8", errors="replace") != text:
        raise SettingsError(f"{output} is not what the procedures say now; write it anew without --check")
