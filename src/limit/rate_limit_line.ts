import type { Clock } from "../base/clock.ts";
import type { RateLimitedError } from "../base/errors.ts";
import { WaitQueue } from "./wait_queue.ts";

/**
 * The callers who wait for units of one key, first come first served. The first
 * of them has the turn until it leaves, and asks for its units alone: whoever is
 * behind would only be told to wait as well, or overtake it.
 */
export class RateLimitLine {
  readonly #queue: WaitQueue<void, void>;
  #begun = false;

  /**
   * @param askAtMs When the first asks again; nobody in line gets anything before.
   * @param late Makes the error of one whose time is up before its turn.
   */
  constructor(
    clock: Clock,
    public askAtMs: number,
    late: (askAtMs: number) => RateLimitedError,
  ) {
    this.#queue = new WaitQueue(clock, {
      left: () => {},
      late: () => late(this.askAtMs),
    });
  }

  /** Resolves when it is this caller's turn, which the first has at once. */
  enter(signal: AbortSignal | undefined, timeoutMs: number): Promise<void> {
    if (this.#begun) return this.#queue.wait(undefined, signal, timeoutMs);
    this.#begun = true;
    return Promise.resolve();
  }

  /** Hands the turn on, and says whether there was anybody to take it. */
  leave(): boolean {
    const next = this.#queue.next();
    next?.resolve();
    return next !== undefined;
  }
}
