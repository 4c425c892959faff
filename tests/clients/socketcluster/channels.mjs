/** Channels: who may hear and say something, kick-outs, history, presence, and the rows of collections. */

import {
  connected, event, finish, first, given, hearing, outcome, post, report,
} from "./harness.mjs";

const person = async (name, path) => {
  const socket = await connected(path);
  await socket.invoke("login", { name, password: `${name}'s word` });
  return socket;
};
const refused = async (socket, channel, options) => {
  const subscribed = socket.subscribe(channel, options);
  const { name, ...told } = await event(socket, "subscribeFail", 1, (each) => each.channel === channel);
  return { error: told.error.name, message: told.error.message, state: subscribed.state };
};

// -- rules by claims ---------------------------------------------------------------------------------------------------

const [ann, bob, nobody] = [await person("ann"), await person("bob"), await connected()];
const [news, sports] = [await hearing(ann, "desk/news"), await hearing(bob, "desk/sports")];
const published = {
  own: await outcome(ann.invokePublish("desk/news", { headline: 1 })),
  others: await outcome(ann.invokePublish("desk/sports", { headline: 2 })),
  nobody: await outcome(nobody.invokePublish("desk/news", { headline: 3 })),
};
await ann.transmitPublish("desk/sports", { headline: 4 });
await ann.transmitPublish("desk/news", { headline: 5 });
await bob.invokePublish("desk/sports", { headline: 6 });
report("claims", {
  published,
  news: await first(news, 2, "the news"),
  sports: await first(sports, 1, "the sports"),
  refused: [await refused(ann, "desk/sports"), await refused(nobody, "desk/news")],
});

await ann.deauthenticate();
await event(ann, "kickOut");
report("a right that is over", {
  channels: (await ann.invoke("state")).channels,
  client: ann.subscriptions(),
});

const turned = await person("ann");
const before = await hearing(turned, "desk/news");
await hearing(turned, "open");
await turned.invoke("login", { name: "bob", password: "bob's word" });
await event(turned, "kickOut");
report("a right that the next token has not", {
  channels: (await turned.invoke("state")).channels,
  published: await outcome(turned.invokePublish("desk/news", 1)),
  heard: before.frames,
});
turned.disconnect();

report("nobody publishes here", await outcome(bob.invokePublish("board", 1)));
const board = await hearing(nobody, "board");
await post("/procedures/post", { channel: "board", data: "from the server" });
report("the server publishes everywhere", await first(board, 1, "the word"));

// -- the line ----------------------------------------------------------------------------------------------------------

const guard = await person("ann", "/guarded/");
const listener = await connected("/guarded/");
const heard = await hearing(listener, "wire/news");
const line = {
  own: await outcome(guard.invokePublish("wire/news", "loud")),
  other: await outcome(guard.invokePublish("wire/sports", 1)),
  nobody: await outcome(listener.invokePublish("wire/news", 1)),
};
await guard.invokePublish("wire/news", "secret");
await guard.invokePublish("wire/news", "last");
report("lines", {
  ...line,
  hidden: await refused(guard, "hidden"),
  changed: await outcome(guard.invoke("mirror", "change me")),
  heard: await first(heard, 2, "what the outbound line lets by"),
});

// -- subscriptions -----------------------------------------------------------------------------------------------------

const kicked = await connected();
const both = [await hearing(kicked, "one"), await hearing(kicked, "two")];
await kicked.invoke("kick", { channel: "one", message: "Out" });
await event(kicked, "kickOut");
await kicked.invokePublish("one", 1);
await kicked.invokePublish("two", 2);
await first(both[1], 1, "a publication");
report("kick-out", {
  event: await event(kicked, "kickOut"),
  heard: both.map(({ frames }) => frames),
  client: kicked.subscriptions(),
  server: (await kicked.invoke("state")).channels,
  missing: await outcome(kicked.invoke("kick", { channel: "one", message: "" })),
});
kicked.unsubscribe("two");
await kicked.invokePublish("two", 3);
report("unsubscribe", { heard: both[1].frames, server: (await kicked.invoke("state")).channels });

const narrow = await connected("/narrow/");
await hearing(narrow, "lobby");
await hearing(narrow, "minutes");
report("limits", {
  third: await refused(narrow, "board"),
  unknown: await outcome(narrow.invokePublish("unknown", 1)),
});
const rest = await connected("/narrow/");
report("closed channels", await refused(rest, "unknown"));
const silent = await connected("/silent/");
report("no publishing", await outcome(silent.invokePublish("minutes", 0)));

const values = [null, 0, "", false, [], { deep: [{ a: null }] }, "späße 🎈", 2 ** 53];
const mirrored = await hearing(nobody, "values");
for (const value of values) await nobody.invokePublish("values", value);
await nobody.invokePublish("values");
const told = await first(mirrored, values.length + 1, "all values");
report("values", { same: JSON.stringify(told.slice(0, -1)) === JSON.stringify(values), last: told.at(-1) === undefined });
const named = {};
for (const name of ["a/b c", "ünï 🎈", "x".repeat(1_000)]) {
  const record = await hearing(nobody, name);
  await nobody.invokePublish(name, name);
  named[name] = (await first(record, 1, name))[0] === name;
}
report("names", named);

// -- history and presence ----------------------------------------------------------------------------------------------

for (const number of [1, 2, 3, 4]) await nobody.invokePublish("minutes", number);
const late = await hearing(bob, "minutes", { data: { history: 2 } });
const later = await hearing(await connected(), "minutes", { data: { history: 10 } });
const none = await hearing(await connected(), "minutes");
await nobody.invokePublish("minutes", 5);
report("history", {
  two: await first(late, 3, "two and the next"),
  all: await first(later, 4, "three and the next"),
  none: await first(none, 1, "the next"),
  wrong: await refused(await connected(), "minutes", { data: { history: "all" } }),
});

const watcher = await connected();
const presence = await hearing(watcher, "presence/lobby");
const guest = await person("bob");
await hearing(guest, "lobby");
const here = await hearing(await connected(), "presence/lobby");
guest.unsubscribe("lobby");
const moves = await first(presence, 3, "who comes and goes");
report("presence", {
  moves: moves.map(({ event, member, members }) => [event, member?.user ?? members?.length ?? null]),
  here: (await first(here, 1, "who is here"))[0].members.some(({ id, user }) => id === guest.id && user === "bob"),
  forged: await outcome(watcher.invokePublish("presence/lobby", { event: "join" })),
  none: await refused(watcher, "presence/board"),
});

// -- collections -------------------------------------------------------------------------------------------------------

const member = async (who) => {
  const socket = await connected();
  await socket.invoke("logInAsMember", { email: who.email, password: who.password });
  return socket;
};
const [reader, editor] = [await member(given.reader), await member(given.editor)];
const forReader = await hearing(reader, "items/articles", { data: { query: { fields: ["title"] } } });
const forEditor = await hearing(editor, "items/articles", { data: { query: { fields: ["title"] } } });
for (const [title, status] of [["Hidden", "draft"], ["Seen", "published"]]) {
  await write("/items/articles", { title, status }, given.editor.token);
}
const titles = (record) =>
  record.frames.filter(({ event }) => event === "create").flatMap(({ data }) => data.map(({ title }) => title));
const until = (record, title) => record.until(() => titles(record).includes(title), title);
await until(forReader, "Seen");
await until(forEditor, "Seen");
report("collections", {
  reader: titles(forReader),
  editor: titles(forEditor),
  first: forReader.frames[0].event,
  nobody: await refused(await connected(), "items/articles"),
  forged: await outcome(editor.invokePublish("items/articles", { event: "create" })),
  system: await refused(editor, "items/directus_users"),
});

await reader.invoke("logout");
await event(reader, "kickOut");
await write("/items/articles", { title: "After", status: "published" }, given.editor.token);
await until(forEditor, "After");
report("collections of nobody", titles(forReader));

async function write(path, row, token) {
  const { status } = await post(path, row, token);
  if (status !== 200) throw new Error(`HTTP ${status}`);
}

finish();
