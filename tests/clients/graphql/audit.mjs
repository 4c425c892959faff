/** The audit of GraphQL over HTTP, as `graphql-http` publishes it, against the server. */

import { auditServer } from "graphql-http";

import { finish, given, report } from "../harness.mjs";

const results = await auditServer({ url: `${given.url}/graphql`, fetchFn: fetch });
report(
  "audits",
  results.map(({ id, name, status, reason }) => ({ id, name, status, reason })),
);
finish();
