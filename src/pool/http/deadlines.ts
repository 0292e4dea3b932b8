import type { Clock, TimerHandle } from "../../base/clock.ts";

/** Something that must end in time. */
export interface Timed {
  /** When its time is over, on the clock of its {@linkcode Deadlines}. */
  readonly dueAtMs: number;
  /** Called when its time is over. */
  expire(): void;
}

/**
 * Watches over the time of many calls with one timer: two for each would cost
 * an eighth of a request. A call may put off what it is due
 * at as often as it likes; only one that comes sooner moves the timer.
 */
export class Deadlines<T extends Timed> {
  readonly #clock: Clock;
  readonly #timed = new Set<T>();
  #timer: TimerHandle;
  #wakeAtMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.#timed.values();
  }

  get size(): number {
    return this.#timed.size;
  }

  add(timed: T): void {
    this.#timed.add(timed);
    this.watch(timed);
  }

  /** To be called when something is due sooner than it was. */
  watch(timed: T): void {
    const { dueAtMs } = timed;
    if (dueAtMs < this.#wakeAtMs && this.#timed.has(timed)) {
      this.#wakeAt(dueAtMs);
    }
  }

  delete(timed: T): void {
    this.#timed.delete(timed);
    if (this.#timed.size === 0) this.#wakeAt(Infinity);
  }

  #wakeAt(atMs: number): void {
    this.#clock.clearTimeout(this.#timer);
    this.#wakeAtMs = atMs;
    if (atMs === Infinity) return;
    const delayMs = Math.max(0, Math.ceil(atMs - this.#clock.now()));
    this.#timer = this.#clock.setTimeout(() => this.#sweep(), delayMs);
  }

  #sweep(): void {
    const nowMs = this.#clock.now();
    let nextMs = Infinity;
    for (const timed of this.#timed) {
      if (timed.dueAtMs <= nowMs) timed.expire();
      else nextMs = Math.min(nextMs, timed.dueAtMs);
    }
    this.#wakeAt(nextMs);
  }
}
