/** People log in and out by procedures and over HTTP; their tokens are renewed, and end. */

import {
  client, connected, event, finish, first, listed, names, outcome, post, report, within,
} from "./harness.mjs";

const ANN = { name: "ann", password: "ann's word" };
const claims = (socket) => socket.authToken && { sub: socket.authToken.sub, channels: socket.authToken.channels };

const ann = await connected();
const before = { state: ann.authState, whoami: await outcome(ann.invoke("whoami")) };
const wrong = await outcome(ann.invoke("login", { ...ANN, password: "bob's word" }));
const stillNobody = ann.authState;
const right = await outcome(ann.invoke("login", ANN));
report("login", {
  before, wrong, stillNobody, right,
  state: ann.authState, // at once: the token has come before the answer
  claims: claims(ann),
  whoami: await outcome(ann.invoke("whoami")),
  events: names(ann, "authStateChange", "authenticate", "deauthenticate"),
  kept: ann.pocket.token === ann.signedAuthToken,
});

const again = await connected("/socketcluster/", { token: ann.pocket.token });
report("token in the handshake", { first: again.first.isAuthenticated, claims: claims(again) });

await ann.deauthenticate();
report("logout by the client", {
  state: [ann.authState, (await ann.invoke("state")).state],
  whoami: await outcome(ann.invoke("whoami")),
  kept: ann.pocket.token,
  other: (await again.invoke("state")).state,
});

await again.invoke("logout");
await event(again, "deauthenticate");
report("logout by the server", {
  state: [again.authState, (await again.invoke("state")).state],
  whoami: await outcome(again.invoke("whoami")),
  kept: again.pocket.token,
  events: names(again, "authStateChange", "authenticate", "deauthenticate", "removeAuthToken"),
});

const sure = await connected();
report("confirmed", {
  login: await outcome(sure.invoke("loginSurely")),
  in: sure.authState,
  logout: await outcome(sure.invoke("logoutSurely")),
  out: sure.authState,
});

const short = await connected();
await short.invoke("login", { ...ANN, options: { expires_in: 1 } });
const expiring = short.authState;
await event(short, "deauthenticate");
report("expiry", {
  states: [expiring, short.authState, (await short.invoke("state")).state],
  kept: short.pocket.token,
  whoami: await outcome(short.invoke("whoami")),
});

const renewed = await connected();
await renewed.invoke("login", { ...ANN, options: { expires_in: 2, jwt_id: "first" } });
await renewed.invoke("renew", 0.3);
const tokens = await first(renewed.pocket.seen, 4, "new tokens");
await renewed.invoke("renew", null);
report("renewal", {
  tokens: tokens.map((token) => JSON.parse(Buffer.from(token.split(".")[1], "base64url"))),
  changes: names(renewed, "authStateChange").length,
  state: (await renewed.invoke("state")).state,
});
const count = renewed.pocket.seen.frames.length;
await renewed.invoke("wait", { seconds: 0.5 });
report("renewal is over", renewed.pocket.seen.frames.length - count);

const bad = await connected("/socketcluster/", { autoReconnect: false });
const unsigned = outcome(bad.invoke("login", { ...ANN, options: { expires_in: "soon" } }));
const { code } = await event(bad, "disconnect");
report("what cannot be signed", { answer: await unsigned, code });

report("HTTP", {
  wrong: await post("/procedures/token", { name: "ann", password: "bob's word" }),
  right: await (async () => {
    const { status, data } = await post("/procedures/token", ANN);
    const socket = await connected("/socketcluster/", { token: data });
    return { status, first: socket.first.isAuthenticated, claims: claims(socket) };
  })(),
  sum: await post("/procedures/add", { left: 1, right: 2 }),
  nobody: await post("/procedures/whoami", undefined),
});

const shared = await connected();
await shared.invoke("login", ANN);
const streams = listed(shared.listener("authStateChange"));
await shared.deauthenticate();
await shared.invoke("login", ANN);
const changes = await first(streams, 2, "the changes");
report("authStateChange", changes.map(({ oldAuthState, newAuthState, authToken }) => [
  oldAuthState, newAuthState, authToken?.sub ?? null,
]));

const waiting = client();
const private_ = waiting.subscribe("desk/news", { waitForAuth: true });
await event(waiting, "connect");
const idle = private_.state;
const subscribed = private_.listener("subscribe").once();
await waiting.invoke("login", ANN);
await within(subscribed, "the subscription");
report("waitForAuth", [idle, private_.state]);

// -- revocation of the application's own identities, and of those of others ---------------------------------------------

const [eve, other] = [await connected(), await connected()];
await eve.invoke("login", { name: "bob", password: "bob's word" });
await other.invoke("login", ANN);
const stolen = eve.pocket.token;
await other.invoke("revoke", { user: "bob" });
await event(eve, "removeAuthToken");
const late = await connected("/socketcluster/", { token: stolen });
report("revocation", {
  states: [eve.state, eve.authState, (await eve.invoke("state")).state],
  kept: eve.pocket.token,
  late: late.first.isAuthenticated,
  bad: late.first.authError.isBadToken,
  other: [other.authState, (await other.invoke("state")).state],
});

const pass = await connected("/socketcluster/", { token: "pass:carl" });
const guest = await connected("/socketcluster/", { token: "pass:dora" });
const isVoid = await connected("/socketcluster/", { token: "pass:void" });
const unknown = await connected("/socketcluster/", { token: "card:carl" });
const closed = await connected("/socketcluster/", { token: "pass:later" });
const seen = {
  first: [pass, guest, isVoid, unknown].map((socket) => socket.first.isAuthenticated),
  error: isVoid.first.authError.message,
  closed: [closed.first.isAuthenticated, closed.first.authError.name, closed.pocket.token],
  whoami: await outcome(pass.invoke("whoami")),
  own: await outcome(pass.invokePublish("desk/carl", 1)),
  others: await outcome(pass.invokePublish("desk/dora", 1)),
};
await other.invoke("revokePass", { user: "carl" });
await event(pass, "removeAuthToken");
report("passes", {
  ...seen,
  revoked: [pass.authState, (await connected("/socketcluster/", { token: "pass:carl" })).first.isAuthenticated],
  guest: guest.authState,
});

finish();
