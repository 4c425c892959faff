/** The SDK's commands for collections, fields, relations and singletons, over HTTP and over a socket. */

import { as, client, Follower, finish, given, refusal, report, sdk, within } from "./harness.mjs";

const { admin, reader } = given;
const own = as(admin);
const ask = (command) => own.request(command);
const names = (rows) => rows.map((row) => row.field).sort();

const key = { field: "id", type: "integer", schema: { is_primary_key: true, has_auto_increment: true } };
const field = (name, type, more = {}) => ({ field: name, type, ...more });

async function collections() {
  const made = await ask(
    sdk.createCollection({
      collection: "books",
      schema: {},
      meta: { note: "All books", icon: "menu_book" },
      fields: [key, field("title", "string", { schema: { is_nullable: false, max_length: 80 } }), field("tags", "csv")],
    }),
  );
  report("collections.create", { name: made.collection, note: made.meta.note, table: made.schema.name });
  const listed = (await ask(sdk.readCollections())).map((row) => row.collection);
  report("collections.read", ["articles", "books", "directus_users"].every((name) => listed.includes(name)));
  report("collections.update", (await ask(sdk.updateCollection("books", { meta: { hidden: true } }))).meta.hidden);
  const one = await ask(sdk.readCollection("books"));
  report("collections.readCollection", { hidden: one.meta.hidden, note: one.meta.note });
  report("collections.reader", await refusal(as(reader).request(sdk.readCollections())));
  report("collections.reader creates", await refusal(as(reader).request(sdk.createCollection({ collection: "x" }))));
}

async function fields() {
  const made = await ask(sdk.createField("books", field("pages", "integer", { schema: { default_value: 10 } })));
  report("fields.create", { type: made.type, initial: made.schema.default_value });
  report("fields.of collection", names(await ask(sdk.readFieldsByCollection("books"))));
  report("fields.all", (await ask(sdk.readFields())).some((row) => row.collection === "books" && row.field === "pages"));
  const changed = await ask(sdk.updateField("books", "pages", { type: "bigInteger", meta: { note: "How many" } }));
  report("fields.update", { type: changed.type, note: changed.meta.note, initial: changed.schema.default_value });
  report("fields.readField", (await ask(sdk.readField("books", "pages"))).type);
  if (sdk.updateFields) {
    const both = [{ field: "pages", meta: { sort: 2 } }, { field: "title", meta: { sort: 1 } }];
    report("fields.updateFields", (await ask(sdk.updateFields("books", both))).map((row) => row.meta.sort));
  }
  const book = await ask(sdk.createItem("books", { title: "One", tags: ["a", "b"] }));
  report("fields.item", book);
  await ask(sdk.deleteField("books", "tags"));
  report("fields.delete", names(await ask(sdk.readFieldsByCollection("books"))));
}

async function relations() {
  await ask(sdk.createField("books", field("author", "integer")));
  const relation = { collection: "books", field: "author", related_collection: "authors" };
  const made = await ask(
    sdk.createRelation({ ...relation, schema: { on_delete: "SET NULL" }, meta: { one_field: "books" } }),
  );
  report("relations.create", { to: made.related_collection, on_delete: made.schema.on_delete, back: made.meta.one_field });
  await ask(sdk.updateItem("books", 1, { author: given.author }));
  const query = { filter: { id: { _eq: given.author } }, fields: ["books.title"] };
  report("relations.back", await ask(sdk.readItems("authors", query)));
  const changed = await ask(sdk.updateRelation("books", "author", { meta: { one_field: "works" } }));
  report("relations.update", changed.meta.one_field);
  report("relations.of collection", names(await ask(sdk.readRelationByCollection("books"))));
  report("relations.all", (await ask(sdk.readRelations())).some((row) => row.collection === "books"));
  report("relations.readRelation", (await ask(sdk.readRelation("books", "author"))).schema.on_delete);
  await ask(sdk.deleteRelation("books", "author"));
  report("relations.delete", names(await ask(sdk.readRelationByCollection("books"))));
}

async function following() {
  const socket = client().with(sdk.staticToken(admin.token)).with(sdk.realtime({ authMode: "handshake" }));
  await within(socket.connect(), "the socket");
  const follower = await Follower.of(socket, "books");
  await follower.init();
  await ask(sdk.createField("books", field("isbn", "string")));
  await follower.until(() => follower.frames.filter((frame) => frame.event === "init").length > 1, "a second init");
  await ask(sdk.createItem("books", { title: "Two", isbn: "2" }));
  report("following.new field", (await follower.title("Two")).data[0].isbn);
  await ask(sdk.deleteCollection("books"));
  const ended = await follower.until(() => follower.frames.find((frame) => frame.event === "unsubscribe"), "the end");
  report("following.dropped", ended.error?.code);
  report("collections.delete", await refusal(ask(sdk.readCollection("books"))));
  socket.disconnect();
}

async function singletons() {
  const title = field("title", "string", { schema: { default_value: "Untitled" } });
  await ask(sdk.createCollection({ collection: "front", schema: {}, meta: { singleton: true }, fields: [key, title] }));
  report("singletons.empty", await ask(sdk.readSingleton("front")));
  report("singletons.update", await ask(sdk.updateSingleton("front", { title: "Hello" })));
  report("singletons.read", await ask(sdk.readSingleton("front", { fields: ["title"] })));
  report("singletons.reader", await refusal(as(reader).request(sdk.readSingleton("front"))));
  await ask(sdk.deleteCollection("front"));
}

async function snapshots() {
  const before = await ask(sdk.schemaSnapshot());
  report("snapshots.same", await ask(sdk.schemaDiff(before)));
  await ask(sdk.createField("articles", field("extra", "string")));
  const diff = await ask(sdk.schemaDiff(before));
  report("snapshots.diff", diff.diff.fields.map((each) => [each.field, each.diff[0].kind]));
  await ask(sdk.schemaApply(diff));
  report("snapshots.applied", await ask(sdk.schemaDiff(before)));
  report("snapshots.reader", await refusal(as(reader).request(sdk.schemaSnapshot())));
}

await snapshots();
await collections();
await fields();
await relations();
await following();
await singletons();
finish();
