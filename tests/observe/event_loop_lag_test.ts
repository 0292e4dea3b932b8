import assert from "node:assert/strict";
import { InvalidOptionError } from "../../src/base/errors.ts";
import {
  type EventLoopBlock,
  EventLoopMonitor,
} from "../../src/observe/watch/event_loop_lag.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A fake clock whose timers can come late. */
class LateClock extends FakeClock {
  #skippedMs = 0;

  override now(): number {
    return super.now() + this.#skippedMs;
  }

  skip(ms: number): void {
    this.#skippedMs += ms;
  }
}

Deno.test("lag is what timers come late by, as percentiles of a sliding window", async () => {
  const clock = new LateClock();
  await using monitor = new EventLoopMonitor({
    clock,
    intervalMs: 20,
    window: 4,
  });
  assert.equal(clock.pending, 0);
  assert.deepEqual(monitor.stats, {
    p50Ms: 0,
    p99Ms: 0,
    maxMs: 0,
    totalMs: 0,
    ticks: 0,
  });
  monitor.start();
  monitor.start();
  assert.equal(clock.pending, 1);
  for (const lateMs of [80, 1, 2, 3, 40]) {
    clock.skip(lateMs);
    await clock.advance(20);
  }
  assert.deepEqual(monitor.stats, {
    p50Ms: 2,
    p99Ms: 40,
    maxMs: 40,
    totalMs: 126,
    ticks: 5,
  });
});

Deno.test("a block is told with its time and the CPU used meanwhile", async () => {
  const clock = new LateClock();
  let cpuMs = 0;
  const blocks: EventLoopBlock[] = [];
  let ticks = 0;
  await using monitor = new EventLoopMonitor({
    clock,
    intervalMs: 20,
    blockedMs: 50,
    cpuTimeMs: () => cpuMs,
    onBlocked: (block) => blocks.push(block),
    onTick: () => ticks++,
  });
  monitor.start();
  await clock.advance(20);
  clock.skip(49);
  await clock.advance(20);
  assert.deepEqual([blocks.length, ticks], [0, 2]);
  clock.skip(150);
  cpuMs = 140;
  await clock.advance(20);
  assert.deepEqual(blocks, [{ blockedMs: 150, from: 89, to: 259, cpuMs: 140 }]);
  assert.equal(ticks, 2);
});

Deno.test("listeners that fail stop no measuring, nor the process", async () => {
  const clock = new LateClock();
  const fails = () => {
    throw new Error("no");
  };
  const failsLater = () => Promise.reject(new Error("no"));
  for (const listener of [fails, failsLater]) {
    await using monitor = new EventLoopMonitor({
      clock,
      intervalMs: 20,
      blockedMs: 50,
      onBlocked: listener,
      onTick: listener,
    });
    monitor.start();
    clock.skip(100);
    await clock.advance(20);
    await clock.advance(20);
    assert.equal(monitor.stats.ticks, 2);
  }
});

Deno.test("no timer is left after the end, and what was measured stays", async () => {
  const clock = new LateClock();
  const monitor = new EventLoopMonitor({ clock, intervalMs: 20 });
  monitor.start();
  clock.skip(5);
  await clock.advance(20);
  await monitor.close();
  await monitor.close();
  assert.equal(clock.pending, 0);
  assert.equal(monitor.stats.maxMs, 5);
  monitor.start();
  assert.equal(clock.pending, 1);
  await monitor.close();
});

Deno.test("a monitor's options are checked", () => {
  for (
    const options of [
      { intervalMs: 0 },
      { intervalMs: NaN },
      { window: 0 },
      { window: 1.5 },
      { blockedMs: -1 },
    ]
  ) assert.throws(() => new EventLoopMonitor(options), InvalidOptionError);
});
