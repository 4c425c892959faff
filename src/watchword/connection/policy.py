"""AuthPolicy: what a mode means, as values. Modes and dialects differ in nothing else."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Mode(StrEnum):
    """How a socket comes to an identity.

    `public`: open to all, as the public role; a message can raise it. `handshake`: the first message must authenticate.
    `strict`: the upgrade request must carry a good credential.
    """

    PUBLIC = "public"
    HANDSHAKE = "handshake"
    STRICT = "strict"


class Reaction(StrEnum):
    """What becomes of an active connection whose identity fails it."""

    CLOSE = "close"
    DEMOTE = "demote"
    GRACE = "grace"


class AuthPolicy(msgspec.Struct, frozen=True):
    """The rules of one endpoint. `timeout` is seconds: for the first credential, and for a new one after expiry.

    `on_reject` (CLOSE or DEMOTE) is for a bad credential on an active connection, `on_expiry` for the end of the
    credential's life, `on_revoke` (CLOSE or DEMOTE) for its withdrawal. `serves_expired` lets a connection in grace go
    on as the public; otherwise it may only authenticate and ping. `confirms_timeout` tells a demoted connection when
    the time for a new credential is over.

    With `opens`, a connection waits for the dialect's first message, which may bring a credential or not; a bad one
    leaves the public. Nothing else may come before it, unless `serves_unopened`.
    """

    mode: Mode
    timeout: float = 10.0
    on_reject: Reaction = Reaction.CLOSE
    on_expiry: Reaction = Reaction.GRACE
    on_revoke: Reaction = Reaction.CLOSE
    serves_expired: bool = False
    confirms_timeout: bool = False
    opens: bool = False
    serves_unopened: bool = False
