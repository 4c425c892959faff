/** What the scripts of the GraphQL clients have in common. */

import { WebSocket } from "ws";

import { given, Record } from "../harness.mjs";

export { finish, given, Record, report, told, within } from "../harness.mjs";
export { WebSocket };

export const SOCKET = given.url.replace("http", "ws") + "/graphql";
export const FOLLOW = "subscription { articles_mutated { key event data { id title } } }";

const { createClient } = await import(given.client ?? "graphql-ws");

/** Make a client of `graphql-ws` that waits little between its tries. */
export const client = (options = {}) =>
  createClient({
    url: SOCKET,
    webSocketImpl: WebSocket,
    retryWait: () => new Promise((resolve) => setTimeout(resolve, 50)),
    connectionParams: { access_token: given.editor.token },
    ...options,
  });

/** Subscribe and record what comes: results in `frames`, the error or the end in `outcome`. */
export function follow(own, payload) {
  const record = new Record();
  record.outcome = new Promise((resolve) => {
    record.stop = own.subscribe(typeof payload === "string" ? { query: payload } : payload, {
      next: (result) => record.add(result),
      error: (error) => resolve({ error: plain(error) }),
      complete: () => resolve({ completed: true }),
    });
  });
  record.titles = () => record.frames.map((frame) => Object.values(frame.data)[0].data?.title).filter(Boolean);
  record.title = (title) => record.until(() => record.titles().includes(title), title);
  return record;
}

/** Run a query or a mutation to its end. */
export const ask = async (own, payload) => {
  const record = follow(own, payload);
  const outcome = await record.outcome;
  return { results: record.frames, ...outcome };
};

/** What an error says, whatever it is made of. */
export const plain = (error) => {
  if (Array.isArray(error)) return error.map((each) => ({ message: each.message, ...each.extensions }));
  return error?.code !== undefined && error?.reason !== undefined
    ? { code: error.code, reason: error.reason }
    : { message: error?.message ?? String(error) };
};

/** Send a request to the REST API. */
export async function rest(method, path, body, token = given.editor.token) {
  const headers = { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}) };
  const response = await fetch(given.url + path, { method, headers, body: body && JSON.stringify(body) });
  return response.status === 204 ? null : (await response.json()).data;
}

export const write = (title, status = "published") => rest("POST", "/items/articles", { title, status });

export const login = async (person) => rest("POST", "/auth/login", { email: person.email, password: person.password }, null);

/** Wait until the subscriptions of a client have reached the server: messages are taken in their order. */
export const settled = (own) => ask(own, "{ __typename }");
