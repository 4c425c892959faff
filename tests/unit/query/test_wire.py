from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.query.support import code_of
from watchword.base import json
from watchword.base.errors import Code, Problem
from watchword.query.filters import All, Compare, Related, Variable
from watchword.query.query import Aggregate, Grouping, Order, Query, Selection
from watchword.query.types import Function
from watchword.query.wire import parse_query, parse_query_string


def parse(**params: Any) -> Query:
    return parse_query("articles", params)


def reason(**params: Any) -> str:
    with pytest.raises(Problem) as caught:
        parse(**params)
    assert caught.value.code is Code.INVALID_QUERY
    return str(caught.value.extensions["reason"])


def test_no_parameters_ask_for_everything_by_default() -> None:
    assert parse() == Query("articles")


def test_empty_parameters_are_absent() -> None:
    names = ("fields", "filter", "sort", "limit", "offset", "page", "search", "deep", "aggregate", "groupBy", "meta")

    assert parse(**dict.fromkeys(names, "")) == Query("articles")
    assert parse(**dict.fromkeys(names)) == Query("articles")


def test_unknown_parameters_are_ignored() -> None:
    assert parse(export="csv", version="x", backlink="false", access_token="t", foo=[1]) == Query("articles")


NESTED = (Selection(("id",)), Selection(("author", "name")), Selection(("author", "role", "name")))


@pytest.mark.parametrize(
    "fields",
    [
        "id,author.name,author.role.name",
        " id , author.name ,, author.role.name",
        ["id", "author.name", "author.role.name"],
        ["id,author.name", "author.role.name"],
        '["id","author.name","author.role.name"]',
        ["id", {"author": ["name", {"role": ["name"]}]}],
        ["id", {"author": ["name", {"role": "name"}]}],
        {"0": "id", "1": {"author": {"0": "name", "1": {"role": ["name"]}}}},
        ["id", "id", "author.name", "author.role.name"],
    ],
)
def test_fields_come_in_every_form_that_clients_send(fields: Any) -> None:
    assert parse(fields=fields).fields == NESTED


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ("*.*", [Selection(("*", "*"))]),
        ("year(born)", [Selection(("born",), Function.YEAR)]),
        ("author.year(born)", [Selection(("author", "born"), Function.YEAR)]),
        ("year(author.born)", [Selection(("author", "born"), Function.YEAR)]),
        ([{"author": ["year(born)"]}], [Selection(("author", "born"), Function.YEAR)]),
        (
            "id,json(data, a.b),title",
            [Selection(("id",)), Selection(("data",), place=("a", "b")), Selection(("title",))],
        ),
        ("item:headings.title", [Selection(("item:headings", "title"))]),
        ([{"item": {"headings": ["title"]}}], [Selection(("item:headings", "title"))]),
    ],
)
def test_fields_may_be_wildcards_functions_and_scopes(fields: Any, expected: list[Selection]) -> None:
    assert list(parse(fields=fields).fields) == expected


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        (5, '"fields" must be an array'),
        ({"author": ["name"]}, '"fields" must be an array'),
        (["id", 5], '"fields[1]" must be a string'),
        ([{"author": [5]}], '"fields[0]" must be a string'),
        ([{"author": 5}], '"fields[0]" must be an array'),
        ("[1", "Invalid JSON for fields object"),
        (".".join("r" * 12), "Max relational depth exceeded"),
        (",".join(f"f{n}" for n in range(1001)), '"fields" has more than 1000 entries'),
    ],
)
def test_fields_that_are_none_are_refused(fields: Any, why: str) -> None:
    assert reason(fields=fields) == why


def test_fields_nested_too_deeply_are_refused() -> None:
    fields: Any = ["id"]
    for _ in range(11):
        fields = [{"r": fields}]

    assert reason(fields=fields) == "Max relational depth exceeded"


@pytest.mark.parametrize("sort", ["-date,author.name", ["-date", "author.name"], '["-date","author.name"]'])
def test_sort_comes_in_every_form(sort: Any) -> None:
    assert parse(sort=sort).sort == (Order(("date",), descending=True), Order(("author", "name")))


def test_sort_takes_functions() -> None:
    assert parse(sort="-year(author.born)").sort == (Order(("author", "born"), True, Function.YEAR),)


def test_sort_is_refused_where_it_is_no_list_of_texts() -> None:
    assert reason(sort=[5]) == '"sort[0]" must be a string'
    assert reason(sort=",".join("x" * 1001)) == '"sort" has more than 1000 entries'
    assert reason(sort=".".join("r" * 12)) == "Max relational depth exceeded"


@pytest.mark.parametrize(
    ("params", "limit", "offset"),
    [
        ({"limit": "5"}, 5, 0),
        ({"limit": 5, "offset": "7"}, 5, 7),
        ({"limit": 5.0}, 5, 0),
        ({"limit": -1}, -1, 0),
        ({"limit": 0}, 0, 0),
        ({"limit": 2, "page": 3}, 2, 4),
        ({"limit": 2, "page": "3", "offset": 50}, 2, 4),
        ({"page": 0, "offset": 5}, None, 5),
        ({"page": 1}, 100, 0),
        ({"page": 3}, 100, 200),
        ({"limit": -1, "page": 1, "offset": 5}, -1, 0),
        ({"limit": -1, "page": 2}, 0, 0),
    ],
)
def test_limit_page_and_offset_make_a_window(params: dict[str, Any], limit: int | None, offset: int) -> None:
    query = parse(**params)

    assert (query.limit, query.offset) == (limit, offset)


@pytest.mark.parametrize(
    ("params", "why"),
    [
        ({"limit": "abc"}, '"limit" must be a number'),
        ({"limit": "x"}, '"limit" must be a number'),
        ({"limit": True}, '"limit" must be a number'),
        ({"limit": []}, '"limit" must be a number'),
        ({"limit": "1_0"}, '"limit" must be a number'),
        ({"limit": -5}, '"limit" must be greater than or equal to -1'),
        ({"limit": "1.5"}, '"limit" must be an integer'),
        ({"limit": 2**53}, '"limit" must be a safe number'),
        ({"limit": 10**400}, '"limit" must be a safe number'),
        ({"limit": float("nan")}, '"limit" must be a safe number'),
        ({"limit": "9" * 400}, '"limit" must be a safe number'),
        ({"page": -1}, '"page" must be greater than or equal to 0'),
        ({"page": 2**52}, '"page" must be a safe number'),
        ({"offset": "abc"}, '"offset" must be a number'),
        ({"offset": -1}, '"offset" must be greater than or equal to 0'),
    ],
)
def test_windows_that_are_none_are_refused(params: dict[str, Any], why: str) -> None:
    assert reason(**params) == why


def test_filters_come_as_objects_and_as_text() -> None:
    assert parse(filter={"a": 1}).filter == parse(filter='{"a":1}').filter == Compare("a", "eq", 1)


def test_a_filter_that_is_no_json_is_refused() -> None:
    assert reason(filter="{bad") == "Invalid JSON for filter object"


def test_search_is_a_text() -> None:
    assert parse(search="Article 50").search == "Article 50"
    assert reason(search=5) == '"search" must be a string'


@pytest.mark.parametrize(
    ("meta", "expected"),
    [
        ("*", ("total_count", "filter_count")),
        (["*"], ("total_count", "filter_count")),
        ("filter_count", ("filter_count",)),
        ("filter_count,total_count,filter_count", ("filter_count", "total_count")),
        (["total_count"], ("total_count",)),
    ],
)
def test_meta_names_counts(meta: Any, expected: tuple[str, ...]) -> None:
    assert parse(meta=meta).meta == expected


def test_unknown_counts_are_refused() -> None:
    assert reason(meta="nope") == '"meta[0]" must be one of [total_count, filter_count]'
    assert reason(meta="total_count,page") == '"meta[1]" must be one of [total_count, filter_count]'


@pytest.mark.parametrize(
    ("aggregate", "expected"),
    [
        ({"count": "*"}, [Aggregate("count", "*")]),
        ('{"count":"*"}', [Aggregate("count", "*")]),
        ({"count": ["id"]}, [Aggregate("count", "id")]),
        ({"countAll": "*"}, [Aggregate("countAll", "*")]),
        (
            {"max": "id,published_on", "countDistinct": "status"},
            [Aggregate("max", "id"), Aggregate("max", "published_on"), Aggregate("countDistinct", "status")],
        ),
    ],
)
def test_aggregates_name_functions_and_fields(aggregate: Any, expected: list[Aggregate]) -> None:
    assert list(parse(aggregate=aggregate).aggregate) == expected


@pytest.mark.parametrize(
    ("aggregate", "why"),
    [
        ({"nope": "*"}, '"aggregate.nope" is not allowed'),
        ({"sum": "*"}, '"aggregate.sum" must name a field'),
        ({"sum": 5}, '"aggregate.sum" must be an array'),
        ("[]", '"aggregate" must be an object'),
        ("{", "Invalid JSON for aggregate object"),
    ],
)
def test_aggregates_that_are_none_are_refused(aggregate: Any, why: str) -> None:
    assert reason(aggregate=aggregate) == why


@pytest.mark.parametrize("name", ["group", "groupBy"])
def test_groups_have_two_names_and_take_functions(name: str) -> None:
    expected = (Grouping("status"), Grouping("published_on", Function.MONTH), Grouping("author.name"))

    assert parse(**{name: "status,month(published_on),author.name"}).group == expected


def test_alias_maps_names_to_fields() -> None:
    assert parse(alias={"t": "title"}).alias == {"t": "title"}
    assert parse(alias='{"t":"title"}').alias == {"t": "title"}


@pytest.mark.parametrize(
    ("alias", "why"),
    [
        ({"t": 5}, '"alias.t" must be a string'),
        ({"a.b": "title"}, '"alias.a.b" must not contain a period'),
        ({"t": "author.name"}, '"alias.t" must not contain a period'),
        ([], '"alias" must be an object'),
    ],
)
def test_aliases_that_are_none_are_refused(alias: Any, why: str) -> None:
    assert reason(alias=alias) == why


def test_deep_holds_a_query_for_each_relation() -> None:
    deep = {
        "author": {
            "_fields": ["name"],
            "_filter": {"name": {"_eq": "$CURRENT_USER.name"}},
            "_sort": "-name",
            "_limit": "2",
            "_page": 2,
            "_search": "x",
            "_unknown": 1,
            "posts": {"_offset": 3, "_aggregate": {"count": "*"}, "_group": ["year(date)"]},
        }
    }

    author = parse(deep=deep).deep["author"]

    assert author == Query(
        "",
        fields=(Selection(("name",)),),
        filter=Compare("name", "eq", Variable("CURRENT_USER", ("name",))),
        sort=(Order(("name",), descending=True),),
        limit=2,
        offset=2,
        search="x",
        deep={
            "posts": Query("", offset=3, aggregate=(Aggregate("count", "*"),), group=(Grouping("date", Function.YEAR),))
        },
    )


def test_deep_comes_as_text_and_in_brackets() -> None:
    expected = {"author": Query("", limit=2)}

    assert parse(deep='{"author":{"_limit":2}}').deep == expected
    assert parse(deep={"author": '{"_limit":2}'}).deep == expected
    assert parse_query("articles", parse_query_string("deep[author][_limit]=2")).deep == expected


def test_deep_asks_about_so_many_relations_and_no_more_whatever_they_lie_in() -> None:
    some = {f"r{number}": {"_limit": 1} for number in range(49)}
    assert len(parse(deep={"a": some, "b": some}).deep["b"].deep) == 49
    too_many = '"deep" has more than 100 relations'
    assert reason(deep={"a": some, "b": some, "c": {"d": {}}}) == too_many
    assert reason(deep={f"r{number}": {} for number in range(101)}) == too_many
    assert reason(deep={"a": json.encode({f"r{number}": {} for number in range(100)}).decode()}) == too_many


def test_a_field_named_again_and_again_counts_each_time() -> None:
    assert parse(fields="a," * 1000).fields == (Selection(("a",)),)
    assert reason(fields="a," * 1001) == '"fields" has more than 1000 entries'
    assert reason(fields=["a"] * 1001) == '"fields" has more than 1000 entries'


def test_deep_queries_that_are_none_are_refused() -> None:
    assert reason(deep={"author": {"_limit": "x"}}) == '"_limit" must be a number'
    assert reason(deep={"author": 5}) == '"deep.author" must be an object'
    assert reason(deep=[1]) == '"deep" must be an object'
    assert reason(deep="{bad") == "Invalid JSON for deep object"
    deep: dict[str, Any] = {}
    for _ in range(11):
        deep = {"r": deep}
    assert reason(deep=deep) == "Max relational depth exceeded"


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("limit=2&fields=id,title", Query("articles", (Selection(("id",)), Selection(("title",))), limit=2)),
        ("fields[]=id&fields[]=title", Query("articles", (Selection(("id",)), Selection(("title",))))),
        ("filter[status][_eq]=published", Query("articles", filter=Compare("status", "eq", "published"))),
        (
            "filter[author][email][_eq]=editor@example.com",
            Query("articles", filter=Related("author", Compare("email", "eq", "editor@example.com"))),
        ),
        ("filter[id][_in]=1,2,3", Query("articles", filter=Compare("id", "in", ["1", "2", "3"]))),
        ("filter[slug][_null]=true", Query("articles", filter=Compare("slug", "null", True))),
        ("filter[title]=abc", Query("articles", filter=Compare("title", "eq", "abc"))),
        (
            "filter[year(published_on)][_eq]=2026",
            Query("articles", filter=Compare("published_on", "eq", "2026", Function.YEAR)),
        ),
        ("filter[published_on][_lt]=$NOW", Query("articles", filter=Compare("published_on", "lt", Variable("NOW")))),
        (
            "filter[_and][0][a]=1&filter[_and][1][b]=2",
            Query("articles", filter=All((Compare("a", "eq", "1"), Compare("b", "eq", "2")))),
        ),
        (
            "aggregate[count]=*&groupBy[]=status&groupBy[]=month(published_on)&sort=status",
            Query(
                "articles",
                sort=(Order(("status",)),),
                aggregate=(Aggregate("count", "*"),),
                group=(Grouping("status"), Grouping("published_on", Function.MONTH)),
            ),
        ),
        ("alias[t]=title&fields=t", Query("articles", (Selection(("t",)),), alias={"t": "title"})),
    ],
)
def test_query_strings_of_recorded_requests_are_understood(raw: str, expected: Query) -> None:
    assert parse_query("articles", parse_query_string(raw)) == expected


def test_both_encodings_of_a_subscription_are_one_query() -> None:
    old = {"fields": ["id", {"author": ["name"]}], "filter": {"a": {"_eq": 1}}, "sort": ["-id"], "limit": 5}
    new = {"fields": "id,author.name", "filter": '{"a":{"_eq":1}}', "sort": "-id", "limit": "5"}

    assert parse_query("articles", old).fingerprint() == parse_query("articles", new).fingerprint()


names = st.sampled_from(
    [
        *(
            "fields",
            "filter",
            "sort",
            "limit",
            "offset",
            "page",
            "search",
            "deep",
            "aggregate",
            "groupBy",
            "alias",
            "meta",
        ),
        *("_limit", "_filter", "_fields", "author", "count", "sum", "_eq", "_in", "0", "1"),
    ]
)
leaves = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["*", "-id", "a,b", "{", "[]"])
)
json_values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names | st.text(), inner, max_size=4)
)


@given(st.dictionaries(names, json_values, max_size=5))
def test_any_parameters_give_a_query_or_a_problem(params: dict[str, Any]) -> None:
    assert code_of(lambda: parse_query("articles", params).fingerprint()) in {None, Code.INVALID_QUERY}


@given(st.text(alphabet='filterdeplms[]=&_01{}":,$NOW().-', max_size=80))
def test_any_query_string_gives_a_query_or_a_problem(raw: str) -> None:
    assert code_of(lambda: parse_query("articles", parse_query_string(raw))) in {None, Code.INVALID_QUERY}
