import assert from "node:assert/strict";
import fc from "fast-check";
import { sleep } from "../../src/base/abort.ts";
import { InvalidOptionError } from "../../src/base/errors.ts";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";
import { TieredCache } from "../../src/cache/tiered/tiered_cache.ts";
import type { TieredCacheOptions } from "../../src/cache/tiered/tiered_cache_options.ts";
import { eventually } from "../support/eventually.ts";
import { ignoreWithoutRedis, TestRedis } from "../support/redis.ts";
import { StalledWay } from "../support/stalled_way.ts";
import { clients } from "./redis_clients.ts";
import { testStoreContract } from "./store_contract.ts";

const REMOTE = { timeoutMs: 10_000, log: () => {} };
/** Gives up on a Redis that hangs soon. */
const QUICK = {
  timeoutMs: 200,
  probeMs: 20,
  connectTimeoutMs: 500,
  log: () => {},
};

/** One over a Redis, as another process would have it. */
async function open<V = unknown>(
  redis: TestRedis,
  options: Partial<TieredCacheOptions> = {},
): Promise<TieredCache<V>> {
  return await TieredCache.connect<V>({
    remote: { ...REMOTE, url: redis.url },
    ...options,
  });
}

for (const client of clients) {
  testStoreContract({
    name: `TieredCache by ${client.name}`,
    ignore: ignoreWithoutRedis || client.missing !== undefined,
    make: async () => {
      const redis = await TestRedis.start();
      const connected = await client.connect(redis.url);
      const remote = await RedisCache.connect({
        ...REMOTE,
        ...connected.options,
      });
      const store = await open(redis, { remote });
      return {
        store,
        advance: (ms) => sleep(ms),
        async [Symbol.asyncDispose]() {
          await store.close();
          await remote.close();
          await connected.close();
          await redis[Symbol.asyncDispose]();
        },
      };
    },
  });
}

function test(name: string, run: (redis: TestRedis) => Promise<void>): void {
  Deno.test({
    name: `TieredCache: ${name}`,
    ignore: ignoreWithoutRedis,
    fn: async () => {
      await using redis = await TestRedis.start();
      await run(redis);
    },
  });
}

test("reads from memory what it has read or set once", async (redis) => {
  await using one = await open<string>(redis);
  await using two = await open<string>(redis);
  await one.set("a", "value");
  assert.equal(one.get("a"), "value", "at once, without a promise");
  assert.equal(await two.get("a"), "value");
  await eventually(() => two.get("a") === "value");
  const { localHits, misses, remoteHits } = two.stats;
  assert(localHits === 1 && misses === 0 && remoteHits >= 1);
});

test("concurrent misses of one key share a read", async (redis) => {
  await using one = await open(redis);
  await using two = await open(redis);
  await one.set("a", 1);
  const values = await Promise.all(
    Array.from({ length: 50 }, () => two.get("a")),
  );
  assert.deepEqual(new Set(values), new Set([1]));
  assert.equal(two.stats.remote.hits, 1);
});

test("a change in one process drops what the others have in memory", async (redis) => {
  await using one = await open<number>(redis);
  await using two = await open<number>(redis);
  await using plain = await RedisCache.connect<number>({
    ...REMOTE,
    url: redis.url,
  });
  const changes: [string, () => unknown, number | undefined][] = [
    ["set", () => one.set("a", 2), 2],
    ["set by a bare RedisCache", () => plain.set("a", 3), 3],
    ["deleted", () => one.delete("a"), undefined],
    ["invalidated", () => one.invalidateTag("t"), undefined],
    ["loaded", async () => {
      const outcome = await one.claim("a", { steal: true });
      assert(outcome.kind === "claimed");
      await outcome.claim.commit(4);
    }, 4],
  ];
  for (const [title, change, expected] of changes) {
    await one.set("a", 1, { tags: ["t"] });
    await eventually(() => two.get("a") === 1);
    await change();
    await eventually(async () => await two.get("a") === expected);
    assert.equal(await two.get("a"), expected, title);
    assert.equal(await one.get("a"), expected, title);
  }
});

test("nothing outlives in memory its time in Redis", async (redis) => {
  await using one = await open<number>(redis);
  await using two = await open<number>(redis);
  await one.set("a", 1, { ttlMs: 400 });
  await sleep(200);
  assert.equal(await two.get("a"), 1);
  await sleep(220);
  assert.equal(await one.get("a"), undefined);
  assert.equal(await two.get("a"), undefined);
});

test("a value is read again after localTtlMs, whoever wrote it", async (redis) => {
  await using cache = await open(redis, { localTtlMs: 50 });
  await cache.set("a", 1);
  await redis.command("SET", "sluice:a", "2");
  await eventually(async () => await cache.get("a") === 2);
});

test("memory is emptied when changes may have been missed", async (redis) => {
  await using one = await open<string>(redis);
  await using two = await open<string>(redis);
  await one.set("a", "old");
  assert.equal(await two.get("a"), "old");
  const before = two.stats.flushes;
  await redis.command("CLIENT", "KILL", "TYPE", "pubsub");
  await redis.command("SET", "sluice:a", '"new"');
  await eventually(() => two.stats.flushes > before);
  assert.equal(await two.get("a"), "new");
});

test("while Redis hangs memory serves for maxStaleMs, then nothing", async (redis) => {
  await using cache = await open(redis, {
    remote: { ...QUICK, url: redis.url },
    maxStaleMs: 1_000,
  });
  await cache.set("a", 1);
  redis.pause();
  assert.equal(cache.get("a"), 1);
  await eventually(async () => await cache.get("a") === undefined);
  assert.equal(cache.stats.coherent, false);
  await cache.set("a", 2);
  assert.equal(cache.get("a"), 2, "its own word counts, for as long");
  await eventually(async () => await cache.get("a") === undefined);
  redis.resume();
  await eventually(() => cache.stats.coherent);
  await eventually(() => cache.stats.remote.state === "closed");
  assert.equal(await cache.get("a"), undefined, "1 is gone, 2 was never told");
});

test("a set that reached nobody says so, and the others follow when it can be told", async (redis) => {
  using way = new StalledWay(redis.port);
  await using writer = await open<string>(redis, {
    remote: { ...QUICK, url: `redis://127.0.0.1:${way.port}` },
  });
  await using reader = await open<string>(redis);
  assert.equal(await writer.set("a", "old"), true);
  await eventually(async () => await reader.get("a") === "old");
  way.stall();
  assert.equal(await writer.set("a", "new"), false);
  assert.equal(await reader.get("a"), "old", "nothing replaced it");
  way.resume();
  await eventually(async () => await reader.get("a") !== "old");
  assert.equal(await writer.set("a", "newer"), true);
  await eventually(async () => await reader.get("a") === "newer");
});

test("memory serves for maxStaleMs at most what a writer replaced that has lost Redis", async (redis) => {
  using way = new StalledWay(redis.port);
  const maxStaleMs = 400;
  await using writer = await open<string>(redis, {
    remote: { ...QUICK, url: `redis://127.0.0.1:${way.port}` },
    maxStaleMs,
  });
  await using reader = await open<string>(redis, { maxStaleMs });
  await writer.set("a", "old");
  await eventually(() => reader.get("a") === "old");
  way.stall();
  const replacedAt = performance.now();
  assert.equal(await writer.set("a", "new"), false);
  let fromMemory = 0;
  while (performance.now() - replacedAt < 3 * maxStaleMs) {
    const at = performance.now();
    const value = reader.get("a");
    if (!(value instanceof Promise)) fromMemory = at - replacedAt;
    assert.equal(await value, "old", "what Redis has");
    await sleep(5);
  }
  assert(fromMemory < 2 * maxStaleMs, `${fromMemory} ms`);
  assert.equal(reader.stats.coherent, false);
  way.resume();
  await eventually(async () => await reader.get("a") === undefined);
  await eventually(() => reader.stats.coherent);
});

test("a process that ends is waited for by nobody, and one that crashed not for long", async (redis) => {
  using way = new StalledWay(redis.port);
  const maxStaleMs = 100;
  const leaving = await open<string>(redis, { maxStaleMs });
  const crashing = await open<string>(redis, {
    remote: { ...QUICK, url: `redis://127.0.0.1:${way.port}` },
    maxStaleMs,
  });
  await using staying = await open<string>(redis, { maxStaleMs });
  await leaving.close();
  assert.equal(await redis.command("ZCARD", "sluice#peers"), "2");
  way.stall();
  await eventually(() => !staying.stats.coherent);
  await eventually(() => staying.stats.coherent);
  assert.equal(await redis.command("ZCARD", "sluice#peers"), "1");
  way.resume();
  await crashing.close();
});

test("a Redis that is full still proves that changes are heard of", async (redis) => {
  await redis.command("CONFIG", "SET", "maxmemory", "1");
  await using cache = await open<string>(redis, { maxStaleMs: 100 });
  assert.equal(cache.stats.coherent, true);
  assert.equal(await cache.set("a", "1"), false);
});

test("it recovers from a Redis that died", async (redis) => {
  await using one = await open<number>(redis, {
    remote: { ...QUICK, url: redis.url },
    maxStaleMs: 1_000,
  });
  await using two = await open<number>(redis, {
    remote: { ...QUICK, url: redis.url },
    maxStaleMs: 1_000,
  });
  await one.set("a", 1);
  assert.equal(await two.get("a"), 1);
  await redis.kill();
  await eventually(() => !one.stats.coherent && !two.stats.coherent);
  await redis.restart();
  await eventually(() => one.stats.coherent && two.stats.coherent);
  await one.set("a", 2);
  await eventually(async () => await two.get("a") === 2);
  await one.set("a", 3);
  await eventually(async () => await two.get("a") === 3);
});

test("random changes leave no process with an old value", async (redis) => {
  await using one = await open<number>(redis);
  await using two = await open<number>(redis);
  await using three = await open<number>(redis);
  await using plain = await RedisCache.connect<number>({
    ...REMOTE,
    url: redis.url,
  });
  const caches = [one, two, three];
  const keys = ["a", "b", "c"];
  const step = fc.record({
    cache: fc.constantFrom(...caches),
    key: fc.constantFrom(...keys),
    kind: fc.constantFrom("get", "get", "set", "delete", "invalidate"),
    value: fc.nat(),
  });
  const round = fc.array(step, { minLength: 10, maxLength: 40 });
  await fc.assert(
    fc.asyncProperty(round, async (steps) => {
      await Promise.all(steps.map(async ({ cache, key, kind, value }) => {
        if (kind === "get") await cache.get(key);
        else if (kind === "set") await cache.set(key, value, { tags: [key] });
        else if (kind === "delete") await cache.delete(key);
        else await cache.invalidateTag(key);
      }));
      for (const key of keys) {
        await eventually(async () => {
          const truth = await plain.get(key);
          const values = await Promise.all(
            caches.map((cache) => cache.get(key)),
          );
          return values.every((value) => value === truth);
        });
      }
    }),
    { numRuns: 20 },
  );
});

Deno.test("TieredCache: options that make no sense are refused and quoted", () => {
  const remote = { url: "redis://127.0.0.1:1", log: () => {} };
  const refused: [object, RegExp][] = [
    [{ maxStaleMs: 0 }, /maxStaleMs .* got 0/],
    [{ localTtlMs: NaN }, /localTtlMs .* got NaN/],
    [{ local: { maxEntries: -1 } }, /maxEntries .* got -1/],
    [{ remote: { url: "http://a" } }, /url must begin/],
  ];
  for (const [options, message] of refused) {
    assert.throws(
      () => new TieredCache({ remote, ...options } as TieredCacheOptions),
      (error: Error) =>
        error instanceof InvalidOptionError && message.test(error.message),
    );
  }
});
