// Written by `watchword trpc types` from the procedures of the server. Do not change it by hand.
import type {
  TRPC_ERROR_CODE_KEY,
  TRPCBuiltRouter,
  TRPCErrorShape,
  TRPCMutationProcedure,
  TRPCQueryProcedure,
  TRPCSubscriptionProcedure,
} from "@trpc/server";

/**
 * What has happened in a collection: all there is at first, then one change after the other.
 *
 * `lost` says why what came after `lastEventId` cannot be told; `data` is all there is, then.
 */
export type WatchwordChange =
  | { event: "init"; data: Record<string, unknown>[] | null; lost?: string }
  | { event: "create" | "update"; data: Record<string, unknown> }
  | { event: "delete"; data: string | number };

/** An access token, or an address and a password; `nonce` answers a challenge. */
export type WatchwordCredentials =
  | { token: string; nonce?: string | null }
  | { email: string; password: string; otp?: string | null; nonce?: string | null };

/** An error as clients get it, in `shape`; `data` is also in `TRPCClientError.data`. */
export type WatchwordErrorShape = TRPCErrorShape<{
  code: TRPC_ERROR_CODE_KEY;
  httpStatus: number;
  path?: string;
  /** What is wrong with which member of the input. */
  fieldErrors?: Record<string, string[]>;
  /** What it is more exactly, where a client may act on that: `TOKEN_EXPIRED`, `POSITION_LOST`, `USER_SUSPENDED`. */
  problem?: string;
}>;

/**
 * What is said on a channel; at first `init` tells where it begins, if the channel has a history.
 *
 * `lost` says why what came after `lastEventId` cannot be told.
 */
export type WatchwordMessage =
  | { event: "init"; data: null; lost?: string }
  | { event: "message"; data: unknown };

/** Which items, and what of them: the same parameters as of `GET /items`. */
export interface WatchwordQuery {
  fields?: string | (string | Record<string, unknown>)[];
  filter?: Record<string, unknown>;
  search?: string;
  sort?: string | string[];
  limit?: number;
  offset?: number;
  page?: number;
  deep?: Record<string, unknown>;
  alias?: Record<string, string>;
  aggregate?: Record<string, string | string[]>;
  groupBy?: string | string[];
}

/** Who has authenticated: until when, and the tokens, where new ones were given. */
export interface WatchwordSession {
  /** In milliseconds since 1970; null for ever. */
  expiresAt: number | null;
  accessToken?: string;
  refreshToken?: string;
}

/** All there is, to begin with. */
export interface Board {
  kind: "board";
  tasks: Task[];
}

/** A task that is new, or is as it was not before. */
export interface Changed {
  kind: "changed";
  task: Task;
}

/** Somebody who is logged in. */
export interface Person {
  id: string;
  name: string;
  admin: boolean;
}

/** A task that is no longer there. */
export interface Removed {
  kind: "removed";
  id: number;
}

/** A card on the board. `owner` is the id of whoever has added it, `author` the name. */
export interface Task {
  id: number;
  title: string;
  state: "doing" | "done" | "todo";
  owner: string;
  author: string;
}

export type AppProcedures = {
  /** Says who is at this end of the socket, from now on. Only over a WebSocket. */
  authenticate: TRPCMutationProcedure<{
    input: WatchwordCredentials;
    output: WatchwordSession;
    meta: object;
  }>;
  channels: {
    /** Follows a channel. Messages have an id where the channel has a history. */
    messages: TRPCSubscriptionProcedure<{
      input: {
        channel: string;
        /** How many of the last messages to begin with. */
        history?: number | null;
        /** What the application's rules for the channel are given. */
        data?: unknown;
        /** The id of the last event that the client has got. */
        lastEventId?: string | null;
        /**
         * What is to happen where it cannot be told what came after `lastEventId`: begin again, or fail.
         * @default "restart"
         */
        onLost?: "restart" | "error";
      };
      output: AsyncIterable<{ id: string; data: WatchwordMessage } | WatchwordMessage, void, unknown>;
      meta: object;
    }>;
  };
  collections: {
    /** Follows a collection: what the caller may read of it, and every change to that. */
    changes: TRPCSubscriptionProcedure<{
      input: {
        collection: string;
        query?: WatchwordQuery | null;
        /** Only what happens in this way. */
        event?: "create" | "update" | "delete" | null;
        /** Only the item of this key. */
        item?: string | number | null;
        /** The id of the last event that the client has got. */
        lastEventId?: string | null;
        /**
         * What is to happen where it cannot be told what came after `lastEventId`: begin again, or fail.
         * @default "restart"
         */
        onLost?: "restart" | "error";
      };
      output: AsyncIterable<{ id: string; data: WatchwordChange }, void, unknown>;
      meta: object;
    }>;
  };
  /** Tell who has the board open, now and whenever that changes. */
  here: TRPCSubscriptionProcedure<{
    input: void;
    output: AsyncIterable<string[], void, unknown>;
    meta: object;
  }>;
  /** Say who the caller is. */
  me: TRPCQueryProcedure<{
    input: void;
    output: Person;
    meta: object;
  }>;
  /** Authenticates the socket by a refresh token, which is exchanged for new tokens. Only over a WebSocket. */
  refresh: TRPCMutationProcedure<{
    input: { refreshToken: string };
    output: WatchwordSession;
    meta: object;
  }>;
  tasks: {
    /** Add a task, as something to do. */
    add: TRPCMutationProcedure<{
      input: {
        /**
         * @pattern ^\S
         * @maxLength 120
         */
        title: string;
      };
      output: Task;
      meta: object;
    }>;
    /** Tell all tasks and then what changes; a client that comes back is told what it has missed. */
    changes: TRPCSubscriptionProcedure<{
      input: {
        /** @default null */
        lastEventId?: string | null;
      } | undefined | void;
      output: AsyncIterable<{ id: string; data: Board | Changed | Removed }, void, unknown>;
      meta: object;
    }>;
    /** Return all tasks that the caller may see, in the order in which they were added. */
    list: TRPCQueryProcedure<{
      input: void;
      output: Task[];
      meta: object;
    }>;
    /** Move a task to another column. Everybody in the team may. */
    move: TRPCMutationProcedure<{
      input: { task: number; state: "doing" | "done" | "todo" };
      output: Task;
      meta: object;
    }>;
    /** Remove a task. Only who has added it may, and administrators. */
    remove: TRPCMutationProcedure<{
      input: { task: number };
      output: null;
      meta: object;
    }>;
  };
  /**
   * Gives a ticket for one subscription with one input. `expiresIn` is in seconds, `expiresAt` in milliseconds
   * since 1970.
   */
  ticket: TRPCMutationProcedure<{
    input: { path: string; input?: unknown; expiresIn?: number };
    output: { ticket: string; expiresAt: number };
    meta: object;
  }>;
};

export interface AppRoot {
  ctx: object;
  meta: object;
  errorShape: WatchwordErrorShape;
  transformer: false;
}

/** The procedures of the server, for `createTRPCClient<AppRouter>`. */
export type AppRouter = TRPCBuiltRouter<AppRoot, AppProcedures>;
