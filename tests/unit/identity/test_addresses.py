"""Address lists: who is meant, and that nobody else is."""

from __future__ import annotations

import pytest

from watchword.identity.addresses import AddressList, split_list


@pytest.mark.parametrize(
    ("text", "address", "admitted"),
    [
        ("", "192.0.2.1", True),
        (None, None, True),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("192.0.2.1", None, False),
        ("192.0.2.1", "", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("192.0.2.9/24", "192.0.2.1", True),
        ("192.0.2.10-192.0.2.20", "192.0.2.10", True),
        ("192.0.2.10 - 192.0.2.20", "192.0.2.20", True),
        ("192.0.2.10-192.0.2.20", "192.0.2.21", False),
        ("192.0.2.10-192.0.2.20", "192.0.2.9", False),
        ("198.51.100.7, 192.0.2.0/24", "192.0.2.9", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("2001:db8::1-2001:db8::5", "2001:db8::3", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "192.0.2.1", False),
        ("nonsense", "192.0.2.1", False),
        ("nonsense, 192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1-nonsense", "192.0.2.1", False),
        ("192.0.2.1-2001:db8::1", "192.0.2.1", False),
    ],
)
def test_list_admits_whom_it_names(text: str | None, address: str | None, admitted: bool) -> None:
    assert AddressList(split_list(text)).admits(address) is admitted


def test_list_of_what_cannot_be_read_is_not_open() -> None:
    assert not AddressList(["nonsense"]).is_open
    assert AddressList([]).is_open
