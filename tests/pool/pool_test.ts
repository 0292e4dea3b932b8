import assert from "node:assert/strict";
import {
  ClosedError,
  QueueFullError,
  TimeoutError,
} from "../../src/base/errors.ts";
import { Pool } from "../../src/pool/pool.ts";
import { LeaseReleasedError } from "../../src/pool/lease.ts";
import type { PoolOptions } from "../../src/pool/pool_options.ts";
import { FakeClock } from "../support/fake_clock.ts";

/** A pool of numbered items that remembers what it made and destroyed. */
function numbered(options: Partial<PoolOptions<number>> = {}) {
  const clock = new FakeClock();
  const warnings: unknown[][] = [];
  const destroyed: number[] = [];
  let made = 0;
  const pool = new Pool<number>({
    clock,
    random: () => 0,
    log: { warn: (...details) => warnings.push(details) },
    create: () => made++,
    destroy: (item) => void destroyed.push(item),
    ...options,
  });
  return { pool, clock, warnings, destroyed };
}

Deno.test("an item is made when asked for and used again after its release", async () => {
  const { pool } = numbered();
  const first = await pool.acquire();
  first.release();
  const second = await pool.acquire();
  assert.equal(second.value, 0);
  second.release();
  assert.equal(pool.stats.created, 1);
  await pool.close();
});

Deno.test("await using gives the item back at the end of the block", async () => {
  const { pool } = numbered();
  {
    await using item = await pool.acquire();
    assert.equal(item.value, 0);
    assert.equal(pool.stats.inUse, 1);
  }
  assert.equal(pool.stats.inUse, 0);
  await pool.close();
});

Deno.test("the item used last is lent first", async () => {
  const { pool } = numbered();
  const [a, b] = [await pool.acquire(), await pool.acquire()];
  a.release();
  b.release();
  assert.equal((await pool.acquire()).value, 1);
  await pool.close();
});

Deno.test("callers are served first come first served", async () => {
  const { pool } = numbered({ max: 1 });
  const held = await pool.acquire();
  const order: number[] = [];
  const callers = [1, 2, 3].map(async (caller) => {
    await using _item = await pool.acquire();
    order.push(caller);
  });
  held.release();
  await Promise.all(callers);
  assert.deepEqual(order, [1, 2, 3]);
  assert.equal(pool.stats.created, 1);
  await pool.close();
});

Deno.test("use gives the item back also when its function throws", async () => {
  const { pool } = numbered({ max: 1 });
  await assert.rejects(
    pool.use(() => {
      throw new Error("mine");
    }),
    /mine/,
  );
  assert.equal(await pool.use((item) => item), 0);
  await pool.close();
});

Deno.test("min items are made ahead and remade when they go", async () => {
  const { pool, clock, destroyed } = numbered({ min: 2 });
  await clock.advance(0);
  assert.equal(pool.stats.idle, 2);
  (await pool.acquire()).discard();
  await clock.advance(0);
  assert.deepEqual(destroyed, [1]);
  assert.equal(pool.stats.idle, 2);
  await pool.close();
});

Deno.test("an item is replaced after maxUses", async () => {
  const { pool, clock, destroyed } = numbered({ max: 1, maxUses: 2 });
  const values = [];
  for (let i = 0; i < 4; i++) values.push(await pool.use((item) => item));
  assert.deepEqual(values, [0, 0, 1, 1]);
  await clock.advance(0);
  assert.deepEqual(destroyed, [0, 1]);
  await pool.close();
});

Deno.test("idle items go after maxIdleMs, the longest idle first, down to min", async () => {
  const { pool, clock, destroyed } = numbered({ min: 1, maxIdleMs: 100 });
  const leases = await Promise.all([1, 2, 3].map(() => pool.acquire()));
  leases[0].release();
  await clock.advance(50);
  leases[1].release();
  leases[2].release();
  await clock.advance(50);
  assert.deepEqual(destroyed, [0]);
  await clock.advance(1_000);
  assert.deepEqual(destroyed, [0, 1]);
  await pool.close();
});

Deno.test("an item grows at most maxLifetimeMs old, less its jitter", async () => {
  const { pool, clock, destroyed } = numbered({
    min: 1,
    maxLifetimeMs: 1_000,
    random: () => 1,
  });
  await clock.advance(899);
  assert.deepEqual(destroyed, []);
  await clock.advance(1);
  assert.deepEqual(destroyed, [0]);
  assert.equal(pool.stats.idle, 1, "and is replaced");
  await pool.close();
});

Deno.test("an item too old in use is replaced when it comes back", async () => {
  const { pool, clock, destroyed } = numbered({ maxLifetimeMs: 1_000 });
  const lease = await pool.acquire();
  await clock.advance(1_500);
  assert.deepEqual(destroyed, []);
  lease.release();
  assert.deepEqual(destroyed, [0]);
  await pool.close();
});

Deno.test("a wait ends with a TimeoutError after acquireTimeoutMs", async () => {
  const { pool, clock } = numbered({ max: 1, acquireTimeoutMs: 160 });
  const held = await pool.acquire();
  const errors: unknown[] = [];
  pool.acquire().catch((error) => errors.push(error));
  await clock.advance(159);
  assert.equal(errors.length, 0);
  await clock.advance(11);
  const [error] = errors;
  assert.ok(error instanceof TimeoutError);
  assert.match(error.message, /waiting for an item of pool.*160 ms/);
  assert.equal(pool.stats.timedOut, 1);
  held.release();
  assert.equal(pool.stats.idle, 1, "nobody in line took it");
  await pool.close();
});

Deno.test("a wait ends with the signal's reason, and the place in line is free", async () => {
  const { pool } = numbered({ max: 1, maxWaiting: 1 });
  const held = await pool.acquire();
  const controller = new AbortController();
  const waiting = pool.acquire({ signal: controller.signal });
  await assert.rejects(pool.acquire(), QueueFullError);
  controller.abort(new Error("enough"));
  await assert.rejects(waiting, /enough/);
  const next = pool.acquire();
  held.release();
  assert.equal((await next).value, 0);
  assert.equal(pool.stats.aborted, 1);
  assert.equal(pool.stats.rejected, 1);
  await pool.close();
});

Deno.test("a signal that has aborted already gets nothing", async () => {
  const { pool } = numbered();
  await assert.rejects(
    pool.acquire({ signal: AbortSignal.abort(new Error("before")) }),
    /before/,
  );
  assert.equal(pool.stats.size, 0);
  await pool.close();
});

Deno.test("maxWaiting 0 still lets a caller wait for an item that can be made", async () => {
  const { pool } = numbered({ max: 1, maxWaiting: 0 });
  const held = await pool.acquire();
  await assert.rejects(pool.acquire(), QueueFullError);
  held.release();
  await pool.close();
});

Deno.test("a failed create reaches everybody in line, then backs off", async () => {
  let tries = 0;
  const { pool, clock } = numbered({
    max: 2,
    backoffMs: 100,
    maxBackoffMs: 400,
    create: () => {
      tries++;
      throw new Error(`down ${tries}`);
    },
  });
  const line = await Promise.allSettled([1, 2, 3].map(() => pool.acquire()));
  assert.deepEqual(
    line.map((outcome) => outcome.status),
    ["rejected", "rejected", "rejected"],
  );
  assert.equal(tries, 2);

  const errors: Error[] = [];
  for (const pauseMs of [100, 200, 200, 200]) {
    const before: number = tries;
    pool.acquire().catch((error) => errors.push(error));
    await clock.advance(pauseMs - 1);
    assert.equal(tries, before, "none is tried in the pause");
    await clock.advance(1);
    assert.equal(tries, before + 1, "one is tried after it");
    assert.equal(errors.at(-1)?.message, `down ${tries}`);
  }
  await pool.close();
});

Deno.test("while items are out a failed create reaches the first in line only", async () => {
  let broken = false;
  const { pool, clock } = numbered({
    max: 2,
    create: () => {
      if (broken) throw new Error("down");
      return 0;
    },
  });
  const held = await pool.acquire();
  broken = true;
  const first = pool.acquire();
  const second = pool.acquire();
  await assert.rejects(first, /down/);
  held.release();
  assert.equal((await second).value, 0);
  await clock.advance(0);
  await pool.close();
});

Deno.test("a create that works again ends the back-off", async () => {
  let broken = true;
  const { pool, clock } = numbered({
    create: () => {
      if (broken) throw new Error("down");
      return 7;
    },
  });
  await assert.rejects(pool.acquire(), /down/);
  broken = false;
  const waiting = [pool.acquire(), pool.acquire()];
  await clock.advance(100);
  assert.deepEqual((await Promise.all(waiting)).map((l) => l.value), [7, 7]);
  await pool.close();
});

Deno.test("a create that fails with nobody in line is logged", async () => {
  const { pool, clock, warnings } = numbered({
    min: 1,
    create: () => Promise.reject(new Error("down")),
  });
  await clock.advance(0);
  assert.match(String(warnings[0][0]), /pool: making an item failed/);
  await pool.close();
});

Deno.test("a create that hangs fails in time, and its late item is destroyed", async () => {
  const late = Promise.withResolvers<number>();
  const { pool, clock, destroyed } = numbered({
    createTimeoutMs: 1_000,
    create: ({ signal }) => {
      signal.addEventListener("abort", () => late.resolve(9));
      return late.promise;
    },
  });
  const waiting = assert.rejects(pool.acquire(), (error: TimeoutError) => {
    assert.equal(error.code, "SLUICE_TIMEOUT");
    assert.match(error.message, /making an item of pool/);
    return true;
  });
  await clock.advance(1_000);
  await waiting;
  assert.deepEqual(destroyed, [9]);
  await pool.close();
  assert.equal(clock.pending, 0);
});

Deno.test("a time-out of the wait names the last failure of create as its cause", async () => {
  let tries = 0;
  const { pool, clock } = numbered({
    max: 2,
    acquireTimeoutMs: 1_600,
    backoffMs: 100_000,
    maxBackoffMs: 100_000,
    create: () => {
      if (tries++ > 0) throw new Error("down");
      return 0;
    },
  });
  const held = await pool.acquire();
  await assert.rejects(pool.acquire(), /down/);
  const waiting = assert.rejects(pool.acquire(), (error: TimeoutError) => {
    assert.equal((error.cause as Error).message, "down");
    return true;
  });
  await clock.advance(1_700);
  await waiting;
  held.release();
  await pool.close();
});

Deno.test("a destroy that throws is counted and logged, and its place is free", async () => {
  const { pool, clock, warnings } = numbered({
    max: 1,
    destroy: () => {
      throw new Error("stuck");
    },
  });
  (await pool.acquire()).discard();
  await clock.advance(0);
  assert.equal((await pool.acquire()).value, 1);
  assert.equal(pool.stats.destroyErrors, 1);
  assert.match(String(warnings[0][0]), /destroying an item failed/);
  await pool.close();
});

Deno.test("a destroy that hangs holds its place no longer than destroyTimeoutMs", async () => {
  const { pool, clock } = numbered({
    max: 1,
    destroyTimeoutMs: 1_000,
    destroy: (item) => item === 0 ? new Promise<void>(() => {}) : undefined,
  });
  (await pool.acquire()).discard();
  const waiting = pool.acquire();
  await clock.advance(999);
  assert.equal(pool.stats.waiting, 1);
  await clock.advance(1);
  (await waiting).release();
  assert.equal(pool.stats.destroyErrors, 1);
  await pool.close();
});

Deno.test("an idle item that doesn't validate is never lent again", async () => {
  for (
    const validate of [
      () => false,
      () => Promise.resolve(false),
      () => Promise.reject(new Error("broken")),
      () => {
        throw new Error("broken");
      },
    ]
  ) {
    const { pool, destroyed } = numbered({ validate });
    (await pool.acquire()).release();
    const lease = await pool.acquire();
    assert.equal(lease.value, 1);
    assert.deepEqual(destroyed, [0]);
    assert.equal(pool.stats.invalid, 1);
    lease.release();
    await pool.close();
  }
});

Deno.test("an item that validates in its own time is lent", async () => {
  const { pool } = numbered({ max: 1, validate: () => Promise.resolve(true) });
  (await pool.acquire()).release();
  const lease = await pool.acquire();
  const waiting = pool.acquire();
  lease.release();
  assert.equal((await waiting).value, 0);
  await pool.close();
});

Deno.test("a validate that hangs counts as broken", async () => {
  const { pool, clock, destroyed } = numbered({
    validateTimeoutMs: 500,
    validate: () => new Promise<boolean>(() => {}),
  });
  (await pool.acquire()).release();
  const waiting = pool.acquire();
  await clock.advance(500);
  assert.equal((await waiting).value, 1);
  assert.deepEqual(destroyed, [0]);
  await pool.close();
});

Deno.test("a discarded item is destroyed and nobody gets it again", async () => {
  const { pool, destroyed } = numbered({ max: 1 });
  const broken = await pool.acquire();
  const waiting = pool.acquire();
  broken.discard();
  assert.equal((await waiting).value, 1);
  assert.deepEqual(destroyed, [0]);
  assert.equal(pool.stats.discarded, 1);
  await pool.close();
});

Deno.test("an evicted item goes if it lies idle", async () => {
  const { pool, destroyed } = numbered();
  (await pool.acquire()).release();
  pool.evict(0);
  pool.evict(0);
  assert.deepEqual(destroyed, [0]);
  await pool.close();
});

Deno.test("only the first release or discard counts", async () => {
  const { pool, destroyed } = numbered();
  const lease = await pool.acquire();
  lease.release();
  lease.release();
  lease.discard();
  await lease[Symbol.asyncDispose]();
  assert.deepEqual(destroyed, []);
  assert.deepEqual([pool.stats.idle, pool.stats.inUse], [1, 0]);
  await pool.close();
});

Deno.test("a lease that has been released gives its item to nobody", async () => {
  const { pool } = numbered();
  const lease = await pool.acquire();
  lease.release();
  assert.throws(() => lease.value, (error: LeaseReleasedError) => {
    assert.ok(error instanceof LeaseReleasedError);
    assert.equal(error.code, "SLUICE_LEASE_RELEASED");
    return true;
  });
  await pool.close();
});

Deno.test("an item held too long brings one warning with where it was taken", async () => {
  const { pool, clock, warnings } = numbered({ heldWarningMs: 1_600 });
  const lease = await pool.acquire();
  await clock.advance(1_599);
  assert.equal(warnings.length, 0);
  await clock.advance(10_000);
  assert.equal(warnings.length, 1);
  const [message, taken] = warnings[0];
  assert.match(String(message), /held for more than 1600 ms/);
  assert.match((taken as Error).stack!, /pool_test\.ts/);
  assert.equal(pool.stats.heldTooLong, 1);
  lease.release();
  await pool.close();
  assert.equal(clock.pending, 0);
});

Deno.test("drain serves those in line, then destroys everything", async () => {
  const { pool, clock, destroyed } = numbered({ max: 1 });
  const held = await pool.acquire();
  const waiting = pool.acquire();
  const drained = pool.drain();
  await assert.rejects(pool.acquire(), ClosedError);
  held.release();
  (await waiting).release();
  await drained;
  assert.deepEqual(destroyed, [0]);
  assert.equal(pool.stats.size, 0);
  assert.equal(clock.pending, 0);
});

Deno.test("a drain that is waited for no longer goes on", async () => {
  const { pool } = numbered();
  const held = await pool.acquire();
  await assert.rejects(
    pool.drain({ signal: AbortSignal.abort(new Error("no time")) }),
    /no time/,
  );
  held.release();
  await pool.drain();
  assert.equal(pool.stats.size, 0);
});

Deno.test("close refuses those in line and doesn't wait for what is in use", async () => {
  const { pool, clock, destroyed } = numbered({ max: 2, min: 2 });
  const held = await pool.acquire();
  const item = held.value;
  await pool.acquire();
  const waiting = assert.rejects(pool.acquire(), (error: ClosedError) => {
    assert.equal(error.code, "SLUICE_CLOSED");
    return true;
  });
  await pool.close();
  await waiting;
  await assert.rejects(pool.acquire(), ClosedError);
  assert.deepEqual(destroyed, []);
  held.release();
  await pool.close();
  assert.deepEqual(destroyed, [item]);
  assert.equal(clock.pending, 0);
});

Deno.test("close gives up on a create and destroys what it makes after all", async () => {
  const late = Promise.withResolvers<number>();
  const { pool, clock, destroyed } = numbered({ create: () => late.promise });
  const waiting = assert.rejects(pool.acquire(), ClosedError);
  await pool.close();
  await waiting;
  late.resolve(5);
  await clock.advance(0);
  assert.deepEqual(destroyed, [5]);
  assert.equal(clock.pending, 0);
});

Deno.test("a pool that is used up and closed leaves no timer", async () => {
  const { pool, clock } = numbered({
    max: 1,
    maxLifetimeMs: 10_000,
    heldWarningMs: 1_000,
  });
  const held = await pool.acquire();
  const waiting = pool.acquire();
  held.release();
  (await waiting).release();
  assert.ok(clock.pending > 0);
  await pool.close();
  assert.equal(clock.pending, 0);
});
