import type { Clock, TimerHandle } from "../base/clock.ts";
import { checkTimeoutMs } from "../base/options.ts";

/** What a {@linkcode WaitQueue} tells its owner. */
export interface WaitQueueHooks {
  /** Makes the error of a caller that waited too long. */
  onTimeout: (timeoutMs: number) => Error;
  /** Told when a caller left by its signal. */
  onAbort: () => void;
}

/** How one caller waits in a {@linkcode WaitQueue}. */
export interface WaitOptions<T> {
  /** Makes what the caller gets when it is its turn. */
  onTurn: () => T;
  /** Leaves the queue with its reason. */
  signal?: AbortSignal;
  /** Leaves the queue with an error; `Infinity` waits on. */
  timeoutMs: number;
}

/** Callers in line, first come first served; leaving costs the same anywhere in it. */
export class WaitQueue {
  readonly #clock: Clock;
  readonly #hooks: WaitQueueHooks;
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  #size = 0;

  constructor(clock: Clock, hooks: WaitQueueHooks) {
    this.#clock = clock;
    this.#hooks = hooks;
  }

  get size(): number {
    return this.#size;
  }

  /** Joins the end of the line; resolves when it is this caller's turn. */
  wait<T>(options: WaitOptions<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const { timeoutMs } = options;
      checkTimeoutMs("timeoutMs", timeoutMs);
      const waiter = new Waiter(
        this,
        this.#clock,
        options,
        resolve as (value: unknown) => void,
        reject,
      );
      waiter.begin(this.#hooks);
      this.#append(waiter);
    });
  }

  /** Lets the first in line go on; false when nobody waits. */
  releaseFirst(): boolean {
    const waiter = this.#first;
    if (waiter === undefined) return false;
    waiter.leave();
    waiter.resolve(waiter.options.onTurn());
    return true;
  }

  /** Sends everybody away. */
  rejectAll(makeError: () => Error): void {
    while (this.#first !== undefined) {
      const waiter = this.#first;
      waiter.leave();
      waiter.reject(makeError());
    }
  }

  #append(waiter: Waiter): void {
    waiter.previous = this.#last;
    if (this.#last === undefined) this.#first = waiter;
    else this.#last.next = waiter;
    this.#last = waiter;
    this.#size++;
  }

  /** Takes a waiter out of the line; called by the waiter itself. */
  remove(waiter: Waiter): void {
    const { previous, next } = waiter;
    if (previous === undefined) this.#first = next;
    else previous.next = next;
    if (next === undefined) this.#last = previous;
    else next.previous = previous;
    waiter.previous = waiter.next = undefined;
    this.#size--;
  }
}

class Waiter {
  previous: Waiter | undefined;
  next: Waiter | undefined;
  readonly #queue: WaitQueue;
  readonly #clock: Clock;
  #onAbort: (() => void) | undefined;
  #timer: TimerHandle;

  constructor(
    queue: WaitQueue,
    clock: Clock,
    readonly options: WaitOptions<unknown>,
    readonly resolve: (value: unknown) => void,
    readonly reject: (reason: unknown) => void,
  ) {
    this.#queue = queue;
    this.#clock = clock;
  }

  begin(hooks: WaitQueueHooks): void {
    const { signal, timeoutMs } = this.options;
    if (signal !== undefined) {
      this.#onAbort = () => {
        this.leave();
        hooks.onAbort();
        this.reject(signal.reason);
      };
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (timeoutMs !== Infinity) {
      this.#timer = this.#clock.setTimeout(() => {
        this.leave();
        this.reject(hooks.onTimeout(timeoutMs));
      }, timeoutMs);
    }
  }

  leave(): void {
    this.#queue.remove(this);
    if (this.#onAbort !== undefined) {
      this.options.signal!.removeEventListener("abort", this.#onAbort);
    }
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }
}
