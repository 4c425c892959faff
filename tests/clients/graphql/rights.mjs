/** Rights that change while clients follow: the unmodified client comes again by itself and goes on under the new ones. */

import { createClient as createEvents } from "graphql-sse";
import { SubscriptionClient } from "subscriptions-transport-ws";

import { client, finish, follow, given, report, rest, SOCKET, told, WebSocket, write } from "./harness.mjs";

const SHOWN = "subscription($since: String) { articles_mutated(since: $since, event: create) { data { title } } }";
const HIDDEN = "subscription { articles_mutated(event: create) { data { title slug } } }";
const soon = () => new Promise((resolve) => setTimeout(resolve, 50));

/** A sink that takes a result with nothing but errors for an error: not all protocols have messages for these. */
const strict = (sink) => ({ ...sink, next: (result) => (result.data ? sink.next(result) : sink.error(result.errors)) });

/** A client of the older subprotocol that looks like the others. */
function legacy(connectionParams, count) {
  const own = new SubscriptionClient(SOCKET, { reconnect: true, connectionParams }, WebSocket);
  own.onDisconnected(() => count());
  return {
    subscribe: (payload, sink) => {
      const subscription = own.request(payload).subscribe(strict(sink));
      return () => subscription.unsubscribe();
    },
  };
}

const kinds = {
  sockets: (params, count) => client({ connectionParams: params, on: { closed: ({ code, reason }) => count({ code, reason }) } }),
  legacy,
  events: (params, count) => {
    const headers = async () => ({ Authorization: `Bearer ${(await params()).access_token}` });
    const own = createEvents({ url: `${given.url}/graphql`, headers, retry: async () => (count(), soon()) });
    return { subscribe: (payload, sink) => own.subscribe(payload, strict(sink)) };
  },
};

/** Somebody who follows, and how often they were closed and asked for their token. */
function person({ token }) {
  const state = { closes: [], asked: 0 };
  const params = async () => (state.asked++, { access_token: token });
  state.own = kinds[given.kind](params, (close = null) => state.closes.push(close));
  return state;
}

const admin = (method, path, body) => rest(method, path, body, given.admin.token);

/** Write until a record has an event: from then on it follows. */
async function begun(record) {
  for (let count = 0; record.frames.length === 0; count++) {
    await write(`Begin ${count}`);
    await soon();
  }
}

const [policy] = await admin("GET", "/policies?filter[name][_eq]=Reading");
const [rule] = await admin("GET", `/permissions?filter[policy][_eq]=${policy.id}&filter[collection][_eq]=articles`);
const withoutSlug = rule.fields.filter((name) => name !== "slug");
const restored = () => admin("PATCH", `/permissions/${rule.id}`, { fields: rule.fields });
const variables = {};

/** The rights change between two events that both may be seen. */
async function apart() {
  const reader = person(given.reader);
  const editor = person(given.editor);
  const shown = follow(reader.own, { query: SHOWN, variables });
  const hidden = follow(reader.own, HIDDEN);
  const others = follow(editor.own, HIDDEN);
  for (const record of [shown, hidden, others]) await begun(record);

  await admin("PATCH", `/policies/${policy.id}`, { description: "of those who read" });
  await write("Unrelated");
  await Promise.all([shown, hidden, others].map((record) => record.title("Unrelated")));
  report("unrelated", reader.closes.length + editor.closes.length);

  variables.since = shown.frames.at(-1).extensions.position;
  await admin("PATCH", `/permissions/${rule.id}`, { fields: withoutSlug });
  await rest("POST", "/items/articles", { title: "Between", slug: `secret-${given.kind}`, status: "published" });
  await shown.title("Between");
  const outcome = await hidden.outcome;
  await write("After");
  await shown.title("After");
  await others.title("After");
  report("hidden", { error: JSON.stringify(outcome.error), seen: hidden.titles().includes("Between") });
  report("shown", shown.titles().slice(shown.titles().indexOf("Unrelated")));
  report("others", { titles: others.titles().slice(-2), closes: editor.closes.length });
  report("reader", { closes: reader.closes, asked: reader.asked });
}

/** An event and the change of rights come in one transaction of another program. */
async function together() {
  const reader = person(given.reader);
  const record = follow(reader.own, { query: SHOWN, variables });
  await begun(record);
  variables.since = record.frames.at(-1).extensions.position;
  report("rule", rule.id);
  await told();
  await record.title("Together");
  variables.since = record.frames.at(-1).extensions.position;
  await write("After");
  await record.title("After");
  report("titles", record.titles().slice(-2));
}

try {
  await (given.together ? together() : apart());
} finally {
  await restored();
}
finish();
