import type { Clock } from "../../src/base/clock.ts";

/**
 * An event loop whose handlers compute: the timers that have become due run only
 * once all ready requests have.
 */
export class BusyLoop implements Clock {
  readonly #timers = new Map<number, () => void>();
  #now = 0;

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, delayMs: number): unknown {
    const at = this.#now + delayMs;
    this.#timers.set(at, callback);
    return at;
  }

  clearTimeout(handle: unknown): void {
    this.#timers.delete(handle as number);
  }

  /** How many timers wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Holds the loop. */
  compute(ms: number): void {
    this.#now += ms;
  }

  /** Waits until a timer is due, if none is, and runs those that are. */
  endTurn(): void {
    this.#now = Math.max(this.#now, ...this.#timers.keys());
    for (const [at, callback] of [...this.#timers]) {
      this.#timers.delete(at);
      callback();
    }
  }
}
