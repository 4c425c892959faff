"""Sockets to listen on: opened by the server, or by whoever starts it."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest

from tests.support.activation import activating
from watchword.app.listening import listen
from watchword.app.settings import SettingsError

PROGRAM = """
import os, socket
from watchword.app.listening import listen

for each in listen("127.0.0.1", 0):
    print(each.getsockname()[1], os.get_inheritable(each.fileno()))
"""


def test_there_is_a_socket_for_each_address_of_the_host() -> None:
    for host, families in (("127.0.0.1", {socket.AF_INET}), ("::1", {socket.AF_INET6})):
        sockets = listen(host, 0)
        assert {each.family for each in sockets} == families
        with socket.create_connection(sockets[0].getsockname()[:2], timeout=10):
            pass  # accepted by the system, before anybody serves
        for each in sockets:
            each.close()


@pytest.mark.parametrize("host", ["256.0.0.1", "no.such.host.invalid"])
def test_host_that_is_not_ours_is_a_mistake_in_the_settings(host: str) -> None:
    with pytest.raises(SettingsError, match=f"Cannot listen on {host}:8055"):
        listen(host, 8055)


@pytest.mark.parametrize("port", [-1, 65_536])
def test_port_that_there_is_not_is_a_mistake_in_the_settings(port: int) -> None:
    with pytest.raises(SettingsError, match=f"Cannot listen on localhost:{port}"):
        listen("localhost", port)


def test_port_that_is_taken_is_told_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "watchword.cli", "serve", "sqlite:///:memory:", "--port", str(port)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"watchword: Cannot listen on 127.0.0.1:{port}: Address already in use"]


@pytest.mark.parametrize("is_ours", [True, False])
def test_sockets_of_a_service_manager_are_taken_over_when_they_are_for_this_process(*, is_ours: bool) -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        command = activating(held, [sys.executable, "-c", PROGRAM], "" if is_ours else "1")
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=60, check=True, pass_fds=(held.fileno(),)
        )
    told, inheritable = done.stdout.split()
    assert (told == str(port)) is is_ours
    assert inheritable == "False"
