"""GraphQL is loaded when it is first asked for."""

from __future__ import annotations

import subprocess
import sys


def test_server_starts_without_graphql() -> None:
    program = "import sys, watchword.app.application, watchword.cli.main; print('graphql' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "False"
