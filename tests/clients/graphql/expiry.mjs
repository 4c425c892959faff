/** Access tokens that live for two seconds: an unmodified client with asynchronous parameters goes on and misses nothing. */

import { client, finish, follow, given, login, report, settled, write } from "./harness.mjs";

const query = "subscription($since: String) { articles_mutated(since: $since, event: create) { data { title } } }";
const closes = [];
let logins = 0;

const own = client({
  connectionParams: async () => {
    logins++;
    return { access_token: (await login(given.editor)).access_token };
  },
  on: { closed: ({ code, reason, wasClean }) => closes.push({ code, reason, wasClean }) },
});
const variables = {};
const record = follow(own, { query, variables });
await settled(own);
const written = [];
for (let count = 0; closes.length < 3; count++) {
  const title = `Row ${count}`;
  await write(title);
  written.push(title);
  await new Promise((resolve) => setTimeout(resolve, 40));
  const last = record.frames.at(-1);
  if (last !== undefined) variables.since = last.extensions.position;
}
await record.title(written.at(-1));
report("written", written);
report("seen", record.titles());
report("closes", closes.slice(0, 3));
report("logins", logins);
await own.dispose();
finish();
