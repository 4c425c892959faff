/**
 * What the scripts have in common: the client that they are told to use, a follower of its subscriptions and a cookie
 * jar.
 *
 *   node script.mjs '{"sdk": "26", "url": "…", "editor": {…}, "reader": {…}, "admin": {…}}'
 */

import WebSocket from "ws";
import { given, PATIENCE, Record, within } from "../harness.mjs";

export { finish, given, PATIENCE, Record, report, told, within } from "../harness.mjs";
export const sdk = await import(`directus-sdk-${given.sdk ?? "26"}`);

const impatient = (url, options) => fetch(url, { ...options, signal: AbortSignal.timeout(PATIENCE) });

const globals = { fetch: impatient, WebSocket };

/** A client of the SDK; `more` are globals that it is given instead of ours. */
export const client = (more = {}) => sdk.createDirectus(given.url, { globals: { ...globals, ...more } });

/** A client that writes and reads as somebody, over HTTP, with a static token. */
export const as = (person) => client().with(sdk.staticToken(person.token)).with(sdk.rest());

/** The code and the HTTP status of the error that a promise ends in. */
export async function refusal(promise) {
  try {
    await promise;
  } catch (error) {
    return { code: error.errors?.[0]?.extensions?.code ?? String(error), status: error.response?.status };
  }
  return null;
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
