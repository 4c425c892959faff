/** Authentication in every mode, items, and administration, over HTTP. */

import { as, client, cookieJar, finish, given, refusal, report, sdk } from "./harness.mjs";

const { authentication, rest, staticToken } = sdk;
const { editor, reader, admin } = given;
const credentials = () => ({ email: editor.email, password: editor.password });
const me = () => sdk.readMe({ fields: ["id"] });

/** Storage that tells when new tokens have been put into it. */
function watchedStorage() {
  let data = null;
  const watchers = [];
  return {
    get: () => data,
    set: (value) => {
      data = value;
      if (value?.expires) watchers.splice(0).forEach((tell) => tell(value));
    },
    next: () => new Promise((resolve) => watchers.push(resolve)),
  };
}

async function json() {
  const own = client().with(authentication("json", { autoRefresh: false })).with(rest());
  const login = await own.login(credentials());
  report("json.login", Object.keys(login).sort());
  report("json.me", await own.request(me()));
  const first = await own.getToken();
  const refreshed = await own.refresh();
  report("json.rotates", refreshed.refresh_token !== login.refresh_token && refreshed.access_token !== first);
  report("json.me after refresh", await own.request(me()));
  const last = await own.getToken();
  await own.logout();
  report("json.token after logout", await own.getToken());
  report("json.old token", await refusal(client().with(staticToken(last)).with(rest()).request(me())));
  report("json.wrong password", await refusal(own.login({ ...credentials(), password: "wrong" })));
}

async function cookie() {
  const jar = cookieJar();
  const own = client({ fetch: jar.fetch })
    .with(authentication("cookie", { autoRefresh: false, credentials: "include" }))
    .with(rest({ credentials: "include" }));
  report("cookie.login", Object.keys(await own.login(credentials())).sort());
  const first = new Map(jar.cookies);
  report("cookie.names", [...first.keys()]);
  report("cookie.me", await own.request(me()));
  await own.refresh();
  report("cookie.rotates", [...jar.cookies.values()][0] !== [...first.values()][0]);
  report("cookie.me after refresh", await own.request(me()));
  await own.logout();
  report("cookie.names after logout", [...jar.cookies.keys()]);
  const thief = cookieJar();
  first.forEach((value, name) => thief.cookies.set(name, value));
  report("cookie.old cookie", await refusal(client({ fetch: thief.fetch }).with(authentication("cookie")).refresh()));
}

async function session() {
  const jar = cookieJar();
  const own = client({ fetch: jar.fetch })
    .with(authentication("session", { autoRefresh: false, credentials: "include" }))
    .with(rest({ credentials: "include" }));
  report("session.login", Object.keys(await own.login(credentials())).sort());
  report("session.names", [...jar.cookies.keys()]);
  report("session.token", await own.getToken());
  report("session.me", await own.request(me()));
  await own.refresh();
  report("session.me after refresh", await own.request(me()));
  const kept = new Map(jar.cookies);
  await own.logout();
  report("session.names after logout", [...jar.cookies.keys()]);
  kept.forEach((value, name) => jar.cookies.set(name, value));
  report("session.old cookie", await refusal(own.request(me())));
}

/** The timer of the client refreshes well before the tokens expire. */
async function autoRefresh(mode, lifetime) {
  const storage = watchedStorage();
  const jar = cookieJar();
  const options = { autoRefresh: true, msRefreshBeforeExpires: lifetime - 100, storage, credentials: "include" };
  const own = client({ fetch: jar.fetch }).with(authentication(mode, options)).with(rest({ credentials: "include" }));
  await own.login(credentials());
  const before = [storage.get().access_token, ...jar.cookies.values()];
  const renewed = await storage.next();
  own.stopRefreshing();
  const after = [renewed.access_token, ...jar.cookies.values()];
  report(`autoRefresh.${mode}`, { renewed: before.join() !== after.join(), me: await own.request(me()) });
  own.stopRefreshing();
  await own.logout();
}

async function items() {
  const own = as(editor);
  const ann = { fields: ["title", "status", { author: ["first_name"] }] };
  const made = await own.request(sdk.createItem("articles", { title: "One", slug: "one", author: given.author }));
  report("items.create", { ...made, id: typeof made.id });
  const many = await own.request(
    sdk.createItems("articles", [
      { title: "Two", status: "published", published_on: "2026-02-03T04:05:06" },
      { title: "Three", status: "published", body: "long" },
    ]),
  );
  report("items.createItems", many.length);
  report("items.readItem", await own.request(sdk.readItem("articles", made.id, ann)));
  const published = { filter: { status: { _eq: "published" } }, sort: ["-title"], fields: ["title", "published_on"] };
  report("items.readItems", await own.request(sdk.readItems("articles", published)));
  const nested = { filter: { author: { first_name: { _eq: "Ann" } } }, fields: ["title"] };
  report("items.relational", await own.request(sdk.readItems("articles", nested)));
  report("items.page", await own.request(sdk.readItems("articles", { sort: "id", limit: 1, page: 2, fields: "title" })));
  const search = sdk.withSearch(sdk.readItems("articles", { search: "thr", fields: ["title"] }));
  report("items.search", await own.request(search));
  const groups = { aggregate: { count: "*" }, groupBy: ["status"] };
  report("items.aggregate", await own.request(sdk.aggregate("articles", groups)));
  const unique = own.request(sdk.createItem("articles", { title: "x", slug: "one" }));
  report("items.unique", await refusal(unique));
  report("items.updateItem", await own.request(sdk.updateItem("articles", made.id, { title: "Uno" }, ann)));
  const keys = many.map((row) => row.id);
  const shown = { fields: ["title", "body"] };
  report("items.updateItems", await own.request(sdk.updateItems("articles", keys, { body: "b" }, shown)));
  const drafts = { filter: { status: { _eq: "draft" } } };
  report("items.updateItems by query", await own.request(sdk.updateItems("articles", drafts, { body: "d" }, shown)));
  if (sdk.updateItemsBatch) {
    const each = keys.map((id, index) => ({ id, title: `Batch ${index}` }));
    report("items.updateItemsBatch", await own.request(sdk.updateItemsBatch("articles", each, { fields: ["title"] })));
  }
  report("items.reader", await as(reader).request(sdk.readItems("articles", { sort: ["id"] })));
  report("items.reader reads body", await refusal(as(reader).request(sdk.readItems("articles", { fields: ["body"] }))));
  report("items.reader reads draft", await refusal(as(reader).request(sdk.readItem("articles", made.id))));
  report("items.reader writes", await refusal(as(reader).request(sdk.createItem("articles", { title: "x" }))));
  await own.request(sdk.deleteItem("articles", made.id));
  await own.request(sdk.deleteItems("articles", [keys[0]]));
  report("items.left", await own.request(sdk.readItems("articles", { fields: ["title"] })));
  await own.request(sdk.deleteItems("articles", { filter: { status: { _eq: "published" } } }));
  report("items.none left", await own.request(sdk.readItems("articles")));
}

async function administration() {
  const own = as(admin);
  report("admin.me", (await own.request(sdk.readMe({ fields: ["email"] }))).email);
  report("admin.updateMe", await own.request(sdk.updateMe({ first_name: "Ada" }, { fields: ["first_name"] })));
  const email = `hired-${given.sdk}@example.com`;
  const role = await own.request(sdk.createRole({ name: "Guests" }));
  const policy = await own.request(sdk.createPolicy({ name: "Guests read" }));
  const [rule] = await own.request(
    sdk.createPermissions([
      { policy: policy.id, collection: "articles", action: "read", fields: ["id", "title"], permissions: {} },
    ]),
  );
  const access = { method: "POST", path: "/access", body: JSON.stringify({ role: role.id, policy: policy.id }) };
  report("admin.access", (await own.request(sdk.customEndpoint(access))).policy === policy.id);
  const user = await own.request(sdk.createUser({ email, password: "guest-pass-1", role: role.id }));
  report("admin.createUser", { email: user.email === email, password: user.password, status: user.status });
  await as(editor).request(sdk.createItem("articles", { title: "For guests", body: "not for guests" }));
  const guest = client().with(authentication("json", { autoRefresh: false })).with(rest());
  await guest.login({ email, password: "guest-pass-1" });
  const titles = () => guest.request(sdk.readItems("articles"));
  report("admin.guest reads", (await titles()).map((row) => Object.keys(row).sort()));
  await own.request(sdk.updatePermission(rule.id, { permissions: { status: { _eq: "published" } } }));
  report("admin.guest reads less", await titles());
  const found = { filter: { email: { _eq: email } }, fields: ["email", "role.name", "status"] };
  report("admin.readUsers", await own.request(sdk.readUsers(found)));
  report("admin.readRoles", await own.request(sdk.readRoles({ filter: { id: { _eq: role.id } }, fields: ["name"] })));
  const policies = { filter: { id: { _eq: policy.id } }, fields: ["name", "permissions.collection"] };
  report("admin.readPolicies", await own.request(sdk.readPolicies(policies)));
  const rules = await own.request(sdk.readPermissions({ filter: { policy: { _eq: policy.id } } }));
  report("admin.readPermissions", rules.map(({ collection, action, fields }) => ({ collection, action, fields })));
  report("admin.updateUser", (await own.request(sdk.updateUser(user.id, { status: "suspended" }))).status);
  report("admin.suspended guest", await refusal(titles()));
  report("admin.suspended login", await refusal(guest.login({ email, password: "guest-pass-1" })));
  report("admin.reader reads users", await refusal(as(reader).request(sdk.readUsers())));
  await own.request(sdk.deleteUser(user.id));
  await own.request(sdk.deletePermission(rule.id));
  await own.request(sdk.deletePolicy(policy.id));
  await own.request(sdk.deleteRole(role.id));
  report("admin.gone", await refusal(own.request(sdk.readRole(role.id))));
  report("admin.ping", await own.request(sdk.serverPing()));
  report("admin.health", (await own.request(sdk.serverHealth())).status);
}

await json();
await cookie();
await session();
await autoRefresh("json", 900_000);
await autoRefresh("cookie", 900_000);
await autoRefresh("session", 86_400_000);
await items();
await administration();
finish();
