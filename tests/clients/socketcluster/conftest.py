"""The application that the scripts run against: one server for the whole session."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from tests.support.newsroom import Newsroom, newsroom
from tests.support.node import running
from tests.support.server import Server

HERE = Path(__file__).parent
APPLICATION = (sys.executable, str(HERE / "application.py"))

Report = dict[str, Any]


@pytest.fixture(scope="session")
def keys() -> dict[str, str]:
    """A secret and key pairs as PEM, as the application finds them in its environment."""
    pairs: dict[str, rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey] = {
        "RSA": rsa.generate_private_key(public_exponent=65537, key_size=2048),
        "EC": ec.generate_private_key(ec.SECP256R1()),
    }
    found = {"OWN_KEY": "a key of the application's own"}
    for name, private in pairs.items():
        found[f"{name}_PRIVATE"] = private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()
        found[f"{name}_PUBLIC"] = (
            private.public_key()
            .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
            .decode()
        )
    return found


@pytest.fixture(scope="session")
def room(tmp_path_factory: pytest.TempPathFactory, keys: dict[str, str]) -> Iterator[Newsroom]:
    """The newsroom, served by the application."""
    folder = tmp_path_factory.mktemp("application")
    settings: dict[str, Any] = {"serve": APPLICATION, **keys}
    with newsroom(f"sqlite:///{folder / 'application.db'}", folder, **settings) as room:
        yield room


@pytest.fixture
def server(room: Newsroom) -> Iterator[Server]:
    """The application's server, which has to have logged no error by the end of the test."""
    before = len(room.server.errors)
    yield room.server
    assert room.server.errors[before:] == []


@pytest.fixture(scope="session")
def report_of(room: Newsroom, node: str, keys: dict[str, str]) -> Callable[..., Report]:
    """Returns the report of a script, which runs once a session; `run` runs it where there is more to do."""
    kept: dict[str, Report] = {}

    def rest(given: dict[str, Any], script: str) -> Report:
        with running(node, HERE / script, given) as program:
            return program.rest()

    def report(script: str, run: Callable[[dict[str, Any]], Report] | None = None) -> Report:
        if script not in kept:
            given = room.as_given(keys=keys)
            kept[script] = rest(given, script) if run is None else run(given)
            assert room.server.errors == []
        return kept[script]

    return report
