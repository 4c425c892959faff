"""An application in Python for tests of `socketcluster-client`: `python application.py DATABASE_URL --host … --port …`.

Its people log in by procedures and may do on channels what their tokens say. Each endpoint has options of its own.
"""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from typing import Any

from watchword import (
    Action,
    ActionType,
    Blocked,
    Call,
    Claim,
    Client,
    Code,
    Identified,
    Problem,
    Socket,
    Thrown,
    Watchword,
)
from watchword.app.logs import configure_logs
from watchword.app.serve import serve

PEOPLE = {"ann": ("ann's word", "news"), "bob": ("bob's word", "sports")}

KEY = os.environ["OWN_KEY"]
_database, _host, _port = sys.argv[1], sys.argv[3], int(sys.argv[5])
app = Watchword(database_url=_database, host=_host, port=_port)


class Codec:
    """JSON as base64: what both ends may use in place of JSON."""

    def encode(self, packet: Any) -> str:
        """Return a message."""
        return base64.b64encode(json.dumps(packet).encode()).decode()

    def decode(self, frame: str | bytes) -> Any:
        """Return what a message says."""
        return json.loads(base64.b64decode(frame, validate=True))


main = app.socketcluster("/socketcluster/", auth_key=KEY)
quick = app.socketcluster("/quick/", auth_key=KEY, ping_interval=0.1, ping_timeout=0.4)
mute = app.socketcluster("/mute/", ping_timeout_disabled=True, ping_timeout=0.3)
hasty = app.socketcluster("/hasty/", handshake_timeout=0.2, ping_interval=0.05)
lenient = app.socketcluster("/lenient/", auth_key=KEY, strict_handshake=False)
old = app.socketcluster("/old/", protocol_version=1, ping_interval=0.1)
listed = app.socketcluster("/listed/", origins=("example.com:*", "*:8443", "exact.example:80"))
guarded = app.socketcluster("/guarded/", auth_key=KEY)
batching = app.socketcluster("/batching/", batch_on_handshake=True, batch_interval=0.02)
answering = app.socketcluster("/answering/", answers_unknown=True, ack_timeout=0.3)
narrow = app.socketcluster("/narrow/", socket_channel_limit=2, open_channels=False)
coded = app.socketcluster("/coded/", codec_engine=Codec())
silent = app.socketcluster("/silent/", allow_client_publish=False)
bounded = app.socketcluster("/bounded/", call_limit=20)
rsa = app.socketcluster("/rsa/", auth_private_key=os.environ["RSA_PRIVATE"], auth_public_key=os.environ["RSA_PUBLIC"])
curve = app.socketcluster("/ec/", auth_private_key=os.environ["EC_PRIVATE"], auth_public_key=os.environ["EC_PUBLIC"])
endpoints = (
    main,
    quick,
    mute,
    hasty,
    lenient,
    old,
    listed,
    guarded,
    batching,
    answering,
    narrow,
    silent,
    bounded,
    coded,
)

app.channel("desk/{name}", subscribe=Claim("channels"), publish=Claim("channels"))
app.channel("minutes", publish=True, history=3)
app.channel("lobby", publish=True, presence=True)
app.channel("board", publish=False)


# -- procedures, over sockets and over HTTP ---------------------------------------------------------------------------


@app.mutation
async def token(call: Call, name: str, password: str) -> str:
    """Return a token to present in a handshake."""
    return main.sign_token(_claims(name, password))


@app.query
async def add(call: Call, left: int, right: int) -> int:
    """Return a sum."""
    return left + right


@app.query
async def wait(call: Call, seconds: float) -> float:
    """Take some time."""
    await asyncio.sleep(seconds)
    return seconds


@app.procedures.query(authenticated=True)
async def whoami(call: Call) -> dict[str, Any]:
    """Return who calls, over what."""
    return {"name": call.claims.get("sub"), "user": call.principal.user, "dialect": call.dialect}


@app.mutation
async def post(call: Call, channel: str, data: Any) -> None:
    """Publish as the server itself."""
    await call.exchange.publish(channel, data)


def _claims(name: str, password: str) -> dict[str, Any]:
    known, beat = PEOPLE.get(name, (None, ""))
    if known is None or password != known:
        raise Problem(Code.INVALID_CREDENTIALS, "Wrong name or password", name="LoginError", attempts=1)
    return {"sub": name, "channels": [f"desk/{beat}"], "wires": [f"wire/{beat}"]}


@app.authenticator("passes")
async def passes(token: str, client: Client) -> Identified | None:
    """Know people by passes that somebody else has issued."""
    if not token.startswith("pass:"):
        return None
    name = token.removeprefix("pass:")
    if name == "void":
        raise Problem(Code.INVALID_TOKEN, "This pass is void")
    if name == "later":
        raise Problem(Code.SERVICE_UNAVAILABLE, "The office is closed")
    return Identified(name, claims={"sub": name, "channels": [f"desk/{name}"]})


# -- sockets ----------------------------------------------------------------------------------------------------------


async def attend(socket: Socket) -> None:
    """Hear everything that the scripts ask of a socket."""
    async with asyncio.TaskGroup() as group:
        for name, answer in ANSWERS.items():
            group.create_task(_answer(socket, name, answer))
        group.create_task(_echo(socket))


async def _answer(socket: Socket, name: str, answer: Any) -> None:
    async for request in socket.procedure(name):
        try:
            result = await answer(socket, request.data)
        except Exception as error:  # noqa: BLE001 - whatever it is, the client is told
            request.error(error)
        else:
            request.end(*result)


async def _echo(socket: Socket) -> None:
    async for data in socket.receiver("say"):
        socket.transmit("said", data)


async def _login(socket: Socket, data: Any) -> tuple[Any, ...]:
    claims = _claims(data.get("name"), data.get("password"))
    await socket.set_auth_token(claims, **data.get("options", {}))
    return (claims["sub"],)


async def _member(socket: Socket, data: Any) -> tuple[Any, ...]:
    await socket.log_in(data["email"], data["password"])
    return ()


async def _renew(socket: Socket, data: Any) -> tuple[Any, ...]:
    socket.renew_every(data)
    return ()


async def _logout(socket: Socket, data: Any) -> tuple[Any, ...]:
    await socket.deauthenticate()
    return ()


async def _logout_surely(socket: Socket, data: Any) -> tuple[Any, ...]:
    await socket.deauthenticate(reject_on_failed_delivery=True)
    return ()


async def _login_surely(socket: Socket, data: Any) -> tuple[Any, ...]:
    await socket.set_auth_token({"sub": "ann"}, reject_on_failed_delivery=True)
    return ()


async def _fail(socket: Socket, data: Any) -> tuple[Any, ...]:
    match data:
        case "problem":
            raise Problem(Code.FORBIDDEN, "Not on Sundays", name="SundayError", day=7)
        case "thrown":
            raise Thrown({"name": "OwnError", "message": "Of its own", "details": {"a": [1, None]}})
        case "text":
            raise Thrown("only words")
        case _:
            raise KeyError("nothing of that name")


async def _mirror(socket: Socket, data: Any) -> tuple[Any, ...]:
    return (data,)


async def _nothing(socket: Socket, data: Any) -> tuple[Any, ...]:
    return ()


async def _kick(socket: Socket, data: Any) -> tuple[Any, ...]:
    socket.kick_out(data["channel"], data["message"])
    return ()


async def _disconnect(socket: Socket, data: Any) -> tuple[Any, ...]:
    socket.disconnect(data["code"], data["reason"])
    return ()


async def _ask_back(socket: Socket, data: Any) -> tuple[Any, ...]:
    return (await socket.invoke(data["procedure"], data.get("data"), ack_timeout=data.get("patience")),)


async def _burst(socket: Socket, data: Any) -> tuple[Any, ...]:
    if data["batching"]:
        socket.start_batching()
    for number in range(data["count"]):
        socket.transmit("said", number)
    if data["batching"]:
        socket.stop_batching()
    return ()


async def _state(socket: Socket, data: Any) -> tuple[Any, ...]:
    return ({"id": socket.id, "state": socket.auth_state, "channels": socket.subscriptions()},)


async def _bytes(socket: Socket, data: Any) -> tuple[Any, ...]:
    return ({"bytes": b"ab", "list": [bytearray(b"c")]},)


async def _revoke(socket: Socket, data: Any) -> tuple[Any, ...]:
    await main.revoke(user=data["user"])
    return ()


async def _revoke_pass(socket: Socket, data: Any) -> tuple[Any, ...]:
    await app.revoke("passes", user=data["user"])
    return ()


async def _sockets(socket: Socket, data: Any) -> tuple[Any, ...]:
    return (sum(endpoint.clients_count for endpoint in endpoints),)


ANSWERS = {
    "login": _login,
    "loginSurely": _login_surely,
    "logInAsMember": _member,
    "renew": _renew,
    "logout": _logout,
    "logoutSurely": _logout_surely,
    "fail": _fail,
    "mirror": _mirror,
    "nothing": _nothing,
    "kick": _kick,
    "disconnect": _disconnect,
    "askBack": _ask_back,
    "burst": _burst,
    "state": _state,
    "sockets": _sockets,
    "bytes": _bytes,
    "revoke": _revoke,
    "revokePass": _revoke_pass,
}

for endpoint in (*endpoints, rsa, curve):
    endpoint.connection(attend)


# -- lines of one endpoint ---------------------------------------------------------------------------------------------


@guarded.middleware("handshake")
async def who_may_come(action: Action) -> None:
    """Let in by a parameter of the URL, and then by what the token says."""
    if action.type is ActionType.HANDSHAKE_WS and action.request is not None and "blocked" in action.request.query:
        raise Problem(Code.FORBIDDEN, "Not this way")
    if action.type is ActionType.HANDSHAKE_SC:
        refuse = action.socket.connection.query.get("refuse")
        if refuse == "final":
            raise Problem(Code.FORBIDDEN, "Never again", name="BanError", statusCode=4501)
        if refuse == "silent":
            raise Blocked


@guarded.middleware("inbound")
async def who_may_act(action: Action) -> None:
    """Publish and hear by the token alone; change, block with and without a reason."""
    claims = action.socket.auth_token or {}
    if action.type is ActionType.PUBLISH_IN and action.channel not in claims.get("wires", []):
        raise Problem(Code.FORBIDDEN, f"You cannot publish to {action.channel}", name="ChannelError")
    if action.type is ActionType.SUBSCRIBE and action.channel == "hidden":
        raise Blocked
    if action.type is ActionType.INVOKE and action.data == "change me":
        action.data = "changed"
    if action.type is ActionType.AUTHENTICATE and (action.auth_token or {}).get("sub") == "mallory":
        raise Problem(Code.FORBIDDEN, "Not mallory", name="AuthError", isBadToken=True)


@guarded.middleware("outbound")
def who_may_hear(action: Action) -> None:
    """Keep some words from everybody, and change others."""
    if action.data == "secret":
        raise Blocked
    if action.data == "loud":
        action.data = "quiet"


if __name__ == "__main__":
    configure_logs("info", "json")
    serve(app)
