import type { Clock, TimerHandle } from "../../base/clock.ts";

/** Interval at which turns of the loop are told apart, in milliseconds. */
const TICK_MS = 10;
/** Shares of the bound: a burst's, what is long, and the least that is let in. */
const BURST = 20;
const LONG = 0.4;
const LEAST = 1 / 16;

/**
 * Knows how far the event loop is behind. What waits in sockets while handlers
 * compute is seen nowhere, but a runtime serves what is ready before it comes to
 * its timers: for as long as a timer is late, requests have waited, or will.
 *
 * A first long turn is a burst, and is let through. What doesn't fit into `maxMs`
 * of the next is refused, and for as long as that goes on, into half as much of
 * each: a runtime takes but so many requests out of their sockets in one turn, so
 * they are seen soon only where turns are short. It is twice as much again after a
 * turn without a refusal, and a turn without a request ends it. Before
 * {@linkcode LoopBacklog.watch}, and while nothing comes, no timer runs.
 */
export class LoopBacklog {
  readonly #clock: Clock;
  readonly #maxMs: number;
  #watches = false;
  #timer: TimerHandle;
  #turnFrom = 0;
  #lastAt = 0;
  /** The longest piece of the turn: one call's computing, or a pause of the process. */
  #pieceMs = 0;
  #used = false;
  #refused = false;
  #limitMs: number;

  /** @param maxMs What a turn may take after a long one, in milliseconds. */
  constructor(clock: Clock, maxMs: number) {
    this.#clock = clock;
    this.#maxMs = maxMs;
    this.#limitMs = BURST * maxMs;
  }

  /** Begins to look after the loop, as {@linkcode LoopBacklog.isOver} is asked. */
  watch(): void {
    this.#watches = true;
  }

  /**
   * Tells if the turn is too long for one request more; asked at each.
   *
   * @param now time by the clock
   * @param queuedMs how long it has been on its way, where a proxy says so
   */
  isOver(now: number, queuedMs = 0): boolean {
    if (!this.#watches) return false;
    if (this.#timer === undefined) this.#begin(now);
    this.#used = true;
    this.#note(now);
    if (this.#busyMs > this.#limitMs) return this.#refused = true;
    // Another machine's clock may be wrong: alone it doesn't make a turn long.
    return queuedMs > this.#maxMs && this.#limitMs <= this.#maxMs;
  }

  /** Milliseconds of the turn, but for its longest piece: nobody waits on one alone. */
  get #busyMs(): number {
    return this.#lastAt - this.#turnFrom - this.#pieceMs;
  }

  #note(now: number): void {
    const pieceMs = now - this.#lastAt;
    if (pieceMs > this.#pieceMs) this.#pieceMs = pieceMs;
    this.#lastAt = now;
  }

  #begin(now: number): void {
    this.#turnFrom = now;
    this.#lastAt = now;
    this.#pieceMs = 0;
    this.#used = false;
    this.#refused = false;
    this.#timer = this.#clock.setTimeout(this.#tick, TICK_MS, {
      keepAlive: false,
    });
  }

  readonly #tick = (): void => {
    const now = this.#clock.now();
    this.#note(now);
    this.#limitMs = this.#nextLimitMs();
    this.#timer = undefined;
    if (this.#used) this.#begin(now);
  };

  #nextLimitMs(): number {
    const most = this.#maxMs;
    if (this.#refused) {
      return Math.max(LEAST * most, Math.min(most, this.#limitMs / 2));
    }
    if (!this.#used) return BURST * most;
    if (this.#limitMs < most) return 2 * this.#limitMs;
    return this.#busyMs > LONG * most ? most : BURST * most;
  }

  /** Looks no longer. */
  close(): void {
    this.#watches = false;
    this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
  }
}
