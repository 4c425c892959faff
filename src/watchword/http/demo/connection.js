/**
 * One authenticated connection to a Watchword server, in the words of the Directus WebSocket protocol.
 *
 * It signs in by the first frame, keeps the refresh token (in memory only) and uses it to authenticate again when the
 * access token expires and after every reconnect. Subscriptions outlive the socket: they are asked for anew.
 *
 * Events: `state` (detail: {state, reason?, retryAt?}), `frame` (detail: {direction, message}), `note` (detail: text).
 */

export const State = Object.freeze({
  IDLE: "idle", // nobody is signed in
  CONNECTING: "connecting",
  AUTHENTICATING: "authenticating",
  LIVE: "live",
  RENEWING: "renewing", // the access token has expired; the socket is still open
  WAITING: "waiting", // the socket has closed; there will be another attempt at `retryAt`
});

const FIRST_DELAY = 500;
const LONGEST_DELAY = 15_000;

/** An error frame of the server. `code` is from its catalogue, such as FORBIDDEN. */
export class Refusal extends Error {
  constructor({ code, message }) {
    super(message);
    this.name = "Refusal";
    this.code = code;
  }
}

export class Connection extends EventTarget {
  #url;
  #socket = null;
  #login = null; // e-mail and password, until they have been exchanged for a refresh token
  #refreshToken = null;
  #requests = new Map(); // uid -> {resolve, reject} of what was asked and not yet answered
  #subscriptions = new Map(); // uid -> {message, follow}
  #hasSubscribed = false; // on the present socket
  #lastUid = 0;
  #failures = 0;
  #timer = 0;

  constructor(url) {
    super();
    this.#url = url;
    addEventListener("online", () => this.retry());
  }

  /** Connect as somebody. */
  signIn(email, password) {
    this.#login = { email, password };
    this.#refreshToken = null;
    this.#failures = 0;
    this.#open();
  }

  /** Forget who it was, and close. */
  signOut(reason) {
    clearTimeout(this.#timer);
    this.#login = this.#refreshToken = null;
    this.#subscriptions.clear();
    this.#socket?.close(1000);
    this.#tell(State.IDLE, { reason });
  }

  /** Do not wait any longer for the next attempt to connect. */
  retry() {
    if (!this.#socket && (this.#login || this.#refreshToken)) this.#open();
  }

  /** Create, read, update or delete items; resolves with the data of the answer, rejects with a Refusal. */
  items(action, collection, members) {
    const uid = `${action}-${++this.#lastUid}`;
    return new Promise((resolve, reject) => {
      this.#requests.set(uid, { resolve, reject });
      if (!this.#send({ type: "items", action, collection, ...members, uid })) {
        this.#requests.delete(uid);
        reject(new Refusal({ code: "NOT_CONNECTED", message: "There is no connection." }));
      }
    });
  }

  /**
   * Follow a collection from the next sign-in on. `follow` gets each event: its kind (`init` first, then `create`,
   * `update`, `delete`), its data, and an error when the server ended the subscription (`unsubscribe`).
   */
  subscribe(uid, collection, query, follow) {
    this.#subscriptions.set(uid, { message: { type: "subscribe", collection, query, uid }, follow });
  }

  #open() {
    clearTimeout(this.#timer);
    this.#tell(State.CONNECTING);
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    this.#hasSubscribed = false;
    socket.addEventListener("open", () => {
      this.#note("Socket open");
      this.#authenticate(State.AUTHENTICATING);
    });
    socket.addEventListener("message", ({ data }) => this.#receive(JSON.parse(data)));
    socket.addEventListener("close", ({ code, reason }) => this.#closed(socket, code, reason));
  }

  #authenticate(state) {
    this.#tell(state);
    const credential = this.#refreshToken ? { refresh_token: this.#refreshToken } : this.#login;
    this.#send({ type: "auth", ...credential });
  }

  #send(message) {
    if (this.#socket?.readyState !== WebSocket.OPEN) return false;
    this.#socket.send(JSON.stringify(message));
    this.#emit("frame", { direction: "out", message });
    return true;
  }

  #receive(message) {
    this.#emit("frame", { direction: "in", message });
    switch (message.type) {
      case "auth":
        return message.status === "ok" ? this.#authenticated(message) : this.#unauthenticated(message.error);
      case "ping":
        return this.#send({ type: "pong" });
      case "items":
        return this.#answered(message);
      case "subscription":
        return this.#subscriptions.get(message.uid)?.follow(message.event, message.data, message.error);
      case "subscribe": // the server refuses to let us follow, which ends what there was
        return this.#subscriptions.get(message.uid)?.follow("unsubscribe", undefined, message.error);
    }
  }

  #authenticated({ refresh_token }) {
    this.#login = null;
    this.#refreshToken = refresh_token ?? this.#refreshToken;
    this.#failures = 0;
    this.#tell(State.LIVE);
    if (this.#hasSubscribed) return; // subscriptions outlive an expired token
    this.#hasSubscribed = true;
    for (const { message } of this.#subscriptions.values()) this.#send(message);
  }

  #unauthenticated({ code, message }) {
    if (code === "TOKEN_EXPIRED") return this.#authenticate(State.RENEWING);
    if (code === "AUTH_TIMEOUT") return; // the server closes the socket, and the next one authenticates
    this.signOut(message);
  }

  #answered({ uid, data, error }) {
    const request = this.#requests.get(uid);
    this.#requests.delete(uid);
    if (error) request?.reject(new Refusal(error));
    else request?.resolve(data);
  }

  #closed(socket, code, reason) {
    this.#note(["Socket closed", code, reason].filter(Boolean).join(" "));
    if (socket !== this.#socket) return;
    this.#socket = null;
    for (const { reject } of this.#requests.values()) {
      reject(new Refusal({ code: "NOT_CONNECTED", message: "The connection was lost before the answer came." }));
    }
    this.#requests.clear();
    if (this.#login || this.#refreshToken) this.#wait();
  }

  /** Wait longer after every failure, and never exactly as long as everybody else. */
  #wait() {
    const longest = Math.min(FIRST_DELAY * 2 ** this.#failures++, LONGEST_DELAY);
    const delay = longest * (0.75 + Math.random() / 4);
    this.#timer = setTimeout(() => this.#open(), delay);
    this.#tell(State.WAITING, { retryAt: Date.now() + delay });
  }

  #tell(state, more = {}) {
    this.#emit("state", { state, ...more });
  }

  #note(text) {
    this.#emit("note", text);
  }

  #emit(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
