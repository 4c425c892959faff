import {
  createTRPCClient,
  createWSClient,
  httpBatchLink,
  httpBatchStreamLink,
  httpSubscriptionLink,
  isTRPCClientError,
  splitLink,
  type TRPCClientErrorLike,
  wsLink,
} from "@trpc/client";
import type { inferRouterError, inferRouterInputs, inferRouterOutputs, TRPC_ERROR_CODE_KEY } from "@trpc/server";
import superjson from "superjson";

import type { AppRouter, Item, ItemInput, WatchwordChange, WatchwordSession } from "./app-router.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Same<A, B> extends true ? [] : ["not the same"]): void {}

const wsClient = createWSClient({ url: "ws://localhost/trpc" });
const client = createTRPCClient<AppRouter>({ links: [wsLink({ client: wsClient })] });
createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: "http://localhost/trpc" })] });
createTRPCClient<AppRouter>({
  links: [
    splitLink({
      condition: (op) => op.type === "subscription",
      true: httpSubscriptionLink({ url: "http://localhost/trpc" }),
      false: httpBatchStreamLink({ url: "http://localhost/trpc" }),
    }),
  ],
});

type Inputs = inferRouterInputs<AppRouter>;
type Outputs = inferRouterOutputs<AppRouter>;
type Stocked = {
  itemId: string;
  name: string;
  price: string;
  size: "small" | "large";
  tags: string[];
  note: string | null;
  added: string | null;
  photo: string;
  stock: Record<string, number>;
};

export async function good(): Promise<void> {
  const found = await client.items.by_id.query({ item_id: "a" });
  same<typeof found, Stocked | null>();
  const item: Item | null = found;
  const added = await client.items.add.mutate({ itemId: "a", name: "Lamp", price: "9.90" });
  same<typeof added, Stocked>();
  await client.items.add.mutate({ ...added, size: "large", tags: ["new"], stock: { 1: 5 } });
  const input: ItemInput = item ?? { itemId: "a", name: "b", price: "1" };
  await client.items.add.mutate(input);

  const page = await client.items.search.query();
  await client.items.search.query(undefined);
  await client.items.search.query({});
  await client.items.search.query({ text: "lamp", size: null, limit: 3 });
  same<typeof page.entries, Stocked[]>();
  same<typeof page.next, number | null>();

  const root = await client.items.tree.query();
  same<(typeof root.children)[number]["children"][number]["name"], string>();
  const planted = await client.items.plant.mutate({ name: "a", children: [{ name: "b" }] });
  same<typeof planted, null>();

  for await (const each of await client.items.export.query({ size: "small" })) {
    same<typeof each, Stocked>();
  }
  same<Awaited<ReturnType<typeof client.items.photo.mutate>>, number>();
  await client.items.photo.mutate(new FormData());
  await client.items.scan.mutate(new Blob([]));
  await client.items.scan.mutate(new File([], "a"));
  await client.items.scan.mutate(new Uint8Array());

  const receipt = await client.orders.pay.mutate({ order: 1, by: { type: "cash", amount: 3.5 }, to: { street: "a" } });
  same<typeof receipt.lines, [string, number][]>();
  if (receipt.paid_by.type === "card") {
    same<typeof receipt.paid_by.until, string>();
  } else {
    same<typeof receipt.paid_by.amount, number>();
  }
  const customer = await client.orders.register.mutate({ email: "a@b", since: "2026-01-01T00:00:00Z" });
  same<typeof customer.since, string>();
  same<typeof customer.sizes, Partial<Record<"small" | "large", number>>>();
  same<(typeof customer.friends)[number]["email"], string>();
  same<Awaited<ReturnType<typeof client.orders.total.query>>, number>();
  await client.orders.total.query([1, 2]);
  same<Outputs["orders"]["anything"], unknown>();
  await client.orders.anything.query({ a: [1] });
  same<Inputs["orders"]["of-day"], { day: string }>();
  await client.orders["of-day"].query({ day: "2026-01-01" });
  const settings = await client.orders.settings.query({});
  same<typeof settings, { theme?: "dark" | "light"; volume?: number }>();
}

export function subscriptions(): void {
  client.items.changes.subscribe(undefined, {
    onData: (event) => {
      same<typeof event, { id: string; data: Stocked }>();
    },
    onError: (error) => {
      const like: TRPCClientErrorLike<AppRouter> = error;
      same<NonNullable<typeof error.data>["fieldErrors"], Record<string, string[]> | undefined>();
      same<NonNullable<typeof like.data>["code"], TRPC_ERROR_CODE_KEY>();
    },
  });
  client.items.changes.subscribe({ size: "large", lastEventId: "7" }, {});
  client.orders.clock.subscribe(undefined, {
    onData: (value) => {
      same<typeof value, string>();
    },
  });
  client.orders.follow.subscribe({ order: 1, ticket: "t" }, {
    onData: (value) => {
      same<typeof value, "paid" | "sent">();
    },
  });
}

export async function builtIn(): Promise<void> {
  const session = await client.authenticate.mutate({ token: "t", nonce: "n" });
  same<typeof session.expiresAt, number | null>();
  same<typeof session.accessToken, string | undefined>();
  const again: WatchwordSession = await client.authenticate.mutate({ email: "a@b", password: "p" });
  await client.refresh.mutate({ refreshToken: again.refreshToken ?? "" });
  client.challenges.subscribe(undefined, {
    onData: (asked) => {
      same<typeof asked.nonce, string>();
      void client.prove.mutate({ nonce: asked.nonce, ticket: "t" });
    },
  });
  const { ticket, expiresAt } = await client.ticket.mutate({ path: "orders.follow", input: { order: 1 } });
  same<typeof expiresAt, number>();
  client.orders.follow.subscribe({ order: 1, ticket }, {});
  client.collections.changes.subscribe({ collection: "articles", query: { fields: ["*"], limit: 5 }, event: "update" }, {
    onData: ({ id, data }) => {
      same<typeof id, string>();
      same<typeof data.event, WatchwordChange["event"]>();
    },
  });
  client.channels.messages.subscribe({ channel: "news", history: 3, onLost: "error" }, {
    onData: (message) => {
      const told = "id" in message ? message.data : message;
      same<typeof told.event, "init" | "message">();
    },
  });
}

export function errors(error: unknown): void {
  type Failure = inferRouterError<AppRouter>;
  same<Failure["data"]["code"], TRPC_ERROR_CODE_KEY>();
  if (isTRPCClientError<AppRouter>(error)) {
    same<NonNullable<typeof error.data>["httpStatus"], number>();
    same<NonNullable<typeof error.data>["path"], string | undefined>();
    const faults: string[] | undefined = error.data?.fieldErrors?.["name"];
    void faults;
    same<NonNullable<typeof error.data>["problem"], string | undefined>();
    same<NonNullable<typeof error.shape>["message"], string>();
  }
}

export async function misuses(): Promise<void> {
  // @ts-expect-error - a member of another type
  await client.items.by_id.query({ item_id: 5 });
  // @ts-expect-error - a missing member
  await client.items.add.mutate({ itemId: "a", name: "Lamp" });
  // @ts-expect-error - an unknown member
  await client.items.by_id.query({ item_id: "a", more: 1 });
  // @ts-expect-error - no input
  await client.items.by_id.query();
  // @ts-expect-error - a query is not mutated
  await client.items.by_id.mutate({ item_id: "a" });
  // @ts-expect-error - a mutation is not queried
  await client.items.add.query({ itemId: "a", name: "Lamp", price: "1" });
  // @ts-expect-error - a subscription is not queried
  await client.orders.clock.query();
  // @ts-expect-error - no such procedure
  await client.items.by_name.query({ name: "a" });
  // @ts-expect-error - no such router
  await client.things.by_id.query({ item_id: "a" });
  // @ts-expect-error - not one of the enumeration
  await client.items.search.query({ size: "medium" });
  // @ts-expect-error - null where there is none
  await client.items.search.query({ text: null });
  // @ts-expect-error - what comes is no number
  const price: number = (await client.items.add.mutate({ itemId: "a", name: "Lamp", price: "1" })).price;
  // @ts-expect-error - it may be null
  (await client.items.by_id.query({ item_id: "a" })).name;
  // @ts-expect-error - a date goes as text
  await client.orders["of-day"].query({ day: new Date() });
  // @ts-expect-error - neither of the union
  await client.orders.pay.mutate({ order: 1, by: { type: "gold" } });
  // @ts-expect-error - a member of the other one of the union
  await client.orders.pay.mutate({ order: 1, by: { type: "cash", number: "1" } });
  // @ts-expect-error - wrong within a recursive type
  await client.items.plant.mutate({ name: "a", children: [{ name: "b", children: [{}] }] });
  // @ts-expect-error - wrong in a list
  await client.orders.total.query(["1"]);
  // @ts-expect-error - no form
  await client.items.photo.mutate({ name: "a" });
  // @ts-expect-error - no bytes
  await client.items.scan.mutate("bytes");
  // @ts-expect-error - an input where there is none
  await client.items.tree.query({ depth: 3 });
  // @ts-expect-error - wrong input of a subscription
  client.items.changes.subscribe({ size: 1 }, {});
  // @ts-expect-error - wrong position of a subscription
  client.items.changes.subscribe({ lastEventId: 7 }, {});
  // @ts-expect-error - the data of a subscription is below its id
  client.items.changes.subscribe(undefined, { onData: (event) => event.name });
  // @ts-expect-error - no ticket
  client.orders.follow.subscribe({ order: 1 }, {});
  // @ts-expect-error - no ticket is needed for that
  await client.ticket.mutate({ path: "items.changes" });
  // @ts-expect-error - a ticket for another input
  await client.ticket.mutate({ path: "orders.follow", input: { order: "1" } });
  // @ts-expect-error - half of the credentials
  await client.authenticate.mutate({ email: "a@b" });
  // @ts-expect-error - an unknown way to go on
  client.channels.messages.subscribe({ channel: "news", onLost: "ignore" }, {});
  // @ts-expect-error - the server has no transformer
  createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: "/trpc", transformer: superjson })] });
  // @ts-expect-error - an unknown code
  same<inferRouterError<AppRouter>["data"]["code"], "OUT_OF_CHEESE">();
  // @ts-expect-error - an unknown member of errors
  type Stack = inferRouterError<AppRouter>["data"]["stack"];
}
