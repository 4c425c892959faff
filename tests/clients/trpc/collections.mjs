/** The subscriptions that are built in: rows of collections, under the rights of who asks, and messages of channels. */

import { clientOf, data, dataSoFar, desk, EventSource, finish, follow, given, hire, http, key, login, outcome, pause } from "./harness.mjs";
import { pass, report, rest, scenes, seenOf, socketClient, toldOf, trpc } from "./harness.mjs";

const SETTLED = 300;
const items = async (method, path, body) => (await rest(method, `/items/articles${path}`, body, given.editor.token)).body?.data;
const create = (title, status = "published", more = {}) => items("POST", "", { title, status, body: "hidden text", ...more });
const kinds = (record) => dataSoFar(record).map(({ data: { event } }) => event);
const titles = (record) => dataSoFar(record).map(({ data: { event, data } }) => [event, [data ?? []].flat().map((row) => row.title ?? row)]);
const as = (token, options = {}) => socketClient("/trpc", { connectionParams: { token }, ...options });
const about = (prefix) => ({ collection: "articles", query: { fields: ["id", "title"], filter: { title: { _starts_with: prefix } } } });

await scenes([
  async () => {
    const prefix = key("rights");
    const before = await create(`${prefix} before`);
    await create(`${prefix} draft`, "draft");
    const reader = as(given.reader.token);
    const editor = as(given.editor.token);
    const seen = follow(reader.calls.collections.changes, about(prefix));
    const whole = follow(editor.calls.collections.changes, about(prefix));
    await Promise.all([data(seen, 1), data(whole, 1)]);
    const made = await create(`${prefix} made`);
    const draft = await create(`${prefix} second draft`, "draft");
    await items("PATCH", `/${made.id}`, { title: `${prefix} changed` });
    await items("PATCH", `/${draft.id}`, { status: "published" });
    await items("PATCH", `/${before.id}`, { status: "draft" });
    await items("DELETE", `/${made.id}`);
    const names = { [before.id]: "before", [made.id]: "made" };
    const strip = (list) => list.map(([event, rows]) => [event, rows.map((row) => names[row] ?? row.replace(`${prefix} `, ""))]);
    await Promise.all([data(seen, 6), data(whole, 7)]);
    await pause(SETTLED);
    report("rights", {
      reader: strip(titles(seen)),
      editor: strip(titles(whole)),
      order: dataSoFar(seen).every(({ id }, index, all) => index === 0 || id !== all[index - 1].id),
    });
    report("fields", {
      hidden: (await toldOf(follow(reader.calls.collections.changes, { collection: "articles", query: { fields: ["body"] } }), "error")).error.data.code,
      star: JSON.stringify(await data(follow(reader.calls.collections.changes, { collection: "articles" }), 1)).includes("hidden text"),
      nobody: (await toldOf(follow(socketClient().calls.collections.changes, about(prefix)), "error")).error.data.code,
      nothing: (await toldOf(follow(reader.calls.collections.changes, { collection: "nothing" }), "error")).error.data.code,
      badQuery: (await toldOf(follow(reader.calls.collections.changes, { collection: "articles", query: { limit: "x" } }), "error")).error.data.code,
    });
    reader.client.close();
    editor.client.close();
  },
  async () => {
    const prefix = key("events");
    const reader = as(given.reader.token);
    const created = follow(reader.calls.collections.changes, { ...about(prefix), event: "create" });
    const deleted = follow(reader.calls.collections.changes, { ...about(prefix), event: "delete" });
    const all = follow(reader.calls.collections.changes, about(prefix));
    await Promise.all([created, deleted, all].map((each) => toldOf(each, "started")));
    await data(all, 1);
    const made = await create(`${prefix} made`);
    const other = await create(`${prefix} other`);
    const one = follow(reader.calls.collections.changes, { ...about(prefix), item: other.id });
    await data(one, 1);
    await items("PATCH", `/${made.id}`, { title: `${prefix} changed` });
    await items("DELETE", `/${made.id}`);
    await items("PATCH", `/${other.id}`, { title: `${prefix} last` });
    await data(all, 6);
    await data(one, 2);
    await pause(SETTLED);
    report("events", [created, deleted, all, one].map((each) => kinds(each).filter((kind) => kind !== "init")));
    reader.client.close();
  },
  async () => {
    const prefix = key("resume");
    const reader = as(given.reader.token);
    const record = follow(reader.calls.collections.changes, about(prefix));
    await data(record, 1);
    await create(`${prefix} 1`);
    await data(record, 2);
    reader.client.connection?.ws?.terminate();
    await seenOf(reader.seen, "close");
    await create(`${prefix} 2`);
    await create(`${prefix} 3`);
    await data(record, 4);
    await create(`${prefix} 4`);
    await data(record, 5);
    const position = dataSoFar(record)[1].id;
    const late = follow(as(given.reader.token).calls.collections.changes, { ...about(prefix), lastEventId: position });
    await data(late, 3);
    const stream = clientOf(trpc.httpSubscriptionLink({ url: http(), EventSource, connectionParams: { token: given.reader.token } }));
    const events = follow(stream.collections.changes, { ...about(prefix), lastEventId: position });
    await data(events, 3);
    const strip = (each) => titles(each).map(([event, rows]) => [event, ...rows.map((title) => String(title).replace(`${prefix} `, ""))]);
    report("resume", { lost: strip(record), late: strip(late), events: strip(events), ids: new Set(dataSoFar(record).map(({ id }) => id)).size });
    for (const [name, lastEventId] of Object.entries({ garbage: "garbage", foreign: position.replace(/^[^:]*/, "another"), future: position.replace(/\d+$/, "999999999") })) {
      const { error } = await toldOf(follow(reader.calls.collections.changes, { ...about(prefix), lastEventId, onLost: "error" }), "error");
      const restarted = follow(reader.calls.collections.changes, { ...about(prefix), lastEventId, onLost: "restart" });
      const [first] = await data(restarted, 1);
      report(`lost ${name}`, { error: [error.data.code, error.data.problem ?? null], event: first.data.event, told: typeof first.data.lost, rows: first.data.data?.length });
    }
    events.stop();
    reader.client.close();
  },
  async () => {
    const prefix = key("taken");
    const person = await hire("taken");
    const { token } = await login(person);
    const { calls, client } = as(token);
    const record = follow(calls.collections.changes, about(prefix));
    const channel = follow(calls.channels.messages, { channel: "desk/taken" });
    await data(record, 1);
    await toldOf(channel, "started");
    await create(`${prefix} before`);
    await data(record, 2);
    const role = await rest("POST", "/roles", { name: key("Elsewhere") });
    await rest("PATCH", `/users/${person.id}`, { role: role.body.data.id });
    const { error } = await toldOf(record, "error");
    await create(`${prefix} after`);
    await desk.post.mutate({ channel: "desk/taken", data: "still" });
    await toldOf(channel, "data");
    await pause(SETTLED);
    report("taken", { error: error.data.code, data: dataSoFar(record).length, channel: dataSoFar(channel).at(-1).data });
    client.close();
  },
  async () => {
    const channel = "board";
    const mark = key("mark");
    const post = (data) => desk.post.mutate({ channel, data });
    const ours = (record) => dataSoFar(record).filter(({ data }) => JSON.stringify(data.data ?? "").includes(mark));
    const of = async (record, count) => {
      await record.until(() => ours(record).length >= count, `${count} messages`);
      return ours(record).map(({ data }) => data.data?.text ?? data.data);
    };
    const say = (text) => post({ mark, text });
    const { calls, seen, client } = socketClient();
    const record = follow(calls.channels.messages, { channel });
    await toldOf(record, "started");
    await say("1");
    await of(record, 1);
    (await seenOf(seen, "new")).socket.terminate();
    await seenOf(seen, "close");
    await say("2");
    await say("3");
    await of(record, 3);
    await say("4");
    const all = await of(record, 4);
    const position = ours(record)[0].id;
    const late = follow(calls.channels.messages, { channel, lastEventId: position });
    report("channel", { all, late: await of(late, 3), events: [...new Set(ours(record).map(({ data }) => data.event))] });
    const { error } = await toldOf(follow(calls.channels.messages, { channel, lastEventId: "garbage", onLost: "error" }), "error");
    const restarted = follow(calls.channels.messages, { channel, lastEventId: "garbage", onLost: "restart" });
    const [first] = await data(restarted, 1);
    report("channel lost", { error: [error.data.code, error.data.problem ?? null], told: typeof first.data.lost, event: first.data.event });
    const last = follow(calls.channels.messages, { channel, history: 2 });
    await toldOf(last, "data");
    await pause(SETTLED);
    const none = follow(calls.channels.messages, { channel });
    await toldOf(none, "data");
    await pause(SETTLED);
    report("channel history", [last, none].map((each) => each.frames.filter(({ data }) => data?.data.event === "message").length));
    report("channel rights", {
      nobody: (await toldOf(follow(calls.channels.messages, { channel: "desk/a" }), "error")).error.data.code,
      unknown: (await toldOf(follow(calls.channels.messages, { channel: "nowhere" }), "error")).error.data.code,
    });
    const ann = socketClient("/trpc", { connectionParams: { token: pass("ann") } });
    const twice = [1, 2].map(() => follow(ann.calls.channels.messages, { channel: "desk/a" }));
    await Promise.all(twice.map((each) => toldOf(each, "started")));
    await desk.post.mutate({ channel: "desk/a", data: "to both" });
    await Promise.all(twice.map((each) => each.until(() => JSON.stringify(dataSoFar(each)).includes("to both"), "what is for both")));
    twice[0].stop();
    await outcome(ann.calls.echo.query(1));
    await desk.post.mutate({ channel: "desk/a", data: "to the other" });
    await twice[1].until(() => JSON.stringify(dataSoFar(twice[1])).includes("to the other"), "what is for the other");
    report("channel twice", twice.map((each) => JSON.stringify(dataSoFar(each)).includes("to the other")));
    client.close();
    ann.client.close();
  },
]);

finish();
