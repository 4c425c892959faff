"""Application: everything that a Python program has registered, for the backend to ask."""

from __future__ import annotations

from watchword.backend.hooks import Hooks
from watchword.backend.pipeline import Pipeline
from watchword.backend.procedure_table import ProcedureTable
from watchword.backend.procedures import Router
from watchword.backend.rules import RuleBook


class Application:
    """The extension points. Without a program around it, all of them are empty."""

    def __init__(self) -> None:
        self.pipeline = Pipeline()
        self.hooks = Hooks()
        self.rules = RuleBook()
        self.procedures = ProcedureTable(Router())

    @property
    def looks_at_operations(self) -> bool:
        """Whether anything of the program sees the operations of others."""
        return bool(self.pipeline) or self.hooks.has_before or self.hooks.has_after
