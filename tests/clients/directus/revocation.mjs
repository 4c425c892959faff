/** Identities are withdrawn in every way there is, while sockets of theirs are open and others look on. */

import WebSocket from "ws";
import { as, client, cookieJar, finish, Follower, given, report, sdk, tapped, told } from "./harness.mjs";

const { authentication, createItem, createUser, deleteUser, readUser, realtime, staticToken, updateUser } = sdk;
const admin = as(given.admin);
const { role } = await admin.request(readUser(given.editor.id, { fields: ["role"] }));
const stamp = Date.now();

async function hire(name) {
  const person = { email: `${name}-${stamp}@example.com`, password: `${name}-pass-1`, token: `${name}-${stamp}-token` };
  const { id } = await admin.request(createUser({ ...person, role }));
  return { id, ...person };
}

/** Open a socket and follow the articles. */
async function open(auth, { mode = "handshake", person, cookies } = {}) {
  const jar = cookies ?? cookieJar();
  class Cookied extends WebSocket {
    constructor(url) {
      super(url, { headers: { Cookie: [...jar.cookies].map((pair) => pair.join("=")).join("; ") } });
    }
  }
  const { frames, closes, Tapped } = tapped(cookies ? Cookied : WebSocket);
  const own = client({ fetch: jar.fetch, WebSocket: Tapped })
    .with(auth)
    .with(realtime({ authMode: mode, reconnect: false }));
  if (person) await own.login({ email: person.email, password: person.password });
  await own.connect();
  const follower = await Follower.of(own, "articles", { query: { fields: ["title"] } });
  await follower.init();
  return { own, frames, closes, follower };
}

const byPassword = (person) => open(authentication("json", { autoRefresh: false }), { person });
const byToken = (token) => open(staticToken(token));
const witness = await byToken(given.editor.token);

/** Withdraw, write a row at once, and see that every socket is closed without having been told of it. */
async function withdraw(name, sockets, act, staying = []) {
  await act();
  const since = performance.now();
  const title = `After ${name}`;
  await as(given.editor).request(createItem("articles", { title }));
  for (const { follower } of [witness, ...staying]) await follower.title(title);
  const codes = [];
  for (const { closes } of sockets) codes.push(await closes.until(() => closes.frames[0], `the close after ${name}`));
  report(name, {
    codes,
    seconds: sockets.map(({ closes }) => (closes.moments[0] - since) / 1_000),
    last: sockets.map(({ frames }) => frames.frames.at(-1)),
    leaked: sockets.some(({ frames }) => JSON.stringify(frames.frames).includes(title)),
    staying: staying.map(({ closes }) => closes.frames),
  });
}

const leaver = await hire("leaver");
const first = await byPassword(leaver);
const sameSession = await byToken(await first.own.getToken());
const otherSession = await byPassword(leaver);
await withdraw("logout", [first, sameSession], () => first.own.logout(), [otherSession]);

const cookies = cookieJar();
const session = authentication("session", { autoRefresh: false, credentials: "include" });
const page = await open(session, { mode: "public", person: leaver, cookies });
await withdraw("logout of a cookie", [page], () => page.own.logout(), [otherSession]);

const suspended = await hire("suspended");
const everywhere = [await byPassword(suspended), await byPassword(suspended), await byToken(suspended.token)];
const suspend = () => admin.request(updateUser(suspended.id, { status: "suspended" }));
await withdraw("suspension", everywhere, suspend, [otherSession]);

const remote = await hire("remote");
const remotely = [await byPassword(remote), await byToken(remote.token)];
await withdraw("suspension by command", remotely, async () => {
  report("suspend", remote.email);
  await told();
});

const careless = await hire("careless");
const byOldToken = await byToken(careless.token);
const replace = () => admin.request(updateUser(careless.id, { token: `${careless.token}-2` }));
const beside = await byPassword(careless);
await withdraw("a new static token", [byOldToken], replace, [beside]);
await withdraw("a new password", [beside], () => admin.request(updateUser(careless.id, { password: "another-pass-1" })));
const newest = await byToken(`${careless.token}-2`);
await withdraw("deletion", [newest], () => admin.request(deleteUser(careless.id)));
finish();
