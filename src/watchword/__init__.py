"""Watchword: an authenticated realtime backend that puts a SQL database behind REST and WebSockets.

What is named here is the public interface for Python programs. It is imported when it is asked for, so that commands
start quickly.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from watchword.access.permissions import Action as ItemAction
    from watchword.access.principal import ANONYMOUS, Principal
    from watchword.app.application import Watchword
    from watchword.app.settings import Settings, SettingsError, load_settings
    from watchword.backend.call import Call
    from watchword.backend.calls import RemoteError
    from watchword.backend.challenges import Challenge
    from watchword.backend.context import Connection
    from watchword.backend.exchange import Exchange
    from watchword.backend.hooks import ItemsEvent
    from watchword.backend.items import Items
    from watchword.backend.limits import SocketLimits
    from watchword.backend.lines import Action, ActionType, Blocked, Line
    from watchword.backend.outbox import Mark
    from watchword.backend.pace import KeepAlive
    from watchword.backend.procedures import Router
    from watchword.backend.request import Request
    from watchword.backend.rules import ChannelName, Claim, HasPolicy, Role
    from watchword.backend.socket import Socket
    from watchword.backend.socketcluster import SocketClusterServer
    from watchword.backend.socketcluster_options import SocketClusterOptions
    from watchword.backend.tracked import Tracked, tracked
    from watchword.backend.uploads import ByteStream, FormData, Upload
    from watchword.base.errors import Code, Problem, Thrown
    from watchword.dialects.trpc.wire import BuiltIns
    from watchword.http.settings import CorsSettings
    from watchword.http.trpc.options import EventOptions, TrpcOptions
    from watchword.identity.claims_tokens import TokenKeys
    from watchword.identity.client import Client
    from watchword.identity.jwks import jwks_authenticator
    from watchword.identity.outside import Identified
    from watchword.protocol.operations import ABSENT

__version__ = "0.1.0"

__all__ = [
    "ABSENT",
    "ANONYMOUS",
    "Action",
    "ActionType",
    "Blocked",
    "BuiltIns",
    "ByteStream",
    "Call",
    "Challenge",
    "ChannelName",
    "Claim",
    "Client",
    "Code",
    "Connection",
    "CorsSettings",
    "EventOptions",
    "Exchange",
    "FormData",
    "HasPolicy",
    "Identified",
    "ItemAction",
    "Items",
    "ItemsEvent",
    "KeepAlive",
    "Line",
    "Mark",
    "Principal",
    "Problem",
    "RemoteError",
    "Request",
    "Role",
    "Router",
    "Settings",
    "SettingsError",
    "Socket",
    "SocketClusterOptions",
    "SocketClusterServer",
    "SocketLimits",
    "Thrown",
    "TokenKeys",
    "Tracked",
    "TrpcOptions",
    "Upload",
    "Watchword",
    "__version__",
    "jwks_authenticator",
    "load_settings",
    "tracked",
]

_HOMES = {
    "ABSENT": "protocol.operations",
    "ANONYMOUS": "access.principal",
    "Action": "backend.lines",
    "ActionType": "backend.lines",
    "Blocked": "backend.lines",
    "BuiltIns": "dialects.trpc.wire",
    "ByteStream": "backend.uploads",
    "Call": "backend.call",
    "Challenge": "backend.challenges",
    "ChannelName": "backend.rules",
    "Claim": "backend.rules",
    "Client": "identity.client",
    "Code": "base.errors",
    "Connection": "backend.context",
    "CorsSettings": "http.settings",
    "EventOptions": "http.trpc.options",
    "Exchange": "backend.exchange",
    "FormData": "backend.uploads",
    "HasPolicy": "backend.rules",
    "Identified": "identity.outside",
    "ItemAction": "access.permissions",
    "Items": "backend.items",
    "ItemsEvent": "backend.hooks",
    "KeepAlive": "backend.pace",
    "Line": "backend.lines",
    "Mark": "backend.outbox",
    "Principal": "access.principal",
    "Problem": "base.errors",
    "RemoteError": "backend.calls",
    "Request": "backend.request",
    "Role": "backend.rules",
    "Router": "backend.procedures",
    "Settings": "app.settings",
    "SettingsError": "app.settings",
    "Socket": "backend.socket",
    "SocketClusterOptions": "backend.socketcluster_options",
    "SocketClusterServer": "backend.socketcluster",
    "SocketLimits": "backend.limits",
    "Thrown": "base.errors",
    "TokenKeys": "identity.claims_tokens",
    "Tracked": "backend.tracked",
    "TrpcOptions": "http.trpc.options",
    "Upload": "backend.uploads",
    "Watchword": "app.application",
    "jwks_authenticator": "identity.jwks",
    "load_settings": "app.settings",
    "tracked": "backend.tracked",
}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'watchword' has no attribute {name!r}")
    return getattr(import_module(f"watchword.{home}"), "Action" if name == "ItemAction" else name)
