/** A server that is away for a moment: the client comes again, and its subscription goes on where it was. */

import { client, finish, follow, report, settled, told, write } from "./harness.mjs";

const query = "subscription($since: String) { articles_mutated(since: $since) { event data { title } } }";
const variables = {};
const own = client({ retryAttempts: 100, shouldRetry: () => true });
const record = follow(own, { query, variables });
await settled(own);
await write("Before");
await record.title("Before");
variables.since = record.frames.at(-1).extensions.position;
report("before");
await told();
await record.title("Meanwhile");
await write("After");
await record.title("After");
report("titles", record.titles());
await own.dispose();
finish();
