/**
 * The demo page: who is signed in follows a collection and sees it change; whoever may, changes it.
 *
 * The page knows nothing of roles. It asks for every field (`*`), and the server sends those that are in this person's
 * sight, of the rows that are in this person's sight. Whoever is shown the internal notes is offered the buttons that
 * write; that is a courtesy, since the server judges every write by itself.
 */

import { Connection, State } from "/demo/connection.js";
import { Frames } from "/demo/frames.js";
import { ArticleTable } from "/demo/table.js";

const COLLECTION = "articles";
const QUERY = { fields: ["*"], sort: "-id" };

const STATES = {
  [State.IDLE]: "Not connected",
  [State.CONNECTING]: "Connecting…",
  [State.AUTHENTICATING]: "Signing in…",
  [State.LIVE]: "Live",
  [State.RENEWING]: "Token expired, renewing…",
  [State.WAITING]: "Connection lost",
};

const WRITER_LEDE =
  "You see every row, drafts and internal notes included. Publish one, unpublish another, and watch a reader’s window.";
const READER_LEDE =
  "You see what is published, and no notes: the server decides that for every row, every field and every event.";

const byId = (id) => document.getElementById(id);
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });

const connection = new Connection(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/websocket`);
const frames = new Frames(byId("frames"), byId("frame"));
const table = new ArticleTable(byId("rows"), byId("row"));

const session = { email: "", renewals: 0, last: State.IDLE };
let countdown = 0;

// --- who is at the other end, and how the connection is ------------------------------------------------------------

byId("sign-in").addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target;
  session.email = form.elements.email.value;
  session.renewals = 0;
  say("gate-notice", "");
  connection.subscribe(COLLECTION, COLLECTION, QUERY, show);
  connection.signIn(session.email, form.elements.password.value);
  form.elements.password.value = "";
});

byId("sign-out").addEventListener("click", () => connection.signOut());
byId("retry").addEventListener("click", () => connection.retry());

connection.addEventListener("state", ({ detail: { state, reason, retryAt } }) => {
  clearInterval(countdown);
  if (state === State.LIVE && session.last === State.RENEWING) session.renewals += 1;
  session.last = state;
  document.body.dataset.state = state;
  byId("state").textContent = STATES[state];
  byId("who").textContent = state === State.IDLE ? "" : whoIs();
  byId("retry").hidden = state !== State.WAITING;
  byId("sign-out").hidden = state === State.IDLE;
  byId("connect").disabled = state !== State.IDLE;
  if (state === State.LIVE) enter();
  if (state === State.IDLE) leave(reason);
  if (state === State.WAITING) countDown(retryAt);
});

connection.addEventListener("frame", ({ detail }) => frames.add(detail));
connection.addEventListener("note", ({ detail }) => frames.note(detail));

function whoIs() {
  if (!session.renewals) return session.email;
  const times = session.renewals === 1 ? "once" : `${session.renewals} times`;
  return `${session.email}, renewed ${times}`;
}

function enter() {
  document.title = `${session.email} · Watchword demo`;
  byId("gate").hidden = true;
  byId("articles").hidden = false;
}

function leave(reason) {
  document.title = "Watchword demo";
  byId("gate").hidden = false;
  byId("articles").hidden = true;
  table.clear();
  say("notice", "");
  say("gate-notice", reason ?? "");
  byId("latest").textContent = "";
  byId("password").focus();
}

function countDown(retryAt) {
  const tick = () => {
    const seconds = Math.max(0, Math.ceil((retryAt - Date.now()) / 1000));
    byId("who").textContent = `${session.email}, next attempt in ${seconds} s`;
  };
  tick();
  countdown = setInterval(tick, 500);
}

// --- what is in sight ----------------------------------------------------------------------------------------------

function show(event, data, error) {
  if (error) say("notice", error.message, error.code);
  if (event === "unsubscribe") table.clear();
  const happened = event === "unsubscribe" ? [] : table.apply(event, data);
  const isWriter = table.fields.includes("notes") || !table.fields.length; // an empty table tells nothing
  byId("row-count").textContent = table.size;
  byId("field-count").textContent = table.fields.length;
  byId("empty").hidden = table.size > 0;
  byId("articles").classList.toggle("writes", isWriter);
  byId("create").hidden = !isWriter;
  byId("trespass").hidden = isWriter;
  byId("lede").textContent = isWriter ? WRITER_LEDE : READER_LEDE;
  if (happened.length) report(event, happened);
}

/** The last thing that happened, for those who missed it and for those who cannot see it. */
function report(event, happened) {
  const what = { create: "came into sight", update: "changed", delete: "left your sight" }[event];
  const text = happened.length > 2 ? `${happened.length} rows ${what}.` : happened.join(" ");
  byId("latest").textContent = `${clock.format(new Date())}  ${text}`;
}

// --- what is changed -----------------------------------------------------------------------------------------------

byId("create").addEventListener("submit", (event) => {
  event.preventDefault();
  const { title } = event.target.elements;
  const data = { title: title.value.trim(), author: session.email.split("@")[0] };
  perform("create", { data }).then((created) => created && event.target.reset());
});

byId("trespass").addEventListener("click", () => perform("create", { data: { title: "Not mine to write" } }));

table.addEventListener("act", ({ detail: { act, row, title } }) => {
  if (act === "delete") perform("delete", { id: row.id });
  if (act === "rename") perform("update", { id: row.id, data: { title } });
  if (act === "publish") {
    const status = row.status === "published" ? "draft" : "published";
    perform("update", { id: row.id, data: { status } });
  }
});

/** Ask for a write. The table is left alone: what became of it arrives as an event, here as everywhere. */
async function perform(action, members) {
  say("notice", "");
  try {
    return await connection.items(action, COLLECTION, members);
  } catch (refusal) {
    say("notice", refusal.message, refusal.code);
    return null;
  }
}

function say(id, text, code = "") {
  const notice = byId(id);
  const name = document.createElement("code");
  name.textContent = code;
  notice.replaceChildren(...(code ? [name, " "] : []), text);
  notice.hidden = !text;
}

// --- beside the table ----------------------------------------------------------------------------------------------

byId("clear").addEventListener("click", () => frames.clear());
byId("heartbeats").addEventListener("change", ({ target }) => byId("frames").classList.toggle("beats", target.checked));
