/** Results that come bit by bit, by httpBatchStreamLink; and what other links make of them. */

import { clientOf, desk, finish, happened, http, key, keyOf, letGo, outcome, report, shown, socketClient, trpc, within } from "./harness.mjs";

const { httpLink, httpBatchLink, httpBatchStreamLink } = trpc;
const stream = clientOf(httpBatchStreamLink({ url: http() }));

async function all(values) {
  const found = [];
  try {
    for await (const value of values) found.push(value);
  } catch (error) {
    return { found, error: shown(error) };
  }
  return { found };
}

report("numbers", await all(await stream.count_up.query({ to: 3 })));
report("none", await all(await stream.count_up.query({ to: 0 })));
report("halfway", await all(await stream.count_up.query({ to: 2, fails: true })));

const slow = key("slow");
const members = await within(stream.later.query({ key: slow }), "members that are there");
const failed = outcome(members.broken);
report("members", {
  now: members.now,
  broken: await failed,
  several: await all(members.several),
  slow: await (async () => {
    let isThere = false;
    const waiting = members.slow.then((value) => {
      isThere = true;
      return value;
    });
    const before = isThere;
    await letGo(slow);
    return [before, await waiting];
  })(),
});

const left = key("left");
{
  const controller = new AbortController();
  const values = await stream.endless.query({ key: left }, { signal: controller.signal });
  const first = await values[Symbol.asyncIterator]().next();
  controller.abort();
  report("left", { first: first.value, ended: await outcome(happened(`ended ${left}`)) });
}

const together = key("together");
const both = Promise.all([stream.later.query({ key: together }), stream.count_up.query({ to: 2 }), stream.add.query({ left: 1, right: 1 })]);
const [one, two, three] = await within(both, "three in one batch");
const broken = outcome(one.broken);
const several = all(one.several); // the oldest client has forgotten it when the answer has ended
const counted = await all(two);
await letGo(together);
report("together", { now: one.now, counted, sum: three, slow: await one.slow, several: await several, broken: keyOf(await broken) });

for (const [name, client] of Object.entries({
  httpLink: clientOf(httpLink({ url: http() })),
  httpBatchLink: clientOf(httpBatchLink({ url: http() })),
  wsLink: socketClient().calls,
})) {
  const unwanted = key("unwanted");
  report(`without ${name}`, {
    iterator: await outcome(client.count_up.query({ to: 1 })),
    members: keyOf(await outcome(client.later.query({ key: unwanted }))),
    after: await outcome(client.add.query({ left: 1, right: 1 })),
  });
}

report("refused", {
  mixed: keyOf(await outcome(Promise.all([stream.add.query({ left: 1, right: 1 }), stream.fail.query({ code: "TIMEOUT" })]))),
  token: keyOf(await outcome(clientOf(httpBatchStreamLink({ url: http(), headers: { authorization: "Bearer pass:void" } })).me.query())),
});

finish();
