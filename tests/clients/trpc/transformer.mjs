/** What superjson has and JSON has not, there and back over every link. */

import assert from "node:assert/strict";
import {
  createTRPCClient, createWSClient, httpBatchLink, httpBatchStreamLink, httpLink, httpSubscriptionLink, wsLink,
} from "@trpc/client";
import { EventSource } from "eventsource";
import superjson from "superjson";
import { WebSocket } from "ws";
import { finish, given, report, within } from "../harness.mjs";

const url = `${given.url}/trpc`;
const transformer = superjson;
const socket = createWSClient({ url: `${given.socket}/trpc`, WebSocket });
const links = {
  http: httpLink({ url, transformer }),
  batch: httpBatchLink({ url, transformer }),
  stream: httpBatchStreamLink({ url, transformer }),
  socket: wsLink({ client: socket, transformer }),
};

const VALUE = {
  at: new Date("2026-01-02T03:04:05.678Z"),
  big: 2n ** 70n,
  set: new Set(["a", 1]),
  map: new Map([[1, new Date(0)]]),
  bytes: new Uint8Array([0, 255]),
  none: null,
  nan: NaN,
  zero: -0,
  "a.b": { "c\\d": new Date(1) },
};
const STAY = {
  arrival: new Date("2026-05-06T07:08:09.010Z"),
  day: new Date("2026-05-06T00:00:00Z"),
  guests: new Set(["ann", "bob"]),
  rooms: new Map([[7, new Date(7)]]),
  number: 3,
  key: new Uint8Array([1, 2, 3]),
  note: undefined,
};

for (const [name, link] of Object.entries(links)) {
  const client = createTRPCClient({ links: [link] });
  assert.deepEqual(await client.echo.query(VALUE), VALUE, name);
  assert.deepEqual(await client.echo.query(null), null, name);
  const { note, ...stay } = await client.book.mutate(STAY);
  const { note: _, ...given } = STAY;
  assert.deepEqual(stay, given, name);
  assert.equal(note ?? null, null);
  const refused = await client.book.mutate({ ...STAY, arrival: "never" }).catch((error) => error);
  report(`${name} refused`, refused.data);
  const unknown = await client.nowhere.query().catch((error) => error);
  report(`${name} unknown`, unknown.data);
}

const nights = [];
for await (const night of await createTRPCClient({ links: [links.stream] }).nights.query()) nights.push(night);
assert.deepEqual(nights, [new Date("2026-01-01"), new Date("2026-01-02")]);

const events = httpSubscriptionLink({ url, transformer, EventSource });
for (const [name, link] of Object.entries({ socket: links.socket, events })) {
  const client = createTRPCClient({ links: [link] });
  const value = await within(new Promise((resolve, reject) => {
    const subscription = client.ticks.subscribe(
      { since: new Date(5), lastEventId: "e0" },
      { onData: (data) => { subscription.unsubscribe(); resolve(data); }, onError: reject },
    );
  }), `a value of ${name}`);
  assert.deepEqual([value.id, value.data], ["after e0", new Date(5)], name);
}

const mistaken = createTRPCClient({ links: [httpLink({ url: `${given.url}/plain`, transformer })] });
report("on a plain mount", (await mistaken.nowhere.query().catch((error) => error)).message);
socket.close();
finish();
