"""Client: addresses as keys, and text that may be stored."""

from __future__ import annotations

import pytest

from watchword.identity.client import Client, is_storable, storable


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::", "2001:db8:1:2::/64"),
        (None, "unknown"),
        ("not an address", "unknown"),
    ],
)
def test_guesses_are_counted_by_network(address: str | None, network: str) -> None:
    assert Client(address).network == network


def test_stored_text_has_no_control_characters_and_is_cut() -> None:
    assert storable("a\r\nb\x00c\ud800", 6) == "a\ufffd\ufffdb\ufffdc"
    assert storable("ünïcödé") == "ünïcödé"
    assert storable(None) is None


def test_text_that_postgresql_refuses_is_not_storable() -> None:
    assert is_storable("ada@example.com")
    assert not is_storable("ada\x00@example.com")
    assert not is_storable("ada\ud800@example.com")
