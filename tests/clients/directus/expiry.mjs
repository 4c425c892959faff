/** Access tokens that live for two seconds: sockets outlive them, and no event is lost meanwhile. */

import { as, client, finish, Follower, given, report, sdk, tapped } from "./harness.mjs";

const { authentication, createItem, realtime } = sdk;
const writer = as(given.editor);
const write = (title) => writer.request(createItem("articles", { title }));
const credentials = { email: given.editor.email, password: given.editor.password };
const codes = (record) => record.frames.map((frame) => frame.error?.code).filter(Boolean);
const accepted = (record) => record.frames.filter((frame) => frame.type === "auth" && frame.status === "ok").length;

/** The client is told that its token has expired, gets a new one and presents it; rows are written all the while. */
async function authenticateAnew() {
  const { frames, Tapped } = tapped();
  let mayRefresh = Promise.resolve();
  const held = async (url, options) => {
    if (String(url).endsWith("/auth/refresh")) await mayRefresh;
    return fetch(url, options);
  };
  const own = client({ fetch: held, WebSocket: Tapped }).with(authentication("json")).with(realtime());
  await own.login(credentials);
  await own.connect();
  const follower = await Follower.of(own, "articles", { query: { fields: ["title"] } });
  await follower.init();
  for (const round of [1, 2]) {
    let refresh;
    mayRefresh = new Promise((resolve) => (refresh = resolve));
    await write(`Anew ${round} before`);
    await frames.until(() => codes(frames).length === round, "the end of the token");
    await write(`Anew ${round} meanwhile`);
    const seen = follower.rows("create").some((row) => row.title === `Anew ${round} meanwhile`);
    report(`anew ${round} seen while expired`, seen);
    refresh();
    await frames.until(() => accepted(frames) === round + 1, "the new token to be accepted");
    await write(`Anew ${round} after`);
    await follower.title(`Anew ${round} after`);
  }
  report("anew codes", codes(frames));
  report("anew rows", titles(follower, "Anew"));
  own.disconnect();
}

/** The client refreshes in time, over HTTP: the socket never hears of an expiry. */
async function refreshInTime() {
  const { frames, closes, Tapped } = tapped();
  let refreshes = 0;
  let enough;
  const thrice = new Promise((resolve) => (enough = resolve));
  const counting = async (url, options) => {
    const response = await fetch(url, options);
    if (String(url).endsWith("/auth/refresh") && ++refreshes === 3) enough();
    return response;
  };
  const auth = authentication("json", { autoRefresh: true, msRefreshBeforeExpires: 1_000 });
  const own = client({ fetch: counting, WebSocket: Tapped }).with(auth).with(realtime());
  await own.login(credentials);
  await own.connect();
  const follower = await Follower.of(own, "articles", { query: { fields: ["title"] } });
  await follower.init();
  await thrice;
  await write("In time");
  await follower.title("In time");
  report("in time", { codes: codes(frames), closes: closes.frames, rows: titles(follower, "In time") });
  own.stopRefreshing();
  own.disconnect();
}

const titles = (follower, word) =>
  follower
    .rows("create")
    .map((row) => row.title)
    .filter((title) => title.startsWith(word));

await Promise.all([authenticateAnew(), refreshInTime()]);
finish();
