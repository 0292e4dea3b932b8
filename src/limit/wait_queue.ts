import type { Clock, TimerHandle } from "../base/clock.ts";

/** How one caller waits in a {@linkcode WaitQueue}. */
export interface WaitOptions {
  /** Leaves the queue with its reason. */
  signal?: AbortSignal;
  /** Leaves the queue with what `onTimeout` makes; `Infinity` waits on. */
  timeoutMs: number;
  /** Makes the error of a caller that waited too long. */
  onTimeout: () => Error;
  /** Told when a caller left by its signal. */
  onAbort: () => void;
}

/** Callers in line, first come first served; leaving costs the same anywhere in it. */
export class WaitQueue {
  readonly #clock: Clock;
  #first: Waiter | undefined;
  #last: Waiter | undefined;
  #size = 0;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get size(): number {
    return this.#size;
  }

  /** Joins the end of the line; resolves when it is this caller's turn. */
  wait(options: WaitOptions): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#append(new Waiter(this, this.#clock, options, resolve, reject));
    });
  }

  /** Lets the first in line go on; false when nobody waits. */
  releaseFirst(): boolean {
    const waiter = this.#first;
    if (waiter === undefined) return false;
    waiter.leave();
    waiter.resolve();
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
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: (() => void) | undefined;
  readonly #timer: TimerHandle;

  constructor(
    queue: WaitQueue,
    clock: Clock,
    { signal, timeoutMs, onTimeout, onAbort }: WaitOptions,
    readonly resolve: () => void,
    readonly reject: (reason: unknown) => void,
  ) {
    this.#queue = queue;
    this.#clock = clock;
    if (signal !== undefined) {
      this.#signal = signal;
      this.#onAbort = () => {
        this.leave();
        onAbort();
        reject(signal.reason);
      };
      signal.addEventListener("abort", this.#onAbort, { once: true });
    }
    if (timeoutMs !== Infinity) {
      this.#timer = clock.setTimeout(() => {
        this.leave();
        reject(onTimeout());
      }, timeoutMs);
    }
  }

  leave(): void {
    this.#queue.remove(this);
    if (this.#onAbort !== undefined) {
      this.#signal!.removeEventListener("abort", this.#onAbort);
    }
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
  }
}
