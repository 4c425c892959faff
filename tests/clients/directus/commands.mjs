/**
 * Every REST command of the SDK, against a server that has what they need. Each command is called once or more with
 * arguments that make sense, and what comes back is looked at; those that are left are called with anything at all.
 */

import { as, client, finish, given, report, sdk } from "./harness.mjs";

const { admin } = given;
const helpers =
  "auth authentication createDirectus customEndpoint formatFields generateUid getAuthEndpoint graphql isDirectusError " +
  "memoryStorage messageCallback pong queryToParams realtime rest sleep staticToken throwIfCoreCollection " +
  "throwIfEmpty withOptions withSearch withToken";
const commands = Object.keys(sdk).filter((name) => !helpers.split(" ").includes(name));

const outcomes = {};
const own = as(admin);
const nobody = client().with(sdk.rest());

/** Where a command goes, with what is particular to this run left out. */
const place = ({ method, path }) =>
  `${method} ${path.replace(/\/[0-9a-f]{8}-[0-9a-f-]{27}(?=\/|$)/g, "/ID").replace(/\/\d+(?=\/|$)/g, "/ID")}`;

/** Note what came of a command; once it has failed it stays so. */
function note(name, outcome) {
  if (outcomes[name]?.outcome === "good" || !outcomes[name]) outcomes[name] = outcome;
}

/** Send a command and see whether the answer is right. */
async function ask(name, args, isRight, asker = own) {
  const command = sdk[name](...args);
  const where = place(command());
  try {
    const value = await asker.request(command);
    const right = isRight(value);
    note(name, right ? { where, outcome: "good" } : { where, outcome: "wrong", value: value ?? null });
    return value;
  } catch (error) {
    const code = error.errors?.[0]?.extensions?.code ?? String(error);
    note(name, { where, outcome: "refused", code, status: error.response?.status, message: error.message });
    return undefined;
  }
}

/** Whether an answer has these members with these values. */
const has = (members) => (value) =>
  Object.entries(members).every(([name, member]) => JSON.stringify(value?.[name]) === JSON.stringify(member));
const each = (members) => (value) => Array.isArray(value) && value.length === members.length && members.every((one, n) => has(one)(value[n]));
const some = (test) => (value) => Array.isArray(value) && value.some(test);
const nothing = (value) => value === null;
const isGone = async (name, key) => {
  try {
    await own.request(sdk[name](key));
    return false;
  } catch (error) {
    return error.errors?.[0]?.extensions?.code === "FORBIDDEN";
  }
};

/** Read, create, update and delete: the eight or nine commands of a family. */
async function family(one, many, make, change, changed = change) {
  const made = await ask(`create${one}`, [make(0)], has(make(0)));
  const others = await ask(`create${many}`, [[make(1), make(2)]], each([make(1), make(2)]));
  const [id, ...ids] = [made, ...others].map((row) => row.id);
  await ask(`read${one}`, [id], has({ id, ...make(0) }));
  await ask(`read${many}`, [{ filter: { id: { _in: [id, ...ids] } }, limit: -1 }], (rows) =>
    [id, ...ids].every((key) => rows.some((row) => row.id === key)),
  );
  await ask(`update${one}`, [id, change], has(changed));
  await ask(`update${many}`, [ids, change], each([changed, changed]));
  await ask(`update${many}Batch`, [ids.map((key) => ({ id: key, ...change }))], each([changed, changed]));
  await ask(`delete${one}`, [id], nothing);
  await ask(`delete${many}`, [ids], nothing);
  for (const key of [id, ...ids])
    if (!(await isGone(`read${one}`, key))) note(`delete${many}`, { outcome: "wrong", where: "", value: key });
}

async function items() {
  const make = (n) => ({ title: `Command ${n}`, status: "draft" });
  const made = await ask("createItem", ["articles", make(0)], has(make(0)));
  const others = await ask("createItems", ["articles", [make(1), make(2)]], each([make(1), make(2)]));
  const keys = others.map((row) => row.id);
  const sorted = { filter: { title: { _starts_with: "Command" } }, sort: ["-id"], fields: ["id", "title"] };
  await ask("readItem", ["articles", made.id, { fields: ["title"] }], has({ title: "Command 0" }));
  await ask("readItems", ["articles", sorted], each([make(2), make(1), make(0)].map(({ title }) => ({ title }))));
  await ask("aggregate", ["articles", { aggregate: { count: "*" }, query: { filter: sorted.filter } }], (rows) => Number(rows[0].count) === 3);
  await ask("updateItem", ["articles", made.id, { body: "a" }], has({ body: "a" }));
  await ask("updateItems", ["articles", keys, { body: "b" }], each([{ body: "b" }, { body: "b" }]));
  await ask("updateItems", ["articles", sorted, { body: "c" }], (rows) => rows.length === 3 && rows.every((row) => row.body === "c"));
  await ask("updateItemsBatch", ["articles", keys.map((id) => ({ id, body: `${id}` }))], each(keys.map((id) => ({ body: `${id}` }))));
  await ask("deleteItem", ["articles", made.id], nothing);
  await ask("deleteItems", ["articles", [keys[0]]], nothing);
  await ask("deleteItems", ["articles", { filter: { id: { _eq: keys[1] } } }], nothing);
  if ((await own.request(sdk.readItems("articles", sorted))).length) note("deleteItems", { outcome: "wrong", where: "" });
}

async function people() {
  await family("Role", "Roles", (n) => ({ name: `Command ${n}` }), { description: "d" });
  await family("Policy", "Policies", (n) => ({ name: `Command ${n}` }), { description: "d" });
  const email = (n) => `command-${n}-${given.sdk}@example.com`;
  await family("User", "Users", (n) => ({ email: email(n), first_name: `${n}` }), { last_name: "l" });
  const policy = await own.request(sdk.createPolicy({ name: "Command" }));
  const rule = (n) => ({ policy: policy.id, collection: "articles", action: ["read", "create", "update"][n] });
  await family("Permission", "Permissions", rule, { fields: ["id"] });
  await own.request(sdk.deletePolicy(policy.id));
}

async function mine() {
  await ask("readMe", [{ fields: ["email"] }], has({ email: admin.email }));
  await ask("updateMe", [{ first_name: "Command" }, { fields: ["first_name"] }], has({ first_name: "Command" }));
  await ask("readRolesMe", [{ fields: ["name"] }], each([{ name: "Administrator" }]));
  await ask("readPolicyGlobals", [], has({ app_access: true, admin_access: true, enforce_tfa: false }));
  const reader = as(given.reader);
  const told = (value) =>
    value.articles.read.access === "partial" &&
    value.articles.read.fields.includes("title") &&
    !value.articles.read.fields.includes("body") &&
    value.articles.update.access === "none";
  await ask("readUserPermissions", [], told, reader);
  const article = await own.request(sdk.createItem("articles", { title: "Command" }));
  const allowed = (update) => (value) => value.update.access === update && value.delete.access === update;
  await ask("readItemPermissions", ["articles", article.id], allowed(true), as(given.editor));
  await ask("readItemPermissions", ["articles", article.id], allowed(false), reader);
  await ask("readItemPermissions", ["articles"], allowed(false), reader);
  await own.request(sdk.deleteItem("articles", article.id));
}

async function sessions() {
  const credentials = { email: given.editor.email, password: given.editor.password };
  const isTokens = (value) => value.access_token && value.refresh_token && value.expires > 0;
  const first = await ask("login", [credentials, { mode: "json" }], isTokens, nobody);
  const second = await ask("refresh", [{ mode: "json", refresh_token: first.refresh_token }], isTokens, nobody);
  await ask("logout", [{ mode: "json", refresh_token: second.refresh_token }], nothing, nobody);
  await ask("readProviders", [], each([]), nobody);
}

async function server() {
  await ask("serverPing", [], (value) => value === "pong", nobody);
  await ask("serverInfo", [], (value) => typeof value.project.project_name === "string");
  await ask("serverHealth", [], has({ status: "ok" }));
  await ask("readOpenApiSpec", [], (value) => value.openapi.startsWith("3.") && "/items/articles" in value.paths);
  await ask("readGraphqlSdl", ["system"], (value) => value.includes("auth_login("));
  await ask("randomString", [20], (value) => /^[\w-]{20}$/.test(value));
  await ask("clearCache", [], nothing);
  await ask("readSettings", [], has({ id: 1 }));
  await ask("updateSettings", [{ public_note: "Command" }], has({ public_note: "Command" }));
  await ask("updateSettings", [{ public_note: null }], has({ public_note: null }));
  const query = { filter: { collection: { _eq: "directus_settings" } }, sort: ["-id"], limit: 1 };
  const [last] = await ask("readActivities", [query], each([{ action: "update", item: "1" }]));
  await ask("readActivity", [last.id], has({ id: last.id, action: "update" }));
  const tasks = await own.request(sdk.createItems("tasks", [{ sort: 1 }, { sort: 2 }, { sort: 3 }]));
  await ask("utilitySort", ["tasks", tasks[0].id, tasks[2].id], nothing);
  const sorted = (await own.request(sdk.readItems("tasks", { sort: ["sort"] }))).map((task) => task.id);
  if (sorted.join() !== [1, 2, 0].map((n) => tasks[n].id).join()) note("utilitySort", { outcome: "wrong", where: "", value: sorted });
  await own.request(sdk.deleteItems("tasks", sorted));
}

const column = (field, schema = {}) => ({ field, type: "integer", schema, meta: null });
const gadgets = (more = {}) => ({
  collection: "gadgets",
  schema: {},
  meta: { note: "a" },
  fields: [column("id", { is_primary_key: true, has_auto_increment: true }), { ...column("name"), type: "string" }],
  ...more,
});
const named = (collection) => (value) => value?.collection === collection;

async function structure() {
  await ask("createCollection", [gadgets()], named("gadgets"));
  await ask("readCollections", [], some(named("gadgets")));
  await ask("readCollection", ["gadgets"], (value) => named("gadgets")(value) && value.meta.note === "a");
  await ask("updateCollection", ["gadgets", { meta: { note: "b" } }], (value) => value.meta.note === "b");
  await ask("updateCollectionsBatch", [[{ collection: "gadgets", meta: { note: "c" } }]], some((value) => value.meta.note === "c"));
  const isField = (field) => (value) => value?.collection === "gadgets" && value.field === field;
  await ask("createField", ["gadgets", column("size")], isField("size"));
  await ask("createField", ["gadgets", column("author")], isField("author"));
  await ask("readFields", [], some(isField("size")));
  await ask("readFieldsByCollection", ["gadgets"], some(isField("size")));
  await ask("readField", ["gadgets", "size"], (value) => isField("size")(value) && value.type === "integer");
  await ask("updateField", ["gadgets", "size", { meta: { note: "a" } }], (value) => value.meta.note === "a");
  await ask("updateFields", ["gadgets", [{ field: "size", meta: { note: "b" } }]], some((value) => value.meta?.note === "b"));
  const relation = { collection: "gadgets", field: "author", related_collection: "authors" };
  await ask("createRelation", [{ ...relation, schema: { on_delete: "SET NULL" }, meta: null }], has(relation));
  await ask("readRelations", [], some(has(relation)));
  await ask("readRelationByCollection", ["gadgets"], each([relation]));
  await ask("readRelation", ["gadgets", "author"], has(relation));
  await ask("updateRelation", ["gadgets", "author", { meta: { one_field: "gadgets" } }], (value) => value.meta.one_field === "gadgets");
  await ask("deleteRelation", ["gadgets", "author"], nothing);
  await ask("deleteField", ["gadgets", "size"], nothing);
  await singleton();
  await snapshots();
  await ask("deleteCollection", ["gadgets"], nothing);
}

async function singleton() {
  const site = gadgets({ collection: "site", meta: { singleton: true } });
  await ask("createCollection", [site], named("site"));
  await ask("updateSingleton", ["site", { name: "Ours" }], has({ name: "Ours" }));
  await ask("readSingleton", ["site"], has({ name: "Ours" }));
  await ask("deleteCollection", ["site"], nothing);
}

/** Take the collection away and bring it back by the difference to what was. */
async function snapshots() {
  const before = await ask("schemaSnapshot", [], (value) => value.collections.some(named("gadgets")));
  if (!before) {
    await ask("schemaDiff", [{}], () => false);
    await ask("schemaApply", [{}], () => false);
    return;
  }
  await own.request(sdk.deleteCollection("gadgets"));
  const diff = await ask("schemaDiff", [before], (value) => value.diff.collections.some(named("gadgets")));
  await ask("schemaApply", [diff], nothing);
  await own.request(sdk.readCollection("gadgets"));
}

const guesses = [["ID", "ID", "ID", {}], ["ID", "ID", {}], ["ID", {}], [[{}], {}], [{}], []];

/** Whether arguments make a request of the kind that the command is for: keys in the path, a query behind it. */
function fits(name, args) {
  try {
    const { path, params } = sdk[name](...args)();
    return !path.includes("object") && (params === undefined || typeof params === "object");
  } catch {
    return false;
  }
}

/** Everything else, which the server has not. */
async function others() {
  for (const name of commands.filter((each) => !(each in outcomes))) {
    await ask(name, name === "triggerFlow" ? ["POST", "ID", {}] : guesses.find((args) => fits(name, args)), () => false);
  }
}

await items();
await people();
await mine();
await sessions();
await server();
await structure();
await others();
report("commands", commands);
report("outcomes", outcomes);
finish();
