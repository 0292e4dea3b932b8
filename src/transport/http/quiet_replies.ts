import type { Clock, TimerHandle } from "../../base/clock.ts";

/**
 * Milliseconds after which a response begins that has nothing to say yet. Until
 * then an error can have a status of its own.
 */
export const PATIENCE_MS = { auto: 1_000, sse: 100 };

/** A reply that has said nothing yet. */
export interface QuietReply {
  /** Begins its stream, so that nobody on the way takes it for dead. */
  breakSilence(): void;
}

/**
 * For how many turns of the microtask queue no timer is wound. Most answers come
 * within them, and cost less than a timer (bench/http.ts, "progress").
 */
const SETTLING_TURNS = 8;

/**
 * The replies that keep their clients waiting. Proxies and clients give up on a
 * response that doesn't begin; so after a while it does, as a stream.
 */
export class QuietReplies {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  /** Times when each fell silent, the longest silent first. */
  readonly #since: Map<QuietReply, number> = new Map();
  #timer: TimerHandle;
  #settling = false;

  /** @param patienceMs for how long a reply may be silent, in milliseconds */
  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  add(reply: QuietReply): void {
    this.#since.set(reply, this.#clock.now());
    if (this.#timer !== undefined || this.#settling) return;
    this.#settling = true;
    this.#settle(SETTLING_TURNS);
  }

  delete(reply: QuietReply): void {
    if (!this.#since.delete(reply) || this.#since.size > 0) return;
    if (this.#timer === undefined) return;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** Winds one timer for all that are still quiet some turns later. */
  #settle(turns: number): void {
    queueMicrotask(() => {
      this.#settling = this.#since.size > 0 && turns > 0;
      if (this.#settling) this.#settle(turns - 1);
      else if (this.#since.size > 0) this.#wind(this.#patienceMs);
    });
  }

  #wind(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), delayMs, {
      keepAlive: false,
    });
  }

  #look(): void {
    this.#timer = undefined;
    const now = this.#clock.now();
    for (const [reply, since] of [...this.#since]) {
      const leftMs = since + this.#patienceMs - now;
      if (leftMs > 0) return this.#wind(Math.ceil(leftMs));
      this.#since.delete(reply);
      reply.breakSilence();
    }
  }
}
