/** What the scripts of all clients have in common: words with the test that runs them, and lists to wait on. */

import { createInterface } from "node:readline";

export const given = JSON.parse(process.argv[2]);
export const PATIENCE = 60_000;

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

/** Tell the test what has come about. */
export const report = (step, value) => process.stdout.write(`${JSON.stringify({ step, value })}\n`);

/** Wait until the test says a word. */
export const told = async () => JSON.parse((await within(lines.next(), "a word of the test")).value);

/** End, whatever timers and sockets the clients have left. */
export const finish = () => process.stdout.write("", () => process.exit(0));

/** Await a promise, but not for ever. */
export async function within(promise, what, milliseconds = PATIENCE) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited in vain for ${what}`)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A list that can be waited on. */
export class Record {
  #waiting = new Set();
  frames = [];
  moments = [];
  ended = false;

  add(frame) {
    this.frames.push(frame);
    this.moments.push(performance.now());
    this.#look();
  }

  end() {
    this.ended = true;
    this.#look();
  }

  /** Wait until a test of the record holds, and return what it gives. */
  until(test, what) {
    return within(
      new Promise((resolve) => {
        const look = () => {
          const found = test(this);
          if (!found) return;
          this.#waiting.delete(look);
          resolve(found);
        };
        this.#waiting.add(look);
        look();
      }),
      `${what}; seen: ${JSON.stringify(this.frames)}`,
    );
  }

  #look() {
    for (const look of this.#waiting) look();
  }
}
