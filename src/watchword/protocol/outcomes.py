"""Outcomes: everything that a client can be told in answer to an operation, or by the server on its own."""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.base.errors import Problem
from watchword.protocol.operations import Id, Operation


class Authenticated(msgspec.Struct, frozen=True):
    """The credential was good. `refresh_token` comes with a login and with a refresh."""

    id: Id = None
    refresh_token: str | None = None


class Refused(msgspec.Struct, frozen=True):
    """About the authentication: a credential was bad, has expired, was withdrawn, or none came in time.

    `presented` is true when this answers a credential that the client has just presented on an open connection.
    """

    problem: Problem
    id: Id = None
    presented: bool = False


class Reply(msgspec.Struct, frozen=True):
    """The result of a read or a write. `meta` holds counts where they were asked for."""

    data: Any
    meta: dict[str, int] | None = None
    id: Id = None


class Subscribed(msgspec.Struct, frozen=True):
    """The subscription stands. `data` is the initial result; `has_data` is false where none was asked for.

    Of the server's log, `data` is the level's name. `position` is where it begins. `lost` says why what came
    after the position asked for cannot be told; then `data` is the whole result.
    """

    subscription: str | None
    data: Any = None
    meta: dict[str, int] | None = None
    has_data: bool = True
    position: str | None = None
    lost: Problem | None = None


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
    """The answer to a ping."""

    id: Id = None


class Heartbeat(msgspec.Struct, frozen=True):
    """The server asks for a sign of life. Everything up to `position` has been told to whoever may see it."""

    position: str | None = None


Outcome = Authenticated | Refused | Reply | Subscribed | Ended | Failure | Pong | Heartbeat
