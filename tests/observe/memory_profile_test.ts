import assert from "node:assert/strict";
import { InvalidOptionError } from "../../src/base/errors.ts";
import type { HeapProfileNode } from "../../src/observe/profile/heap_profile.ts";
import {
  type MemoryProfile,
  memoryProfiled,
  profileMemory,
} from "../../src/observe/profile/memory_profile.ts";
import { wait } from "./watched_calls.ts";

const MB = 2 ** 20;

function allocate(count: number): unknown[] {
  return Array.from({ length: count }, (_, i) => ({ i, text: `item ${i}` }));
}

function idsOf(node: HeapProfileNode): number[] {
  return [node.id, ...node.children.flatMap(idsOf)];
}

Deno.test("who allocates the most is on top", async () => {
  const { result, before, after, peak, allocated, sites, profile } =
    await profileMemory(() => allocate(200_000));
  assert.equal(result.length, 200_000);
  assert.ok(allocated > 5 * MB, `${allocated} bytes`);
  assert.ok(after.heapUsed - before.heapUsed > 5 * MB);
  for (const key of ["heapUsed", "heapTotal", "external", "rss"] as const) {
    assert.ok(peak[key] >= before[key] && peak[key] >= after[key]);
  }
  const ours = sites.filter(({ location }) =>
    location.includes("memory_profile_test.ts")
  );
  assert.ok(ours.length > 0, JSON.stringify(sites));
  assert.match(profile.table(5), /allocated MB .*%.*function\n/);
  const json = profile.toJSON();
  const ids = idsOf(json.head);
  assert.equal(new Set(ids).size, ids.length);
  for (const { nodeId } of json.samples) assert.ok(ids.includes(nodeId));
  const all = sites.reduce((sum, { percent }) => sum + percent, 0);
  assert.ok(all > 50 && all < 100.1, `${all} %`);
});

Deno.test("the peak between is seen if timers get a turn", async () => {
  const { before, peak } = await profileMemory(async () => {
    let buffer: Uint8Array | undefined = new Uint8Array(64 * MB).fill(1);
    await wait(60);
    assert.equal(buffer.length, 64 * MB);
    buffer = undefined;
  });
  assert.ok(peak.external - before.external >= 60 * MB);
});

Deno.test("profiles that overlap each have what was allocated in their time", async () => {
  const long = profileMemory(async () => {
    const kept = allocate(100_000);
    await wait(60);
    return kept.length;
  });
  await wait(20);
  const short = await profileMemory(() => wait(5), { intervalBytes: 1_024 });
  const { allocated } = await long;
  assert.ok(allocated > 3 * MB, `${allocated} bytes`);
  assert.ok(short.allocated < MB, `${short.allocated} bytes`);
  const after = await profileMemory(() => allocate(100_000).length);
  assert.ok(after.allocated > 3 * MB);
});

Deno.test("one begins as another ends", async () => {
  for (let i = 0; i < 5; i++) {
    const profiles = [10_000, 20_000].map((count) =>
      profileMemory(() => allocate(count).length)
    );
    const { allocated } = await Promise.race(profiles);
    assert.ok(allocated > 0);
    assert.ok((await profileMemory(() => allocate(20_000))).allocated > 0);
    await Promise.all(profiles);
  }
});

Deno.test("errors and signals come through", async () => {
  await assert.rejects(
    profileMemory(() => {
      throw new Error("no");
    }),
    /no/,
  );
  const controller = new AbortController();
  const reason = new Error("enough");
  let waiting: Promise<void> | undefined;
  await assert.rejects(
    profileMemory(() => {
      setTimeout(() => controller.abort(reason), 10);
      return waiting = wait(100);
    }, { signal: controller.signal }),
    reason,
  );
  await waiting;
  await assert.rejects(
    profileMemory(() => 1, { intervalBytes: 0 }),
    InvalidOptionError,
  );
  await assert.rejects(
    profileMemory(() => 1, { peakIntervalMs: 0 }),
    InvalidOptionError,
  );
  await assert.rejects(
    profileMemory(() => 1, { signal: {} as AbortSignal }),
    InvalidOptionError,
  );
});

Deno.test("a memory-profiled handler passes everything through", async () => {
  const seen: [string, MemoryProfile][] = [];
  const handler = memoryProfiled((count: number) => allocate(count).length, {
    name: "large",
    onProfile: (taken, name) => seen.push([name, taken]),
  });
  assert.equal(await handler(50_000), 50_000);
  const [[name, taken]] = seen;
  assert.equal(name, "large");
  assert.ok(taken.allocated > MB);
});
