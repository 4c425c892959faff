"""A mount that speaks superjson, over every link of the client."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.node import running
from tests.support.server import serving

HERE = Path(__file__).parent
APPLICATION = (sys.executable, str(HERE / "transformer_application.py"))
LINKS = ("http", "batch", "stream", "socket")


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory, node: str) -> dict[str, Any]:
    """What the script tells, which checks by itself that values come back as they went."""
    folder = tmp_path_factory.mktemp("transformer")
    settings: dict[str, Any] = {"serve": APPLICATION}
    with serving(f"sqlite:///{folder / 'transformer.db'}", folder, **settings) as server:
        given = {"url": server.url, "socket": server.url.replace("http", "ws")}
        with running(node, HERE / "transformer.mjs", given) as script:
            told = script.rest()
        assert server.errors == []
    return told


@pytest.mark.parametrize("link", LINKS)
def test_values_that_json_has_not_come_back_over_every_link(report: dict[str, Any], link: str) -> None:
    assert report[f"{link} refused"]["code"] == "BAD_REQUEST"
    assert report[f"{link} refused"]["path"] == "book"
    assert list(report[f"{link} refused"]["fieldErrors"]) == ["arrival"]
    assert report[f"{link} unknown"]["code"] == "NOT_FOUND"


def test_a_client_with_a_transformer_fails_on_a_plain_mount(report: dict[str, Any]) -> None:
    assert report["on a plain mount"] == "Unable to transform response from server"
