/** One of two crowds: clients that hear a common channel and one of their own, and publish on both. */

import { connected, finish, first, given, hearing, report, told } from "./harness.mjs";

const crowd = await Promise.all(Array.from({ length: given.size }, () => connected()));
await Promise.all(crowd.map((socket) => socket.invoke("login", given.person)));
const common = await Promise.all(crowd.map((socket) => hearing(socket, "crowd")));
const own = await Promise.all(crowd.map((socket) => hearing(socket, given.desk)));
report("ready", crowd.length);
await told();

await Promise.all(
  crowd.flatMap((socket, index) => [
    socket.invokePublish("crowd", `${given.person.name} ${index}`),
    socket.invokePublish(given.desk, `${given.person.name} ${index}`),
  ]),
);
const everything = await Promise.all(common.map((record) => first(record, 2 * given.size, "what both crowds say")));
const ours = await Promise.all(own.map((record) => first(record, given.size, "what we say")));
report("heard", {
  orders: new Set(everything.map((words) => words.join())).size,
  common: [...new Set(everything.flat())].sort(),
  own: [...new Set(ours.flat())].sort(),
});
await told();
report("afterwards", [Math.max(...common.map(({ frames }) => frames.length)), Math.max(...own.map(({ frames }) => frames.length))]);
finish();
