/** One socket of the client: how it opens, stays, is lost and comes back. */

import { counted, data, dataSoFar, events, finish, follow, happened, isOldest, key, keyOf, listeners, messages } from "./harness.mjs";
import { outcome, pass, pause, report, say, scenes, seenOf, socketClient, toldOf, ws } from "./harness.mjs";

const sent = (seen) => seen.frames.filter(({ event }) => event === "out").map(({ text }) => text);
const first = async (seen, count = 1) => (await seenOf(seen, "new", count)).socket;

await scenes([
  async () => {
    const asked = [];
    const ways = {
      object: { token: pass("ann") },
      function: () => ({ token: pass("ann") }),
      async: async () => ({ authorization: `Bearer ${pass("ann")}` }),
      nothing: async () => null,
    };
    for (const [name, connectionParams] of Object.entries(ways)) {
      const { calls, seen, client } = socketClient("/trpc", { connectionParams });
      report(`params ${name}`, {
        name: (await outcome(calls.whoami.query())).value?.name ?? null,
        url: (await seenOf(seen, "new")).url.endsWith("?connectionParams=1"),
        first: JSON.parse(sent(seen)[0]).method,
      });
      await client.close();
    }
    const changing = socketClient("/trpc", { connectionParams: () => ({ token: pass(`person${asked.push(1)}`) }) });
    const before = await changing.calls.whoami.query();
    (await first(changing.seen)).terminate();
    await seenOf(changing.seen, "open", 2);
    const after = await changing.calls.whoami.query();
    report("params again", { names: [before.name, after.name], asked: asked.length });
  },
  async () => {
    const urls = [];
    const byUrl = socketClient("/trpc", {
      url: async () => ws(`/trpc?token=${encodeURIComponent(pass(`url${urls.push(1)}`))}`),
    });
    const before = await byUrl.calls.whoami.query();
    (await first(byUrl.seen)).terminate();
    await seenOf(byUrl.seen, "open", 2);
    report("url again", [before.name, (await byUrl.calls.whoami.query()).name]);
  },
  async () => {
    const late = socketClient("/hasty", { connectionParams: () => pause(800).then(() => ({ token: pass("ann") })) });
    const { code } = await seenOf(late.seen, "close");
    report("params late", { code, errors: messages(late.seen).map(({ id, error }) => [id, error?.data.code]) });
    late.client.close();
  },
  async () => {
    const lazy = socketClient("/trpc", { lazy: { enabled: true, closeMs: 100 }, connectionParams: { token: pass("ann") } });
    await pause(50);
    const unused = counted(lazy.seen, "new");
    const name = (await lazy.calls.whoami.query()).name;
    await seenOf(lazy.seen, "close");
    await pause(100);
    const closed = counted(lazy.seen, "new");
    const again = (await lazy.calls.whoami.query()).name;
    report("lazy", { unused, name, closed, again, sockets: counted(lazy.seen, "new") });

    const topic = key("lazy");
    const held = follow(lazy.calls.feed, { topic });
    await toldOf(held, "started");
    await pause(300);
    await say(topic, "x");
    report("lazy subscription", { data: await data(held, 1), sockets: counted(lazy.seen, "new") });
    held.stop();
    await listeners(topic, 0);
    await seenOf(lazy.seen, "close", counted(lazy.seen, "new"));
  },
  async () => {
    const { calls } = socketClient();
    const whole = follow(calls.countdown, { start: 3 });
    await toldOf(whole, "complete");
    report("whole", { data: await data(whole, 3), events: events(whole) });

    const failing = follow(calls.stumble, { code: "CONFLICT" });
    const { error } = await toldOf(failing, "error");
    report("failing", { data: dataSoFar(failing), error });

    const broken = follow(calls.stumble, {});
    report("broken", (await toldOf(broken, "error")).error);

    const topic = key("stop");
    const record = follow(calls.feed, { topic });
    await toldOf(record, "started");
    await say(topic, 1);
    await data(record, 1);
    record.stop();
    const left = await happened(`left ${topic}`);
    await say(topic, 2);
    await outcome(calls.nothing.query());
    report("stop", { left, data: dataSoFar(record) });

    const early = key("early");
    follow(calls.feed, { topic: early }).stop();
    await outcome(calls.nothing.query());
    report("stop early", await outcome(listeners(early, 0)));
  },
  async () => {
    const topic = key("lost");
    let mayConnect = Promise.resolve();
    const losing = socketClient("/trpc", { url: () => mayConnect.then(() => ws()) });
    const record = follow(losing.calls.feed, { topic });
    const other = follow(losing.calls.feed, { topic });
    const untracked = follow(losing.calls.news, { topic });
    await toldOf(untracked, "started");
    await listeners(topic, 3);
    await say(topic, 1);
    await Promise.all([data(record, 1), data(other, 1), data(untracked, 1)]);
    const held = key("lost");
    const pending = outcome(losing.calls.hold.query({ key: held }));
    await happened(`begun ${held}`);
    let goOn;
    mayConnect = new Promise((resolve) => (goOn = resolve));
    (await first(losing.seen)).terminate();
    await listeners(topic, 0);
    await say(topic, 2);
    goOn();
    const failed = await pending;
    await seenOf(losing.seen, "open", 2);
    await listeners(topic, 3);
    await say(topic, 3);
    await Promise.all([data(record, 3), data(other, 3), data(untracked, 2)]);
    report("lost", {
      tracked: [dataSoFar(record), dataSoFar(other)].map((each) => each.map(({ id }) => id)),
      untracked: dataSoFar(untracked),
      failed: failed.error !== undefined,
      cancelled: await happened(`cancelled ${held}`),
      errors: [record, other, untracked].flatMap(({ frames }) => frames.filter(({ event }) => event === "error")),
    });
  },
  async () => {
    const beating = socketClient("/alive", { keepAlive: { enabled: true, intervalMs: 100, pongTimeoutMs: 2_000 } });
    await seenOf(beating.seen, "in", 3, ({ text }) => text === "PONG");
    report("keep-alive of the client", { sockets: counted(beating.seen, "new"), answer: await outcome(beating.calls.echo.query(1)) });
    beating.client.close();

    const asked = socketClient("/alive");
    await seenOf(asked.seen, "in", 3, ({ text }) => text === "PING");
    await pause(400);
    report("keep-alive of the server", {
      pongs: sent(asked.seen).filter((text) => text === "PONG").length >= 3,
      sockets: counted(asked.seen, "new"),
    });
    asked.client.close();
  },
  async () => {
    const few = socketClient("/few");
    await outcome(few.calls.echo.query(1));
    const refused = socketClient("/few", { retryDelayMs: () => 50 });
    const { status } = await seenOf(refused.seen, "status");
    await few.client.close();
    await seenOf(refused.seen, "open");
    report("few", { status, afterwards: await outcome(refused.calls.echo.query(2)) });
    await refused.client.close();
  },
  async () => {
    const large = socketClient("/narrow");
    const failed = await outcome(large.calls.echo.query("x".repeat(3_000)));
    const { code } = await seenOf(large.seen, "close");
    await seenOf(large.seen, "open", 2);
    report("large", { failed: failed.error !== undefined, code, afterwards: await outcome(large.calls.echo.query(1)) });
  },
  async () => {
    const narrow = socketClient("/narrow");
    const held = key("many");
    const holding = [1, 2, 3].map(() => outcome(narrow.calls.hold.query({ key: held })));
    await happened(`begun ${held}`, 3);
    const fourth = await outcome(narrow.calls.echo.query(1));
    const topics = [key("a"), key("b"), key("c")];
    const followed = topics.slice(0, 2).map((topic) => follow(narrow.calls.feed, { topic }));
    await Promise.all(followed.map((each) => toldOf(each, "started")));
    const third = await toldOf(follow(narrow.calls.feed, { topic: topics[2] }), "error");
    await say(topics[0], "x");
    report("bounds", { fourth: keyOf(fourth), third: third.error.data.code, first: await data(followed[0], 1) });
    narrow.client.close();
    void holding;
  },
]);

finish();
