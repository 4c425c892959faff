/** Users of Watchword on sockets: their sessions are those of the REST API, and end with them. */

import { connected, event, finish, given, hearing, outcome, post, report, told } from "./harness.mjs";

const stamp = Date.now();

async function rest(method, path, body, token = given.admin.token) {
  const headers = { "Content-Type": "application/json", Authorization: `Bearer ${token}` };
  const answer = await fetch(`${given.url}${path}`, { method, headers, body: body && JSON.stringify(body) });
  const text = await answer.text();
  return { status: answer.status, ...(text ? JSON.parse(text) : {}) };
}

const { data: model } = await rest("GET", `/users/${given.reader.id}?fields=role`);

async function hire(name) {
  const person = { email: `${name}-${stamp}@example.com`, password: `${name}-pass-1`, role: model.role };
  const { data } = await rest("POST", "/users", person);
  return { ...person, id: data.id };
}

const login = async (person) => {
  const socket = await connected();
  await socket.invoke("logInAsMember", { email: person.email, password: person.password });
  return socket;
};

const ann = await hire("ann");
const stranger = await connected();
report("wrong password", {
  answer: await outcome(stranger.invoke("logInAsMember", { email: ann.email, password: "wrong" })),
  state: stranger.authState,
});

const socket = await login(ann);
const overRest = await rest("GET", "/users/me?fields=id", undefined, socket.pocket.token);
const handed = await connected("/socketcluster/", { token: socket.pocket.token });
const { data: httpSession } = await post("/auth/login", { email: ann.email, password: ann.password });
const fromHttp = await connected("/socketcluster/", { token: httpSession.access_token });
report("login", {
  user: (await socket.invoke("whoami")).user === ann.id,
  rest: [overRest.status, overRest.data?.id === ann.id],
  handed: [handed.first.isAuthenticated, (await handed.invoke("whoami")).user === ann.id],
  fromHttp: [fromHttp.first.isAuthenticated, (await fromHttp.invoke("whoami")).user === ann.id],
  secrets: JSON.stringify(socket.authToken).includes("refresh"),
});

/** Withdraw something, and see what becomes of sockets that follow the articles. */
async function withdraw(name, sockets, staying, act) {
  const records = [];
  for (const each of sockets) records.push(await hearing(each, "items/articles", { data: { query: { fields: ["title"] } } }));
  const tokens = sockets.map(({ pocket }) => pocket.token);
  const counts = sockets.map(({ events }) => events.frames.filter(({ name }) => name === "removeAuthToken").length);
  await act();
  const since = performance.now();
  for (const [index, each] of sockets.entries()) {
    await event(each, "removeAuthToken", counts[index] + 1);
    await event(each, "kickOut");
  }
  const seconds = (performance.now() - since) / 1000;
  await rest("POST", "/items/articles", { title: `After ${name}`, status: "published" }, given.editor.token);
  const states = [];
  for (const each of sockets) states.push([each.state, each.authState, (await each.invoke("state")).state]);
  const again = [];
  for (const token of tokens) again.push((await connected("/socketcluster/", { token })).first.isAuthenticated);
  report(name, {
    seconds,
    states,
    kept: sockets.map(({ pocket }) => pocket.token),
    heard: records.map(({ frames }) => JSON.stringify(frames).includes(`After ${name}`)),
    again,
    staying: staying.map(({ authState }) => authState),
  });
}

await withdraw("logout over REST", [fromHttp], [socket, handed], () =>
  post("/auth/logout", { refresh_token: httpSession.refresh_token, mode: "json" }),
);
await withdraw("suspension", [socket, handed], [], () => rest("PATCH", `/users/${ann.id}`, { status: "suspended" }));

const bob = await hire("bob");
const [remote, other] = [await login(bob), await login(await hire("eve"))];
await withdraw("suspension by command", [remote], [other], async () => {
  report("suspend", bob.email);
  await told();
});

const changing = await hire("changing");
const changed = await login(changing);
const following = await hearing(changed, "items/articles", { data: { query: { fields: ["title"] } } });
await rest("PATCH", `/users/${changing.id}`, { role: null });
const { message } = await event(changed, "kickOut");
await rest("POST", "/items/articles", { title: "After the change", status: "published" }, given.editor.token);
report("other rights", {
  message,
  states: [changed.state, changed.authState, (await changed.invoke("state")).state],
  heard: JSON.stringify(following.frames).includes("After the change"),
});

const same = await login(given.reader);
const before = same.pocket.token;
await same.invoke("renew", 0.2);
await event(same, "authenticate", 3);
await same.invoke("renew", null);
report("renewal", {
  state: same.authState,
  isNew: same.pocket.token !== before,
  user: (await same.invoke("whoami")).user === given.reader.id,
  rest: (await rest("GET", "/users/me?fields=id", undefined, same.pocket.token)).status,
});
finish();
