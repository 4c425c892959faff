"""What the database says: whether it answers, its version, its clock, its triggers and who may administer."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import anyio

from watchword.app.build import reflect_options
from watchword.app.doctor.finding import ok, problem, warning
from watchword.backend.structure import Structure
from watchword.base.errors import Problem
from watchword.identity.administrators import has_administrator
from watchword.storage.condition import database_time, server_version
from watchword.storage.engine import Database
from watchword.storage.log import ChangeLog
from watchword.storage.migrations import version, versions

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from watchword.app.doctor.finding import Finding
    from watchword.app.settings import Settings
    from watchword.base.clock import Clock

_DATABASE, _TABLES, _CLOCK, _CAPTURE, _ADMIN = "database", "migrations", "clock", "capture", "administrator"
PATIENCE = 15.0
APART = 2.0
FAR_APART = 30.0


async def check_database(settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    """Look at the database and at what is in it; nothing is made or changed."""
    try:
        db = Database(settings.database_url, pool_size=1)
    except ValueError as error:
        yield problem(_DATABASE, f"{error}.", "Mend DATABASE_URL, or the settings DB_*.")
        return
    missing = _missing_file(settings) if db.kind == "sqlite" else None
    if missing is not None:
        yield missing
        return
    try:
        async for finding in _look(db, settings, clock):
            yield finding
    finally:
        await db.close()


def _missing_file(settings: Settings) -> Finding | None:
    file = Path(settings.database_url.partition(":///")[2])
    if file.exists():
        return None
    if not file.absolute().parent.is_dir():
        return problem(_DATABASE, f"There is no folder {file.absolute().parent}.", "Make it, or mend DATABASE_URL.")
    return warning(_DATABASE, f"There is no file {file} yet.", "`watchword serve` or `watchword init` makes it.")


async def _look(db: Database, settings: Settings, clock: Clock) -> AsyncIterator[Finding]:
    try:
        with anyio.fail_after(PATIENCE):
            answered = await server_version(db)
    except (Problem, TimeoutError):
        advice = "See that it runs, that it can be reached from here, and that DATABASE_URL is right."
        yield problem(_DATABASE, "It does not answer.", advice)
        return
    except Exception as error:  # noqa: BLE001 - whatever the driver says, it is for the operator
        yield problem(_DATABASE, f"It refuses: {getattr(error, 'orig', error)}.", "Mend DATABASE_URL or the database.")
        return
    yield ok(_DATABASE, f"{answered} answers.")
    yield await _check_clock(db, clock)
    tables = await _check_tables(db)
    yield tables
    if tables.advice:
        return
    yield await _check_capture(db, settings)
    yield await _check_administrator(db, settings)


async def _check_clock(db: Database, clock: Clock) -> Finding:
    before = clock.now()
    theirs = await database_time(db)
    apart = theirs - (before + clock.now()) / 2
    text = f"The database's clock is {abs(apart):.1f} s {'ahead of' if apart > 0 else 'behind'} this machine's."
    advice = "Let both machines take the time from a time server (chrony, systemd-timesyncd)."
    if abs(apart) > FAR_APART:
        return problem(_CLOCK, f"{text} Tokens and sessions end at the wrong time.", advice)
    return warning(_CLOCK, text, advice) if abs(apart) > APART else ok(_CLOCK, "Database and process agree.")


async def _check_tables(db: Database) -> Finding:
    found, known = await version(db), versions()
    if found is None:
        return warning(_TABLES, "The database has none of our tables yet.", "`watchword serve` makes them.")
    if found not in known:
        text = f"The tables are of version {found}, which this program does not know: a newer one has made them."
        return problem(_TABLES, text, "Install the newer program, or restore a backup from before its start.")
    if found != known[-1]:
        text = f"The tables are of version {found}, the newest is {known[-1]}."
        return warning(_TABLES, text, "Make a backup; the next start brings them up to date.")
    return ok(_TABLES, f"The tables are of version {found}, the newest.")


async def _check_capture(db: Database, settings: Settings) -> Finding:
    if not settings["CAPTURE"]:
        return warning(_CAPTURE, "CAPTURE is off: nothing of your tables can be followed.", "Set it to true.")
    differing = await Structure(db, ChangeLog(db), reflect_options(settings)).differing()
    if differing:
        text = f"Changes are not logged as they should be: {', '.join(sorted(differing))}."
        advice = (
            "Start the server again: it mends them. What it cannot mend is a view, or a table of another owner: "
            "give the tables to the server's user, or set capture = false for them in watchword.toml."
        )
        return warning(_CAPTURE, text, advice)
    return ok(_CAPTURE, "The triggers of every followed table are in place.")


async def _check_administrator(db: Database, settings: Settings) -> Finding:
    if not await has_administrator(db):
        advice = "Run `watchword init`, or open the link that `watchword serve` prints."
        return warning(_ADMIN, "There is none yet.", advice)
    if settings["ADMIN_PASSWORD"] or settings["ADMIN_TOKEN"]:
        text = "There is one, and the settings still hold the first one's password or token."
        return warning(_ADMIN, text, "Remove ADMIN_PASSWORD and ADMIN_TOKEN: they have done their work.")
    return ok(_ADMIN, "There is one.")
