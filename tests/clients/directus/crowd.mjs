/** Two hundred sockets follow a collection, and one of them stops reading: the others are told everything all the same. */

import WebSocket from "ws";
import { as, finish, given, Record, report, sdk, within } from "./harness.mjs";

const ROWS = 60;
const BODY = "x".repeat(200_000); // all of them are more than a connection holds for a client that does not read
const titles = Array.from({ length: ROWS }, (_, index) => `Row ${index}`);

/** A socket of a client that is not the SDK. */
async function follow(fields) {
  const socket = new WebSocket(given.socket);
  const record = new Record();
  socket.on("message", (data) => record.add(JSON.parse(data)));
  await within(new Promise((resolve) => socket.once("open", resolve)), "the socket to open");
  socket.send(JSON.stringify({ type: "auth", access_token: given.editor.token }));
  await record.until(() => record.frames.some((frame) => frame.status === "ok"), "the token to be accepted");
  socket.send(JSON.stringify({ type: "subscribe", collection: "articles", query: { fields }, uid: "s" }));
  await record.until(() => record.frames.some((frame) => frame.event === "init"), "the subscription");
  const told = () => record.frames.filter((frame) => frame.event === "create").flatMap((frame) => frame.data);
  return { socket, told, all: () => record.until(() => told().length === ROWS, "all rows") };
}

const crowd = await Promise.all(Array.from({ length: 199 }, () => follow(["title"])));
const stalled = await follow(["title", "body"]);
stalled.socket.pause();

const writer = as(given.editor);
for (const title of titles) await writer.request(sdk.createItem("articles", { title, body: BODY }, { fields: ["id"] }));
await Promise.all(crowd.map((member) => member.all()));
const complete = (member) => member.told().map((row) => row.title).join() === titles.join();
report("crowd", crowd.filter(complete).length);
report("stalled", stalled.told().length < ROWS);

stalled.socket.resume();
await stalled.all();
report("resumed", complete(stalled) && stalled.told().every((row) => row.body === BODY));
finish();
