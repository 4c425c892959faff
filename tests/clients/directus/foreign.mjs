/** Two people follow a collection that another program writes to. */

import { client, finish, Follower, given, report, sdk, told } from "./harness.mjs";

async function follow(person, fields) {
  const own = client().with(sdk.staticToken(person.token)).with(sdk.realtime());
  await own.connect();
  const follower = await Follower.of(own, "articles", { query: { fields } });
  await follower.init();
  return follower;
}

const editor = await follow(given.editor, ["title"]);
const reader = await follow(given.reader, ["title"]);
const nested = await follow(given.editor, ["title", { author: ["first_name"] }]);
report("following");
const { last } = await told();
await editor.title(last);
await reader.title(last);
report("nested", (await nested.title(last)).data.at(-1));
report("editor", editor.frames);
report("reader", reader.frames);
finish();
