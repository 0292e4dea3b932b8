import assert from "node:assert/strict";
import { EndSignal } from "../../src/host/end_signal.ts";

Deno.test("an abort signal ends once, also one that has aborted already", async () => {
  let ends = 0;
  const stop = new AbortController();
  const before = new EndSignal({ signals: false, signal: stop.signal });
  before.whenCome(() => ends++);
  await Promise.resolve();
  assert.deepEqual([before.hasCome, ends], [false, 0]);
  stop.abort();
  await Promise.resolve();
  assert.deepEqual([before.hasCome, ends], [true, 1]);
  const after = new EndSignal({ signals: false, signal: stop.signal });
  assert.equal(after.hasCome, true);
  after.whenCome(() => ends++);
  await Promise.resolve();
  assert.equal(ends, 2);
});

Deno.test("what was disposed of ends nothing", async () => {
  const stop = new AbortController();
  {
    using released = new EndSignal({ signals: true, signal: stop.signal });
    released.whenCome(() => assert.fail("it ended"));
  }
  stop.abort();
  await Promise.resolve();
});
