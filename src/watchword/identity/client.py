"""Client: where a credential came from, as far as the transport can tell."""

from __future__ import annotations

import ipaddress
import re

import msgspec

_UNSTORABLE = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_NETWORK_BITS = 64


class Client(msgspec.Struct, frozen=True):
    """The other end of a request or a socket. `address` is an IP address as text, None where there is none."""

    address: str | None = None
    agent: str | None = None
    origin: str | None = None

    @property
    def network(self) -> str:
        """The key that guesses are counted under: the IPv4 address, or the /64 network of an IPv6 one."""
        address = parse_address(self.address)
        if address is None:
            return "unknown"
        if isinstance(address, ipaddress.IPv4Address):
            return str(address)
        return str(ipaddress.ip_network((address, _NETWORK_BITS), strict=False))


NOWHERE = Client()  # what the server does of its own accord


def parse_address(text: str | None) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an IP address; an IPv4 address in IPv6 clothes (`::ffff:192.0.2.1`) is the IPv4 one."""
    try:
        address = ipaddress.ip_address(text or "")
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


def storable(text: str | None, limit: int = 255) -> str | None:
    """Return text that any database and log takes: without control characters and lone surrogates, cut to `limit`."""
    return None if text is None else _UNSTORABLE.sub("\N{REPLACEMENT CHARACTER}", text[:limit])


def is_storable(text: str) -> bool:
    """Whether a text may be looked up as it is: PostgreSQL takes neither NUL nor lone surrogates."""
    return _UNSTORABLE.search(text) is None
