/**
 * A page of the server's own origin runs an example of the guide, until it has logged as many lines as it says.
 *
 *   node page.mjs '{"url": "...", "chromium": "...", "example": "...", "lines": 2}'
 */

import { chromium } from "playwright-core";

const { url, chromium: executablePath, example, lines } = JSON.parse(process.argv[2]);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

const browser = await chromium.launch({ executablePath, args });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(20_000);
  const logged = [];
  const enough = new Promise((resolve) => {
    page.on("console", (message) => message.type() === "log" && logged.push(message.text()) === lines && resolve());
  });
  const late = new Promise((_, reject) => setTimeout(reject, 20_000, new Error(`logged so far: ${logged}`)).unref());
  await page.goto(`${url}/server/ping`);
  await page.evaluate(`(async () => { ${example} })()`);
  await Promise.race([enough, late]);
  console.log(logged.join("\n"));
} finally {
  await browser.close();
}
