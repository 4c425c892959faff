"""Numbers and times go through REST, database and events as they are, or are refused; nothing is lost in silence."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.application import Application, application

KEY = {"field": "id", "type": "integer", "schema": {"is_primary_key": True, "has_auto_increment": True}}
PRECISE = {"numeric_precision": 30, "numeric_scale": 10}
ADMIN = {"Authorization": "Bearer admin-token-0001"}


async def make(app: Application) -> None:
    fields = [
        KEY,
        {"field": "price", "type": "decimal", "schema": PRECISE},
        {"field": "big", "type": "bigInteger", "schema": {}},
        {"field": "at", "type": "timestamp", "schema": {}},
        {"field": "local", "type": "dateTime", "schema": {}},
    ]
    await app.admin("POST", "/collections", {"collection": "sums", "schema": {}, "fields": fields})


@pytest.mark.parametrize("big", ["9007199254740993", "-9223372036854775808", "9223372036854775807"])
async def test_big_integer_is_exact_in_answers_events_and_filters(big: str, database_url: str) -> None:
    async with application(database_url) as app:
        await make(app)
        async with app.authenticated("admin-token-0001") as socket:
            query = {"filter": {"big": {"_eq": big}}, "fields": ["big"]}
            await socket.ask({"type": "subscribe", "collection": "sums", "query": query})
            made = await app.admin("POST", "/items/sums", {"big": big})
            assert made["big"] == big
            assert (await socket.receive())["data"] == [{"big": big}]
        near = str(int(big) + (1 if int(big) < 0 else -1))
        assert await app.admin("GET", f"/items/sums?filter[big][_eq]={big}&fields=big") == [{"big": big}]
        assert await app.admin("GET", f"/items/sums?filter[big][_eq]={near}&fields=big") == []


async def test_decimal_keeps_its_digits_or_is_refused(database_url: str) -> None:
    long, short = "12345678901234567.0123456789", "1234567890.01234"
    async with application(database_url) as app:
        await make(app)
        told = await app.http.post("/items/sums", json={"price": long}, headers=ADMIN)
        if database_url.startswith("sqlite"):  # has doubles, which hold some 15 digits
            assert told.status_code == 400
            assert told.json()["errors"][0]["extensions"]["code"] == "VALUE_OUT_OF_RANGE"
        else:
            assert told.json()["data"]["price"] == long
        made = await app.admin("POST", "/items/sums", {"price": short})
        found = await app.admin("GET", f"/items/sums?filter[price][_eq]={short}")
        assert [row["id"] for row in found] == [made["id"]]
        assert str(made["price"]).rstrip("0") == short


async def test_sum_beyond_every_integer_is_told_or_refused(database_url: str) -> None:
    async with application(database_url) as app:
        await make(app)
        await app.admin("POST", "/items/sums", [{"big": "9223372036854775807"}, {"big": "1"}])
        told = await app.http.get("/items/sums?aggregate[sum]=big", headers=ADMIN)
        if database_url.startswith("sqlite"):
            assert told.json()["errors"][0]["extensions"]["code"] == "INVALID_QUERY"
        else:
            assert told.json()["data"] == [{"sum": {"big": "9223372036854775808"}}]


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"at": "2024-01-01T10:00:00+05:30"}, {"at": "2024-01-01T04:30:00.000Z", "local": None}),
        ({"at": "2024-01-01T10:00:00.123456Z"}, {"at": "2024-01-01T10:00:00.123456Z", "local": None}),
        ({"local": "2024-01-01T10:00:00"}, {"at": None, "local": "2024-01-01T10:00:00"}),
    ],
)
async def test_timestamp_is_a_moment_and_a_date_time_has_no_zone(
    given: dict[str, Any], told: dict[str, Any], database_url: str
) -> None:
    async with application(database_url) as app:
        await make(app)
        async with app.authenticated("admin-token-0001") as socket:
            await socket.ask({"type": "subscribe", "collection": "sums", "query": {"fields": ["at", "local"]}})
            await app.admin("POST", "/items/sums", given)
            assert (await socket.receive())["data"] == [told]
        assert await app.admin("GET", "/items/sums?fields=at,local") == [told]
