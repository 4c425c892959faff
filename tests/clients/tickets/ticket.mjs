/**
 * A page in a browser opens sockets by tickets, with the code of the guide.
 *
 *   node ticket.mjs '{"url": "...", "chromium": "...", "accessToken": "...", "example": "..."}'
 *
 * Prints one JSON object: the first frame of the guide's socket, whether a second socket at the same address opens, one
 * with another ticket, and one with none, and the addresses of all of them.
 */

import { chromium } from "playwright-core";

const { url, chromium: executablePath, accessToken, example } = JSON.parse(process.argv[2]);
const args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"];

const opens = `(socket) => new Promise((told) => {
  socket.onopen = () => told(true);
  socket.onclose = () => told(false);
})`;

const browser = await chromium.launch({ executablePath, args });
try {
  const page = await browser.newPage();
  page.setDefaultTimeout(15_000);
  const report = { addresses: [] };
  page.on("websocket", (socket) => report.addresses.push(socket.url()));
  const answered = page.waitForEvent("websocket").then((socket) => socket.waitForEvent("framereceived"));
  await page.goto(`${url}/server/ping`);
  await page.evaluate(`(async () => {
    const accessToken = ${JSON.stringify(accessToken)};
    ${example}
    Object.assign(window, { openSocket, socket });
  })()`);
  report.frame = JSON.parse(String((await answered).payload));
  report.again = await page.evaluate(`(${opens})(new WebSocket(socket.url))`);
  report.another = await page.evaluate(`openSocket(${JSON.stringify(accessToken)}).then(${opens})`);
  report.without = await page.evaluate(`(${opens})(new WebSocket(socket.url.split("?")[0]))`);
  console.log(JSON.stringify(report));
} finally {
  await browser.close();
}
