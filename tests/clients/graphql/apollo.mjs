/** Apollo Client: queries and mutations over HTTP, persisted ones too, and subscriptions over `graphql-ws`. */

import { ApolloClient, ApolloLink, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createHash } from "node:crypto";

import { client, finish, given, Record, report, settled, write } from "./harness.mjs";

const requests = [];
const counting = async (url, options) => {
  requests.push(JSON.parse(options.body));
  return fetch(url, options);
};
const http = new HttpLink({
  uri: `${given.url}/graphql`,
  fetch: counting,
  headers: { Authorization: `Bearer ${given.editor.token}` },
});
const persisted = new PersistedQueryLink({ sha256: (text) => createHash("sha256").update(text).digest("hex") });
const own = client();
const link = ApolloLink.split(
  ({ operationType, query }) =>
    operationType === "subscription" || query.definitions.some((each) => each.operation === "subscription"),
  new GraphQLWsLink(own),
  persisted.concat(http),
);
const apollo = new ApolloClient({ link, cache: new InMemoryCache() });

const record = new Record();
apollo.subscribe({ query: gql`subscription { articles_mutated { event data { id title } } }` }).subscribe({
  next: (result) => record.add(result.data.articles_mutated.data.title),
});
await settled(own);
await write("By REST");
await record.until(() => record.frames.includes("By REST"), "the event");
const made = await apollo.mutate({ mutation: gql`mutation { create_articles_item(data: { title: "By Apollo" }) { id title } }` });
await record.until(() => record.frames.includes("By Apollo"), "the second event");
report("made", made.data.create_articles_item.title);
report("events", record.frames);

const query = gql`query Titles($n: Int) { articles(limit: $n, sort: ["id"]) { id title } }`;
const ask = (n) => apollo.query({ query, variables: { n }, fetchPolicy: "network-only" });
const first = await ask(1);
requests.length = 0;
const second = await ask(2);
report("titles", [first.data.articles.length, second.data.articles.length]);
report("persisted", { requests: requests.length, sendsText: "query" in requests[0] });

const failed = await apollo
  .query({ query: gql`query { articles_by_id(id: 123456) { id } }` })
  .then(() => null, (error) => error.errors?.[0]?.extensions?.code ?? error.message);
report("failed", failed);
apollo.stop();
await own.dispose();
finish();
