"""Starts a program as a service manager does that listens in its place (sd_listen_fds(3))."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import socket

_LAUNCH = """
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ.update(LISTEN_FDS="1", LISTEN_PID=sys.argv[2] or str(os.getpid()))
os.execv(sys.argv[3], sys.argv[3:])
"""


def activating(held: socket.socket, command: Sequence[str], process: str = "") -> list[str]:
    """Return the command that runs another one with a socket, meant for the process of that id (its own by default).

    Whoever runs it passes the socket's descriptor on.
    """
    return [sys.executable, "-c", _LAUNCH, str(held.fileno()), process, *command]
