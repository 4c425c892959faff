"""Commands: serve, demo, init, users, tokens, keys, schema, doctor, version.

Most of a start is importing, so that a command imports what it needs itself: `serve` listens before it goes on to that.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import anyio
import typer

from watchword import __version__
from watchword.app.listening import listen
from watchword.app.settings import SettingsError
from watchword.base.errors import Problem
from watchword.base.secret import Secret
from watchword.cli.credentials import keys, tokens
from watchword.cli.importing import importing
from watchword.cli.options import Config, Database, DatabaseOption, configure_logs, settings_of

if TYPE_CHECKING:
    from watchword.app.administration import Administration
    from watchword.app.settings import Settings

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
users = typer.Typer(no_args_is_help=True, help="Make and manage users.")
schema = typer.Typer(no_args_is_help=True, help="Look at the collections.")
app.add_typer(users, name="users")
app.add_typer(schema, name="schema")
app.add_typer(tokens, name="tokens")
app.add_typer(keys, name="keys")


def main() -> None:
    """Run a command; what the user can mend is told in one line."""
    try:
        app()
    except (SettingsError, Problem) as error:
        text = error.message if isinstance(error, Problem) else str(error)
        typer.secho(f"watchword: {text}", err=True, fg="red")
        sys.exit(1)


def _administration(settings: Settings) -> Administration:
    with importing():
        from watchword.app.administration import Administration  # noqa: PLC0415 - see above

    configure_logs(settings)
    return Administration(settings)


@app.command()
def serve(
    database: Database = None,
    config: Config = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve a database over REST and WebSockets."""
    settings = settings_of(config, database, host=host, port=port)
    sockets = listen(settings["HOST"], settings["PORT"])  # from now on clients wait for us
    with importing():
        from watchword.app.application import Watchword  # noqa: PLC0415 - see above
        from watchword.app.serve import serve as serve_app  # noqa: PLC0415

    configure_logs(settings)
    serve_app(Watchword(settings), sockets)


@app.command()
def demo(
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.")] = 8055,
) -> None:
    """Serve a sample database with a page that shows it live."""
    with importing():
        from watchword.app import logs  # noqa: PLC0415 - see above
        from watchword.app.demo import run_demo  # noqa: PLC0415

    logs.configure_logs("warning", "auto")
    run_demo(host, port)


@app.command()
def init(
    database: Database = None,
    config: Config = None,
    email: Annotated[str | None, typer.Option(help="E-mail address of the administrator.")] = None,
) -> None:
    """Prepare a database and make its first administrator."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _administration(settings) as administration:
            typer.echo(f"The database {administration.place} is ready.")
            if await administration.has_administrator():
                typer.echo("It has an administrator already.")
                return
            address = email or typer.prompt("E-mail address of the administrator")
            await administration.create_administrator(address, _new_password())
            again = f" {database}" if database is not None and "@" not in database else ""
            typer.echo(f"{address} can log in now. Start the server with: watchword serve{again}")

    anyio.run(run)


@users.command("create")
def users_create(
    email: str,
    database: DatabaseOption = None,
    config: Config = None,
    role: Annotated[str | None, typer.Option(help="Key or name of a role.")] = None,
    admin: Annotated[bool, typer.Option("--admin", help="Give every right.")] = False,
) -> None:
    """Make a user; the password is asked for, or read from standard input."""
    settings = settings_of(config, database)
    password = _new_password()

    async def run() -> None:
        async with _administration(settings) as administration:
            typer.echo(await administration.create_user(email, password, role, admin=admin))

    anyio.run(run)


@users.command("list")
def users_list(database: DatabaseOption = None, config: Config = None) -> None:
    """List users: key, e-mail address, status, role."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _administration(settings) as administration:
            for line in await administration.list_users():
                typer.echo("\t".join(line))

    anyio.run(run)


@users.command("set-password")
def users_set_password(email: str, database: DatabaseOption = None, config: Config = None) -> None:
    """Set a user's password and end the user's sessions."""
    settings = settings_of(config, database)
    password = _new_password()

    async def run() -> None:
        async with _administration(settings) as administration:
            await administration.set_password(email, password)
            typer.echo(f"The password of {email} is set; the user's sessions have ended.")

    anyio.run(run)


@users.command("suspend")
def users_suspend(email: str, database: DatabaseOption = None, config: Config = None) -> None:
    """Suspend a user and end the user's sessions, also on running servers."""
    settings = settings_of(config, database)

    async def run() -> None:
        async with _administration(settings) as administration:
            await administration.suspend(email)
            typer.echo(f"{email} is suspended.")

    anyio.run(run)


@schema.command("show")
def schema_show(database: Database = None, config: Config = None) -> None:
    """Show the collections that a server of this database would serve."""
    with importing():
        from watchword.app.administration import describe  # noqa: PLC0415 - see above

    settings = settings_of(config, database)
    configure_logs(settings)
    for line in anyio.run(describe, settings):
        typer.echo(line)


@app.command()
def doctor(database: Database = None, config: Config = None) -> None:
    """Look at the set-up and say what to do; exit with 1 when something has to be mended."""
    from watchword.app.doctor.examination import examine, is_problem, lines  # noqa: PLC0415 - for this command alone

    async def run() -> bool:
        failed = False
        async for finding in examine(lambda: settings_of(config, database)):
            failed |= is_problem(finding)
            for line in lines(finding):
                typer.echo(line)
        return failed

    if anyio.run(run):
        raise typer.Exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _new_password() -> Secret:
    """Ask for a password twice on a terminal; take one line from standard input otherwise."""
    if sys.stdin.isatty():
        return Secret(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return Secret(sys.stdin.readline().rstrip("\r\n"))
