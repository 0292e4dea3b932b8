import assert from "node:assert/strict";
import { instrumentFigures } from "../../src/observe/metrics/figure.ts";
import { processFigures } from "../../src/observe/metrics/process_figures.ts";
import { MeterProvider, MetricReader } from "@opentelemetry/sdk-metrics";
import {
  FigureExport,
  type FigureReader,
  shareFigureExport,
} from "../../src/observe/metrics/figure_export.ts";
import {
  type InstrumentKind,
  Instruments,
} from "../../src/observe/metrics/instruments.ts";
import { McpServer } from "../../mod.ts";

const CACHE: InstrumentKind<"hits" | "entries"> = {
  kind: "cache",
  measures: {
    hits: { type: "counter", help: "Values found." },
    entries: { type: "gauge", help: "Values held." },
  },
};

const POOL: InstrumentKind<"waiting"> = {
  kind: "pool",
  measures: { waiting: { type: "gauge", help: "Callers that wait." } },
};

/** Reads metrics when the test asks for them. */
class Reader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve();
  }

  protected override onShutdown(): Promise<void> {
    return Promise.resolve();
  }

  /** Each figure, as `name{labels}`. */
  async figures(): Promise<Record<string, unknown>> {
    const { resourceMetrics, errors } = await this.collect();
    assert.deepEqual(errors, []);
    const figures: Record<string, unknown> = {};
    for (const { metrics } of resourceMetrics.scopeMetrics) {
      for (const { descriptor, dataPoints } of metrics) {
        for (const { attributes, value } of dataPoints) {
          const labels = JSON.stringify(attributes);
          figures[`${descriptor.name}${labels}`] = value;
        }
      }
    }
    return figures;
  }
}

function metered(): { reader: Reader; provider: MeterProvider } {
  const reader = new Reader();
  return { reader, provider: new MeterProvider({ readers: [reader] }) };
}

Deno.test("figures are read when they are collected, kinds that come later too", async () => {
  const { reader, provider } = metered();
  const instruments = new Instruments();
  const cache = { hits: 3, entries: 2 };
  instruments.track(CACHE, { name: "users" }, cache, (each) => ({ ...each }));
  const exporter = new FigureExport(
    provider,
    () => instrumentFigures(instruments.read()),
  );
  assert.deepEqual(await reader.figures(), {
    'sluice.cache.hits{"name":"users"}': 3,
    'sluice.cache.entries{"name":"users"}': 2,
  });

  cache.hits = 10;
  const pool = { waiting: 5 };
  instruments.track(POOL, { name: "db" }, pool, (each) => ({ ...each }));
  await reader.figures();
  const later = await reader.figures();
  assert.equal(later['sluice.cache.hits{"name":"users"}'], 10);
  assert.equal(later['sluice.pool.waiting{"name":"db"}'], 5);

  exporter[Symbol.dispose]();
  cache.hits = 11;
  const last = await reader.figures();
  // The SDK goes on with what it knew.
  assert.equal(last['sluice.cache.hits{"name":"users"}'], 10);
  await provider.shutdown();
});

Deno.test("a figure that is no number is left out", async () => {
  const { reader, provider } = metered();
  using _exporter = new FigureExport(provider, () => [{
    name: "odd",
    type: "gauge",
    help: "Not always a number.",
    points: [
      { value: Infinity, attributes: { of: "endless" } },
      { value: NaN, attributes: { of: "nothing" } },
      { value: null, attributes: { of: "the unknown" } },
      { value: 1, attributes: { of: "one" } },
    ],
  }]);
  assert.deepEqual(await reader.figures(), { 'odd{"of":"one"}': 1 });
  await provider.shutdown();
});

Deno.test("the process is described by the conventions' names", async () => {
  const { reader, provider } = metered();
  using _exporter = new FigureExport(provider, processFigures);
  const figures = await reader.figures();
  assert.deepEqual(Object.keys(figures), [
    "process.uptime{}",
    "process.cpu.time{}",
    "process.memory.usage{}",
    "process.memory.virtual{}",
    "process.thread.count{}",
    "process.unix.file_descriptor.count{}",
  ]);
  assert.ok(Object.values(figures).every((value) => value as number > 0));
  await provider.shutdown();
});

Deno.test("what is shared is exported once, and until the last has gone", async () => {
  const { reader, provider } = metered();
  let reads = 0;
  const read: FigureReader = () => {
    reads++;
    return processFigures();
  };
  const one = shareFigureExport(provider, read);
  const other = shareFigureExport(provider, read);
  reads = 0;
  await reader.figures();
  assert.equal(reads, 1);
  one();
  await reader.figures();
  assert.equal(reads, 2);
  other();
  await reader.figures();
  assert.equal(reads, 2);
  await provider.shutdown();
});

Deno.test("a server gives its figures and durations to an author's own meter", async () => {
  const { reader, provider } = metered();
  const server = new McpServer({ name: "measured", version: "1.0.0" }, {
    tracing: { meterProvider: provider },
  });
  server.registerTool("one", {}, () => 1);
  await server.call("tools/call", { name: "one" });
  for (let i = 0; i < 100; i++) {
    await assert.rejects(server.call("tools/call", { name: `made up ${i}` }));
    await assert.rejects(server.call(`made/up/${i}`));
  }
  const figures = await reader.figures();
  assert.equal(figures['sluice.server.in_flight{"name":"measured"}'], 0);
  const durations = Object.entries(figures)
    .filter(([name]) => name.startsWith("mcp.server.operation.duration"));
  assert.deepEqual(
    durations.map(([, value]) => (value as { count: number }).count),
    [1, 100, 100],
    "names that clients make up are one series",
  );
  await server.close();
  await provider.shutdown();
});
