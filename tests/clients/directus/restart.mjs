/** The server is stopped and started again under a client that follows a collection. */

import { connect } from "node:net";
import { client, finish, Follower, given, PATIENCE, report, sdk, Socket, tapped, told } from "./harness.mjs";

/** One attempt to reach the server, and another one a little later, until it listens. */
function knock(options, done) {
  const socket = connect({ host: options.host, port: options.port });
  socket.once("connect", () => done(null, socket));
  socket.once("error", () => setTimeout(knock, 50, options, done));
}

/** A WebSocket whose way to the server is held open while it restarts, as by a balancer in front of it. */
class Patient extends Socket {
  constructor(url) {
    super(url, {
      createConnection: (options, done) => {
        knock(options, done);
      },
    });
  }
}

const { frames, closes, Tapped } = tapped(Patient);
const inits = () => frames.frames.filter((frame) => frame.event === "init").length;

const own = client({ WebSocket: Tapped })
  .with(sdk.staticToken(given.editor.token))
  .with(sdk.realtime({ connect: { timeout: PATIENCE } }));
await own.connect();
const follower = await Follower.of(own, "articles", { query: { fields: ["title"] } });
await follower.init();
report("following");
report("closed", await closes.until(() => closes.frames[0], "the server to go"));
// The client asks twice for what it had subscribed to.
await frames.until(() => inits() === 3, "the subscription to be there again");
report("back");
const { last } = await told();
await follower.title(last);
report("frames", follower.frames);
finish();
