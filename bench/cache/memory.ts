/** `deno run -A bench/cache/memory.ts`: MemoryCache and cached() against lru-cache. */
import { LRUCache } from "lru-cache";
import { cached } from "../../src/cache/cached/cached.ts";
import { MemoryCache } from "../../src/cache/memory/memory_cache.ts";
import { compare } from "../support/compare.ts";

const ENTRIES = 1_000;
const keys = Array.from({ length: ENTRIES }, (_, i) => `user:${i}`);

const bare = new LRUCache<string, object>({ max: ENTRIES });
const bareTtl = new LRUCache<string, object>({ max: ENTRIES, ttl: 300_000 });
await using memory = new MemoryCache<object>({
  maxEntries: ENTRIES,
  ttlMs: Infinity,
});
await using memoryTtl = new MemoryCache<object>({
  maxEntries: ENTRIES,
  ttlMs: 300_000,
});
for (const key of keys) {
  for (const cache of [bare, bareTtl, memory, memoryTtl]) {
    cache.set(key, { key });
  }
}

function each(count: number, get: (key: string) => unknown): void {
  for (let i = 0; i < count; i++) {
    if (get(keys[(i * 7919) % ENTRIES]) === undefined) {
      throw new Error("a miss");
    }
  }
}

async function eachAwaited(
  count: number,
  get: (i: number) => unknown,
): Promise<void> {
  for (let i = 0; i < count; i++) {
    if (await get((i * 7919) % ENTRIES) === undefined) {
      throw new Error("a miss");
    }
  }
}

const options = { count: 200_000, rounds: 75 };
await compare({ title: "MemoryCache.get, with a ttl", ...options }, [
  { name: "lru-cache, ttl", run: (n) => each(n, (key) => bareTtl.get(key)) },
  {
    name: "MemoryCache",
    atLeast: 1,
    run: (n) => each(n, (key) => memoryTtl.get(key)),
  },
]);
await compare({ title: "MemoryCache.get, without a ttl", ...options }, [
  { name: "lru-cache", run: (n) => each(n, (key) => bare.get(key)) },
  {
    name: "MemoryCache",
    atLeast: 1,
    run: (n) => each(n, (key) => memory.get(key)),
  },
]);

await using byString = cached((key: string) => key, { ttlMs: 300_000 });
await using byObject = cached(({ id }: { id: number; full: boolean }) => id, {
  ttlMs: 300_000,
});
for (const key of keys) await byString(key);
await using byNumber = cached((id: number) => id, { ttlMs: 300_000 });
for (let id = 0; id < ENTRIES; id++) await byNumber(id);
const calls = Array.from({ length: ENTRIES }, (_, id) => ({ id, full: true }));
for (const call of calls) await byObject(call);

await compare({ title: "a cached() hit", ...options, count: 50_000 }, [
  { name: "MemoryCache.get", run: (n) => each(n, (key) => memoryTtl.get(key)) },
  { name: "cached(string)", run: (n) => each(n, (key) => byString(key)) },
  {
    name: "await MemoryCache.get",
    run: (n) => eachAwaited(n, (i) => memoryTtl.get(keys[i])),
  },
  {
    name: "await cached(string)",
    run: (n) => eachAwaited(n, (i) => byString(keys[i])),
  },
  {
    name: "await cached(number)",
    run: (n) => eachAwaited(n, (i) => byNumber(i)),
  },
  {
    name: "await cached({ id, full })",
    run: (n) => eachAwaited(n, (i) => byObject(calls[i])),
  },
  {
    name: "await cached({ id, full }), a new object",
    run: (n) => eachAwaited(n, (id) => byObject({ id, full: true })),
  },
]);
