"""Fixed paths: what is there whatever the database holds."""

from __future__ import annotations

from watchword.http.openapi.operations import SHAPING, content, in_path, in_query, operation
from watchword.http.openapi.schemas import FLAG, KEY, OBJECT, TEXT, Json, data_of, part

_MODE: Json = {"type": "string", "enum": ["json", "cookie", "session"]}
_TOKENS: Json = data_of(
    {
        "type": "object",
        "properties": {"access_token": TEXT, "refresh_token": TEXT, "expires": {"type": "integer"}},
        "required": ["expires"],
    }
)
_REFRESH: Json = {"type": "object", "properties": {"refresh_token": TEXT, "mode": _MODE}}
_ROW: Json = {"$ref": "#/components/schemas/directus_users"}


def everybodys() -> dict[str, Json]:
    """The paths that are open to everybody."""
    credentials = part("email", "password", email=TEXT, password=TEXT, mode=_MODE)
    providers = {
        "type": "object",
        "properties": {"data": {"type": "array", "items": OBJECT}, "disableDefault": FLAG},
        "required": ["data", "disableDefault"],
    }
    length = in_query("length", {"type": "integer", "minimum": 1, "maximum": 500})
    switches = data_of(part("app_access", app_access=FLAG, admin_access=FLAG, enforce_tfa=FLAG))
    ping = operation("Say that the process answers", "server", answer=TEXT)
    ping["responses"]["200"] = content(TEXT, "text/html")
    return {
        "/auth": {"get": operation("List other ways to log in", "auth", answer=providers)},
        "/auth/login": {"post": operation("Log in", "auth", answer=_TOKENS, body=credentials)},
        "/auth/refresh": {"post": operation("Refresh the tokens", "auth", answer=_TOKENS, body=_REFRESH)},
        "/auth/logout": {"post": operation("Log out", "auth", body=_REFRESH)},
        "/policies/me/globals": {"get": operation("Read what policies switch on", "me", answer=switches)},
        "/server/info": {"get": operation("Read about the server", "server", answer=data_of(OBJECT))},
        "/server/ping": {"get": ping},
        "/server/specs/oas": {"get": operation("Read this description", "server", answer=OBJECT)},
        "/utils/random/string": {
            "get": operation("Make a random text", "utils", answer=data_of(TEXT), more=(length,)),
        },
    }


def users(*, reads_users: bool) -> dict[str, Json]:
    """The paths that are for those who have logged in."""
    own = data_of(_ROW if reads_users else OBJECT)
    health = operation("Read how the server is", "server", answer=OBJECT)
    health["responses"]["200"] = content(OBJECT, "application/health+json")
    health["responses"]["503"] = content(OBJECT, "application/health+json", "The database is away")
    allowed = part("access", access=FLAG, fields={"type": ["array", "null"], "items": TEXT}, presets=OBJECT)
    rights = data_of(part("update", "delete", "share", update=allowed, delete=allowed, share=allowed))
    reading = operation("Read the own user", "me", answer=own, queries=SHAPING)
    writing = operation("Update the own user", "me", answer=own, body=OBJECT, queries=SHAPING, silent=True)
    roles = data_of({"type": "array", "items": OBJECT})
    collection, key = in_path("collection", "Its name."), in_path("key", "The key of the item.")
    verified = part("string", "hash", string=TEXT, hash=TEXT)
    return {
        "/users/me": {"get": reading, "patch": writing},
        "/roles/me": {"get": operation("Read the own roles", "me", answer=roles, queries=SHAPING)},
        "/permissions/me": {"get": operation("Read the own permissions", "me", answer=data_of(OBJECT))},
        "/permissions/me/{collection}": {
            "parameters": [collection],
            "get": operation("Read the own permissions on a collection", "me", answer=rights),
        },
        "/permissions/me/{collection}/{key}": {
            "parameters": [collection, key],
            "get": operation("Read the own permissions on an item", "me", answer=rights),
        },
        "/server/health": {"get": health},
        "/utils/hash/generate": {
            "post": operation("Hash a text", "utils", answer=data_of(TEXT), body=part("string", string=TEXT)),
        },
        "/utils/hash/verify": {
            "post": operation("Verify a hash", "utils", answer=data_of(FLAG), body=verified),
        },
    }


def sorting(path: str, collection: str) -> dict[str, Json]:
    """The path that sorts a collection by hand."""
    body = part("item", "to", item=KEY, to=KEY)
    return {path: {"post": operation(f"Put one of {collection} into the place of another", "utils", body=body)}}


def administrators() -> dict[str, Json]:
    """The paths that are for administrators."""
    return {"/utils/cache/clear": {"post": operation("Forget what is kept in memory", "utils")}}


def problem() -> Json:
    """Describe what every refusal looks like."""
    extensions = {"type": "object", "properties": {"code": TEXT}, "required": ["code"]}
    error = part("message", "extensions", message=TEXT, extensions=extensions)
    errors = {"type": "array", "items": error, "minItems": 1}
    return content(part("errors", errors=errors), description="A refusal")
