import assert from "node:assert/strict";
import { BlockProfiler } from "../../src/observe/watch/block_profiler.ts";
import { systemClock } from "../../src/base/clock.ts";
import { CpuRecording } from "../../src/observe/profile/cpu_recording.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { burn } from "./watched_calls.ts";

Deno.test("the profiler goes on after a look, and rests after ten minutes without", async () => {
  const clock = new FakeClock();
  const profiler = new BlockProfiler(clock);
  assert.equal(profiler.armed, false);
  await profiler.arm();
  assert.equal(profiler.armed, true);
  await clock.advance(500_000);
  assert.deepEqual(await profiler.take([]), []);
  await clock.advance(500_000);
  assert.equal(profiler.armed, true);
  assert.equal(clock.pending, 1);
  await clock.advance(100_000);
  assert.equal(profiler.armed, false);
  assert.equal(clock.pending, 0);
  await profiler.arm();
  assert.equal(profiler.armed, true);
  await profiler.close();
});

Deno.test("one look after the other is no pause, and each sees its own time", async () => {
  const profiler = new BlockProfiler(systemClock);
  const pausesMs: number[] = [];
  await profiler.arm();
  try {
    for (let i = 0; i < 4; i++) {
      // What it takes to look is made up for first.
      await new Promise((resolve) => setTimeout(resolve, 500));
      const from = performance.now();
      burn(120);
      const to = performance.now();
      const taken = profiler.take([{
        from,
        to,
        handlers: new Map([["burn", burn], ["other", (ms: number) => ms]]),
      }]);
      const { lastPause } = CpuRecording;
      const [{ name, frame }] = await taken;
      assert.equal(name, "burn");
      assert.equal(frame?.functionName, "burn");
      pausesMs.push(lastPause.to - lastPause.from);
    }
    // A machine that is busy with other things may hold up one or another.
    assert.ok(Math.min(...pausesMs) < 5, `${pausesMs} ms`);
  } finally {
    await profiler.close();
  }
});

Deno.test("too soon after a look there is none, and the recording goes on", async () => {
  const clock = new FakeClock();
  const profiler = new BlockProfiler(clock);
  const stretch = { from: 0, to: 100, handlers: new Map() };
  await profiler.arm();
  assert.equal((await profiler.take([stretch])).length, 1);
  assert.deepEqual(await profiler.take([stretch]), []);
  assert.equal(profiler.armed, true);
  await clock.advance(30_000);
  assert.equal((await profiler.take([stretch])).length, 1);
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
