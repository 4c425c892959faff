/** The modes `strict`, with both kinds of refusals, and `public`, and first messages that come too late. */

import { ask, client, finish, follow, FOLLOW, given, report, settled, SOCKET, write } from "./harness.mjs";

const outcome = async (options) => (await follow(client({ retryAttempts: 0, ...options }), FOLLOW).outcome).error;

const modes = {
  async strict() {
    report("without", await outcome({ connectionParams: undefined }));
    report("bad", await outcome({ url: `${SOCKET}?access_token=nope` }));
    const own = client({ url: async () => `${SOCKET}?access_token=${given.editor.token}`, connectionParams: undefined });
    const record = follow(own, FOLLOW);
    await settled(own);
    await write("Strict");
    await record.title("Strict");
    report("good", record.titles());
  },
  async stale() {
    report("static", await outcome({ url: `${SOCKET}?access_token=nope`, connectionParams: undefined, retryAttempts: 2 }));
    const tokens = ["nope", given.editor.token];
    const closes = [];
    const url = async () => `${SOCKET}?access_token=${tokens.shift()}`;
    const own = client({ url, connectionParams: undefined, on: { closed: ({ code, reason }) => closes.push({ code, reason }) } });
    report("fresh", { asked: (await ask(own, "{ __typename }")).results, closes });
  },
  async public() {
    const own = client({ connectionParams: undefined });
    const record = follow(own, FOLLOW);
    await settled(own);
    await write("Draft", "draft");
    await write("Public");
    await record.title("Public");
    report("public", record.titles());
    report("hidden", await ask(own, "{ articles { body } }"));
    const known = client();
    report("known", (await ask(known, "{ articles { body } }")).error ?? null);
  },
  async late() {
    const slow = async (wait, payload) => (await new Promise((resolve) => setTimeout(resolve, wait)), payload);
    const { payload, url } = { payload: { access_token: given.editor.token }, url: `${SOCKET}${given.query ?? ""}` };
    report("late", await outcome({ url, connectionParams: () => slow(1_000, payload) }));
    const waits = [1_000, 0];
    const closes = [];
    const own = client({ url, connectionParams: () => slow(waits.shift(), payload), on: { closed: ({ code }) => closes.push(code) } });
    report("second try", { asked: (await ask(own, "{ __typename }")).results, closes });
  },
};

await modes[given.mode]();
finish();
