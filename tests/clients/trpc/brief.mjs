/** Tokens of sessions that are over soon: what extends the sockets of a session, and what does not. */

import { clientOf, counted, data, dataSoFar, EventSource, finish, follow, hire, http, key, keyOf, listeners } from "./harness.mjs";
import { login, messages, outcome, pause, post, report, say, scenes, seenOf, socketClient, toldOf, trpc } from "./harness.mjs";

const LIFE = 3_000;
const once = (token, mount = "/final") => socketClient(mount, { connectionParams: { token }, retryDelayMs: () => 100_000 });
const since = performance.now();
const isOpen = ({ seen }) => counted(seen, "new") === 1 && counted(seen, "close") === 0;

await scenes([
  async () => {
    const topic = key("refreshed");
    const person = await hire("refreshed");
    const [session, other] = [await login(person), await login(person)];
    const [extended, renewed, left] = [once(session.token), once(session.token, "/trpc"), once(other.token)];
    const stream = clientOf(trpc.httpSubscriptionLink({ url: http(), EventSource, connectionParams: { token: session.token } }));
    const records = [extended, renewed, left].map(({ calls }) => follow(calls.protected, { topic }));
    const events = follow(stream.protected, { topic });
    await Promise.all([...records, events].map((record) => toldOf(record, "started")));
    await listeners(topic, 4);
    await pause(LIFE / 2);
    const { status } = await post("/auth/refresh", { refresh_token: session.refresh, mode: "json" });
    const { code } = await seenOf(left.seen, "close");
    await pause(LIFE / 5);
    await say(topic, "later");
    await Promise.all([data(records[0], 1), data(events, 1)]);
    report("refreshed", {
      status,
      code,
      open: [isOpen(extended), counted(extended.seen, "close")],
      name: (await extended.calls.whoami.query()).name === person.id,
      heard: [records[0], records[2], events].map(dataSoFar),
      errors: events.frames.filter(({ event }) => event === "error").length,
    });
    report("in the end", {
      code: (await seenOf(extended.seen, "close")).code,
      events: (await toldOf(events, "error")).error.data.code,
    });
    for (const { client } of [extended, renewed, left]) client.close();
  },
  async () => {
    const topic = key("by message");
    const person = await hire("message");
    const [kept, lapsed] = [socketClient(), socketClient()];
    const tokens = [];
    for (const { calls } of [kept, lapsed]) {
      tokens.push(await calls.authenticate.mutate({ email: person.email, password: person.password }));
    }
    const records = [kept, lapsed].map(({ calls }) => follow(calls.protected, { topic }));
    await listeners(topic, 2);
    await pause(LIFE / 2);
    const refreshed = await kept.calls.refresh.mutate({ refreshToken: tokens[0].refreshToken });
    const { error } = await toldOf(records[1], "error");
    await pause(LIFE / 5);
    await say(topic, "later");
    report("by message", {
      later: refreshed.expiresAt > tokens[0].expiresAt,
      error: error.data.code,
      kept: [await data(records[0], 1), (await kept.calls.whoami.query()).name === person.id],
      lapsed: [dataSoFar(records[1]), (await lapsed.calls.whoami.query()).isAnonymous],
      sockets: [kept, lapsed].map(({ seen }) => counted(seen, "new")),
      fresh: keyOf(await outcome(lapsed.calls.refresh.mutate({ refreshToken: tokens[1].refreshToken }))),
    });
    for (const { client } of [kept, lapsed]) client.close();
  },
  async () => {
    // A client whose callback logs in anew goes on from session to session.
    const topic = key("callback");
    const person = await hire("callback");
    const moving = socketClient("/trpc", { connectionParams: async () => ({ token: (await login(person)).token }) });
    const record = follow(moving.calls.protected_feed, { topic });
    await toldOf(record, "started");
    let count = 0;
    while (performance.now() - since < 2 * LIFE) {
      await say(topic, (count += 1));
      await pause(25);
    }
    await data(record, count);
    report("callback", {
      ids: JSON.stringify(dataSoFar(record).map(({ id }) => Number(id))) === JSON.stringify(Array.from({ length: count }, (_, index) => index + 1)),
      notices: messages(moving.seen).filter(({ method }) => method === "reconnect").length >= 2,
      refused: moving.seen.frames.filter(({ event, code }) => event === "close" && code === 4401).length,
      errors: record.frames.filter(({ event }) => event === "error").length,
    });
    moving.client.close();
  },
]);

finish();
