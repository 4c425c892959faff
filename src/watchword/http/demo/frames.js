/** The list of frames beside the table: what went over the wire, newest first, with secrets masked. */

const KEPT = 200;
const OPEN_UP_TO = 18; // lines: longer frames are folded
const LINE_WIDTH = 58; // characters: what fits goes on one line
const SECRETS = new Set(["password", "access_token", "refresh_token", "token", "otp"]);
const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(true|false|null)\b|(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)/gi;

const clock = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hour12: false,
});

export class Frames {
  #list;
  #template;

  constructor(list, template) {
    this.#list = list;
    this.#template = template;
  }

  /** Show a frame. `direction` is `in` or `out`. */
  add({ direction, message }) {
    const entry = this.#template.content.firstElementChild.cloneNode(true);
    const part = (name) => entry.querySelector(`[data-part="${name}"]`);
    const text = layOut(masked(message));
    entry.classList.add(direction);
    entry.classList.toggle("beat", message.type === "ping" || message.type === "pong");
    entry.classList.toggle("refusal", message.status === "error");
    part("direction").textContent = direction === "in" ? "received" : "sent";
    part("what").textContent = [message.type, message.event ?? message.action ?? message.status].filter(Boolean).join(" ");
    part("about").textContent = message.error?.code ?? message.uid ?? "";
    part("time").textContent = clock.format(new Date());
    part("json").append(...coloured(text));
    entry.querySelector("details").open = text.split("\n").length <= OPEN_UP_TO;
    this.#prepend(entry);
  }

  /** Show something that happened to the socket. */
  note(text) {
    const entry = document.createElement("li");
    entry.className = "event";
    entry.textContent = `${text}, ${clock.format(new Date())}`;
    this.#prepend(entry);
  }

  clear() {
    this.#list.replaceChildren();
  }

  #prepend(entry) {
    this.#list.prepend(entry);
    while (this.#list.children.length > KEPT) this.#list.lastElementChild.remove();
  }
}

/** The value without its secrets. */
function masked(value) {
  if (Array.isArray(value)) return value.map(masked);
  if (value === null || typeof value !== "object") return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [key, SECRETS.has(key) && member ? "••••••••" : masked(member)]),
  );
}

/** JSON over as few lines as are easy to read: what is short stays on one. */
function layOut(value, indent = "", prefix = "") {
  const flat = inline(value);
  if (indent.length + prefix.length + flat.length <= LINE_WIDTH || value === null || typeof value !== "object") {
    return prefix + flat;
  }
  const inner = `${indent}  `;
  const members = Array.isArray(value)
    ? value.map((member) => layOut(member, inner))
    : Object.entries(value).map(([key, member]) => layOut(member, inner, `${JSON.stringify(key)}: `));
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return `${prefix}${open}\n${inner}${members.join(`,\n${inner}`)}\n${indent}${close}`;
}

function inline(value) {
  if (Array.isArray(value)) return `[${value.map(inline).join(", ")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const members = Object.entries(value).map(([key, member]) => `${JSON.stringify(key)}: ${inline(member)}`);
  return members.length ? `{ ${members.join(", ")} }` : "{}";
}

/** The text as nodes, its keys and values told apart by a class. */
function* coloured(text) {
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [whole, string, colon = "", word] = match;
    yield document.createTextNode(text.slice(end, match.index));
    const span = document.createElement("span");
    span.className = string ? (colon ? "key" : "string") : word ? "word" : "digits";
    span.textContent = string ?? whole;
    yield span;
    yield document.createTextNode(colon);
    end = match.index + whole.length;
  }
  yield document.createTextNode(text.slice(end));
}
