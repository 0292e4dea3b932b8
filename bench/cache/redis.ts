/**
 * `deno run -A bench/cache/redis.ts`: RedisCache and TieredCache against the
 * bare node-redis client, over a Redis of its own.
 */
import { createClient } from "redis";
import { RedisCache } from "../../src/cache/redis/redis_cache.ts";
import { TieredCache } from "../../src/cache/tiered/tiered_cache.ts";
import { eventually } from "../../tests/support/eventually.ts";
import { TestRedis } from "../../tests/support/redis.ts";
import { compare } from "../support/compare.ts";

const CALLERS = 32;
const KEYS = 1_000;

await using redis = await TestRedis.start();
const bare = createClient({ url: redis.url });
bare.on("error", () => {});
await bare.connect();
const remote = { url: redis.url, timeoutMs: 30_000, log: () => {} };
await using cache = await RedisCache.connect<object>(remote);
await using tiered = await TieredCache.connect<object>({ remote });

if (!await cache.ready() || !await tiered.ready()) {
  throw new Error("this machine is too busy to connect in time");
}

const keys = Array.from({ length: KEYS }, (_, i) => `user:${i}`);
const stored = keys.map((key) => `sluice:${key}`);
for (const key of keys) await cache.set(key, { id: key, name: "Ada Lovelace" });
for (const key of keys) await tiered.get(key);

/** So many callers at once, each with its share of the work. */
async function byCallers(
  count: number,
  get: (i: number) => unknown,
): Promise<void> {
  const caller = async (first: number): Promise<void> => {
    for (let i = first; i < count; i += CALLERS) {
      if (await get((i * 7919) % KEYS) == null) throw new Error("a miss");
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i)));
}

const options = { count: 4_000, rounds: 75 };
await compare({ title: `a GET, ${CALLERS} callers`, ...options }, [
  {
    name: "node-redis get",
    run: (n) => byCallers(n, (i) => bare.get(stored[i])),
  },
  {
    name: "node-redis get and JSON.parse",
    run: (n) =>
      byCallers(n, async (i) => JSON.parse((await bare.get(stored[i]))!)),
  },
  {
    name: "RedisCache.get",
    run: (n) => byCallers(n, (i) => cache.get(keys[i])),
  },
]);
await compare({ title: "a TieredCache hit", ...options }, [
  {
    name: "node-redis get, 32 callers",
    run: (n) => byCallers(n, (i) => bare.get(stored[i])),
  },
  {
    name: "TieredCache.get, 32 callers",
    run: (n) => byCallers(n, (i) => tiered.get(keys[i])),
  },
]);

await redis.kill();
await eventually(async () => {
  await cache.get("user:1");
  return cache.stats.state === "open";
});
await compare({ title: "a call while Redis is dead", ...options }, [
  {
    name: "RedisCache.get, circuit open",
    run: async (n) => {
      for (let i = 0; i < n; i++) await cache.get(keys[i % KEYS]);
    },
  },
  {
    name: "RedisCache.set, circuit open",
    run: async (n) => {
      for (let i = 0; i < n; i++) await cache.set(keys[i % KEYS], { id: i });
    },
  },
]);
bare.destroy();
