/** An operation that takes its time: signs of life, and what is asked beside it, are answered meanwhile. */

import { ask, client, finish, report, told, within } from "./harness.mjs";

let pongs = 0;
let enough = () => {};
const own = client({ lazy: false, keepAlive: 50, on: { pong: () => ++pongs === 2 && enough() } });
await ask(own, "{ __typename }");
report("ready");
await told();

const order = [];
const slow = ask(own, 'mutation { create_articles_item(data: {title: "Slow"}) { title } }').then(
  (outcome) => (order.push("slow"), outcome),
);
const twice = new Promise((resolve) => (enough = resolve));
pongs = 0;
await within(twice, "two pongs");
order.push("pongs");
const quick = await ask(own, "{ articles { title } }");
order.push("quick");
report("meanwhile", quick);
report("slow", { ...(await slow), order });
await own.dispose();
finish();
