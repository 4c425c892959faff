/** The server is stopped and started again under a client that follows a collection. */

import { client, finish, Follower, given, report, sdk, tapped, told } from "./harness.mjs";

const { frames, closes, Tapped } = tapped();
const inits = () => frames.frames.filter((frame) => frame.event === "init").length;

const own = client({ WebSocket: Tapped }).with(sdk.staticToken(given.editor.token)).with(sdk.realtime());
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
