/** What the scripts have in common: clients of `socketcluster-client`, made quick to come back, and what they tell. */

import { create as createClient } from "socketcluster-client";
import { given, Record, within } from "../harness.mjs";

export { finish, given, PATIENCE, Record, report, told, within } from "../harness.mjs";

const EVENTS = [
  "connect", "connectAbort", "disconnect", "authStateChange", "authenticate", "deauthenticate", "removeAuthToken",
  "subscribe", "subscribeFail", "unsubscribe", "subscribeStateChange", "kickOut", "error",
];

/** Where a client keeps its token, for all to see. */
export class Pocket {
  constructor(token = null) {
    this.token = token;
    this.seen = new Record();
    if (token !== null) this.seen.add(token);
  }

  async saveToken(name, token) {
    this.token = token;
    this.seen.add(token);
    return token;
  }

  async loadToken() {
    return this.token;
  }

  async removeToken() {
    const token = this.token;
    this.token = null;
    return token;
  }
}

const everybody = [];

/** A client of one endpoint. `events` records what its streams tell, in order. */
export function client(path = "/socketcluster/", { token = null, ...options } = {}) {
  const pocket = new Pocket(token);
  const socket = createClient({
    hostname: "127.0.0.1",
    port: Number(new URL(given.url).port),
    path,
    authEngine: pocket,
    autoReconnectOptions: { initialDelay: 50, randomness: 10, multiplier: 1, maxDelay: 100 },
    ...options,
  });
  const events = new Record();
  for (const name of EVENTS) {
    (async () => {
      for await (const value of socket.listener(name)) events.add({ name, ...plain(value) });
    })();
  }
  everybody.push(socket);
  return Object.assign(socket, { pocket, events });
}

/** A client that has completed its handshake; `first` is what it was told then. */
export async function connected(path, options) {
  const socket = client(path, options);
  socket.first = await event(socket, "connect");
  return socket;
}

/** The `count`th event of a name that a client has told. */
export const event = (socket, name, count = 1, test = () => true) =>
  socket.events.until(
    ({ frames }) => frames.filter((each) => each.name === name && test(each))[count - 1],
    `the event ${name}`,
  );

/** The names of the events of a client, in order; without those that a script is not about. */
export const names = (socket, ...wanted) =>
  socket.events.frames.map(({ name }) => name).filter((name) => !wanted.length || wanted.includes(name));

/** Read a stream to a list. */
export function listed(stream) {
  const record = new Record();
  (async () => {
    for await (const value of stream) record.add(value);
    record.end();
  })();
  return record;
}

/** The `count` first values of a record. */
export const first = (record, count, what) =>
  record.until(({ frames }) => frames.length >= count && frames.slice(0, count), what);

/** What a promise ends in: `{ value }` or `{ error }`. */
export async function outcome(promise) {
  try {
    return { value: (await within(promise, "an answer")) ?? null };
  } catch (error) {
    return { error: shown(error) };
  }
}

/** An error as a list of what it says; a stack is of no interest. */
export function shown(error) {
  if (!(error instanceof Error)) return error;
  const { stack, ...rest } = error;
  return { ...rest, name: error.name, message: error.message };
}

/** A subscription that stands, as a list of what it is told. */
export async function hearing(socket, channel, options) {
  const subscribed = socket.subscribe(channel, options);
  const record = listed(subscribed);
  await within(subscribed.listener("subscribe").once(), `the subscription to ${channel}`);
  return record;
}

/** Call a procedure over HTTP. */
export async function post(path, body, token) {
  const headers = { "Content-Type": "application/json", ...(token && { Authorization: `Bearer ${token}` }) };
  const answer = await fetch(`${given.url}${path}`, { method: "POST", headers, body: JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

function plain(value) {
  const told = {};
  for (const [key, each] of Object.entries(value ?? {})) told[key] = each instanceof Error ? shown(each) : each;
  return told;
}
