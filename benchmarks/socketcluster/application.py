"""An application with a SocketCluster endpoint, and functions that allow everything on its lines, if it is to.

`LINES` is `none`, `functions` or `async`: what is on each of the four lines.
"""

from __future__ import annotations

import os

from watchword import Watchword
from watchword.backend.lines import Action, Line, LineFunction

app = Watchword()
endpoint = app.socketcluster()


def allow(action: Action) -> None:
    """Let it by."""


async def allow_async(action: Action) -> None:
    """Let it by."""


FUNCTIONS: dict[str, LineFunction] = {"functions": allow, "async": allow_async}
function = FUNCTIONS.get(os.environ["LINES"])
if function is not None:
    for line in Line:
        endpoint.set_middleware(line, function)
