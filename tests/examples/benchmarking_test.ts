import assert from "node:assert/strict";
import { benchmark, TestSession } from "../../examples/benchmarking.ts";

Deno.test("the load test warms up, calls at once, and tells the rate and the latencies", async () => {
  const asked: string[] = [];
  let atOnce = 0;
  let most = 0;
  const results = await benchmark(
    async (data) => {
      asked.push(data);
      most = Math.max(most, ++atOnce);
      await Promise.resolve();
      atOnce--;
    },
    20,
    3,
  );
  assert.deepEqual(asked.slice(0, 4), ["warmup", "warmup", "warmup", "test_0"]);
  assert.equal(asked.length, 23);
  assert.equal(most, 20);
  assert.equal(results.requests, 20);
  assert.ok(results.perSecond > 0);
  const { mean, p50, p95, p99 } = results.latencyMs;
  assert.ok(p50 <= p95 && p95 <= p99 && p99 <= results.durationMs);
  assert.ok(mean <= p99);
});

Deno.test("its session answers every call through a client", async () => {
  await using session = await TestSession.open();
  const { requests } = await benchmark((data) => session.call(data));
  assert.equal(requests, 100);
});
