/**
 * What stands in for `socketcluster-server` while the client's own tests run: as much of its interface as they use, each
 * call of which goes to a server of ours, in a process of its own.
 *
 * A server of ours takes any free port. Connections that the tests open to the port that they have asked for are led
 * there, so that it need not be free.
 */

import { spawn } from "node:child_process";
import net from "node:net";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";

const require = createRequire(import.meta.url);
const AsyncStreamEmitter = require("async-stream-emitter");
const StreamDemux = require("stream-demux");
const WritableConsumableStream = require("writable-consumable-stream");

const servers = new Map();
const ports = new Map();
let ours;
let count = 0;

const connect = net.connect;
net.connect = (options, ...rest) => connect({ ...options, port: ports.get(Number(options.port)) ?? options.port }, ...rest);

let asked = [];

/** Ask for something. What a test does in one turn is one line, so that it is done in one turn there as well. */
function ask(what, values) {
  if (asked.push({ do: what, ...values }) > 1) return;
  queueMicrotask(() => {
    ours.stdin.write(`${JSON.stringify(asked)}\n`);
    asked = [];
  });
}

/** Start the process of our servers; `command` is a list of words. */
export function begin([program, ...words]) {
  ours = spawn(program, words, { stdio: ["pipe", "pipe", "inherit"] });
  createInterface({ input: ours.stdout }).on("line", (line) => {
    const { tell, server, ...values } = JSON.parse(line);
    servers.get(server)?.[`_${tell}`](values);
  });
  ours.on("exit", (code) => {
    if (code) {
      process.stderr.write(`our servers have ended with ${code}\n`);
      process.exit(1);
    }
  });
}

/** Let the process of our servers end; it does when it has nothing more to read. */
export const end = () =>
  new Promise((resolve) => {
    ours.on("exit", resolve);
    ours.stdin.end();
  });

const small = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
const OURS = { authKey: (key) => key, ackTimeout: (milliseconds) => milliseconds / 1000 };
const THEIRS = new Set(["authSignAsync", "authVerifyAsync"]); // how their library calls another one of theirs

function translated(options) {
  const known = Object.entries(options).filter(([name]) => !THEIRS.has(name));
  return Object.fromEntries(known.map(([name, value]) => [small(name), OURS[name](value)]));
}

class Request {
  constructor(server, request, data) {
    Object.assign(this, { _server: server, _request: request, data });
  }

  end(data) {
    ask("end", { server: this._server, request: this._request, data });
  }

  error({ name, message }) {
    ask("error", { server: this._server, request: this._request, error: { name, message } });
  }
}

/** One line: a stream of actions for each socket, as the function that is on it expects. */
class Line {
  constructor(server, work) {
    Object.assign(this, { _server: server, _work: work, _streams: new Map() });
  }

  take({ socket, action, type, data }) {
    if (!this._streams.has(socket)) {
      this._streams.set(socket, new WritableConsumableStream());
      this._work(this._streams.get(socket));
    }
    const decide = (error) => ask("decide", { server: this._server, action, error });
    const block = (error) => decide({ name: error.name, message: error.message });
    this._streams.get(socket).write({ type, data, allow: () => decide(), block });
  }
}

class Socket {
  constructor(server, id) {
    Object.assign(this, { id, _server: server, _procedures: new StreamDemux(), _receivers: new StreamDemux() });
    this._heard = new Set();
  }

  procedure(name) {
    return this._stream("procedure", this._procedures, name);
  }

  receiver(name) {
    return this._stream("receiver", this._receivers, name);
  }

  setAuthToken(claims) {
    ask("set_auth_token", { server: this._server, socket: this.id, claims });
  }

  _stream(kind, demux, name) {
    if (!this._heard.has(`${kind} ${name}`)) {
      this._heard.add(`${kind} ${name}`);
      ask(kind, { server: this._server, socket: this.id, name });
    }
    return demux.stream(name);
  }
}

class Server extends AsyncStreamEmitter {
  MIDDLEWARE_HANDSHAKE = "handshake";
  MIDDLEWARE_INBOUND_RAW = "inboundRaw";
  MIDDLEWARE_INBOUND = "inbound";
  MIDDLEWARE_OUTBOUND = "outbound";

  constructor(port, options) {
    super();
    this.options = { ...options };
    this.isReady = false;
    this.httpServer = { close() {} }; // that is closed with ours
    this._port = port;
    this._id = ++count;
    this._sockets = new Map();
    this._lines = new Map();
    servers.set(this._id, this);
    ask("listen", { server: this._id, options: translated(options) });
  }

  set signatureKey(key) {
    ask("key", { server: this._id, key });
  }

  set verificationKey(key) {
    ask("key", { server: this._id, key });
  }

  setMiddleware(line, work) {
    this._lines.set(line, new Line(this._id, work));
    ask("ask", { server: this._id, line });
  }

  removeMiddleware(line) {
    this._lines.delete(line);
    ask("ask_no_more", { server: this._id, line });
  }

  async close() {
    const closed = this.listener("closed").once();
    ask("close", { server: this._id });
    await closed;
    ports.delete(this._port);
    servers.delete(this._id);
  }

  _ready({ port, pingTimeout }) {
    ports.set(this._port, port);
    this.options.pingTimeout = pingTimeout;
    this.isReady = true;
    this.emit("ready", {});
  }

  _closed() {
    this.emit("closed", {});
  }

  _connection({ socket: id }) {
    const socket = new Socket(this._id, id);
    this._sockets.set(id, socket);
    this.emit("connection", { socket, id });
  }

  _request({ socket, request, name, data }) {
    this._sockets.get(socket)._procedures.write(name, new Request(this._id, request, data));
  }

  _transmitted({ socket, name, data }) {
    this._sockets.get(socket)._receivers.write(name, data);
  }

  _action(action) {
    for (const line of this._lines.values()) line.take(action);
  }
}

/** The modules that the tests ask for, by the names that they ask by. */
export const modules = {
  "socketcluster-server": { listen: (port, options) => new Server(port, options) },
  "socketcluster-server/action": require("socketcluster-server/action"),
};
