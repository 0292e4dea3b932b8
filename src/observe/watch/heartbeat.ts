import { systemClock, type TimerHandle } from "../../base/clock.ts";

/** The time between two beats, in milliseconds. */
const INTERVAL_MS = 100;

/** An event loop that has not turned for so long is blocked, in milliseconds. */
const BLOCKED_MS = 500;

/** Shows other threads that this one's event loop turns. */
export class Heartbeat implements Disposable {
  /** The time of the last beat, by the clock that all threads share. */
  readonly cell: BigInt64Array = new BigInt64Array(new SharedArrayBuffer(8));
  #timer: TimerHandle;

  /** Begins to beat; it doesn't keep the process alive. */
  constructor() {
    this.#beat();
  }

  #beat(): void {
    Atomics.store(this.cell, 0, BigInt(Date.now()));
    this.#timer = systemClock.setTimeout(() => this.#beat(), INTERVAL_MS, {
      keepAlive: false,
    });
  }

  /** Beats no more. */
  [Symbol.dispose](): void {
    systemClock.clearTimeout(this.#timer);
  }
}

/**
 * Tells from another thread for how long an event loop has been blocked, in
 * milliseconds; 0 while it turns.
 */
export function blockedMs(cell: BigInt64Array): number {
  const ms = Date.now() - Number(Atomics.load(cell, 0));
  return ms < BLOCKED_MS ? 0 : ms;
}
