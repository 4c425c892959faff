import { createTRPCClient, createWSClient, httpBatchLink, httpBatchStreamLink, httpSubscriptionLink, wsLink } from "@trpc/client";
import superjson from "superjson";

import type { AppRouter, Item } from "./app-router.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Same<A, B> extends true ? [] : ["not the same"]): void {}

const wsClient = createWSClient({ url: "ws://localhost/super" });
const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: wsClient, transformer: superjson })] });
const url = "http://localhost/super";
createTRPCClient<AppRouter>({ links: [httpBatchLink({ url, transformer: superjson })] });
createTRPCClient<AppRouter>({ links: [httpBatchStreamLink({ url, transformer: superjson })] });
createTRPCClient<AppRouter>({ links: [httpSubscriptionLink({ url, transformer: superjson })] });

export async function good(): Promise<void> {
  const item = await client.items.add.mutate({
    itemId: "a",
    name: "Lamp",
    price: "9.90",
    tags: new Set(["new"]),
    added: new Date(),
    photo: new Uint8Array(),
    stock: new Map([[1, 5]]),
  });
  same<typeof item, Item>();
  same<typeof item.itemId, string>();
  same<typeof item.price, string>();
  same<typeof item.tags, Set<string>>();
  same<typeof item.added, Date | null>();
  same<typeof item.photo, Uint8Array>();
  same<typeof item.stock, Map<number, number>>();
  const customer = await client.orders.register.mutate({ email: "a@b", since: new Date() });
  same<typeof customer.since, Date>();
  same<typeof customer.sizes, Partial<Record<"small" | "large", number>>>();
  const days = await client.orders["of-day"].query({ day: new Date() });
  same<typeof days, number[]>();
  const planted = await client.items.plant.mutate({ name: "a" });
  same<typeof planted, void>();
  client.orders.clock.subscribe(undefined, {
    onData: (value) => {
      same<typeof value, Date>();
    },
  });
  client.items.changes.subscribe(undefined, {
    onData: (event) => {
      same<typeof event, { id: string; data: Item }>();
    },
  });
  for await (const each of await client.items.export.query({ size: "small" })) {
    same<typeof each, Item>();
  }
}

export async function misuses(): Promise<void> {
  // @ts-expect-error - a date goes as a Date
  await client.orders["of-day"].query({ day: "2026-01-01" });
  // @ts-expect-error - a set goes as a Set
  await client.items.add.mutate({ itemId: "a", name: "Lamp", price: "1", tags: ["new"] });
  // @ts-expect-error - bytes go as bytes
  await client.items.add.mutate({ itemId: "a", name: "Lamp", price: "1", photo: "aGk=" });
  // @ts-expect-error - what has numbers for keys goes as a Map
  await client.items.add.mutate({ itemId: "a", name: "Lamp", price: "1", stock: { 1: 5 } });
  // @ts-expect-error - what comes is a Date
  const since: string = (await client.orders.register.mutate({ email: "a@b", since: new Date() })).since;
  // @ts-expect-error - what comes in a subscription is a Date
  client.orders.clock.subscribe(undefined, { onData: (value) => value.trim() });
  // @ts-expect-error - this mount is not asked for challenges
  client.challenges.subscribe(undefined, {});
  // @ts-expect-error - a missing member
  await client.items.add.mutate({ itemId: "a" });
  // @ts-expect-error - no such procedure
  await client.items.by_name.query({ name: "a" });
  // @ts-expect-error - no transformer
  createTRPCClient<AppRouter>({ links: [httpBatchLink({ url })] });
}
