"""Commands: serve, demo, init, users, tokens, keys, schema, trpc, doctor, version.

Most of a start is importing, so that a command imports what it needs itself: `serve` listens before it goes on to that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import anyio
import click

from watchword import __version__
from watchword.app.listening import listen
from watchword.app.settings import SettingsError
from watchword.base.errors import Problem
from watchword.base.secret import Secret
from watchword.cli.credentials import keys, tokens
from watchword.cli.importing import importing
from watchword.cli.options import config_option, configure_logs, database_argument, database_option, settings_of
from watchword.cli.programs import is_program, load_program
from watchword.cli.trpc import trpc

if TYPE_CHECKING:
    from pathlib import Path

    from watchword.app.administration import Administration
    from watchword.app.settings import Settings


@click.group()
def app() -> None:
    """Authenticated realtime backend over a SQL database."""


@app.group()
def users() -> None:
    """Make and manage users."""


@app.group()
def schema() -> None:
    """Look at the collections."""


app.add_command(tokens)
app.add_command(keys)
app.add_command(trpc)


def main() -> None:
    """Run a command; what the user can mend is told in one line."""
    try:
        app()
    except (SettingsError, Problem) as error:
        text = error.message if isinstance(error, Problem) else str(error)
        click.secho(f"watchword: {text}", err=True, fg="red")
        sys.exit(1)


def _administration(settings: Settings) -> Administration:
    with importing():
        from watchword.app.administration import Administration  # noqa: PLC0415 - see above

    configure_logs(settings)
    return Administration(settings)


@app.command()
@database_argument
@config_option
@click.option("--host", help="Address to listen on.")
@click.option("--port", type=int, help="Port to listen on.")
def serve(database: str | None, config: Path | None, host: str | None, port: int | None) -> None:
    """Serve a database over REST and WebSockets, or an application in Python: `module:app`."""
    if database is not None and is_program(database):
        _serve_program(database, config, host=host, port=port)
        return
    settings = settings_of(config, database, host=host, port=port)
    sockets = listen(settings["HOST"], settings["PORT"])  # from now on clients wait for us
    with importing():
        from watchword.app.application import Watchword  # noqa: PLC0415 - see above
        from watchword.app.serve import serve as serve_app  # noqa: PLC0415

    configure_logs(settings)
    serve_app(Watchword(settings), sockets)


def _serve_program(name: str, config: Path | None, **flags: Any) -> None:
    if config is not None:
        raise SettingsError("--config: an application brings its own settings; give them to Watchword(...)")
    with importing():
        from watchword.app.serve import serve as serve_app  # noqa: PLC0415 - see above
    program = load_program(name)
    program.settings = program.settings.having(**flags)
    configure_logs(program.settings)
    serve_app(program)


@app.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8055, show_default=True, help="Port to listen on.")
def demo(host: str, port: int) -> None:
    """Serve a sample database with a page that shows it live."""
    with importing():
        from watchword.app import logs  # noqa: PLC0415 - see above
        from watchword.app.demo import run_demo  # noqa: PLC0415

    logs.configure_logs("warning", "auto")
    run_demo(host, port)


@app.command()
@database_argument
@config_option
@click.option("--email", help="E-mail address of the administrator.")
def init(database: str | None, config: Path | None, email: str | None) -> None:
    """Prepare a database and make its first administrator."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _administration(settings) as administration:
            click.echo(f"The database {administration.place} is ready.")
            if await administration.has_administrator():
                click.echo("It has an administrator already.")
                return
            address = email or click.prompt("E-mail address of the administrator")
            await administration.create_administrator(address, _new_password())
            again = f" {database}" if database is not None and "@" not in database else ""
            click.echo(f"{address} can log in now. Start the server with: watchword serve{again}")

    anyio.run(run)


@users.command("create")
@click.argument("email")
@database_option
@config_option
@click.option("--role", help="Key or name of a role.")
@click.option("--admin", is_flag=True, help="Give every right.")
def users_create(*, email: str, database: str | None, config: Path | None, role: str | None, admin: bool) -> None:
    """Make a user; the password is asked for, or read from standard input."""
    settings = settings_of(config, database)
    password = _new_password()

    async def run() -> None:
        async with _administration(settings) as administration:
            click.echo(await administration.create_user(email, password, role, admin=admin))

    anyio.run(run)


@users.command("list")
@database_option
@config_option
def users_list(database: str | None, config: Path | None) -> None:
    """List users: key, e-mail address, status, role."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _administration(settings) as administration:
            for line in await administration.list_users():
                click.echo("\t".join(line))

    anyio.run(run)


@users.command("set-password")
@click.argument("email")
@database_option
@config_option
def users_set_password(email: str, database: str | None, config: Path | None) -> None:
    """Set a user's password and end the user's sessions."""
    settings = settings_of(config, database)
    password = _new_password()

    async def run() -> None:
        async with _administration(settings) as administration:
            await administration.set_password(email, password)
            click.echo(f"The password of {email} is set; the user's sessions have ended.")

    anyio.run(run)


@users.command("suspend")
@click.argument("email")
@database_option
@config_option
def users_suspend(email: str, database: str | None, config: Path | None) -> None:
    """Suspend a user and end the user's sessions, also on running servers."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _administration(settings) as administration:
            await administration.suspend(email)
            click.echo(f"{email} is suspended.")

    anyio.run(run)


@schema.command("show")
@database_argument
@config_option
def schema_show(database: str | None, config: Path | None) -> None:
    """Show the collections that a server of this database would serve."""
    with importing():
        from watchword.app.administration import describe  # noqa: PLC0415 - see above

    settings = settings_of(config, database)
    configure_logs(settings)
    for line in anyio.run(describe, settings):
        click.echo(line)


@app.command()
@database_argument
@config_option
def doctor(database: str | None, config: Path | None) -> None:
    """Look at the set-up and say what to do; exit with 1 when something has to be mended."""
    from watchword.app.doctor.examination import examine, is_problem, lines  # noqa: PLC0415 - for this command alone

    async def run() -> bool:
        failed = False
        async for finding in examine(lambda: settings_of(config, database)):
            failed |= is_problem(finding)
            for line in lines(finding):
                click.echo(line)
        return failed

    if anyio.run(run):
        sys.exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    click.echo(__version__)


def _new_password() -> Secret:
    """Ask for a password twice on a terminal; take one line from standard input otherwise."""
    if sys.stdin.isatty():
        return Secret(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return Secret(sys.stdin.readline().rstrip("\r\n"))
