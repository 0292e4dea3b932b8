import assert from "node:assert/strict";
import { Exposition } from "../../src/observe/metrics/exposition.ts";
import {
  type FigureDeclaration,
  FigureSet,
} from "../../src/observe/metrics/figure.ts";
import { counter, gauge } from "../../src/observe/metrics/instruments.ts";

const DECLARED = {
  heap: gauge("Used heap.", {
    prometheus: "shop_heap_bytes",
    json: "memory_heap_mb",
    otel: "shop.heap",
    unit: "By",
  }),
  lag: counter("All lag.", {
    prometheus: "shop_lag_seconds",
    json: "lag_max_ms",
    otel: "shop.lag",
    unit: "ms",
  }),
  byTown: gauge("Shops.", { prometheus: "shop_shops" }),
  threads: gauge("Threads.", { json: "thread_count", otel: "shop.threads" }),
} satisfies Record<string, FigureDeclaration>;

const figures = new FigureSet(DECLARED);
const reading = {
  heap: 3 * 2 ** 20,
  lag: 250,
  byTown: [{ value: 2, attributes: { town: "Ely" } }],
  threads: null,
};

Deno.test("a figure is told of once and shown in three ways", () => {
  const out = new Exposition("prometheus");
  out.figures(figures.prometheus(reading));
  assert.equal(
    out.toString(),
    `# HELP shop_heap_bytes Used heap, in bytes.
# TYPE shop_heap_bytes gauge
shop_heap_bytes 3145728
# HELP shop_lag_seconds_total All lag, in seconds.
# TYPE shop_lag_seconds_total counter
shop_lag_seconds_total 0.25
# HELP shop_shops Shops.
# TYPE shop_shops gauge
shop_shops{town="Ely"} 2
`,
  );
  assert.deepEqual(figures.json(reading), {
    memory_heap_mb: 3,
    lag_max_ms: 250,
    thread_count: null,
  });
  const attributes = { name: "books" };
  assert.deepEqual(
    figures.otel(reading, attributes).map(({ name, unit, points }) => ({
      name,
      unit,
      points,
    })),
    [
      {
        name: "shop.heap",
        unit: "By",
        points: [{ value: 3 * 2 ** 20, attributes }],
      },
      { name: "shop.lag", unit: "s", points: [{ value: 0.25, attributes }] },
    ],
  );
});
