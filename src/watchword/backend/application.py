"""Application: everything that a Python program has registered, for the backend to ask."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.backend.hooks import Hooks
from watchword.backend.pipeline import Pipeline
from watchword.backend.procedures import Procedure, Router
from watchword.backend.rules import RuleBook
from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping


class Application:
    """The extension points. Without a program around it, all of them are empty."""

    def __init__(self) -> None:
        self.pipeline = Pipeline()
        self.hooks = Hooks()
        self.rules = RuleBook()
        self.router = Router()
        self._procedures: dict[str, Procedure] | None = None

    @property
    def looks_at_operations(self) -> bool:
        """Whether anything of the program sees the operations of others."""
        return bool(self.pipeline) or self.hooks.has_before or self.hooks.has_after

    @property
    def procedures(self) -> Mapping[str, Procedure]:
        """Every procedure by its full path, as registered by the time of the first call."""
        if self._procedures is None:
            self._procedures = {procedure.path: procedure for procedure in self.router.procedures()}
        return self._procedures

    def procedure(self, path: str) -> Procedure:
        """Return a procedure.

        Raises:
            Problem: ROUTE_NOT_FOUND.
        """
        found = self.procedures.get(path)
        if found is None:
            raise Problem(Code.ROUTE_NOT_FOUND, "There is no such procedure.", procedure=path)
        return found

    def changed(self) -> None:
        """Look at the procedures again: one was registered."""
        self._procedures = None
