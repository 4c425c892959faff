"""Commands for credentials: tokens create, list and revoke; keys rotate and list."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import anyio
import typer

from watchword.app.durations import parse_duration
from watchword.cli.importing import importing
from watchword.cli.options import Config, DatabaseOption, configure_logs, settings_of

if TYPE_CHECKING:
    from watchword.app.credentials import Credentials
    from watchword.app.settings import Settings

tokens = typer.Typer(no_args_is_help=True, help="Make and revoke static tokens.")
keys = typer.Typer(no_args_is_help=True, help="Look at the signing keys, and rotate them.")


@tokens.command("create")
def tokens_create(  # noqa: PLR0913 - each is an option of the command
    name: Annotated[str, typer.Argument(help="What the token is for.")],
    *,
    user: Annotated[str | None, typer.Option(help="E-mail address of the user that it is for.")] = None,
    role: Annotated[str | None, typer.Option(help="Key or name of the role that it is for, without a user.")] = None,
    expires_in: Annotated[str | None, typer.Option(help="How long it lives, such as 90d; default: for ever.")] = None,
    database: DatabaseOption = None,
    config: Config = None,
) -> None:
    """Make a static token for a user or a role, and print it: it cannot be seen again."""
    if (user is None) == (role is None):
        raise typer.BadParameter("give either --user or --role")
    seconds = _seconds(expires_in)
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            typer.echo((await credentials.create_token(name, user=user, role=role, seconds=seconds)).reveal())

    anyio.run(run)


@tokens.command("list")
def tokens_list(database: DatabaseOption = None, config: Config = None) -> None:
    """List static tokens: key, beginning, name, user or role, made, expires, last used."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            for line in await credentials.list_tokens():
                typer.echo("\t".join(line))

    anyio.run(run)


@tokens.command("revoke")
def tokens_revoke(
    token: Annotated[str, typer.Argument(help="Key of the token, as it is listed.")],
    database: DatabaseOption = None,
    config: Config = None,
) -> None:
    """Revoke a static token, also on running servers: its sockets close."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            await credentials.revoke_token(token)
            typer.echo(f"The token {token} is revoked.")

    anyio.run(run)


@keys.command("rotate")
def keys_rotate(database: DatabaseOption = None, config: Config = None) -> None:
    """Sign with the next key from now on. Nobody is logged out."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            typer.echo(f"Access tokens are signed with the key {await credentials.rotate_keys()} now.")

    anyio.run(run)


@keys.command("list")
def keys_list(database: DatabaseOption = None, config: Config = None) -> None:
    """List the signing keys: key, algorithm, state, made, retired, verifies until."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            for line in await credentials.list_keys():
                typer.echo("\t".join(line))

    anyio.run(run)


def _credentials(settings: Settings) -> Credentials:
    with importing():
        from watchword.app.credentials import Credentials  # noqa: PLC0415 - for these commands alone

    configure_logs(settings)
    return Credentials(settings)


def _seconds(duration: str | None) -> float | None:
    if duration is None:
        return None
    try:
        return parse_duration(duration, "s")
    except ValueError as error:
        raise typer.BadParameter(f"--expires-in {error}") from None
