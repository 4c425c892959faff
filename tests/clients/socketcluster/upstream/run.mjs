/**
 * Run the tests of the published client package, as they are in the package, against servers of ours. They are written
 * for mocha; this is as much of it as they need.
 *
 *   node run.mjs '{"command": ["python", "application.py", "sqlite:///…"], "suite": "…/test/integration.js"}'
 *
 * Says `{"step": <title>, "value": <null or what went wrong>}` for each test. They wait for fixed times, some of them
 * for 10 ms: one that fails on a busy machine has another try.
 */

import Module, { createRequire } from "node:module";
import { begin, end, modules } from "./server.mjs";

const TRIES = 3;
const given = JSON.parse(process.argv[2]);
const TIMEOUT = given.timeout ?? 5_000; // what the package's own script gives a test
const require = createRequire(import.meta.url);
const suite = { titles: [], beforeEach: [], afterEach: [], tests: [] };
let current = suite;
let fail = () => {};

for (const event of ["unhandledRejection", "uncaughtException"]) process.on(event, (error) => fail(error));

const hook = (kind) => (title, work) => current[kind].push(work ?? title);

Object.assign(globalThis, {
  describe(title, define) {
    const outer = current;
    const { titles, beforeEach, afterEach, tests } = outer;
    current = { titles: [...titles, title], beforeEach: [...beforeEach], afterEach: [...afterEach], tests };
    define.call({});
    current = outer;
  },
  it(title, work) {
    const { titles, beforeEach, afterEach } = current;
    current.tests.push({ title: [...titles, title].join(": "), steps: [...beforeEach, work], after: afterEach });
  },
  before() {}, // it says on which ports there will be servers
  beforeEach: hook("beforeEach"),
  afterEach: hook("afterEach"),
});

const load = Module._load;
Module._load = (name, ...rest) => modules[name] ?? load(name, ...rest);

/** Run one function of a test; what goes wrong beside it meanwhile counts, too. */
async function run(work) {
  let timer;
  try {
    await new Promise((resolve, reject) => {
      fail = reject;
      timer = setTimeout(() => reject(new Error(`took more than ${TIMEOUT} ms`)), TIMEOUT);
      Promise.resolve(work.call({})).then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
  }
}

async function failure({ steps, after }) {
  let wrong = null;
  const note = (error) => (wrong ??= String(error?.stack ?? error));
  for (const step of steps) if (wrong === null) await run(step).catch(note);
  for (const step of [...after].reverse()) await run(step).catch(note);
  return wrong;
}

begin(given.command);
const log = console.log;
console.log = () => {};
require(given.suite);
for (const test of suite.tests) {
  let wrong = null;
  for (let attempt = 0; attempt < TRIES && (attempt === 0 || wrong !== null); attempt++) {
    wrong = await failure(test);
    if (wrong !== null) process.stderr.write(`${test.title}, try ${attempt + 1}: ${wrong}\n`);
  }
  log(JSON.stringify({ step: test.title, value: wrong }));
}
await end();
process.exit(0);
