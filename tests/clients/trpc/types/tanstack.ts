import { QueryClient, useMutation, useQuery } from "@tanstack/react-query";
import { createTRPCClient, httpBatchLink } from "@trpc/client";
import { createTRPCContext, createTRPCOptionsProxy, useSubscription } from "@trpc/tanstack-react-query";

import type { AppRouter } from "./app-router.js";

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
function same<A, B>(..._: Same<A, B> extends true ? [] : ["not the same"]): void {}

const client = createTRPCClient<AppRouter>({ links: [httpBatchLink({ url: "http://localhost/trpc" })] });
const queryClient = new QueryClient();
const trpc = createTRPCOptionsProxy<AppRouter>({ client, queryClient });
const { useTRPC, useTRPCClient } = createTRPCContext<AppRouter>();

export function good(): void {
  const bound = useTRPC();
  const found = useQuery(bound.items.by_id.queryOptions({ item_id: "a" }));
  same<NonNullable<typeof found.data>["size"], "small" | "large">();
  const status: number | undefined = found.error?.data?.httpStatus;
  const faults: Record<string, string[]> | undefined = found.error?.data?.fieldErrors;
  void [status, faults];
  const page = useQuery(trpc.items.search.queryOptions());
  same<NonNullable<typeof page.data>["next"], number | null>();
  const add = useMutation(bound.items.add.mutationOptions());
  add.mutate({ itemId: "a", name: "Lamp", price: "9.90" });
  const changes = useSubscription(bound.items.changes.subscriptionOptions({ size: "small" }));
  same<NonNullable<typeof changes.data>["id"], string>();
  const clock = useSubscription(bound.orders.clock.subscriptionOptions());
  same<typeof clock.data, string | undefined>();
  useSubscription(bound.orders.follow.subscriptionOptions({ order: 1, ticket: "t" }));
  void queryClient.fetchQuery(trpc.orders.total.queryOptions([1, 2]));
  void queryClient.invalidateQueries(trpc.items.by_id.queryFilter({ item_id: "a" }));
  void useTRPCClient().items.tree.query();
}

export function misuses(): void {
  const bound = useTRPC();
  // @ts-expect-error - a member of another type
  useQuery(bound.items.by_id.queryOptions({ item_id: 5 }));
  // @ts-expect-error - no input
  useQuery(trpc.items.by_id.queryOptions());
  // @ts-expect-error - a mutation is not queried
  useQuery(bound.items.add.queryOptions({ itemId: "a", name: "Lamp", price: "1" }));
  // @ts-expect-error - a missing member
  useMutation(bound.items.add.mutationOptions()).mutate({ itemId: "a" });
  // @ts-expect-error - no such procedure
  useQuery(bound.items.by_name.queryOptions({ name: "a" }));
  // @ts-expect-error - not one of the enumeration
  useSubscription(bound.items.changes.subscriptionOptions({ size: "medium" }));
  // @ts-expect-error - no ticket
  useSubscription(bound.orders.follow.subscriptionOptions({ order: 1 }));
  // @ts-expect-error - it may not be there yet, and may be null
  useQuery(bound.items.by_id.queryOptions({ item_id: "a" })).data.name;
  // @ts-expect-error - what comes is text
  const time: Date | undefined = useSubscription(bound.orders.clock.subscriptionOptions()).data;
}
