import assert from "node:assert/strict";
import { mapConcurrent } from "../../src/limit/map_concurrent.ts";
import { MemoryRateLimitStore } from "../../src/limit/memory_rate_limit_store.ts";
import { RateLimiter } from "../../src/limit/rate_limiter.ts";
import { RedisRateLimitStore } from "../../src/limit/redis_rate_limit_store.ts";
import { Semaphore } from "../../src/limit/semaphore.ts";
import { instruments } from "../../src/observe/metrics/instruments.ts";
import { FakeClock } from "../support/fake_clock.ts";
import { figuresOf } from "../support/figures.ts";

Deno.test("operators see what a named semaphore does", async () => {
  const name = "figures of a semaphore";
  const clock = new FakeClock();
  const semaphore = new Semaphore(1, { name, clock, maxWaiting: 1 });
  const held = await semaphore.acquire();
  const late = assert.rejects(semaphore.acquire({ timeoutMs: 5 }));
  await assert.rejects(semaphore.acquire(), /waiting/);
  assert.equal(figuresOf("semaphore", { name })?.waiting, 1);
  await clock.advance(5);
  await late;
  const controller = new AbortController();
  const left = assert.rejects(
    semaphore.acquire({ signal: controller.signal }),
    /gone/,
  );
  controller.abort(new Error("gone"));
  await left;
  const done = { acquired: 1, rejected: 1, timeouts: 1, aborted: 1 };
  assert.deepEqual(figuresOf("semaphore", { name }), {
    permits: 1,
    active: 1,
    waiting: 0,
    ...done,
  });
  held.release();
  semaphore.close();
  assert.deepEqual(figuresOf("semaphore", { name }), done);
});

Deno.test("no limit is no figure", () => {
  const name = "figures without a limit";
  const semaphore = new Semaphore(Infinity, { name });
  const figures = figuresOf("semaphore", { name })!;
  assert.equal("permits" in figures, false);
  semaphore.close();
});

Deno.test("semaphores without a name are nobody's concern", async () => {
  const before = JSON.stringify(instruments.read());
  const semaphore = new Semaphore(1);
  await mapConcurrent([1, 2], (n) => semaphore.use(() => n), {
    concurrency: 1,
  });
  assert.equal(figuresOf("semaphore", { name: "semaphore" }), undefined);
  assert.equal(JSON.stringify(instruments.read()), before);
});

Deno.test("operators see what a limiter does, and what its own store holds", async () => {
  const name = "figures of a limiter";
  const clock = new FakeClock();
  const limiter = new RateLimiter({ name, clock, limit: 1, intervalMs: 1_000 });
  await limiter.take("a");
  await limiter.take("a");
  await limiter.take("b");
  const waiting = limiter.acquire("a");
  await clock.advance(0);
  assert.deepEqual(figuresOf("limiter", { name }), {
    allowed: 2,
    refused: 1,
    waiting: 1,
    keys: 2,
    evictions: 0,
  });
  await clock.advance(1_000);
  await waiting;
  assert.equal(figuresOf("limiter", { name })?.waiting, 0);
  assert.equal(figuresOf("limiter", { name })?.refused, 1);
  assert.equal(
    figuresOf("rate_limit_store", { name, type: "memory" }),
    undefined,
    "its own store is not shown beside it",
  );
});

Deno.test("a store that limiters share has figures of its own", async () => {
  const name = "figures of a store";
  const store = new MemoryRateLimitStore({ name, maxKeys: 1 });
  const limiter = new RateLimiter({
    name,
    limit: 1,
    intervalMs: 60_000,
    store,
  });
  await limiter.take("a");
  await limiter.take("b");
  assert.deepEqual(figuresOf("limiter", { name }), {
    allowed: 2,
    refused: 0,
    waiting: 0,
  });
  assert.deepEqual(figuresOf("rate_limit_store", { name, type: "memory" }), {
    keys: 1,
    evictions: 1,
  });
});

Deno.test("operators see that a store's Redis is away", async () => {
  const name = "figures of a store in Redis";
  const clock = new FakeClock();
  let up = false;
  const store = new RedisRateLimitStore(
    () => up ? Promise.resolve([1, 1, 0, 0]) : Promise.reject(new Error("no")),
    { name, clock, retryAfterMs: 100, log: () => {} },
  );
  const limiter = new RateLimiter({
    name,
    limit: 5,
    intervalMs: 60_000,
    store,
  });
  assert.equal(figuresOf("circuit", { name })?.open, 0);
  await limiter.take();
  await limiter.take();
  const stored = { local_decisions: 2 };
  const labels = { name, type: "redis" };
  assert.deepEqual(figuresOf("rate_limit_store", labels), stored);
  const circuit = { opened: 1, errors: 1 };
  assert.deepEqual(figuresOf("circuit", { name }), { open: 1, ...circuit });
  up = true;
  await clock.advance(100);
  await limiter.take();
  assert.deepEqual(figuresOf("circuit", { name }), { open: 0, ...circuit });
  await store.close();
  assert.deepEqual(figuresOf("circuit", { name }), circuit);
  assert.deepEqual(figuresOf("rate_limit_store", labels), stored);
});
