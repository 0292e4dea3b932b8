import assert from "node:assert/strict";
import fc from "fast-check";
import {
  counter,
  gauge,
  Instruments,
  type InstrumentValues,
} from "../../src/observe/metrics/instruments.ts";

const kind = {
  kind: "shop",
  measures: { sold: counter("Things sold."), stock: gauge("Things there.") },
};

class Shop {
  sold = 0;
  stock = 0;
  broken = false;
}

function valuesOf(
  { broken, sold, stock }: Shop,
): InstrumentValues<"sold" | "stock"> {
  if (broken) throw new Error("out of order");
  return { sold, stock };
}

function open(
  all: Instruments,
  name: string,
  figures: Partial<Shop> = {},
): { shop: Shop; close: () => void } {
  const shop = Object.assign(new Shop(), figures);
  return { shop, close: all.track(kind, { name }, shop, valuesOf) };
}

function valuesByName(all: Instruments): Record<string, InstrumentValues> {
  return Object.fromEntries(
    all.read().flatMap(({ readings }) => readings)
      .map(({ labels, values }) => [labels.name, values]),
  );
}

Deno.test("figures are read when somebody looks", () => {
  const all = new Instruments();
  assert.deepEqual(all.read(), []);
  const { shop } = open(all, "books");
  shop.sold = 3;
  shop.stock = 7;
  assert.deepEqual(all.read(), [{
    kind,
    readings: [{ labels: { name: "books" }, values: { sold: 3, stock: 7 } }],
  }]);
});

Deno.test("equally labelled instruments are added up, others are not", () => {
  const all = new Instruments();
  open(all, "books", { sold: 1, stock: 10 });
  open(all, "books", { sold: 2, stock: 20 });
  const toys = new Shop();
  all.track(kind, { name: "books", town: "Ely" }, toys, valuesOf);
  assert.deepEqual(all.read()[0].readings, [
    { labels: { name: "books" }, values: { sold: 3, stock: 30 } },
    { labels: { name: "books", town: "Ely" }, values: { sold: 0, stock: 0 } },
  ]);
});

Deno.test("of what is closed the counters stay and the gauges go, once", () => {
  const all = new Instruments();
  const first = open(all, "books", { sold: 5, stock: 9 });
  first.close();
  first.close();
  assert.deepEqual(valuesByName(all), { books: { sold: 5 } });
  open(all, "books", { sold: 1, stock: 2 });
  assert.deepEqual(valuesByName(all), { books: { sold: 6, stock: 2 } });
});

Deno.test("a measure that doesn't apply is left out", () => {
  const all = new Instruments();
  const owner = {};
  all.track(kind, { name: "web" }, owner, () => ({ sold: 1 }));
  all.track(kind, { name: "empty" }, owner, () => ({ stock: undefined }));
  assert.deepEqual(valuesByName(all), { web: { sold: 1 } });
});

Deno.test("a reader that throws hides its own gauges and nothing else", () => {
  const all = new Instruments();
  const { shop, close } = open(all, "books", { sold: 4, stock: 1 });
  open(all, "toys", { sold: 2, stock: 2 });
  const toys = { sold: 2, stock: 2 };
  assert.deepEqual(valuesByName(all), { books: { sold: 4, stock: 1 }, toys });
  shop.broken = true;
  assert.deepEqual(valuesByName(all), { books: { sold: 4 }, toys });
  close();
  assert.deepEqual(valuesByName(all), { books: { sold: 4 }, toys });
});

Deno.test("parts of something larger are not shown", () => {
  const all = new Instruments();
  const part = open(all, "part", { sold: 1 });
  assert.equal(all.withdraw(part.shop), part.shop);
  assert.deepEqual(all.read(), []);
  open(all, "whole", { sold: 2 });
  part.close();
  assert.deepEqual(valuesByName(all), { whole: { sold: 2, stock: 0 } });
});

Deno.test("a kind has no more than 256 sets of labels and one for the others", () => {
  const all = new Instruments();
  const shops = Array.from(
    { length: 1_000 },
    (_, i) => open(all, `shop ${i}`, { sold: 1, stock: 1 }),
  );
  const seen = valuesByName(all);
  assert.equal(Object.keys(seen).length, 257);
  assert.deepEqual(seen["shop 255"], { sold: 1, stock: 1 });
  assert.deepEqual(seen.others, { sold: 744, stock: 744 });
  for (const { close } of shops) close();
  for (let i = 0; i < 1_000; i++) open(all, `late ${i}`, { sold: 1 }).close();
  const later = valuesByName(all);
  assert.equal(Object.keys(later).length, 257);
  assert.deepEqual(later["shop 255"], { sold: 1 });
  assert.deepEqual(later.others, { sold: 1_744 });
});

Deno.test("what is beyond the bound keeps the names of its labels", () => {
  const all = new Instruments();
  const owner = {};
  for (let i = 0; i <= 300; i++) {
    const labels = { name: "http", origin: `https://${i}.example` };
    all.track(kind, labels, owner, () => ({ sold: 1 }));
  }
  const { readings } = all.read()[0];
  assert.equal(readings.length, 257);
  assert.deepEqual(readings[256], {
    labels: { name: "others", origin: "others" },
    values: { sold: 45 },
  });
});

type Step =
  | { do: "open"; name: string }
  | { do: "sell" | "close" | "break"; which: number }
  | { do: "look" };

const which = fc.nat(9);
const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant("open" as const),
    name: fc.constantFrom("books", "toys", "tea"),
  }),
  fc.record({
    do: fc.constantFrom("sell" as const, "close" as const, "break" as const),
    which,
  }),
  fc.record({ do: fc.constant("look" as const) }),
);

Deno.test("counters never go back, and while all readers work none is missed", () => {
  fc.assert(fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
    const all = new Instruments();
    const shops: (ReturnType<typeof open> & { name: string })[] = [];
    const sold: Record<string, number> = {};
    const seen: Record<string, number> = {};
    let allWork = true;
    for (const step of steps) {
      if (step.do === "open") {
        shops.push({ name: step.name, ...open(all, step.name) });
      } else if (step.do !== "look") {
        const one = shops[step.which];
        if (one === undefined) continue;
        if (step.do === "sell") {
          one.shop.sold++;
          sold[one.name] = (sold[one.name] ?? 0) + 1;
        } else if (step.do === "close") {
          one.close();
          shops.splice(step.which, 1);
        } else {
          one.shop.broken = true;
          allWork = false;
        }
      } else {
        for (const [name, values] of Object.entries(valuesByName(all))) {
          const now = values.sold ?? 0;
          assert.ok(now >= (seen[name] ?? 0), `${name} went back`);
          if (allWork) assert.equal(now, sold[name] ?? 0);
          seen[name] = now;
        }
      }
    }
  }));
});

Deno.test("what is collected unclosed is let go; what was seen of it stays", async () => {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--v8-flags=--expose-gc",
      new URL("collecting_process.ts", import.meta.url).pathname,
    ],
  }).output();
  const text = new TextDecoder();
  assert.deepEqual(JSON.parse(text.decode(stdout)), {
    uncollected: [],
    before: [{ hits: 1, entries: 1 }, { acquired: 1 }, { allowed: 1 }],
    after: [{ hits: 1 }, { acquired: 1 }, { allowed: 1 }],
  }, text.decode(stderr));
});
