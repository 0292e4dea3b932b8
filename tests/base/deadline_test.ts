import assert from "node:assert/strict";
import { InvalidOptionError, TimeoutError } from "../../src/base/errors.ts";
import { type Clock, systemClock } from "../../src/base/clock.ts";
import { deadline, waitAtMost } from "../../src/base/deadline.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("what is done in time passes, value or failure, and leaves no timer", async () => {
  const clock = new FakeClock();
  assert.equal(await deadline(() => 1, 10, { clock }), 1);
  assert.equal(await deadline(() => Promise.resolve(2), 10, { clock }), 2);
  await assert.rejects(
    deadline(() => Promise.reject(new Error("failed")), 10, { clock }),
    /failed/,
  );
  await assert.rejects(
    deadline(
      () => {
        throw new Error("at once");
      },
      10,
      { clock },
    ),
    /at once/,
  );
  assert.equal(clock.pending, 0);
});

Deno.test("work that ignores its signal is given up when the time is up", async () => {
  const clock = new FakeClock();
  let seen: AbortSignal | undefined;
  const late = assert.rejects(
    deadline(
      (signal) => {
        seen = signal;
        return new Promise(() => {});
      },
      50,
      { clock, name: "find_user" },
    ),
    (error) =>
      error instanceof TimeoutError && error.timeoutMs === 50 &&
      error.message === "find_user took longer than 50 ms",
  );
  await clock.advance(49);
  assert.equal(seen?.aborted, false);
  await clock.advance(1);
  await late;
  assert.ok(seen?.reason instanceof TimeoutError);
});

Deno.test("a caller's abort reaches the work and the caller", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  let seen: AbortSignal | undefined;
  const given = assert.rejects(
    deadline(
      (signal) => {
        seen = signal;
        return new Promise(() => {});
      },
      50,
      { clock, signal: controller.signal },
    ),
    /stop/,
  );
  controller.abort(new Error("stop"));
  await given;
  assert.equal(seen?.aborted, true);
  assert.equal(clock.pending, 0);
});

Deno.test("nothing is run for an aborted caller or a refused time", async () => {
  const refuse = () => assert.fail("must not be called");
  await assert.rejects(
    deadline(refuse, 10, { signal: AbortSignal.abort(new Error("before")) }),
    /before/,
  );
  for (const timeoutMs of [-1, NaN, Infinity]) {
    await assert.rejects(deadline(refuse, timeoutMs), InvalidOptionError);
  }
  await assert.rejects(
    deadline(refuse, 10, { signal: {} as AbortSignal }),
    InvalidOptionError,
  );
});

Deno.test("waitAtMost says whether the promise resolved in time", async () => {
  const clock = new FakeClock();
  assert.equal(await waitAtMost(Promise.resolve(), 10, { clock }), true);
  assert.equal(clock.pending, 0);
  const waiting = waitAtMost(new Promise(() => {}), 10, { clock });
  await clock.advance(10);
  assert.equal(await waiting, false);
});

Deno.test("waitAtMost passes a rejection and a caller's abort on", async () => {
  const clock = new FakeClock();
  const failing = Promise.reject(new Error("failed"));
  await assert.rejects(waitAtMost(failing, 10, { clock }), /failed/);
  const controller = new AbortController();
  const waiting = assert.rejects(
    waitAtMost(new Promise(() => {}), 10, {
      clock,
      signal: controller.signal,
    }),
    /stop/,
  );
  controller.abort(new Error("stop"));
  await waiting;
  assert.equal(clock.pending, 0);
});

Deno.test("a time limit lets the process end where it is told so", async () => {
  const kept: (boolean | undefined)[] = [];
  const clock: Clock = {
    ...systemClock,
    setTimeout(callback, delayMs, options) {
      kept.push(options?.keepAlive);
      return systemClock.setTimeout(callback, delayMs, options);
    },
  };
  const limits = { clock, keepAlive: false };
  await deadline(() => 1, 10, limits);
  await waitAtMost(Promise.resolve(), 10, limits);
  await deadline(() => 1, 10, { clock });
  assert.deepEqual(kept, [false, false, undefined]);
});
