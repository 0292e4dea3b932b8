/**
 * Caching, from a function's results in memory to a cache that several
 * processes share. Run it with `deno run -A examples/caching.ts`; with REDIS_URL
 * set it shows the shared ones too.
 */
import { cached, MemoryCache, RedisCache, TieredCache } from "@sluice/mcp";

/** Stands for a slow source, such as a database. */
async function loadUser(
  id: number,
  { signal }: { signal?: AbortSignal } = {},
): Promise<{ id: number; name: string }> {
  console.log(`  loading user ${id}`);
  await new Promise((resolve) => setTimeout(resolve, 100));
  signal?.throwIfAborted();
  return { id, name: `user ${id}` };
}

async function rememberResults(): Promise<void> {
  console.log("\ncached(): a function that remembers");
  await using findUser = cached(loadUser, {
    ttlMs: 60_000,
    negativeTtlMs: 1_000,
    tags: (id) => [`user:${id}`],
  });
  await Promise.all(Array.from({ length: 100 }, () => findUser(1)));
  await findUser(1);
  console.log("  101 calls:", findUser.stats.loads, "load");

  await findUser.invalidateTag("user:1");
  await findUser(1, { signal: AbortSignal.timeout(1_000) });
  console.log("  after an invalidation:", findUser.stats.loads, "loads");
}

async function keepInMemory(): Promise<void> {
  console.log("\nMemoryCache: bounded by entries and bytes");
  await using cache = new MemoryCache<string>({
    maxEntries: 1_000,
    maxBytes: 10_000_000,
    ttlMs: 60_000,
    jitter: 0.1,
  });
  cache.set("greeting", "hello", { tags: ["texts"] });
  console.log(" ", cache.get("greeting"));
  cache.invalidateTag("texts");
  console.log(" ", cache.get("greeting"));
}

async function shareThroughRedis(url: string): Promise<void> {
  console.log("\nRedisCache: shared, and a miss when Redis is away");
  await using cache = await RedisCache.connect<string>({
    url,
    prefix: "example",
    ttlMs: 60_000,
    timeoutMs: 50,
  });
  await cache.setMany([["a", "one"], ["b", "two"]]);
  console.log(" ", await cache.getMany(["a", "b", "c"]));
  console.log("  state:", cache.stats.state);
}

async function tierThem(url: string): Promise<void> {
  console.log("\nTieredCache: as fast as memory, the same everywhere");
  await using cache = await TieredCache.connect({
    local: { maxEntries: 1_000 },
    remote: { url, prefix: "example" },
  });
  await using findUser = cached(loadUser, {
    cache,
    name: "user",
    ttlMs: 60_000,
    staleMs: 60_000,
  });
  await findUser(2);
  await findUser(2);
  console.log("  hits in memory:", cache.stats.localHits);
}

await rememberResults();
await keepInMemory();
const url = Deno.env.get("REDIS_URL");
if (url !== undefined) {
  await shareThroughRedis(url);
  await tierThem(url);
}
