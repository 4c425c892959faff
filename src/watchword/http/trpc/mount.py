"""Mount: one place where procedures are served to clients of tRPC, and all that its roads have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from watchword.backend.limits import Occupancy
from watchword.http.caller import Callers

if TYPE_CHECKING:
    from watchword.backend.backend import Backend
    from watchword.backend.procedure_table import ProcedureTable
    from watchword.http.settings import CorsSettings, HttpSettings
    from watchword.http.trpc.options import TrpcOptions

_METHODS = ("GET", "POST", "OPTIONS")
_OWN_HEADERS = ("content-type", "authorization", "trpc-accept", "last-event-id")


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
        self.below = f"{path}/{{path:path}}"
        self.backend = backend
        self.table = table
        self.options = options
        self.http = http if options.cors is None else replace(http, cors=options.cors)
        self.callers = Callers(backend, self.http)
        self.origins = self.callers.origins
        self.occupancy = Occupancy(options.sockets)
        self.cors = replace(self.http.cors, methods=_METHODS, allowed_headers=_headers(self.http.cors))
        self.max_body = http.max_payload_size if options.max_body is None else options.max_body


def _headers(cors: CorsSettings) -> tuple[str, ...]:
    """Return the headers that pages may send: those that are set, and those that clients of tRPC send by themselves."""
    present = {name.lower() for name in cors.allowed_headers}
    return (*cors.allowed_headers, *(name for name in _OWN_HEADERS if name not in present))
