/** The SDK with relations to any of several collections, described as its own app describes them, and parts of JSON. */

import { as, client, finish, Follower, given, refusal, report, sdk, within } from "./harness.mjs";

const { admin, reader } = given;
const own = as(admin);
const ask = (command) => own.request(command);
const key = { field: "id", type: "integer", schema: { is_primary_key: true, has_auto_increment: true } };
const made = ["blocks", "headings", "notices", "pages"];

async function describe() {
  const title = { field: "title", type: "string" };
  await ask(sdk.createCollection({ collection: "pages", schema: {}, fields: [key, title] }));
  await ask(sdk.createField("pages", { field: "blocks", type: "alias", meta: { special: ["m2a"] } }));
  await ask(sdk.createCollection({ collection: "headings", schema: {}, fields: [key, title] }));
  const look = { field: "look", type: "json" };
  await ask(sdk.createCollection({ collection: "notices", schema: {}, fields: [key, { field: "words", type: "text" }, look] }));
  const columns = ["item", "collection"].map((name) => ({ field: name, type: "string" }));
  const junction = [key, { field: "pages_id", type: "integer" }, ...columns];
  await ask(sdk.createCollection({ collection: "blocks", schema: {}, fields: junction }));
  const union = {
    collection: "blocks",
    field: "item",
    related_collection: null,
    meta: { one_collection_field: "collection", one_allowed_collections: ["headings", "notices"], junction_field: "pages_id" },
  };
  await ask(sdk.createRelation(union));
  const back = { collection: "blocks", field: "pages_id", related_collection: "pages" };
  await ask(sdk.createRelation({ ...back, meta: { one_field: "blocks", junction_field: "item" } }));
  const told = await ask(sdk.readRelation("blocks", "item"));
  report("described", { to: told.related_collection, any: told.meta.one_allowed_collections });
}

const fields = ["title", { blocks: ["collection", { item: { headings: ["title"], notices: ["words"] } }] }];

async function use() {
  const blocks = [
    { collection: "headings", item: { title: "Welcome" } },
    { collection: "notices", item: { words: "Mind the step", look: { color: "red", size: [1, 2] } } },
  ];
  const page = await ask(sdk.createItem("pages", { title: "Home", blocks }, { fields }));
  report("made", page);
  report("read", await ask(sdk.readItems("pages", { fields, deep: { blocks: { _limit: 1 } } })));
  const filter = { "item:headings": { title: { _eq: "Welcome" } } };
  report("filtered", await ask(sdk.readItems("blocks", { fields: ["id"], filter })));
  const parts = { fields: ["json(look, color)", "json(look, size[1])"], filter: { look: { _json: { color: { _eq: "red" } } } } };
  report("parts", await ask(sdk.readItems("notices", parts)));
  report("none", await ask(sdk.readItems("notices", { filter: { look: { _json: { color: { _eq: "blue" } } } } })));
  report("reader", await refusal(as(reader).request(sdk.readItems("blocks", { fields: ["item:headings.title"] }))));
}

async function follow() {
  const socket = client().with(sdk.staticToken(admin.token)).with(sdk.realtime({ authMode: "handshake" }));
  await within(socket.connect(), "the socket");
  const query = { fields: ["collection", { item: { headings: ["title"] } }] };
  const follower = await Follower.of(socket, "blocks", { query });
  await follower.init();
  await ask(sdk.createItem("blocks", { collection: "headings", item: { title: "Later" } }));
  const frame = await follower.until(() => follower.frames.find((each) => each.event === "create"), "the new block");
  report("followed", frame.data);
  socket.disconnect();
}

await describe();
await use();
await follow();
for (const name of made) await ask(sdk.deleteCollection(name));
finish();
