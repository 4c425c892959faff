/** `subscriptions-transport-ws`, the older client: it sends its first operations at once, and comes again. */

import { SubscriptionClient } from "subscriptions-transport-ws";

import { finish, FOLLOW, given, login, Record, report, SOCKET, WebSocket, within, write } from "./harness.mjs";

const follow = (own, payload) => {
  const record = new Record();
  record.outcome = new Promise((resolve) => {
    record.subscription = own.request(payload).subscribe({
      next: (result) => record.add(result),
      error: (error) => resolve({ error: error.message }),
      complete: () => resolve({ completed: true }),
    });
  });
  record.titles = () => record.frames.map((frame) => frame.data.articles_mutated.data?.title);
  record.title = (title) => record.until(() => record.titles().includes(title), title);
  return record;
};

const client = (options = {}) =>
  new SubscriptionClient(SOCKET, { connectionParams: { access_token: given.editor.token }, ...options }, WebSocket);

async function operations() {
  const own = client();
  const record = follow(own, { query: FOLLOW });
  const asked = follow(own, { query: "{ articles(limit: 1) { id } }" });
  report("query", { ...(await asked.outcome), errors: asked.frames[0].errors ?? null });
  await write("Old");
  await record.title("Old");
  record.subscription.unsubscribe();
  const wrong = follow(own, { query: "{ nope }" });
  await wrong.outcome;
  report("wrong", wrong.frames[0].errors[0].message);
  report("titles", record.titles());
  own.close();
}

async function refused() {
  const error = await within(
    new Promise((resolve) => client({ connectionParams: { access_token: "nope" }, connectionCallback: resolve })),
    "the refusal",
  );
  report("refused", error?.message ?? error);
}

async function expiry() {
  let logins = 0;
  const connectionParams = async () => {
    logins++;
    return { access_token: (await login(given.editor)).access_token };
  };
  const own = client({ reconnect: true, connectionParams });
  const record = follow(own, { query: FOLLOW });
  const again = within(new Promise((resolve) => own.onReconnected(resolve)), "a new connection");
  await follow(own, { query: "{ __typename }" }).outcome;
  await write("Before");
  await record.title("Before");
  await again;
  await follow(own, { query: "{ __typename }" }).outcome;
  await write("After");
  await record.title("After");
  report("expiry", { titles: record.titles(), renewed: logins >= 2 });
  own.close();
}

if (given.expires) await expiry();
else {
  await operations();
  await refused();
}
finish();
