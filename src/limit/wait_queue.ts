import type { Clock, TimerHandle } from "../base/clock.ts";
import { TimedEntry, TimedQueue } from "../base/timed_queue.ts";

/** The owner of a {@linkcode WaitQueue}. */
export interface WaitQueueOwner {
  /** Told when a caller has left without its turn. */
  left: (why: "timedOut" | "aborted") => void;
  /** Makes the error of one that waited too long. */
  late: (timeoutMs: number) => Error;
}

/**
 * Callers in line, usually first come first served; leaving costs the same
 * anywhere in it. Each gets a `Turn` in the end, and brings a `Ticket` for who gives it.
 */
export class WaitQueue<Turn, Ticket> {
  readonly #clock: Clock;
  readonly #owner: WaitQueueOwner;
  readonly #waiters: TimedQueue<Waiter<Turn, Ticket>>;

  /** @param limitMs What all callers are given; a {@linkcode TimedQueue} keeps it. */
  constructor(clock: Clock, owner: WaitQueueOwner, limitMs = Infinity) {
    this.#clock = clock;
    this.#owner = owner;
    this.#waiters = new TimedQueue(
      clock,
      limitMs,
      (waiter) => this.#sendAway(waiter, limitMs),
    );
  }

  get size(): number {
    return this.#waiters.size;
  }

  /**
   * Joins the end of the line; resolves when it is this caller's turn.
   *
   * @param signal Leaves the queue with its reason.
   * @param timeoutMs Leaves it with an error, measured by a timer of its own.
   */
  wait(
    ticket: Ticket,
    signal: AbortSignal | undefined,
    timeoutMs: number = Infinity,
  ): Promise<Turn> {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter<Turn, Ticket>(ticket, resolve, reject);
      this.#waiters.push(waiter);
      if (signal !== undefined) this.#leaveOn(signal, waiter);
      if (timeoutMs !== Infinity) this.#leaveAfter(timeoutMs, waiter);
    });
  }

  /** Takes the first out of the line, or the newest, to be given its turn. */
  next(newest = false): Waiter<Turn, Ticket> | undefined {
    const waiter = newest ? this.#waiters.pop() : this.#waiters.shift();
    waiter?.stop();
    return waiter;
  }

  /** Sends the first `count` away. */
  reject(error: unknown, count = this.size): void {
    for (let sent = 0; sent < count; sent++) this.next()?.reject(error);
  }

  /** Forgets `limitMs`, which no longer sends anybody away. */
  stopWatching(): void {
    this.#waiters.stopWatching();
  }

  #leaveOn(signal: AbortSignal, waiter: Waiter<Turn, Ticket>): void {
    const onAbort = () => {
      this.#leave(waiter, "aborted");
      waiter.reject(signal.reason);
    };
    signal.addEventListener("abort", onAbort, { once: true });
    waiter.forgetSignal = () => signal.removeEventListener("abort", onAbort);
  }

  #leaveAfter(timeoutMs: number, waiter: Waiter<Turn, Ticket>): void {
    const timer: TimerHandle = this.#clock.setTimeout(
      () => this.#sendAway(waiter, timeoutMs),
      timeoutMs,
    );
    waiter.forgetTimer = () => this.#clock.clearTimeout(timer);
  }

  #sendAway(waiter: Waiter<Turn, Ticket>, timeoutMs: number): void {
    this.#leave(waiter, "timedOut");
    waiter.reject(this.#owner.late(timeoutMs));
  }

  #leave(waiter: Waiter<Turn, Ticket>, why: "timedOut" | "aborted"): void {
    this.#waiters.delete(waiter);
    waiter.stop();
    this.#owner.left(why);
  }
}

/** One caller in line. */
class Waiter<Turn, Ticket> extends TimedEntry {
  forgetSignal: (() => void) | undefined;
  forgetTimer: (() => void) | undefined;

  constructor(
    readonly ticket: Ticket,
    readonly resolve: (turn: Turn | Promise<Turn>) => void,
    readonly reject: (reason: unknown) => void,
  ) {
    super();
  }

  stop(): void {
    this.forgetSignal?.();
    this.forgetTimer?.();
  }
}
