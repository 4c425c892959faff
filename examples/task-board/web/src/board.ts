/**
 * The board: a column for each state, and a card for each task, which is changed in place.
 */

import type { Person, Task } from "./app-router";

type State = Task["state"];

const NAMES: Record<State, string> = { todo: "To do", doing: "Doing", done: "Done" };
const STATES: State[] = ["todo", "doing", "done"];

/** What can be done with a card. */
export interface Actions {
  move(task: Task, state: State): void;
  remove(task: Task): void;
}

export class Board {
  #cards = new Map<number, HTMLElement>();
  #lists = new Map<State, HTMLElement>();

  constructor(
    root: HTMLElement,
    private me: Person,
    private actions: Actions,
  ) {
    root.replaceChildren(...STATES.map((state) => this.#column(state)));
  }

  /** Show these tasks, and no others. */
  reset(tasks: Task[]): void {
    const kept = new Set(tasks.map((task) => task.id));
    for (const id of [...this.#cards.keys()]) if (!kept.has(id)) this.remove(id);
    for (const task of tasks) this.put(task);
  }

  /** Show a task as it is now. */
  put(task: Task): void {
    const list = this.#lists.get(task.state)!;
    const old = this.#cards.get(task.id);
    const had = old?.contains(document.activeElement);
    const card = this.#card(task);
    this.#cards.set(task.id, card);
    old?.remove();
    list.insertBefore(card, [...list.children].find((other) => Number(other.id) > task.id) ?? null);
    if (had) card.querySelector("button")?.focus();
  }

  /** Show a task no more. */
  remove(id: number): void {
    this.#cards.get(id)?.remove();
    this.#cards.delete(id);
  }

  #column(state: State): HTMLElement {
    const column = element("section", { className: `column ${state}` });
    const title = element("h2", { id: `column-${state}`, textContent: NAMES[state] });
    const list = element("ul", {});
    list.setAttribute("aria-labelledby", title.id);
    this.#lists.set(state, list);
    column.append(title, list);
    return column;
  }

  #card(task: Task): HTMLElement {
    const card = element("li", { id: String(task.id), className: "card" });
    const title = element("p", { className: "title", textContent: task.title });
    const author = element("p", { className: "author", textContent: task.author });
    const buttons = element("div", { className: "buttons" });
    const at = STATES.indexOf(task.state);
    for (const [state, sign] of [[STATES[at - 1], "←"], [STATES[at + 1], "→"]] as const) {
      if (!state) continue;
      buttons.append(button(sign, `Move “${task.title}” to ${NAMES[state]}`, () => this.actions.move(task, state)));
    }
    if (this.me.admin || task.owner === this.me.id) {
      buttons.append(button("×", `Remove “${task.title}”`, () => this.actions.remove(task)));
    }
    card.append(title, author, buttons);
    return card;
  }
}

/** Make an element. */
export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  properties: Partial<HTMLElementTagNameMap[Name]>,
): HTMLElementTagNameMap[Name] {
  return Object.assign(document.createElement(name), properties);
}

function button(sign: string, label: string, act: () => void): HTMLButtonElement {
  const made = element("button", { type: "button", textContent: sign, title: label, onclick: act });
  made.setAttribute("aria-label", label);
  return made;
}
