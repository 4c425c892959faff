"""What reflection makes of tables that nobody described."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import sqlalchemy as sa

from watchword.data.catalogue import Catalogue
from watchword.data.reflect import ReflectOptions, reflect
from watchword.data.schema import Relation
from watchword.query.types import FieldType
from watchword.storage.engine import Database
from watchword.storage.tables import metadata

SQLITE = [
    """CREATE TABLE post (
        id INTEGER PRIMARY KEY, slug VARCHAR(40) NOT NULL UNIQUE, title TEXT NOT NULL,
        state VARCHAR(9) NOT NULL DEFAULT 'it''s', views INT DEFAULT 7, score DOUBLE DEFAULT -1.5,
        price NUMERIC(8,2) DEFAULT 1.50, open BOOLEAN DEFAULT 1, meta JSON DEFAULT '{"a":1}', author UUID,
        made DATETIME DEFAULT CURRENT_TIMESTAMP, at TIMESTAMP, day DATE, clock TIME, blob BLOB, huge BIGINT,
        anything, code CHAR(36), half INTEGER GENERATED ALWAYS AS (views / 2) STORED,
        owner VARCHAR(36) REFERENCES watchword_users, parent INTEGER REFERENCES post (id),
        date_created TIMESTAMP NOT NULL, user_updated VARCHAR(36))""",
    """CREATE TABLE comment (
        id UUID PRIMARY KEY, post INT NOT NULL REFERENCES post, editor INT REFERENCES post (id), body TEXT)""",
    "CREATE TABLE tag (name TEXT PRIMARY KEY, date_updated TEXT)",
    "CREATE TABLE post_tag (post INT REFERENCES post, tag TEXT REFERENCES tag, PRIMARY KEY (post, tag))",
    "CREATE TABLE related (id INTEGER PRIMARY KEY, one INT REFERENCES post, other INT REFERENCES post, sort INT)",
    "CREATE TABLE membership (id INTEGER PRIMARY KEY, post INT REFERENCES post, tag TEXT REFERENCES tag, role TEXT)",
    """CREATE TABLE reader (
        id INTEGER PRIMARY KEY, "user" VARCHAR(36) REFERENCES watchword_users, post INTEGER REFERENCES post)""",
    "CREATE TABLE by_slug (id INTEGER PRIMARY KEY, slug VARCHAR(40) REFERENCES post (slug))",
    "CREATE TABLE pair (a INTEGER, b INTEGER, PRIMARY KEY (b, a))",
    "CREATE TABLE piece (id INTEGER PRIMARY KEY, a INTEGER, b INTEGER, FOREIGN KEY (b, a) REFERENCES pair (b, a))",
    "CREATE TABLE keyless (name TEXT)",
    "CREATE TABLE of_keyless (id INTEGER PRIMARY KEY, session VARCHAR(36) REFERENCES watchword_sessions)",
    "CREATE TABLE alembic_version (version_num VARCHAR(32) PRIMARY KEY)",
    "CREATE VIEW titles AS SELECT title FROM post",
    "CREATE UNIQUE INDEX partly ON comment (post) WHERE editor IS NULL",
]
POSTGRESQL = [
    "CREATE TYPE mood AS ENUM ('sad', 'happy')",
    "CREATE DOMAIN short AS varchar(5)",
    """CREATE TABLE post (
        id serial PRIMARY KEY, slug varchar(40) NOT NULL UNIQUE, title text NOT NULL,
        state varchar(9) NOT NULL DEFAULT 'it''s', views smallint DEFAULT 7, score double precision DEFAULT -1.5,
        price numeric(8,2) DEFAULT 1.50, open boolean DEFAULT true, meta jsonb DEFAULT '{"a":1}', author uuid,
        made timestamp DEFAULT now(), at timestamptz, day date, clock time, blob bytea, huge bigint,
        anything inet, code char(36), half integer GENERATED ALWAYS AS (views / 2) STORED,
        owner varchar(36) REFERENCES watchword_users, parent integer REFERENCES post (id),
        date_created timestamptz NOT NULL, user_updated varchar(36), mood mood DEFAULT 'sad', few text[] NOT NULL,
        short short, single real, always integer GENERATED ALWAYS AS IDENTITY)""",
    """CREATE TABLE comment (
        id uuid PRIMARY KEY, post int NOT NULL REFERENCES post, editor int REFERENCES post (id), body text)""",
    "CREATE TABLE tag (name text PRIMARY KEY, date_updated text)",
    "CREATE TABLE post_tag (post int REFERENCES post, tag text REFERENCES tag, PRIMARY KEY (post, tag))",
    "CREATE TABLE related (id serial PRIMARY KEY, one int REFERENCES post, other int REFERENCES post, sort int)",
    "CREATE TABLE membership (id serial PRIMARY KEY, post int REFERENCES post, tag text REFERENCES tag, role text)",
    """CREATE TABLE reader (
        id serial PRIMARY KEY, "user" varchar(36) REFERENCES watchword_users, post integer REFERENCES post)""",
    "CREATE TABLE by_slug (id serial PRIMARY KEY, slug varchar(40) REFERENCES post (slug))",
    "CREATE TABLE pair (a integer, b integer, PRIMARY KEY (b, a))",
    "CREATE TABLE piece (id serial PRIMARY KEY, a integer, b integer, FOREIGN KEY (b, a) REFERENCES pair (b, a))",
    "CREATE TABLE keyless (name text)",
    "CREATE TABLE of_keyless (id serial PRIMARY KEY, session varchar(36) REFERENCES watchword_sessions)",
    "CREATE TABLE alembic_version (version_num varchar(32) PRIMARY KEY)",
    "CREATE VIEW titles AS SELECT title FROM post",
    "CREATE UNIQUE INDEX partly ON comment (post) WHERE editor IS NULL",
    "CREATE SCHEMA elsewhere",
    "CREATE TABLE elsewhere.stranger (id integer PRIMARY KEY)",
    "CREATE TABLE parted (id integer PRIMARY KEY) PARTITION BY RANGE (id)",
    "CREATE TABLE part_of_it PARTITION OF parted FOR VALUES FROM (0) TO (9)",
]


@pytest.fixture(scope="module")
async def db(shared_url: str) -> AsyncIterator[Database]:
    database = Database(shared_url)
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
        for statement in SQLITE if database.kind == "sqlite" else POSTGRESQL:
            await connection.exec_driver_sql(statement)
    yield database
    await database.close()


@pytest.fixture(scope="module")
async def catalogue(db: Database) -> Catalogue:
    return await reflect(db)


async def test_every_table_with_a_key_is_a_collection(catalogue: Catalogue, db: Database) -> None:
    own = {name for name in catalogue.schema.collections if not name.startswith("directus_")}
    expected = {
        "post",
        "comment",
        "tag",
        "post_tag",
        "related",
        "membership",
        "reader",
        "by_slug",
        "pair",
        "piece",
        "of_keyless",
    }
    assert own == expected | ({"parted"} if db.kind == "postgresql" else set())
    assert catalogue.skipped == ("keyless",)


async def test_our_own_tables_have_the_names_that_clients_know(catalogue: Catalogue) -> None:
    own = {name: each.table for name, each in catalogue.schema.collections.items() if each.system}
    names = ("users", "roles", "policies", "access", "permissions", "activity")
    assert own == {
        "directus_settings": "watchword_project",
        **{f"directus_{name}": f"watchword_{name}" for name in names},
    }
    assert [name for name in own if not catalogue.collection(name).captured] == ["directus_activity"]
    assert catalogue.table("directus_users").name == "watchword_users"


async def test_types_follow_the_declared_types(catalogue: Catalogue, db: Database) -> None:
    fields = catalogue.collection("post").fields
    expected = {
        "id": FieldType.INTEGER,
        "slug": FieldType.STRING,
        "title": FieldType.TEXT,
        "views": FieldType.INTEGER,
        "score": FieldType.FLOAT,
        "price": FieldType.DECIMAL,
        "open": FieldType.BOOLEAN,
        "meta": FieldType.JSON,
        "author": FieldType.UUID,
        "made": FieldType.DATE_TIME,
        "at": FieldType.TIMESTAMP,
        "day": FieldType.DATE,
        "clock": FieldType.TIME,
        "blob": FieldType.BINARY,
        "huge": FieldType.BIG_INTEGER,
        "anything": FieldType.UNKNOWN,
        "code": FieldType.UUID,
    }
    if db.kind == "postgresql":
        expected |= {
            "code": FieldType.STRING,
            "mood": FieldType.STRING,
            "few": FieldType.JSON,
            "short": FieldType.STRING,
        }
        expected["single"] = FieldType.FLOAT
    assert {name: fields[name].type for name in expected} == expected


async def test_lengths_and_uniqueness_are_known(catalogue: Catalogue, db: Database) -> None:
    fields = catalogue.collection("post").fields
    assert (fields["slug"].max_length, fields["title"].max_length) == (40, None)
    assert [name for name, field in fields.items() if field.unique] == ["id", "slug"]
    assert not catalogue.collection("comment").fields["post"].unique
    assert not any(field.unique for field in catalogue.collection("pair").fields.values())
    if db.kind == "postgresql":
        assert fields["short"].max_length == 5


async def test_literal_defaults_are_values_and_others_are_not(catalogue: Catalogue, db: Database) -> None:
    fields = catalogue.collection("post").fields
    names = ("state", "views", "score", "price", "open", "meta", "made", "title")
    assert [fields[name].default for name in names] == ["it's", 7, -1.5, "1.50", True, {"a": 1}, None, None]
    if db.kind == "postgresql":
        assert fields["mood"].default == "sad"


async def test_a_field_is_required_when_nothing_else_fills_it(catalogue: Catalogue, db: Database) -> None:
    fields = catalogue.collection("post").fields
    assert [name for name, field in fields.items() if field.required] == ["slug", "title"]
    assert [name for name, field in fields.items() if field.generated] == (
        ["half"] if db.kind == "sqlite" else ["half", "few", "always"]
    )
    assert not catalogue.collection("comment").fields["id"].required
    assert catalogue.collection("tag").fields["name"].required
    assert not fields["id"].nullable
    assert fields["author"].nullable


async def test_columns_with_telling_names_are_filled_by_themselves(catalogue: Catalogue) -> None:
    assert catalogue.collection("comment").fields["id"].special == ("uuid",)
    assert catalogue.collection("post").fields["date_created"].special == ("date-created",)
    assert catalogue.collection("post").fields["user_updated"].special == ("user-updated",)
    assert catalogue.collection("post").fields["author"].special == ()
    assert catalogue.collection("tag").fields["date_updated"].special == ()


async def test_foreign_keys_are_relations_with_ways_back(catalogue: Catalogue) -> None:
    relations = catalogue.collection("post").relations
    assert relations == {
        "owner": Relation("owner", "directus_users", "id"),
        "parent": Relation("parent", "post", "id"),
        "comment": Relation("comment", "comment", "post", many=True),
        "comment_editor": Relation("comment_editor", "comment", "editor", many=True),
        "membership": Relation("membership", "membership", "post", many=True),
        "post": Relation("post", "post", "parent", many=True),
        "tag": Relation("tag", "post_tag", "post", many=True, junction_field="tag"),
        "post_one": Relation("post_one", "related", "one", many=True, junction_field="other"),
        "post_other": Relation("post_other", "related", "other", many=True, junction_field="one"),
        "users": Relation("users", "reader", "post", many=True, junction_field="user"),
    }


async def test_ways_back_start_from_keys_only(catalogue: Catalogue) -> None:
    assert catalogue.collection("by_slug").relations == {"slug": Relation("slug", "post", "slug")}
    assert catalogue.collection("piece").relations == {}
    assert catalogue.collection("of_keyless").relations == {}
    assert catalogue.collection("pair").key == ("b", "a")


async def test_our_own_collections_have_the_aliases_that_clients_know(catalogue: Catalogue) -> None:
    def aliases(name: str) -> dict[str, tuple[str, str]]:
        relations = catalogue.collection(name).relations.values()
        return {each.field: (each.related, each.related_field) for each in relations if each.many}

    assert aliases("directus_users") == {"policies": ("directus_access", "user")}
    assert aliases("directus_roles") == {
        "children": ("directus_roles", "parent"),
        "users": ("directus_users", "role"),
        "policies": ("directus_access", "role"),
    }
    assert aliases("directus_policies") == {
        "permissions": ("directus_permissions", "policy"),
        "users": ("directus_access", "policy"),
        "roles": ("directus_access", "policy"),
    }


async def test_our_own_fields_are_shaped_and_concealed(catalogue: Catalogue) -> None:
    people = catalogue.collection("directus_users").fields
    assert (people["password"].type, people["password"].concealed) == (FieldType.HASH, True)
    assert (people["token"].concealed, "token" in catalogue.table("directus_users").c) == (True, False)
    assert people["id"].type is people["role"].type is FieldType.UUID
    assert people["id"].special == ("uuid",)
    assert catalogue.collection("directus_policies").fields["ip_access"].type is FieldType.CSV
    assert catalogue.collection("directus_permissions").fields["fields"].type is FieldType.CSV
    assert catalogue.collection("directus_permissions").fields["presets"].type is FieldType.JSON
    assert not catalogue.collection("directus_permissions").fields["id"].required


async def test_options_leave_out_rename_and_replace(db: Database) -> None:
    options = ReflectOptions(
        exclude=frozenset({"related", "tag"}),
        special={"post": {"title": ["cast-csv"], "slug": ["conceal"], "date_created": []}, "comment": {"id": []}},
        rename={"post": {"comment": "replies", "comment_editor": "", "owner": ""}},
        capture={"comment": False},
    )
    catalogue = await reflect(db, options)
    post = catalogue.collection("post")
    assert {"related", "tag"}.isdisjoint(catalogue.schema.collections)
    assert (post.fields["title"].type, post.fields["title"].special) == (FieldType.CSV, ("csv",))
    assert post.fields["slug"].concealed
    assert post.fields["date_created"].required
    assert catalogue.collection("comment").fields["id"].required
    assert set(post.relations) == {"parent", "replies", "membership", "post", "post_tag", "users"}
    assert (post.captured, catalogue.collection("comment").captured) == (True, False)


async def test_a_table_that_takes_a_name_of_ours_is_not_served(database_url: str) -> None:
    db = Database(database_url)
    async with db.write() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(sa.text("CREATE TABLE directus_users (id INTEGER PRIMARY KEY, mine TEXT)"))
    catalogue = await reflect(db)
    await db.close()
    assert catalogue.table("directus_users").name == "watchword_users"
    assert "mine" not in catalogue.collection("directus_users").fields
