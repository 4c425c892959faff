"""The schema: its conventions line by line, and what rights leave of it."""

from __future__ import annotations

from graphql import GraphQLSchema, print_schema, print_type, validate_schema

from tests.unit.graphql.conftest import PLAIN, catalogue_of, reading, rights, table
from watchword.access.compile import FULL_ACCESS, NO_ACCESS, Access
from watchword.access.permissions import Action, Permission
from watchword.data.catalogue import Catalogue
from watchword.data.facts import Reference
from watchword.graphql.options import Area
from watchword.graphql.schema import build_schema
from watchword.graphql.sight import sights_of
from watchword.graphql.system import system_fields
from watchword.query.filters import Compare
from watchword.query.types import FieldType as Kind

READING = "filter: {}_filter, sort: [String], limit: Int, offset: Int, page: Int, search: String"


def schema_of(catalogue: Catalogue, access: Access = FULL_ACCESS, area: Area = Area.ITEMS) -> GraphQLSchema:
    admin = access.admin
    made = build_schema(
        catalogue, sights_of(catalogue, access), area, lambda types, each: system_fields(types, each, admin=admin)
    )
    assert not validate_schema(made)
    return made


def printed(schema: GraphQLSchema, name: str) -> str:
    return print_type(schema.type_map[name])


def roots(schema: GraphQLSchema, kind: str) -> set[str]:
    found = getattr(schema, f"{kind}_type")
    return set() if found is None else set(found.fields)


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.strip() not in {"", "}"}]


def test_rows_have_the_types_and_functions_of_their_columns(catalogue: Catalogue) -> None:
    assert lines(printed(schema_of(catalogue), "articles")) == [
        "type articles {",
        "id: ID!",
        "title: String!",
        f"author({READING.format('authors')}): authors",
        "price: Float",
        "reads: GraphQLBigInt",
        "rating: Float",
        "live: Boolean",
        "day: Date",
        "day_func: date_functions",
        "at: Date",
        "at_func: time_functions",
        "published_on: Date",
        "published_on_func: datetime_functions",
        "seen: Date",
        "seen_func: datetime_functions",
        "meta: JSON",
        "meta_func: json_functions",
        "tags: [String]",
        "pin: Hash",
        f"labels({READING.format('articles_labels')}): [articles_labels]",
        "labels_func: count_functions",
    ]


def test_functions_are_those_of_their_family(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue)

    of_date, of_time = ["year", "month", "week", "day", "weekday"], ["hour", "minute", "second"]
    expected = {"date": of_date, "time": of_time, "datetime": of_date + of_time, "count": ["count"]}
    for family, functions in expected.items():
        assert lines(printed(schema, f"{family}_functions"))[1:] == [f"{each}: Int" for each in functions]
        filters = [f"{each}: number_filter_operators" for each in functions]
        assert lines(printed(schema, f"{family}_function_filter_operators"))[1:] == filters
    assert lines(printed(schema, "json_functions"))[1:] == ["count: Int", "json(path: String!): JSON"]
    assert "meta_func: count_function_filter_operators" in printed(schema, "articles_filter")


def test_filters_have_operators_relations_functions_and_logic(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue)

    told = lines(printed(schema, "articles_filter"))
    assert told[1:6] == [
        "id: number_filter_operators",
        "title: string_filter_operators",
        "author: authors_filter",
        "price: number_filter_operators",
        "reads: big_int_filter_operators",
    ]
    assert {"live: boolean_filter_operators", "day: date_filter_operators", "meta: json_filter_operators"} <= set(told)
    assert {"day_func: date_function_filter_operators", "labels: articles_labels_quantifier_filter"} <= set(told)
    assert told[-2:] == ["_and: [articles_filter]", "_or: [articles_filter]"]
    quantified = lines(printed(schema, "articles_labels_quantifier_filter"))
    assert quantified[-2:] == ["_some: articles_labels_filter", "_none: articles_labels_filter"]


def test_operators_are_those_of_the_convention(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue)

    words = {name: {line.partition(":")[0] for line in lines(printed(schema, f"{name}_filter_operators"))[1:]}
             for name in ("string", "number", "date", "boolean", "json", "hash")}  # fmt: skip
    comparing = {"_eq", "_neq", "_in", "_nin", "_gt", "_gte", "_lt", "_lte", "_null", "_nnull", "_between", "_nbetween"}
    assert words["number"] == words["date"] == comparing
    assert words["boolean"] == {"_eq", "_neq", "_null", "_nnull"}
    assert words["json"] == {"_json", "_null", "_nnull"}
    assert words["hash"] == {"_null", "_nnull", "_empty", "_nempty"}
    assert len(words["string"]) == 19


def test_of_what_is_never_shown_only_the_presence_is_asked_about(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue)

    assert "pin: hash_filter_operators" in printed(schema, "articles_filter")
    assert "pin" not in printed(schema, "articles_aggregated_count")


def test_groups_are_counted_and_their_numbers_worked_out(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue)

    assert lines(printed(schema, "articles_aggregated"))[1:5] == [
        "group: JSON",
        "countAll: Int",
        "count: articles_aggregated_count",
        "countDistinct: articles_aggregated_count",
    ]
    assert lines(printed(schema, "articles_aggregated_fields"))[1:] == [
        "id: Float",
        "author: Float",
        "price: Float",
        "reads: GraphQLBigInt",
        "rating: Float",
    ]


def test_every_collection_has_its_root_fields(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue)

    names = ("articles", "articles_labels", "authors", "labels")
    assert roots(schema, "query") == {f"{name}{end}" for name in names for end in ("", "_by_id", "_aggregated")}
    ends = ("create_{}_item", "create_{}_items", "update_{}_item", "update_{}_items", "update_{}_batch",
            "delete_{}_item", "delete_{}_items")  # fmt: skip
    assert roots(schema, "mutation") == {end.format(name) for name in names for end in ends}
    assert roots(schema, "subscription") == {f"{name}_mutated" for name in names}


def test_arguments_of_root_fields_are_those_of_the_convention(catalogue: Catalogue) -> None:
    reading_args = READING.format("authors")
    schema = schema_of(catalogue)

    assert {
        f"authors({reading_args}): [authors!]!",
        "authors_by_id(id: ID!, version: String): authors",
        f"authors_aggregated(groupBy: [String], {reading_args}): [authors_aggregated!]!",
    } <= set(lines(printed(schema, "Query")))
    assert {
        f"create_authors_items(data: [create_authors_input!], {reading_args}): [authors!]!",
        "create_authors_item(data: create_authors_input!): authors",
        f"update_authors_items(ids: [ID]!, data: update_authors_input!, {reading_args}): [authors!]!",
        f"update_authors_batch(data: [update_authors_input!], {reading_args}): [authors!]!",
        "update_authors_item(id: ID!, data: update_authors_input!): authors",
        "delete_authors_items(ids: [ID]!): delete_many",
        "delete_authors_item(id: ID!): delete_one",
    } <= set(lines(printed(schema, "Mutation")))
    followed = "authors_mutated(event: EventEnum, filter: authors_filter, since: String): authors_mutated"
    assert followed in lines(printed(schema, "Subscription"))
    assert lines(printed(schema, "authors_mutated"))[1:] == ["key: ID!", "event: EventEnum", "data: authors"]


def test_payloads_want_what_the_database_wants(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue)

    created, updated = lines(printed(schema, "create_articles_input")), lines(printed(schema, "update_articles_input"))
    assert {"id: ID", "title: String!", "author: create_authors_input", "reads: GraphQLBigInt"} <= set(created)
    assert {"id: ID", "title: String", "author: update_authors_input", "pin: Hash"} <= set(updated)
    assert "labels: [create_articles_labels_input]" in created


def test_a_key_that_nothing_numbers_has_to_be_given() -> None:
    schema = schema_of(catalogue_of(table("codes", {"name": Kind.STRING}, key=("name",))))

    assert "name: ID!" in lines(printed(schema, "create_codes_input"))


def test_who_may_read_nothing_sees_an_empty_schema(catalogue: Catalogue) -> None:
    assert lines(print_schema(schema_of(catalogue, NO_ACCESS))) == ["type Query {", "_empty: Void", "scalar Void"]


def test_only_fields_in_sight_are_in_the_schema(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue, rights(reading("articles", "id", "title")))

    assert lines(printed(schema, "articles"))[1:] == ["id: ID!", "title: String!"]
    text = print_schema(schema)
    assert "price" not in text
    assert "authors" not in text
    assert schema.mutation_type is None


def test_relation_to_what_is_out_of_sight_is_a_plain_key(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue, rights(reading("articles", "id", "author", "labels")))

    assert lines(printed(schema, "articles"))[1:] == ["id: ID!", "author: Int"]


def test_field_that_some_rows_hide_may_be_null(catalogue: Catalogue) -> None:
    some = Permission("articles", Action.READ, Compare("live", "eq", True), frozenset({"id", "title"}))
    schema = schema_of(catalogue, rights(reading("articles", "id"), some))

    assert lines(printed(schema, "articles"))[1:] == ["id: ID!", "title: String"]


def test_who_may_not_read_is_told_that_it_was_written(catalogue: Catalogue) -> None:
    schema = schema_of(catalogue, rights(Permission("labels", Action.CREATE)))

    assert lines(printed(schema, "Mutation"))[1:] == [
        "create_labels_items(data: [create_labels_input!]): Boolean",
        "create_labels_item(data: create_labels_input!): Boolean",
    ]


def test_preset_need_not_be_given(catalogue: Catalogue) -> None:
    given = Permission("labels", Action.CREATE, presets={"name": "new"})

    assert "name: String" in lines(printed(schema_of(catalogue, rights(given)), "create_labels_input"))


def test_rights_that_show_the_same_have_one_sight(catalogue: Catalogue) -> None:
    one = Permission("labels", Action.READ, Compare("id", "eq", 1))
    other = Permission("labels", Action.READ, Compare("id", "eq", 2))
    narrower = Permission("labels", Action.READ, Compare("id", "eq", 2), frozenset({"id"}))

    assert sights_of(catalogue, rights(one)) == sights_of(catalogue, rights(other))
    assert sights_of(catalogue, rights(one)) != sights_of(catalogue, rights(narrower))


def test_names_that_graphql_cannot_have_are_left_out() -> None:
    odd = table("odd name", {"id": Kind.INTEGER})
    plain = table("plain", {"id": Kind.INTEGER, "first-name": Kind.STRING, "__x": Kind.STRING, "ok": Kind.STRING})
    schema = schema_of(catalogue_of(odd, plain))

    assert lines(printed(schema, "plain"))[1:] == ["id: ID!", "ok: String"]
    assert "odd name" not in schema.type_map


def test_collections_named_like_what_others_lead_to_do_no_harm() -> None:
    names = ("String", "Query", "posts", "posts_filter", "posts_by_id", "create_posts_input", "date_functions")
    schema = schema_of(catalogue_of(*(table(name, {"id": Kind.INTEGER, "at": Kind.DATE}) for name in names)))

    shown = {name for name in roots(schema, "query") if not name.endswith(("_by_id", "_aggregated"))}
    assert "String" not in shown
    assert "Query" not in shown
    assert len(shown & {"posts", "posts_filter"}) == 1
    assert len(shown & {"posts", "create_posts_input"}) == 1


def test_two_tables_that_refer_to_each_other_make_a_schema() -> None:
    left = table("left", {"id": Kind.INTEGER, "right": Kind.INTEGER}, Reference("right", "right", "id"))
    right = table("right", {"id": Kind.INTEGER, "left": Kind.INTEGER}, Reference("left", "left", "id"))

    assert {"left", "right"} <= roots(schema_of(catalogue_of(left, right)), "query")


def test_every_kind_of_column_has_a_type() -> None:
    kinds = {f"c_{kind.value}": kind for kind in Kind if kind is not Kind.ALIAS}
    schema = schema_of(catalogue_of(table("all", {"id": Kind.INTEGER} | kinds)))

    assert len(lines(printed(schema, "all"))) >= len(kinds)


def test_system_fields_are_on_the_system_endpoint_alone(catalogue: Catalogue) -> None:
    own = schema_of(catalogue, area=Area.SYSTEM)

    assert {"server_info", "collections", "permissions_me"} <= roots(own, "query")
    assert {"auth_login", "create_collections_item"} <= roots(own, "mutation")
    assert "articles" not in roots(own, "query")
    assert own.subscription_type is None
    assert "server_info" not in roots(schema_of(catalogue), "query")


def test_administrators_fields_are_for_administrators(catalogue: Catalogue) -> None:
    own = schema_of(catalogue, rights(reading("articles")), Area.SYSTEM)

    assert "auth_login" in roots(own, "mutation")
    assert "create_collections_item" not in roots(own, "mutation")
    assert "users_me" not in roots(own, "query")


def test_every_column_of_the_fixture_is_in_the_schema(catalogue: Catalogue) -> None:
    text = printed(schema_of(catalogue), "articles")

    assert all(f"{name}" in text for name in PLAIN)
