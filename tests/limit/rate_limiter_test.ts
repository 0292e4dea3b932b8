import assert from "node:assert/strict";
import { sleep } from "../../src/base/abort.ts";
import { InvalidOptionError, RateLimitedError } from "../../src/base/errors.ts";
import { MemoryRateLimitStore } from "../../src/limit/memory_rate_limit_store.ts";
import type { RateLimitStore } from "../../src/limit/rate_limit_store.ts";
import {
  type RateLimitAcquireOptions,
  RateLimiter,
} from "../../src/limit/rate_limiter.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { testRateLimitStore } from "./rate_limiter_cases.ts";

testRateLimitStore("memory", () =>
  Promise.resolve({
    makeStore: (clock) => new MemoryRateLimitStore({ clock }),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }));

Deno.test("acquire waits for its turn and no longer than it was told", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ limit: 1, intervalMs: 100, clock });
  await limiter.acquire("a");
  let through = false;
  const waiting = limiter.acquire("a").then(() => through = true);
  await assert.rejects(
    limiter.acquire("a", { timeoutMs: 99 }),
    (error) =>
      error instanceof RateLimitedError && error.retryAfterMs === 100 &&
      error.code === "SLUICE_RATE_LIMITED",
  );
  await clock.advance(99);
  assert.equal(through, false);
  assert.equal(limiter.stats.waiting, 1);
  await clock.advance(1);
  await waiting;
  assert.equal(clock.pending, 0);
});

Deno.test("acquire gives up by its signal", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ limit: 1, intervalMs: 100, clock });
  await limiter.acquire();
  const controller = new AbortController();
  const waiting = limiter.acquire("", { signal: controller.signal });
  await clock.advance(10);
  controller.abort(new Error("gone"));
  await assert.rejects(waiting, /gone/);
  await assert.rejects(
    limiter.acquire("", { signal: AbortSignal.abort(new Error("before")) }),
    /before/,
  );
  assert.equal(clock.pending, 0);
  assert.equal(limiter.stats.waiting, 0);
});

Deno.test("callers that wait together go through one by one", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({
    limit: 2,
    intervalMs: 100,
    algorithm: "sliding-window",
    clock,
  });
  const throughMs: number[] = [];
  const all = Array.from(
    { length: 6 },
    () => limiter.acquire("a").then(() => throughMs.push(clock.now())),
  );
  await clock.advance(1_000);
  await Promise.all(all);
  assert.deepEqual(throughMs, [0, 0, 100, 100, 200, 200]);
});

/** A store that notes what it is asked; `delayMs` away, if it is remote. */
function makeWatched(clock: FakeClock, delayMs?: number) {
  const store = new MemoryRateLimitStore({ clock });
  const asked: string[] = [];
  const take: RateLimitStore["take"] = (...args) => {
    asked.push(args[0]);
    if (delayMs === undefined) return store.take(...args);
    return sleep(delayMs, { clock }).then(() => store.take(...args));
  };
  return { store: { take }, asked };
}

Deno.test("first come, first served, whatever the cost and whoever comes after", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({ limit: 5, intervalMs: 100, clock });
  const through: string[] = [];
  const acquire = (name: string, cost: number) =>
    limiter.acquire("a", { cost }).then(() => through.push(name));
  await acquire("first", 1);
  const costly = acquire("costly", 5);
  const after = Array.from({ length: 4 }, (_, n) => acquire(`after ${n}`, 1));
  const { allowed } = await limiter.take("b");
  assert.equal(allowed, true, "another key has no line");
  await clock.advance(20);
  assert.deepEqual(through, ["first", "costly"]);
  await clock.advance(80);
  await Promise.all([costly, ...after]);
  assert.deepEqual(through.slice(2), [0, 1, 2, 3].map((n) => `after ${n}`));
});

for (const delayMs of [undefined, 3]) {
  const where = delayMs === undefined ? "at hand" : "elsewhere";
  Deno.test(`only the first in line asks a store that is ${where}`, async () => {
    const clock = new FakeClock();
    const { store, asked } = makeWatched(clock, delayMs);
    const limiter = new RateLimiter({ limit: 1, intervalMs: 10, clock, store });
    const through: number[] = [];
    const all = Array.from(
      { length: 100 },
      (_, n) => limiter.acquire("a").then(() => through.push(n)),
    );
    await clock.advance(10_000);
    await Promise.all(all);
    assert.deepEqual(through, Array.from({ length: 100 }, (_, n) => n));
    assert.ok(asked.length <= 300, `${asked.length}`);
    const { allowed, limited, waiting } = limiter.stats;
    assert.deepEqual({ allowed, limited, waiting }, {
      allowed: 100,
      limited: 0,
      waiting: 0,
    });
    asked.length = 0;
    const anew = limiter.acquire("a");
    assert.equal(asked.length, 1, "the line is gone");
    await clock.advance(10);
    await anew;
    assert.equal(clock.pending, 0);
  });
}

Deno.test("those who leave a line leave the others in it", async () => {
  const clock = new FakeClock();
  const { store: { take } } = makeWatched(clock);
  let failures = 0;
  const store: RateLimitStore = {
    take(...args) {
      if (failures-- > 0) throw new Error("down");
      return take(...args);
    },
  };
  const limiter = new RateLimiter({ limit: 1, intervalMs: 100, clock, store });
  await limiter.acquire("a");
  const throughMs: number[] = [];
  const acquire = (options?: RateLimitAcquireOptions) =>
    limiter.acquire("a", options).then(() => throughMs.push(clock.now()));
  const late = (options: RateLimitAcquireOptions, retryAfterMs: number) =>
    assert.rejects(
      acquire(options),
      (error) =>
        error instanceof RateLimitedError &&
        error.retryAfterMs === retryAfterMs,
    );
  const [first, middle] = [new AbortController(), new AbortController()];
  const all = [
    assert.rejects(acquire({ signal: first.signal }), /first/),
    assert.rejects(acquire(), /down/),
    acquire(),
    assert.rejects(acquire({ signal: middle.signal }), /middle/),
    acquire(),
    late({ timeoutMs: 250 }, 100),
    late({ timeoutMs: 150 }, 50),
    late({ timeoutMs: 99 }, 100),
    acquire(),
  ];
  middle.abort(new Error("middle"));
  await clock.advance(50);
  failures = 1;
  first.abort(new Error("first"));
  await clock.advance(250);
  await Promise.all(all);
  assert.deepEqual(throughMs, [100, 200, 300]);
  const { waiting, limited } = limiter.stats;
  assert.deepEqual({ waiting, limited }, { waiting: 0, limited: 3 });
  assert.equal(clock.pending, 0);
});

Deno.test("a store that says to come back at once doesn't hold up the process", async () => {
  const clock = new FakeClock();
  const refusal = {
    allowed: false,
    remaining: 0,
    retryAfterMs: 0,
    resetAfterMs: 0,
  };
  let asked = 0;
  const store: RateLimitStore = {
    take: () => ({ ...refusal, allowed: ++asked > 3 }),
  };
  const limiter = new RateLimiter({ limit: 1, intervalMs: 100, clock, store });
  const waiting = limiter.acquire();
  await clock.advance(2);
  assert.equal(asked, 3);
  await clock.advance(1);
  await waiting;
});

Deno.test("keys are forgotten when they no longer count, and at the bound", async () => {
  const clock = new FakeClock();
  const store = new MemoryRateLimitStore({ maxKeys: 100, clock });
  const limiter = new RateLimiter({ limit: 2, intervalMs: 100, clock, store });
  for (let key = 0; key < 1_000; key++) await limiter.take(`key-${key}`);
  assert.deepEqual(store.stats, {
    name: "memory_rate_limit_store",
    keys: 100,
    evicted: 900,
  });
  assert.equal((await limiter.take("key-999")).remaining, 0, "still known");
  await clock.advance(100);
  for (let key = 0; key < 100; key++) await limiter.take(`late-${key}`);
  assert.deepEqual(store.stats, {
    name: "memory_rate_limit_store",
    keys: 100,
    evicted: 900,
  });
  await clock.advance(100);
  await limiter.take("last");
  await limiter.take("very last");
  assert.equal(store.stats.keys, 98, "two expired keys go for each new one");
});

Deno.test("a busy key outlives idle ones", async () => {
  const clock = new FakeClock();
  const store = new MemoryRateLimitStore({ maxKeys: 2, clock });
  const limiter = new RateLimiter({ limit: 5, intervalMs: 100, clock, store });
  await limiter.take("busy");
  for (let key = 0; key < 3; key++) {
    await limiter.take(`idle-${key}`);
    await limiter.take("busy");
  }
  assert.equal((await limiter.take("busy")).remaining, 0);
});

Deno.test("a sliding window's memory stays within its calls", async () => {
  const clock = new FakeClock();
  const limiter = new RateLimiter({
    limit: 1_000_000,
    intervalMs: 10,
    algorithm: "sliding-window",
    clock,
  });
  for (let round = 0; round < 200; round++) {
    for (let call = 0; call < 50; call++) await limiter.take("key");
    await clock.advance(1);
  }
  assert.equal((await limiter.take("key")).remaining, 1_000_000 - 9 * 50 - 1);
});

Deno.test("rules and costs that make no sense are refused", async () => {
  const refused = (options: object, message: RegExp) =>
    assert.throws(
      () => new RateLimiter({ limit: 1, intervalMs: 100, ...options }),
      (error) =>
        error instanceof InvalidOptionError && message.test(error.message),
    );
  refused({ limit: 0 }, /limit.*got 0/);
  refused({ limit: NaN }, /limit.*NaN/);
  refused({ intervalMs: -5 }, /intervalMs.*-5/);
  refused({ burst: 0 }, /burst.*0/);
  refused({ burst: 5, algorithm: "sliding-window" }, /burst.*sliding window/);
  refused({ algorithm: "leaky" }, /algorithm.*"leaky"/);
  assert.throws(() => new MemoryRateLimitStore({ maxKeys: 0 }), /maxKeys/);
  const limiter = new RateLimiter({ limit: 3, intervalMs: 100 });
  for (const cost of [0, -1, NaN, 4]) {
    await assert.rejects(limiter.take("a", { cost }), /cost/);
  }
  await assert.rejects(limiter.acquire("a", { timeoutMs: NaN }), /timeoutMs/);
  for (const key of [{ cost: 1 }, 7, null] as unknown as string[]) {
    await assert.rejects(limiter.take(key), /key must be a string/);
    await assert.rejects(limiter.acquire(key), /key must be a string/);
  }
  await assert.rejects(
    limiter.acquire("a", { signal: {} as AbortSignal }),
    /signal must be an AbortSignal, got an object/,
  );
  assert.equal((await limiter.take("a")).remaining, 2);
  assert.equal(limiter.stats.allowed, 1);
});
