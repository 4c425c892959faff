"""Operations: everything that a client can ask over a connection, whatever dialect it speaks.

`id` is what the client calls the message, given back untouched with its outcome; None when it gave none.
"""

from __future__ import annotations

from typing import Any

import msgspec

from watchword.access.permissions import Action
from watchword.base.errors import Problem
from watchword.base.secret import Secret
from watchword.protocol.projection import Projection
from watchword.query.query import Query

Id = str | int | float | None

ABSENT = msgspec.UNSET
"""What stands for a value that was not given, where null is a value."""


class AccessToken(msgspec.Struct, frozen=True):
    """A bearer credential: an access token of a session, or a static token."""

    token: Secret


class RefreshToken(msgspec.Struct, frozen=True):
    """A refresh token, rotated by its use."""

    token: Secret


class Password(msgspec.Struct, frozen=True):
    """An e-mail address and a password; starts a session."""

    email: str
    password: Secret
    otp: str | None = None


class ConnectionTicket(msgspec.Struct, frozen=True):
    """What stands for a bearer credential in the URL of an upgrade request, once; nowhere else is it one."""

    token: Secret


Credential = AccessToken | RefreshToken | Password | ConnectionTicket


class Open(msgspec.Struct, frozen=True):
    """Begin, where a dialect has a first message for that: with a credential, or as the public.

    `problem` says what is wrong with a credential that is none. `params` is what the client tells along with it.
    """

    credential: Credential | None = None
    id: Id = None
    problem: Problem | None = None
    params: dict[str, str] = {}


class Authenticate(msgspec.Struct, frozen=True):
    """Say who is at the other end. `problem` says what is wrong with a credential that is none.

    `answer` is the client's answer to a challenge of the server's.
    """

    credential: Credential
    id: Id = None
    problem: Problem | None = None
    answer: str | None = None


class Deauthenticate(msgspec.Struct, frozen=True):
    """Be the public again; the session goes on elsewhere."""

    id: Id = None


class Ping(msgspec.Struct, frozen=True):
    """Ask for a sign of life."""

    id: Id = None


class Ignore(msgspec.Struct, frozen=True):
    """A frame that asks for nothing: a pong, or a type that the dialect does not know."""

    id: Id = None


class Raw(msgspec.Struct, frozen=True):
    """A message that is none of the dialect's; an application may know what to do with it."""

    data: Any


class Respond(msgspec.Struct, frozen=True):
    """Have the dialect's own answer written, whoever is at the other end: it says nothing that anybody may not know."""

    frame: str | bytes
    id: Id = None


class Break(msgspec.Struct, frozen=True):
    """Close with a code and a reason: the client does not keep to the protocol, or has said that it leaves."""

    code: int
    text: str = ""
    id: Id = None


class Invalid(msgspec.Struct, frozen=True):
    """A frame that could not be understood; `kind` is the dialect's name for what it seemed to be."""

    problem: Problem
    kind: str
    id: Id = None


class Read(msgspec.Struct, frozen=True):
    """Read items: one by `key`, some by `keys`, else those that `query` takes."""

    query: Query
    key: Any = None
    keys: tuple[Any, ...] | None = None
    id: Id = None


class Create(msgspec.Struct, frozen=True):
    """Create one item (`data` a mapping) or many (`data` a list); `query` shapes what comes back."""

    query: Query
    data: Any
    id: Id = None


class Update(msgspec.Struct, frozen=True):
    """Update by `key`, by `keys`, each row of the list `data` by the key it holds, or every row that `query` takes.

    `query` also shapes what comes back.
    """

    query: Query
    data: Any
    key: Any = None
    keys: tuple[Any, ...] | None = None
    id: Id = None


class Delete(msgspec.Struct, frozen=True):
    """Delete by `key`, by `keys`, or every row that `query` takes."""

    query: Query
    key: Any = None
    keys: tuple[Any, ...] | None = None
    id: Id = None


class Subscribe(msgspec.Struct, frozen=True):
    """Follow what `query` takes. `subscription` names it on this connection; the same name again replaces it.

    `event` limits the kind of change and leaves out the initial data; `item` limits to one item, by its key. `since` is
    a position that an event or an outcome told: what came after it is told instead of the initial data. Where that
    cannot be told any more, everything is told anew, or with `must_resume` it is an error.

    Without `initial` there is no such data, and the subscription ends where all would have to be told anew. A
    `projection` writes its events.
    """

    subscription: str | None
    query: Query
    event: Action | None = None
    item: str | int | None = None
    since: str | None = None
    id: Id = None
    must_resume: bool = False
    initial: bool = True
    projection: Projection | None = None


class Execute(msgspec.Struct, frozen=True):
    """Run an operation of a document that says itself what it asks: a query, a mutation or a subscription.

    `text` is the document, `digest` what it is known by; with `listed`, by the server's own list alone. `operation`
    names one of several, `variables` are their values. `subscription` is what a subscription is called.
    """

    text: str | None = None
    operation: str | None = None
    variables: dict[str, Any] = {}
    digest: str | None = None
    listed: bool = False
    subscription: str | None = None
    id: Id = None


class FollowLog(msgspec.Struct, frozen=True):
    """Follow the server's own log from a level upwards, by the level's name; once more replaces the level.

    On a connection it is the subscription without a name.
    """

    level: str
    id: Id = None


class Join(msgspec.Struct, frozen=True):
    """Hear what is published on a channel, from now on. `data` is the subscriber's word to the application.

    `subscription` names it on this connection, by default as the channel is called.
    """

    channel: str
    data: Any = ABSENT
    id: Id = None
    subscription: str | None = None

    @property
    def name(self) -> str:
        """What the subscription is called on its connection."""
        return self.channel if self.subscription is None else self.subscription


class Unsubscribe(msgspec.Struct, frozen=True):
    """Stop following; without `subscription`, stop all of the connection.

    The subscription to a channel has the channel's name. With `must_exist`, it is an error where there is none.
    """

    subscription: str | None = None
    id: Id = None
    must_exist: bool = False


class Publish(msgspec.Struct, frozen=True):
    """Tell everybody who has joined a channel. Without `id` nobody wants an answer."""

    channel: str
    data: Any = ABSENT
    id: Id = None


class Manner(msgspec.Struct, frozen=True):
    """How values go over a connection. `native`: as Python has them, dates and bytes and sets; else as JSON.

    `streams`: a result may be many values, as they come, or hold some that come later.
    """

    native: bool = False
    streams: bool = False


PLAIN = Manner()


class Invoke(msgspec.Struct, frozen=True):
    """Call a procedure and wait for its result. One that is not of the `kind` that the client takes it for is none."""

    procedure: str
    data: Any = ABSENT
    id: Id = None
    kind: str | None = None
    manner: Manner = PLAIN


class Watch(msgspec.Struct, frozen=True):
    """Call a procedure that gives values as they come, until it ends or is not wanted any more.

    `subscription` names it on this connection; there cannot be two of a name. `since` is the id of the last value that
    the client has got.
    """

    subscription: str
    procedure: str
    data: Any = ABSENT
    since: str | None = None
    id: Id = None
    manner: Manner = PLAIN


class Transmit(msgspec.Struct, frozen=True):
    """Tell the application of something that wants no answer."""

    event: str
    data: Any = ABSENT
    id: Id = None


class Answer(msgspec.Struct, frozen=True):
    """The client's answer to a call of the server's: `data`, or `error` as the client told it."""

    call: Id
    data: Any = ABSENT
    error: Any = ABSENT
    id: Id = None


Write = Create | Update | Delete
Operation = (
    Open
    | Authenticate
    | Deauthenticate
    | Ping
    | Ignore
    | Raw
    | Respond
    | Break
    | Invalid
    | Read
    | Write
    | Subscribe
    | Execute
    | FollowLog
    | Join
    | Unsubscribe
    | Publish
    | Invoke
    | Watch
    | Transmit
    | Answer
)
