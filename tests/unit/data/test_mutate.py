"""Creating, updating and deleting items under a caller's rights."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from sqlalchemy import event, select

from tests.support.writing import NOW, USER, House, publishing_house
from watchword.access.permissions import Action, Permission
from watchword.base.errors import Code, Problem
from watchword.data.reflect import reflect
from watchword.query.filters import Compare, Variable
from watchword.query.query import Query

DRAFTS = Compare("status", "eq", "draft")
OWN = Compare("author", "eq", Variable("CURRENT_USER"))


def _deep(levels: int) -> Any:
    return [_deep(levels - 1)] if levels else 0


class TestCreate:
    async def test_created_rows_have_their_values_and_defaults(self, house: House) -> None:
        keys = await house.create("articles", [{"title": "One", "rating": 3}, {"title": "Two", "status": "published"}])

        assert await house.rows("articles", "id", "title", "status", "rating") == [
            (keys[0], "One", "draft", 3),
            (keys[1], "Two", "published", None),
        ]

    async def test_nothing_is_created_of_nothing(self, house: House) -> None:
        assert await house.create("articles", []) == []

    async def test_values_take_their_fields_types(self, house: House) -> None:
        payload = {
            "title": {"a": 1},
            "rating": "5",
            "big": 2**53 + 1,
            "price": "1.50",
            "weight": 2,
            "live": "true",
            "day": "2026-02-03",
            "at": "04:05:06",
            "published_on": "2026-02-03T04:05:06.789Z",
            "data": {"deep": [1, None, "ä"]},
            "keywords": ["a", "b"],
            "raw": "AAE=",
        }
        await house.create("articles", [payload])

        columns = ("title", "rating", "big", "weight", "live", "day", "at", "published_on", "data", "keywords", "raw")
        assert await house.rows("articles", *columns) == [
            (
                '{"a":1}',
                5,
                2**53 + 1,
                2.0,
                True,
                date(2026, 2, 3),
                time(4, 5, 6),
                datetime(2026, 2, 3, 4, 5, 6),  # noqa: DTZ001 - the column knows no zone
                {"deep": [1, None, "ä"]},
                ["a", "b"],
                b"\x00\x01",
            )
        ]
        assert await house.rows("articles", "price") == [Decimal("1.5")]

    async def test_uuid_keys_are_made_and_may_be_given(self, house: House) -> None:
        given = "22222222-2222-4222-8222-222222222222"
        made, kept = await house.create("authors", [{"name": "A"}, {"name": "B", "id": given.upper()}])

        assert kept == given
        assert len(made) == 36

    async def test_automatic_fields_tell_who_and_when(self, house: House) -> None:
        await house.create("articles", [{"title": "One"}], house.editor("articles"))

        moment = datetime.fromtimestamp(NOW, UTC)
        columns = ("date_created", "user_created", "date_updated", "user_updated")
        assert await house.rows("articles", *columns) == [(moment, USER, None, None)]

    async def test_who_may_write_everything_cannot_forge_automatic_fields(self, house: House) -> None:
        forged = {"title": "One", "user_created": None, "date_created": "2000-01-01T00:00:00Z"}
        [key] = await house.create("articles", [forged], house.editor("articles"))
        await house.update("articles", {"user_created": None}, house.editor("articles"), keys=[key])

        assert await house.rows("articles", "user_created", "date_created") == [
            (USER, datetime.fromtimestamp(NOW, UTC))
        ]

    async def test_who_is_named_for_automatic_fields_and_who_is_admin_may_give_them(self, house: House) -> None:
        named = house.editor("articles", fields=frozenset({"title", "date_created"}))
        await house.create("articles", [{"title": "One", "date_created": "2000-01-01T00:00:00Z"}], named)
        await house.create("articles", [{"title": "Two", "date_created": "2000-01-01T00:00:00Z"}])

        assert await house.rows("articles", "date_created") == [datetime(2000, 1, 1, tzinfo=UTC)] * 2

    async def test_presets_fill_in_and_the_payload_wins(self, house: House) -> None:
        await house.create("authors", [{"id": USER, "name": "A"}])
        scope = house.editor(
            "articles",
            fields=frozenset({"title", "body"}),
            presets={"author": "$CURRENT_USER", "published_on": "$NOW", "body": "preset", "data": ["$CURRENT_USER"]},
        )
        await house.create("articles", [{"title": "One"}, {"title": "Two", "body": "own"}], scope)

        moment = datetime.fromtimestamp(int(NOW), UTC).replace(tzinfo=None)
        assert await house.rows("articles", "author", "published_on", "body", "data") == [
            (USER, moment, "preset", [USER]),
            (USER, moment, "own", [USER]),
        ]

    async def test_presets_reach_relations_and_lists_of_variables(self, house: House) -> None:
        presets = {
            "notes": [{"text": "$CURRENT_USER"}],
            "keywords": "$CURRENT_ROLES",
            "user_updated": Variable("CURRENT_USER"),
            "rating": 5,
            "gone": "$NOW",
        }
        scope = house.may(Permission("articles", Action.CREATE, presets=presets), Permission("notes", Action.CREATE))
        variables = msgspec.structs.replace(scope.variables, current_roles=("r1", "r2"))
        await house.create("articles", [{"title": "a"}], msgspec.structs.replace(scope, variables=variables))

        assert await house.rows("notes", "text") == [USER]
        assert await house.rows("articles", "keywords", "user_updated", "rating") == [(["r1", "r2"], USER, 5)]

    async def test_variables_in_a_payload_are_texts_like_any_other(self, house: House) -> None:
        await house.create("articles", [{"title": "$CURRENT_USER"}], house.editor("articles"))

        assert await house.rows("articles", "title") == ["$CURRENT_USER"]

    async def test_passwords_are_hashed_and_concealed_values_that_come_back_are_ignored(self, house: House) -> None:
        await house.create("authors", [{"name": "A", "secret": "s3cret", "pen_name": "P"}])
        [key] = await house.rows("authors", "id")
        await house.update("authors", {"name": "B", "secret": "**********", "pen_name": "**********"}, keys=[key])

        assert await house.rows("authors", "name", "secret", "pen_name") == [("B", "hashed:s3cret", "P")]

    async def test_an_empty_password_clears_it(self, house: House) -> None:
        [key] = await house.create("authors", [{"name": "A", "secret": "s3cret"}])
        await house.update("authors", {"secret": ""}, keys=[key])

        assert await house.rows("authors", "secret") == [None]

    async def test_a_thousand_rows_keep_their_order(self, house: House) -> None:
        keys = await house.create("articles", [{"title": f"{n}", "rating": -n} for n in range(1000)])

        titles = dict(await house.rows("articles", "id", "title"))
        assert [titles[key] for key in keys] == [str(n) for n in range(1000)]

    async def test_a_thousand_rows_take_few_statements(self, house: House) -> None:
        async with house.writer.transaction() as connection:
            statements: list[str] = []
            event.listen(connection.sync_connection, "before_cursor_execute", lambda *told: statements.append(told[2]))
            payloads = [{"title": f"{n}"} for n in range(1000)]
            await house.writer.create(house.catalogue, house.admin, "articles", payloads, connection=connection)

        assert len(statements) <= 3

    async def test_rows_that_give_different_fields_keep_their_order(self, house: House) -> None:
        payloads = [{"title": "0"}, {"title": "1", "rating": 1}, {"title": "2"}, {"title": "3", "body": "b"}]
        keys = await house.create("articles", payloads)

        assert await house.rows("articles", "id", "title") == [(key, str(n)) for n, key in enumerate(keys)]

    async def test_a_row_of_nothing_but_defaults(self, house: House) -> None:
        keys = await house.create("folders", [{}, {}])

        assert await house.rows("folders", "id", "name") == [(keys[0], None), (keys[1], None)]

    async def test_keys_given_by_hand_do_not_collide_with_the_next_automatic_ones(self, house: House) -> None:
        await house.create("tags", [{"id": 3, "name": "c"}, {"id": 7, "name": "g"}, {"id": 5, "name": "e"}])

        assert await house.create("tags", [{"name": "h"}]) == [8]
        assert await house.create("tags", [{"id": 1, "name": "a"}]) == [1]
        assert await house.create("tags", [{"name": "i"}, {"name": "j"}]) == [9, 10]

    async def test_the_largest_key_given_by_hand_leaves_numbers_for_others(self, house: House) -> None:
        largest = 2**63 - 1 if house.db.kind == "sqlite" else 2**31 - 1
        await house.create("tags", [{"id": largest, "name": "last"}])
        keys = await house.create("tags", [{"name": f"{n}"} for n in range(20)])

        names = dict(await house.rows("tags", "id", "name"))
        assert [names[key] for key in keys] == [f"{n}" for n in range(20)]

    async def test_keys_that_the_database_computes_otherwise_come_back_in_order(self, postgres_url: str) -> None:
        async with publishing_house(postgres_url) as house:
            async with house.db.write() as connection:
                for statement in (
                    "CREATE TABLE tickets (id UUID PRIMARY KEY DEFAULT gen_random_uuid(), name TEXT)",
                    "CREATE SEQUENCE loose START 40",
                    "CREATE TABLE lots (id INTEGER PRIMARY KEY DEFAULT nextval('loose'), name TEXT)",
                    "CREATE TABLE fixed (id INTEGER GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name TEXT)",
                ):
                    await connection.exec_driver_sql(statement)
            house.catalogue = await reflect(house.db)
            for collection in ("tickets", "lots", "fixed"):
                keys = await house.create(collection, [{"name": f"{n}"} for n in range(5)])
                names = dict(await house.rows(collection, "id", "name"))
                assert [names[key] for key in keys] == ["0", "1", "2", "3", "4"]

    async def test_composite_keys_are_told_as_text(self, house: House) -> None:
        [article] = await house.create("articles", [{"title": "A"}])
        [tag] = await house.create("tags", [{"name": "t"}])

        assert await house.create("articles_tags", [{"article": article, "tag": tag}]) == [f"{article},{tag}"]


class TestCreateRights:
    async def test_without_a_permission_the_collection_seems_not_to_exist(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "x"}], house.may())
        with pytest.raises(Problem) as missing:
            await house.create("nope", [{"title": "x"}], house.may())
        with pytest.raises(Problem) as unknown:
            await house.create("nope", [{"title": "x"}])

        assert caught.value.code is Code.FORBIDDEN
        assert caught.value.message == (
            'You don\'t have permission to access collection "articles" or it does not exist. Queried in root.'
        )
        assert missing.value.message == unknown.value.message == caught.value.message.replace("articles", "nope")

    async def test_a_permission_to_read_or_update_is_none_to_create(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.READ), Permission("articles", Action.UPDATE))

        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "x"}], scope)

        assert caught.value.code is Code.FORBIDDEN
        assert await house.rows("articles", "id") == []

    async def test_a_field_that_is_not_allowed_looks_like_one_that_does_not_exist(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.CREATE, fields=frozenset({"title"})))

        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "x", "body": "y"}], scope)
        with pytest.raises(Problem) as missing:
            await house.create("articles", [{"title": "x", "nope": "y"}], scope)
        with pytest.raises(Problem) as several:
            await house.create("articles", [{"nope": 1, "body": "y"}], scope)

        assert caught.value.message == (
            'You don\'t have permission to access field "body" in collection "articles" or it does not exist. '
            "Queried in root."
        )
        assert missing.value.message == caught.value.message.replace("body", "nope")
        assert '"nope", "body"' in several.value.message
        assert await house.create("articles", [{"title": "x"}], scope)

    async def test_a_field_that_does_not_exist_is_ignored_where_all_are_allowed(self, house: House) -> None:
        await house.create("articles", [{"title": "x", "nope": 1}], house.editor("articles"))

        assert await house.rows("articles", "title") == ["x"]

    async def test_a_check_refuses_values_and_lets_others_pass(self, house: House) -> None:
        scope = house.may(
            Permission("articles", Action.CREATE, validation=Compare("status", "in", ["draft", "review"]))
        )

        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "x", "status": "published"}], scope)
        await house.create("articles", [{"title": "by default"}, {"title": "given", "status": "review"}], scope)

        assert (caught.value.code, caught.value.extensions["field"]) == (Code.FAILED_VALIDATION, "status")
        assert await house.rows("articles", "status") == ["draft", "review"]

    async def test_a_grant_for_some_rows_makes_only_those(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.CREATE, DRAFTS))

        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "ok"}, {"title": "x", "status": "published"}], scope)

        assert caught.value.code is Code.FORBIDDEN
        assert await house.rows("articles", "title") == []
        await house.create("articles", [{"title": "ok"}], scope)


class TestCreateRefusals:
    async def test_null_and_missing_values_are_told_apart(self, house: House) -> None:
        with pytest.raises(Problem) as null:
            await house.create("articles", [{"title": None}])
        with pytest.raises(Problem) as missing:
            await house.create("articles", [{}])

        assert null.value.message == 'Validation failed for field "title". Value can\'t be null.'
        assert null.value.extensions == {"field": "title", "path": [], "type": "nnull"}
        assert missing.value.message == 'Validation failed for field "title". Value is required.'
        assert missing.value.extensions == {"field": "title", "path": [], "type": "required"}

    async def test_all_that_is_wrong_with_a_row_is_told(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"status": None, "published_on": "garbage"}])

        told = [(problem.code, problem.extensions.get("field")) for problem in caught.value.each()]
        assert told == [
            (Code.FAILED_VALIDATION, "status"),
            (Code.INVALID_PAYLOAD, None),
            (Code.FAILED_VALIDATION, "title"),
        ]

    @pytest.mark.parametrize(
        ("field", "value", "reason"),
        [
            ("published_on", "garbage", 'Invalid DateTime format in field "published_on"'),
            ("published_on", {}, 'Invalid DateTime format in field "published_on"'),
            ("date_created", "x", 'Invalid Timestamp format in field "date_created"'),
            ("rating", "many", 'Invalid Integer format in field "rating"'),
            ("rating", 1.5, 'Invalid Integer format in field "rating"'),
            ("live", "perhaps", 'Invalid Boolean format in field "live"'),
            ("title", "NUL \0 in it", 'Invalid String format in field "title"'),
            ("body", "half \ud800", 'Invalid Text format in field "body"'),
            ("data", {"a": "\0"}, 'Invalid Json format in field "data"'),
            ("data", ["\udfff"], 'Invalid Json format in field "data"'),
            ("data", _deep(300), 'Invalid Json format in field "data"'),
            ("raw", "%", 'Invalid Binary format in field "raw"'),
        ],
    )
    async def test_a_value_that_is_none_of_its_type(self, house: House, field: str, value: object, reason: str) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "x", field: value}])

        assert (caught.value.code, caught.value.extensions) == (Code.INVALID_PAYLOAD, {"reason": reason})
        assert caught.value.others == ()

    @pytest.mark.parametrize(
        ("field", "value"), [("rating", 2**63), ("big", str(2**64)), ("big", -(2**63) - 1), ("weight", "1e999")]
    )
    async def test_a_number_that_is_out_of_range(self, house: House, field: str, value: object) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "x", field: value}])

        assert caught.value.code is Code.VALUE_OUT_OF_RANGE
        assert caught.value.extensions == {"collection": "articles", "field": field, "value": value}

    async def test_a_text_that_is_too_long(self, house: House) -> None:
        text = "y" * 256
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": text}])

        assert caught.value.code is Code.VALUE_TOO_LONG
        assert caught.value.message == f'Value "{text}" for field "title" in collection "articles" is too long.'
        assert caught.value.extensions == {"collection": "articles", "field": "title", "value": text}

    async def test_a_concealed_value_is_not_repeated(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("authors", [{"name": "A", "pen_name": "p" * 21}])

        assert caught.value.extensions == {"collection": "authors", "field": "pen_name", "value": None}
        assert "ppp" not in caught.value.message

    async def test_a_field_that_the_database_computes_cannot_be_written(self, database_url: str) -> None:
        async with publishing_house(database_url) as house:
            async with house.db.write() as connection:
                await connection.exec_driver_sql(
                    "CREATE TABLE boxes (id INTEGER PRIMARY KEY, side INTEGER,"
                    " area INTEGER GENERATED ALWAYS AS (side * side) STORED)"
                )
            house.catalogue = await reflect(house.db)
            with pytest.raises(Problem) as caught:
                await house.create("boxes", [{"id": 1, "side": 2, "area": 4}])
            await house.create("boxes", [{"id": 1, "side": 2, "area": None}])

            assert caught.value.message == 'Invalid payload. The field "area" cannot be written.'
            assert await house.rows("boxes", "area") == [4]

    async def test_an_item_has_to_be_an_object(self, house: House) -> None:
        with pytest.raises(Problem) as caught:
            await house.create("articles", ["x"])

        assert caught.value.code is Code.INVALID_PAYLOAD

    async def test_one_bad_row_undoes_the_others(self, house: House) -> None:
        for bad in ({"title": None}, {"title": "dup", "slug": "s"}):
            with pytest.raises(Problem):
                await house.create("articles", [{"title": "b1", "slug": "s"}, bad])

        assert await house.rows("articles", "title") == []


class TestUpdate:
    async def test_rows_get_the_data_and_the_marks_of_the_change(self, house: House) -> None:
        keys = await house.create("articles", [{"title": "a"}, {"title": "b"}, {"title": "c"}])
        changed = await house.update("articles", {"body": "x"}, house.editor("articles"), keys=keys[:2])

        moment = datetime.fromtimestamp(NOW, UTC)
        assert changed == keys[:2]
        assert await house.rows("articles", "title", "body", "date_updated", "user_updated") == [
            ("a", "x", moment, USER),
            ("b", "x", moment, USER),
            ("c", None, None, None),
        ]

    async def test_rows_may_be_chosen_by_a_query(self, house: House) -> None:
        keys = await house.create("articles", [{"title": "a"}, {"title": "b", "status": "published"}])
        changed = await house.update("articles", {"body": "x"}, query=Query("articles", filter=DRAFTS))

        assert changed == keys[:1]
        assert await house.rows("articles", "body") == ["x", None]

    async def test_a_query_without_a_limit_has_none(self, house: House) -> None:
        await house.create("articles", [{"title": f"{n}"} for n in range(150)])

        assert len(await house.update("articles", {"body": "x"}, query=Query("articles"))) == 150
        assert len(await house.update("articles", {"body": "y"}, query=Query("articles", limit=3))) == 3

    async def test_a_query_that_takes_nothing_changes_nothing(self, house: House) -> None:
        assert await house.update("articles", {"body": "x"}, query=Query("articles")) == []

    async def test_empty_data_changes_nothing_and_gives_the_keys(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a"}])

        assert await house.update("articles", {}, house.editor("articles"), keys=[str(key)]) == [key]
        assert await house.rows("articles", "date_updated") == [None]

    async def test_keys_are_taken_once(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a"}])

        assert await house.update("articles", {"body": "x"}, keys=[key, str(key)]) == [key]

    async def test_more_keys_than_one_statement_takes(self, house: House) -> None:
        keys = await house.create("articles", [{"title": f"{n}"} for n in range(1100)])

        assert await house.update("articles", {"body": "x"}, keys=keys) == keys
        assert set(await house.rows("articles", "body")) == {"x"}
        assert await house.delete("articles", keys=keys) == keys

    async def test_a_key_can_be_changed(self, house: House) -> None:
        await house.create("codes", [{"code": "a", "label": "x"}])

        assert await house.update("codes", {"code": "b"}, keys=["a"]) == ["b"]
        assert await house.rows("codes", "code", "label") == [("b", "x")]

    async def test_a_key_that_stays_is_no_change_of_it(self, house: House) -> None:
        scope = house.editor("articles")
        [key] = await house.create("articles", [{"title": "a"}])

        assert await house.update("articles", {"id": str(key), "title": "b"}, scope, keys=[key]) == [key]
        assert await house.update("articles", {"id": key}, scope, keys=[key]) == [key]
        assert await house.rows("articles", "title") == ["b"]

    async def test_null_is_refused_where_a_value_is_needed(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a"}])
        for field in ("title", "status", "id"):
            with pytest.raises(Problem) as caught:
                await house.update("articles", {field: None}, keys=[key])
            assert caught.value.extensions == {"field": field, "path": [], "type": "nnull"}

    async def test_a_check_looks_at_what_is_written_only(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.UPDATE, validation=Compare("status", "eq", "draft")))
        [key] = await house.create("articles", [{"title": "a", "status": "published"}])

        await house.update("articles", {"title": "b"}, scope, keys=[key])
        with pytest.raises(Problem) as caught:
            await house.update("articles", {"status": "archived"}, scope, keys=[key])

        assert caught.value.code is Code.FAILED_VALIDATION
        assert await house.rows("articles", "title", "status") == [("b", "published")]

    async def test_each_item_of_a_batch_gets_its_own_data(self, house: House) -> None:
        first, second = await house.create("articles", [{"title": "a"}, {"title": "b"}])
        batch = [{"id": second, "title": "B"}, {"id": str(first), "body": "A"}, {"id": first}]

        assert await house.update_batch("articles", batch) == [second, first, first]
        assert await house.rows("articles", "title", "body") == [("a", "A"), ("B", None)]

    async def test_an_item_of_a_batch_needs_its_key(self, house: House) -> None:
        for item in ({"title": "x"}, {"id": None}, "x"):
            with pytest.raises(Problem) as caught:
                await house.update_batch("articles", [item])
            assert caught.value.code is Code.INVALID_PAYLOAD

    async def test_one_bad_item_of_a_batch_undoes_the_others(self, house: House) -> None:
        first, second = await house.create("articles", [{"title": "a", "slug": "a"}, {"title": "b"}])
        for bad in ({"title": None}, {"slug": "new"}):
            with pytest.raises(Problem):
                await house.update_batch("articles", [{"id": first, "slug": "new"}, {"id": second, **bad}])

        assert await house.rows("articles", "slug") == ["a", None]


class TestUpdateRights:
    async def test_without_a_permission_the_collection_seems_not_to_exist(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a"}])
        with pytest.raises(Problem) as caught:
            await house.update("articles", {"title": "x"}, house.may(Permission("articles", Action.READ)), keys=[key])

        assert caught.value.message == (
            'You don\'t have permission to access collection "articles" or it does not exist. Queried in root.'
        )

    async def test_a_row_out_of_sight_looks_like_one_that_does_not_exist(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.UPDATE, DRAFTS))
        draft, published = await house.create("articles", [{"title": "a"}, {"title": "b", "status": "published"}])

        unreachable: list[list[Any]] = [[published], [999999], ["abc"], [None], [{}], [draft, published]]
        for keys in unreachable:
            with pytest.raises(Problem) as caught:
                await house.update("articles", {"title": "x"}, scope, keys=keys)
            assert caught.value.code is Code.FORBIDDEN
            assert caught.value.message == (
                'You don\'t have permissions to perform "update" for the field(s) "title" in collection "articles" '
                "or it does not exist."
            )
        assert await house.rows("articles", "title") == ["a", "b"]
        assert await house.update("articles", {"title": "x"}, scope, keys=[draft]) == [draft]

    async def test_empty_data_does_not_show_that_a_row_exists(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.UPDATE, DRAFTS))
        [published] = await house.create("articles", [{"title": "b", "status": "published"}])

        messages = []
        for key in (published, 999999):
            with pytest.raises(Problem) as caught:
                await house.update("articles", {}, scope, keys=[key])
            messages.append(caught.value.message)
        assert set(messages) == {
            'You don\'t have permission to perform "update" for collection "articles" or it does not exist.'
        }

    async def test_a_personal_rule_takes_the_callers_rows(self, house: House) -> None:
        other = "33333333-3333-4333-8333-333333333333"
        await house.create("authors", [{"id": USER, "name": "A"}, {"id": other, "name": "B"}])
        mine, theirs = await house.create("articles", [{"title": "a", "author": USER}, {"title": "b", "author": other}])
        scope = house.may(Permission("articles", Action.UPDATE, OWN))

        assert await house.update("articles", {"title": "x"}, scope, keys=[mine]) == [mine]
        with pytest.raises(Problem):
            await house.update("articles", {"title": "x"}, scope, keys=[theirs])
        with pytest.raises(Problem):
            await house.update(
                "articles",
                {"title": "x"},
                house.may(Permission("articles", Action.UPDATE, OWN), user=None),
                keys=[mine],
            )

    async def test_a_field_allowed_on_some_rows_must_be_allowed_on_every_row(self, house: House) -> None:
        scope = house.may(
            Permission("articles", Action.UPDATE, fields=frozenset({"body"})),
            Permission("articles", Action.UPDATE, DRAFTS, fields=frozenset({"title"})),
        )
        draft, published = await house.create("articles", [{"title": "a"}, {"title": "b", "status": "published"}])

        await house.update("articles", {"body": "x"}, scope, keys=[draft, published])
        await house.update("articles", {"title": "x"}, scope, keys=[draft])
        with pytest.raises(Problem) as caught:
            await house.update("articles", {"title": "y", "body": "y"}, scope, keys=[draft, published])

        assert '"title", "body"' in caught.value.message
        assert await house.rows("articles", "title", "body") == [("x", "x"), ("b", "x")]

    async def test_a_field_that_is_not_allowed(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.UPDATE, fields=frozenset({"title"})))
        [key] = await house.create("articles", [{"title": "a"}])

        with pytest.raises(Problem) as caught:
            await house.update("articles", {"id": 7}, scope, keys=[key])

        assert caught.value.message == (
            'You don\'t have permission to access field "id" in collection "articles" or it does not exist. '
            "Queried in root."
        )

    async def test_a_query_takes_only_what_may_be_read_and_must_be_updatable(self, house: House) -> None:
        draft, published = await house.create("articles", [{"title": "a"}, {"title": "b", "status": "published"}])
        reads_drafts = house.may(Permission("articles", Action.READ, DRAFTS), Permission("articles", Action.UPDATE))
        reads_all = house.may(Permission("articles", Action.READ), Permission("articles", Action.UPDATE, DRAFTS))
        reads_none = house.may(Permission("articles", Action.UPDATE))

        assert await house.update("articles", {"body": "x"}, reads_drafts, query=Query("articles")) == [draft]
        for scope in (reads_all, reads_none):
            with pytest.raises(Problem) as caught:
                await house.update("articles", {"body": "y"}, scope, query=Query("articles"))
            assert caught.value.code is Code.FORBIDDEN
        assert published
        assert await house.rows("articles", "body") == ["x", None]

    async def test_a_query_cannot_ask_for_fields_out_of_sight(self, house: House) -> None:
        scope = house.may(
            Permission("articles", Action.READ, fields=frozenset({"id"})), Permission("articles", Action.UPDATE)
        )
        with pytest.raises(Problem) as caught:
            await house.update("articles", {"body": "x"}, scope, query=Query("articles", filter=DRAFTS))

        assert caught.value.code is Code.FORBIDDEN

    async def test_presets_are_written_without_a_right_to_the_field(self, house: House) -> None:
        scope = house.may(
            Permission("articles", Action.UPDATE, fields=frozenset({"title"}), presets={"status": "review"})
        )
        [key] = await house.create("articles", [{"title": "a"}])
        await house.update("articles", {"title": "b"}, scope, keys=[key])

        assert await house.rows("articles", "status") == ["review"]


class TestDelete:
    async def test_rows_are_deleted_by_keys_and_by_query(self, house: House) -> None:
        keys = await house.create("articles", [{"title": n} for n in "abcd"])

        assert await house.delete("articles", keys=[str(keys[0]), keys[2]]) == [keys[0], keys[2]]
        assert await house.delete("articles", query=Query("articles", filter=Compare("title", "eq", "b"))) == [keys[1]]
        assert await house.delete("articles", query=Query("articles", filter=Compare("title", "eq", "b"))) == []
        assert await house.delete("articles", keys=[]) == []
        assert await house.rows("articles", "id") == [keys[3]]

    async def test_a_row_with_a_composite_key(self, house: House) -> None:
        [article] = await house.create("articles", [{"title": "A"}])
        tags = await house.create("tags", [{"name": "t"}, {"name": "u"}])
        links = await house.create("articles_tags", [{"article": article, "tag": tag} for tag in tags])

        assert await house.delete("articles_tags", keys=links[:1]) == links[:1]
        assert await house.update("articles_tags", {"position": 1}, keys=links[1:]) == links[1:]
        assert await house.rows("articles_tags", "tag", "position") == [(tags[1], 1)]
        for key in (f"{article}", f"{article},{tags[0]},1", "a,b", 5):
            with pytest.raises(Problem) as caught:
                await house.delete("articles_tags", keys=[key])
            assert caught.value.code is Code.FORBIDDEN

    async def test_a_row_out_of_sight_looks_like_one_that_does_not_exist(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.DELETE, DRAFTS))
        draft, published = await house.create("articles", [{"title": "a"}, {"title": "b", "status": "published"}])

        for keys in ([published], [999999], ["abc"], [draft, published]):
            with pytest.raises(Problem) as caught:
                await house.delete("articles", scope, keys=keys)
            assert caught.value.code is Code.FORBIDDEN
            assert caught.value.message == (
                'You don\'t have permission to perform "delete" for collection "articles" or it does not exist.'
            )
        assert await house.delete("articles", scope, keys=[draft]) == [draft]
        assert await house.rows("articles", "id") == [published]

    async def test_without_a_permission_the_collection_seems_not_to_exist(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a"}])
        scope = house.may(Permission("articles", Action.READ), Permission("articles", Action.UPDATE))
        with pytest.raises(Problem) as caught:
            await house.delete("articles", scope, keys=[key])

        assert caught.value.message == (
            'You don\'t have permission to access collection "articles" or it does not exist. Queried in root.'
        )
        assert await house.rows("articles", "id") == [key]


class TestTransaction:
    async def test_what_was_written_is_seen_inside_and_undone_by_an_error(self, house: House) -> None:
        with pytest.raises(ZeroDivisionError):
            await self._write_and_fail(house)

        assert await house.rows("articles", "id") == []

    async def _write_and_fail(self, house: House) -> None:
        async with house.writer.transaction() as connection:
            place = (house.catalogue, house.admin, "articles")
            [key] = await house.writer.create(*place, [{"title": "a"}], connection=connection)
            assert await house.writer.update(*place, {"title": "b"}, keys=[key], connection=connection) == [key]
            raise ZeroDivisionError

    async def test_rows_stay_locked_until_the_transaction_ends(self, postgres_url: str) -> None:
        async with publishing_house(postgres_url) as house:
            [key] = await house.create("articles", [{"title": "a"}])
            articles = house.catalogue.table("articles")
            free = select(articles.c.id).with_for_update(skip_locked=True)
            async with house.writer.transaction() as connection, house.db.write() as other:
                assert (await other.execute(free)).scalars().all() == [key]
                await other.rollback()
                place = (house.catalogue, house.admin, "articles")
                await house.writer.update(*place, {}, keys=[key], connection=connection)
                await other.begin()
                assert (await other.execute(free)).scalars().all() == []

    async def test_keys_or_a_query_are_needed(self, house: House) -> None:
        with pytest.raises(TypeError):
            await house.delete("articles")
