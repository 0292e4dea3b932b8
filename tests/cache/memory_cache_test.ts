import assert from "node:assert/strict";
import fc from "fast-check";
import { InvalidOptionError } from "../../src/base/errors.ts";
import { MemoryCache } from "../../src/cache/memory/memory_cache.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testStoreContract } from "./store_contract.ts";

testStoreContract({
  name: "MemoryCache",
  make: () => {
    const clock = new FakeClock();
    const store = new MemoryCache({ clock });
    return Promise.resolve({
      store,
      advance: (ms: number) => clock.advance(ms),
      async [Symbol.asyncDispose]() {
        await store[Symbol.asyncDispose]();
        assert.equal(clock.pending, 0, "a timer was left behind");
      },
    });
  },
});

Deno.test("the least recently used entry goes first", async () => {
  await using cache = new MemoryCache<number>({ maxEntries: 3 });
  for (const [i, key] of ["a", "b", "c"].entries()) cache.set(key, i);
  cache.get("a");
  cache.set("d", 3);
  assert.deepEqual(["a", "b", "c", "d"].map((key) => cache.get(key)), [
    0,
    undefined,
    2,
    3,
  ]);
  assert.equal(cache.stats.evictions, 1);
});

Deno.test("bytes bound the cache, and a value bigger than it isn't kept", async () => {
  await using cache = new MemoryCache<Uint8Array>({
    maxBytes: 1_000,
    maxEntries: Infinity,
  });
  for (let i = 0; i < 20; i++) cache.set(`k${i}`, new Uint8Array(300));
  assert(cache.stats.bytes <= 1_000);
  assert.equal(cache.stats.entries, 3);
  cache.set("k19", new Uint8Array(2_000));
  assert.equal(cache.get("k19"), undefined, "the older value is gone too");
  assert.equal(cache.stats.rejected, 1);
  assert.equal(cache.stats.entries, 2);
});

Deno.test("sizeOf decides what a value takes, and must give a number", async () => {
  await using cache = new MemoryCache<string>({
    maxBytes: 100,
    sizeOf: (value) => value === "odd" ? NaN : 40,
  });
  for (const key of ["a", "b", "c"]) cache.set(key, key);
  assert.equal(cache.stats.entries, 2);
  assert.throws(() => cache.set("d", "odd"), {
    code: "SLUICE_CACHE_VALUE",
    message: "sizeOf must give a number of bytes, got NaN",
  });
});

Deno.test("jitter shortens a lifetime, and never lengthens it", async () => {
  const clock = new FakeClock();
  let share = 1;
  const random = () => share;
  await using cache = new MemoryCache<number>({
    ttlMs: 1_000,
    jitter: 0.2,
    random,
    clock,
  });
  cache.set("shortest", 1);
  share = 0;
  cache.set("longest", 2);
  await clock.advance(799);
  assert.equal(cache.get("shortest"), 1);
  await clock.advance(1);
  assert.equal(cache.get("shortest"), undefined);
  await clock.advance(199);
  assert.equal(cache.get("longest"), 2);
  await clock.advance(1);
  assert.equal(cache.get("longest"), undefined);
});

Deno.test("another caller is asked when the first didn't refresh in time", async () => {
  const clock = new FakeClock();
  await using cache = new MemoryCache<number>({
    ttlMs: 10,
    staleMs: 1_000,
    leaseMs: 100,
    clock,
  });
  cache.set("a", 1);
  await clock.advance(10);
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.get("a"), 1);
  await clock.advance(100);
  assert.equal(cache.get("a"), undefined);
  assert.equal(cache.get("a"), 1);
});

Deno.test("its statistics count what it did", async () => {
  const clock = new FakeClock();
  await using cache = new MemoryCache<number>({
    name: "users",
    ttlMs: 10,
    staleMs: 10,
    clock,
  });
  cache.get("a");
  cache.set("a", 1);
  cache.get("a");
  await clock.advance(10);
  cache.lookup("a");
  await clock.advance(10);
  cache.get("a");
  assert.deepEqual(cache.stats, {
    name: "users",
    entries: 0,
    bytes: 0,
    hits: 2,
    staleHits: 1,
    misses: 2,
    sets: 1,
    evictions: 0,
    expirations: 1,
    rejected: 0,
  });
});

Deno.test("options that make no sense are refused and quoted", () => {
  const refused: [object, RegExp][] = [
    [{ maxEntries: 0 }, /maxEntries must be .* got 0/],
    [{ maxEntries: -1 }, /maxEntries .* got -1/],
    [{ maxEntries: NaN }, /maxEntries .* got NaN/],
    [{ maxEntries: Infinity }, /maxEntries .* got Infinity/],
    [{ maxBytes: 0 }, /maxBytes .* got 0/],
    [{ ttlMs: 0 }, /ttlMs .* got 0/],
    [{ ttlMs: -5 }, /ttlMs .* got -5/],
    [{ staleMs: NaN }, /staleMs .* got NaN/],
    [{ ttlMs: Infinity, staleMs: 5 }, /staleMs \(5\)/],
    [{ jitter: 1.5 }, /jitter must be a share from 0 to 1, got 1.5/],
    [{ jitter: NaN }, /jitter .* got NaN/],
    [{ leaseMs: 0 }, /leaseMs .* got 0/],
  ];
  for (const [options, message] of refused) {
    assert.throws(
      () => new MemoryCache(options),
      (error: Error) =>
        error instanceof InvalidOptionError && message.test(error.message),
    );
  }
});

/** The same, done plainly. */
class Model {
  readonly entries = new Map<
    string,
    { value: number; freshUntil: number; staleUntil: number; tags: string[] }
  >();
  now = 0;

  constructor(readonly maxEntries: number) {}

  set(
    key: string,
    value: number,
    ttlMs: number,
    staleMs: number,
    tags: string[],
  ) {
    const freshUntil = this.now + ttlMs;
    this.entries.delete(key);
    this.entries.set(key, {
      value,
      freshUntil,
      staleUntil: freshUntil + staleMs,
      tags,
    });
    if (this.entries.size > this.maxEntries) {
      this.entries.delete([...this.entries.keys()][0]);
    }
  }

  lookup(key: string) {
    const entry = this.entries.get(key);
    if (entry === undefined) return undefined;
    this.entries.delete(key);
    if (this.now >= entry.staleUntil) return undefined;
    this.entries.set(key, entry);
    return { value: entry.value, stale: this.now >= entry.freshUntil };
  }

  invalidateTag(tag: string) {
    for (const [key, { tags }] of this.entries) {
      if (tags.includes(tag)) this.entries.delete(key);
    }
  }
}

Deno.test("it behaves like a plain model under any history", async () => {
  const key = fc.constantFrom("a", "b", "c", "d", "e", "f");
  const tag = fc.constantFrom("red", "blue");
  const step = fc.oneof(
    fc.record({
      kind: fc.constant("set" as const),
      key,
      value: fc.nat(),
      ttlMs: fc.integer({ min: 1, max: 50 }),
      staleMs: fc.integer({ min: 0, max: 30 }),
      tags: fc.uniqueArray(tag),
    }),
    fc.record({ kind: fc.constant("lookup" as const), key }),
    fc.record({ kind: fc.constant("delete" as const), key }),
    fc.record({ kind: fc.constant("invalidate" as const), tag }),
    fc.record({
      kind: fc.constant("advance" as const),
      ms: fc.integer({ min: 1, max: 40 }),
    }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 5 }),
      fc.array(step, { maxLength: 100 }),
      async (maxEntries, steps) => {
        const clock = new FakeClock();
        await using cache = new MemoryCache<number>({ maxEntries, clock });
        const model = new Model(maxEntries);
        for (const step of steps) {
          if (step.kind === "set") {
            const { key, value, ttlMs, staleMs, tags } = step;
            cache.set(key, value, { ttlMs, staleMs, tags });
            model.set(key, value, ttlMs, staleMs, tags);
          } else if (step.kind === "lookup") {
            const hit = cache.lookup(step.key);
            assert.deepEqual(
              hit && { value: hit.value, stale: hit.stale },
              model.lookup(step.key),
            );
          } else if (step.kind === "delete") {
            assert.equal(
              cache.delete(step.key),
              model.entries.delete(step.key),
            );
          } else if (step.kind === "invalidate") {
            cache.invalidateTag(step.tag);
            model.invalidateTag(step.tag);
          } else {
            await clock.advance(step.ms);
            model.now += step.ms;
          }
          assert.equal(cache.stats.entries, model.entries.size);
        }
      },
    ),
    { numRuns: 300 },
  );
});
