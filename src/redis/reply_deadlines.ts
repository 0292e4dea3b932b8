import type { Clock, TimerHandle } from "../base/clock.ts";

/** A command that waits for its reply. */
export interface PendingReply {
  readonly deadline: number;
  readonly expire: () => void;
  done: boolean;
}

const FORGOTTEN_AT_ONCE = 64;

/**
 * Gives many commands the same time limit with one timer between them: they
 * expire in the order they began.
 */
export class ReplyDeadlines {
  readonly #clock: Clock;
  readonly #timeoutMs: number;
  #waiting: PendingReply[] = [];
  /** How many at the beginning of those that wait have their reply. */
  #done = 0;
  #timer: TimerHandle;
  #sweepAt = Infinity;
  #patient = false;

  constructor(clock: Clock, timeoutMs: number) {
    this.#clock = clock;
    this.#timeoutMs = timeoutMs;
  }

  add(expire: () => void): PendingReply {
    const deadline = this.#clock.now() + this.#timeoutMs;
    const pending = { deadline, expire, done: false };
    this.#waiting.push(pending);
    this.#forgetDone();
    if (this.#sweepAt === Infinity) this.#sweepIn(this.#timeoutMs);
    return pending;
  }

  /** Lets everything expire now and leaves no timer behind. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer);
    this.#sweepAt = Infinity;
    for (const pending of this.#waiting) expire(pending);
    this.#waiting = [];
    this.#done = 0;
  }

  /** What is kept until its time is up, though answered long ago, outlives what the collector takes cheaply. */
  #forgetDone(): void {
    while (this.#waiting[this.#done]?.done) this.#done++;
    if (this.#done < FORGOTTEN_AT_ONCE) return;
    this.#waiting = this.#waiting.slice(this.#done);
    this.#done = 0;
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
    let i = this.#done;
    this.#done = 0;
    while (waiting[i]?.done || waiting[i]?.deadline <= now) {
      expire(waiting[i++]);
    }
    this.#waiting = waiting.slice(i);
    this.#sweepAt = Infinity;
    if (this.#waiting.length > 0) {
      this.#sweepIn(Math.max(1, this.#waiting[0].deadline - now));
    }
  }
}

function expire(pending: PendingReply): void {
  if (pending.done) return;
  pending.done = true;
  pending.expire();
}
