from __future__ import annotations

import subprocess
import sys

COMMAND = """
import gc, sys
from watchword.cli import main

sys.argv = ["watchword", "version"]
try:
    main()
except SystemExit:
    pass
imported = {name.partition(".")[0] for name in sys.modules}
print(sorted({"alembic", "asyncpg", "prometheus_client", "pygments", "rich"} & imported), gc.isenabled())
"""

MIGRATE = """
import asyncio, sys
from watchword.storage.engine import Database
from watchword.storage.migrations import migrate

asyncio.run(migrate(Database(sys.argv[1])))
print("alembic" in sys.modules)
"""


def run(program: str, *arguments: str) -> str:
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1]


def test_a_start_imports_nothing_for_nothing() -> None:
    assert run(COMMAND) == "[] True"


def test_alembic_is_left_alone_where_the_tables_are_up_to_date(database_url: str) -> None:
    assert run(MIGRATE, database_url) == "True"
    assert run(MIGRATE, database_url) == "False"
