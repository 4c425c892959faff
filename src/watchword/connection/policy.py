"""AuthPolicy: what a mode means, as values. Modes and dialects differ in nothing else."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

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
    credential's life, `on_revoke` (CLOSE or DEMOTE) for its withdrawal, `on_rights_changed` for other rights of whoever
    acts: CLOSE, or None to let what is followed go on under them. `serves_expired` lets a connection in grace go
    on as the public; otherwise it may only authenticate and ping. `confirms_timeout` tells a demoted connection when
    the time for a new credential is over.

    With `opens`, a connection waits for the dialect's first message, which may bring a credential or not; a bad one
    leaves the public, unless the connection is `guarded`. Nothing else may come before it, unless `serves_unopened`;
    where it is `numbered`, it has to have an id.

    A `guarded` connection is refused for a bad credential in its first message or its upgrade, and in the mode STRICT
    for none. `on_message_expiry` is for an identity that a later message has brought, by default as `on_expiry`.
    `renew` is the part of its life after which a credential that came with the connection should be renewed; None asks
    for nothing. `linger`: seconds for which a refused connection still answers, with the reason; until then what it
    asks has not been lost on its way, and its client hears why.

    `first_message`: seconds from the opening within which the client has to ask for something, whoever it is known to
    be by then; None sets no bound.
    """

    mode: Mode
    timeout: float = 10.0
    on_reject: Reaction = Reaction.CLOSE
    on_expiry: Reaction = Reaction.GRACE
    on_revoke: Reaction = Reaction.CLOSE
    on_rights_changed: Literal[Reaction.CLOSE] | None = None
    serves_expired: bool = False
    confirms_timeout: bool = False
    opens: bool = False
    serves_unopened: bool = False
    numbered: bool = False
    guarded: bool = False
    on_message_expiry: Reaction | None = None
    renew: float | None = None
    linger: float = 0.0
    first_message: float | None = None
