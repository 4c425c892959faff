/** `graphql-sse`: queries, mutations and subscriptions as server-sent events, one request each. */

import { createClient } from "graphql-sse";

import { finish, follow, FOLLOW, given, login, report, write } from "./harness.mjs";

const client = (token = given.editor.token) =>
  createClient({ url: `${given.url}/graphql`, headers: { Authorization: `Bearer ${token}` }, retryAttempts: 0 });
const ask = async (own, query) => {
  const record = follow(own, query);
  return { ...(await record.outcome), results: record.frames };
};

const own = client();
report("query", await ask(own, "{ __typename }"));
report("mutation", await ask(own, 'mutation { create_articles_item(data: {title: "SSE"}) { title } }'));
report("wrong", (await ask(own, "{ nope }")).results[0].errors[0].message);
const record = follow(own, FOLLOW);
for (let count = 0; record.frames.length === 0; count++) {
  await write(`Event ${count}`);
  await new Promise((resolve) => setTimeout(resolve, 30));
}
await write("Last");
await record.title("Last");
report("titles", record.titles());
record.stop();
report("stopped", await record.outcome);

const tokens = await login(given.editor);
const ending = follow(client(tokens.access_token), FOLLOW);
report("expired", { ...(await ending.outcome), told: ending.frames.length });
report("bad", (await ask(client("nope"), "{ __typename }")).error !== undefined);
finish();
