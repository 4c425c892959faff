"""Reading rows under rights."""

from __future__ import annotations

import json
from typing import Any

import pytest
import sqlalchemy as sa

from tests.unit.data.world import ANN, BOB, EDITORS, World, build, may_read, query, scope
from watchword.access.compile import FULL_ACCESS, NO_ACCESS
from watchword.base.errors import Code, Problem
from watchword.data.plan import Limits
from watchword.data.reflect import ReflectOptions
from watchword.data.select import LONGEST_REMEMBERED, MOST_REMEMBERED, Reader

EVERY_ROW: dict[str, Any] = {}


async def refused(world: World, *arguments: Any, **params: Any) -> Problem:
    with pytest.raises(Problem) as caught:
        await world.read(*arguments, **params)
    return caught.value


async def test_fields_come_as_asked_and_rendered_for_json(world: World) -> None:
    rows = await world.read("articles", fields="id,title,published_on,seen_at,meta", limit=1)
    assert rows == [
        {
            "id": 1,
            "title": "Apples",
            "published_on": "2026-01-05T12:00:00",
            "seen_at": "2026-01-05T12:00:00.000Z",
            "meta": ["a", "b"],
        }
    ]


async def test_a_wildcard_gives_columns_and_keys_of_related_rows(world: World) -> None:
    (row,) = await world.read("articles", limit=1)
    assert row["author"] == ANN
    assert row["comments"] == [1, 2, 3]
    assert row["tags"] == ["1,1", "1,2"]
    assert list(row)[:2] == ["id", "title"]


async def test_a_double_wildcard_expands_each_relation_once(world: World) -> None:
    (row,) = await world.read("articles", fields="*.*", limit=1)
    assert row["category"]["name"] == "fruit"
    assert row["category"]["parent"] == 1
    assert [comment["body"] for comment in row["comments"]] == ["first", "second", "third"]
    assert row["author"]["password"] == row["author"]["token"] == "**********"


async def test_concealed_fields_show_only_that_there_is_something(world: World) -> None:
    rows = await world.read("directus_users", fields="first_name,password,token")
    assert rows == [
        {"first_name": "Ann", "password": "**********", "token": "**********"},
        {"first_name": "Bob", "password": None, "token": None},
    ]


async def test_related_items_nest_through_every_kind_of_relation(world: World) -> None:
    rows = await world.read(
        "articles", fields="id,author.role.name,category.parent.name,tags.tag.name,comments.body", limit=3
    )
    assert rows[0] == {
        "id": 1,
        "author": {"role": {"name": "Editors"}},
        "category": {"parent": {"name": "food"}},
        "tags": [{"tag": {"name": "fruit"}}, {"tag": {"name": "red"}}],
        "comments": [{"body": "first"}, {"body": "second"}, {"body": "third"}],
    }
    assert rows[2]["author"] == {"role": None}
    assert rows[2]["category"] == {"parent": None}
    assert rows[1]["comments"] == []


async def test_our_own_collections_relate_to_each_other(world: World) -> None:
    (role,) = await world.read("directus_roles", fields="id,users.first_name,children,policies")
    assert role == {"id": EDITORS, "users": [{"first_name": "Ann"}], "children": [], "policies": []}


async def test_each_level_of_relations_is_one_statement(world: World) -> None:
    with world.statements() as seen:
        await world.read("articles", fields="id,author.role.name,tags.tag.name,comments.body,comments.article.title")
    assert len(seen) == 1 + 2 + 2 + 2


async def test_functions_and_aliases_name_their_results(world: World) -> None:
    rows = await world.read(
        "articles",
        fields="id,year(published_on),count(comments),count(meta),name,author.id",
        alias='{"name":"title"}',
        limit=1,
    )
    assert rows == [
        {
            "id": 1,
            "published_on_year": 2026,
            "comments_count": 3,
            "meta_count": 2,
            "name": "Apples",
            "author": {"id": ANN},
        }
    ]


async def test_an_alias_reads_a_relation_twice(world: World) -> None:
    deep = {"few": {"_limit": 1}, "all": {"_sort": "-id"}}
    rows = await world.read(
        "articles", fields="few.id,all.id", alias={"few": "comments", "all": "comments"}, deep=deep, limit=1
    )
    assert rows == [{"few": [{"id": 1}], "all": [{"id": 3}, {"id": 2}, {"id": 1}]}]


async def test_deep_limits_and_sorts_for_each_parent(world: World) -> None:
    deep = {"comments": {"_sort": "-id", "_limit": 1, "_offset": 1}}
    rows = await world.read("articles", fields="id,comments.id", deep=deep)
    assert [row["comments"] for row in rows] == [[{"id": 2}], [], [], [], []]


async def test_deep_filters_and_searches_related_rows(world: World) -> None:
    deep = {"comments": {"_filter": {"hidden": {"_eq": True}}}, "tags": {"_filter": {"tag": {"name": {"_eq": "red"}}}}}
    (row,) = await world.read("articles", fields="comments,tags.tag", deep=deep, limit=1)
    assert row == {"comments": [2], "tags": [{"tag": 2}]}
    (row,) = await world.read("articles", fields="comments.body", deep={"comments": {"_search": "FIRST"}}, limit=1)
    assert row == {"comments": [{"body": "first"}]}


async def test_a_to_one_relation_that_its_deep_filter_excludes_is_null(world: World) -> None:
    deep = {"author": {"_filter": {"first_name": {"_eq": "nobody"}}}}
    assert await world.read("articles", fields="id,author.first_name", deep=deep, limit=1) == [
        {"id": 1, "author": None}
    ]


@pytest.mark.parametrize("deep", [{"title": {"_limit": 1}}, {"comments": {"_aggregate": {"count": "*"}}}])
async def test_deep_is_for_relations_and_rows(world: World, deep: dict[str, Any]) -> None:
    assert (await refused(world, "articles", fields="comments.id", deep=deep)).code is Code.INVALID_QUERY


async def test_rows_are_sorted_by_key_unless_asked_otherwise(world: World) -> None:
    assert await world.ids("articles") == [1, 2, 3, 4, 5]
    assert await world.ids("articles", sort="-status,-id") == [5, 3, 1, 4, 2]


async def test_nulls_sort_lowest_on_both_databases(world: World) -> None:
    assert await world.ids("articles", sort="published_on") == [3, 4, 1, 5, 2]
    assert await world.ids("articles", sort="-published_on") == [2, 5, 1, 4, 3]
    assert await world.ids("articles", sort="author.first_name") == [5, 1, 2, 3, 4]


async def test_sorting_goes_through_relations_and_functions(world: World) -> None:
    assert await world.ids("articles", sort="category.parent.name,-id") == [4, 3, 5, 2, 1]
    assert await world.ids("articles", sort="-count(comments),id") == [1, 3, 4, 2, 5]
    assert await world.ids("articles", sort="-month(published_on)") == [4, 2, 5, 1, 3]


@pytest.mark.parametrize("name", ["comments", "nothing"])
async def test_what_leads_out_of_sight_is_refused_like_what_there_is_not(world: World, name: str) -> None:
    few = may_read(articles=[(EVERY_ROW, None)])
    for words in (
        {"sort": name},
        {"sort": f"{name}.id"},
        {"sort": f"count({name})"},
        {"aggregate": {"count": name}},
        {"aggregate": {"count": "*"}, "groupBy": name},
    ):
        problem = await refused(world, "articles", few, **words)
        assert (problem.code, name in problem.message) == (Code.FORBIDDEN, True)


@pytest.mark.parametrize("sort", ["comments", "comments.id", "title.id", "meta", "year(title)"])
async def test_what_has_no_single_ordered_value_cannot_be_sorted_by(world: World, sort: str) -> None:
    assert (await refused(world, "articles", sort=sort)).code is Code.INVALID_QUERY


async def test_pages_and_counts(world: World) -> None:
    page = await world.page("articles", fields="id", filter={"status": "published"}, limit=1, offset=1, meta="*")
    assert page.data == [{"id": 3}]
    assert page.meta == {"total_count": 5, "filter_count": 3}
    assert await world.ids("articles", limit=0) == []
    assert await world.ids("articles", limit=-1) == [1, 2, 3, 4, 5]
    assert (await world.page("articles", limit=1)).meta is None


async def test_the_server_bounds_limits(world: World) -> None:
    reader = Reader(world.db, Limits(default=2, maximum=3))
    everyone = scope(FULL_ACCESS)

    async def count(**params: Any) -> int:
        return len((await reader.read(world.catalogue, everyone, query("articles", **params))).data)

    assert [await count(), await count(limit=-1), await count(limit=5), await count(limit=1)] == [2, 3, 3, 1]
    (row,) = (await reader.read(world.catalogue, everyone, query("articles", fields="comments", limit=1))).data
    assert row == {"comments": [1, 2]}


@pytest.mark.parametrize(
    ("params", "rows"),
    [
        ({"fields": "id", "limit": -1}, 5),
        ({"fields": "id,comments", "limit": 1}, 4),
        ({"fields": "id,comments.body", "limit": 1}, 4),
        ({"fields": "comments.article.comments.id", "limit": 1}, 1 + 3 + 1 + 3),
        ({"fields": "author.first_name", "limit": 1}, 2),
        ({"aggregate": {"count": "*"}, "groupBy": "status"}, 2),
    ],
)
async def test_a_read_of_too_many_rows_is_refused(world: World, params: dict[str, Any], rows: int) -> None:
    everyone = scope(FULL_ACCESS)
    enough = Reader(world.db, Limits(rows=rows))
    assert (await enough.read(world.catalogue, everyone, query("articles", **params))).data
    with pytest.raises(Problem) as refused:
        await Reader(world.db, Limits(rows=rows - 1)).read(world.catalogue, everyone, query("articles", **params))
    assert refused.value.code is Code.INVALID_QUERY
    assert f"more than {rows - 1} rows" in refused.value.message


@pytest.mark.parametrize(
    ("limits", "params", "reason"),
    [
        (Limits(depth=1), {"fields": "category.parent.name"}, "Max relational depth exceeded"),
        (Limits(depth=1), {"filter": {"category": {"parent": {"id": 1}}}}, "Max relational depth exceeded"),
        (Limits(depth=1), {"sort": "category.parent.name"}, "Max relational depth exceeded"),
        (Limits(depth=1), {"fields": "*.*.*"}, "Max relational depth exceeded"),
        (Limits(relations=2), {"fields": "category.name,author.first_name"}, "too many relations"),
        (Limits(conditions=1), {"filter": {"id": {"_gt": 1, "_lt": 3}}}, "more than 1 conditions"),
    ],
)
async def test_a_query_that_is_too_deep_or_too_large_is_refused(
    world: World, limits: Limits, params: dict[str, Any], reason: str
) -> None:
    asked = query("articles", **params)
    with pytest.raises(Problem) as refused:
        await Reader(world.db, limits).read(world.catalogue, scope(FULL_ACCESS), asked)
    assert refused.value.code is Code.INVALID_QUERY
    assert reason in refused.value.message
    assert (await Reader(world.db).read(world.catalogue, scope(FULL_ACCESS), asked)).data


async def test_deep_without_a_limit_gives_every_related_row(world: World) -> None:
    deep = {"comments": {"_limit": -1, "_sort": "-id"}}
    assert await world.read("articles", fields="comments", deep=deep, limit=1) == [{"comments": [3, 2, 1]}]


async def test_search_looks_into_texts_and_equals_numbers(world: World) -> None:
    assert await world.ids("articles", search="APPLES") == [1, 5]
    assert await world.ids("articles", search="20") == [2]
    assert await world.ids("articles", search="100%") == [4]
    assert await world.ids("articles", search=BOB) == [3, 4]
    assert await world.ids("articles", search="nowhere") == []


async def test_rows_by_keys_come_in_the_order_of_the_keys(world: World) -> None:
    everyone = scope(FULL_ACCESS)
    asked = query("articles", fields="title", limit=1)
    rows = await world.reader.read_keys(world.catalogue, everyone, asked, ["3", 1, 3, "x", None, 99, True])
    assert rows == [{"title": "Cherries"}, {"title": "Apples"}]
    asked = query("articles", fields="id", sort="-id", filter={"status": "published"})
    assert await world.reader.read_keys(world.catalogue, everyone, asked, [1, 2, 3]) == [{"id": 3}, {"id": 1}]
    assert await world.reader.read_keys(world.catalogue, everyone, asked, ["x"]) == []


async def test_rows_have_composite_keys(world: World) -> None:
    rows = await world.reader.read_keys(
        world.catalogue, scope(FULL_ACCESS), query("articles_tags", fields="tag.name"), ["3,2", "1,1", "1", "1,x"]
    )
    assert rows == [{"tag": {"name": "red"}}, {"tag": {"name": "fruit"}}]


async def test_many_keys_are_read_in_turns(world: World) -> None:
    keys = [*range(6, 40_000), 2]
    rows = await world.reader.read_keys(world.catalogue, scope(FULL_ACCESS), query("articles", fields="id"), keys)
    assert rows == [{"id": 2}]


async def test_one_row_is_read_by_its_key_or_refused(world: World) -> None:
    access = may_read(articles={"status": {"_eq": "published"}})
    asked = query("articles", fields="id")
    assert await world.reader.read_one(world.catalogue, scope(access), asked, "1") == {"id": 1}
    for key in (2, 99, "x"):
        with pytest.raises(Problem) as caught:
            await world.reader.read_one(world.catalogue, scope(access), asked, key)
        assert (caught.value.code, caught.value.extensions) == (Code.FORBIDDEN, {})


async def test_a_read_runs_inside_its_callers_transaction(world: World) -> None:
    async with world.db.read() as connection:
        page = await world.reader.read(
            world.catalogue, scope(FULL_ACCESS), query("tags", fields="id"), connection=connection
        )
    assert len(page.data) == 3


# Rights


async def test_a_collection_without_rights_looks_like_none(world: World) -> None:
    missing = await refused(world, "nope")
    unseen = await refused(world, "articles", NO_ACCESS)
    assert unseen.message == missing.message.replace("nope", "articles")
    assert unseen.message == (
        'You don\'t have permission to access collection "articles" or it does not exist. Queried in root.'
    )


async def test_only_rows_that_the_rule_takes_are_read_and_counted(world: World) -> None:
    access = may_read(articles={"author": {"_eq": "$CURRENT_USER"}})
    page = await world.page("articles", access, ANN, fields="id", meta="*")
    assert (page.data, page.meta) == ([{"id": 1}, {"id": 2}], {"total_count": 2, "filter_count": 2})
    assert await world.ids("articles", access, BOB) == [3, 4]
    assert await world.ids("articles", access, None) == []


async def test_one_plan_serves_callers_with_different_variables(world: World) -> None:
    access = may_read(articles={"author": {"id": {"_in": ["$CURRENT_USER"]}}, "published_on": {"_lt": "$NOW"}})
    reader = Reader(world.db)
    asked = query("articles", fields="id")
    seen = [(await reader.read(world.catalogue, scope(access, user), asked)).data for user in (ANN, BOB, None)]
    assert seen == [[{"id": 1}, {"id": 2}], [{"id": 4}], []]


async def test_a_field_out_of_sight_is_refused_like_one_that_does_not_exist(world: World) -> None:
    access = may_read(articles=(EVERY_ROW, "id,title,comments"), comments=EVERY_ROW)
    asked: list[dict[str, Any]] = [
        {"fields": "secret"},
        {"filter": {"secret": {"_eq": "s1"}}},
        {"filter": {"_or": [{"id": 1}, {"secret": {"_null": False}}]}},
        {"sort": "-secret"},
        {"aggregate": {"count": "secret"}},
        {"aggregate": {"max": "secret"}},
        {"aggregate": {"count": "*"}, "groupBy": "secret"},
        {"fields": "x", "alias": {"x": "secret"}},
        {"sort": "x", "alias": {"x": "secret"}},
        {"deep": {"secret": {"_limit": 1}}},
    ]
    for params in asked:
        problem = await refused(world, "articles", access, **params)
        unknown = await refused(
            world, "articles", FULL_ACCESS, **json.loads(json.dumps(params).replace("secret", "nope"))
        )
        assert problem.code is Code.FORBIDDEN, params
        assert problem.message == unknown.message.replace("nope", "secret")
        assert 'field "secret" in collection "articles"' in problem.message


async def test_a_field_out_of_sight_is_refused_below_relations(world: World) -> None:
    access = may_read(articles=EVERY_ROW, comments=(EVERY_ROW, "id,article"))
    asked: list[dict[str, Any]] = [
        {"fields": "comments.body"},
        {"filter": {"comments": {"body": {"_eq": "first"}}}},
        {"filter": {"comments": {"_none": {"body": {"_eq": "first"}}}}},
        {"fields": "comments.id", "deep": {"comments": {"_filter": {"body": {"_eq": "x"}}}}},
        {"fields": "comments.id", "deep": {"comments": {"_sort": "body"}}},
        {"fields": "comments", "deep": {"comments": {"_filter": {"body": {"_eq": "x"}}}}},
    ]
    for params in asked:
        problem = await refused(world, "articles", access, **params)
        assert problem.code is Code.FORBIDDEN
        assert 'field "body" in collection "comments"' in problem.message
    assert (await refused(world, "articles", access, fields="comments.body")).message.endswith('Queried in "comments".')
    assert (await refused(world, "articles", access, fields="title.x")).code is Code.FORBIDDEN


async def test_a_wildcard_gives_what_is_in_sight(world: World) -> None:
    access = may_read(articles=(EVERY_ROW, "id,title,author,comments"), comments={"hidden": {"_eq": False}})
    (row,) = await world.read("articles", access, fields="*.*", limit=1)
    assert row == {
        "id": 1,
        "title": "Apples",
        "author": ANN,
        "comments": [
            {"id": 1, "article": 1, "body": "first", "hidden": False},
            {"id": 3, "article": 1, "body": "third", "hidden": False},
        ],
    }


async def test_relations_into_collections_without_rights_are_left_out(world: World) -> None:
    access = may_read(articles=EVERY_ROW)
    (row,) = await world.read("articles", access, fields="id,author.first_name,comments,comments.body", limit=1)
    assert row == {"id": 1}
    (row,) = await world.read("articles", access, limit=1)
    assert row["author"] == ANN
    assert "comments" not in row


@pytest.mark.parametrize("fields", ["author.first_name", "comments", "comments.body", "author.first_name,comments"])
async def test_rows_of_which_nothing_is_left_are_empty(world: World, fields: str) -> None:
    access = may_read(articles=EVERY_ROW)
    assert await world.read("articles", access, fields=fields, limit=2) == [{}, {}]
    assert await world.read("articles", access, fields=fields, filter={"id": {"_eq": 0}}) == []


async def test_related_rows_out_of_sight_are_null_or_missing(world: World) -> None:
    access = may_read(
        articles=EVERY_ROW,
        comments={"hidden": {"_eq": False}},
        directus_users=({"first_name": {"_eq": "Ann"}}, "first_name"),
    )
    rows = await world.read("articles", access, fields="id,author.first_name,comments.id,count(comments)")
    assert [row["author"] for row in rows] == [{"first_name": "Ann"}, {"first_name": "Ann"}, None, None, None]
    assert [row["comments"] for row in rows] == [[{"id": 1}, {"id": 3}], [], [{"id": 4}], [], []]
    assert [row["comments_count"] for row in rows] == [2, 0, 1, 0, 0]
    assert (await world.read("articles", access, fields="author", limit=3))[2] == {"author": BOB}


async def test_sorting_does_not_tell_of_related_rows_out_of_sight(world: World) -> None:
    access = may_read(
        articles=EVERY_ROW, directus_users=({"id": {"_eq": ANN}}, "first_name"), comments={"hidden": False}
    )
    assert await world.ids("articles", access, sort="-author.first_name,id") == [1, 2, 3, 4, 5]
    assert await world.ids("articles", access, sort="-count(comments),id") == [1, 3, 2, 4, 5]
    problem = await refused(world, "articles", may_read(articles=EVERY_ROW), sort="author.first_name")
    assert 'collection "directus_users"' in problem.message


async def test_a_field_shows_on_the_rows_whose_grant_names_it(world: World) -> None:
    access = may_read(
        articles=[(EVERY_ROW, "id,title"), ({"author": {"_eq": "$CURRENT_USER"}}, "secret,author,comments")],
        comments=EVERY_ROW,
        directus_users=EVERY_ROW,
    )
    rows = await world.read(
        "articles", access, BOB, fields="id,secret,author.first_name,comments,count(comments)", limit=3
    )
    assert rows == [
        {"id": 1, "secret": None, "author": None, "comments": None, "comments_count": None},
        {"id": 2, "secret": None, "author": None, "comments": None, "comments_count": None},
        {"id": 3, "secret": "s3", "author": {"first_name": "Bob"}, "comments": [4], "comments_count": 1},
    ]


async def test_a_field_in_sight_on_some_rows_is_compared_sorted_and_counted_on_those(world: World) -> None:
    access = may_read(articles=[(EVERY_ROW, "id"), ({"status": {"_eq": "published"}}, "secret")])
    assert await world.ids("articles", access, filter={"secret": {"_nnull": True}}) == [1, 3, 5]
    assert await world.ids("articles", access, filter={"secret": {"_null": True}}) == []
    assert await world.ids("articles", access, search="s") == [1, 3, 5]
    assert await world.ids("articles", access, sort="-secret") == [5, 3, 1, 2, 4]
    assert await world.read("articles", access, aggregate={"count": "secret"}) == [{"count": {"secret": 3}}]
    groups = await world.read("articles", access, aggregate={"count": "*"}, groupBy="secret")
    assert groups[0] == {"secret": None, "count": 2}


async def test_filters_do_not_tell_of_related_rows_out_of_sight(world: World) -> None:
    access = may_read(
        articles=EVERY_ROW, comments={"hidden": {"_eq": False}}, directus_users=({"id": ANN}, "id,first_name")
    )
    assert await world.ids("articles", access, filter={"comments": {"body": {"_eq": "second"}}}) == []
    assert await world.ids("articles", access, filter={"comments": {"_none": {"id": {"_gt": 0}}}}) == [2, 4, 5]
    assert await world.ids("articles", access, filter={"comments": {"_nnull": True}}) == [1, 3]
    assert await world.ids("articles", access, filter={"count(comments)": {"_eq": 2}}) == [1]
    assert await world.ids("articles", access, filter={"author": {"first_name": {"_neq": "x"}}}) == [1, 2]
    problem = await refused(world, "articles", may_read(articles=EVERY_ROW), filter={"comments": {"id": 1}})
    assert 'collection "comments"' in problem.message


async def test_concealed_fields_cannot_be_asked_about(world: World) -> None:
    for params in (
        {"filter": {"password": {"_starts_with": "argon"}}},
        {"filter": {"token": {"_nnull": True}}},
        {"sort": "password"},
        {"aggregate": {"max": "password"}},
        {"aggregate": {"count": "*"}, "groupBy": "password"},
    ):
        assert (await refused(world, "directus_users", **params)).code is Code.FORBIDDEN
    assert await world.ids("directus_users", search="argon") == []


async def test_whether_a_concealed_field_has_a_value_is_no_secret(world: World) -> None:
    for operator, found in (("_nnull", ["Ann"]), ("_nempty", ["Ann"]), ("_null", ["Bob"]), ("_empty", ["Bob"])):
        rows = await world.read("directus_users", fields="first_name", filter={"password": {operator: True}})
        assert [row["first_name"] for row in rows] == found, operator
    blind = may_read(directus_users=(EVERY_ROW, "first_name"))
    problem = await refused(world, "directus_users", blind, filter={"password": {"_nnull": True}})
    assert problem.code is Code.FORBIDDEN


async def test_an_empty_concealed_text_is_like_every_other(database_url: str) -> None:
    world = await build(
        database_url, ReflectOptions(special={"articles": {"secret": ["conceal"], "meta": ["conceal"]}})
    )
    try:
        async with world.db.write() as connection:
            await connection.exec_driver_sql("UPDATE articles SET secret = '' WHERE id = 1")
        assert await world.ids("articles", filter={"secret": {"_nempty": True}}) == [1, 2, 3, 5]
        for condition in ({"meta": {"_json": {"a": {"_null": True}}}}, {"count(meta)": {"_null": True}}):
            assert (await refused(world, "articles", filter=condition)).code is Code.FORBIDDEN
    finally:
        await world.db.close()


async def test_no_part_of_a_concealed_field_is_shown(database_url: str) -> None:
    conceal = {"articles": {"published_on": ["conceal"], "meta": ["json", "conceal"]}}
    world = await build(database_url, ReflectOptions(special=conceal))
    try:
        assert (await world.read("articles", fields="meta,published_on", limit=1)) == [
            {"meta": "**********", "published_on": "**********"}
        ]
        for fields in ("year(published_on)", "count(meta)", "comments.article.count(meta)"):
            problem = await refused(world, "articles", fields=fields)
            assert problem.code is Code.FORBIDDEN, fields
        assert await world.read("articles", fields="count(comments)", limit=1) == [{"comments_count": 3}]
    finally:
        await world.db.close()


async def test_search_stays_within_the_fields_in_sight(world: World) -> None:
    access = may_read(articles=(EVERY_ROW, "id,title"))
    assert await world.ids("articles", access, search="apples") == [1]
    assert await world.ids("articles", may_read(articles=(EVERY_ROW, "id")), search="apples") == []


async def test_too_many_relations_are_refused(world: World) -> None:
    problem = await refused(world, "articles", fields="*.*.*.*.*.*.*")
    assert problem.code is Code.INVALID_QUERY


async def test_a_filter_with_too_many_values_is_refused(world: World) -> None:
    with pytest.raises(Problem) as caught:
        await world.read(
            "articles", filter={"_or": [{"id": {"_in": list(range(6000))}}, {"id": {"_in": list(range(6000))}}]}
        )
    assert caught.value.code is Code.INVALID_QUERY


async def test_queries_that_differ_in_constants_share_a_plan(world: World) -> None:
    reader, everyone = Reader(world.db), scope(FULL_ACCESS)

    async def ids(condition: dict[str, Any], **params: Any) -> list[int]:
        asked = query("articles", fields="id", filter=condition, **params)
        return [row["id"] for row in (await reader.read(world.catalogue, everyone, asked)).data]

    assert [await ids({"id": {"_in": given}}) for given in ("1,2", [3], [], [None, 4])] == [[1, 2], [3], [], [4]]
    assert [await ids({"title": {"_contains": given}}) for given in ("pp", "an", "%")] == [[1], [2], []]
    assert [await ids({"id": {"_gt": 1}}, limit=1, offset=given) for given in (1, 2)] == [[3], [4]]
    assert [await ids({"id": {"_gt": given}}, limit=2) for given in (1, 3)] == [[2, 3], [4, 5]]
    assert [await ids({"body": {"_eq": given}}) for given in ("red", None)] == [[3], [2]]
    assert len(next(iter(reader._plans[world.catalogue].values()))) == 6
    with pytest.raises(Problem) as caught:
        await ids({"id": {"_gt": "x"}})
    assert caught.value.extensions == {"reason": "Invalid numeric value"}


async def test_plans_do_not_outlive_their_rights(world: World) -> None:
    reader = Reader(world.db)
    access = may_read(tags=EVERY_ROW)
    for fields in ("id", "name", "*"):
        await reader.read(world.catalogue, scope(access), query("tags", fields=fields))
    (plans,) = reader._plans[world.catalogue].values()
    assert len(plans) == 3
    del access, plans
    assert len(reader._plans[world.catalogue]) == 0


async def test_a_query_that_is_long_is_worked_out_each_time(world: World) -> None:
    access = may_read(tags=EVERY_ROW)
    reader = Reader(world.db)
    long = query("tags", alias={"n" * LONGEST_REMEMBERED: "name"}, fields=["n" * LONGEST_REMEMBERED], limit=1)
    for asked in (query("tags", fields="id"), long, long):
        found = await reader.read(world.catalogue, scope(access), asked)
    assert found.data == [{"n" * LONGEST_REMEMBERED: "fruit"}]
    (plans,) = reader._plans[world.catalogue].values()
    assert len(plans) == 1


async def test_all_queries_together_that_are_remembered_are_limited(world: World) -> None:
    access = may_read(tags=EVERY_ROW)
    reader = Reader(world.db)
    for number in range(150):
        name = f"{number}".rjust(1000, "n")
        await reader.read(world.catalogue, scope(access), query("tags", alias={name: "name"}, fields=[name]))
    (plans,) = reader._plans[world.catalogue].values()
    assert sum(map(len, plans)) <= MOST_REMEMBERED
    assert 0 < len(plans) < 150


async def test_relations_that_lead_back_and_forth_do_not_multiply_without_end(database_url: str) -> None:
    world = await build(database_url, ReflectOptions())
    try:
        async with world.db.write() as connection:
            await connection.execute(sa.text("DELETE FROM comments"))
            rows = ", ".join(f"({number}, 1, 'c')" for number in range(50))
            await connection.execute(sa.text(f"INSERT INTO comments (id, article, body) VALUES {rows}"))
        back_and_forth = "comments.article."
        (row,) = await world.read("articles", fields=2 * back_and_forth + "title", filter={"id": 1})
        assert len(row["comments"][49]["article"]["comments"]) == 50
        problem = await refused(world, "articles", fields=4 * back_and_forth + "title", filter={"id": 1})
        assert problem.code is Code.INVALID_QUERY
        deep = {"comments": {"_limit": 1}}
        assert await world.read("articles", fields=4 * back_and_forth + "title", deep=deep, filter={"id": 2})
    finally:
        await world.db.close()
