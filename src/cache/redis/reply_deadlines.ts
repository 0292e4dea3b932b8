import type { Clock, TimerHandle } from "../../base/clock.ts";

/** Something that must be done by its deadline. */
export interface Expirable {
  readonly done: boolean;
  deadline: number;
  expire(): void;
}

/**
 * Gives many operations the same time limit with one timer between them: they
 * expire in the order they began.
 */
export class ReplyDeadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #waiting: Expirable[] = [];
  #timer: TimerHandle;
  #sweepAt = Infinity;
  #patient = false;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  add(operation: Expirable): void {
    operation.deadline = this.#clock.now() + this.#timeoutMs;
    this.#waiting.push(operation);
    if (this.#sweepAt === Infinity) this.#sweepIn(this.#timeoutMs);
  }

  /** Lets everything expire now and leaves no timer behind. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#sweepAt = Infinity;
    for (const operation of this.#waiting) {
      if (!operation.done) operation.expire();
    }
    this.#waiting = [];
  }

  #sweepIn(delayMs: number): void {
    this.#sweepAt = this.#clock.now() + delayMs;
    this.#timer = this.#clock.setTimeout(() => this.#sweep(), delayMs, {
      keepAlive: false,
    });
  }

  #sweep(): void {
    const now = this.#clock.now();
    if (now - this.#sweepAt > 1 && !this.#patient) {
      // The event loop was held up: let it read the replies that came meanwhile.
      this.#patient = true;
      return this.#sweepIn(1);
    }
    this.#patient = false;
    const waiting = this.#waiting;
    let i = 0;
    while (
      i < waiting.length && (waiting[i].done || waiting[i].deadline <= now)
    ) {
      if (!waiting[i].done) waiting[i].expire();
      i++;
    }
    this.#waiting = waiting.slice(i);
    this.#sweepAt = Infinity;
    if (this.#waiting.length > 0) {
      this.#sweepIn(Math.max(1, this.#waiting[0].deadline - now));
    }
  }
}
