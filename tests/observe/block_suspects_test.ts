import assert from "node:assert/strict";
import fc from "fast-check";
import {
  blockSuspicions,
  type MeasuredRun,
  type WatchedWork,
} from "../../src/observe/watch/block_suspects.ts";
import { RecentWork } from "../../src/observe/watch/block_suspects.ts";

const never = { from: -1, to: -1 };

function suspicionsOf(
  work: WatchedWork[],
  runs: MeasuredRun[] = [],
  pause = never,
) {
  const block = { from: 1_000, to: 1_200, blockedMs: 180, cpuMs: undefined };
  return blockSuspicions(block, runs, work, 100, 20, pause);
}

Deno.test("only work in progress all through a block can have done it", () => {
  assert.deepEqual(
    suspicionsOf([
      { name: "there", begunAt: 500 },
      { name: "begun later", begunAt: 1_190 },
      { name: "ended before", begunAt: 500, endedAt: 1_010 },
    ]),
    [{ from: 1_020, to: 1_190, likely: undefined, suspects: ["there"] }],
  );
});

Deno.test("a block began before the timer was due as far as the CPU was used", () => {
  for (const [cpuMs, from] of [[0, 1_020], [185, 1_015], [900, 1_005]]) {
    const [found] = blockSuspicions(
      { from: 1_000, to: 1_200, blockedMs: 180, cpuMs },
      [],
      [{ name: "last seen", begunAt: 900, endedAt: 1_005 }],
      100,
      20,
      never,
    );
    assert.equal(found.from, from);
  }
});

Deno.test("who alone ends with a block is likely, unless others were there", () => {
  const ender = { name: "ender", begunAt: 900, endedAt: 1_198 };
  assert.equal(suspicionsOf([ender])[0].likely, "ender");
  const other = { name: "other", begunAt: 900 };
  assert.equal(suspicionsOf([ender, other])[0].likely, undefined);
  assert.deepEqual(suspicionsOf([ender, other])[0].suspects, [
    "ender",
    "other",
  ]);
});

Deno.test("a measured run is named, and nothing else for the same time", () => {
  const run = { name: "runner", from: 1_005, to: 1_199 };
  assert.deepEqual(
    suspicionsOf([{ name: "there", begunAt: 500 }], [run]),
    [{ from: 1_005, to: 1_199, measured: "runner", suspects: ["runner"] }],
  );
});

Deno.test("many short pieces of work are nobody's block", () => {
  const work = Array.from({ length: 10 }, (_, i) => ({
    name: `short ${i}`,
    begunAt: 1_000 + i * 20,
    endedAt: 1_019 + i * 20,
  }));
  const [found, ...others] = suspicionsOf(work);
  assert.equal(others.length, 0);
  assert.equal(found.likely, undefined);
  assert.equal(found.suspects.length, 10);
});

Deno.test("the profiler's own pause is no block", () => {
  assert.deepEqual(suspicionsOf([], [], { from: 1_010, to: 1_195 }), []);
});

Deno.test("whatever happens, a suspect was in progress all through its block", () => {
  const time = fc.integer({ min: 800, max: 1_250 });
  const calls = fc.array(
    fc.record({ begunAt: time, took: fc.option(fc.integer({ max: 300 })) }),
    { maxLength: 12 },
  );
  fc.assert(fc.property(calls, (calls) => {
    const work = calls.map(({ begunAt, took }, i): WatchedWork => ({
      name: String(i),
      begunAt,
      ...(took !== null && { endedAt: begunAt + Math.abs(took) }),
    }));
    for (const { from, to, suspects, likely } of suspicionsOf(work)) {
      assert.ok(from >= 1_000 && to <= 1_200 && from < to);
      if (likely !== undefined) assert.deepEqual(suspects, [likely]);
      if (to - from === 180) continue;
      for (const name of suspects) {
        const { begunAt, endedAt = Infinity } = work[Number(name)];
        assert.ok(begunAt <= from && endedAt >= to);
      }
    }
  }));
});

Deno.test("recent work keeps the latest endings", () => {
  const recent = new RecentWork();
  for (let i = 0; i < 256; i++) recent.add(`work ${i}`, i, i + 1);
  assert.equal(recent.overflown, false);
  recent.add("one more", 256, 257);
  assert.equal(recent.overflown, true);
  const names = recent.list().map(({ name }) => name);
  assert.equal(names.length, 256);
  assert.ok(names.includes("one more") && !names.includes("work 0"));
  recent.clear();
  assert.deepEqual(recent.list(), []);
});
