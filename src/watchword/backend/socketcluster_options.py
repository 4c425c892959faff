"""SocketClusterOptions: what can be set of one endpoint of the SocketCluster dialect."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

import msgspec

from watchword.backend.fifo import Batch
from watchword.backend.outbox import Mark
from watchword.backend.pace import Gathering, Pace, Pulse
from watchword.backend.streams import BACKLOG
from watchword.connection.policy import AuthPolicy, Mode, Reaction
from watchword.identity.claims_tokens import TokenKeys
from watchword.identity.outside import Identified, identity_of_claims


def _identity_of_own(claims: dict[str, Any]) -> Identified:
    """Return who a token of the application's own stands for: its `sub` or `id`, with no roles."""
    return identity_of_claims(claims, ("sub", "id"))


class SocketClusterOptions(msgspec.Struct, frozen=True, kw_only=True):
    """The options of one endpoint; times are seconds.

    Those that SocketCluster has are called as there, in small letters. `open_channels`: channels that no rule is about
    are everybody's. `collections`: what the names of channels begin with that are changes of a collection; None for no
    such channels. `answers_unknown`: calls that nobody hears get an error instead of silence. `call_limit`: calls that
    may be running for one socket; `call_timeout`: for how long the application may leave one without an answer.
    `stream_bound`: values that wait for one consumer. `anonymous_limit`: sockets of one address that are nobody's.
    `identify`: who a token of the endpoint's own stands for.
    """

    auth_key: str | bytes | None = None
    auth_private_key: str | bytes | None = None
    auth_public_key: str | bytes | None = None
    auth_algorithm: str | None = None
    auth_verify_algorithms: tuple[str, ...] | None = None
    auth_default_expiry: int = 86_400
    allow_client_publish: bool = True
    ack_timeout: float = 10.0
    handshake_timeout: float = 10.0
    strict_handshake: bool = True
    ping_interval: float = 8.0
    ping_timeout: float = 30.0
    ping_timeout_disabled: bool = False
    origins: str | tuple[str, ...] = "*:*"
    protocol_version: int = 2
    batch_on_handshake: bool = False
    batch_on_handshake_duration: float = 0.4
    batch_interval: float = 0.05
    middleware_emit_failures: bool = True
    socket_channel_limit: int = 1_000
    stream_cleanup_mode: str = "kill"
    max_payload: int = 256 * 1024
    codec_engine: Any = None
    open_channels: bool = True
    collections: str | None = "items/"
    answers_unknown: bool = False
    channel_name_limit: int = 1_024
    call_limit: int = 100
    call_timeout: float = 60.0
    stream_bound: int = BACKLOG
    anonymous_limit: int = 10_000
    outbound: Mark = Mark(10_000, 16 * 1024**2)
    high_water: Mark = Mark(1_000, 1024**2)
    identify: Callable[[dict[str, Any]], Identified] = _identity_of_own

    def __post_init__(self) -> None:
        if self.protocol_version not in {1, 2}:
            raise ValueError("protocol_version must be 1 or 2")
        if self.stream_cleanup_mode not in {"kill", "close", "none"}:
            raise ValueError("stream_cleanup_mode must be kill, close or none")

    @property
    def batch(self) -> Batch:
        """How a socket gathers that is told to."""
        return Batch(self.batch_interval)

    @property
    def keys(self) -> TokenKeys:
        """What tokens are signed by; a secret of the process' own where none is given."""
        pair = self.auth_private_key is not None or self.auth_public_key is not None
        secret = self.auth_key if self.auth_key is not None or pair else secrets.token_hex(32)
        return TokenKeys(
            secret=None if pair else secret,
            private_key=self.auth_private_key,
            public_key=self.auth_public_key,
            algorithm=self.auth_algorithm,
            verify_algorithms=self.auth_verify_algorithms,
            expires_in=self.auth_default_expiry,
        )

    @property
    def policy(self) -> AuthPolicy:
        """Who may be nobody: everybody, once the handshake is done."""
        return AuthPolicy(
            Mode.HANDSHAKE,
            self.handshake_timeout,
            on_reject=Reaction.DEMOTE,
            on_expiry=Reaction.DEMOTE,
            on_revoke=Reaction.DEMOTE,
            opens=True,
            numbered=True,
            serves_unopened=not self.strict_handshake,
        )

    @property
    def pace(self) -> Pace:
        """The numbers of its conversations."""
        gathering = Gathering(self.batch_interval, self.batch_on_handshake_duration)
        return Pace(
            gap=None,
            outbound=self.outbound,
            high_water=self.high_water,
            heartbeat=None if self.ping_timeout_disabled else Pulse(self.ping_interval, self.ping_timeout),
            subscriptions=self.socket_channel_limit,
            frame=self.max_payload,
            first_frame=self.max_payload,
            calls=self.call_limit,
            batch=gathering if self.batch_on_handshake else None,
        )
