import assert from "node:assert/strict";
import fc from "fast-check";
import {
  ClosedError,
  InvalidOptionError,
  QueueFullError,
  TimeoutError,
} from "../../src/base/errors.ts";
import { type Permit, Semaphore } from "../../src/limit/semaphore.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("no more than the permits are out at once, first come first served", async () => {
  const semaphore = new Semaphore(2);
  const order: number[] = [];
  const gates = Array.from({ length: 5 }, () => Promise.withResolvers<void>());
  const runs = gates.map((gate, index) =>
    semaphore.use(() => {
      order.push(index);
      return gate.promise;
    })
  );
  assert.deepEqual(order, [0, 1]);
  assert.equal(semaphore.stats.waiting, 3);
  gates[1].resolve();
  await runs[1];
  await Promise.resolve();
  assert.deepEqual(order, [0, 1, 2]);
  gates.forEach((gate) => gate.resolve());
  await Promise.all(runs);
  assert.deepEqual(order, [0, 1, 2, 3, 4]);
  assert.equal(semaphore.stats.active, 0);
  assert.equal(semaphore.stats.acquired, 5);
});

Deno.test("a permit is released by using, by release, and only once", async () => {
  const semaphore = new Semaphore(1);
  {
    using permit = await semaphore.acquire();
    assert.equal(semaphore.stats.active, 1);
    permit.release();
    permit.release();
  }
  assert.equal(semaphore.stats.active, 0);
});

Deno.test("use releases after a failure, also one thrown before a promise was made", async () => {
  const semaphore = new Semaphore(1);
  await assert.rejects(
    semaphore.use(() => {
      throw new Error("at once");
    }),
    /at once/,
  );
  await assert.rejects(
    semaphore.use(() => Promise.reject(new Error("later"))),
    /later/,
  );
  assert.equal(semaphore.stats.active, 0);
});

Deno.test("tryAcquire never waits and never overtakes", async () => {
  const semaphore = new Semaphore(1);
  const first = semaphore.tryAcquire()!;
  assert.equal(semaphore.tryAcquire(), undefined);
  const second = semaphore.acquire();
  first.release();
  assert.equal(semaphore.tryAcquire(), undefined, "the one in line has it");
  (await second).release();
  using free = semaphore.tryAcquire();
  assert.ok(free);
});

Deno.test("an aborted caller leaves the line, wherever it stands", async () => {
  for (const leaver of [0, 1, 2]) {
    const semaphore = new Semaphore(1);
    const held = await semaphore.acquire();
    const controllers = [0, 1, 2].map(() => new AbortController());
    const order: number[] = [];
    const waits = controllers.map(({ signal }, index) =>
      semaphore.acquire({ signal }).then((permit) => {
        order.push(index);
        permit.release();
      })
    );
    controllers[leaver].abort(new Error("gone"));
    await assert.rejects(waits[leaver], /gone/);
    assert.equal(semaphore.stats.waiting, 2);
    held.release();
    await Promise.allSettled(waits);
    assert.deepEqual(order, [0, 1, 2].filter((index) => index !== leaver));
    assert.equal(semaphore.stats.aborted, 1);
    assert.equal(semaphore.stats.active, 0);
  }
});

Deno.test("an abort after the permit was given changes nothing", async () => {
  const semaphore = new Semaphore(1);
  const held = await semaphore.acquire();
  const controller = new AbortController();
  const waiting = semaphore.acquire({ signal: controller.signal });
  held.release();
  controller.abort();
  using _permit = await waiting;
  assert.equal(semaphore.stats.active, 1);
  assert.equal(semaphore.stats.aborted, 0);
});

Deno.test("a signal that is already aborted takes nothing", async () => {
  const semaphore = new Semaphore(1);
  const signal = AbortSignal.abort(new Error("before"));
  await assert.rejects(semaphore.acquire({ signal }), /before/);
  await assert.rejects(semaphore.use(() => {}, { signal }), /before/);
  assert.equal(semaphore.stats.active, 0);
});

Deno.test("a full queue refuses the next caller", async () => {
  const semaphore = new Semaphore(1, { name: "find_user", maxWaiting: 1 });
  const held = await semaphore.acquire();
  const waiting = semaphore.acquire();
  await assert.rejects(
    semaphore.acquire(),
    (error) =>
      error instanceof QueueFullError && error.code === "SLUICE_QUEUE_FULL" &&
      error.maxWaiting === 1 && /find_user/.test(error.message),
  );
  held.release();
  (await waiting).release();
  assert.equal(semaphore.stats.rejected, 1);
});

Deno.test("a caller waits no longer than acquireTimeoutMs", async () => {
  const clock = new FakeClock();
  const semaphore = new Semaphore(1, { acquireTimeoutMs: 100, clock });
  const held = await semaphore.acquire();
  const late = assert.rejects(
    semaphore.acquire(),
    (error) => error instanceof TimeoutError && error.timeoutMs === 100,
  );
  const hasty = assert.rejects(
    semaphore.acquire({ timeoutMs: 30 }),
    (error) => error instanceof TimeoutError && error.timeoutMs === 30,
  );
  await clock.advance(60);
  await hasty;
  const inTime = semaphore.acquire();
  assert.throws(() => semaphore.acquire({ timeoutMs: NaN }), /timeoutMs.*NaN/);
  await clock.advance(40);
  await late;
  held.release();
  (await inTime).release();
  assert.equal(clock.pending, 0);
  assert.equal(semaphore.stats.timedOut, 2);
});

Deno.test("close sends the waiting away and leaves the running alone", async () => {
  const semaphore = new Semaphore(1);
  const held = await semaphore.acquire();
  const waiting = semaphore.acquire();
  semaphore.close();
  await assert.rejects(waiting, ClosedError);
  await assert.rejects(semaphore.acquire(), ClosedError);
  await assert.rejects(semaphore.use(() => {}), ClosedError);
  assert.equal(semaphore.tryAcquire(), undefined);
  held.release();
  assert.equal(semaphore.stats.active, 0);
});

Deno.test("a line that stands for long is served from its end, and a short one never", async () => {
  const clock = new FakeClock();
  const semaphore = new Semaphore(1, { newestFirstAfterMs: 1_000, clock });
  const served: string[] = [];
  const join = (name: string) =>
    semaphore.acquire().then((permit) => {
      served.push(name);
      return permit;
    });
  const held = await join("held");
  const waiting = ["a", "b", "c"].map(join);
  await clock.advance(999);
  assert.equal(semaphore.stats.standingMs, 999);
  held.release();
  const a = await waiting[0];
  await clock.advance(1);
  a.release();
  (await waiting[2]).release();
  const b = await waiting[1];
  // The line was empty: a new one begins.
  const d = join("d");
  const e = join("e");
  assert.equal(semaphore.stats.standingMs, 0);
  b.release();
  (await d).release();
  (await e).release();
  assert.deepEqual(served, ["held", "a", "c", "b", "d", "e"]);
  assert.equal(semaphore.stats.active, 0);
});

Deno.test("property: under overload nobody is lost, nor served beyond the permits, nor kept too long", async () => {
  const event = fc.oneof(
    { weight: 3, arbitrary: fc.constant({ type: "arrive" as const }) },
    { weight: 2, arbitrary: fc.constant({ type: "finish" as const }) },
    fc.record({ type: fc.constant("leave" as const), pick: fc.nat() }),
    fc.record({
      type: fc.constant("wait" as const),
      ms: fc.integer({ min: 1, max: 700 }),
    }),
  );
  const limits = fc.record({
    permits: fc.integer({ min: 1, max: 3 }),
    maxWaiting: fc.integer({ min: 0, max: 6 }),
  });
  await fc.assert(
    fc.asyncProperty(limits, fc.array(event), async (limits, events) => {
      const clock = new FakeClock();
      const { permits, maxWaiting } = limits;
      const semaphore = new Semaphore(permits, {
        maxWaiting,
        newestFirstAfterMs: 500,
        acquireTimeoutMs: 1_000,
        clock,
      });
      const held: Permit[] = [];
      const line = new Map<AbortController, number>();
      let arrived = 0;
      let served = 0;
      let turnedAway = 0;
      for (const event of events) {
        if (event.type === "arrive") {
          const controller = new AbortController();
          arrived++;
          line.set(controller, clock.now());
          semaphore.acquire({ signal: controller.signal }).then(
            (permit) => {
              served++;
              held.push(permit);
            },
            () => turnedAway++,
          ).finally(() => line.delete(controller));
        } else if (event.type === "finish") held.pop()?.release();
        else if (event.type === "leave") {
          [...line.keys()][event.pick % line.size]?.abort();
        }
        await clock.advance(event.type === "wait" ? event.ms : 0);
        assert.equal(served + turnedAway + line.size, arrived);
        assert.equal(semaphore.stats.active, held.length);
        assert.equal(semaphore.stats.waiting, line.size);
        assert.ok(held.length <= permits && line.size <= maxWaiting);
        assert.ok(line.size === 0 || held.length === permits);
        assert.equal(
          semaphore.isFull,
          held.length === permits && line.size === maxWaiting,
        );
        for (const since of line.values()) {
          assert.ok(clock.now() - since < 1_000);
        }
      }
      while (held.length > 0) {
        held.pop()!.release();
        await clock.advance(0);
      }
      assert.equal(served + turnedAway, arrived);
      assert.equal(clock.pending, 0);
    }),
  );
});

Deno.test("limits that can't be kept are refused", () => {
  for (const permits of [0, -1, NaN, 1.5]) {
    assert.throws(() => new Semaphore(permits), InvalidOptionError);
  }
  assert.throws(() => new Semaphore(1, { maxWaiting: -1 }), /maxWaiting/);
  assert.throws(
    () => new Semaphore(1, { acquireTimeoutMs: NaN }),
    /acquireTimeoutMs.*NaN/,
  );
  assert.throws(
    () => new Semaphore(1, { newestFirstAfterMs: -1 }),
    /newestFirstAfterMs.*-1/,
  );
  assert.equal(new Semaphore(Infinity).tryAcquire() === undefined, false);
});

Deno.test("property: like a queue on paper, under any order of events", async () => {
  const event = fc.oneof(
    fc.constant({ type: "acquire" as const }),
    fc.record({ type: fc.constant("release" as const), pick: fc.nat() }),
    fc.record({ type: fc.constant("abort" as const), pick: fc.nat() }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 4 }),
      fc.array(event, { maxLength: 60 }),
      async (permits, events) => {
        const semaphore = new Semaphore(permits);
        const controllers: AbortController[] = [];
        const held = new Map<number, Permit>();
        const active: number[] = [];
        const line: number[] = [];
        for (const event of events) {
          if (event.type === "acquire") {
            const id = controllers.push(new AbortController()) - 1;
            semaphore.acquire({ signal: controllers[id].signal }).then(
              (permit) => held.set(id, permit),
              () => {},
            );
            (active.length < permits ? active : line).push(id);
          } else if (event.type === "release" && active.length > 0) {
            const [id] = active.splice(event.pick % active.length, 1);
            held.get(id)!.release();
            held.delete(id);
            if (line.length > 0) active.push(line.shift()!);
          } else if (event.type === "abort" && line.length > 0) {
            const [id] = line.splice(event.pick % line.length, 1);
            controllers[id].abort();
          }
          for (let turn = 0; turn < 5; turn++) await Promise.resolve();
          assert.deepEqual([...held.keys()].sort(), [...active].sort());
          assert.equal(semaphore.stats.active, active.length);
          assert.equal(semaphore.stats.waiting, line.length);
        }
      },
    ),
  );
});
