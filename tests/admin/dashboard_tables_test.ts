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
      ["generate_report", "resize_image", "not known for certain"],
    );
    assert.deepEqual(
      await page.locator("#blocks dd").allTextContents(),
      ["49×, 41.3 s", "12×, 1.90 s", "3×"],
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
  "instruments are called what they are, and states have words",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    assert.deepEqual(
      await page.locator("#instruments h2").allTextContents(),
      [
        "Caches 2",
        "Pools 1",
        "PostgreSQL pools 1",
        "HTTP pools 1",
        "HTTP origins 2",
        "Rate limiters 1",
        "Circuits 3",
        "Functions 1",
        "Night shifts 1",
      ],
    );
    const titles = (kind: string) =>
      card(page, kind).locator("h3").allTextContents();
    assert.deepEqual(await titles("Caches"), [
      "search results tiered",
      "memory",
    ]);
    assert.deepEqual(await titles("HTTP origins"), [
      "https://rates.example",
      "upstream https://mail.example",
    ]);
    assert.deepEqual(await titles("Circuits"), [
      "https://mail.example",
      "session_cache",
      "https://rates.example",
    ], "the worst first");
    const states = (kind: string) =>
      card(page, kind).locator(".badge:visible").evaluateAll((all) =>
        all.map((each) => // deno-lint-ignore no-explicit-any -- an element of the page's
        [(each as any).textContent, (each as any).className])
      );
    assert.deepEqual(await states("Circuits"), [
      ["open", "badge bad"],
      ["half open", "badge warn"],
      ["closed", "badge good"],
    ]);
    assert.deepEqual(await states("Caches"), [["incoherent", "badge warn"]]);
    assert.equal(await figure(page, "Caches", "hit rate"), "90.3 %");
    assert.equal(await figure(page, "Functions", "mean time"), "75.0 ms");
    await subject.second();
    assert.deepEqual(troubles, []);
  },
);

pageTest(
  "what is 0 in all instruments of a kind is shown on demand, or once it moves",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page, troubles } = visited;
    const origins = card(page, "HTTP origins");
    const shownNames =
      async () => [...new Set(await origins.locator("dt").allTextContents())];
    const more = origins.getByRole("button");
    assert.deepEqual(await shownNames(), ["active", "requests", "failures"]);
    assert.equal(await more.textContent(), "1 more, all 0");
    await more.click();
    assert.deepEqual(await shownNames(), [
      "active",
      "waiting",
      "requests",
      "failures",
    ]);
    await more.click();
    const { http_origin, ...others } = subject.figures.instruments;
    subject.figures.instruments = {
      ...others,
      http_origin: http_origin.map(({ labels, values }) => ({
        labels,
        values: { ...values, active: 0, waiting: 2 },
      })),
    };
    await shown(page, subject);
    assert.deepEqual(await shownNames(), [
      "active",
      "waiting",
      "requests",
      "failures",
    ]);
    assert.equal(await more.isVisible(), false);
    assert.deepEqual(troubles, []);
  },
);

/** The card of a kind of instrument. */
function card(page: Page, kind: string): Locator {
  return page.locator("#instruments > section", {
    has: page.locator("h2").getByText(kind),
  });
}

/** The first instrument's figure of a name. */
function figure(page: Page, kind: string, name: string) {
  return card(page, kind).locator(".figures > div", { hasText: name })
    .locator("dd").first().textContent();
}

pageTest(
  "no figure of an instrument is cut off or to be scrolled to",
  async (browser, subject, url) => {
    await using visited = await visit(browser, url);
    const { page } = visited;
    for (
      const more of await page.locator("#instruments button:visible").all()
    ) await more.click();
    for (const width of [320, 390, 1280, 1400]) {
      await page.setViewportSize({ width, height: 800 });
      await shown(page, subject);
      const cut = await page.evaluate<string[]>(`
        Array.from(document.querySelectorAll("#instruments dt, #instruments dd, #own-metrics td"))
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
