/** `graphql-ws` against the server: operations side by side, their ends, errors, signs of life, refusals. */

import { ask, client, finish, follow, FOLLOW, given, login, report, rest, settled, SOCKET, within, write } from "./harness.mjs";

async function sideBySide() {
  let sockets = 0;
  const own = client({ on: { connected: () => sockets++ } });
  const one = follow(own, FOLLOW);
  const other = follow(own, "subscription { authors_mutated { event data { first_name } } }");
  await settled(own);
  await write("First");
  await one.title("First");
  one.stop();
  await one.outcome;
  const again = follow(own, FOLLOW);
  await settled(own);
  await write("Second");
  await again.title("Second");
  report("side by side", { sockets, one: one.titles(), other: other.frames, again: again.titles() });
  const made = await ask(own, 'mutation { create_articles_item(data: {title: "Third"}) { title status } }');
  const read = await ask(own, {
    query: "query A($t: String) { articles(filter: {title: {_eq: $t}}) { title } } query B { __typename }",
    operationName: "A",
    variables: { t: "Third" },
  });
  report("asked", { made, read });
  await own.dispose();
}

async function errors() {
  const own = client();
  report("unknown field", await ask(own, "{ articles { nope } }"));
  report("syntax", await ask(own, "{"));
  report("forbidden", await ask(client({ connectionParams: { access_token: given.reader.token } }), "{ articles { body } }"));
  report("missing", await ask(own, "{ articles_by_id(id: 123456) { id } }"));
  await own.dispose();
}

async function signsOfLife() {
  let pongs = 0;
  let enough;
  const twice = new Promise((resolve) => (enough = resolve));
  const own = client({ lazy: false, keepAlive: 50, on: { pong: () => ++pongs === 2 && enough() } });
  await within(twice, "two pongs");
  report("pongs", true);
  await own.dispose();
}

async function refusals() {
  const outcome = async (options, query = FOLLOW) => (await follow(client({ retryAttempts: 0, ...options }), query).outcome).error;
  report("bad token", await outcome({ connectionParams: { access_token: "nope" } }));
  report("no token", await outcome({ connectionParams: undefined }));
  const same = client({ generateID: () => "same", retryAttempts: 0 });
  const first = follow(same, FOLLOW);
  await settledSame(first);
  report("same id", (await follow(same, FOLLOW).outcome).error);
  report("header", (await ask(client({ connectionParams: { headers: { Authorization: `Bearer ${given.editor.token}` } } }), "{ __typename }")).results);
  report("url", (await ask(client({ url: `${SOCKET}?access_token=${given.editor.token}`, connectionParams: undefined }), "{ __typename }")).results);
}

const settledSame = async (record) => {
  for (let count = 0; record.frames.length === 0; count++) await rest("POST", "/items/articles", { title: `Same ${count}` });
};

async function badTokenIsTriedAgain() {
  let sockets = 0;
  const own = client({ retryAttempts: 3, on: { opened: () => sockets++ }, connectionParams: () => ({ access_token: "nope" }) });
  const { error } = await follow(own, FOLLOW).outcome;
  report("tries", { sockets, error });
}

async function revoked() {
  const tokens = await login(given.editor);
  const own = client({ retryAttempts: 0, connectionParams: { access_token: tokens.access_token } });
  const record = follow(own, FOLLOW);
  await settled(own);
  await rest("POST", "/auth/logout", { refresh_token: tokens.refresh_token, mode: "json" }, null);
  report("revoked", (await record.outcome).error);
}

await sideBySide();
await errors();
await signsOfLife();
await refusals();
await badTokenIsTriedAgain();
await revoked();
finish();
