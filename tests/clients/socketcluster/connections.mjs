/** Connections: how they begin, live, end and come back. */

import { EventEmitter } from "node:events";
import WebSocket from "ws";
import { client, connected, event, finish, first, given, hearing, listed, names, outcome, report } from "./harness.mjs";

const address = given.url.replace("http", "ws");

// -- comings -----------------------------------------------------------------------------------------------------------

const plain = await connected();
report("anonymous", {
  first: plain.first,
  states: [plain.state, plain.authState],
  id: plain.id.length,
  events: names(plain),
});

const asked = await connected("/guarded/", { query: { a: "1", b: ["x", "y"] } });
report("query", asked.state);

/** What an upgrade is answered. */
const upgrade = (path, headers = {}) =>
  new Promise((resolve) => {
    const socket = new WebSocket(`${address}${path}`, { headers });
    socket.on("open", () => (socket.close(), resolve({ status: 101 })));
    socket.on("unexpected-response", (_, answer) => {
      let body = "";
      answer.on("data", (data) => (body += data)).on("end", () => resolve({ status: answer.statusCode, body }));
    });
    socket.on("error", () => {});
  });

report("origins", {
  listed: await upgrade("/listed/", { Origin: "http://example.com:1234" }),
  port: await upgrade("/listed/", { Origin: "https://anything.example:8443" }),
  exact: await upgrade("/listed/", { Origin: "http://EXACT.example" }),
  substring: await upgrade("/listed/", { Origin: "http://ample.com" }),
  otherPort: await upgrade("/listed/", { Origin: "https://exact.example" }),
  none: await upgrade("/listed/"),
  null: await upgrade("/listed/", { Origin: "null" }),
  everywhere: await upgrade("/socketcluster/", { Origin: "http://anything.example" }),
});
report("paths", { unknown: (await upgrade("/nowhere/")).status, noSlash: (await upgrade("/socketcluster")).status });

const barred = await upgrade("/guarded/?blocked=1");
const hungUp = client("/guarded/", { query: { blocked: 1 }, autoReconnect: false });
report("blocked at the upgrade", { barred, abort: (await event(hungUp, "connectAbort")).code });

const refusals = {};
for (const refuse of ["final", "silent"]) {
  const socket = client("/guarded/", { query: { refuse }, autoReconnect: false });
  const { code } = await event(socket, "connectAbort");
  const { error } = await event(socket, "error");
  refusals[refuse] = { code, error: { name: error.name, message: error.message } };
}
report("blocked at the handshake", refusals);

const banned = client("/guarded/", { query: { refuse: "final" } });
await event(banned, "connectAbort");
await plain.invoke("wait", { seconds: 0.4 });
report("no return after a ban", names(banned, "connectAbort").length);

const offered = await connected("/socketcluster/", { protocols: ["one"] }).catch((error) => String(error));
report("subprotocols", offered.state ?? offered);

// -- signs of life -----------------------------------------------------------------------------------------------------

const still = await connected("/quick/");
await still.invoke("wait", { seconds: 1 });
report("pings keep it alive", { state: still.state, told: still.first.pingTimeout, events: names(still, "disconnect") });

/** Speak by frames alone. */
class Frames extends EventEmitter {
  constructor(path) {
    super();
    this.socket = new WebSocket(`${address}${path}`);
    this.heard = [];
    this.begun = performance.now();
    this.socket.on("message", (data) => this.heard.push(String(data)));
    this.closed = new Promise((resolve) => {
      this.socket.on("close", (code) => resolve({ code, seconds: (performance.now() - this.begun) / 1000 }));
    });
    this.open = new Promise((resolve) => this.socket.on("open", resolve));
  }

  async hands(cid = 1) {
    await this.open;
    this.socket.send(JSON.stringify({ event: "#handshake", data: { authToken: null }, cid }));
    return this;
  }
}

const mutes = await Promise.all([1, 2].map(() => new Frames("/quick/").hands()));
report("who never answers pings", {
  closed: await Promise.all(mutes.map(({ closed }) => closed)),
  pings: mutes[0].heard.filter((message) => message === "").length,
  other: (await still.invoke("state")).state,
});

const forgotten = await connected("/mute/");
const { code: silence } = await event(forgotten, "disconnect");
await event(forgotten, "connect", 2);
report("who hears no pings", silence);
const content = await connected("/mute/", { pingTimeoutDisabled: true });
await content.invoke("wait", { seconds: 0.6 });
report("who needs no pings", { state: content.state, events: names(content, "disconnect") });
forgotten.disconnect();

const tardy = new Frames("/hasty/");
report("no handshake", { ...(await tardy.closed), pings: tardy.heard.some((message) => message === "") });

const version1 = await connected("/old/", { protocolVersion: 1 });
const tokens = listed(version1.listener("message"));
await first(tokens, 3, "pings");
report("protocol version 1", {
  state: version1.state,
  answer: await outcome(version1.invoke("mirror", 1)),
  pings: tokens.frames[0].message,
});
version1.disconnect();

// -- endings and returns -----------------------------------------------------------------------------------------------

const back = await connected();
await back.invoke("login", { name: "ann", password: "ann's word" });
const heard = await hearing(back, "desk/news");
const open = await hearing(back, "open");
back.invoke("disconnect", { code: 4100, reason: "Come back" }).catch(() => {});
const left = await event(back, "disconnect");
await event(back, "connect", 2);
await event(back, "subscribe", 4);
await back.invokePublish("desk/news", "again");
await back.invokePublish("open", "again");
report("return with the token", {
  left: { code: left.code, reason: left.reason },
  first: (await event(back, "connect", 2)).isAuthenticated,
  state: (await back.invoke("state")).state,
  heard: [await first(heard, 1, "the word"), await first(open, 1, "the word")],
});

const ends = {};
for (const code of [1000, 4500, 4999]) {
  const socket = await connected();
  socket.invoke("disconnect", { code, reason: "Stay away" }).catch(() => {});
  const { reason } = await event(socket, "disconnect");
  await plain.invoke("wait", { seconds: 0.4 });
  ends[code] = { reason, state: socket.state, connects: names(socket, "connect").length };
}
report("ends without return", ends);

const leaving = await connected();
leaving.disconnect(4321, "Enough");
await event(leaving, "disconnect");
leaving.connect();
await event(leaving, "connect", 2);
report("a client that leaves may come again", leaving.state);

// -- before the handshake ----------------------------------------------------------------------------------------------

const early = new Frames("/socketcluster/");
await early.open;
early.socket.send(JSON.stringify({ event: "mirror", data: 1, cid: 1 }));
const loose = new Frames("/lenient/");
await loose.open;
for (const packet of [
  { event: "add", data: { left: 1, right: 1 }, cid: 1 },
  { event: "#subscribe", data: { channel: "open" }, cid: 2 },
  { event: "#publish", data: { channel: "open", data: 1 }, cid: 3 },
  { event: "#subscribe", data: { channel: "items/articles" }, cid: 4 },
]) loose.socket.send(JSON.stringify(packet));
await loose.hands(5);
await new Promise((resolve) => {
  const look = () => loose.heard.length >= 5 && resolve();
  loose.socket.on("message", look);
  look();
});
report("before the handshake", { strict: (await early.closed).code, lenient: loose.heard.map((each) => JSON.parse(each)) });

const anonymous = new Frames("/socketcluster/");
await anonymous.open;
anonymous.socket.send(JSON.stringify({ event: "#handshake", data: {} }));
report("a handshake that wants no answer", (await anonymous.closed).code);

finish();
