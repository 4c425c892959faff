/** What the scripts have in common: clients of `@trpc/client` of either version, sockets as they are, and what they tell. */

import { createRequire } from "node:module";
import { EventSource } from "eventsource";
import WebSocket from "ws";
import { given, Record, within } from "../harness.mjs";

export { EventSource, WebSocket };
export { finish, given, PATIENCE, Record, report, told, within } from "../harness.mjs";

const OLDEST = "./oldest/node_modules/@trpc/client/dist/index.mjs";
export const isOldest = given.version === "oldest";
export const trpc = isOldest ? await import(OLDEST) : await import("@trpc/client");

if (isOldest) globalThis.EventSource = EventSource; // as in a browser, which it takes for granted

/** Whether the client is the one that is meant. */
export const version = createRequire(import.meta.url)(
  isOldest ? "./oldest/node_modules/@trpc/client/package.json" : "@trpc/client/package.json",
).version;

export const http = (mount = "/trpc") => `${given.url}${mount}`;
export const ws = (mount = "/trpc") => `${given.url.replace("http", "ws")}${mount}`;

/** A pass that is good for so many seconds; without them for ever. */
export const pass = (name, seconds, role = "") =>
  `pass:${name}:${seconds === undefined ? "" : Date.now() / 1000 + seconds}:${role}`;

let lastKey = 0;
/** A name that nothing else has. */
export const key = (name) => `${name} ${given.version} ${process.pid} ${(lastKey += 1)}`;

/** A client over one terminating link, or links. */
export const clientOf = (...links) => trpc.createTRPCClient({ links });

/** What the scripts themselves ask of the application. */
export const desk = clientOf(trpc.httpLink({ url: http() }));
export const happened = (name, times = 1) => within(desk.happened.query({ key: name, times }), name);
export const listeners = (topic, times = 1) => within(desk.listeners.query({ topic, times }), `${times} at ${topic}`);
export const say = (topic, value) => desk.say.mutate({ topic, value });
export const letGo = (name) => desk.let.mutate({ key: `let ${name}` });

/** A class of sockets that send headers with their upgrade, and record what comes and goes. */
export function socketsWith(headers = {}) {
  const seen = new Record();
  class Watched extends WebSocket {
    constructor(url, protocols) {
      super(url, protocols, { headers });
      seen.add({ event: "new", url: String(url), socket: this });
      this.on("open", () => seen.add({ event: "open", socket: this }));
      this.on("message", (data) => seen.add({ event: "in", text: String(data), socket: this }));
      this.on("close", (code) => seen.add({ event: "close", code, socket: this }));
      this.on("error", ({ message }) => {
        const status = /server response: (\d+)/.exec(message);
        if (status) seen.add({ event: "status", status: Number(status[1]) });
      });
    }

    toJSON() {
      return "socket";
    }

    send(data, ...rest) {
      seen.add({ event: "out", text: String(data), socket: this });
      super.send(data, ...rest);
    }
  }
  return Object.assign(Watched, { seen });
}

const opened = [];

/** A client over one socket. `seen` records everything on it; `options` are those of `createWSClient`. */
export function socketClient(mount = "/trpc", { headers, ...options } = {}) {
  const Socket = socketsWith(headers);
  const client = trpc.createWSClient({ url: ws(mount), WebSocket: Socket, retryDelayMs: () => 20, ...options });
  opened.push(client);
  const calls = clientOf(trpc.wsLink({ client }));
  return { client, calls, seen: Socket.seen };
}

/** Whatever of an event has come so often. */
export const seenOf = (seen, event, count = 1, test = () => true) =>
  seen.until(
    ({ frames }) => frames.filter((each) => each.event === event && test(each))[count - 1],
    `${event} for the ${count}. time`,
  );

export const counted = (seen, event) => seen.frames.filter((each) => each.event === event).length;

/** The messages that have come, decoded. */
export const messages = (seen) =>
  seen.frames.filter(({ event, text }) => event === "in" && text !== "PING" && text !== "PONG").map(({ text }) => JSON.parse(text));

/** What a promise ends in: `{ value }`, `{ nothing }` or `{ error }`. */
export async function outcome(promise) {
  try {
    const value = await within(promise, "an answer");
    return value === undefined ? { nothing: true } : { value };
  } catch (error) {
    return { error: shown(error) };
  }
}

/** An error as clients see it. */
export function shown(error) {
  if (error?.name !== "TRPCClientError") return { name: error?.name, message: error?.message };
  return { message: error.message, code: error.shape?.code ?? null, data: error.data ?? null };
}

export const keyOf = (outcome) => outcome.error?.data?.code ?? outcome.error?.message ?? null;

/** Begin a subscription, and record what it tells. */
export function follow(procedure, input, options = {}) {
  const record = new Record();
  const subscription = procedure.subscribe(input, {
    onStarted: () => record.add({ event: "started" }),
    onData: (data) => record.add({ event: "data", data }),
    onError: (error) => record.add({ event: "error", error: shown(error) }),
    onComplete: () => record.add({ event: "complete" }),
    onStopped: () => record.add({ event: "stopped" }),
    onConnectionStateChange: ({ state, error }) =>
      record.add({ event: "state", state, error: error ? shown(error) : null }),
    ...options,
  });
  return Object.assign(record, { stop: () => subscription.unsubscribe() });
}

/** The `count`th event of a kind. */
export const toldOf = (record, event, count = 1) =>
  record.until(
    ({ frames }) => frames.filter((each) => each.event === event)[count - 1],
    `${event} for the ${count}. time`,
  );

/** The data that a subscription has told, once there are so many. */
export const data = async (record, count) => {
  await toldOf(record, "data", count);
  return dataSoFar(record);
};
export const dataSoFar = (record) => record.frames.filter(({ event }) => event === "data").map(({ data }) => data);
export const events = (record) => record.frames.map(({ event }) => event).filter((event) => event !== "state");

/** Ask for something over HTTP, as it is. */
export async function ask(path, options = {}) {
  const answer = await fetch(`${given.url}${path}`, options);
  const text = await answer.text();
  let body = text;
  try {
    body = JSON.parse(text);
  } catch {
    // it is no JSON
  }
  return { status: answer.status, body, headers: Object.fromEntries(answer.headers) };
}

/** Post JSON. */
export const post = (path, body, headers = {}) =>
  ask(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });

export const rest = (method, path, body, token = given.admin.token) =>
  ask(path, {
    method,
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
    body: body && JSON.stringify(body),
  });

export const login = async (person) => {
  const { body } = await post("/auth/login", { email: person.email, password: person.password });
  return { token: body.data.access_token, refresh: body.data.refresh_token };
};

/** Hire somebody like the reader of the newsroom. */
export async function hire(name) {
  const model = await rest("GET", `/users/${given.reader.id}?fields=role`);
  const address = `${name}-${given.version}-${process.pid}-${(lastKey += 1)}@example.com`;
  const person = { email: address, password: `${name}-pass-1`, role: model.body.data.role };
  const { body } = await rest("POST", "/users", person);
  return { ...person, id: body.data.id };
}

/** Run several scenes at the same time. */
export const scenes = (all) => Promise.all(all.map((scene) => scene()));

/** Let other things happen for a while. */
export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
