/** Who is at the other end of a socket: every way to say so, and what becomes of it. */

import { counted, data, dataSoFar, desk, events, finish, follow, given, happened, hire, http, key, keyOf, letGo, listeners } from "./harness.mjs";
import { login, messages, outcome, pass, pause, post, report, rest, say, scenes, seenOf, socketClient, toldOf, ws } from "./harness.mjs";
import { clientOf, trpc } from "./harness.mjs";

const SETTLED = 250;
const bearer = (name) => ({ authorization: `Bearer ${pass(name)}` });
const ids = (record) => dataSoFar(record).map(({ id }) => Number(id));
const steps = (count) => Array.from({ length: count }, (_, index) => index + 1);
const errorsOf = (seen) => messages(seen).filter(({ id, error }) => id === null && error).map(({ error }) => error.data.code);
const nameOn = async (options, mount = "/trpc") => {
  const { calls, client, seen } = socketClient(mount, { retryDelayMs: () => 10_000, ...options });
  const answer = await outcome(Promise.race([calls.whoami.query(), seenOf(seen, "status").then(({ status }) => ({ name: status }))]));
  client.close();
  return answer.value ? answer.value.name : answer.error.data?.code;
};

/** Say the next number on a topic every few milliseconds, until told to end; return how many. */
function saying(topic) {
  let isOver = false;
  const work = (async () => {
    let count = 0;
    while (!isOver) {
      await say(topic, (count += 1));
      await pause(10);
    }
    return count;
  })();
  return () => {
    isOver = true;
    return work;
  };
}

const { token: memberToken } = await login(given.reader);
const cookie = `directus_session_token=${memberToken}`;
const own = new URL(given.url).origin;

await scenes([
  async () => {
    const url = ws(`/trpc?token=${encodeURIComponent(pass("url"))}`);
    const connectionParams = { token: pass("params") };
    report("ways", {
      token: await nameOn({ connectionParams }),
      authorization: await nameOn({ connectionParams: bearer("words") }),
      bare: await nameOn({ connectionParams: { authorization: pass("bare") } }),
      header: await nameOn({ headers: bearer("header") }),
      url: await nameOn({ url }),
      cookie: (await nameOn({ headers: { cookie } })) === given.reader.id,
      nobody: await nameOn({}),
    });
    report("precedence", {
      params: await nameOn({ url, connectionParams, headers: { ...bearer("header"), cookie } }),
      header: await nameOn({ url, headers: { ...bearer("header"), cookie } }),
      url: await nameOn({ url, headers: { cookie } }),
      emptyParams: await nameOn({ connectionParams: {}, headers: bearer("header") }),
      badParams: await nameOn({ connectionParams: { token: pass("void") }, headers: bearer("header") }),
      badHeader: await nameOn({ headers: { authorization: `Bearer ${pass("void")}`, cookie } }),
    });
    report("origins", {
      own: (await nameOn({ headers: { cookie, origin: own } })) === given.reader.id,
      foreign: await nameOn({ headers: { cookie, origin: "https://evil.example.com" } }),
      nul: await nameOn({ headers: { cookie, origin: "null" } }),
      foreignWithToken: await nameOn({ headers: { ...bearer("ann"), cookie, origin: "https://evil.example.com" } }),
    });
    const single = (headers, suffix = "") =>
      outcome(clientOf(trpc.httpLink({ url: http(`/trpc${suffix}`), headers })).whoami.query()).then(({ value, error }) => value?.name ?? error.data.code);
    report("http", {
      header: await single(bearer("header")),
      url: await single({}, `?token=${encodeURIComponent(pass("url"))}`),
      cookie: (await single({ cookie })) === given.reader.id,
      both: await single({ ...bearer("header"), cookie }),
      bad: await single({ authorization: `Bearer ${pass("void")}`, cookie }),
      ownPost: (await post("/trpc/mirror", 1, { cookie, origin: own })).status,
      foreignPost: (await post("/trpc/mirror", 1, { cookie, origin: "https://evil.example.com" })).status,
      crossSitePost: (await post("/trpc/mirror", 1, { cookie, origin: "https://evil.example.com", "sec-fetch-site": "cross-site" })).status,
      programPost: (await post("/trpc/mirror", 1, { cookie })).status,
      foreignPostWithToken: (await post("/trpc/mirror", 1, { ...bearer("ann"), origin: "https://evil.example.com" })).status,
    });
  },
  async () => {
    const found = {};
    for (const mode of ["/trpc", "/handshake", "/strict"]) {
      const anonymous = socketClient(mode, { retryDelayMs: () => 10_000 });
      const answers = await Promise.all([outcome(anonymous.calls.echo.query(1)), outcome(anonymous.calls.whoami.query())]);
      const closed = mode === "/trpc" ? null : (await seenOf(anonymous.seen, "close")).code;
      anonymous.client.close();
      const silent = socketClient(mode, { retryDelayMs: () => 10_000 });
      const silence = mode === "/trpc" ? null : (await seenOf(silent.seen, "close")).code;
      const silenceErrors = errorsOf(silent.seen);
      silent.client.close();
      const late = socketClient(mode, { retryDelayMs: () => 10_000 });
      const byMessage = await outcome(late.calls.authenticate.mutate({ token: pass("late") }));
      found[mode] = {
        anonymous: answers.map((each) => keyOf(each) ?? "OK"),
        closed,
        silence,
        silenceErrors,
        empty: await nameOn({ connectionParams: {} }, mode),
        params: await nameOn({ connectionParams: { token: pass("ann") } }, mode),
        header: await nameOn({ headers: bearer("ann") }, mode),
        bad: await nameOn({ headers: { authorization: `Bearer ${pass("void")}` } }, mode),
        late: byMessage.error?.data?.code ?? (await late.calls.whoami.query()).name,
      };
      late.client.close();
    }
    report("modes", found);
  },
  async () => {
    const attempts = [];
    const rejected = socketClient("/trpc", {
      connectionParams: { token: "pass:void" },
      retryDelayMs: (index) => {
        attempts.push(index);
        return index * 400;
      },
    });
    const topic = key("rejected");
    const record = follow(rejected.calls.feed, { topic });
    const answers = await Promise.all([outcome(rejected.calls.echo.query(1)), outcome(rejected.calls.mirror.mutate(2))]);
    const failed = await toldOf(record, "error");
    const { code } = await seenOf(rejected.seen, "close");
    const order = rejected.seen.frames.filter(({ event }) => event === "in" || event === "close").map(({ event, text }) => (event === "close" ? "close" : JSON.parse(text).id === null ? "null" : "call"));
    await pause(1_500);
    report("rejected", {
      answers: answers.map(keyOf),
      subscription: failed.error.data.code,
      code,
      order: order.slice(0, order.indexOf("close") + 1),
      sockets: counted(rejected.seen, "new"),
      attempts: attempts.slice(0, 3),
    });
    rejected.client.close();
  },
  async () => {
    // A token that ends without a notice: the socket closes, the client brings a fresh one, and nothing is lost.
    const topic = key("expiring");
    const lives = [1.5, 1.5, undefined];
    const tokens = [];
    const expiring = socketClient("/final", {
      connectionParams: () => ({ token: pass("ann", lives[Math.min(tokens.push(1), 3) - 1]) }),
    });
    const record = follow(expiring.calls.protected_feed, { topic });
    await toldOf(record, "started");
    const over = saying(topic);
    await seenOf(expiring.seen, "open", 3);
    await listeners(topic, 1);
    const count = await over();
    await data(record, count);
    report("expiry", {
      ids: JSON.stringify(ids(record)) === JSON.stringify(steps(count)),
      codes: expiring.seen.frames.filter(({ event }) => event === "close").map(({ code }) => code),
      errors: errorsOf(expiring.seen),
      failed: record.frames.filter(({ event }) => event === "error").length,
      notices: messages(expiring.seen).filter(({ method }) => method === "reconnect").length,
    });
    record.stop();
    expiring.client.close();
  },
  async () => {
    // One that is announced: the client moves to a new socket while the old one still serves.
    const topic = key("renewing");
    const held = key("renewing");
    const tokens = [];
    const renewing = socketClient("/trpc", {
      connectionParams: () => ({ token: pass("ann", tokens.push(1) === 1 ? 2 : undefined) }),
    });
    const record = follow(renewing.calls.protected_feed, { topic });
    const untracked = follow(renewing.calls.news, { topic });
    await Promise.all([toldOf(record, "started"), toldOf(untracked, "started")]);
    await listeners(topic, 2);
    const over = saying(topic);
    const pending = outcome(renewing.calls.hold.query({ key: held }));
    await happened(`begun ${held}`);
    await seenOf(renewing.seen, "open", 2);
    await pause(100);
    await letGo(held);
    const answer = await pending;
    await pause(1_000);
    const count = await over();
    await data(record, count);
    await pause(SETTLED);
    const heard = dataSoFar(untracked);
    report("notice", {
      notices: messages(renewing.seen).filter(({ method }) => method === "reconnect").length,
      ids: JSON.stringify(ids(record)) === JSON.stringify(steps(count)),
      untracked: JSON.stringify(heard) === JSON.stringify(steps(count)),
      answer: answer.value === held,
      errors: errorsOf(renewing.seen),
      refused: renewing.seen.frames.filter(({ event, code }) => event === "close" && code === 4401).length,
      sockets: counted(renewing.seen, "new"),
      started: events(record).filter((event) => event === "started").length,
    });
    record.stop();
    untracked.stop();
    renewing.client.close();
  },
  async () => {
    const topic = key("identity");
    const { calls, seen, client } = socketClient();
    const refused = await toldOf(follow(calls.protected, { topic }), "error");
    const open = follow(calls.news, { topic });
    await toldOf(open, "started");
    const first = await outcome(calls.authenticate.mutate({ token: pass("ann", 60) }));
    const record = follow(calls.protected, { topic });
    await toldOf(record, "started");
    const same = await outcome(calls.authenticate.mutate({ token: pass("ann", 90) }));
    await listeners(topic, 2);
    await say(topic, 1);
    await data(record, 1);
    const stillAnn = [events(record), (await calls.whoami.query()).name];
    await outcome(calls.authenticate.mutate({ token: pass("bob") }));
    const ended = await toldOf(record, "error");
    await say(topic, 2);
    await data(open, 2);
    const bobs = follow(calls.protected, { topic });
    await data(bobs, 2);
    const failed = await outcome(calls.authenticate.mutate({ token: pass("void") }));
    const demoted = await toldOf(bobs, "error");
    await say(topic, 3);
    await data(open, 3);
    report("identity", {
      refused: refused.error.data.code,
      first: [Object.keys(first.value), first.value.expiresAt > Date.now()],
      same: same.value.expiresAt > first.value.expiresAt,
      stillAnn,
      ended: [ended.error.data.code, dataSoFar(record)],
      failed: failed.error.data,
      demoted: [demoted.error.data.code, dataSoFar(bobs)],
      afterwards: (await calls.whoami.query()).isAnonymous,
      open: [events(open), dataSoFar(open)],
      sockets: counted(seen, "new"),
      unusable: [
        keyOf(await outcome(calls.authenticate.mutate({}))),
        keyOf(await outcome(calls.authenticate.mutate())),
        keyOf(await outcome(calls.authenticate.mutate({ token: 1 }))),
        keyOf(await outcome(calls.authenticate.mutate({ email: "a@example.com" }))),
        keyOf(await outcome(calls.refresh.mutate({}))),
      ],
      wrong: [
        keyOf(await outcome(calls.authenticate.mutate({ email: given.reader.email, password: "wrong" }))),
        keyOf(await outcome(calls.refresh.mutate({ refreshToken: "wrong" }))),
      ],
    });
    client.close();
  },
  async () => {
    const topic = key("message expiry");
    const { calls, seen, client } = socketClient();
    const open = follow(calls.news, { topic });
    await toldOf(open, "started");
    await calls.authenticate.mutate({ token: pass("ann", 1.5) });
    const record = follow(calls.protected, { topic });
    await toldOf(record, "started");
    await listeners(topic, 2);
    await say(topic, 1);
    const { error } = await toldOf(record, "error");
    await say(topic, 2);
    await data(open, 2);
    report("message expiry", {
      error: error.data,
      data: [dataSoFar(record), dataSoFar(open)],
      afterwards: [(await calls.whoami.query()).isAnonymous, keyOf(await outcome(calls.me.query())), counted(seen, "new")],
      again: [keyOf(await outcome(calls.authenticate.mutate({ token: pass("ann") }))), (await calls.me.query())],
    });
    client.close();
  },
  async () => {
    const topic = key("member");
    const person = await hire("member");
    const { calls, client } = socketClient();
    const { value } = await outcome(calls.authenticate.mutate({ email: person.email, password: person.password }));
    const record = follow(calls.protected, { topic });
    await toldOf(record, "started");
    const refreshed = (await outcome(calls.refresh.mutate({ refreshToken: value.refreshToken }))).value;
    const over = await rest("GET", "/users/me?fields=id", undefined, refreshed.accessToken);
    await listeners(topic, 1);
    await say(topic, 1);
    report("member", {
      told: Object.keys(value).sort(),
      refreshed: [Object.keys(refreshed).sort(), refreshed.refreshToken !== value.refreshToken],
      rest: over.body.data?.id === person.id,
      name: (await calls.whoami.query()).name === person.id,
      data: await data(record, 1),
    });
    client.close();
  },
  async () => {
    const other = socketClient("/other");
    const topic = key("other");
    report("other", {
      authenticate: keyOf(await outcome(other.calls.authenticate.mutate({ token: pass("ann") }))),
      renamed: keyOf(await outcome(other.calls.auth.present.mutate({ token: pass("ann") }))),
      refresh: keyOf(await outcome(other.calls.refresh.mutate({ refreshToken: "x" }))),
      challenges: (await toldOf(follow(other.calls.challenges), "error")).error.data.code,
      ticket: keyOf(await outcome(other.calls.ticket.mutate({ path: "letters", input: { word: "ab" } }))),
      messages: (await toldOf(follow(other.calls.channels.messages, { channel: "board" }), "error")).error.data.code,
      changes: (await toldOf(follow(other.calls.collections.changes, { collection: "articles" }), "error")).error.data.code,
      rows: (await toldOf(follow(other.calls.rows, { collection: "nothing" }), "error")).error.data.code,
      greet: await other.calls.greet.query({ name: topic }),
    });
    const { ticket } = await other.calls.auth.ticket.mutate({ path: "letters", input: { word: "ab" } });
    report("other ticket", await data(follow(other.calls.letters, { word: "ab", ticket }), 2));
    const { ticket: overHttp } = await clientOf(trpc.httpLink({ url: http("/other"), headers: bearer("ann") })).auth.ticket.mutate({ path: "letters", input: { word: "cd" } });
    report("other ticket over http", await data(follow(other.calls.letters, { word: "cd", ticket: overHttp }), 2));
    other.client.close();
  },
]);

// -- what is taken away ------------------------------------------------------------------------------------------------

async function withdraw(name, options, act) {
  const topic = key(name);
  const sockets = [socketClient("/trpc", { retryDelayMs: () => 10_000, ...options }), socketClient("/trpc", { retryDelayMs: () => 10_000, ...options })];
  const stranger = socketClient("/trpc", { connectionParams: { token: pass("ann") } });
  const records = [];
  for (const { calls } of [...sockets, stranger]) records.push(follow(calls.protected, { topic }), follow(calls.news, { topic }));
  await Promise.all(records.map((record) => toldOf(record, "started")));
  await listeners(topic, 6);
  await say(topic, "before");
  await Promise.all(records.map((record) => data(record, 1)));
  const since = performance.now();
  await act();
  const codes = [];
  for (const { seen } of sockets) codes.push((await seenOf(seen, "close")).code);
  const seconds = (performance.now() - since) / 1000;
  await listeners(topic, 2);
  await say(topic, "after");
  await data(records[4], 2);
  await pause(SETTLED);
  report(name, {
    codes,
    seconds,
    errors: sockets.map(({ seen }) => errorsOf(seen)),
    heard: records.map((record) => dataSoFar(record).length),
  });
  for (const { client } of [...sockets, stranger]) client.close();
}

const leaver = await hire("leaver");
const session = await login(leaver);
await withdraw("logout", { connectionParams: { token: session.token } }, () => post("/auth/logout", { refresh_token: session.refresh, mode: "json" }));
const suspended = await hire("suspended");
const { token } = await login(suspended);
await withdraw("suspension", { connectionParams: { token } }, () => rest("PATCH", `/users/${suspended.id}`, { status: "suspended" }));
const zoe = key("zoe").replaceAll(" ", "");
await withdraw("revocation", { headers: bearer(zoe) }, () => desk.revoke.mutate({ user: zoe }));

{
  const topic = key("role");
  const person = await hire("mover");
  const { token } = await login(person);
  const moving = socketClient("/trpc", { connectionParams: { token } });
  const record = follow(moving.calls.for_readers, { topic });
  const other = follow(moving.calls.protected, { topic });
  await Promise.all([toldOf(record, "started"), toldOf(other, "started")]);
  const role = await rest("POST", "/roles", { name: key("Elsewhere") });
  const since = performance.now();
  await rest("PATCH", `/users/${person.id}`, { role: role.body.data.id });
  const { error } = await toldOf(record, "error");
  const seconds = (performance.now() - since) / 1000;
  await say(topic, "after");
  report("role", { error: error.data, seconds, other: await data(other, 1), heard: dataSoFar(record), sockets: counted(moving.seen, "new") });
}

finish();
