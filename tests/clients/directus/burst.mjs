/** Many rows at once, and many one by one: the generator of the client has to get every one of them. */

import WebSocket from "ws";
import { as, client, finish, Follower, given, report, sdk } from "./harness.mjs";

const ROWS = 100;
const titles = (word) => Array.from({ length: ROWS }, (_, index) => `${word} ${index}`);

const writer = as(given.editor);
const own = client({ WebSocket: given.native ? globalThis.WebSocket : WebSocket })
  .with(sdk.staticToken(given.editor.token))
  .with(sdk.realtime());
await own.connect();
const follower = await Follower.of(own, "articles", { query: { fields: ["title"] } });
await follower.init();

async function burst(word, write) {
  await write(titles(word));
  const here = () => follower.rows("create").filter((row) => row.title.startsWith(word));
  await follower.until(() => here().length >= ROWS, `${ROWS} rows of ${word}`);
  report(word, here().map((row) => row.title).sort().join() === titles(word).sort().join());
}

const writes = {
  Together: (all) => writer.request(sdk.createItems("articles", all.map((title) => ({ title })))),
  Singly: async (all) => {
    for (const title of all) await writer.request(sdk.createItem("articles", { title }));
  },
  "By socket": async (all) => {
    for (const title of all) {
      own.sendMessage({ type: "items", action: "create", collection: "articles", data: { title }, uid: title });
    }
  },
};

for (const word of given.words) await burst(word, writes[word]);
finish();
