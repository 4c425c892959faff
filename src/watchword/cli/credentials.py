"""Commands for credentials: tokens create, list and revoke; keys rotate and list."""

from __future__ import annotations

from typing import TYPE_CHECKING

import anyio
import click

from watchword.app.durations import parse_duration
from watchword.cli.importing import importing
from watchword.cli.options import config_option, configure_logs, database_option, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from watchword.app.credentials import Credentials
    from watchword.app.settings import Settings


@click.group()
def tokens() -> None:
    """Make and revoke static tokens."""


@click.group()
def keys() -> None:
    """Look at the signing keys, and rotate them."""


@tokens.command("create")
@click.argument("name")
@click.option("--user", help="E-mail address of the user that it is for.")
@click.option("--role", help="Key or name of the role that it is for, without a user.")
@click.option("--expires-in", help="How long it lives, such as 90d; default: for ever.")
@database_option
@config_option
def tokens_create(  # noqa: PLR0913 - each is an option of the command
    *,
    name: str,
    user: str | None,
    role: str | None,
    expires_in: str | None,
    database: str | None,
    config: Path | None,
) -> None:
    """Make a static token for a user or a role, and print it: it cannot be seen again.

    NAME says what the token is for.
    """
    if (user is None) == (role is None):
        raise click.BadParameter("give either --user or --role")
    seconds = _seconds(expires_in)
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            click.echo((await credentials.create_token(name, user=user, role=role, seconds=seconds)).reveal())

    anyio.run(run)


@tokens.command("list")
@database_option
@config_option
def tokens_list(database: str | None, config: Path | None) -> None:
    """List static tokens: key, beginning, name, user or role, made, expires, last used."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            for line in await credentials.list_tokens():
                click.echo("\t".join(line))

    anyio.run(run)


@tokens.command("revoke")
@click.argument("token")
@database_option
@config_option
def tokens_revoke(token: str, database: str | None, config: Path | None) -> None:
    """Revoke a static token, also on running servers: its sockets close.

    TOKEN is its key, as it is listed.
    """
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            await credentials.revoke_token(token)
            click.echo(f"The token {token} is revoked.")

    anyio.run(run)


@keys.command("rotate")
@database_option
@config_option
def keys_rotate(database: str | None, config: Path | None) -> None:
    """Sign with the next key from now on. Nobody is logged out."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            click.echo(f"Access tokens are signed with the key {await credentials.rotate_keys()} now.")

    anyio.run(run)


@keys.command("list")
@database_option
@config_option
def keys_list(database: str | None, config: Path | None) -> None:
    """List the signing keys: key, algorithm, state, made, retired, verifies until."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _credentials(settings) as credentials:
            for line in await credentials.list_keys():
                click.echo("\t".join(line))

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
        raise click.BadParameter(f"--expires-in {error}") from None
