import assert from "node:assert/strict";
import { BlockProfiler } from "../../src/observe/block_profiler.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("the profiler rests after ten minutes, and begins at most once a minute", async () => {
  const clock = new FakeClock();
  const profiler = new BlockProfiler(clock);
  assert.equal(profiler.armed, false);
  await profiler.arm();
  assert.equal(profiler.armed, true);
  assert.deepEqual(await profiler.take([]), []);
  assert.equal(profiler.armed, false);
  assert.equal(clock.pending, 0);
  await profiler.arm();
  assert.equal(profiler.armed, false);
  await clock.advance(60_000);
  await profiler.arm();
  assert.equal(profiler.armed, true);
  await clock.advance(600_000);
  assert.equal(profiler.armed, false);
  await profiler.close();
});

Deno.test("the end frees the profiler, also while it begins", async () => {
  const clock = new FakeClock();
  const profiler = new BlockProfiler(clock);
  profiler.arm();
  await profiler.close();
  assert.equal(profiler.armed, false);
  const other = new BlockProfiler(clock);
  await other.arm();
  await other.close();
  assert.equal(other.armed, false);
  await other.arm();
  assert.equal(other.armed, false);
  assert.equal(clock.pending, 0);
});

Deno.test("to arm twice at once begins one recording", async () => {
  const profiler = new BlockProfiler(new FakeClock());
  await Promise.all([profiler.arm(), profiler.arm()]);
  assert.equal(profiler.armed, true);
  await profiler.close();
  assert.equal(profiler.armed, false);
});
