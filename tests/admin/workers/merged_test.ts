import assert from "node:assert/strict";
import type { MetricsDocument } from "../../../mod.ts";
import { mergedDocument } from "../../../src/admin/workers/merged_document.ts";
import { mergedExposition } from "../../../src/admin/workers/merged_exposition.ts";

Deno.test("the metrics of workers are one text: each family once, each sample with its worker", () => {
  const text = (count: number) =>
    "# HELP calls_total Calls.\n# TYPE calls_total counter\n" +
    `calls_total{tool="a {b} \\"c"} ${count}\n` +
    "# HELP up Up.\n# TYPE up gauge\nup 1\n# EOF\n";
  assert.equal(
    mergedExposition(new Map([["1", text(1)], ["2", text(2)]]), "openmetrics"),
    [
      "# HELP calls_total Calls.",
      "# TYPE calls_total counter",
      'calls_total{worker_process="1",tool="a {b} \\"c"} 1',
      'calls_total{worker_process="2",tool="a {b} \\"c"} 2',
      "# HELP up Up.",
      "# TYPE up gauge",
      'up{worker_process="1"} 1',
      'up{worker_process="2"} 1',
      "# EOF",
      "",
    ].join("\n"),
  );
  const own = '# TYPE x gauge\nx{worker_process="3"} 1\n';
  assert.equal(mergedExposition(new Map([["", own]]), "prometheus"), own);
});

Deno.test("the figures of workers are added up; of latencies the worst is shown", () => {
  const document = (calls: number, p99: number, size: number) =>
    ({
      requests_total: calls,
      start_time: calls,
      memory_rss_mb: null,
      timestamp: `2026-01-0${calls}T00:00:00Z`,
      latency_ms: { mean: p99 / 2, p50: p99 / 2, p95: p99, p99 },
      event_loop: calls === 1 ? null : { blocks: 3, lag_max_ms: p99 },
      tools: {
        a: { calls },
        [`only_${calls}`]: { calls },
        ...(calls === 2 && { constructor: { calls } }),
      },
      instruments: {
        cache: [{ labels: { name: "users" }, values: { size } }],
      },
    }) as unknown as MetricsDocument;
  assert.deepEqual(
    mergedDocument([document(1, 10, 5), document(2, 4, 7), document(3, 6, 1)]),
    {
      requests_total: 6,
      start_time: 1,
      memory_rss_mb: null,
      timestamp: "2026-01-03T00:00:00Z",
      latency_ms: { mean: 5, p50: 5, p95: 10, p99: 10 },
      event_loop: { blocks: 6, lag_max_ms: 6 },
      tools: {
        a: { calls: 6 },
        only_1: { calls: 1 },
        only_2: { calls: 2 },
        constructor: { calls: 2 },
        only_3: { calls: 3 },
      },
      instruments: {
        cache: [{ labels: { name: "users" }, values: { size: 13 } }],
      },
    },
  );
});
