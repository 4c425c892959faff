"""The types of the procedures that every mount has, written by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from watchword.app.typescript import types as ts
from watchword.app.typescript.types import Doc, Type
from watchword.backend.procedures import Kind

if TYPE_CHECKING:
    from collections.abc import Iterator

    from watchword.http.trpc.options import TrpcOptions

DECLARATIONS: dict[str, str] = {
    "WatchwordChallenge": '''\
/** What the client is asked, of the connection or of one of its subscriptions. */
export interface WatchwordChallenge {
  /** What the answer brings back. */
  nonce: string;
  /** Until when it has to be answered, in milliseconds since 1970. */
  expiresAt: number;
  /** The subscription that is to be proven with a new ticket; null where it is the connection. */
  subscription: { path: string; input: unknown } | null;
}''',
    "WatchwordChange": '''\
/**
 * What has happened in a collection: all there is at first, then one change after the other.
 *
 * `lost` says why what came after `lastEventId` cannot be told; `data` is all there is, then.
 */
export type WatchwordChange =
  | { event: "init"; data: Record<string, unknown>[] | null; lost?: string }
  | { event: "create" | "update"; data: Record<string, unknown> }
  | { event: "delete"; data: string | number };''',
    "WatchwordCredentials": '''\
/** An access token, or an address and a password; `nonce` answers a challenge. */
export type WatchwordCredentials =
  | { token: string; nonce?: string | null }
  | { email: string; password: string; otp?: string | null; nonce?: string | null };''',
    "WatchwordErrorShape": '''\
/** An error as clients get it, in `shape`; `data` is also in `TRPCClientError.data`. */
export type WatchwordErrorShape = TRPCErrorShape<{
  code: TRPC_ERROR_CODE_KEY;
  httpStatus: number;
  path?: string;
  /** What is wrong with which member of the input. */
  fieldErrors?: Record<string, string[]>;
  /** What it is more exactly, where a client may act on that: `TOKEN_EXPIRED`, `POSITION_LOST`, `USER_SUSPENDED`. */
  problem?: string;
}>;''',
    "WatchwordMessage": '''\
/**
 * What is said on a channel; at first `init` tells where it begins, if the channel has a history.
 *
 * `lost` says why what came after `lastEventId` cannot be told.
 */
export type WatchwordMessage =
  | { event: "init"; data: null; lost?: string }
  | { event: "message"; data: unknown };''',
    "WatchwordQuery": '''\
/** Which items, and what of them: the same parameters as of `GET /items`. */
export interface WatchwordQuery {
  fields?: string | (string | Record<string, unknown>)[];
  filter?: Record<string, unknown>;
  search?: string;
  sort?: string | string[];
  limit?: number;
  offset?: number;
  page?: number;
  deep?: Record<string, unknown>;
  alias?: Record<string, string>;
  aggregate?: Record<string, string | string[]>;
  groupBy?: string | string[];
}''',
    "WatchwordSession": '''\
/** Who has authenticated: until when, and the tokens, where new ones were given. */
export interface WatchwordSession {
  /** In milliseconds since 1970; null for ever. */
  expiresAt: number | null;
  accessToken?: string;
  refreshToken?: string;
}''',
}  # fmt: skip
"""Declarations by name. Those that a file does not speak of are left out of it."""


class Leaf(msgspec.Struct, frozen=True):
    """A procedure as clients see it."""

    kind: Kind
    input: Type
    output: Type
    doc: Doc


def built_ins(options: TrpcOptions, tickets: Type | None) -> Iterator[tuple[str, Leaf]]:
    """Yield the procedures that a mount has built in, by path; `tickets` is what tickets can be had for."""
    names = options.built_ins
    asks = options.challenge is not None
    nothing = ts.nothing(is_native=options.wire.superjson)
    listed: list[tuple[str | None, Leaf]] = [
        (names.authenticate, _AUTHENTICATE),
        (names.refresh, _REFRESH),
        (names.challenges if asks else None, _CHALLENGES),
        (names.prove if asks else None, replace(_PROVE, output=nothing)),
        (names.ticket, replace(_TICKET, input=tickets or _TICKET.input)),
        (names.changes, _CHANGES),
        (names.messages, _MESSAGES),
    ]
    for name, leaf in listed:
        if name is not None:
            yield name, leaf


def ticket_for(path: str, given: Type | None, *, is_required: bool) -> Type:
    """Return how a ticket for a subscription is asked for; `given` is what that is begun with, but for the ticket."""
    bound = () if given is None else (ts.Member("input", given, not is_required),)
    return ts.Members((ts.Member("path", ts.Literals((path,))), *bound, _EXPIRES_IN))


_EXPIRES_IN = ts.Member("expiresIn", ts.NUMBER, optional=True)
_NULLABLE = ts.one_of((ts.STRING, ts.NULL))
_ON_LOST = ts.Literals(("restart", "error"))
_RESUMING = (
    ts.Member("lastEventId", _NULLABLE, True, ("The id of the last event that the client has got.",)),
    ts.Member(
        "onLost",
        _ON_LOST,
        True,
        (
            "What is to happen where it cannot be told what came after `lastEventId`: begin again, or fail.",
            '@default "restart"',
        ),
    ),
)
_ACTIONS = ts.Literals(("create", "update", "delete"))

_AUTHENTICATE = Leaf(
    Kind.MUTATION,
    ts.Word("WatchwordCredentials"),
    ts.Word("WatchwordSession"),
    ("Says who is at this end of the socket, from now on. Only over a WebSocket.",),
)
_REFRESH = Leaf(
    Kind.MUTATION,
    ts.Members((ts.Member("refreshToken", ts.STRING),)),
    ts.Word("WatchwordSession"),
    ("Authenticates the socket by a refresh token, which is exchanged for new tokens. Only over a WebSocket.",),
)
_CHALLENGES = Leaf(
    Kind.SUBSCRIPTION,
    ts.VOID,
    ts.stream_of(ts.Word("WatchwordChallenge")),
    (
        "Gives what the client has to answer to stay: of the connection by `authenticate` with the `nonce`, of a",
        "subscription by `prove`. Only over a WebSocket.",
    ),
)
_PROVE = Leaf(
    Kind.MUTATION,
    ts.Members((ts.Member("nonce", ts.STRING), ts.Member("ticket", ts.STRING))),
    ts.NULL,
    ("Answers the challenge of a subscription with a new ticket for it. Only over a WebSocket.",),
)
_TICKET = Leaf(
    Kind.MUTATION,
    ts.Members((ts.Member("path", ts.STRING), ts.Member("input", ts.UNKNOWN, optional=True), _EXPIRES_IN)),
    ts.Members((ts.Member("ticket", ts.STRING), ts.Member("expiresAt", ts.NUMBER))),
    (
        "Gives a ticket for one subscription with one input. `expiresIn` is in seconds, `expiresAt` in milliseconds",
        "since 1970.",
    ),
)
_CHANGES = Leaf(
    Kind.SUBSCRIPTION,
    ts.Members(
        (
            ts.Member("collection", ts.STRING),
            ts.Member("query", ts.one_of((ts.Word("WatchwordQuery"), ts.NULL)), optional=True),
            ts.Member("event", ts.one_of((_ACTIONS, ts.NULL)), True, ("Only what happens in this way.",)),
            ts.Member("item", ts.one_of((ts.STRING, ts.NUMBER, ts.NULL)), True, ("Only the item of this key.",)),
            *_RESUMING,
        )
    ),
    ts.stream_of(ts.tracked(ts.Word("WatchwordChange"))),
    ("Follows a collection: what the caller may read of it, and every change to that.",),
)
_MESSAGES = Leaf(
    Kind.SUBSCRIPTION,
    ts.Members(
        (
            ts.Member("channel", ts.STRING),
            ts.Member(
                "history", ts.one_of((ts.NUMBER, ts.NULL)), True, ("How many of the last messages to begin with.",)
            ),
            ts.Member("data", ts.UNKNOWN, True, ("What the application's rules for the channel are given.",)),
            *_RESUMING,
        )
    ),
    ts.stream_of(ts.one_of((ts.tracked(ts.Word("WatchwordMessage")), ts.Word("WatchwordMessage")))),
    ("Follows a channel. Messages have an id where the channel has a history.",),
)
