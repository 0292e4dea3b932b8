import assert from "node:assert/strict";
import fc from "fast-check";
import {
  RateLimiter,
  type RateLimiterOptions,
} from "../../src/limit/rate_limiter.ts";
import type { RateLimitStore } from "../../src/limit/rate_limit_store.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** What a suite runs on: stores that tell the time by a clock. */
export interface StoreBench extends AsyncDisposable {
  makeStore(clock: FakeClock): RateLimitStore;
}

/** The suite that every store passes. */
export function testRateLimitStore(
  kind: string,
  openBench: () => Promise<StoreBench>,
  options: { ignore?: boolean; numRuns?: number } = {},
): void {
  const { ignore = false, numRuns = 100 } = options;
  let names = 0;
  const makeLimiter = (
    bench: StoreBench,
    clock: FakeClock,
    rule: Omit<RateLimiterOptions, "store" | "clock" | "name">,
  ) =>
    new RateLimiter({
      ...rule,
      clock,
      store: bench.makeStore(clock),
      name: `limiter_${names++}`,
    });

  Deno.test(`${kind}: a token bucket gives its burst, then one by one`, {
    ignore,
  }, async () => {
    await using bench = await openBench();
    const clock = new FakeClock();
    const limiter = makeLimiter(bench, clock, {
      algorithm: "token-bucket",
      limit: 3,
      intervalMs: 1_000,
    });
    for (const remaining of [2, 1, 0]) {
      const decision = await limiter.take("a");
      assert.equal(decision.allowed, true);
      assert.equal(decision.remaining, remaining);
      assert.equal(decision.retryAfterMs, 0);
    }
    assert.deepEqual(await limiter.take("a"), {
      allowed: false,
      remaining: 0,
      retryAfterMs: 334,
      resetAfterMs: 1_000,
    });
    assert.equal((await limiter.take("b")).allowed, true);
    await clock.advance(333);
    assert.equal((await limiter.take("a")).allowed, false);
    await clock.advance(1);
    assert.equal((await limiter.take("a")).allowed, true);
    assert.equal((await limiter.take("a")).allowed, false);
    await clock.advance(60_000);
    assert.equal((await limiter.take("a")).remaining, 2);
  });

  Deno.test(`${kind}: keys that differ in half a character have a limit each`, {
    ignore,
  }, async () => {
    await using bench = await openBench();
    const limiter = makeLimiter(bench, new FakeClock(), {
      limit: 1,
      intervalMs: 1_000,
    });
    for (const key of ["a\ud800", "a\udc00", "a\ufffd"]) {
      assert.equal((await limiter.take(key)).allowed, true);
      assert.equal((await limiter.take(key)).allowed, false);
    }
  });

  Deno.test(`${kind}: a burst may differ from the limit`, {
    ignore,
  }, async () => {
    await using bench = await openBench();
    const clock = new FakeClock();
    const limiter = makeLimiter(bench, clock, {
      algorithm: "token-bucket",
      limit: 10,
      intervalMs: 1_000,
      burst: 2,
    });
    assert.equal((await limiter.take("a", { cost: 2 })).allowed, true);
    assert.deepEqual(await limiter.take("a", { cost: 2 }), {
      allowed: false,
      remaining: 0,
      retryAfterMs: 200,
      resetAfterMs: 200,
    });
  });

  Deno.test(`${kind}: a sliding window frees what leaves it`, {
    ignore,
  }, async () => {
    await using bench = await openBench();
    const clock = new FakeClock();
    const limiter = makeLimiter(bench, clock, {
      algorithm: "sliding-window",
      limit: 5,
      intervalMs: 1_000,
    });
    await limiter.take("a", { cost: 2 });
    await clock.advance(400);
    assert.equal((await limiter.take("a", { cost: 3 })).remaining, 0);
    assert.deepEqual(await limiter.take("a"), {
      allowed: false,
      remaining: 0,
      retryAfterMs: 600,
      resetAfterMs: 1_000,
    });
    assert.equal(
      (await limiter.take("a", { cost: 3 })).retryAfterMs,
      1_000,
    );
    await clock.advance(599);
    assert.equal((await limiter.take("a", { cost: 2 })).allowed, false);
    await clock.advance(1);
    assert.equal((await limiter.take("a", { cost: 2 })).allowed, true);
  });

  for (const algorithm of ["token-bucket", "sliding-window"] as const) {
    Deno.test(`${kind}: property: a ${algorithm} is as on paper`, {
      ignore,
    }, async () => {
      await using bench = await openBench();
      const call = fc.record({
        afterMs: fc.nat({ max: 120 }),
        cost: fc.integer({ min: 1, max: 4 }),
      });
      await fc.assert(
        fc.asyncProperty(
          fc.integer({ min: 4, max: 9 }),
          fc.integer({ min: 1, max: 300 }),
          fc.array(call, { maxLength: 40 }),
          async (limit, intervalMs, calls) => {
            const clock = new FakeClock();
            const limiter = makeLimiter(bench, clock, {
              algorithm,
              limit,
              intervalMs,
            });
            const paper = algorithm === "token-bucket"
              ? new PaperBucket(limit, intervalMs)
              : new PaperWindow(limit, intervalMs);
            for (const { afterMs, cost } of calls) {
              await clock.advance(afterMs);
              const decision = await limiter.take("key", { cost });
              const allowed = paper.take(cost, clock.now());
              assert.equal(decision.allowed, allowed);
              assert.equal(decision.remaining, paper.remaining(clock.now()));
              if (allowed) continue;
              const atMs = clock.now() + decision.retryAfterMs;
              assert.ok(paper.remaining(atMs) >= cost, "late enough");
              assert.ok(paper.remaining(atMs - 1) < cost, "no later");
            }
          },
        ),
        { numRuns },
      );
    });
  }
}

/** Counts everything ever taken, over and over. */
class PaperWindow {
  readonly #taken: { atMs: number; cost: number }[] = [];

  constructor(readonly limit: number, readonly intervalMs: number) {}

  remaining(nowMs: number): number {
    return this.#taken
      .filter(({ atMs }) => atMs > nowMs - this.intervalMs)
      .reduce((rest, { cost }) => rest - cost, this.limit);
  }

  take(cost: number, nowMs: number): boolean {
    if (this.remaining(nowMs) < cost) return false;
    this.#taken.push({ atMs: nowMs, cost });
    return true;
  }
}

/** Counts in whole drops, of which a token has `intervalMs`. */
class PaperBucket {
  #drops: bigint;
  #atMs = 0;

  constructor(readonly limit: number, readonly intervalMs: number) {
    this.#drops = BigInt(limit * intervalMs);
  }

  #dropsAt(nowMs: number): bigint {
    const full = BigInt(this.limit * this.intervalMs);
    const drops = this.#drops + BigInt((nowMs - this.#atMs) * this.limit);
    return drops < full ? drops : full;
  }

  remaining(nowMs: number): number {
    return Number(this.#dropsAt(nowMs) / BigInt(this.intervalMs));
  }

  take(cost: number, nowMs: number): boolean {
    if (this.remaining(nowMs) < cost) return false;
    this.#drops = this.#dropsAt(nowMs) - BigInt(cost * this.intervalMs);
    this.#atMs = nowMs;
    return true;
  }
}
