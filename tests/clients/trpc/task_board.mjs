/**
 * Two people work at the example's task board, each in a browser of their own.
 *
 *   node task_board.mjs '{"url": "...", "chromium": "...", "people": {"ann@example.com": ["Ann", "..."], ...}}'
 *
 * Prints one JSON object: what each of them saw at each step, what the console said, and every address that was asked
 * for. With "picture", the board is also painted into that file.
 */

import { chromium } from "playwright-core";

const { url, chromium: executablePath, people, picture } = JSON.parse(process.argv[2]);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];
const ANN = "ann@example.com";
const BOB = "bob@example.com";

const browser = await chromium.launch({ executablePath, args });
const report = { steps: {}, console: [], requests: [] };
const { steps } = report;

/** Open the page for one person. */
async function open() {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 620 } })).newPage();
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => message.type() === "error" && report.console.push(message.text()));
  page.on("pageerror", (error) => report.console.push(String(error)));
  page.on("request", (request) => report.requests.push(request.url()));
  page.on("websocket", (socket) => report.requests.push(socket.url()));
  await page.goto(url);
  return page;
}

async function logIn(page, email, password = people[email][1]) {
  await page.getByLabel("E-mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Log in" }).click();
}

async function add(page, title) {
  await page.getByLabel("New task").fill(title);
  await page.getByRole("button", { name: "Add" }).click();
}

/** End every session of somebody but the one that this is done by. */
async function endSessions(email) {
  const headers = { "content-type": "application/json" };
  const call = async (path, options) => (await fetch(url + path, options)).json();
  const body = JSON.stringify({ email, password: people[email][1] });
  const { data: tokens } = await call("/auth/login", { method: "POST", headers, body });
  const as = { authorization: `Bearer ${tokens.access_token}` };
  const { data: sessions } = await call("/users/me/sessions", { headers: as });
  for (const { id } of sessions.filter(({ current }) => !current)) {
    await fetch(`${url}/users/me/sessions/${id}`, { method: "DELETE", headers: as });
  }
}

const column = (page, name) => page.getByRole("list", { name, exact: true });
const card = (page, name, title) => column(page, name).getByRole("listitem").filter({ hasText: title });
const titles = (page, name) => column(page, name).locator(".title").allTextContents();
const move = (page, title, name) => page.getByRole("button", { name: `Move “${title}” to ${name}` }).click();

try {
  const ann = await open();
  const bob = await open();

  await logIn(ann, ANN, "not the password");
  steps.refused = await ann.getByRole("alert").filter({ hasText: /./ }).textContent();

  await logIn(ann, ANN);
  await logIn(bob, BOB);
  await ann.getByText("Live, as Ann").waitFor();
  await bob.getByText("Live, as Bob").waitFor();
  await ann.getByLabel("Here now").getByText("Bob").waitFor();
  steps.here = await ann.getByLabel("Here now").getByRole("listitem").allTextContents();
  steps.notice = await ann.getByRole("alert").textContent();

  await add(ann, "Mend the sail");
  await card(bob, "To do", "Mend the sail").waitFor();
  steps.added = await card(bob, "To do", "Mend the sail").locator(".author").textContent();
  steps.others = await bob.getByRole("button", { name: "Remove “Mend the sail”" }).count();
  await add(bob, "Trim the <b>lamp</b>");
  await card(ann, "To do", "Trim the <b>lamp</b>").waitFor();

  await move(bob, "Mend the sail", "Doing");
  await card(ann, "Doing", "Mend the sail").waitFor();
  steps.moved = { todo: await titles(ann, "To do"), doing: await titles(ann, "Doing") };
  if (picture) await ann.screenshot({ path: picture, animations: "disabled" });

  await bob.reload();
  await card(bob, "Doing", "Mend the sail").waitFor();
  steps.reloaded = await bob.getByRole("status").textContent();

  await bob.getByRole("button", { name: "Remove “Trim the <b>lamp</b>”" }).click();
  await card(ann, "To do", "Trim the <b>lamp</b>").waitFor({ state: "detached" });
  steps.removed = await titles(ann, "To do");

  await bob.getByRole("button", { name: "Log out" }).click();
  await bob.getByLabel("E-mail address").waitFor();
  await ann.getByLabel("Here now").getByText("Bob").waitFor({ state: "detached" });
  steps.left = await ann.getByLabel("Here now").getByRole("listitem").allTextContents();
  await bob.reload();
  steps.loggedOut = await bob.getByRole("button", { name: "Log in" }).isVisible();

  await endSessions(ANN);
  await ann.getByRole("button", { name: "Log in" }).waitFor();
  steps.thrownOut = await ann.getByRole("alert").textContent();
} finally {
  await browser.close();
}

console.log(JSON.stringify(report));
