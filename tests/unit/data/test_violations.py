"""What the constraints of a database refuse, told in the clients' words, the same from both databases."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.support.writing import House, publishing_house
from watchword.base.errors import Code, Problem

NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
async def own_house(database_url: str) -> AsyncIterator[House]:
    """A house to rebuild."""
    async with publishing_house(database_url) as built:
        yield built


def told(problem: Problem) -> tuple[Code, Any, Any, Any]:
    """Return what a problem says about the value that was refused."""
    extensions = problem.extensions
    return problem.code, extensions["collection"], extensions["field"], extensions["value"]


class TestUnique:
    async def test_a_value_that_is_taken(self, house: House) -> None:
        await house.create("articles", [{"title": "a", "slug": "s"}])
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "b", "slug": "s"}])

        assert caught.value.message == 'Value "s" for field "slug" in collection "articles" has to be unique.'
        assert told(caught.value) == (Code.RECORD_NOT_UNIQUE, "articles", "slug", "s")

    async def test_a_key_that_is_taken(self, house: House) -> None:
        await house.create("articles", [{"id": 1, "title": "a"}])
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"id": "1", "title": "b"}])

        assert caught.value.message == 'Value "1" for field "id" in collection "articles" has to be unique.'
        assert told(caught.value) == (Code.RECORD_NOT_UNIQUE, "articles", "id", 1)

    async def test_the_value_is_found_among_many(self, house: House) -> None:
        await house.create("articles", [{"title": "a", "slug": "s7"}])
        rows = [{"title": "b", "slug": f"s{n}"} for n in range(20)]
        with pytest.raises(Problem) as caught:
            await house.create("articles", rows)

        assert told(caught.value) == (Code.RECORD_NOT_UNIQUE, "articles", "slug", "s7")

    async def test_a_value_given_twice_in_one_request(self, house: House) -> None:
        rows = [{"title": "b", "slug": slug} for slug in ("x", None, "y", None, "y")]
        with pytest.raises(Problem) as caught:
            await house.create("articles", rows)

        assert told(caught.value) == (Code.RECORD_NOT_UNIQUE, "articles", "slug", "y")

    async def test_an_update_to_a_value_that_is_taken(self, house: House) -> None:
        keys = await house.create("articles", [{"title": "a", "slug": "s"}, {"title": "b"}])
        with pytest.raises(Problem) as caught:
            await house.update("articles", {"slug": "s"}, keys=keys[1:])
        with pytest.raises(Problem) as many:
            await house.update("articles", {"slug": "t"}, keys=keys)

        assert told(caught.value) == (Code.RECORD_NOT_UNIQUE, "articles", "slug", "s")
        assert told(many.value) == (Code.RECORD_NOT_UNIQUE, "articles", "slug", "t")

    async def test_an_index_over_an_expression(self, house: House) -> None:
        await house.create("authors", [{"name": "A", "email": "a@example.com"}])
        with pytest.raises(Problem) as caught:
            await house.create("authors", [{"name": "B", "email": "A@example.com"}])

        assert told(caught.value) == (Code.RECORD_NOT_UNIQUE, "authors", "email", "A@example.com")

    async def test_a_composite_key(self, house: House) -> None:
        [article] = await house.create("articles", [{"title": "a"}])
        [tag] = await house.create("tags", [{"name": "t"}])
        with pytest.raises(Problem) as caught:
            await house.create("articles_tags", [{"article": article, "tag": tag}] * 2)

        code, collection, field, _ = told(caught.value)
        assert (code, collection, field) == (Code.RECORD_NOT_UNIQUE, "articles_tags", "article")


class TestForeignKeys:
    async def test_a_row_that_does_not_exist(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "a", "author": NOBODY}])

        assert caught.value.message == f'Invalid foreign key "{NOBODY}" for field "author" in collection "articles".'
        assert told(caught.value) == (Code.INVALID_FOREIGN_KEY, "articles", "author", NOBODY)

    async def test_a_value_that_can_be_no_key(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "a", "author": "notauuid"}])

        assert told(caught.value) == (Code.INVALID_FOREIGN_KEY, "articles", "author", "notauuid")

    async def test_an_update_to_a_row_that_does_not_exist(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a"}])
        with pytest.raises(Problem) as caught:
            await house.update("articles", {"author": NOBODY}, keys=[key])

        assert told(caught.value) == (Code.INVALID_FOREIGN_KEY, "articles", "author", NOBODY)

    async def test_a_row_that_others_refer_to(self, house: House) -> None:
        first, second, _ = await house.create("articles", [{"title": n} for n in "abc"])
        await house.create("comments", [{"text": "c", "article": first}])
        with pytest.raises(Problem) as caught:
            await house.delete("articles", keys=[first])
        with pytest.raises(Problem) as moved:
            await house.update("articles", {"id": 77}, keys=[first])
        with pytest.raises(Problem) as several:
            await house.delete("articles", keys=[second, first])

        assert told(caught.value) == (Code.INVALID_FOREIGN_KEY, "articles", "id", first)
        assert told(moved.value) == told(caught.value)
        assert told(several.value) == (Code.INVALID_FOREIGN_KEY, "articles", None, None)
        assert "comments" not in f"{caught.value} {moved.value} {several.value}"
        assert len(await house.rows("articles", "id")) == 3

    async def test_a_deferred_reference_is_refused_at_the_end(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("pledges", [{"amount": 1, "tag": 99}])

        assert caught.value.message == "Invalid foreign key."
        assert told(caught.value) == (Code.INVALID_FOREIGN_KEY, None, None, None)
        assert await house.rows("pledges", "id") == []

    async def test_a_deferred_reference_may_come_first(self, house: House) -> None:
        async with house.writer.transaction() as connection:
            for collection, payload in (("pledges", {"tag": 5}), ("tags", {"id": 5, "name": "t"})):
                await house.writer.create(house.catalogue, house.admin, collection, [payload], connection=connection)

        assert await house.rows("pledges", "tag") == [5]


class TestRules:
    async def test_a_check_constraint(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "a", "rating": 13}])

        assert caught.value.code is Code.INVALID_PAYLOAD
        assert caught.value.message == 'Invalid payload. The values break a rule of collection "articles".'

    async def test_a_trigger_that_refuses(self, own_house: House) -> None:
        await _refuse_by_trigger(own_house)
        with pytest.raises(Problem) as caught:
            await own_house.create("tags", [{"name": "t"}])

        assert caught.value.code is Code.INVALID_PAYLOAD
        assert "secret" not in str(caught.value)

    async def test_a_row_that_a_trigger_wrote_elsewhere_is_not_told(self, own_house: House) -> None:
        await _copy_by_trigger(own_house)
        await own_house.create("tags", [{"name": "t"}])
        with pytest.raises(Problem) as caught:
            await own_house.create("tags", [{"name": "u"}])

        assert told(caught.value) == (Code.RECORD_NOT_UNIQUE, None, None, None)
        assert "private" not in str(caught.value)

    async def test_a_value_that_only_the_database_knows_to_be_null(self, own_house: House) -> None:
        await _clear_by_trigger(own_house)
        with pytest.raises(Problem) as caught:
            await own_house.create("codes", [{"code": "a", "label": "x"}])

        assert told(caught.value) == (Code.NOT_NULL_VIOLATION, "codes", "label", None)
        assert caught.value.message == 'Value for field "label" in collection "codes" can\'t be null.'


class TestRanges:
    async def test_a_number_that_only_the_database_refuses(self, postgres_url: str) -> None:
        async with publishing_house(postgres_url) as house:
            for field, value in (("rating", 2**31), ("price", 10000)):
                with pytest.raises(Problem) as caught:
                    await house.create("articles", [{"title": "a", field: value}])
                assert told(caught.value) == (Code.VALUE_OUT_OF_RANGE, "articles", field, value)

            with pytest.raises(Problem) as several:
                await house.create("articles", [{"title": "a", "rating": 2**31, "price": 1}])
            assert told(several.value) == (Code.VALUE_OUT_OF_RANGE, "articles", None, None)


async def _run(house: House, sqlite: list[str], postgresql: list[str]) -> None:
    async with house.db.write() as connection:
        for statement in sqlite if house.db.kind == "sqlite" else postgresql:
            await connection.exec_driver_sql(statement)


async def _trigger(house: House, table: str, when: str, sqlite: str, postgresql: str) -> None:
    await _run(
        house,
        [f"CREATE TRIGGER probe {when} INSERT ON {table} BEGIN {sqlite}; END"],
        [
            f"CREATE FUNCTION probe() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN {postgresql}; RETURN NEW; END'",
            f"CREATE TRIGGER probe {when} INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION probe()",
        ],
    )


async def _refuse_by_trigger(house: House) -> None:
    await _trigger(house, "tags", "BEFORE", "SELECT RAISE(ABORT, 'secret')", "RAISE EXCEPTION ''secret''")


async def _copy_by_trigger(house: House) -> None:
    table = "CREATE TABLE private (name VARCHAR(20) UNIQUE)"
    await _run(house, [table], [table])
    statement = "INSERT INTO private VALUES ('same')"
    await _trigger(house, "tags", "AFTER", statement, statement.replace("'", "''"))


async def _clear_by_trigger(house: House) -> None:
    await _run(
        house,
        [
            "DROP TABLE codes",
            "CREATE TABLE codes (code VARCHAR(10) PRIMARY KEY, label VARCHAR(20) NOT NULL DEFAULT 'x')",
        ],
        ["ALTER TABLE codes ALTER label SET NOT NULL"],
    )
    update = "UPDATE codes SET label = NULL WHERE code = NEW.code"
    await _trigger(house, "codes", "AFTER", update, update)
