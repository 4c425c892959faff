/** Tickets for single subscriptions, and challenges from time to time. */

import { clientOf, counted, data, dataSoFar, events, finish, follow, happened, http, key, keyOf, listeners } from "./harness.mjs";
import { EventSource, messages, outcome, pass, pause, report, say, scenes, seenOf, socketClient, toldOf, trpc } from "./harness.mjs";

const connectedAs = (name, mount = "/trpc", options = {}) =>
  socketClient(mount, { connectionParams: { token: pass(name) }, ...options });
const refusal = async (record) => (await toldOf(record, "error")).error.data.code;

await scenes([
  async () => {
    const topic = key("ticket");
    await say(topic, "x");
    const ann = connectedAs("ann");
    const bob = connectedAs("bob");
    const nobody = socketClient();
    const { ticket, expiresAt } = await ann.calls.ticket.mutate({ path: "ticketed", input: { topic } });
    const short = await ann.calls.ticket.mutate({ path: "ticketed", input: { topic }, expiresIn: 0.2 });
    const overHttp = await clientOf(
      trpc.httpLink({ url: http(), headers: { authorization: `Bearer ${pass("ann")}` } }),
    ).ticket.mutate({ path: "ticketed", input: { topic } });
    const own = await ann.calls.own_ticket.mutate({ topic });
    const good = follow(ann.calls.ticketed, { topic, ticket });
    const twice = follow(ann.calls.ticketed, { topic, ticket });
    report("good", {
      data: [await data(good, 1), await data(twice, 1)],
      http: await data(follow(ann.calls.ticketed, { topic, ticket: overHttp.ticket }), 1),
      own: await data(follow(ann.calls.ticketed, { topic, ticket: own }), 1),
      life: Math.round((expiresAt - Date.now()) / 10_000),
    });
    await pause(300);
    const signature = `${ticket.slice(0, -4)}${ticket.endsWith("AAAA") ? "BBBB" : "AAAA"}`;
    report("refused", {
      missing: await refusal(follow(ann.calls.ticketed, { topic })),
      garbage: await refusal(follow(ann.calls.ticketed, { topic, ticket: "garbage" })),
      number: await refusal(follow(ann.calls.ticketed, { topic, ticket: 1 })),
      changed: await refusal(follow(ann.calls.ticketed, { topic, ticket: signature })),
      user: await refusal(follow(bob.calls.ticketed, { topic, ticket })),
      nobody: await refusal(follow(nobody.calls.ticketed, { topic, ticket })),
      path: await refusal(follow(ann.calls.other_ticketed, { topic, ticket })),
      input: await refusal(follow(ann.calls.ticketed, { topic: `${topic}!`, ticket })),
      expired: await refusal(follow(ann.calls.ticketed, { topic, ticket: short.ticket })),
      token: await refusal(follow(ann.calls.ticketed, { topic, ticket: pass("ann") })),
    });
    report("not issued", {
      nobody: keyOf(await outcome(nobody.calls.ticket.mutate({ path: "ticketed", input: { topic } }))),
      ownNobody: keyOf(await outcome(nobody.calls.own_ticket.mutate({ topic }))),
      unknown: keyOf(await outcome(ann.calls.ticket.mutate({ path: "nowhere" }))),
      needless: keyOf(await outcome(ann.calls.ticket.mutate({ path: "feed", input: { topic } }))),
      long: keyOf(await outcome(ann.calls.ticket.mutate({ path: "ticketed", input: { topic }, expiresIn: 1e9 }))),
      negative: keyOf(await outcome(ann.calls.ticket.mutate({ path: "ticketed", input: { topic }, expiresIn: -1 }))),
      malformed: keyOf(await outcome(ann.calls.ticket.mutate({ input: {} }))),
      query: keyOf(await outcome(ann.calls.ticket.query({ path: "ticketed" }))),
      noChallenge: keyOf(await outcome(ann.calls.prove.mutate({ nonce: "x", ticket }))),
    });
    (await seenOf(ann.seen, "new")).socket.terminate();
    await seenOf(ann.seen, "open", 2);
    await say(topic, "y");
    report("lost", { data: (await data(good, 3)).slice(1), errors: events(good).filter((event) => event === "error") });
    const stream = clientOf(trpc.httpSubscriptionLink({ url: http(), EventSource, connectionParams: { token: pass("ann") } }));
    report("events", {
      good: await data(follow(stream.ticketed, { topic, ticket }), 2),
      bad: await refusal(follow(stream.ticketed, { topic, ticket: "garbage" })),
    });
  },
  async () => {
    // Who answers goes on.
    const topic = key("answering");
    const ann = connectedAs("ann", "/challenge");
    const record = follow(ann.calls.protected, { topic });
    const asked = [];
    const answers = [];
    const challenges = follow(ann.calls.challenges, undefined, {
      onData: (challenge) => {
        asked.push(challenge);
        answers.push(outcome(ann.calls.authenticate.mutate({ token: pass("ann"), nonce: challenge.nonce })));
      },
    });
    await toldOf(record, "started");
    await happened(`pass ann`);
    while (asked.length < 3) await pause(20);
    await say(topic, "x");
    report("answered", {
      data: await data(record, 1),
      shape: Object.keys(asked[0]).sort(),
      subscription: asked[0].subscription,
      nonces: new Set(asked.map(({ nonce }) => nonce)).size,
      soon: asked.every(({ expiresAt }) => expiresAt - Date.now() < 1_200),
      answers: (await Promise.all(answers)).map((answer) => keyOf(answer)),
      sockets: counted(ann.seen, "new"),
      twice: keyOf(await outcome(ann.calls.authenticate.mutate({ token: pass("ann"), nonce: asked[0].nonce }))),
      wrong: keyOf(await outcome(ann.calls.authenticate.mutate({ token: pass("ann"), nonce: "wrong" }))),
    });
    challenges.stop();
    ann.client.close();
  },
  async () => {
    // Who does not is sent away, whether it listens or not.
    for (const listens of [true, false]) {
      const topic = key("unanswering");
      const bob = connectedAs("bob", "/challenge", { retryDelayMs: () => 10_000 });
      const record = follow(bob.calls.protected, { topic });
      await toldOf(record, "started");
      const challenges = listens ? follow(bob.calls.challenges) : null;
      const { code } = await seenOf(bob.seen, "close");
      await listeners(topic, 0);
      await say(topic, "x");
      report(`unanswered ${listens}`, {
        code,
        errors: messages(bob.seen).filter(({ id, error }) => id === null && error).map(({ error }) => error.data.code),
        asked: challenges && dataSoFar(challenges).length,
        data: dataSoFar(record),
      });
      bob.client.close();
    }
  },
  async () => {
    // A wrong answer, and the answer of somebody else's token, are none.
    const carl = connectedAs("carl", "/challenge", { retryDelayMs: () => 10_000 });
    const challenges = follow(carl.calls.challenges);
    const [{ nonce }] = await data(challenges, 1);
    const bad = await outcome(carl.calls.authenticate.mutate({ token: pass("void"), nonce }));
    report("bad answer", { answer: keyOf(bad), afterwards: (await carl.calls.whoami.query()).isAnonymous });
    carl.client.close();
  },
  async () => {
    // Nobody in particular is asked nothing.
    const nobody = socketClient("/challenge");
    const challenges = follow(nobody.calls.challenges);
    await toldOf(challenges, "started");
    await pause(1_800);
    report("nobody", { asked: dataSoFar(challenges).length, sockets: counted(nobody.seen, "new"), answer: await outcome(nobody.calls.echo.query(1)) });
    nobody.client.close();
  },
  async () => {
    // A subscription by ticket has to be proven by a fresh one; otherwise it ends, and it alone.
    const [proven, lapsed] = [key("proven"), key("lapsed")];
    const dora = connectedAs("dora", "/challenge");
    const asked = [];
    const proofs = [];
    follow(dora.calls.challenges, undefined, {
      onData: async ({ nonce, subscription }) => {
        asked.push(subscription);
        if (subscription === null) {
          await dora.calls.authenticate.mutate({ token: pass("dora"), nonce });
        } else if (subscription.input.topic === proven) {
          const { ticket } = await dora.calls.ticket.mutate({ path: subscription.path, input: subscription.input });
          const wrong = proofs.length ? null : await outcome(dora.calls.prove.mutate({ nonce, ticket: "wrong" }));
          proofs.push([keyOf(wrong ?? {}), keyOf(await outcome(dora.calls.prove.mutate({ nonce, ticket })))]);
        }
      },
    });
    const records = [];
    for (const topic of [proven, lapsed]) {
      const { ticket } = await dora.calls.ticket.mutate({ path: "ticketed", input: { topic } });
      records.push(follow(dora.calls.ticketed, { topic, ticket }));
    }
    const { error } = await toldOf(records[1], "error");
    while (proofs.length < 2) await pause(20);
    await say(proven, "x");
    await say(lapsed, "x");
    report("proof", {
      error: error.data,
      data: [await data(records[0], 1), dataSoFar(records[1])],
      paths: [...new Set(asked.map((each) => each?.path ?? null))].sort(),
      proofs: proofs.slice(0, 2),
      sockets: counted(dora.seen, "new"),
    });
    dora.client.close();
  },
]);

finish();
