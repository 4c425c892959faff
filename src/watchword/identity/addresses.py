"""Address lists: the IP addresses, networks and ranges that a policy is given to."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING

import structlog

from watchword.identity.client import parse_address

if TYPE_CHECKING:
    from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_log = structlog.get_logger(__name__)


def split_list(text: str | None) -> tuple[str, ...]:
    """Split the stored list at its commas."""
    return tuple(part for part in (piece.strip() for piece in (text or "").split(",")) if part)


class AddressList:
    """Admits every address when it is empty, and none that it does not name. What cannot be read names nothing."""

    def __init__(self, entries: Iterable[str]) -> None:
        entries = tuple(entries)
        self.is_open = not entries
        self._ranges = [bounds for bounds in map(_range, entries) if bounds is not None]

    def admits(self, address: str | None) -> bool:
        """Whether a caller at this address is meant; one without an address is meant only by an empty list."""
        if self.is_open:
            return True
        caller = parse_address(address)
        return caller is not None and any(_is_between(first, caller, last) for first, last in self._ranges)


def _range(entry: str) -> tuple[Address, Address] | None:
    first, dash, last = entry.partition("-")
    try:
        if dash:
            return ipaddress.ip_address(first.strip()), ipaddress.ip_address(last.strip())
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        _log.warning("address.not_understood", entry=entry)
        return None
    return network.network_address, network.broadcast_address


def _is_between(first: Address, address: Address, last: Address) -> bool:
    return first.version == address.version == last.version and int(first) <= int(address) <= int(last)
