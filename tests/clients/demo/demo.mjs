/**
 * Two people look at the demo page side by side in one browser: an administrator, who writes, and a reader.
 *
 *   node demo.mjs '{"url": "...", "chromium": "...", "passwords": {"admin": "...", "reader": "..."}, "example": "..."}'
 *
 * A third page runs the README's example, with the reader's password for an answer to its question.
 * Prints one JSON object: what each of them saw at each step, the frames of each, what the console said, and every
 * address that was asked for.
 */

import { chromium } from "playwright-core";

const { url, chromium: executablePath, passwords, example } = JSON.parse(process.argv[2]);
const TITLE = "On the keeping of watchwords";
const args = [
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

const browser = await chromium.launch({ executablePath, args });
const report = { steps: {}, frames: { admin: [], reader: [], example: [] }, console: [], requests: [] };

/** Open the page for one person, and note all that it does. */
async function open(name) {
  const page = await (await browser.newContext()).newPage();
  page.setDefaultTimeout(15_000);
  page.on("console", (message) => message.type() === "error" && report.console.push(message.text()));
  page.on("pageerror", (error) => report.console.push(String(error)));
  page.on("request", (request) => report.requests.push(request.url()));
  page.on("websocket", (socket) => {
    report.requests.push(socket.url());
    socket.on("framereceived", ({ payload }) => report.frames[name].push(String(payload)));
  });
  await page.goto(url);
  return page;
}

/** Run the example of the README, and note what it logs. */
async function runExample() {
  const page = await open("example");
  const logged = [];
  page.on("console", (message) => message.type() === "log" && logged.push(message.text()));
  page.on("dialog", (dialog) => dialog.accept(passwords.reader));
  const started = page.waitForEvent("console", (message) => message.text().startsWith("init"));
  await page.evaluate(example);
  await started;
  return logged;
}

async function signIn(page, name, password) {
  await page.check(`input[value="${name}@example.com"]`);
  await page.fill("#password", password);
  await page.click("#connect");
}

const titles = (page) => page.locator("#rows tr:not(.leaving) .title").allTextContents();
const row = (page) => page.locator("#rows tr", { hasText: TITLE });
const act = (page, name) => row(page).locator(`[data-act="${name}"]`).click();

try {
  const admin = await open("admin");
  const reader = await open("reader");

  await signIn(reader, "reader", "not the password");
  report.steps.refused = await reader.locator("#gate-notice:not([hidden])").textContent();

  await signIn(admin, "admin", passwords.admin);
  await signIn(reader, "reader", passwords.reader);
  await admin.locator("#rows tr").first().waitFor();
  await reader.locator("#rows tr").first().waitFor();
  report.steps.start = { admin: await titles(admin), reader: await titles(reader) };
  report.steps.connection = await admin.locator("#connection").textContent();
  const logged = await runExample();
  report.steps.readerButtons = await reader.locator("[data-act]:visible").count();

  await admin.fill("#new-title", TITLE);
  await admin.press("#new-title", "Enter");
  await row(admin).waitFor();
  report.steps.draft = { reader: await titles(reader) };

  await act(admin, "publish");
  await row(reader).waitFor();
  report.steps.published = { reader: await titles(reader) };

  await act(admin, "rename");
  await row(admin).locator("input").fill(`${TITLE}, and of lamps`);
  await row(admin).locator("input").press("Enter");
  await reader.getByText(`${TITLE}, and of lamps`, { exact: true }).waitFor();

  await act(admin, "publish");
  await row(reader).waitFor({ state: "detached" });
  report.steps.unpublished = { admin: await titles(admin), reader: await titles(reader) };

  await act(admin, "delete");
  await row(admin).waitFor({ state: "detached" });
  report.steps.deleted = { admin: await titles(admin) };

  await reader.click("#trespass button");
  report.steps.trespass = await reader.locator("#notice:not([hidden])").textContent();
  report.steps.example = logged.map((text) => text.split(" ")[0]);
  report.steps.shown = await reader.locator("#frames").textContent();
} finally {
  await browser.close();
}

console.log(JSON.stringify(report));
