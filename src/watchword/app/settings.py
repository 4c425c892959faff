"""Settings: read from `watchword.toml`, the environment and flags, in rising order of precedence; checked at start.

Names are those that Directus uses where it has one, so that an existing environment can be taken over. A setting is
written in capitals in the environment and in small letters in the file. A file with an unknown key is refused.
"""

from __future__ import annotations

import difflib
import os
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import msgspec

from watchword.app.durations import parse_duration, parse_size

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


class Setting(msgspec.Struct, frozen=True):
    """One setting. `kind` is text, flag, integer, seconds, milliseconds, size, list, origin, proxy or choice."""

    name: str
    default: Any
    kind: str
    help: str
    choices: tuple[str, ...] = ()
    secret: bool = False


SETTINGS: tuple[Setting, ...] = (
    Setting("HOST", "127.0.0.1", "text", "Address to listen on."),
    Setting("PORT", 8055, "integer", "Port to listen on."),
    Setting("PUBLIC_URL", "", "text", "The address that clients use; its origin may open sockets and send cookies."),
    Setting(
        "DATABASE_URL",
        "sqlite:///watchword.db",
        "text",
        "The database: `sqlite:///file.db` or `postgresql://…`.",
        secret=True,
    ),
    Setting("DB_CLIENT", "", "text", "`sqlite3` or `pg`; builds the database URL together with the other `DB_*`."),
    Setting("DB_FILENAME", "", "text", "File of a `sqlite3` database."),
    Setting("DB_HOST", "127.0.0.1", "text", "Host of a `pg` database."),
    Setting("DB_PORT", 5432, "integer", "Port of a `pg` database."),
    Setting("DB_DATABASE", "", "text", "Name of a `pg` database."),
    Setting("DB_USER", "", "text", "User of a `pg` database."),
    Setting("DB_PASSWORD", "", "text", "Password of a `pg` database.", secret=True),
    Setting("DB_CONNECTION_STRING", "", "text", "URL of a `pg` database, instead of the single parts.", secret=True),
    Setting(
        "DB_POOL_SIZE",
        5,
        "integer",
        "Connections to the database at the most; two of them are left for the server's own work.",
    ),
    Setting(
        "SECRET",
        "",
        "text",
        "At least 32 characters behind tokens and keys. Generated and kept beside an embedded database when absent.",
        secret=True,
    ),
    Setting("ADMIN_EMAIL", "", "text", "E-mail address of the first administrator."),
    Setting("ADMIN_PASSWORD", "", "text", "Password of the first administrator.", secret=True),
    Setting("ADMIN_TOKEN", "", "text", "Static token of the first administrator, at least 16 characters.", secret=True),
    Setting("ACCESS_TOKEN_TTL", 900.0, "seconds", "Life of an access token."),
    Setting("REFRESH_TOKEN_TTL", 604_800.0, "seconds", "Life of a session that is not refreshed."),
    Setting("REFRESH_TOKEN_COOKIE_NAME", "directus_refresh_token", "text", "Cookie of the mode `cookie`."),
    Setting(
        "REFRESH_TOKEN_COOKIE_SECURE", None, "flag", "Send it over HTTPS only; by default when PUBLIC_URL is https."
    ),
    Setting("REFRESH_TOKEN_COOKIE_SAME_SITE", "lax", "choice", "Its SameSite attribute.", ("lax", "strict", "none")),
    Setting("REFRESH_TOKEN_COOKIE_DOMAIN", "", "text", "Its domain; by default the host alone."),
    Setting(
        "SESSION_COOKIE_TTL", 86_400.0, "seconds", "Life of a session of the mode `session` that is not refreshed."
    ),
    Setting("SESSION_COOKIE_NAME", "directus_session_token", "text", "Cookie of the mode `session`."),
    Setting("SESSION_COOKIE_SECURE", None, "flag", "Send it over HTTPS only; by default when PUBLIC_URL is https."),
    Setting("SESSION_COOKIE_SAME_SITE", "lax", "choice", "Its SameSite attribute.", ("lax", "strict", "none")),
    Setting("SESSION_COOKIE_DOMAIN", "", "text", "Its domain; by default the host alone."),
    Setting(
        "SESSION_REFRESH_GRACE_PERIOD",
        10.0,
        "seconds",
        "How long a rotated refresh token still gives the same successor.",
    ),
    Setting("SESSION_LIFETIME", 7_776_000.0, "seconds", "Life of a session, however often it is refreshed."),
    Setting(
        "CONNECTION_TICKET_TTL", 30.0, "seconds", "Life of a ticket that opens one socket; 30 seconds at the most."
    ),
    Setting("LOGIN_STALL_TIME", 0.5, "milliseconds", "The least time that a login takes, good or bad."),
    Setting("CORS_ENABLED", False, "flag", "Answer cross-origin requests."),
    Setting("CORS_ORIGIN", (), "origin", "Origins that may: a list; `true` for any, without credentials."),
    Setting("CORS_METHODS", ("GET", "POST", "PATCH", "DELETE", "SEARCH"), "list", "Methods that they may use."),
    Setting("CORS_ALLOWED_HEADERS", ("Content-Type", "Authorization"), "list", "Headers that they may send."),
    Setting("CORS_EXPOSED_HEADERS", ("Retry-After", "X-Request-Id"), "list", "Headers that they may read."),
    Setting("CORS_CREDENTIALS", True, "flag", "Whether listed origins may send cookies."),
    Setting("CORS_MAX_AGE", 18_000, "integer", "Seconds that a preflight answer is kept."),
    Setting(
        "IP_TRUST_PROXY", 0, "proxy", "How many proxies in front are trusted to tell the client's address; `true` is 1."
    ),
    Setting("MAX_PAYLOAD_SIZE", 1024**2, "size", "Largest body of a request."),
    Setting("QUERY_TIMEOUT", 10.0, "seconds", "How long one query may keep the database busy."),
    Setting("QUERY_LIMIT_DEFAULT", 100, "integer", "Rows that a read without `limit` gives."),
    Setting("QUERY_LIMIT_MAX", -1, "integer", "Rows that a read may give at the most; -1 sets no bound."),
    Setting(
        "QUERY_ROWS_MAX",
        250_000,
        "integer",
        "Rows that one read may take from the database, nested ones included; -1 sets no bound.",
    ),
    Setting("QUERY_RELATIONS_MAX", 100, "integer", "Relations that the fields of one query may follow together."),
    Setting("QUERY_CONDITIONS_MAX", 1_000, "integer", "Conditions in the filters of one query; 1000 at the most."),
    Setting(
        "MAX_BATCH_MUTATION",
        10_000,
        "integer",
        "Items that one request may create, update or delete, nested ones included; -1 sets no bound.",
    ),
    Setting("GRAPHQL_INTROSPECTION", True, "flag", "Let clients ask what GraphQL schemas there are."),
    Setting("GRAPHQL_QUERY_TOKEN_LIMIT", 5_000, "integer", "Words and signs that a GraphQL document may have."),
    Setting("GRAPHQL_ALIASES_MAX", 100, "integer", "Aliases that a GraphQL document may have."),
    Setting("GRAPHQL_ROOT_FIELDS_MAX", 50, "integer", "Fields at the root of a GraphQL document."),
    Setting(
        "GRAPHQL_ESTIMATED_ROWS_MAX",
        1_000_000_000,
        "integer",
        "What the limits of a GraphQL document's nested lists may come to when they are multiplied.",
    ),
    Setting(
        "GRAPHQL_DOCUMENTS", "", "text", "A JSON file of GraphQL documents by name; clients may send the name alone."
    ),
    Setting("GRAPHQL_DOCUMENTS_ONLY", False, "flag", "Refuse GraphQL documents that are not in that file."),
    Setting(
        "GRAPHQL_STRICT_STATUS",
        "compatible",
        "choice",
        "`2026`: `application/graphql-response+json` has 422 for what cannot be run, 294 for part of a result.",
        ("compatible", "2026"),
    ),
    Setting("MAX_RELATIONAL_DEPTH", 10, "integer", "Relations that one path may follow; 10 at the most."),
    Setting("RATE_LIMITER_ENABLED", False, "flag", "Limit how often an address may send requests."),
    Setting("RATE_LIMITER_POINTS", 50, "integer", "How many requests an address may send."),
    Setting("RATE_LIMITER_DURATION", 1, "integer", "Within how many seconds."),
    Setting("RATE_LIMITER_GLOBAL_ENABLED", False, "flag", "Limit how many requests are taken from all together."),
    Setting("RATE_LIMITER_GLOBAL_POINTS", 1_000, "integer", "How many requests are taken."),
    Setting("RATE_LIMITER_GLOBAL_DURATION", 1, "integer", "Within how many seconds."),
    Setting(
        "RATE_LIMITER_WEBSOCKETS_POINTS",
        None,
        "integer",
        "How many messages a socket may send, with RATE_LIMITER_ENABLED; by default RATE_LIMITER_POINTS.",
    ),
    Setting(
        "RATE_LIMITER_WEBSOCKETS_DURATION",
        None,
        "integer",
        "Within how many seconds; by default RATE_LIMITER_DURATION.",
    ),
    Setting("SERVER_HEADERS_TIMEOUT", 15.0, "seconds", "Time for the head of a request or of an upgrade to arrive."),
    Setting("SERVER_REQUEST_TIMEOUT", 300.0, "seconds", "Time for a whole request to arrive."),
    Setting("SERVER_MAX_HEADER_SIZE", 64 * 1024, "size", "Largest head of a request or of an upgrade."),
    Setting("WEBSOCKETS_ENABLED", True, "flag", "Serve sockets at all."),
    Setting("WEBSOCKETS_REST_ENABLED", True, "flag", "Serve the Directus WebSocket."),
    Setting("WEBSOCKETS_REST_PATH", "/websocket", "text", "Its path; `/websockets` is served too."),
    Setting(
        "WEBSOCKETS_REST_AUTH",
        "handshake",
        "choice",
        "How its sockets authenticate.",
        ("public", "handshake", "strict"),
    ),
    Setting(
        "WEBSOCKETS_REST_AUTH_TIMEOUT",
        10.0,
        "seconds",
        "Time for the first credential, and for a new one after expiry.",
    ),
    Setting("WEBSOCKETS_REST_CONN_LIMIT", -1, "integer", "Sockets at the same time; -1 sets no bound."),
    Setting(
        "WEBSOCKETS_REST_GATHER",
        0.025,
        "milliseconds",
        "How long events of one subscription are gathered for one frame.",
    ),
    Setting(
        "WEBSOCKETS_REST_ADDRESS_LIMIT", -1, "integer", "Sockets of one address at the same time; -1 sets no bound."
    ),
    Setting(
        "WEBSOCKETS_REST_UNAUTHENTICATED_LIMIT",
        1_000,
        "integer",
        "Sockets of one address that are nobody's, at the same time; -1 sets no bound.",
    ),
    Setting("WEBSOCKETS_REST_MAX_MESSAGE", 64 * 1024, "size", "Largest message of a client."),
    Setting("WEBSOCKETS_REST_MAX_FIRST_MESSAGE", 4 * 1024, "size", "Largest message before the authentication."),
    Setting("WEBSOCKETS_REST_MAX_SUBSCRIPTIONS", 100, "integer", "Subscriptions that one socket may have."),
    Setting(
        "WEBSOCKETS_REST_HIGH_WATER_EVENTS",
        1_000,
        "integer",
        "Events and answers that may wait for a client before no more is read from it.",
    ),
    Setting("WEBSOCKETS_REST_HIGH_WATER_BYTES", 1024**2, "size", "The same in bytes."),
    Setting(
        "WEBSOCKETS_REST_OUTBOUND_EVENTS", 10_000, "integer", "Events that may wait for a client before it is cut."
    ),
    Setting("WEBSOCKETS_REST_OUTBOUND_BYTES", 16 * 1024**2, "size", "The same in bytes."),
    Setting("WEBSOCKETS_HEARTBEAT_ENABLED", True, "flag", "Ask clients for signs of life."),
    Setting("WEBSOCKETS_HEARTBEAT_PERIOD", 30.0, "seconds", "How often, and how long they have to answer."),
    Setting("WEBSOCKETS_GRAPHQL_ENABLED", True, "flag", "Serve GraphQL over WebSockets."),
    Setting("WEBSOCKETS_GRAPHQL_PATH", "/graphql", "text", "Its path."),
    Setting(
        "WEBSOCKETS_GRAPHQL_AUTH",
        "handshake",
        "choice",
        "How its sockets authenticate.",
        ("public", "handshake", "strict"),
    ),
    Setting(
        "WEBSOCKETS_GRAPHQL_AUTH_TIMEOUT", 10.0, "seconds", "Time for the first credential, in the mode handshake."
    ),
    Setting(
        "WEBSOCKETS_GRAPHQL_INIT_TIMEOUT",
        3.0,
        "seconds",
        "Time for `connection_init`, in every mode; clients of the older subprotocol may take longer.",
    ),
    Setting(
        "WEBSOCKETS_GRAPHQL_STRICT_REJECT",
        "http401",
        "choice",
        "What becomes of an upgrade without a good credential, in the mode strict; clients try `close4403` again.",
        ("http401", "close4403"),
    ),
    Setting("WEBSOCKETS_GRAPHQL_CONN_LIMIT", -1, "integer", "Sockets at the same time there; -1 sets no bound."),
    Setting("WEBSOCKETS_LOGS_ENABLED", True, "flag", "Serve the server's own log to administrators over a WebSocket."),
    Setting("WEBSOCKETS_LOGS_PATH", "/websocket/logs", "text", "Its path."),
    Setting(
        "WEBSOCKETS_LOGS_AUTH",
        "strict",
        "choice",
        "How its sockets authenticate.",
        ("public", "handshake", "strict"),
    ),
    Setting(
        "WEBSOCKETS_LOGS_LEVEL",
        "info",
        "choice",
        "Least level that can be followed there.",
        ("trace", "debug", "info", "warn", "error", "fatal"),
    ),
    Setting(
        "WEBSOCKETS_LOGS_STYLE", "pretty", "choice", "A line of text for each record, or all it has.", ("pretty", "raw")
    ),
    Setting("WEBSOCKETS_LOGS_CONN_LIMIT", -1, "integer", "Sockets at the same time there; -1 sets no bound."),
    Setting("CAPTURE", True, "flag", "Log changes of user tables by triggers; without them nothing can be followed."),
    Setting("CHANGE_POLL", 0.025, "milliseconds", "How often to look for changes by other programs."),
    Setting("CHANGE_RETENTION", 86_400.0, "seconds", "How long changes stay in the log."),
    Setting("CHANGE_RETENTION_COUNT", 1_000_000, "integer", "How many changes stay in the log at the most."),
    Setting(
        "ACTIVITY",
        "system",
        "choice",
        "What `/activity` tells: nothing, logins and changes of system collections, or changes of all items.",
        ("off", "system", "all"),
    ),
    Setting("ACTIVITY_RETENTION", 7_776_000.0, "seconds", "How long it is kept; 0 keeps it for ever."),
    Setting("LOG_LEVEL", "info", "choice", "Least level that is logged.", ("debug", "info", "warning", "error")),
    Setting(
        "LOG_STYLE",
        "auto",
        "choice",
        "`pretty`, `json`, or by whether the output is a terminal.",
        ("auto", "pretty", "json"),
    ),
    Setting("METRICS_ENABLED", False, "flag", "Serve `/metrics` for Prometheus."),
    Setting(
        "METRICS_TOKENS",
        (),
        "list",
        "Tokens that may read it, at least 16 characters each, beside administrators.",
        secret=True,
    ),
    Setting("SHUTDOWN_TIMEOUT", 10.0, "seconds", "How long a stop waits for requests and sockets."),
    Setting("PROJECT_NAME", "Watchword", "text", "Name that `/server/info` tells."),
)

_BY_NAME = {setting.name: setting for setting in SETTINGS}
# How settings begin, ours and those of Directus that we do not have: who sets one expects something of it.
_FAMILIES = (
    "ACCESS_TOKEN_",
    "ADMIN_",
    "AUTH_",
    "CACHE_",
    "CHANGE_",
    "CONNECTION_TICKET_",
    "CORS_",
    "DB_",
    "EMAIL_",
    "GRAPHQL_",
    "METRICS_",
    "PASSWORD_RESET_",
    "QUERY_LIMIT_",
    "RATE_LIMITER_",
    "REFRESH_TOKEN_",
    "SESSION_COOKIE_",
    "STORAGE_",
    "WEBSOCKETS_",
)
_TABLE_KEYS = {"exclude", "capture", "rename", "special"}


class SettingsError(Exception):
    """The settings are wrong; the text says which and how to mend it."""


class TableSettings(msgspec.Struct, frozen=True):
    """What `watchword.toml` says of one table: `[tables.articles]`."""

    exclude: bool = False
    capture: bool | None = None
    rename: dict[str, str] = {}
    special: dict[str, list[str]] = {}


class Settings(msgspec.Struct, frozen=True):
    """The values of every setting by name, and what the file says of tables."""

    values: dict[str, Any]
    tables: dict[str, TableSettings] = {}

    def __getitem__(self, name: str) -> Any:
        return self.values[name]

    def having(self, **flags: Any) -> Settings:
        """Return the same with flags of a command, by name in small letters, that are given."""
        given = {
            name.upper(): _convert(_BY_NAME[name.upper()], flag) for name, flag in flags.items() if flag is not None
        }
        return Settings(self.values | given, self.tables)

    @property
    def database_url(self) -> str:
        """The URL of the database, from `DB_*` where `DB_CLIENT` is set."""
        match self["DB_CLIENT"]:
            case "":
                return str(self["DATABASE_URL"])
            case "sqlite3" | "sqlite":
                return f"sqlite:///{self['DB_FILENAME']}"
            case "pg" | "postgres" | "postgresql":
                return str(self["DB_CONNECTION_STRING"]) or self._postgresql_url()
            case other:
                raise SettingsError(f"DB_CLIENT: {other!r} is not served; use sqlite3 or pg")

    def _postgresql_url(self) -> str:
        user, password = quote(self["DB_USER"], safe=""), quote(self["DB_PASSWORD"], safe="")
        login = f"{user}:{password}" if password else user
        return f"postgresql://{login}@{self['DB_HOST']}:{self['DB_PORT']}/{quote(self['DB_DATABASE'], safe='')}"


def load_settings(
    file: Path | None = None, environment: Mapping[str, str] | None = None, flags: Mapping[str, Any] | None = None
) -> Settings:
    """Read and check all settings. Without `file`, `watchword.toml` of the working directory is read where it exists.

    Raises:
        SettingsError: a value does not fit, a key is unknown, or the file cannot be read.
    """
    written, tables = _read_file(file)
    given: dict[str, Any] = {setting.name: setting.default for setting in SETTINGS}
    surroundings = os.environ if environment is None else environment
    if unknown := min(set(flags or {}) - _BY_NAME.keys(), default=None):
        raise SettingsError(f"unknown setting {unknown.lower()!r}{_nearest(unknown)}")
    for source in (written, {k: v for k, v in surroundings.items() if k in _BY_NAME}, dict(flags or {})):
        for name, value in source.items():
            given[name] = _convert(_BY_NAME[name], value)
    return Settings(given, tables)


def unknown_names(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return names of the environment that look like settings and are none, each with the setting nearest to it."""
    surroundings = os.environ if environment is None else environment
    looks = [name for name in surroundings if name.startswith(_FAMILIES) and name not in _BY_NAME]
    return {name: next(iter(difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.8)), "") for name in sorted(looks)}


def _read_file(file: Path | None) -> tuple[dict[str, Any], dict[str, TableSettings]]:
    path = file or Path("watchword.toml")
    if file is None and not path.exists():
        return {}, {}
    try:
        content = tomllib.loads(path.read_text())
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: {error}") from error
    tables = content.pop("tables", {})
    for key in content:
        if key.upper() not in _BY_NAME:
            raise SettingsError(f"{path}: unknown setting {key!r}{_nearest(key.upper())}")
    return {key.upper(): value for key, value in content.items()}, _read_tables(path, tables)


def _read_tables(path: Path, tables: Any) -> dict[str, TableSettings]:
    try:
        read = msgspec.convert(tables, dict[str, TableSettings])
    except msgspec.ValidationError as error:
        raise SettingsError(f"{path}: [tables]: {error}") from error
    for name, members in tables.items():
        unknown = set(members) - _TABLE_KEYS
        if unknown:
            raise SettingsError(f"{path}: [tables.{name}]: unknown key {min(unknown)!r}")
    return read


def _nearest(name: str) -> str:
    near = difflib.get_close_matches(name, _BY_NAME, n=1, cutoff=0.5)
    return f"; did you mean {near[0].lower()!r}?" if near else ""


def _convert(setting: Setting, value: Any) -> Any:
    try:
        return _CONVERT[setting.kind](setting, value)
    except (ValueError, TypeError) as error:
        raise SettingsError(f"{setting.name}: {error}") from error


def _flag(_: Setting, value: Any) -> bool:
    text = str(value).strip().lower()
    if text not in {"true", "false", "1", "0", "yes", "no", "on", "off"}:
        raise ValueError("must be true or false")
    return text in {"true", "1", "yes", "on"}


def _integer(_: Setting, value: Any) -> int:
    try:
        return int(str(value).strip())
    except ValueError:
        raise ValueError("must be a whole number") from None


def _choice(setting: Setting, value: Any) -> str:
    text = str(value).strip().lower()
    if text not in setting.choices:
        raise ValueError(f"must be one of {', '.join(setting.choices)}")
    return text


def _list(_: Setting, value: Any) -> tuple[str, ...]:
    parts = value if isinstance(value, list) else str(value).split(",")
    return tuple(part.strip() for part in map(str, parts) if part.strip())


def _origin(setting: Setting, value: Any) -> tuple[str, ...]:
    text = str(value).strip().lower()
    if text in {"true", "*"}:
        return ("*",)
    return () if text in {"false", ""} else _list(setting, value)


def _proxy(setting: Setting, value: Any) -> int:
    text = str(value).strip().lower()
    return int(text == "true") if text in {"true", "false"} else _integer(setting, value)


_CONVERT: dict[str, Callable[[Setting, Any], Any]] = {
    "text": lambda _, value: str(value),
    "flag": _flag,
    "integer": _integer,
    "seconds": lambda _, value: parse_duration(str(value), "s"),
    "milliseconds": lambda _, value: parse_duration(str(value), "ms"),
    "size": lambda _, value: parse_size(str(value)),
    "list": _list,
    "origin": _origin,
    "proxy": _proxy,
    "choice": _choice,
}


def passed_sockets() -> int:
    """Return how many listening sockets the service manager has opened for this process, as sd_listen_fds(3) does."""
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        return 0
    count = os.environ.get("LISTEN_FDS", "")
    return int(count) if count.isdecimal() else 0
