/** The live table: rows come, change and go as events tell, newest first. Data only ever becomes text, never markup. */

const day = new Intl.DateTimeFormat(undefined, { day: "numeric", month: "short", year: "numeric" });
const count = new Intl.NumberFormat();

const WRITERS = {
  date_created: (value) => (value ? day.format(new Date(value)) : ""),
  views: (value) => (typeof value === "number" ? count.format(value) : String(value ?? "")),
};

export class ArticleTable extends EventTarget {
  #body;
  #template;
  #rows = new Map(); // key as text -> {data, element}
  #fields = [];

  /** `act` events (detail: {act, row, title?}) say what the user wants done to a row. */
  constructor(body, template) {
    super();
    this.#body = body;
    this.#template = template;
    body.addEventListener("click", ({ target }) => this.#clicked(target.closest("[data-act]")));
    body.addEventListener("submit", (event) => this.#renamed(event));
    body.addEventListener("keydown", ({ key, target }) => key === "Escape" && this.#stopRenaming(target.closest("tr")));
    body.addEventListener("focusout", ({ target }) => target.form && this.#stopRenaming(target.closest("tr")));
  }

  get size() {
    return this.#rows.size;
  }

  /** The names of the fields in sight, as the rows showed them. */
  get fields() {
    return this.#fields;
  }

  /** Apply an event and return what happened in words. Deletes hold keys as text, everything else whole rows. */
  apply(event, data) {
    if (event === "init") return this.#reset(data);
    if (event === "delete") return data.map((key) => this.#remove(key)).filter(Boolean);
    return data.map((row) => this.#put(row)).filter(Boolean);
  }

  clear() {
    this.#rows.clear();
    this.#fields = [];
    this.#body.replaceChildren();
  }

  /** After a reconnect an `init` may repeat what is shown: only the differences are made visible. */
  #reset(rows) {
    const isFirst = this.#rows.size === 0;
    const keys = new Set(rows.map(({ id }) => String(id)));
    for (const key of [...this.#rows.keys()]) if (!keys.has(key)) this.#remove(key);
    for (const row of rows) this.#put(row, { quietly: isFirst });
    return [];
  }

  #put(data, { quietly = false } = {}) {
    const known = this.#rows.get(String(data.id));
    this.#fields = Object.keys(data);
    if (known) return this.#change(known, data);
    const element = this.#template.content.firstElementChild.cloneNode(true);
    element.dataset.key = String(data.id);
    element.classList.toggle("entering", !quietly);
    const row = { data, element };
    this.#rows.set(element.dataset.key, row);
    for (const cell of element.querySelectorAll("[data-field]")) this.#write(row, cell);
    this.#place(element, data.id);
    return `“${data.title}” came into sight.`;
  }

  #change(row, data) {
    const before = row.data;
    const changed = Object.keys(data).filter((field) => before[field] !== data[field] && field !== "date_updated");
    row.data = data;
    for (const cell of row.element.querySelectorAll("[data-field]")) {
      const field = cell.dataset.field;
      if (!changed.includes(field)) continue;
      this.#write(row, cell);
      flash(cell);
    }
    return changed.length ? `“${data.title}” changed: ${changed.join(", ")}.` : "";
  }

  #remove(key) {
    const row = this.#rows.get(String(key));
    if (!row) return "";
    this.#rows.delete(String(key));
    row.element.inert = true;
    row.element.classList.add("leaving");
    const animations = document.hidden ? [] : row.element.getAnimations({ subtree: true });
    Promise.allSettled(animations.map(({ finished }) => finished)).then(() => row.element.remove());
    return `“${row.data.title}” left your sight.`;
  }

  #write({ data, element }, cell) {
    const field = cell.dataset.field;
    const value = data[field];
    const target = cell.querySelector(".badge") ?? cell;
    target.textContent = WRITERS[field]?.(value) ?? String(value ?? "");
    if (field === "date_created" && value) cell.dateTime = value;
    if (field !== "status") return;
    element.dataset.status = value;
    element.querySelector('[data-act="publish"]').textContent = value === "published" ? "Unpublish" : "Publish";
  }

  #place(element, id) {
    const later = [...this.#body.children].find((other) => !other.inert && Number(other.dataset.key) < id);
    this.#body.insertBefore(element, later ?? null);
  }

  #clicked(button) {
    const row = this.#rows.get(button?.closest("tr").dataset.key);
    if (!row) return;
    if (button.dataset.act === "rename") this.#startRenaming(row);
    else this.#wish({ act: button.dataset.act, row: row.data });
  }

  #startRenaming({ data, element }) {
    const form = element.querySelector(".rename");
    element.classList.add("renaming");
    form.hidden = false;
    form.elements.title.value = data.title;
    form.elements.title.select();
    form.elements.title.focus();
  }

  #stopRenaming(element) {
    if (!element?.classList.contains("renaming")) return;
    const hadFocus = element.contains(document.activeElement);
    element.classList.remove("renaming");
    element.querySelector(".rename").hidden = true;
    if (hadFocus) element.querySelector('[data-act="rename"]').focus();
  }

  #renamed(event) {
    event.preventDefault();
    const element = event.target.closest("tr");
    const row = this.#rows.get(element.dataset.key);
    const title = event.target.elements.title.value.trim();
    this.#stopRenaming(element);
    if (row && title && title !== row.data.title) this.#wish({ act: "rename", row: row.data, title });
  }

  #wish(detail) {
    this.dispatchEvent(new CustomEvent("act", { detail }));
  }
}

function flash(cell) {
  cell.classList.remove("changed");
  void cell.offsetWidth; // lets the animation begin anew
  cell.classList.add("changed");
}
