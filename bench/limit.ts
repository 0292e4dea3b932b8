/** `deno run -A bench/limit.ts`: Semaphore against p-limit and async-sema. */
import { Sema } from "async-sema";
import pLimit from "p-limit";
import { MemoryRateLimitStore } from "../src/limit/memory_rate_limit_store.ts";
import { RateLimiter } from "../src/limit/rate_limiter.ts";
import { Semaphore } from "../src/limit/semaphore.ts";
import { compare, type Variant } from "./support/compare.ts";

const PERMITS = 10;
const work = () => Promise.resolve(1);

const semaphore = new Semaphore(PERMITS);
const limit = pLimit(PERMITS);
const sema = new Sema(PERMITS);

const runs: Record<string, () => Promise<unknown>> = {
  "p-limit": () => limit(work),
  "Semaphore.use": () => semaphore.use(work),
};

const acquisitions: Record<string, () => Promise<unknown>> = {
  "async-sema": async () => {
    await sema.acquire();
    try {
      return await work();
    } finally {
      sema.release();
    }
  },
  "Semaphore.acquire": async () => {
    const permit = await semaphore.acquire();
    try {
      return await work();
    } finally {
      permit.release();
    }
  },
  "Semaphore.acquire, using": async () => {
    using _permit = await semaphore.acquire();
    return await work();
  },
};

function variants(
  ways: Record<string, () => Promise<unknown>>,
  callers: number,
): Variant[] {
  return Object.entries(ways).map(([name, run]) => ({
    name,
    run: async (count) => {
      let left = count;
      const caller = async () => {
        while (left-- > 0) await run();
      };
      await Promise.all(Array.from({ length: callers }, caller));
    },
  }));
}

for (const callers of [1, 100]) {
  for (const ways of [runs, acquisitions]) {
    await compare({
      title: `${callers} callers, ${PERMITS} permits`,
      count: 100_000,
      rounds: 21,
    }, variants(ways, callers));
  }
}

const store = () => new MemoryRateLimitStore();
const rule = { limit: 1_000_000, intervalMs: 60_000 };
const bucket = new RateLimiter({ ...rule, store: store() });
const window = new RateLimiter({
  ...rule,
  algorithm: "sliding-window",
  store: store(),
});
await compare(
  { title: "RateLimiter.take", count: 100_000, rounds: 15 },
  [
    bucket,
    window,
  ].map((limiter, index) => ({
    name: ["token bucket, 1,000 keys", "sliding window, 1,000 keys"][index],
    run: async (count) => {
      for (let call = 0; call < count; call++) {
        await limiter.take(String(call % 1_000));
      }
    },
  })),
);
