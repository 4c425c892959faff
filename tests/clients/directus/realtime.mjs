/** One connection in one mode: what it is told of subscriptions, and what it can do over the socket. */

import { as, client, finish, Follower, given, Record, refusal, report, sdk } from "./harness.mjs";

const { editor, mode } = given;
const { createItem, deleteItem, readItems, updateItem, realtime, authentication } = sdk;
const writer = as(editor);
const write = (command) => writer.request(command);

const own =
  mode === "public"
    ? client().with(realtime({ authMode: "public" }))
    : client().with(authentication("json")).with(realtime({ authMode: mode }));
if (mode !== "public") await own.login({ email: editor.email, password: editor.password });

const heard = new Record();
own.onWebSocket("message", (message) => heard.add(message));
const answer = (uid) => heard.until(() => heard.frames.find((frame) => frame.uid === uid), `the answer to ${uid}`);

/** Say something and wait for the answer to it. */
async function ask(message) {
  own.sendMessage(message);
  return answer(message.uid);
}

await own.connect();
if (sdk.realtime && own.isConnected) report("connected", await own.isConnected());

const first = await write(createItem("articles", { title: "First", body: "text", status: "published", author: 1 }));
const query = {
  filter: { status: { _eq: "published" } },
  fields: ["id", "title", { author: ["first_name"] }],
  sort: ["id"],
};
const published = await Follower.of(own, "articles", { uid: "published", query });
await published.init();
const all = await Follower.of(own, "articles");
await all.init();
const created = await Follower.of(own, "articles", { event: "create", query: { fields: ["title"] } });
await created.init();
const deleted = await Follower.of(own, "articles", { event: "delete", uid: "deleted" });
await deleted.init();
report("item", await ask({ type: "subscribe", collection: "articles", item: first.id, uid: "item" }));

const second = await write(createItem("articles", { title: "Second" }));
await write(updateItem("articles", second.id, { status: "published" }));
await published.title("Second");
await write(updateItem("articles", first.id, { title: "First again" }));
await published.title("First again");
await write(updateItem("articles", first.id, { status: "draft" }));
await published.until(() => published.rows("delete").length === 1, "the row that left");
await write(deleteItem("articles", second.id));
await published.until(() => published.rows("delete").length === 2, "the row that was deleted");
await write(createItem("articles", { title: "Third", status: "published" }));
await created.title("Third");
await published.title("Third");
await all.title("Third");
report("keys", [first.id, second.id, published.rows("create").at(-1).id]);
report("published", published.frames);
report("all", all.frames);
report("created", created.frames);
report("deleted", deleted.frames);
report("item events", heard.frames.filter((frame) => frame.uid === "item" && frame.event !== "init"));

published.unsubscribe();
const ended = (frame) => frame.uid === "published" && frame.event === "unsubscribe";
report("unsubscribed", await heard.until(() => heard.frames.find(ended), "the end of the subscription"));
for (const title of ["Fourth", "Fifth"]) {
  await write(createItem("articles", { title, status: "published" }));
  await created.title(title);
}
const after = heard.frames.slice(heard.frames.findIndex(ended) + 1);
report("after unsubscribe", after.filter((frame) => frame.uid === "published"));

const items = (action, more, uid) => ask({ type: "items", action, collection: "articles", uid, ...more });
const fields = ["title", "status"];
report("socket create", await items("create", { data: { title: "By socket" }, query: { fields } }, "c"));
report("socket read", await items("read", { query: { fields: ["title"], sort: ["-id"], limit: 1 } }, "r"));
const [{ id: last }] = await write(readItems("articles", { sort: ["-id"], limit: 1, fields: ["id"] }));
report("socket update", await items("update", { ids: [last], data: { status: "published" }, query: { fields } }, "u"));
report("socket delete", await items("delete", { id: last }, "d"));
report("last", last);
report("ping", await ask({ type: "ping", uid: "p" }));

if (mode === "public") {
  report("raised", (await ask({ type: "auth", email: editor.email, password: editor.password, uid: "auth" })).status);
  const read = { query: { fields: ["title", "body"], filter: { id: { _eq: first.id } } } };
  report("raised read", await items("read", read, "raised"));
  await write(createItem("articles", { title: "Seen by the editor", body: "text", status: "draft" }));
  report("raised event", (await all.title("Seen by the editor")).data[0].body);
}

const unknown = await own.subscribe("nothing", { uid: "unknown" });
report("unknown collection", await refusal(unknown.subscription.next().then(() => null)).then(() => answer("unknown")));
finish();
