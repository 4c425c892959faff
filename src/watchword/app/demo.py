"""Demo: a server with a sample database that lasts as long as the process, and a page that shows it live."""

from __future__ import annotations

import secrets
import shutil
import signal
import sys
import tempfile
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
import msgspec

from watchword.app.application import Watchword
from watchword.app.serve import serve
from watchword.app.settings import SETTINGS, Settings
from watchword.identity.passwords import Passwords
from watchword.storage.engine import Database
from watchword.storage.migrations import migrate
from watchword.storage.sample import ADMIN_EMAIL, READER_EMAIL, load_sample

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # nothing that is mistaken for something else
_GROUPS, _GROUP = 4, 4


class Demo(msgspec.Struct, frozen=True):
    """Where the demo is, and the two passwords."""

    url: str
    database: Path
    admin_password: str
    reader_password: str

    def announcement(self) -> str:
        """Return what the terminal shows: the page, who can sign in, and two things to try beside it."""
        return f"""
  Watchword demo    {self.url}/

    administrator   {ADMIN_EMAIL:<20}  {self.admin_password}
    reader          {READER_EMAIL:<20}  {self.reader_password}

  Open the page in two windows, and sign in as one of them in each.

  What everybody may read:
    curl '{self.url}/items/articles'
  What another program writes reaches the page too:
    sqlite3 {self.database} 'UPDATE articles SET views = views + 1'

  The database is deleted when the server stops. Ctrl+C stops it.
"""  # noqa: S608 - text for people


def run_demo(host: str, port: int) -> None:
    """Make the sample database, print who can sign in, and serve until the process is told to stop."""
    signal.signal(signal.SIGTERM, _leave)
    with _temporary_folder() as folder:
        demo = Demo(_url(host, port), folder / "demo.db", _password(), _password())
        anyio.run(_prepare, demo)
        app = Watchword(_settings(host, port, demo.database), demo=True)
        print(demo.announcement(), flush=True)  # noqa: T201 - the terminal is the one place that shows the passwords
        with suppress(KeyboardInterrupt):
            serve(app)


async def _prepare(demo: Demo) -> None:
    passwords = Passwords()
    db = Database(f"sqlite:///{demo.database}")
    try:
        await migrate(db)
        hashes = [await passwords.hash(password) for password in (demo.admin_password, demo.reader_password)]
        await load_sample(db, *hashes)
    finally:
        await db.close()


@contextmanager
def _temporary_folder() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="watchword-demo-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _settings(host: str, port: int, database: Path) -> Settings:
    """Return the defaults: neither a file nor the environment changes the demo."""
    given = {"HOST": host, "PORT": port, "DATABASE_URL": f"sqlite:///{database}"}
    return Settings({setting.name: setting.default for setting in SETTINGS} | given)


def _password() -> str:
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS))


def _url(host: str, port: int) -> str:
    """Return where a browser on this machine finds the server."""
    shown = {"0.0.0.0": "localhost", "::": "localhost"}.get(host, host)  # noqa: S104 - compared, not listened on
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _leave(_: int, __: FrameType | None) -> None:
    """End like Ctrl+C does: the server raises the signal again once it has stopped, and then the folder has to go."""
    sys.exit(0)
