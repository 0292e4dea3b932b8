/**
 * Takes the picture of the dashboard that the README shows:
 *
 *     deno run -A tests/admin/dashboard_picture.ts http://127.0.0.1:8000/dashboard
 *
 * Without an address it starts the guide's server with a Redis and a PostgreSQL,
 * and calls its tools for five minutes before. A second argument says where to
 * put it, others `dark`, `phone` or `full` what to show.
 */
import { launchChromium } from "../support/chromium.ts";
import { LoadedServer } from "./loaded_server.ts";

const LOAD_MS = 300_000;

const [url, file = "docs/dashboard.png", ...looks] = Deno.args;

await using stack = new AsyncDisposableStack();
const address = url || await loadServer();
const browser = stack.use(await launchChromium());
const page = await browser.newPage({
  viewport: looks.includes("phone")
    ? { width: 390, height: 844 }
    : { width: 1280, height: 800 },
  colorScheme: looks.includes("dark") ? "dark" : "light",
});
await page.goto(address);
await page.locator(".badge.good", { hasText: "live" }).waitFor();
// The first round of health checks has met the start of the browser.
await page.waitForTimeout(7_500);
await page.screenshot({
  path: file,
  fullPage: looks.includes("phone") || looks.includes("full"),
});

/** Where the dashboard of a server is that has been busy for a while. */
async function loadServer(): Promise<string> {
  const server = stack.use(await LoadedServer.start());
  await new Promise((resolve) => setTimeout(resolve, LOAD_MS));
  return `${server.origin}/dashboard`;
}
