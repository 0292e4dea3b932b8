import assert from "node:assert/strict";
import { cached } from "../../src/cache/cached/cached.ts";
import { MemoryCache } from "../../src/cache/memory/memory_cache.ts";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";
import { TieredCache } from "../../src/cache/tiered/tiered_cache.ts";
import { eventually } from "../support/eventually.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { figuresOf } from "../support/figures.ts";
import { ignoreWithoutRedis as ignore, TestRedis } from "../support/redis.ts";

Deno.test("operators see what a memory cache holds and does", async () => {
  const labels = { name: "figures of a memory cache", type: "memory" };
  const clock = new FakeClock();
  const cache = new MemoryCache<string>({
    name: labels.name,
    clock,
    maxEntries: 2,
    maxBytes: 100,
    sizeOf: (value) => value.length,
    ttlMs: 10,
    staleMs: 10,
  });
  for (const key of ["a", "b", "c"]) cache.set(key, "value");
  cache.set("d", "x".repeat(200));
  cache.get("b");
  cache.get("a");
  await clock.advance(15);
  cache.lookup("b");
  await clock.advance(10);
  cache.get("c");
  const done = {
    hits: 2,
    stale_hits: 1,
    misses: 2,
    sets: 3,
    evictions: 1,
    expirations: 1,
    rejected: 1,
  };
  assert.deepEqual(figuresOf("cache", labels), {
    ...done,
    entries: 1,
    bytes: 7,
  });
  cache.close();
  assert.deepEqual(figuresOf("cache", labels), done);
});

Deno.test("a cached function shows its calls, and what its own cache holds", async () => {
  const name = "figures of a cached function";
  const gate = Promise.withResolvers<void>();
  const findUser = cached(async (id: number) => {
    await gate.promise;
    if (id === 0) throw new Error("no such user");
    return id === 7 ? undefined : id;
  }, { name, negativeTtlMs: 60_000, log: () => {} });
  const labels = { name, type: "cached" };
  const first = findUser(1);
  const second = findUser(1);
  await Promise.resolve();
  assert.equal(figuresOf("cache", labels)?.loading, 1);
  gate.resolve();
  await Promise.all([first, second]);
  await findUser(1);
  await assert.rejects(findUser(0), /no such user/);
  await assert.rejects(findUser(0), /no such user/);
  const done = {
    hits: 1,
    stale_hits: 0,
    misses: 3,
    coalesced: 1,
    negative_hits: 1,
    loads: 2,
    load_errors: 1,
    uncacheable: 0,
    evictions: 0,
    expirations: 0,
    rejected: 0,
  };
  assert.deepEqual(figuresOf("cache", labels), {
    ...done,
    entries: 1,
    bytes: 0,
    loading: 0,
  });
  for (const hidden of [name, "memory"]) {
    assert.equal(
      figuresOf("cache", { name: hidden, type: "memory" }),
      undefined,
      "neither its cache nor that of its errors is shown beside it",
    );
  }
  await findUser.close();
  assert.deepEqual(figuresOf("cache", labels), done);
});

Deno.test("a cache that functions share shows what it holds, they what they did", async () => {
  const name = "figures of a shared cache";
  await using cache = new MemoryCache({ name });
  await using findUser = cached((id: number) => Promise.resolve(id), {
    name,
    cache,
  });
  await findUser(1);
  assert.equal(figuresOf("cache", { name, type: "memory" })?.entries, 1);
  const figures = figuresOf("cache", { name, type: "cached" })!;
  assert.equal(figures.loads, 1);
  assert.equal("entries" in figures, false);
});

Deno.test("operators see what a cache in Redis does, and that Redis is away", {
  ignore,
}, async () => {
  await using redis = await TestRedis.start();
  const name = "figures of a Redis cache";
  const cache = await RedisCache.connect({
    name,
    url: redis.url,
    timeoutMs: 10_000,
    log: () => {},
  });
  await cache.set("a", 1);
  await cache.get("a");
  await cache.get("b");
  const labels = { name, type: "redis" };
  const done = { hits: 1, stale_hits: 0, misses: 1, sets: 1, lost_changes: 0 };
  assert.deepEqual(figuresOf("cache", labels), { ...done, pending_changes: 0 });
  assert.equal(figuresOf("circuit", { name })?.open, 0);
  await redis.kill();
  await eventually(() => figuresOf("circuit", { name })?.open === 1);
  await cache.delete("a");
  assert.equal(figuresOf("cache", labels)?.pending_changes, 1);
  await cache.close();
  assert.deepEqual(figuresOf("cache", labels), done);
  const circuit = figuresOf("circuit", { name })!;
  assert.equal("open" in circuit, false);
  assert.equal(circuit.opened, 1);
  assert.equal(circuit.refused, 1);
});

Deno.test("a tiered cache shows both tiers under its name, and its circuit", {
  ignore,
}, async () => {
  await using redis = await TestRedis.start();
  const name = "figures of a tiered cache";
  const open = () =>
    TieredCache.connect({
      name,
      remote: { url: redis.url, timeoutMs: 10_000, log: () => {} },
      maxStaleMs: 10_000,
    });
  const cache = await open();
  await cache.set("a", 1);
  await cache.get("a");
  await cache.get("b");
  const labels = { name, type: "tiered" };
  const done = {
    hits: 1,
    memory_hits: 1,
    misses: 1,
    changes_heard: 0,
    flushes: cache.stats.flushes,
    evictions: 0,
    expirations: 0,
    rejected: 0,
  };
  assert.deepEqual(figuresOf("cache", labels), {
    ...done,
    incoherent: 0,
    entries: 1,
    bytes: 0,
  });
  assert.equal(figuresOf("cache", { name, type: "redis" })?.sets, 1);
  assert.equal(figuresOf("circuit", { name })?.open, 0);
  assert.equal(
    figuresOf("cache", { name: `${name} (memory)`, type: "memory" }),
    undefined,
  );
  await cache.close();
  assert.deepEqual(figuresOf("cache", labels), done);
  assert.equal("open" in figuresOf("circuit", { name })!, false);
});
