"""ProcedureTable: the procedures of one router by their full paths, looked up exactly."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.base.errors import Code, Problem

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from watchword.backend.procedures import Procedure, Router


class ProcedureTable:
    """What is registered by the time of the first look; `changed` looks again."""

    def __init__(self, router: Router) -> None:
        self.router = router
        self._found: dict[str, Procedure] | None = None

    def __iter__(self) -> Iterator[Procedure]:
        return iter(self.by_path.values())

    @property
    def by_path(self) -> Mapping[str, Procedure]:
        """Every procedure by its full path."""
        if self._found is None:
            self._found = {procedure.path: procedure for procedure in self.router.procedures()}
        return self._found

    def find(self, path: str, kind: str | None = None) -> Procedure:
        """Return a procedure, of a kind where one is named.

        Raises:
            Problem: ROUTE_NOT_FOUND.
        """
        found = self.by_path.get(path)
        if found is None or kind not in {None, found.kind}:
            raise Problem(Code.ROUTE_NOT_FOUND, "There is no such procedure.", procedure=path)
        return found

    def changed(self) -> None:
        """Look again: one was registered."""
        self._found = None
