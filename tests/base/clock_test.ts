import assert from "node:assert/strict";
import FakeTimers from "@sinonjs/fake-timers";
import { systemClock } from "../../src/base/clock.ts";

const DAY_MS = 24 * 60 * 60 * 1_000;

/** Runs a test on timers of the runtime's kind whose time is moved by hand. */
function withTimers(
  test: (timers: ReturnType<typeof FakeTimers.install>) => void,
): void {
  const timers = FakeTimers.install({ toFake: ["setTimeout", "clearTimeout"] });
  try {
    test(timers);
    assert.equal(timers.countTimers(), 0);
  } finally {
    timers.uninstall();
  }
}

Deno.test("systemClock keeps a timer for longer than runtimes do", () => {
  withTimers((timers) => {
    let fired = 0;
    systemClock.setTimeout(() => fired++, 60 * DAY_MS);
    timers.tick(60 * DAY_MS - 1);
    assert.equal(fired, 0);
    timers.tick(1);
    assert.equal(fired, 1);
  });
});

Deno.test("systemClock forgets a long timer, whichever step it is in", () => {
  withTimers((timers) => {
    for (const waited of [0, 30 * DAY_MS]) {
      const timer = systemClock.setTimeout(
        () => assert.fail("it was cleared"),
        60 * DAY_MS,
        { keepAlive: false },
      );
      timers.tick(waited);
      systemClock.clearTimeout(timer);
    }
    timers.tick(60 * DAY_MS);
  });
});

Deno.test("systemClock never fires a timer of infinite delay", () => {
  withTimers((timers) => {
    const timer = systemClock.setTimeout(
      () => assert.fail("never"),
      Infinity,
    );
    timers.tick(300 * DAY_MS);
    systemClock.clearTimeout(timer);
  });
});
