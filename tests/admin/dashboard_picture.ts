/**
 * Takes the picture of the dashboard that the README shows:
 *
 *     deno run -A tests/admin/dashboard_picture.ts http://127.0.0.1:8000/dashboard
 *
 * Without an address it takes one of figures that are made up. A second argument
 * says where to put it, a third `dark` or `phone` what to show.
 */
import { Dashboard } from "../../src/admin/dashboard/dashboard.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { launchChromium } from "../support/chromium.ts";
import { MovingFigures } from "./moving_figures.ts";

const [url, file = "docs/dashboard.png", ...looks] = Deno.args;

await using stack = new AsyncDisposableStack();
const browser = stack.use(await launchChromium());
const page = await browser.newPage({
  viewport: looks.includes("phone")
    ? { width: 390, height: 844 }
    : { width: 1280, height: 800 },
  colorScheme: looks.includes("dark") ? "dark" : "light",
});
await page.goto(url || await serveMadeUpFigures());
await page.locator(".badge.good", { hasText: "live" }).waitFor();
await page.waitForTimeout(2_500);
await page.screenshot({
  path: file,
  fullPage: looks.includes("phone") || looks.includes("full"),
});

/** Five minutes of figures, and a second more every second. */
async function serveMadeUpFigures(): Promise<string> {
  const figures = new MovingFigures();
  const clock = new FakeClock();
  const dashboard = stack.use(new Dashboard(figures, { clock }));
  dashboard.start();
  const server = Deno.serve(
    { port: 0, hostname: "127.0.0.1", onListen: () => {} },
    (request) =>
      dashboard.handle(request) ?? new Response("not found", { status: 404 }),
  );
  stack.defer(() => server.shutdown());
  stack.defer(() => dashboard.close());
  for (let second = 0; second < 300; second++) {
    figures.at = Date.now() - 1_000 * (300 - second);
    await clock.advance(1_000);
  }
  const timer = setInterval(() => {
    figures.at = Date.now();
    clock.advance(1_000);
  }, 1_000);
  stack.defer(() => clearInterval(timer));
  return `http://127.0.0.1:${server.addr.port}/dashboard`;
}
