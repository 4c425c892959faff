"""Listening: the sockets on which a server accepts connections, open before the rest of it is ready.

Who connects meanwhile waits instead of being refused: there are clients that do not try a second time.
"""

from __future__ import annotations

import socket

from watchword.app.settings import SettingsError, passed_sockets

BACKLOG = 2048
_FIRST_INHERITED = 3
_LAST_PORT = 65_535


def listen(host: str, port: int) -> list[socket.socket]:
    """Return listening sockets: those of the service manager (sd_listen_fds(3)), or one for each address of `host`.

    Raises:
        SettingsError: nobody can listen there.
    """
    if count := passed_sockets():
        return _inherited(count)
    sockets: list[socket.socket] = []
    try:
        for family, kind, protocol, _, address in _addresses(host, port):
            sockets.append(each := socket.socket(family, kind, protocol))
            each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            each.bind(address)
            each.listen(BACKLOG)
            each.setblocking(False)
    except (OSError, OverflowError) as error:
        for each in sockets:
            each.close()
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SettingsError(f"Cannot listen on {host}:{port}: {reason}") from error
    return sockets


def _addresses(host: str, port: int) -> list[tuple[int, int, int, str, tuple[object, ...]]]:
    if not 0 <= port <= _LAST_PORT:  # the system's resolver would take what is left of it in 16 bits
        raise OverflowError("there is no such port")
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return list(dict.fromkeys(found))


def _inherited(count: int) -> list[socket.socket]:
    sockets = [socket.socket(fileno=number) for number in range(_FIRST_INHERITED, _FIRST_INHERITED + count)]
    for each in sockets:
        each.setblocking(False)
        each.set_inheritable(False)
    return sockets
