import assert from "node:assert/strict";
import { endOn } from "../../src/host/end_on.ts";

Deno.test("an abort signal ends once, also one that has aborted already", async () => {
  let ends = 0;
  const stop = new AbortController();
  endOn(false, stop.signal, () => ends++);
  assert.equal(ends, 0);
  stop.abort();
  assert.equal(ends, 1);
  endOn(false, stop.signal, () => ends++);
  await Promise.resolve();
  assert.equal(ends, 2);
});

Deno.test("what was released ends nothing", () => {
  const stop = new AbortController();
  const release = endOn(true, stop.signal, () => assert.fail("it ended"));
  release();
  stop.abort();
});
