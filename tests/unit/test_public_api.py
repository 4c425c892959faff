"""The names that a program may import; what is not here may change."""

from __future__ import annotations

import subprocess
import sys

import pytest

import watchword

NAMES = [
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


def test_these_are_the_names() -> None:
    assert watchword.__all__ == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_every_name_can_be_imported_and_is_described(name: str) -> None:
    found = getattr(watchword, name)
    assert isinstance(found, str) or found is watchword.ABSENT or found.__doc__


def test_other_names_are_not_there() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Conversation'"):
        _ = watchword.Conversation


def test_importing_the_package_imports_nothing_of_it() -> None:
    program = "import sys, watchword; print([name for name in sys.modules if name.startswith('watchword.')])"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
