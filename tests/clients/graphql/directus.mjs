/** `@directus/sdk` and its GraphQL. */

import { finish, given, report } from "../harness.mjs";

const { createDirectus, graphql, rest, readGraphqlSdl, staticToken } = await import(given.sdk);
const own = createDirectus(given.url).with(staticToken(given.editor.token)).with(graphql()).with(rest());

report("made", await own.query('mutation { create_articles_item(data: {title: "SDK"}) { title } }'));
report("read", await own.query("query($t: String) { articles(filter: {title: {_eq: $t}}) { title } }", { t: "SDK" }));
report("system", await own.query("{ server_ping }", {}, "system"));
report("failed", await own.query("{ nope }").then(() => null, (error) => error.errors?.[0]?.extensions?.code));
report("text", (await own.request(readGraphqlSdl("item"))).includes?.("type articles") ?? null);
finish();
