import assert from "node:assert/strict";
import type { Locator, Page } from "playwright-core";
import { HTML, pageTest, shown, visit } from "./dashboard_visit.ts";

pageTest(
  "it says who blocked the event loop",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    assert.deepEqual(
      await page.locator("#blocks dt").allTextContents(),
      [
        "generate_report",
        "resize_image",
        "not known for certain",
        "nobody: no CPU to be had",
      ],
    );
    assert.deepEqual(
      await page.locator("#blocks dd").allTextContents(),
      ["49×, 41.3 s", "12×, 1.90 s", "3×", "2×, 340 ms"],
    );
    assert.deepEqual(troubles, []);
    await subject.second();
  },
);

pageTest(
  "the author's own metrics are shown by name, and found",
  async (browser, subject, url) => {
    const few = subject.figures.ownMetrics;
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    const card = page.locator("#own-metrics");
    const names = () => card.locator("tbody th").allTextContents();
    assert.deepEqual(await names(), [
      "shop_basket_value",
      'shop_orders channel="mcp"',
      'shop_orders channel="web"',
    ]);
    assert.deepEqual(
      await card.locator("td").allTextContents(),
      ["41.3", "4.2M", "31,204"],
    );
    assert.equal(await card.locator("input").isVisible(), false);

    const label = `shop_pages{page="a{1}\\"}${HTML}"}`;
    subject.figures.ownMetrics = { ...few, [label]: 1 };
    for (let shop = 0; shop < 40; shop++) {
      subject.figures.ownMetrics[`shop_visits{shop="${shop}"}`] = shop;
    }
    await shown(page, subject);
    assert.equal((await names()).length, 20);
    assert.equal(await page.locator("img, b").count(), 0);
    assert.equal(
      await card.locator(".empty").textContent(),
      "The first 20 of 44 metrics.",
    );
    await card.getByRole("searchbox").fill('shop="39');
    assert.deepEqual(await names(), ['shop_visits shop="39"']);

    subject.figures.ownMetrics = {};
    await shown(page, subject);
    assert.equal(await card.isVisible(), false);
    assert.deepEqual(troubles, []);
  },
);

pageTest(
  "what is of one name stands on one card, the worst first",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    const names = page.locator(".thing tr:first-child th[scope=row]");
    assert.deepEqual(await names.allTextContents(), [
      "http_pool",
      "search results",
      "session_cache",
      "memory",
      "orders_db",
      "pack",
      "per caller",
      "porter",
      "upstream",
    ]);
    assert.deepEqual(await parts(page, "http_pool"), [
      "HTTP pool",
      "circuit https://mail.example",
      "origin https://rates.example",
      "circuit https://rates.example",
    ]);
    assert.deepEqual(await parts(page, "orders_db"), ["pool", "PostgreSQL"]);
    assert.deepEqual(await parts(page, "memory"), ["cache"]);
    assert.deepEqual(await parts(page, "porter"), ["night shifts"]);
    assert.equal(await figure(page, "orders_db", "in use"), "6 of 10");
    assert.equal(await figure(page, "orders_db", "failed"), "22");
    assert.equal(
      await figure(page, "search results", "hits or time"),
      "90.3 %",
    );
    assert.equal(await figure(page, "pack", "hits or time"), "75.0 ms");
    assert.deepEqual(
      await page.locator(".thing .badge:visible").evaluateAll((all) =>
        all.map((each) => // deno-lint-ignore no-explicit-any -- an element of the page's
        [(each as any).textContent, (each as any).className])
      ),
      [
        ["open", "badge bad"],
        ["closed", "badge good"],
        ["incoherent", "badge warn"],
        ["half open", "badge warn"],
      ],
    );
    await subject.second();
    assert.deepEqual(troubles, []);
  },
);

pageTest(
  "columns are at the same place on all cards",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page } = visited;
    await shown(page, subject);
    for (const width of [900, 1280]) {
      await page.setViewportSize({ width, height: 800 });
      const edges = await page.evaluate<number[][]>(`
        Array.from(document.querySelectorAll(".thing tbody tr"), (row) =>
          Array.from(row.children, (cell) =>
            Math.round(cell.getBoundingClientRect().right)))`);
      assert.ok(edges.length > 10);
      for (const row of edges) assert.deepEqual(row, edges[0]);
    }
  },
);

pageTest(
  "what is 0 is shown on demand, or once it moves",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    const others = () => thing(page, "memory").locator(".others td, td.others");
    const text = () => others().last().textContent();
    assert.equal(await text(), "entries 34, bytes 8.90 KiB");
    await page.getByRole("button", { name: "Show zeros" }).click();
    assert.equal(
      await text(),
      "stale hits 0, entries 34, bytes 8.90 KiB, evictions 0",
    );
    await page.getByRole("button", { name: "Show zeros" }).click();
    const { cache, ...kinds } = subject.figures.instruments;
    subject.figures.instruments = {
      ...kinds,
      cache: cache.map(({ labels, values }) => ({
        labels,
        values: { ...values, evictions: 7 },
      })),
    };
    await shown(page, subject);
    assert.equal(await text(), "entries 34, bytes 8.90 KiB, evictions 7");
    assert.deepEqual(troubles, []);
  },
);

pageTest(
  "failures are red while they grow, and a pool that has nothing left says so",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page } = visited;
    const failed = thing(page, "orders_db").locator("td[data-title=failed]")
      .first();
    assert.notEqual(await failed.getAttribute("class"), "bad");
    const [reading] = subject.figures.instruments.pool;
    const values = { ...reading.values, in_use: 10, timeouts: 20 };
    subject.figures.instruments = {
      ...subject.figures.instruments,
      pool: [{ ...reading, values }],
    };
    await shown(page, subject);
    assert.equal(await failed.getAttribute("class"), "bad");
    await thing(page, "orders_db").locator(".badge.warn", {
      hasText: "exhausted",
    }).waitFor();
  },
);

pageTest(
  "what failed or was slow is told with its call, and found from the figures",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    const lines = page.locator("#trouble li");
    assert.deepEqual(await page.locator("#trouble code").allTextContents(), [
      "5f0c1a22-1207",
      "5f0c1a22-1198",
      "5f0c1a22-1101",
    ]);
    assert.match(
      (await lines.first().textContent())!,
      /tool generate_report.*timeout.*30.0 s.*took longer than 30000 ms/,
    );
    assert.deepEqual(
      await page.locator("#trouble .badge").allTextContents(),
      ["timeout", "slow", "invalid params"],
    );
    const row = page.locator("#tools tr", { hasText: "resize_image" });
    await row.getByRole("link").click();
    assert.deepEqual(await page.locator("#trouble code").allTextContents(), [
      "5f0c1a22-1198",
    ]);
    assert.match(page.url(), /#trouble$/);
    subject.figures.troubles = Array.from({ length: 20 }, (_, at) => ({
      ...subject.figures.troubles[0],
      call: `c-${at}`,
    }));
    await shown(page, subject);
    assert.equal(
      await page.locator("#trouble .empty").textContent(),
      "None of 20 calls matches.",
    );
    await page.locator("#trouble input").fill("");
    assert.equal(await lines.count(), 20);
    assert.equal(
      await page.locator("#trouble code").first().textContent(),
      "c-0",
    );
    assert.deepEqual(troubles, []);
  },
);

/** The card of a thing. */
function thing(page: Page, name: string): Locator {
  return page.locator(".thing", {
    has: page.locator("th[scope=row]").getByText(name, { exact: true }),
  });
}

/** What its parts are called. */
function parts(page: Page, name: string): Promise<string[]> {
  return thing(page, name).locator("td.part").allTextContents();
}

/** The figure of a name of its first part. */
function figure(page: Page, name: string, title: string) {
  return thing(page, name).locator(`td[data-title="${title}"]`).first()
    .textContent();
}

pageTest(
  "no figure of an instrument is cut off or to be scrolled to",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page } = visited;
    await page.getByRole("button", { name: "Show zeros" }).click();
    for (const width of [320, 390, 1280, 1400]) {
      await page.setViewportSize({ width, height: 800 });
      await shown(page, subject);
      const cut = await page.evaluate<string[]>(`
        Array.from(document.querySelectorAll(".thing td, .calls span, #own-metrics td"))
          .filter((each) => each.scrollWidth > each.clientWidth ||
            each.getBoundingClientRect().right >
              each.closest(".card").getBoundingClientRect().right)
          .map((each) => each.textContent)`);
      assert.deepEqual(cut, [], `at ${width} px`);
    }
  },
);

pageTest(
  "times are of 24 hours",
  async (browser, _, url) => {
    await using visited = await visit(browser, url, { locale: "en-US" });
    const process = visited.page.locator("#process dd").first();
    assert.match(
      (await process.textContent())!,
      /^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/,
    );
  },
);
