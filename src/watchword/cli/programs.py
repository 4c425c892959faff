"""Programs: applications in Python that a command is given by name, `module:attribute`."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from watchword.app.settings import SettingsError

if TYPE_CHECKING:
    from watchword.app.application import Watchword

_PROGRAM = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*", re.ASCII)


def is_program(text: str) -> bool:
    """Whether a text names a program and not a database."""
    return _PROGRAM.fullmatch(text) is not None and not Path(text).exists()


def load_program(text: str) -> Watchword:
    """Import the application that a text names; modules are also looked for in the working directory.

    Raises:
        SettingsError: there is none of that name, or it is something else.
    """
    from watchword.app.application import Watchword  # noqa: PLC0415 - most of a start is importing

    module, _, attribute = text.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise SettingsError(f"There is no module {error.name!r} here or among those that are installed") from error
    except AttributeError as error:
        raise SettingsError(f"{module} has no {attribute!r}") from error
    if not isinstance(found, Watchword):
        raise SettingsError(f"{text} is no Watchword application; run others, which mount one, with uvicorn")
    return found
