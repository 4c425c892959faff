/**
 * What the scripts have in common: the client that they are told to use, a follower of its subscriptions, a cookie jar,
 * and words with the test that runs them.
 *
 *   node script.mjs '{"sdk": "26", "url": "…", "editor": {…}, "reader": {…}, "admin": {…}}'
 */

import { createInterface } from "node:readline";
import WebSocket from "ws";

export const given = JSON.parse(process.argv[2]);
export const sdk = await import(`directus-sdk-${given.sdk ?? "26"}`);
export const PATIENCE = 60_000;

const impatient = (url, options) => fetch(url, { ...options, signal: AbortSignal.timeout(PATIENCE) });

const globals = { fetch: impatient, WebSocket };
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Tell the test what has come about. */
export const report = (step, value) => process.stdout.write(`${JSON.stringify({ step, value })}\n`);

/** Wait until the test says a word. */
export const told = async () => JSON.parse((await within(lines.next(), "a word of the test")).value);

/** End, whatever timers and sockets the clients have left. */
export const finish = () => process.stdout.write("", () => process.exit(0));

/** A client of the SDK; `more` are globals that it is given instead of ours. */
export const client = (more = {}) => sdk.createDirectus(given.url, { globals: { ...globals, ...more } });

/** A client that writes and reads as somebody, over HTTP, with a static token. */
export const as = (person) => client().with(sdk.staticToken(person.token)).with(sdk.rest());

/** Await a promise, but not for ever. */
export async function within(promise, what, milliseconds = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The code and the HTTP status of the error that a promise ends in. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return { code: error.errors?.[0]?.extensions?.code ?? String(error), status: error.response?.status };
  }
  return null;
}

/** A list that can be waited on. */
export class Record {
  #waiting = new Set();
  frames = [];
  moments = [];
  ended = false;

  add(frame) {
    this.frames.push(frame);
    this.moments.push(performance.now());
    this.#look();
  }

  end() {
    this.ended = true;
    this.#look();
  }

  /** Wait until a test of the record holds, and return what it gives. */
  until(test, what) {
    return within(
      new Promise((resolve) => {
        const look = () => {
          const found = test(this);
          if (!found) return;
          this.#waiting.delete(look);
          resolve(found);
        };
        this.#waiting.add(look);
        look();
      }),
      `${what}; seen: ${JSON.stringify(this.frames)}`,
    );
  }

  #look() {
    for (const look of this.#waiting) look();
  }
}

/** A WebSocket whose frames and closes can be seen beside the SDK, which keeps some of them to itself. */
export function tapped(Base = WebSocket) {
  const taps = { frames: new Record(), closes: new Record() };
  class Tapped extends Base {
    constructor(...given) {
      super(...given);
      this.on("message", (data) => taps.frames.add(JSON.parse(data)));
      this.on("close", (code) => taps.closes.add(code));
    }
  }
  return { ...taps, Tapped };
}

/** A subscription of the SDK, read to its end by its generator. */
export class Follower extends Record {
  static async of(connected, collection, options = {}) {
    const { subscription, unsubscribe } = await connected.subscribe(collection, options);
    return new Follower(subscription, unsubscribe);
  }

  constructor(subscription, unsubscribe) {
    super();
    this.unsubscribe = unsubscribe;
    this.done = this.#read(subscription);
  }

  async #read(subscription) {
    try {
      for await (const frame of subscription) this.add(frame);
    } catch (error) {
      this.failure = error;
    }
    this.end();
  }

  /** The rows of all events of one kind, in order. */
  rows(event) {
    return this.frames.filter((frame) => frame.event === event).flatMap((frame) => frame.data ?? []);
  }

  init() {
    return this.until(() => this.frames.find((frame) => frame.event === "init"), "init");
  }

  /** Wait for a row with this title. */
  title(title) {
    const named = (frame) => [frame.data ?? []].flat().some((row) => row.title === title);
    return this.until(() => this.frames.find(named), `the row ${title}`);
  }
}

/** A fetch that keeps cookies as a browser does. */
export function cookieJar() {
  const cookies = new Map();
  const keep = (header) => {
    const [pair, ...attributes] = header.split("; ");
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    if (!value || attributes.includes("Max-Age=0")) cookies.delete(name);
    else cookies.set(name, value);
  };
  const fetchWithCookies = async (url, options = {}) => {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const headers = { ...options.headers, ...(cookie && { Cookie: cookie }) };
    const response = await impatient(url, { ...options, headers });
    response.headers.getSetCookie().forEach(keep);
    return response;
  };
  return { cookies, fetch: fetchWithCookies };
}
