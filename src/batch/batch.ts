import type { TimerHandle } from "../base/clock.ts";

/** One key of a batch, and those who asked for it. */
export class BatchEntry<K, V> {
  readonly promise: Promise<V>;
  resolve!: (value: V) => void;
  reject!: (reason: unknown) => void;
  #callers = 0;

  constructor(
    readonly batch: Batch<K, V>,
    readonly identity: unknown,
    readonly key: K,
  ) {
    this.promise = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
  }

  /** Adds a caller who stays to the end. */
  join(): Promise<V> {
    this.#callers++;
    return this.promise;
  }

  /** Adds a caller who may leave; `onAbandoned` hears of the last one to leave. */
  joinUntil(
    signal: AbortSignal,
    onAbandoned: (reason: unknown) => void,
  ): Promise<V> {
    this.#callers++;
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        reject(signal.reason);
        if (--this.#callers === 0) onAbandoned(signal.reason);
      };
      signal.addEventListener("abort", onAbort, { once: true });
      this.promise.then(resolve, reject).finally(() =>
        signal.removeEventListener("abort", onAbort)
      );
    });
  }
}

/** How far a {@linkcode Batch} is; it never goes back. */
export type BatchPhase = "gathering" | "due" | "running" | "finished";

/** Keys that are asked for together. */
export class Batch<K, V> {
  phase: BatchPhase = "gathering";
  /** Until the batch is due, then until its loader is given up. */
  timer: TimerHandle;
  /** Then callers may join its keys to the end of the tick, be it running. */
  filledThisTick = false;
  /** Where it stands among the unfinished. */
  place = -1;
  readonly entries: BatchEntry<K, V>[] = [];
  #controller: AbortController | undefined;
  #finished: PromiseWithResolvers<void> | undefined;
  #abandoned = 0;

  constructor(readonly partition: unknown) {}

  get size(): number {
    return this.entries.length;
  }

  /** Made when first asked for: most loaders don't look at it. */
  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  get whenFinished(): Promise<void> {
    if (this.phase === "finished") return Promise.resolve();
    return (this.#finished ??= Promise.withResolvers()).promise;
  }

  add(identity: unknown, key: K): BatchEntry<K, V> {
    const entry = new BatchEntry<K, V>(this, identity, key);
    this.entries.push(entry);
    return entry;
  }

  /** Takes note that an entry's last caller left; true if it was the last entry. */
  abandon(entry: BatchEntry<K, V>): boolean {
    if (this.phase === "running") return ++this.#abandoned === this.size;
    this.entries.splice(this.entries.indexOf(entry), 1);
    return this.size === 0;
  }

  /** Tells the loader to stop. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** Gives each entry's callers its outcome, and says how many were errors. */
  settle(outcomes: readonly (V | Error)[]): number {
    let failures = 0;
    for (let index = 0; index < this.entries.length; index++) {
      const outcome = outcomes[index];
      if (outcome instanceof Error) {
        failures++;
        this.entries[index].reject(outcome);
      } else {
        this.entries[index].resolve(outcome);
      }
    }
    return failures;
  }

  rejectAll(reason: unknown): void {
    for (const entry of this.entries) entry.reject(reason);
  }

  finish(): void {
    this.phase = "finished";
    this.#finished?.resolve();
  }
}
