"""Build: the one place that knows every class and puts them together."""

from __future__ import annotations

import hashlib
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from watchword.app.secrets import signing_secret
from watchword.app.settings import Settings, SettingsError
from watchword.backend.activity import Activity, Recorded
from watchword.backend.application import Application
from watchword.backend.backend import Backend
from watchword.backend.background import Background
from watchword.backend.feed import Feed
from watchword.backend.limits import Quota, SocketLimits
from watchword.backend.lookup import EVENT_ROWS, DatabaseLookup
from watchword.backend.outbox import Mark
from watchword.backend.pace import Pace
from watchword.backend.rights import Rights
from watchword.backend.structure import Structure
from watchword.backend.system import SystemGuard
from watchword.base.clock import Clock, SystemClock
from watchword.base.ids import short_id
from watchword.brokers.memory import MemoryBroker
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.data.lookup import Lookup
from watchword.data.mutate import Writer
from watchword.data.plan import Limits
from watchword.data.reflect import ReflectOptions
from watchword.data.select import Reader
from watchword.dialects.graphql.socket import FORBIDDEN, GraphqlSocket
from watchword.graphql.options import DocumentLimits
from watchword.graphql.options import Options as GraphqlOptions
from watchword.http.settings import CookieSettings, CorsSettings, HttpSettings, WebSocketInfo
from watchword.identity.authenticator import Identity
from watchword.identity.settings import IdentitySettings
from watchword.live.broker import Broker
from watchword.live.channels import Channels
from watchword.live.hub import Hub
from watchword.live.journal import Journal
from watchword.protocol.records import Level, levels_from
from watchword.storage.engine import Database
from watchword.storage.log import ChangeLog
from watchword.storage.share import ClientShare

if TYPE_CHECKING:
    from collections.abc import Iterator


_LEVELS_BESIDE = 3
"""Levels of a document that follow no relation: the root, an event's row, and the functions of a field."""


class Parts(msgspec.Struct, frozen=True):
    """Everything that runs, by name."""

    settings: Settings
    clock: Clock
    db: Database
    log: ChangeLog
    structure: Structure
    identity: Identity
    hub: Hub
    journal: Journal
    broker: Broker
    feed: Feed
    rights: Rights
    backend: Backend
    activity: Activity
    background: Background


def build(settings: Settings, clock: Clock | None = None, application: Application | None = None) -> Parts:
    """Put everything together; nothing is opened yet.

    Raises:
        SettingsError: a setting is not fit.
    """
    background = Background()
    clock, application = clock or SystemClock(), application or Application()
    db = open_database(settings)
    log = ChangeLog(db)
    structure = Structure(db, log, reflect_options(settings))
    identity = Identity(db, clock, signing_secret(settings), identity_settings(settings))
    share, limits = ClientShare(db, settings["DB_POOL_SIZE"]), query_limits(settings)
    reader = Reader(share, limits)
    journal = Journal(short_id(), log_level(settings), clock.now)
    wholes, events = Reader(db, limits), Reader(db, limits.within(EVENT_ROWS))
    hub = Hub(DatabaseLookup(Lookup(db), structure, wholes, events, clock), clock.now, log.position)
    rights = Rights(identity, hub)
    activity = Activity(db, clock, Recorded(settings["ACTIVITY"]), settings["ACTIVITY_RETENTION"])
    broker = MemoryBroker()
    feed = Feed(
        log=log, structure=structure, hub=hub, control=rights, broker=broker, clock=clock, poll=settings["CHANGE_POLL"]
    )
    backend = Backend(
        structure=structure,
        reader=reader,
        writer=Writer(share, reader, identity.passwords, _bound(settings, "MAX_BATCH_MUTATION")),
        guard=SystemGuard(identity, rights, activity),
        identity=identity,
        hub=hub,
        journal=journal,
        feed=feed,
        rights=rights,
        clock=clock,
        application=application,
        channels=Channels(short_id(), clock.now),
        background=background,
    )
    db.on_commit(feed.kick)
    structure.on_look(rights.invalidate)  # permissions go with what they are on
    structure.on_change(rights.follow_structure)
    structure.on_change(feed.follow_structure)
    identity.sessions.on_revoked(rights.end_session)
    identity.sessions.on_extended(rights.extend_session)
    return Parts(
        settings, clock, db, log, structure, identity, hub, journal, broker, feed, rights, backend, activity, background
    )


def open_database(settings: Settings) -> Database:
    """Return the database that the settings name; nothing is connected yet.

    Raises:
        SettingsError: there can be no such database.
    """
    with _fitting("DATABASE_URL"):
        return Database(settings.database_url, pool_size=settings["DB_POOL_SIZE"], patience=settings["QUERY_TIMEOUT"])


def reflect_options(settings: Settings) -> ReflectOptions:
    """Return what the settings say of tables."""
    tables = settings.tables
    return ReflectOptions(
        exclude=frozenset(name for name, table in tables.items() if table.exclude),
        special={name: table.special for name, table in tables.items() if table.special},
        rename={name: table.rename for name, table in tables.items() if table.rename},
        capture={name: table.capture for name, table in tables.items() if table.capture is not None},
        capture_all=settings["CAPTURE"],
    )


def query_limits(settings: Settings) -> Limits:
    """Return how many rows a read gives, and what a query may ask."""
    return Limits(
        settings["QUERY_LIMIT_DEFAULT"],
        _bound(settings, "QUERY_LIMIT_MAX"),
        rows=_bound(settings, "QUERY_ROWS_MAX"),
        depth=settings["MAX_RELATIONAL_DEPTH"],
        relations=settings["QUERY_RELATIONS_MAX"],
        conditions=settings["QUERY_CONDITIONS_MAX"],
    )


def identity_settings(settings: Settings) -> IdentitySettings:
    """Return what the settings say of credentials.

    Raises:
        SettingsError: a duration is not fit.
    """
    with _fitting("Tokens and sessions"):
        return IdentitySettings(
            access_ttl=settings["ACCESS_TOKEN_TTL"],
            refresh_ttl=settings["REFRESH_TOKEN_TTL"],
            session_ttl=settings["SESSION_COOKIE_TTL"],
            session_lifetime=settings["SESSION_LIFETIME"],
            refresh_grace=settings["SESSION_REFRESH_GRACE_PERIOD"],
            login_stall=settings["LOGIN_STALL_TIME"],
            ticket_ttl=settings["CONNECTION_TICKET_TTL"],
            activity=settings["ACTIVITY"] != Recorded.OFF,
        )


def graphql_options(settings: Settings) -> GraphqlOptions:
    """Return what the settings say of GraphQL.

    Raises:
        SettingsError: the file of documents cannot be read.
    """
    return GraphqlOptions(
        limits=DocumentLimits(
            tokens=settings["GRAPHQL_QUERY_TOKEN_LIMIT"],
            depth=settings["MAX_RELATIONAL_DEPTH"] + _LEVELS_BESIDE,
            aliases=settings["GRAPHQL_ALIASES_MAX"],
            roots=settings["GRAPHQL_ROOT_FIELDS_MAX"],
            rows=settings["GRAPHQL_ESTIMATED_ROWS_MAX"],
        ),
        introspection=settings["GRAPHQL_INTROSPECTION"],
        default_limit=settings["QUERY_LIMIT_DEFAULT"],
        rows=_bound(settings, "QUERY_ROWS_MAX"),
        seconds=settings["QUERY_TIMEOUT"],
        writes=_bound(settings, "MAX_BATCH_MUTATION"),
        documents=_documents(settings["GRAPHQL_DOCUMENTS"]),
        only_documents=settings["GRAPHQL_DOCUMENTS_ONLY"],
    )


def _documents(file: str) -> dict[str, str]:
    """Read the documents that clients may name: an object of texts by their names, which may be their digests."""
    if not file:
        return {}
    try:
        named = msgspec.json.decode(Path(file).read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError) as error:
        raise SettingsError(f"GRAPHQL_DOCUMENTS: {error}") from error
    return named | {hashlib.sha256(text.encode()).hexdigest(): text for text in named.values()}


def http_settings(settings: Settings) -> HttpSettings:
    """Return what the settings say of HTTP.

    Raises:
        SettingsError: a value cannot work.
    """
    with _fitting("HTTP"):
        return HttpSettings(
            public_url=settings["PUBLIC_URL"],
            project_name=settings["PROJECT_NAME"],
            max_payload_size=settings["MAX_PAYLOAD_SIZE"],
            trusted_proxies=settings["IP_TRUST_PROXY"],
            query_limit_default=settings["QUERY_LIMIT_DEFAULT"],
            query_limit_max=settings["QUERY_LIMIT_MAX"],
            cors=_cors(settings),
            refresh_cookie=_cookie(settings, "REFRESH_TOKEN", settings["REFRESH_TOKEN_TTL"]),
            session_cookie=_cookie(settings, "SESSION", settings["SESSION_COOKIE_TTL"]),
            websocket=_socket_info(settings),
            rate_limit=_request_quota(settings, "RATE_LIMITER"),
            strict_graphql=settings["GRAPHQL_STRICT_STATUS"] == "2026",
            rate_limit_global=_request_quota(settings, "RATE_LIMITER_GLOBAL"),
        )


def socket_policy(settings: Settings) -> AuthPolicy:
    """Return the rules of the Directus endpoint."""
    mode, timeout = Mode(settings["WEBSOCKETS_REST_AUTH"]), settings["WEBSOCKETS_REST_AUTH_TIMEOUT"]
    if mode is Mode.PUBLIC:
        return AuthPolicy(
            mode,
            timeout,
            on_reject=Reaction.DEMOTE,
            on_expiry=Reaction.DEMOTE,
            serves_expired=True,
            confirms_timeout=True,
        )
    return AuthPolicy(mode, timeout, serves_expired=True)


def logs_policy(settings: Settings) -> AuthPolicy:
    """Return the rules of the endpoint that tells the log: there is no time of grace for what began strictly."""
    mode = Mode(settings["WEBSOCKETS_LOGS_AUTH"])
    if mode is Mode.STRICT:
        return AuthPolicy(mode, timeout=0.0)
    on_failure = Reaction.DEMOTE if mode is Mode.PUBLIC else Reaction.CLOSE
    on_expiry = Reaction.DEMOTE if mode is Mode.PUBLIC else Reaction.GRACE
    return AuthPolicy(mode, settings["WEBSOCKETS_REST_AUTH_TIMEOUT"], on_reject=on_failure, on_expiry=on_expiry)


def graphql_policy(settings: Settings) -> AuthPolicy:
    """Return the rules of GraphQL's endpoint: whose credential fails goes, and comes again with another one."""
    return AuthPolicy(
        Mode(settings["WEBSOCKETS_GRAPHQL_AUTH"]),
        settings["WEBSOCKETS_GRAPHQL_AUTH_TIMEOUT"],
        on_expiry=Reaction.CLOSE,
        on_rights_changed=Reaction.CLOSE,
        first_message=settings["WEBSOCKETS_GRAPHQL_INIT_TIMEOUT"],
    )


def graphql_rejection(settings: Settings) -> tuple[int, str] | None:
    """Return the close of an upgrade without a good credential; None where it is refused."""
    is_strict = settings["WEBSOCKETS_GRAPHQL_AUTH"] == Mode.STRICT
    is_closed = is_strict and settings["WEBSOCKETS_GRAPHQL_STRICT_REJECT"] == "close4403"
    return (FORBIDDEN, GraphqlSocket.reasons[FORBIDDEN]) if is_closed else None


def graphql_pace(settings: Settings) -> Pace:
    """Return the numbers of GraphQL's endpoint: its clients read whatever arrives together."""
    return msgspec.structs.replace(socket_pace(settings), gap=None)


def graphql_limits(settings: Settings) -> SocketLimits:
    """Return how many sockets that endpoint may have; it counts an address's by itself."""
    return msgspec.structs.replace(socket_limits(settings), sockets=settings["WEBSOCKETS_GRAPHQL_CONN_LIMIT"])


def log_level(settings: Settings) -> Level:
    """Return the least level that can be followed."""
    return Level[settings["WEBSOCKETS_LOGS_LEVEL"].upper()]


def socket_pace(settings: Settings) -> Pace:
    """Return the numbers of the Directus endpoint."""
    heartbeat = settings["WEBSOCKETS_HEARTBEAT_PERIOD"] if settings["WEBSOCKETS_HEARTBEAT_ENABLED"] else None
    return Pace(
        gap=settings["WEBSOCKETS_REST_GATHER"],
        heartbeat=heartbeat,
        outbound=Mark(settings["WEBSOCKETS_REST_OUTBOUND_EVENTS"], settings["WEBSOCKETS_REST_OUTBOUND_BYTES"]),
        high_water=Mark(settings["WEBSOCKETS_REST_HIGH_WATER_EVENTS"], settings["WEBSOCKETS_REST_HIGH_WATER_BYTES"]),
        subscriptions=settings["WEBSOCKETS_REST_MAX_SUBSCRIPTIONS"],
        frame=settings["WEBSOCKETS_REST_MAX_MESSAGE"],
        first_frame=settings["WEBSOCKETS_REST_MAX_FIRST_MESSAGE"],
        messages=_message_quota(settings),
    )


def socket_limits(settings: Settings) -> SocketLimits:
    """Return how many sockets the Directus endpoint may have."""
    return SocketLimits(
        sockets=settings["WEBSOCKETS_REST_CONN_LIMIT"],
        per_address=settings["WEBSOCKETS_REST_ADDRESS_LIMIT"],
        unauthenticated=settings["WEBSOCKETS_REST_UNAUTHENTICATED_LIMIT"],
    )


def logs_pace(settings: Settings) -> Pace:
    """Return the numbers of the endpoint that tells the log: it gathers nothing, and there is one log to follow."""
    return msgspec.structs.replace(socket_pace(settings), gap=0.0, heartbeat=None, subscriptions=1)


def logs_limits(settings: Settings) -> SocketLimits:
    """Return how many sockets that endpoint may have; it counts an address's by itself."""
    return msgspec.structs.replace(socket_limits(settings), sockets=settings["WEBSOCKETS_LOGS_CONN_LIMIT"])


def _bound(settings: Settings, name: str) -> int | None:
    return None if settings[name] < 0 else settings[name]


def _message_quota(settings: Settings) -> Quota | None:
    if not settings["RATE_LIMITER_ENABLED"]:
        return None
    points, duration = settings["RATE_LIMITER_WEBSOCKETS_POINTS"], settings["RATE_LIMITER_WEBSOCKETS_DURATION"]
    return Quota(
        settings["RATE_LIMITER_POINTS"] if points is None else points,
        settings["RATE_LIMITER_DURATION"] if duration is None else duration,
    )


def _request_quota(settings: Settings, prefix: str) -> Quota | None:
    if not settings[f"{prefix}_ENABLED"]:
        return None
    return Quota(settings[f"{prefix}_POINTS"], settings[f"{prefix}_DURATION"])


@contextmanager
def _fitting(about: str) -> Iterator[None]:
    """Say what a part refuses as a mistake in the settings, which whoever starts the server can mend."""
    try:
        yield
    except ValueError as error:
        raise SettingsError(f"{about}: {error}") from error


def _cors(settings: Settings) -> CorsSettings:
    return CorsSettings(
        enabled=settings["CORS_ENABLED"],
        origins=settings["CORS_ORIGIN"],
        methods=settings["CORS_METHODS"],
        allowed_headers=settings["CORS_ALLOWED_HEADERS"],
        exposed_headers=settings["CORS_EXPOSED_HEADERS"],
        credentials=settings["CORS_CREDENTIALS"],
        max_age=settings["CORS_MAX_AGE"],
    )


def _cookie(settings: Settings, prefix: str, max_age: float) -> CookieSettings:
    return CookieSettings(
        name=settings[f"{prefix}_COOKIE_NAME"],
        max_age=max_age,
        secure=settings[f"{prefix}_COOKIE_SECURE"],
        same_site=settings[f"{prefix}_COOKIE_SAME_SITE"],
        domain=settings[f"{prefix}_COOKIE_DOMAIN"] or None,
    )


def _socket_info(settings: Settings) -> WebSocketInfo | None:
    if not settings["WEBSOCKETS_ENABLED"]:
        return None
    heartbeat = settings["WEBSOCKETS_HEARTBEAT_PERIOD"] if settings["WEBSOCKETS_HEARTBEAT_ENABLED"] else None
    return WebSocketInfo(
        authentication=settings["WEBSOCKETS_REST_AUTH"] if settings["WEBSOCKETS_REST_ENABLED"] else None,
        path=settings["WEBSOCKETS_REST_PATH"],
        graphql_authentication=settings["WEBSOCKETS_GRAPHQL_AUTH"] if settings["WEBSOCKETS_GRAPHQL_ENABLED"] else None,
        graphql_path=settings["WEBSOCKETS_GRAPHQL_PATH"],
        heartbeat=heartbeat,
        log_levels=levels_from(log_level(settings)) if settings["WEBSOCKETS_LOGS_ENABLED"] else None,
    )
