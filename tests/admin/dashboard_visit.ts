import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import { Dashboard } from "../../src/admin/dashboard/dashboard.ts";
import { ignoreWithoutChromium, launchChromium } from "../support/chromium.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { MovingFigures } from "./moving_figures.ts";

/** A server of nothing but the dashboard, whose seconds a test lets pass. */
export class Subject implements AsyncDisposable {
  readonly figures: MovingFigures;
  readonly clock: FakeClock = new FakeClock();
  readonly port: number;
  readonly #dashboard: Dashboard;
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  constructor(figures = new MovingFigures(), port = 0, prefix = "") {
    this.figures = figures;
    this.#dashboard = new Dashboard(figures, { clock: this.clock });
    this.#dashboard.start();
    this.#server = Deno.serve(
      { port, hostname: "127.0.0.1", onListen: () => {} },
      (request) => {
        const url = request.url.replace(prefix, "");
        const { method, headers } = request;
        return this.#dashboard.handle(new Request(url, { method, headers })) ??
          new Response("not found", { status: 404 });
      },
    );
    this.port = this.#server.addr.port;
  }

  get viewers(): number {
    return this.#dashboard.viewers;
  }

  /** Lets a second pass, and gives the page what has come about. */
  second(): Promise<void> {
    return this.clock.advance(1_000);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#dashboard.close();
    await this.#server.shutdown();
  }
}

/** An open page, and all that went wrong in it. */
export interface Visit extends AsyncDisposable {
  page: Page;
  troubles: string[];
}

export async function visit(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Visit> {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  const troubles: string[] = [];
  const { origin } = new URL(url);
  await context.route("**", (route) => {
    if (new URL(route.request().url()).origin === origin) {
      return route.continue();
    }
    troubles.push(`request to ${route.request().url()}`);
    return route.abort();
  });
  page.on("pageerror", (error) => troubles.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warning"].includes(message.type())) {
      troubles.push(message.text());
    }
  });
  await page.goto(url);
  await connection(page, "live");
  return {
    page,
    troubles,
    [Symbol.asyncDispose]: () => context.close(),
  };
}

/** Waits for what the page says of its connection. */
export function connection(page: Page, text: string): Promise<void> {
  return page.locator("#connection", { hasText: text }).waitFor();
}

/** The figure of a tile, as it is read. */
export async function tile(page: Page, title: string): Promise<string> {
  const named = page.locator("dt").getByText(title, { exact: true });
  const figure = page.locator(".tile", { has: named }).locator(".figure");
  return (await figure.textContent())!;
}

/** Lets a second pass, and waits until the page shows it. */
export async function shown(page: Page, subject: Subject): Promise<void> {
  const before = subject.figures.requests;
  await subject.second();
  const rate = (subject.figures.requests - before).toLocaleString("en");
  await page.locator(".tile .figure", { hasText: `${rate}/s` }).waitFor();
}

/** A name that tries to be more than text. */
export const HTML = `<img src=x onerror="document.title='owned'"><b>bold</b>`;

let browser: Browser;

Deno.test.beforeAll(async () => {
  if (!ignoreWithoutChromium) browser = await launchChromium();
});
Deno.test.afterAll(() => browser?.close());

/** A test with a browser, and with a server for it to visit. */
export function pageTest(
  name: string,
  test: (browser: Browser, subject: Subject, url: string) => Promise<void>,
  figures?: () => MovingFigures,
): void {
  Deno.test(name, { ignore: ignoreWithoutChromium }, async () => {
    await using subject = new Subject(figures?.());
    await test(browser, subject, `http://127.0.0.1:${subject.port}/dashboard`);
  });
}
