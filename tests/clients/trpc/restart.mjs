/** Sockets of a server that stops, or dies, and comes back. */

import { data, dataSoFar, finish, follow, given, key, listeners, messages, outcome, report, say, seenOf, socketClient, told, toldOf } from "./harness.mjs";

const prefix = `restart ${given.version}`;
const query = { fields: ["id", "title"], filter: { title: { _starts_with: prefix } } };
const { calls, seen, client } = socketClient("/trpc", { connectionParams: { token: given.reader.token }, retryDelayMs: () => 100 });
const changes = follow(calls.collections.changes, { collection: "articles", query });
const channel = follow(calls.channels.messages, { channel: "board" });
const strict = follow(calls.channels.messages, { channel: "board", onLost: "error" });
const topic = key("restart");
const news = follow(calls.news, { topic });
await Promise.all([data(changes, 1), data(channel, 1), data(strict, 1), toldOf(news, "started")]);
await say(topic, "before");
await data(news, 1);
report("ready", prefix);

for (const way of ["stop", "kill"]) {
  const before = dataSoFar(changes).length;
  const opened = seen.frames.filter(({ event }) => event === "open").length;
  await told();
  await seenOf(seen, "open", opened + 1);
  await data(changes, before + 1);
  await listeners(topic, 1);
  const answer = await outcome(calls.echo.query("back"));
  await say(topic, way);
  await news.until(() => dataSoFar(news).includes(way), way);
  report(way, {
    titles: dataSoFar(changes).map(({ data: { event, data } }) => [event, [data ?? []].flat().map(({ title }) => title.replace(`${prefix} `, "")).join()]),
    answer,
    codes: seen.frames.filter(({ event }) => event === "close").map(({ code }) => code),
    notices: messages(seen).filter(({ method }) => method === "reconnect").length,
    errors: [changes, channel, news].flatMap(({ frames }) => frames.filter(({ event }) => event === "error")),
    lost: dataSoFar(channel).map(({ data }) => typeof data.lost),
  });
}
report("strict", (await toldOf(strict, "error")).error.data);
report("news", dataSoFar(news));
client.close();
finish();
