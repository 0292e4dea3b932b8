import type { Clock, TimerHandle } from "../base/clock.ts";

/**
 * Reads a clock at most once a millisecond, in whole milliseconds: reading the
 * system's costs more than finding an entry does, and small whole numbers are
 * the quickest to compare.
 */
export class CoarseTime {
  readonly #clock: Clock;
  #now = -1;
  #timer: TimerHandle;
  readonly #forget = (): void => {
    this.#now = -1;
    this.#timer = undefined;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    const now = this.#now;
    return now >= 0 ? now : this.#read();
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#forget();
  }

  #read(): number {
    this.#now = Math.floor(this.#clock.now());
    this.#timer = this.#clock.setTimeout(this.#forget, 1, {
      keepAlive: false,
    });
    return this.#now;
  }
}
