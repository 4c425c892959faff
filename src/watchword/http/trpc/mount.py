"""Mount: one place where procedures are served to clients of tRPC, and all that its roads have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from watchword.backend.limits import Occupancy
from watchword.http.caller import Callers

if TYPE_CHECKING:
    from watchword.backend.backend import Backend
    from watchword.backend.procedure_table import ProcedureTable
    from watchword.http.settings import HttpSettings
    from watchword.http.trpc.options import TrpcOptions


class Mount:
    """What a mount is made of.

    Raises:
        ValueError: a procedure of the application's is called as one that is built in.
    """

    def __init__(
        self, path: str, backend: Backend, table: ProcedureTable, options: TrpcOptions, http: HttpSettings
    ) -> None:
        taken = options.built_ins.names.intersection(table.by_path)
        if taken:
            names = ", ".join(sorted(taken))
            raise ValueError(f"{names} at {path}: built in; call your procedure otherwise, or name it in built_ins")
        self.path = path
        self.backend = backend
        self.table = table
        self.options = options
        self.http = http
        self.callers = Callers(backend, http)
        self.origins = self.callers.origins
        self.occupancy = Occupancy(options.sockets)
        self.max_body = http.max_payload_size if options.max_body is None else options.max_body
