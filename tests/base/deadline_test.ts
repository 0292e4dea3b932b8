import assert from "node:assert/strict";
import { InvalidOptionError, TimeoutError } from "../../src/base/errors.ts";
import { deadline } from "../../src/base/deadline.ts";
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
});
