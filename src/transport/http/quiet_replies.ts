import type { Clock, TimerHandle } from "../../base/clock.ts";

/** A reply that has said nothing yet. */
export interface QuietReply {
  /** Begins its stream, so that nobody on the way takes it for dead. */
  breakSilence(): void;
}

/**
 * The replies that keep their clients waiting. Proxies and clients give up on a
 * response that doesn't begin; so after a while it does, as a stream.
 */
export class QuietReplies {
  readonly #clock: Clock;
  readonly #patienceMs: number;
  /** When each fell silent, the longest silent first. */
  readonly #since: Map<QuietReply, number> = new Map();
  #timer: TimerHandle;

  /** @param patienceMs for how long a reply may be silent, in milliseconds */
  constructor(clock: Clock, patienceMs: number) {
    this.#clock = clock;
    this.#patienceMs = patienceMs;
  }

  add(reply: QuietReply): void {
    this.#since.set(reply, this.#clock.now());
    // One timer for all: one each would cost more than a quick answer does.
    if (this.#since.size === 1) this.#wind(this.#patienceMs);
  }

  delete(reply: QuietReply): void {
    if (!this.#since.delete(reply) || this.#since.size > 0) return;
    this.#clock.clearTimeout(this.#timer);
  }

  #wind(delayMs: number): void {
    this.#timer = this.#clock.setTimeout(() => this.#look(), delayMs, {
      keepAlive: false,
    });
  }

  #look(): void {
    const now = this.#clock.now();
    for (const [reply, since] of [...this.#since]) {
      const leftMs = since + this.#patienceMs - now;
      if (leftMs > 0) return this.#wind(Math.ceil(leftMs));
      this.#since.delete(reply);
      reply.breakSilence();
    }
  }
}
