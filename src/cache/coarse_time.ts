import type { Clock, TimerHandle } from "../base/clock.ts";

/**
 * Reads a clock at most once a millisecond: reading the system's costs more
 * than finding an entry does.
 */
export class CoarseTime {
  readonly #clock: Clock;
  #now = NaN;
  #timer: TimerHandle;
  readonly #forget = (): void => {
    this.#now = NaN;
    this.#timer = undefined;
  };

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  now(): number {
    const now = this.#now;
    return now === now ? now : this.#read();
  }

  /** Leaves no timer behind. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#forget();
  }

  #read(): number {
    this.#now = this.#clock.now();
    this.#timer = this.#clock.setTimeout(this.#forget, 1, {
      keepAlive: false,
    });
    return this.#now;
  }
}
