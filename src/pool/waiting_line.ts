import { TimeoutError } from "../base/errors.ts";
import type { Lease } from "./lease.ts";
import type { CheckedPoolOptions, PoolCounters } from "./pool_options.ts";
import { TimedEntry, TimedQueue } from "./timed_queue.ts";

/** What a {@linkcode WaitingLine} asks and tells its pool. */
export interface WaitingLineOwner {
  /** Why it takes so long, if that is known. */
  cause(): unknown;
  /** Somebody gave up. */
  left(): void;
}

/** The callers that wait for a pool's item, first come first served. */
export class WaitingLine<T> {
  readonly #options: CheckedPoolOptions<T>;
  readonly #counters: PoolCounters;
  readonly #owner: WaitingLineOwner;
  readonly #waiters: TimedQueue<Waiter<T>>;

  constructor(
    options: CheckedPoolOptions<T>,
    counters: PoolCounters,
    owner: WaitingLineOwner,
  ) {
    this.#options = options;
    this.#counters = counters;
    this.#owner = owner;
    this.#waiters = new TimedQueue(
      options.clock,
      options.acquireTimeoutMs,
      (waiter) => this.#timeOut(waiter),
    );
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Joins the end of the line; `taken` says where that was. */
  join(
    signal: AbortSignal | undefined,
    taken: Error | undefined,
  ): Promise<Lease<T>> {
    return new Promise((resolve, reject) => {
      const waiter: Waiter<T> = new Waiter(resolve, reject, taken);
      if (signal !== undefined) {
        waiter.leaveOn(signal, () => this.#abort(waiter));
      }
      this.#waiters.push(waiter);
    });
  }

  /** Takes the first out of the line. */
  next(): Waiter<T> | undefined {
    const waiter = this.#waiters.shift();
    waiter?.forgetSignal();
    return waiter;
  }

  /** Sends the first `count` away. */
  reject(error: unknown, count: number): void {
    for (let sent = 0; sent < count; sent++) this.next()?.reject(error);
  }

  stopWatching(): void {
    this.#waiters.stopWatching();
  }

  #abort(waiter: Waiter<T>): void {
    this.#waiters.delete(waiter);
    this.#counters.aborted++;
    this.#owner.left();
  }

  #timeOut(waiter: Waiter<T>): void {
    const { name, acquireTimeoutMs } = this.#options;
    waiter.forgetSignal();
    this.#counters.timedOut++;
    waiter.reject(
      new TimeoutError(`waiting for an item of ${name}`, acquireTimeoutMs, {
        cause: this.#owner.cause(),
      }),
    );
    this.#owner.left();
  }
}

class Waiter<T> extends TimedEntry {
  #signal: AbortSignal | undefined;
  #onAbort: (() => void) | undefined;

  constructor(
    readonly resolve: (lease: Lease<T>) => void,
    readonly reject: (reason: unknown) => void,
    readonly taken: Error | undefined,
  ) {
    super();
  }

  leaveOn(signal: AbortSignal, leave: () => void): void {
    this.#signal = signal;
    this.#onAbort = () => {
      leave();
      this.reject(signal.reason);
    };
    signal.addEventListener("abort", this.#onAbort, { once: true });
  }

  forgetSignal(): void {
    if (this.#onAbort !== undefined) {
      this.#signal!.removeEventListener("abort", this.#onAbort);
    }
  }
}
