/**
 * The reference: `socketcluster-server`, with the options that it has of itself.
 *
 *   node reference.cjs PORT none|async
 *
 * `async`: on each of its four lines there is a function that allows everything.
 */

const { createRequire } = require("node:module");
const { join } = require("node:path");

const modules = createRequire(join(__dirname, "../../tests/clients/package.json"));
const socketClusterServer = modules("socketcluster-server");

const server = socketClusterServer.listen(Number(process.argv[2]), {});
if (process.argv[3] === "async") {
  const { MIDDLEWARE_HANDSHAKE, MIDDLEWARE_INBOUND_RAW, MIDDLEWARE_INBOUND, MIDDLEWARE_OUTBOUND } = server;
  for (const line of [MIDDLEWARE_HANDSHAKE, MIDDLEWARE_INBOUND_RAW, MIDDLEWARE_INBOUND, MIDDLEWARE_OUTBOUND]) {
    server.setMiddleware(line, async (actions) => {
      for await (const action of actions) action.allow();
    });
  }
}
