import assert from "node:assert/strict";
import { StrangerLimit } from "../../src/auth/oauth/stranger_limit.ts";

Deno.test("what comes at once is counted before it is known to be good", () => {
  const limit = new StrangerLimit({ limit: 2, intervalMs: 1_000 }, () => 0);
  assert.deepEqual([1, 2, 3].map(() => limit.take("a")), [0, 0, 500]);
  assert.equal(limit.take("b"), 0, "another address is not held up");
  limit.giveBack("a");
  assert.equal(limit.take("a"), 0);
});

Deno.test("time forgives, and no more than there was", () => {
  let now = 0;
  const limit = new StrangerLimit({ limit: 2, intervalMs: 1_000 }, () => now);
  limit.take("a");
  limit.take("a");
  now = 500;
  assert.deepEqual([limit.take("a"), limit.take("a")], [0, 500]);
  now = 1_000_000;
  assert.deepEqual([1, 2, 3].map(() => limit.take("a")), [0, 0, 500]);
  limit.giveBack("never seen");
  assert.deepEqual([1, 2, 3].map(() => limit.take("never seen")), [0, 0, 500]);
});

Deno.test("addresses are not remembered without end", () => {
  const limit = new StrangerLimit({ limit: 1, intervalMs: 1_000 }, () => 0);
  limit.take("first");
  for (let at = 0; at < 10_000; at++) limit.take(`${at}`);
  assert.equal(limit.take("first"), 0);
  assert.equal(limit.take("9999"), 1_000);
});
