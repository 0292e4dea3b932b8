import assert from "node:assert/strict";
import axe, { type AxeResults } from "axe-core";
import type { CDPSession, Locator, Page } from "playwright-core";
import { ignoreWithoutChromium, launchChromium } from "../support/chromium.ts";
import { eventually } from "../support/eventually.ts";
import {
  connection,
  HTML,
  pageTest,
  shown,
  Subject,
  tile,
  type Visit,
  visit,
} from "./dashboard_visit.ts";
import { MovingFigures } from "./moving_figures.ts";

pageTest(
  "the page shows the figures, and they move",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    assert.equal(await page.title(), "Order desk · dashboard");
    assert.equal(await page.textContent("#server-version"), "2.4.1");
    assert.equal(await page.textContent("#uptime"), "1 d 2 h");
    assert.equal(await tile(page, "Streams"), "43");

    for (let second = 0; second < 4; second++) {
      const before = subject.figures.requests;
      await subject.second();
      const rate = (subject.figures.requests - before).toLocaleString("en");
      await eventually(async () =>
        await tile(page, "Requests") === `${rate}/s`
      );
    }
    assert.equal(await page.textContent("#server-health"), "degraded");
    subject.figures.healthReport = {
      ...subject.figures.healthReport,
      status: "healthy",
    };
    for (let second = 0; second < 7; second++) await subject.second();
    await page.locator("#server-health.good", { hasText: "healthy" }).waitFor();
    assert.deepEqual(troubles, []);
  },
);

pageTest(
  "the charts draw lines, and tell what is under the cursor",
  async (browser, subject, url) => {
    for (let second = 0; second < 300; second++) await subject.second();
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    const plots = page.locator(".plot");
    assert.equal(await plots.count(), 6);
    for (const plot of await plots.all()) {
      assert.ok(
        await inked(plot) > 500,
        await plot.getAttribute("aria-label") ?? "",
      );
    }
    const value = page.locator(".chart .value").first();
    const latest = await value.textContent();
    const box = (await plots.first().boundingBox())!;
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    await eventually(async () => await value.textContent() !== latest);
    await page.mouse.move(0, 0);
    await eventually(async () => await value.textContent() === latest);
    const said = await plots.first().getAttribute("aria-label");
    assert.match(
      said!,
      /^Requests, per second, .* Now: requests [\d,.k]+, errors/,
    );
    assert.deepEqual(troubles, []);
  },
);

/** How many pixels of a chart's canvas have been drawn on. */
function inked(plot: Locator): Promise<number> {
  return plot.locator("canvas").evaluate((node) => {
    const canvas = node as unknown as {
      width: number;
      height: number;
      getContext(kind: "2d"): {
        getImageData(...box: number[]): { data: Uint8ClampedArray };
      };
    };
    const { data } = canvas.getContext("2d")
      .getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((alpha, at) => at % 4 === 3 && alpha > 0).length;
  });
}

pageTest(
  "HTML in a name is text",
  async (browser, subject, url) => {
    subject.figures.healthReport = {
      ...subject.figures.healthReport,
      checks: { [HTML]: { status: HTML, latency_ms: 1, message: HTML } },
    };
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    await subject.second();
    await subject.second();
    subject.figures.troubles = [{
      ...subject.figures.troubles[0],
      name: HTML,
      message: HTML,
    }];
    subject.figures.instruments = {
      [HTML]: [{ labels: { name: HTML, type: HTML }, values: { [HTML]: 1 } }],
    };
    await shown(page, subject);
    await page.locator("#trouble .message", { hasText: HTML }).waitFor();
    await page.locator("#things .others", { hasText: HTML }).waitFor();
    await page.locator("#health li", { hasText: HTML }).waitFor();
    assert.equal(await page.locator("#tools tbody th").textContent(), HTML);
    assert.equal(await page.locator("img, b").count(), 0);
    assert.equal(await page.title(), "Order desk · dashboard");
    assert.deepEqual(troubles, []);
  },
  () => new MovingFigures({ tools: [HTML] }),
);

const MANY = Array.from({ length: 500 }, (_, at) => `tool_${at}`);

pageTest(
  "of many tools the costliest are shown; others are found by name",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    const rows = page.locator("#tools tbody tr");
    const names = () => page.locator("#tools tbody th").allTextContents();
    const note = page.locator("#tools .empty");
    assert.equal(await rows.count(), 20);
    assert.equal((await names())[0], "tool_0");
    assert.equal(await note.textContent(), "The first 20 of 500 tools.");

    await page.getByRole("searchbox", { name: "Filter tools by name" })
      .first().fill("TOOL_49");
    assert.equal(await rows.count(), 11);
    assert.equal(await note.isVisible(), false);
    await page.locator("#tools input").fill("nothing");
    assert.equal(await note.textContent(), "None of 500 tools matches.");
    await page.locator("#tools input").fill("");

    await page.locator("#tools").getByRole("button", { name: "calls" }).click();
    const heads = page.locator("#tools thead th[aria-sort=descending]");
    assert.deepEqual(await heads.allTextContents(), ["calls"]);
    await subject.second();
    assert.deepEqual(troubles, []);
  },
  () => new MovingFigures({ tools: MANY }),
);

pageTest(
  "an update with 500 tools takes a few milliseconds",
  async (browser, subject, url) => {
    for (let second = 0; second < 300; second++) await subject.second();
    await using visited = await visit(browser, url);
    const { page } = visited;
    const session = await page.context().newCDPSession(page);
    await session.send("Performance.enable");
    await shown(page, subject);
    let least = Infinity;
    for (let update = 0; update < 20; update++) {
      const before = await workMs(session);
      await shown(page, subject);
      least = Math.min(least, await workMs(session) - before);
    }
    // On a busy machine others' work counts in some of them.
    assert.ok(least > 0.1 && least < 50, `${least} ms`);
  },
  () => new MovingFigures({ tools: MANY }),
);

/** How long the page's scripts and layout have been at work, in milliseconds. */
async function workMs(session: CDPSession): Promise<number> {
  const { metrics } = await session.send("Performance.getMetrics");
  const work = ["ScriptDuration", "LayoutDuration", "RecalcStyleDuration"];
  return metrics.filter(({ name }) => work.includes(name))
    .reduce((sum, { value }) => sum + 1_000 * value, 0);
}

pageTest(
  "it follows the system's light and dark",
  async (browser, subject, url) => {
    await subject.second();
    await using visited = await visit(browser, url, { colorScheme: "dark" });
    const { page, troubles } = visited;
    assert.ok(await lightness(page) < 40);
    await page.emulateMedia({ colorScheme: "light" });
    assert.ok(await lightness(page) > 230);
    assert.equal(await page.locator("canvas").count(), 6, "drawn anew");
    assert.deepEqual(troubles, []);
  },
);

/** From 0 (black) to 255 (white): what the page is painted with. */
async function lightness(page: Page): Promise<number> {
  const color = await page.evaluate<string>(
    "getComputedStyle(document.body).backgroundColor",
  );
  return Math.max(...color.match(/\d+/g)!.map(Number));
}

for (const colorScheme of ["light", "dark"] as const) {
  pageTest(
    `everybody can read it when it is ${colorScheme}`,
    async (browser, subject, url) => {
      await subject.second();
      await using visited = await visit(browser, url, { colorScheme });
      const { page } = visited;
      await shown(page, subject);
      for (const summary of await page.locator("summary").all()) {
        await summary.click();
      }
      await page.evaluate(axe.source);
      const { passes, violations } = await page.evaluate<AxeResults>(
        "axe.run()",
      );
      assert.ok(passes.some(({ id }) => id === "color-contrast"));
      assert.deepEqual(
        violations.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]),
        [],
      );
    },
  );
}

pageTest(
  "nothing is wider than the screen",
  async (browser, subject, url) => {
    await subject.second();
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    for (const summary of await page.locator("summary").all()) {
      await summary.click();
    }
    for (const width of [320, 360, 390, 768, 1280, 1920]) {
      await page.setViewportSize({ width, height: 800 });
      await shown(page, subject);
      assert.equal(await contentWidth(page), width);
    }
    assert.deepEqual(troubles, []);
  },
  () => new MovingFigures({ tools: ["a_tool", "x".repeat(128)] }),
);

function contentWidth(page: Page): Promise<number> {
  return page.evaluate<number>("document.documentElement.scrollWidth");
}

pageTest(
  "the charts take the width that a turned phone has",
  async (browser, _, url) => {
    await using visited = await visit(browser, url, {
      viewport: { width: 390, height: 844 },
    });
    const { page } = visited;
    const width = async () =>
      (await page.locator(".uplot").first().boundingBox())!.width;
    const narrow = await width();
    await page.setViewportSize({ width: 844, height: 390 });
    await eventually(async () => await width() > narrow);
    await page.setViewportSize({ width: 390, height: 844 });
    await eventually(async () => await width() === narrow);
    assert.equal(await contentWidth(page), 390);
  },
);

pageTest(
  "pausing holds the figures, and going on shows the newest",
  async (browser, subject, url) => {
    await subject.second();
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    await page.getByRole("button", { name: "Pause" }).click();
    const held = await tile(page, "Requests");
    await subject.second();
    await subject.second();
    await connection(page, "paused");
    assert.equal(await tile(page, "Requests"), held);
    await page.getByRole("button", { name: "Resume" }).click();
    assert.notEqual(await tile(page, "Requests"), held);
    await connection(page, "live");
    assert.deepEqual(troubles, []);
  },
);

pageTest(
  "figures that stop are told to be old",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    await connection(page, "no figures for");
    assert.equal(await page.locator("body.stale").count(), 1);
    await subject.second();
    await connection(page, "live");
    assert.equal(await page.locator("body.stale").count(), 0);
    assert.deepEqual(troubles, []);
  },
);

Deno.test(
  "the page finds a server again that has been restarted",
  { ignore: ignoreWithoutChromium },
  async () => {
    await using browser = await launchChromium();
    let port: number;
    let visited: Visit;
    {
      await using subject = new Subject();
      ({ port } = subject);
      visited = await visit(browser, `http://127.0.0.1:${port}/dashboard`);
    }
    await using stack = new AsyncDisposableStack();
    const { page } = stack.use(visited);
    await connection(page, "connection lost, retrying");
    await using again = new Subject(new MovingFigures(), port);
    await connection(page, "live");
    await shown(page, again);
  },
);

Deno.test(
  "the page works behind a prefix",
  { ignore: ignoreWithoutChromium },
  async () => {
    await using browser = await launchChromium();
    await using subject = new Subject(new MovingFigures(), 0, "/team/orders");
    const base = `http://127.0.0.1:${subject.port}/team/orders/dashboard`;
    for (const url of [base, `${base}/`]) {
      await using visited = await visit(browser, url);
      await shown(visited.page, subject);
      assert.equal(visited.page.url(), base);
      assert.deepEqual(visited.troubles, []);
    }
  },
);

pageTest(
  "a page that is closed leaves no viewer behind",
  async (browser, subject, url) => {
    {
      await using _ = await visit(browser, url);
      assert.equal(subject.viewers, 1);
    }
    await eventually(() => subject.viewers === 0);
  },
);

pageTest(
  "a server that has nothing to show has no empty cards",
  async (browser, subject, url) => {
    const { figures } = subject;
    Object.assign(figures, { troubles: [], ownMetrics: {}, instruments: {} });
    figures.healthReport = {
      ...figures.healthReport,
      status: "healthy",
      checks: {},
    };
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    await subject.second();
    await page.locator("#server-health.good").waitFor();
    for (const id of ["tools", "health", "blocks", "trouble", "things"]) {
      assert.equal(await page.locator(`#${id}`).isVisible(), false, id);
    }
    assert.equal(await page.locator("#process").isVisible(), true);
    assert.equal(await tile(page, "Memory"), "–");
    assert.equal(await tile(page, "Loop lag, p99"), "–");
    assert.deepEqual(troubles, []);
  },
  () => new MovingFigures({ tools: [], blind: true }),
);

Deno.test(
  "a dead server looks dead, wherever on the page one is, and says since when",
  { ignore: ignoreWithoutChromium },
  async () => {
    await using browser = await launchChromium();
    await using stack = new AsyncDisposableStack();
    const subject = new Subject();
    const url = `http://127.0.0.1:${subject.port}/dashboard`;
    const { page } = stack.use(await visit(browser, url));
    await shown(page, subject);
    const broken = page.locator("#broken");
    assert.equal(await broken.isVisible(), false);
    await subject[Symbol.asyncDispose]();
    await connection(page, "connection lost, retrying");
    await page.evaluate("scrollTo(0, document.body.scrollHeight)");
    const { y } = (await broken.boundingBox())!;
    assert.ok(y >= 0 && y < 200, `it stands at ${y}`);
    assert.match(
      (await broken.textContent())!,
      /^The server can't be reached\. .* \d+ s old: of \d\d:\d\d:\d\d\.$/,
    );
    assert.equal(await page.textContent("#server-health"), "unknown");
    const opacity = await page.evaluate<string>(
      "getComputedStyle(document.querySelector('main')).opacity",
    );
    assert.ok(Number(opacity) < 0.5, opacity);
  },
);

pageTest(
  "a tool that was never called has no figures",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page } = visited;
    await shown(page, subject);
    const row = page.locator("#tools tbody tr", { hasText: "nobody_calls_me" });
    assert.deepEqual(
      await row.locator("td").allTextContents(),
      Array(8).fill("–"),
    );
    assert.doesNotMatch(
      (await page.locator("#tools tbody tr", { hasText: "echo" })
        .allTextContents()).join(),
      /–/,
    );
  },
  () => new MovingFigures({ tools: ["echo"], idle: ["nobody_calls_me"] }),
);

pageTest(
  "on a phone the table of tools comes first, and keeps its columns",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url, {
      viewport: { width: 390, height: 844 },
    });
    const { page } = visited;
    await shown(page, subject);
    const top = async (selector: string) =>
      (await page.locator(selector).boundingBox())!.y;
    assert.ok(await top("#tools") < await top("#tiles"));
    assert.ok(await top("#tiles") < await top("#charts"));
    const heads = page.locator("#tools thead th");
    assert.equal(await heads.count(), 9);
    for (const head of await heads.all()) assert.ok(await head.isVisible());
    const name = page.locator("#tools tbody th").first();
    const { x } = (await name.boundingBox())!;
    await page.locator("#tools .scroll").evaluate((node) => {
      (node as unknown as { scrollLeft: number }).scrollLeft = 500;
    });
    assert.equal((await name.boundingBox())!.x, x, "the name stays in sight");
    assert.ok(await page.locator("#tools tbody td").nth(7).isVisible());
  },
);

pageTest(
  "latency stands on a scale of powers of ten",
  async (browser, subject, url) => {
    for (let second = 0; second < 30; second++) await subject.second();
    await using visited = await visit(browser, url);
    assert.ok(
      await inked(visited.page.locator(".plot").nth(1)) > 500,
      "it is drawn, also where the lag was 0",
    );
    assert.deepEqual(visited.troubles, []);
  },
);
