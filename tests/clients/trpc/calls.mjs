/** Calls by every link: what they give, how they fail, and that none waits for another. */

import { clientOf, counted, data, desk, EventSource, finish, follow, given, happened, http } from "./harness.mjs";
import { isOldest, key, keyOf, letGo, outcome, report, socketClient, toldOf, trpc, version } from "./harness.mjs";

const { httpLink, httpBatchLink, httpBatchStreamLink, httpSubscriptionLink, splitLink } = trpc;
report("version", version);

const socket = socketClient();
const { calls: overSocket } = socket;
const CLIENTS = {
  httpLink: clientOf(httpLink({ url: http() })),
  httpBatchLink: clientOf(httpBatchLink({ url: http() })),
  httpBatchStreamLink: clientOf(httpBatchStreamLink({ url: http() })),
  ...(isOldest ? {} : { acceptStream: clientOf(httpBatchStreamLink({ url: http(), streamHeader: "accept" })) }),
  wsLink: overSocket,
};
const VALUES = [0, -1.5, "", "Grüße, 世界 & ?#/%+", null, false, [], [[1], {}], { a: { "b.c": [null] } }, "x".repeat(1500)];

for (const [name, client] of Object.entries(CLIENTS)) {
  const answers = await Promise.all([
    outcome(client.add.query({ left: 2, right: 40 })),
    ...VALUES.map((value) => outcome(client.echo.query(value))),
  ]);
  const mutations = await Promise.all([outcome(client.mirror.mutate({ a: 1 })), outcome(client.mirror.mutate("ü"))]);
  const nothing = await outcome(client.nothing.query());
  report(`values ${name}`, {
    sum: answers[0],
    same: VALUES.map((value, index) => JSON.stringify(answers[index + 1].value) === JSON.stringify(value)),
    mutations,
    nothing: [nothing.nothing ?? false, nothing.value ?? null],
    unknown: await outcome(client.no.such.thing.query()),
    wrongKind: keyOf(await outcome(client.add.mutate({ left: 1, right: 1 }))),
    missing: await outcome(client.add.query()),
    unwanted: keyOf(await outcome(client.nothing.query({ more: 1 }))),
    fields: await outcome(client.register.mutate({ name: "Ann", address: { street: "Main", number: "7" } })),
    crash: await outcome(client.crash.query()),
    misfit: await outcome(client.misfit.query()),
  });
}

// -- every code and every key ------------------------------------------------------------------------------------------

const { codes: CODES, keys: KEYS } = given;
for (const [name, client] of Object.entries(CLIENTS)) {
  const codes = CODES.map((code) => outcome(client.fail.query({ code })));
  const keys = KEYS.map((each) => outcome(client.fail.query({ code: "CONFLICT", name: each })));
  report(`errors ${name}`, {
    codes: Object.fromEntries((await Promise.all(codes)).map((each, index) => [CODES[index], each])),
    keys: Object.fromEntries((await Promise.all(keys)).map((each, index) => [KEYS[index], each])),
    mutation: await outcome(client.fail_too.mutate({ code: "CONFLICT", name: "GATEWAY_TIMEOUT" })),
  });
}

// -- methods, forms and bytes ------------------------------------------------------------------------------------------

const methods = [];
const watching = (url, options) => {
  methods.push(options.method);
  return fetch(url, options);
};
for (const mount of ["/override", "/trpc"]) {
  const options = { url: http(mount), methodOverride: "POST", fetch: watching };
  methods.length = 0;
  report(`override ${mount}`, {
    single: await outcome(clientOf(httpLink(options)).add.query({ left: 1, right: 1 })),
    batch: await outcome(clientOf(httpBatchLink(options)).add.query({ left: 1, right: 2 })),
    stream: await outcome(clientOf(httpBatchStreamLink(options)).add.query({ left: 1, right: 3 })),
    mutation: await outcome(clientOf(httpLink(options)).mirror.mutate(1)),
    methods: [...methods],
  });
}

const split = clientOf(
  splitLink({
    condition: (op) => op.type === "subscription",
    true: httpSubscriptionLink({ url: http(), EventSource }),
    false: splitLink({
      condition: (op) => trpc.isNonJsonSerializable(op.input),
      true: httpLink({ url: http() }),
      false: httpBatchLink({ url: http() }),
    }),
  }),
);
const uploaded = new FormData();
uploaded.append("title", "Größe");
uploaded.append("tag", "a");
uploaded.append("tag", "b");
uploaded.append("file", new File(["content"], "name ü.txt", { type: "text/plain" }));
report("uploads", {
  form: await outcome(split.form.mutate(uploaded)),
  bytes: await outcome(split.stream_in.mutate(new Blob([new Uint8Array([1, 2, 3])]))),
  array: await outcome(split.stream_in.mutate(new Uint8Array([4, 5]))),
  empty: await outcome(split.stream_in.mutate(new Blob([]))),
  jsonForForm: await outcome(split.form.mutate({ title: "no form" })),
  formForJson: keyOf(await outcome(split.register.mutate(uploaded))),
  tooLarge: keyOf(
    await outcome(clientOf(httpLink({ url: http("/narrow") })).stream_in.mutate(new Blob([new Uint8Array(4000)]))),
  ),
  formTooLarge: keyOf(
    await outcome(
      (() => {
        const large = new FormData();
        large.append("title", "x".repeat(4000));
        return clientOf(httpLink({ url: http("/narrow") })).form.mutate(large);
      })(),
    ),
  ),
  query: await outcome(split.add.query({ left: 1, right: 1 })),
});
const counting = follow(split.countdown, { start: 3 });
await toldOf(counting, "complete");
report("split", { data: await data(counting, 3) });

// -- nobody waits for anybody ------------------------------------------------------------------------------------------

for (const [name, client] of Object.entries(CLIENTS)) {
  const held = key("held");
  const slow = outcome(client.hold.query({ key: held }));
  const beside = [outcome(client.add.query({ left: 1, right: 1 })), outcome(client.happened.query({ key: `begun ${held}` }))];
  const quick = name === "httpBatchLink" ? null : await Promise.all(beside);
  await happened(`begun ${held}`);
  const another = await outcome(client.add.query({ left: 2, right: 2 }));
  await letGo(held);
  report(`beside ${name}`, { quick: quick ?? (await Promise.all(beside)), another, slow: (await slow).value === held });
}

// -- who is gone gets nothing ------------------------------------------------------------------------------------------

for (const [name, client] of Object.entries(CLIENTS)) {
  if (name === "wsLink") continue;
  const held = key("abandoned");
  const controller = new AbortController();
  const asked = outcome(client.hold.query({ key: held }, { signal: controller.signal }));
  await happened(`begun ${held}`);
  controller.abort();
  report(`abandoned ${name}`, {
    cancelled: await outcome(happened(`cancelled ${held}`)),
    failed: (await asked).error !== undefined,
    done: await desk.so_far.query({ key: `done ${held}` }),
  });
}
{
  const held = key("dropped");
  const dropping = socketClient();
  const asked = outcome(dropping.calls.hold.query({ key: held }));
  await happened(`begun ${held}`);
  dropping.seen.frames.find(({ event }) => event === "new").socket.terminate();
  report("abandoned wsLink", {
    cancelled: await outcome(happened(`cancelled ${held}`)),
    failed: (await asked).error !== undefined,
    done: await desk.so_far.query({ key: `done ${held}` }),
  });
}

// -- arrays on a socket ------------------------------------------------------------------------------------------------

const sent = socket.seen.frames.filter(({ event }) => event === "out").map(({ text }) => JSON.parse(text));
report("arrays", { many: sent.some((message) => Array.isArray(message) && message.length > 10), sockets: counted(socket.seen, "new") });

const narrow = socketClient("/narrow");
const three = await Promise.all([1, 2, 3].map((left) => outcome(narrow.calls.add.query({ left, right: 0 }))));
const four = await Promise.all([1, 2, 3, 4].map((left) => outcome(narrow.calls.add.query({ left, right: 0 }))));
const batch = clientOf(httpBatchLink({ url: http("/narrow") }));
const stream = clientOf(httpBatchStreamLink({ url: http("/narrow") }));
const split_up = clientOf(httpBatchLink({ url: http("/narrow"), maxItems: 2 }));
const alone = clientOf(httpBatchLink({ url: http("/alone") }));
const sums = (client, count) => Promise.all(Array.from({ length: count }, (_, left) => outcome(client.add.query({ left, right: 0 }))));
report("batch limits", {
  socket: [three, four.map((each) => each.error)],
  http: [await sums(batch, 3), await sums(batch, 4)],
  stream: [await sums(stream, 3), await sums(stream, 4)],
  split: await sums(split_up, 4),
  alone: [await sums(alone, 1), await outcome(clientOf(httpLink({ url: http("/alone") })).add.query({ left: 5, right: 0 }))],
  after: await outcome(narrow.calls.add.query({ left: 9, right: 0 })),
});

finish();
