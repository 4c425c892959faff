/**
 * The connection: one WebSocket for everything, whose calls and values have the types of the Python code.
 */

import { createTRPCClient, createWSClient, wsLink } from "@trpc/client";
import type { AppRouter } from "./app-router";
import { Refused, type Session } from "./session";

const UNAUTHORIZED = 4401;

/** Connect as whoever the session is of; `ended` is called when that is over. */
export function connect(session: Session, ended: () => void) {
  const socket = createWSClient({
    url: `${location.origin.replace("http", "ws")}/trpc`,
    // Whoever has been thrown out finds out by a new token whether there is still a session.
    onClose: (cause) => cause?.code === UNAUTHORIZED && session.doubt(),
    // Asked for every connection, so each begins with a token that is good.
    connectionParams: async () => {
      try {
        return { token: await session.token() };
      } catch (error) {
        if (error instanceof Refused) ended();
        throw error;
      }
    },
  });
  const trpc = createTRPCClient<AppRouter>({ links: [wsLink({ client: socket })] });
  return { trpc, close: () => socket.close() };
}
