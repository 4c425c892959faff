"""GraphQL's system fields: what the system endpoint answers beside collections, by what the REST API answers with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from watchword.backend.backend import Backend
from watchword.backend.modelling import Modelling
from watchword.base.errors import Code, Problem, forbidden
from watchword.base.secret import Secret
from watchword.data.designs import CollectionDesign, FieldDesign, RelationDesign
from watchword.http.auth import Auth
from watchword.http.mine import told_globals
from watchword.http.openapi.document import Description
from watchword.http.server import Server
from watchword.http.structure import Design, decode_design
from watchword.http.utilities import Utilities, hashable, random_text
from watchword.identity.settings import Mode
from watchword.protocol.operations import Password, RefreshToken

if TYPE_CHECKING:
    from starlette.requests import Request

    from watchword.graphql.execution import Ask, Delegate
    from watchword.graphql.service import Graphql
    from watchword.identity.authenticator import Authenticated

Row = dict[str, Any]


class Answering(msgspec.Struct, frozen=True):
    """What answers: the handlers of the REST API that know how."""

    backend: Backend
    auth: Auth
    server: Server
    utilities: Utilities
    description: Description


class SystemFields:
    """The fields of one request, by name."""

    def __init__(self, answering: Answering, graphql: Graphql, request: Request) -> None:
        self._parts = answering
        self._graphql = graphql
        self._request = request

    @property
    def delegates(self) -> dict[str, Delegate]:
        """What answers each field."""
        structure = StructureFields(Modelling(self._parts.backend.structure))
        return structure.delegates | {
            "server_ping": _pong,
            "server_info": lambda ask: self._parts.server.told(ask.context),
            "server_health": lambda ask: self._parts.server.told_health(ask.context),
            "server_specs_oas": lambda ask: self._parts.description.document(ask.context),
            "server_specs_graphql": self._text,
            "permissions_me": self._permissions,
            "policies_me_globals": lambda ask: told_globals(self._parts.backend, ask.context),
            "auth_login": self._log_in,
            "auth_refresh": self._refresh,
            "auth_logout": self._log_out,
            "utils_random_string": _random,
            "utils_hash_generate": self._hash,
            "utils_hash_verify": self._verify,
            "utils_sort": self._sort,
            "utils_cache_clear": self._clear,
        }

    async def _text(self, ask: Ask) -> str:
        return await self._graphql.text(ask.context, ask.arguments.get("scope"))

    async def _permissions(self, ask: Ask) -> Any:
        if ask.context.principal.is_anonymous:
            raise forbidden()
        return self._parts.backend.entitlements.of_collections(ask.context)

    async def _log_in(self, ask: Ask) -> Row:
        given = ask.arguments
        mode = Mode(given.get("mode") or Mode.JSON)
        credential = Password(given["email"], Secret(given["password"]), given.get("otp"))
        granted = await self._parts.backend.identity.authenticate(credential, ask.context.client, mode)
        return self._told(ask, granted, mode)

    async def _refresh(self, ask: Ask) -> Row:
        token, mode = self._parts.auth.presented(self._request, ask.arguments)
        granted = await self._parts.backend.identify(RefreshToken(token), ask.context.client)
        return self._told(ask, granted, Mode.SESSION if granted.mode is Mode.SESSION else mode)

    async def _log_out(self, ask: Ask) -> bool:
        try:
            token, _ = self._parts.auth.presented(self._request, ask.arguments)
        except Problem as problem:
            if problem.code is not Code.INVALID_CREDENTIALS:
                raise
        else:
            await self._parts.backend.identity.log_out(token, ask.context.client)
        ask.headers.extend(self._parts.auth.cleared(self._request))
        return True

    def _told(self, ask: Ask, granted: Authenticated, mode: Mode) -> Row:
        data, cookie = self._parts.auth.told(granted, mode)
        if cookie is not None:
            ask.headers.append(cookie)
        return data | {"expires": str(data["expires"])}

    async def _hash(self, ask: Ask) -> str:
        [text] = hashable(ask.context, ask.arguments, "string")
        return await self._parts.backend.identity.passwords.hash_given(text)

    async def _verify(self, ask: Ask) -> bool:
        text, hashed = hashable(ask.context, ask.arguments, "string", "hash")
        return await self._parts.backend.identity.passwords.verify_given(hashed, text)

    async def _sort(self, ask: Ask) -> bool:
        given = ask.arguments
        if given["collection"].startswith("directus_"):
            raise forbidden()
        await self._parts.utilities.move(ask.context, given["collection"], given["item"], given["to"])
        return True

    async def _clear(self, ask: Ask) -> bool:
        if not ask.context.principal.admin:
            raise forbidden()
        self._parts.backend.forget()
        return True


class StructureFields:
    """The fields about collections, fields and relations: read by whoever may, written by administrators."""

    def __init__(self, modelling: Modelling) -> None:
        self._modelling = modelling

    @property
    def delegates(self) -> dict[str, Delegate]:
        """What answers each field."""
        return {
            "collections": self._collections,
            "collections_by_name": self._collection,
            "fields": self._fields,
            "fields_in_collection": self._fields,
            "fields_by_name": self._field,
            "relations": self._relations,
            "relations_in_collection": self._relations,
            "relations_by_name": self._relation,
            "create_collections_item": self._create_collection,
            "update_collections_item": self._update_collection,
            "delete_collections_item": self._delete_collection,
            "create_fields_item": self._create_field,
            "update_fields_item": self._update_field,
            "delete_fields_item": self._delete_field,
            "create_relations_item": self._create_relation,
            "update_relations_item": self._update_relation,
            "delete_relations_item": self._delete_relation,
        }

    async def _collections(self, ask: Ask) -> list[Row]:
        return self._modelling.collections(ask.context)

    async def _collection(self, ask: Ask) -> Row:
        return self._modelling.collection(ask.context, ask.arguments["name"])

    async def _fields(self, ask: Ask) -> list[Row]:
        return self._modelling.fields(ask.context, ask.arguments.get("collection"))

    async def _field(self, ask: Ask) -> Row:
        return self._modelling.field(ask.context, ask.arguments["collection"], ask.arguments["field"])

    async def _relations(self, ask: Ask) -> list[Row]:
        return self._modelling.relations(ask.context, ask.arguments.get("collection"))

    async def _relation(self, ask: Ask) -> Row:
        return self._modelling.relation(ask.context, ask.arguments["collection"], ask.arguments["field"])

    async def _create_collection(self, ask: Ask) -> Row:
        design = self._decoded(ask, CollectionDesign)
        await self._modelling.create_collections(ask.context, [design])
        return self._modelling.collection(ask.context, design.collection)

    async def _update_collection(self, ask: Ask) -> Row:
        self._modelling.check_administrator(ask.context)
        name, data = ask.arguments["collection"], ask.arguments["data"]
        if isinstance(data, dict) and "meta" in data:
            await self._modelling.change_collections(ask.context, [(name, data["meta"])])
        return self._modelling.collection(ask.context, name)

    async def _delete_collection(self, ask: Ask) -> Row:
        await self._modelling.delete_collection(ask.context, ask.arguments["collection"])
        return {"collection": ask.arguments["collection"]}

    async def _create_field(self, ask: Ask) -> Row:
        design = self._decoded(ask, FieldDesign)
        await self._modelling.create_field(ask.context, ask.arguments["collection"], design)
        return self._modelling.field(ask.context, ask.arguments["collection"], design.field)

    async def _update_field(self, ask: Ask) -> Row:
        collection, name = ask.arguments["collection"], ask.arguments["field"]
        design = self._decoded(ask, FieldDesign, field=name)
        await self._modelling.change_fields(ask.context, collection, [design])
        return self._modelling.field(ask.context, collection, name)

    async def _delete_field(self, ask: Ask) -> Row:
        collection, name = ask.arguments["collection"], ask.arguments["field"]
        await self._modelling.delete_field(ask.context, collection, name)
        return {"collection": collection, "field": name}

    async def _create_relation(self, ask: Ask) -> Row:
        design = self._decoded(ask, RelationDesign)
        await self._modelling.create_relation(ask.context, design)
        return self._modelling.relation(ask.context, design.collection, design.field)

    async def _update_relation(self, ask: Ask) -> Row:
        collection, name = ask.arguments["collection"], ask.arguments["field"]
        design = self._decoded(ask, RelationDesign, collection=collection, field=name)
        await self._modelling.change_relation(ask.context, design)
        return self._modelling.relation(ask.context, collection, name)

    async def _delete_relation(self, ask: Ask) -> Row:
        collection, name = ask.arguments["collection"], ask.arguments["field"]
        await self._modelling.delete_relation(ask.context, collection, name)
        return {"collection": collection, "field": name}

    def _decoded(self, ask: Ask, design: type[Design], **named: str) -> Design:
        """Return what is to be made; who may not make it is told so before anything else."""
        self._modelling.check_administrator(ask.context)
        data = ask.arguments["data"]
        return decode_design(data | named if isinstance(data, dict) else data, design)


async def _pong(_: Ask) -> str:
    return "pong"


async def _random(ask: Ask) -> str:
    length = ask.arguments.get("length")
    return random_text() if length is None else random_text(length)
