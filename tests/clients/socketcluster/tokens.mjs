/** Tokens in the handshake and afterwards: good ones, and every kind of bad one. */

import { createHmac } from "node:crypto";
import jsonwebtoken from "jsonwebtoken";
import { client, connected, event, finish, given, outcome, report } from "./harness.mjs";

const now = Math.floor(Date.now() / 1000);
const claims = { sub: "ann", channels: ["desk/news"] };
const sign = (payload, options) => jsonwebtoken.sign(payload, given.keys.OWN_KEY, options);
const good = sign(claims, { expiresIn: 600 });
const [head, body, signature] = good.split(".");
const unsigned = jsonwebtoken.sign(claims, null, { algorithm: "none" });

const tokens = {
  none: null,
  empty: "",
  good,
  "far away": sign({ ...claims, exp: 3163758978215487 }),
  expired: sign({ ...claims, exp: now - 60 }),
  "not yet": sign({ ...claims, nbf: now + 3600 }),
  "wrong key": jsonwebtoken.sign(claims, "another key", { expiresIn: 600 }),
  "other claims": `${head}.${Buffer.from('{"sub":"bob"}').toString("base64url")}.${signature}`,
  unsigned,
  "no signature": `${head}.${body}.`,
  garbage: "abc",
  "three parts": "a.b.c",
  "odd date": jsonwebtoken.sign(JSON.stringify({ sub: "ann", exp: "soon" }), given.keys.OWN_KEY),
  "a number": 42,
  "an object": { token: good },
};

for (const [name, token] of Object.entries(tokens)) {
  const socket = client("/socketcluster/", { token });
  const told = await event(socket, "connect");
  const answer = await outcome(socket.invoke("state"));
  const removed = told.authError?.isBadToken ? !!(await event(socket, "removeAuthToken")) : false;
  report(`handshake: ${name}`, {
    authenticated: told.isAuthenticated,
    error: told.authError ?? null,
    state: [socket.authState, answer.value.state],
    kept: socket.pocket.token === token,
    removed,
  });
  socket.disconnect();
}

for (const [name, token] of Object.entries(tokens)) {
  const socket = await connected("/socketcluster/", { token: good });
  const answer = await outcome(socket.authenticate(token));
  const { value } = await outcome(socket.invoke("state"));
  report(`authenticate: ${name}`, { answer, state: [socket.authState, value.state] });
  socket.disconnect();
}

const blocked = await connected("/guarded/", { token: sign({ sub: "mallory" }, { expiresIn: 600 }) });
await event(blocked, "removeAuthToken");
report("blocked by the line", { first: blocked.first, state: blocked.authState, kept: blocked.pocket.token !== null });

for (const [path, key] of [["/rsa/", "RSA"], ["/ec/", "EC"]]) {
  const algorithm = key === "RSA" ? "RS256" : "ES256";
  const own = jsonwebtoken.sign(claims, given.keys[`${key}_PRIVATE`], { algorithm, expiresIn: 600 });
  const presented = await connected(path, { token: own });
  const loggedIn = await connected(path);
  await loggedIn.invoke("login", { name: "ann", password: "ann's word" });
  const verified = jsonwebtoken.verify(loggedIn.pocket.token, given.keys[`${key}_PUBLIC`], { algorithms: [algorithm] });
  const crafted = crafty(claims, given.keys[`${key}_PUBLIC`]);
  const confused = await connected(path, { token: crafted });
  const foreign = await connected(path, { token: good });
  report(`keys: ${key}`, {
    presented: presented.first.isAuthenticated,
    issued: verified.sub,
    confused: confused.first.authError,
    foreign: foreign.first.authError,
  });
}

/** A token whose signature is made with the public key as a secret. */
function crafty(payload, publicKey) {
  const encode = (value) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const text = `${encode({ alg: "HS256", typ: "JWT" })}.${encode(payload)}`;
  return `${text}.${createHmac("sha256", publicKey).update(text).digest("base64url")}`;
}

finish();
