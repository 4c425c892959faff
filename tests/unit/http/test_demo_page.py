from __future__ import annotations

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.applications import Starlette

from watchword.http.demo_page import demo_routes

ROUTES = [route.path for route in demo_routes()]


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(Starlette(routes=demo_routes()))
    async with httpx.AsyncClient(transport=transport, base_url="http://demo.example.com") as client:
        yield client


async def test_page_is_served_at_the_root(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")

    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"


@pytest.mark.parametrize("path", ROUTES)
async def test_every_file_forbids_other_sources_and_being_framed(client: httpx.AsyncClient, path: str) -> None:
    policy = (await client.get(path)).headers["content-security-policy"]

    assert policy.startswith("default-src 'self';")
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy


@pytest.mark.parametrize("path", ROUTES)
async def test_whatever_a_file_loads_is_served(client: httpx.AsyncClient, path: str) -> None:
    loaded = set(re.findall(r'["(](/demo/[\w.]+)["?)]', (await client.get(path)).text))

    assert loaded <= set(ROUTES)


async def test_page_holds_no_inline_script_or_style(client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text

    assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\bstyle=|\son\w+=", page)


@pytest.mark.parametrize("path", [path for path in ROUTES if path.endswith(".js")])
async def test_scripts_never_turn_data_into_markup(client: httpx.AsyncClient, path: str) -> None:
    script = (await client.get(path)).text

    assert (await client.get(path)).headers["content-type"].startswith("text/javascript")
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b", script)


async def test_other_files_of_the_package_are_not_served(client: httpx.AsyncClient) -> None:
    assert (await client.get("/demo/../demo_page.py")).status_code == 404
    assert (await client.get("/demo/index.html")).status_code == 404
