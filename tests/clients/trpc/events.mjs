/** Subscriptions as server-sent events, by httpSubscriptionLink. */

import { clientOf, data, dataSoFar, desk, EventSource, events, finish, follow, given, happened, http, key, listeners } from "./harness.mjs";
import { login, pass, pause, rest, hire, report, say, scenes, toldOf, trpc } from "./harness.mjs";

const PROMISE = 1_000;
const SETTLED = 250;

/** A client of a mount; `sent` records what is asked for. */
function stream(mount = "/trpc", { headers = {}, ...options } = {}) {
  const sent = [];
  const asking = (url, init) => {
    sent.push({ url: String(url), lastEventId: new Headers(init.headers).get("last-event-id") });
    return fetch(url, { ...init, headers: { ...init.headers, ...headers } });
  };
  const eventSourceOptions = { fetch: asking };
  const client = clientOf(trpc.httpSubscriptionLink({ url: http(mount), EventSource, eventSourceOptions, ...options }));
  return { calls: client, sent };
}

await scenes([
  async () => {
    const whole = follow(stream().calls.countdown, { start: 3 });
    await toldOf(whole, "complete");
    report("whole", { data: await data(whole, 3), events: events(whole), states: whole.frames.filter(({ event }) => event === "state").map(({ state }) => state) });
  },
  async () => {
    const topic = key("ids");
    await say(topic, "a");
    const record = follow(stream().calls.feed, { topic });
    await data(record, 1);
    await say(topic, "b");
    report("ids", await data(record, 2));
    record.stop();
    await listeners(topic, 0);
    await say(topic, "c");
    report("stopped", { left: await happened(`left ${topic}`), data: dataSoFar(record).length });
  },
  async () => {
    const topic = key("short");
    await say(topic, 1);
    const client = stream("/short");
    const record = follow(client.calls.feed, { topic });
    await data(record, 1);
    await listeners(topic, 0);
    await say(topic, 2);
    await say(topic, 3);
    report("resumed", {
      data: await data(record, 3),
      asked: client.sent.map(({ lastEventId }) => lastEventId),
      failed: record.frames.some(({ event }) => event === "error" || event === "complete"),
    });
    record.stop();
  },
  async () => {
    const client = stream();
    const record = follow(client.calls.mixed);
    await data(record, 2);
    report("mixed", await data(record, 2));
    record.stop();
  },
  async () => {
    const record = follow(stream("/once").calls.feed, { topic: key("never") });
    const topic = key("once");
    await say(topic, "only");
    const once = follow(stream("/once").calls.feed, { topic });
    report("once", { data: await data(once, 1), left: await happened(`left ${topic}`) });
    once.stop();
    record.stop();
  },
  async () => {
    const record = follow(stream().calls.stumble, { code: "CONFLICT" });
    const { error } = await toldOf(record, "error");
    report("failed", { data: dataSoFar(record), error });
  },
  async () => {
    const client = stream();
    const record = follow(client.calls.stumble, {});
    await data(record, 2);
    report("crashed", {
      data: dataSoFar(record).slice(0, 2),
      errors: record.frames.filter(({ event }) => event === "error"),
      state: record.frames.find(({ event, error }) => event === "state" && error),
      asked: client.sent.length,
    });
    record.stop();
  },
  async () => {
    const refusals = {
      invalid: follow(stream().calls.countdown, { start: "x" }),
      nobody: follow(stream().calls.protected, { topic: "x" }),
      role: follow(stream("/trpc", { connectionParams: { token: pass("ann") } }).calls.for_readers, { topic: "x" }),
      token: follow(stream("/trpc", { connectionParams: { token: pass("void") } }).calls.countdown, { start: 1 }),
      expired: follow(stream("/trpc", { connectionParams: { token: pass("ann", -1) } }).calls.countdown, { start: 1 }),
      garbage: follow(stream("/trpc", { connectionParams: { token: "garbage" } }).calls.countdown, { start: 1 }),
    };
    for (const [name, record] of Object.entries(refusals)) {
      const { error } = await toldOf(record, "error");
      report(`refused ${name}`, { error, events: events(record) });
    }
  },
  async () => {
    const topic = key("ways");
    await say(topic, 1);
    const { token } = await login(given.reader);
    const ways = {
      params: { connectionParams: { token: pass("ann") } },
      authorization: { connectionParams: async () => ({ authorization: `Bearer ${pass("ann")}` }) },
      header: { headers: { authorization: `Bearer ${pass("ann")}` } },
      url: { url: `${http()}?token=${encodeURIComponent(pass("ann"))}` },
      cookie: { headers: { cookie: `directus_session_token=${token}` } },
    };
    for (const [name, options] of Object.entries(ways)) {
      const record = follow(stream("/trpc", options).calls.protected, { topic });
      report(`way ${name}`, await data(record, 1));
      record.stop();
    }
  },
  async () => {
    const topic = key("expiry");
    await say(topic, 1);
    const record = follow(stream("/trpc", { connectionParams: { token: pass("ann", 2) } }).calls.protected, { topic });
    await data(record, 1);
    const since = performance.now();
    const { error } = await toldOf(record, "error");
    await say(topic, 2);
    report("expiry", { error, seconds: (performance.now() - since) / 1000, left: await happened(`left ${topic}`), data: dataSoFar(record) });
  },
  async () => {
    const topic = key("revoked");
    const name = key("carl").replaceAll(" ", "");
    await say(topic, 1);
    const record = follow(stream("/trpc", { connectionParams: { token: pass(name) } }).calls.protected, { topic });
    const open = follow(stream("/trpc", { connectionParams: { token: pass(name) } }).calls.news, { topic });
    const others = follow(stream("/trpc", { connectionParams: { token: pass("ann") } }).calls.protected, { topic });
    await data(record, 1);
    await data(others, 1);
    await listeners(topic, 3);
    const since = performance.now();
    await desk.revoke.mutate({ user: name });
    const { error } = await toldOf(record, "error");
    const seconds = (performance.now() - since) / 1000;
    await toldOf(open, "error");
    await say(topic, 2);
    await data(others, 2);
    await pause(SETTLED);
    report("revoked", { error, quick: seconds < PROMISE / 1000, heard: [record, open, others].map((each) => dataSoFar(each)) });
    others.stop();
  },
  async () => {
    const topic = key("moved");
    await say(topic, 1);
    const person = await hire("mover");
    const { token } = await login(person);
    const record = follow(stream("/trpc", { connectionParams: { token } }).calls.for_readers, { topic });
    await data(record, 1);
    const role = await rest("POST", "/roles", { name: key("Elsewhere") });
    await rest("PATCH", `/users/${person.id}`, { role: role.body.data.id });
    const { error } = await toldOf(record, "error");
    await say(topic, 2);
    report("role", { error, left: await happened(`left ${topic}`), data: dataSoFar(record) });
  },
]);

// An unknown path is no stream at all, so that the EventSource gives up.
const lost = new EventSource(`${http()}/nowhere?input=1`);
const failed = await new Promise((resolve) => lost.addEventListener("error", resolve));
report("unknown", { status: failed.code, state: lost.readyState });

finish();
