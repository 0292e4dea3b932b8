/**
 * Uses caches, pools and the like, forgets them unclosed, and prints as JSON
 * which of them are still there after garbage was collected, and what operators
 * saw of some before and after. Needs `--v8-flags=--expose-gc`.
 */
import { Batcher } from "../../src/batch/batcher.ts";
import { cached } from "../../src/cache/cached/cached.ts";
import { MemoryCache } from "../../src/cache/memory/memory_cache.ts";
import { MemoryRateLimitStore } from "../../src/limit/memory_rate_limit_store.ts";
import { RateLimiter } from "../../src/limit/rate_limiter.ts";
import { Semaphore } from "../../src/limit/semaphore.ts";
import { HttpPool } from "../../src/pool/http/http_pool.ts";
import { Pool } from "../../src/pool/pool.ts";
import { figuresOf } from "../support/figures.ts";

const { gc } = globalThis as unknown as { gc: () => void };
const name = "forgotten";

async function use(): Promise<Record<string, WeakRef<object>>> {
  const cache = new MemoryCache({ name });
  cache.set("a", 1);
  cache.get("a");
  const findUser = cached((id: number) => Promise.resolve(id), {
    name,
    negativeTtlMs: 1,
  });
  await findUser(1);
  const semaphore = new Semaphore(1, { name });
  await semaphore.use(() => {});
  const limiter = new RateLimiter({ name, limit: 1, intervalMs: 1_000 });
  await limiter.take("a");
  const batcher = new Batcher((keys: number[]) => keys, { name });
  await batcher.load(1);
  // Else a timer holds it.
  const never = { maxIdleMs: Infinity, acquireTimeoutMs: Infinity };
  const pool = new Pool({ name, create: () => ({}), ...never });
  await pool.use(() => {});
  const store = new MemoryRateLimitStore({ name });
  const http = new HttpPool({ name });
  const all = {
    cache,
    findUser,
    semaphore,
    limiter,
    batcher,
    pool,
    store,
    http,
  };
  return Object.fromEntries(
    Object.entries(all).map(([what, owner]) => [what, new WeakRef(owner)]),
  );
}

function seen(): unknown[] {
  const cache = figuresOf("cache", { name, type: "memory" });
  const semaphore = figuresOf("semaphore", { name });
  const limiter = figuresOf("limiter", { name });
  return [
    { hits: cache?.hits, entries: cache?.entries },
    { acquired: semaphore?.acquired },
    { allowed: limiter?.allowed },
  ];
}

const owners = await use();
const before = seen();
for (let i = 0; i < 20; i++) {
  await new Promise((resolve) => setTimeout(resolve, 5));
  gc();
}
const uncollected = Object.entries(owners)
  .filter(([, owner]) => owner.deref() !== undefined)
  .map(([what]) => what);
console.log(JSON.stringify({ uncollected, before, after: seen() }));
