"""Outcomes: everything that a client can be told in answer to an operation, or by the server on its own."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

from watchword.base.errors import Problem
from watchword.protocol.operations import ABSENT, Id, Operation
from watchword.protocol.projection import Projection


class Cause(StrEnum):
    """Why the server closes a connection of its own accord."""

    NOT_OPENED = "no first message in time"
    REFUSED = "the first message was refused"
    EARLY = "a message before the first one was answered"
    SILENT = "no sign of life"


class Opened(msgspec.Struct, frozen=True):
    """The connection has begun. `problem` says why the credential that came with it was not good."""

    id: Id = None
    is_authenticated: bool = False
    problem: Problem | None = None


class Issued(msgspec.Struct, frozen=True):
    """The server gives the client a token to keep. With `call`, the client is to say that it has it."""

    token: str
    call: int | None = None


class Deauthenticated(msgspec.Struct, frozen=True):
    """The client is the public now, and has no token any more. With `call`, it is to say that it has heard."""

    call: int | None = None


class Called(msgspec.Struct, frozen=True):
    """The server calls a procedure of the client's; without `call` it only tells it something."""

    procedure: str
    data: Any = ABSENT
    call: int | None = None


class Authenticated(msgspec.Struct, frozen=True):
    """The credential was good, until `expires_at` (epoch seconds; None without end).

    `refresh_token` and `access_token` come with a login and with a refresh.
    """

    id: Id = None
    refresh_token: str | None = None
    access_token: str | None = None
    expires_at: float | None = None


class Refused(msgspec.Struct, frozen=True):
    """About the authentication: a credential was bad, has expired, was withdrawn, or none came in time.

    `presented` is true when this answers a credential that the client has just presented on an open connection. With
    `goes_on` the connection is the public's now, and nothing else is to be said of that.
    """

    problem: Problem
    id: Id = None
    presented: bool = False
    goes_on: bool = False


class Reply(msgspec.Struct, frozen=True):
    """The result of an operation. `meta` holds counts where they were asked for."""

    data: Any
    meta: dict[str, int] | None = None
    id: Id = None


class Subscribed(msgspec.Struct, frozen=True):
    """The subscription stands. `data` is the initial result; `has_data` is false where none was asked for.

    Of the server's log, `data` is the level's name. `position` is where it begins. `lost` says why what came
    after the position asked for cannot be told; then `data` is the whole result. `projection` writes its events.
    """

    subscription: str | None
    data: Any = None
    meta: dict[str, int] | None = None
    has_data: bool = True
    position: str | None = None
    lost: Problem | None = None
    id: Id = None
    projection: Projection | None = None


class Value(msgspec.Struct, frozen=True):
    """One value of a subscription to a procedure; with `mark`, under an id that the client can come back with."""

    subscription: str
    data: Any
    mark: str | None = None


class Ended(msgspec.Struct, frozen=True):
    """The subscription is no more; nothing of it follows. `problem` says why the server ended it on its own."""

    subscription: str | None
    id: Id = None
    problem: Problem | None = None


class Failure(msgspec.Struct, frozen=True):
    """An operation was refused or failed; the connection goes on."""

    operation: Operation
    problem: Problem


class Pong(msgspec.Struct, frozen=True):
    """The answer to a ping. `expires_at` is until when the connection's identity is good (epoch seconds)."""

    id: Id = None
    expires_at: float | None = None


class Renew(msgspec.Struct, frozen=True):
    """The client had better connect anew, with a new credential; what it has here goes on until it has."""


class Heartbeat(msgspec.Struct, frozen=True):
    """The server asks for a sign of life. Everything up to `position` has been told to whoever may see it."""

    position: str | None = None


Outcome = (
    Opened
    | Authenticated
    | Refused
    | Issued
    | Deauthenticated
    | Reply
    | Subscribed
    | Value
    | Ended
    | Failure
    | Called
    | Pong
    | Renew
    | Heartbeat
)
