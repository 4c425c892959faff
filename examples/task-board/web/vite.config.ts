import { defineConfig } from "vite";

const server = "http://127.0.0.1:8000";

/** `npm run dev` serves the page, and passes on to the server what is the server's. */
export default defineConfig({
  server: { proxy: { "/auth": server, "/trpc": { target: server, ws: true } } },
});
