import assert from "node:assert/strict";
import { abortable, sleep } from "../../src/base/abort.ts";
import { FakeClock } from "../support/fake_clock.ts";

Deno.test("sleep resolves when its time has come and leaves no timer", async () => {
  const clock = new FakeClock();
  let woke = false;
  const slept = sleep(50, { clock }).then(() => woke = true);
  await clock.advance(49);
  assert.equal(woke, false);
  await clock.advance(1);
  await slept;
  assert.equal(clock.pending, 0);
});

Deno.test("sleep rejects with the signal's reason and forgets its timer", async () => {
  const clock = new FakeClock();
  const controller = new AbortController();
  const slept = sleep(50, { clock, signal: controller.signal });
  controller.abort(new Error("enough"));
  await assert.rejects(slept, /enough/);
  assert.equal(clock.pending, 0);
});

Deno.test("sleep with a signal that is already aborted never sets a timer", async () => {
  const clock = new FakeClock();
  await assert.rejects(
    sleep(50, { clock, signal: AbortSignal.abort(new Error("before")) }),
    /before/,
  );
  assert.equal(clock.pending, 0);
});

Deno.test("abortable passes a value, a failure and an abort on", async () => {
  const { signal } = new AbortController();
  assert.equal(await abortable(Promise.resolve(1), signal), 1);
  await assert.rejects(
    abortable(Promise.reject(new Error("failed")), signal),
    /failed/,
  );
  const controller = new AbortController();
  const waiting = abortable(new Promise(() => {}), controller.signal);
  controller.abort(new Error("stop"));
  await assert.rejects(waiting, /stop/);
});

Deno.test("abortable swallows what a given-up promise does later", async () => {
  const late = Promise.withResolvers<never>();
  await assert.rejects(
    abortable(late.promise, AbortSignal.abort(new Error("stop"))),
    /stop/,
  );
  late.reject(new Error("late"));
});
