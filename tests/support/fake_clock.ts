import FakeTimers from "@sinonjs/fake-timers";
import type { Clock } from "../../src/base/clock.ts";

/** A {@linkcode Clock} that stands still until a test moves it. */
export class FakeClock implements Clock {
  readonly #timers = FakeTimers.createClock(0);

  now(): number {
    return this.#timers.now;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    return this.#timers.setTimeout(callback, delayMs);
  }

  clearTimeout(handle: unknown): void {
    this.#timers.clearTimeout(handle as never);
  }

  /** Moves on by `ms`, firing what falls due and letting promises settle between. */
  async advance(ms: number): Promise<void> {
    await this.#timers.tickAsync(ms);
  }

  /** How many timers wait; a test that ends with some has leaked them. */
  get pending(): number {
    return this.#timers.countTimers();
  }
}
