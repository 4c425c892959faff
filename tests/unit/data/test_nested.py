"""Writing related rows along with a row: what each form means, and under whose rights it happens."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support.writing import USER, House
from watchword.access.permissions import Action, Permission
from watchword.base.errors import Code, Problem
from watchword.query.filters import Compare, Related
from watchword.query.query import Query

OTHER = "33333333-3333-4333-8333-333333333333"
SHOWN = Compare("hidden", "null", True)


def everything(collection: str, *, without: Action | None = None) -> tuple[Permission, ...]:
    """Return permissions for all actions on a collection but one."""
    return tuple(Permission(collection, action) for action in Action if action is not without)


class TestToOne:
    async def test_a_key_links_and_null_unlinks(self, house: House) -> None:
        await house.create("authors", [{"id": USER, "name": "A"}])
        [key] = await house.create("articles", [{"title": "a", "author": USER.upper()}])
        assert await house.rows("articles", "author") == [USER]

        await house.update("articles", {"author": None}, keys=[key])
        assert await house.rows("articles", "author") == [None]

    async def test_an_object_is_created_and_linked(self, house: House) -> None:
        await house.create("articles", [{"title": "a", "author": {"name": "A"}}, {"title": "b", "author": None}])

        [author] = await house.rows("authors", "id")
        assert await house.rows("articles", "author") == [author, None]

    async def test_an_object_with_an_unknown_key_is_created_with_it(self, house: House) -> None:
        await house.create("articles", [{"title": "a", "author": {"id": OTHER, "name": "A"}}])

        assert await house.rows("authors", "id") == await house.rows("articles", "author") == [OTHER]

    async def test_an_object_with_a_known_key_is_updated(self, house: House) -> None:
        await house.create("authors", [{"id": USER, "name": "A"}])
        await house.create("articles", [{"title": "a", "author": {"id": USER, "name": "B"}}])

        assert await house.rows("authors", "id", "name") == [(USER, "B")]

    async def test_an_object_with_nothing_but_a_key_needs_no_right_to_update(self, house: House) -> None:
        await house.create("authors", [{"id": USER, "name": "A"}])
        await house.create("articles", [{"title": "a", "author": {"id": USER}}], house.editor("articles"))

        assert await house.rows("articles", "author") == [USER]

    async def test_creating_needs_the_right_to_create_there(self, house: House) -> None:
        for scope in (
            house.may(*everything("articles")),
            house.may(*everything("articles"), *everything("authors", without=Action.CREATE)),
        ):
            with pytest.raises(Problem) as caught:
                await house.create("articles", [{"title": "a", "author": {"name": "A"}}], scope)
            assert caught.value.message == (
                'You don\'t have permission to access collection "authors" or it does not exist. Queried in root.'
            )
        assert await house.rows("articles", "id") == []
        scope = house.may(*everything("articles"), Permission("authors", Action.CREATE))
        assert await house.create("articles", [{"title": "a", "author": {"name": "A"}}], scope)

    async def test_updating_needs_the_right_to_update_there(self, house: House) -> None:
        await house.create("authors", [{"id": USER, "name": "A"}, {"id": OTHER, "name": "B"}])
        own = Permission("authors", Action.UPDATE, Compare("id", "eq", USER))
        payload = {"title": "a", "author": {"id": OTHER, "name": "X"}}

        for scope in (house.may(*everything("articles")), house.may(*everything("articles"), own)):
            with pytest.raises(Problem) as caught:
                await house.create("articles", [payload], scope)
            assert caught.value.code is Code.FORBIDDEN
        scope = house.may(*everything("articles"), own)
        await house.create("articles", [{"title": "a", "author": {"id": USER, "name": "X"}}], scope)

        assert sorted(await house.rows("authors", "name")) == ["B", "X"]

    async def test_the_field_itself_has_to_be_allowed(self, house: House) -> None:
        scope = house.may(Permission("articles", Action.CREATE, fields=frozenset({"title"})), *everything("authors"))
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "a", "author": {"name": "A"}}], scope)

        assert 'field "author"' in caught.value.message
        assert await house.rows("authors", "id") == []

    async def test_rows_that_may_not_be_updated_stop_the_nested_writes(self, house: House) -> None:
        scope = house.may(
            Permission("articles", Action.UPDATE, Compare("status", "eq", "draft")), *everything("authors")
        )
        [key] = await house.create("articles", [{"title": "a", "status": "published"}])
        with pytest.raises(Problem) as caught:
            await house.update("articles", {"author": {"name": "A"}}, scope, keys=[key])

        assert caught.value.code is Code.FORBIDDEN
        assert await house.rows("authors", "id") == []

    async def test_a_check_sees_the_key_or_the_object(self, house: House) -> None:
        await house.create("authors", [{"id": USER, "name": "A"}])
        by_key = house.may(
            Permission("articles", Action.CREATE, validation=Compare("author", "eq", USER)), *everything("authors")
        )
        by_name = house.may(
            Permission("articles", Action.CREATE, validation=Related("author", Compare("name", "eq", "A"))),
            *everything("authors"),
        )
        good: dict[str, Any] = {"title": "a", "author": {"id": USER, "name": "A"}}
        bad: dict[str, Any] = {"title": "a", "author": {"name": "B"}}

        for scope in (by_key, by_name):
            assert await house.create("articles", [good], scope)
            with pytest.raises(Problem) as caught:
                await house.create("articles", [bad], scope)
            assert caught.value.code is Code.FAILED_VALIDATION
        assert await house.rows("authors", "name") == ["A"]


class TestReplacing:
    async def test_a_list_creates_and_links_in_order(self, house: House) -> None:
        [loose] = await house.create("notes", [{"text": "loose"}])
        [key] = await house.create("articles", [{"title": "a", "notes": [{"text": "n1"}, loose, {"text": "n2"}]}])

        assert await house.rows("notes", "text", "article") == [("loose", key), ("n1", key), ("n2", key)]

    async def test_a_list_replaces_and_rows_left_out_lose_their_reference(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a", "notes": [{"text": n} for n in "xyz"]}])
        x, y, _ = await house.rows("notes", "id")
        await house.update("articles", {"notes": [y, {"id": x, "text": "X"}, {"text": "new"}]}, keys=[key])

        assert await house.rows("notes", "text", "article") == [("X", key), ("y", key), ("z", None), ("new", key)]

    async def test_rows_left_out_are_deleted_where_the_reference_is_needed(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a", "comments": [{"text": n} for n in "xyz"]}])
        x, _, _ = await house.rows("comments", "id")
        await house.update("articles", {"comments": [x]}, keys=[key])

        assert await house.rows("comments", "text") == ["x"]

    async def test_an_empty_list_unlinks_all_and_null_changes_nothing(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a", "notes": [{"text": "n"}]}])
        await house.update("articles", {"notes": None}, keys=[key])
        assert await house.rows("notes", "article") == [key]

        await house.update("articles", {"notes": []}, keys=[key])
        assert await house.rows("notes", "article") == [None]

    async def test_rows_of_others_stay(self, house: House) -> None:
        first, second = await house.create("articles", [{"title": n, "notes": [{"text": n}]} for n in "ab"])
        await house.update("articles", {"notes": []}, keys=[first])

        assert await house.rows("notes", "article") == [None, second]

    async def test_only_relations_leave_the_row_itself_unwritten(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a"}])
        await house.update("articles", {"notes": [{"text": "n"}]}, keys=[key])

        assert await house.rows("articles", "date_updated") == [None]

    async def test_many_rows_get_their_own_new_ones(self, house: House) -> None:
        keys = await house.create("articles", [{"title": "a"}, {"title": "b"}])
        await house.update("articles", {"notes": [{"text": "n"}]}, keys=keys)

        assert await house.rows("notes", "article") == keys

    async def test_a_row_that_does_not_exist_cannot_be_linked(self, house: House) -> None:
        for item in (999, "abc", None, True):
            with pytest.raises(Problem) as caught:
                await house.create("articles", [{"title": "a", "notes": [item]}])
            assert caught.value.code is Code.FORBIDDEN
        assert await house.rows("articles", "id") == []

    async def test_other_shapes_are_refused(self, house: House) -> None:
        shapes: list[Any] = [5, "x", True, {"add": []}, {"create": 5}, {"create": [5]}, {"update": [5]}]
        for value in shapes:
            with pytest.raises(Problem) as caught:
                await house.create("articles", [{"title": "a", "notes": value}])
            assert caught.value.code is Code.INVALID_PAYLOAD
        assert await house.rows("articles", "id") == []

    async def test_what_is_linked_already_needs_no_right(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a", "notes": [{"text": "n"}]}])
        [note] = await house.rows("notes", "id")
        scope = house.may(*everything("articles"), Permission("notes", Action.READ))

        assert await house.update("articles", {"notes": [note, {"id": note}]}, scope, keys=[key]) == [key]

    async def test_linking_needs_the_right_to_write_the_reference(self, house: House) -> None:
        notes = await house.create("notes", [{"text": "n"}])
        for update in ((), (Permission("notes", Action.UPDATE, fields=frozenset({"text"})),)):
            with pytest.raises(Problem) as caught:
                await house.create(
                    "articles", [{"title": "a", "notes": notes}], house.may(*everything("articles"), *update)
                )
            assert caught.value.code is Code.FORBIDDEN
        allowed = Permission("notes", Action.UPDATE, fields=frozenset({"article"}))
        await house.create("articles", [{"title": "a", "notes": notes}], house.may(*everything("articles"), allowed))

        assert await house.rows("articles", "title") == ["a"]

    async def test_creating_needs_the_right_to_create_there_with_the_reference(self, house: House) -> None:
        payload = {"title": "a", "notes": [{"text": "n"}]}
        for create in ((), (Permission("notes", Action.CREATE, fields=frozenset({"text"})),)):
            with pytest.raises(Problem) as caught:
                await house.create("articles", [payload], house.may(*everything("articles"), *create))
            assert caught.value.code is Code.FORBIDDEN
        assert await house.rows("articles", "id") == []
        allowed = Permission("notes", Action.CREATE, fields=frozenset({"text", "article"}))
        assert await house.create("articles", [payload], house.may(*everything("articles"), allowed))

    async def test_unlinking_needs_the_right_to_update_or_to_delete(self, house: House) -> None:
        payload = {"title": "a", "notes": [{"text": "n"}], "comments": [{"text": "c"}]}
        [key] = await house.create("articles", [payload])
        for field, child, needed in (("notes", "notes", Action.UPDATE), ("comments", "comments", Action.DELETE)):
            lacking = house.may(*everything("articles"), *everything(child, without=needed))
            with pytest.raises(Problem) as caught:
                await house.update("articles", {field: []}, lacking, keys=[key])
            assert caught.value.code is Code.FORBIDDEN

            sufficient = house.may(*everything("articles"), Permission(child, Action.READ), Permission(child, needed))
            await house.update("articles", {field: []}, sufficient, keys=[key])

        assert await house.rows("notes", "article") == [None]
        assert await house.rows("comments", "id") == []

    async def test_linked_rows_that_cannot_be_read_stay_linked(self, house: House) -> None:
        notes = [{"text": "shown"}, {"text": "hidden", "hidden": True}]
        [key] = await house.create("articles", [{"title": "a", "notes": notes}])
        writes = Permission("notes", Action.UPDATE)
        sees_some = house.may(*everything("articles"), writes, Permission("notes", Action.READ, SHOWN))

        await house.update("articles", {"notes": []}, house.may(*everything("articles"), writes), keys=[key])
        assert await house.rows("notes", "article") == [key, key]
        await house.update("articles", {"notes": []}, sees_some, keys=[key])
        assert await house.rows("notes", "article") == [None, key]


class TestChanging:
    async def test_rows_are_created_updated_and_unlinked(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a", "notes": [{"text": n} for n in "xyz"]}])
        x, y, _ = await house.rows("notes", "id")
        changes = {"create": [{"text": "new"}], "update": [{"id": x, "text": "X"}], "delete": [str(y)]}
        await house.update("articles", {"notes": changes}, keys=[key])

        assert await house.rows("notes", "text", "article") == [("X", key), ("y", None), ("z", key), ("new", key)]

    async def test_update_fetches_a_row_from_elsewhere(self, house: House) -> None:
        [loose] = await house.create("notes", [{"text": "n"}])
        [key] = await house.create("articles", [{"title": "a", "notes": {"update": [{"id": loose}]}}])

        assert await house.rows("notes", "article") == [key]

    async def test_update_needs_the_key_of_a_row_that_exists(self, house: House) -> None:
        for item, code in (({"text": "x"}, Code.INVALID_PAYLOAD), ({"id": 99}, Code.FORBIDDEN)):
            with pytest.raises(Problem) as caught:
                await house.create("articles", [{"title": "a", "notes": {"update": [item]}}])
            assert caught.value.code is code

    async def test_only_linked_rows_are_unlinked(self, house: House) -> None:
        first, second = await house.create("articles", [{"title": n, "comments": [{"text": n}]} for n in "ab"])
        comments = await house.rows("comments", "id")

        for keys in ([comments[1]], [comments[0], comments[1]], [99], ["x"], [None]):
            with pytest.raises(Problem) as caught:
                await house.update("articles", {"comments": {"delete": keys}}, keys=[first])
            assert caught.value.code is Code.FORBIDDEN
        assert await house.rows("comments", "article") == [first, second]
        await house.update("articles", {"comments": {"delete": [comments[1]]}}, keys=[second])
        assert await house.rows("comments", "article") == [first]

    async def test_each_change_needs_its_right(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a", "comments": [{"text": "c"}]}])
        [comment] = await house.rows("comments", "id")
        changes = {
            Action.CREATE: {"create": [{"text": "n"}]},
            Action.UPDATE: {"update": [{"id": comment, "text": "n"}]},
            Action.DELETE: {"delete": [comment]},
        }
        for action, change in changes.items():
            lacking = house.may(*everything("articles"), *everything("comments", without=action))
            with pytest.raises(Problem) as caught:
                await house.update("articles", {"comments": change}, lacking, keys=[key])
            assert caught.value.code is Code.FORBIDDEN
            only = house.may(*everything("articles"), Permission("comments", action))
            await house.update("articles", {"comments": change}, only, keys=[key])

        assert await house.rows("comments", "text") == ["n"]


class TestManyToMany:
    async def test_the_alias_leads_to_rows_of_the_junction(self, house: House) -> None:
        [tag] = await house.create("tags", [{"name": "old"}])
        [key] = await house.create("articles", [{"title": "a", "tags": [{"tag": tag}, {"tag": {"name": "new"}}]}])

        tags = dict(await house.rows("tags", "name", "id"))
        assert await house.rows("articles_tags", "article", "tag") == [(key, tags["old"]), (key, tags["new"])]

    async def test_a_list_keeps_what_is_linked_and_deletes_the_rest(self, house: House) -> None:
        [key] = await house.create("articles", [{"title": "a", "tags": [{"tag": {"name": n}} for n in "xyz"]}])
        tags = dict(await house.rows("tags", "name", "id"))
        replaced = [{"tag": tags["x"], "position": 1}, f"{key},{tags['y']}", {"tag": {"name": "w"}}]
        await house.update("articles", {"tags": replaced}, keys=[key])

        tags = dict(await house.rows("tags", "name", "id"))
        assert await house.rows("articles_tags", "tag", "position") == [
            (tags["x"], 1),
            (tags["y"], None),
            (tags["w"], None),
        ]

    async def test_the_far_row_is_written_under_its_own_rights(self, house: House) -> None:
        scope = house.may(*everything("articles"), *everything("articles_tags"))
        with pytest.raises(Problem) as caught:
            await house.create("articles", [{"title": "a", "tags": [{"tag": {"name": "new"}}]}], scope)

        assert '"tags"' in caught.value.message
        assert await house.rows("articles", "id") == []
        [tag] = await house.create("tags", [{"name": "old"}])
        assert await house.create("articles", [{"title": "a", "tags": [{"tag": tag}]}], scope)


class TestWhole:
    async def test_an_error_deep_inside_undoes_everything(self, house: House) -> None:
        bad: list[dict[str, Any]] = [
            {"title": "a", "author": {"name": "A"}, "notes": [{"text": "n"}, {"text": "x" * 51}]},
            {"title": "a", "author": {"name": "A"}, "comments": [{"text": None}]},
            {"title": "a", "author": {"name": "A"}, "tags": [{"tag": {"name": "t"}}, {"tag": {"name": "t"}}]},
            {"title": "a", "author": {"name": "A"}, "slug": "s", "notes": [{"text": "n"}]},
        ]
        await house.create("articles", [{"title": "b", "slug": "s"}])
        for payload in bad:
            with pytest.raises(Problem):
                await house.create("articles", [{"title": "first"}, payload])

        assert await house.rows("articles", "title") == ["b"]
        for collection in ("authors", "notes", "comments", "tags", "articles_tags"):
            assert await house.rows(collection, *house.catalogue.collection(collection).key) == []

    async def test_relations_go_as_deep_as_ten_levels(self, house: House) -> None:
        def folders(levels: int) -> dict[str, Any]:
            return {"name": f"{levels}"} | ({"folders": [folders(levels - 1)]} if levels else {})

        def parents(levels: int) -> dict[str, Any]:
            return {"name": f"{levels}"} | ({"parent": parents(levels - 1)} if levels else {})

        await house.create("folders", [folders(10)])
        await house.create("folders", [parents(10)])
        for payload in (folders(11), parents(11)):
            with pytest.raises(Problem) as caught:
                await house.create("folders", [payload])
            assert caught.value.code is Code.INVALID_PAYLOAD
        assert len(await house.rows("folders", "id")) == 22

    async def test_a_tree_may_point_up_and_down_at_once(self, house: House) -> None:
        await house.create("folders", [{"name": "b", "parent": {"name": "a"}, "folders": [{"name": "c"}]}])

        found = await house.rows("folders", "name", "id", "parent")
        ids = {name: key for name, key, _ in found}
        assert {name: parent for name, _, parent in found} == {"a": None, "b": ids["a"], "c": ids["b"]}

    async def test_relations_can_be_written_through_a_query(self, house: House) -> None:
        await house.create("articles", [{"title": "a"}, {"title": "b"}])
        await house.update("articles", {"notes": [{"text": "n"}]}, query=Query("articles", limit=1))

        assert len(await house.rows("notes", "id")) == 1
