"""AppRouter: the file of types that clients of a mount are written against."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from watchword.app.typescript import types as ts
from watchword.app.typescript.built_ins import DECLARATIONS, Leaf, built_ins, ticket_for
from watchword.app.typescript.classes import lines_of
from watchword.app.typescript.naming import Names
from watchword.app.typescript.reading import Reader
from watchword.app.typescript.types import Side, Unexportable
from watchword.app.typescript.writing import declared, documented, key, nested, written
from watchword.backend.procedures import Kind
from watchword.backend.ticket_inputs import TICKET

if TYPE_CHECKING:
    from collections.abc import Callable

    from watchword.app.typescript.types import Type
    from watchword.backend.procedure_table import ProcedureTable
    from watchword.backend.procedures import Procedure
    from watchword.http.trpc.options import TrpcOptions

    Tree = dict[str, Any]

_HEAD = "// Written by `watchword trpc types` from the procedures of the server. Do not change it by hand.\n"
_ROUTER, _SHAPE = "TRPCBuiltRouter", "WatchwordErrorShape"
_PROCEDURES = {
    Kind.QUERY: "TRPCQueryProcedure",
    Kind.MUTATION: "TRPCMutationProcedure",
    Kind.SUBSCRIPTION: "TRPCSubscriptionProcedure",
}
_IMPORTED = ("TRPC_ERROR_CODE_KEY", _ROUTER, "TRPCErrorShape", *_PROCEDURES.values())
_OURS = ("AppRouter", "AppProcedures", "AppRoot", *DECLARATIONS)
_GLOBAL = (
    *("Array", "AsyncIterable", "Blob", "Date", "FormData", "Map", "Partial", "Record", "Set", "Uint8Array"),
    *("any", "bigint", "boolean", "never", "null", "number", "object", "string", "symbol", "undefined", "unknown"),
    *("as", "void", "break", "case", "catch", "class", "const", "continue", "debugger", "default", "delete", "do"),
    *("else", "enum", "export", "extends", "false", "finally", "for", "function", "if", "import", "in"),
    *("implements", "instanceof", "interface", "let", "new", "package", "private", "protected", "public", "return"),
    *("static", "super", "switch", "this", "throw", "true", "try", "typeof", "var", "while", "with", "yield"),
)


def app_router(table: ProcedureTable, options: TrpcOptions) -> str:
    """Return the types of a mount's procedures, the same for the same procedures.

    Raises:
        Unexportable: a procedure takes or gives what has no type in TypeScript, or is called as another one.
    """
    is_native = options.wire.superjson
    exporter = _Exporter(is_native=is_native)
    leaves = {procedure.path: exporter.leaf(procedure) for procedure in table}
    tickets = None if not exporter.tickets else ts.one_of(exporter.tickets[path] for path in sorted(exporter.tickets))
    for path, leaf in built_ins(options, tickets):
        if path in leaves:
            raise Unexportable(f"{path}: built in; call your procedure otherwise, or name it in built_ins")
        leaves[path] = leaf
    names = Names(exporter.inputs.declarations, exporter.outputs.declarations, (*_IMPORTED, *_OURS, *_GLOBAL))
    procedures = nested(_tree(leaves, names))
    types = [
        declared(each.name, each.declaration, lambda found, side=each.side: names.of(found, side))  # type: ignore[misc]  # mypy does not infer defaults
        for each in names.declared()
    ]
    return _file(procedures, types, is_native=is_native)


class _Exporter:
    """Reads procedures, and remembers what has to be declared, and what tickets can be had for."""

    def __init__(self, *, is_native: bool) -> None:
        self._is_native = is_native
        self.inputs = Reader(Side.INPUT, is_native=is_native)
        self.outputs = Reader(Side.OUTPUT, is_native=is_native)
        self.tickets: dict[str, Type] = {}

    def leaf(self, procedure: Procedure) -> Leaf:
        """Return a procedure as clients see it.

        Raises:
            Unexportable: it takes or gives what has no type in TypeScript.
        """
        try:
            given = self._input(procedure)
        except Unexportable as error:
            raise Unexportable(f"{procedure.path}: the input cannot be exported: {error}") from error
        try:
            output = self._output(procedure)
        except Unexportable as error:
            kind = procedure.signature.output_type
            raise Unexportable(f"{procedure.path}: the output {_shown(kind)} cannot be exported: {error}") from error
        return Leaf(procedure.kind, given, output, lines_of(procedure.description))

    def _input(self, procedure: Procedure) -> Type:
        signature, found = procedure.signature, None
        if signature.takes_whole:
            found = self.inputs.read(signature.input_type)
        elif signature.input is not None:
            found = self.inputs.read_members(signature.input.kind)
        if procedure.needs_ticket:
            self.tickets[procedure.path] = ticket_for(procedure.path, found, is_required=signature.is_required)
            return self._with_ticket(found)
        if found is None:
            return ts.VOID
        return found if signature.is_required else ts.OneOf((*_options(found), ts.UNDEFINED, ts.VOID))

    def _output(self, procedure: Procedure) -> Type:
        signature = procedure.signature
        kind = signature.output_type
        if not signature.gives_many:
            return ts.nothing(is_native=self._is_native) if kind is type(None) else self.outputs.read(kind)
        each = self.outputs.read(kind)
        if signature.is_tracked and procedure.kind is not Kind.SUBSCRIPTION:
            raise Unexportable(f"a {procedure.kind} gives no tracked values")
        return ts.stream_of(ts.tracked(each) if signature.is_tracked else each)

    def _with_ticket(self, found: Type | None) -> Type:
        member = ts.Member(TICKET, ts.STRING, doc=("A ticket for just this subscription.",))
        if found is None:
            return ts.Members((member,))
        if found == ts.UNKNOWN:
            return ts.Members((member,), ts.UNKNOWN)
        if isinstance(found, ts.Members):
            return replace(found, members=(*found.members, member))
        if all(map(self._is_object, _options(found))):
            return ts.AllOf((found, ts.Members((member,))))
        raise Unexportable("what demands a ticket has to take an object, for the ticket is a member of it")

    def _is_object(self, found: Type) -> bool:
        body = self.inputs.declarations[found.key].body if isinstance(found, ts.Reference) else found
        return body == ts.NULL or isinstance(body, ts.Members)


def _options(found: Type) -> tuple[Type, ...]:
    return found.options if isinstance(found, ts.OneOf) else (found,)


def _shown(kind: Any) -> str:
    return kind.__qualname__ if isinstance(kind, type) else str(kind)


def _tree(leaves: dict[str, Leaf], names: Names) -> Tree:
    """Return the procedures as objects within objects, by key.

    Raises:
        Unexportable: a path goes on behind a procedure.
    """
    tree: Tree = {}
    for path in sorted(leaves, key=lambda each: each.split(".")):
        *around, last = path.split(".")
        branch = tree
        for depth, name in enumerate(around, start=1):
            branch = branch.setdefault(name, {})
            if isinstance(branch, str):
                raise Unexportable(f"{path}: {'.'.join(around[:depth])} is a procedure; nothing can be below it")
        branch[last] = _leaf(last, leaves[path], names)
    return tree


def _leaf(name: str, leaf: Leaf, names: Names) -> str:
    given = written(leaf.input, _named(names, Side.INPUT))
    output = written(leaf.output, _named(names, Side.OUTPUT))
    body = "\n".join(f"  {line}" for line in f"input: {given};\noutput: {output};\nmeta: object;".split("\n"))
    return f"{documented(leaf.doc)}{key(name)}: {_PROCEDURES[leaf.kind]}<{{\n{body}\n}}>;"


def _named(names: Names, side: Side) -> Callable[[ts.Key], str]:
    return lambda found: names.of(found, side)


def _file(procedures: str, types: list[str], *, is_native: bool) -> str:
    root = [
        "ctx: object;",
        "meta: object;",
        f"errorShape: {_SHAPE};",
        f"transformer: {str(is_native).lower()};",
    ]
    transformer = " The client needs superjson as its transformer." if is_native else ""
    note = f"/** The procedures of the server, for `createTRPCClient<AppRouter>`.{transformer} */"
    router = [
        f"export type AppProcedures = {procedures};",
        "export interface AppRoot {\n" + "".join(f"  {line}\n" for line in root) + "}",
        f"{note}\nexport type AppRouter = {_ROUTER}<AppRoot, AppProcedures>;",
    ]
    text = "\n\n".join([*types, *router])
    own = [DECLARATIONS[name] for name in sorted(_spoken_of(text))]
    body = "\n\n".join([*own, text])
    imported = "".join(f"  {name},\n" for name in sorted(_IMPORTED, key=str.lower) if re.search(rf"\b{name}\b", body))
    return f'{_HEAD}import type {{\n{imported}}} from "@trpc/server";\n\n{body}\n'


def _spoken_of(text: str) -> set[str]:
    """Return the names of those of our own declarations that a text needs; none of them needs another one."""
    return {name for name in DECLARATIONS if re.search(rf"\b{name}\b", text)}
