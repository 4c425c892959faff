/** An editor and a reader follow one collection: each of them is told exactly what they may see. */

import { as, client, finish, Follower, given, report, sdk } from "./harness.mjs";

const { createItem, deleteItem, updateItem } = sdk;
const writer = as(given.editor);
const write = (command) => writer.request(command);

async function follow(person) {
  const own = client().with(sdk.staticToken(person.token)).with(sdk.realtime());
  await own.connect();
  const follower = await Follower.of(own, "articles");
  await follower.init();
  return follower;
}

const draft = await write(createItem("articles", { title: "Old draft", body: "secret" }));
const old = await write(createItem("articles", { title: "Old", body: "secret", status: "published" }));
const editor = await follow(given.editor);
const reader = await follow(given.reader);

await write(updateItem("articles", draft.id, { title: "Old draft again" }));
await write(deleteItem("articles", draft.id));
const made = await write(createItem("articles", { title: "New draft", body: "secret" }));
await write(updateItem("articles", made.id, { body: "another secret" }));
await write(updateItem("articles", made.id, { status: "published", title: "New" }));
await reader.title("New");
await write(updateItem("articles", made.id, { title: "New again" }));
await reader.title("New again");
await write(updateItem("articles", made.id, { status: "draft" }));
await reader.until(() => reader.rows("delete").length === 1, "the unpublished row");
await write(deleteItem("articles", made.id));
await write(deleteItem("articles", old.id));
await reader.until(() => reader.rows("delete").length === 2, "the deleted row");
await write(createItem("articles", { title: "Last", status: "published" }));
await reader.title("Last");
await editor.title("Last");

report("ids", { draft: draft.id, old: old.id, made: made.id });
report("editor", editor.frames);
report("reader", reader.frames);
finish();
