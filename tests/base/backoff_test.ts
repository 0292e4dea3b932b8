import assert from "node:assert/strict";
import { backoffMs } from "../../src/base/backoff.ts";

Deno.test("waits double up to their most, and are random by half", () => {
  const waits = (random: number) =>
    [1, 2, 3, 4, 5, 2_000].map((failures) =>
      backoffMs(failures, { firstMs: 100, maxMs: 1_000, random: () => random })
    );
  assert.deepEqual(waits(0), [50, 100, 200, 400, 500, 500]);
  assert.deepEqual(waits(1), [100, 200, 400, 800, 1_000, 1_000]);
});
