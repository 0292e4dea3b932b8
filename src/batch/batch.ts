/** One key of a batch, and those who asked for it. */
export class BatchEntry<K, V> {
  readonly promise: Promise<V>;
  resolve!: (value: V) => void;
  reject!: (reason: unknown) => void;
  #callers = 0;

  constructor(readonly key: K) {
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
  readonly #entries = new Map<unknown, BatchEntry<K, V>>();
  readonly #finished = Promise.withResolvers<void>();
  #controller: AbortController | undefined;
  #abandoned = 0;

  constructor(readonly partition: unknown) {}

  get size(): number {
    return this.#entries.size;
  }

  get keys(): K[] {
    return Array.from(this.#entries.values(), ({ key }) => key);
  }

  /** Made when first asked for: most loaders don't look at it. */
  get signal(): AbortSignal {
    return (this.#controller ??= new AbortController()).signal;
  }

  get whenFinished(): Promise<void> {
    return this.#finished.promise;
  }

  get(identity: unknown): BatchEntry<K, V> | undefined {
    return this.#entries.get(identity);
  }

  add(identity: unknown, key: K): BatchEntry<K, V> {
    const entry = new BatchEntry<K, V>(key);
    this.#entries.set(identity, entry);
    return entry;
  }

  /** Takes note that a key's last caller left; true if it was the last key. */
  abandon(identity: unknown): boolean {
    if (this.phase === "running") {
      return ++this.#abandoned === this.#entries.size;
    }
    this.#entries.delete(identity);
    return this.#entries.size === 0;
  }

  /** Tells the loader to stop. */
  abort(reason: unknown): void {
    this.#controller?.abort(reason);
  }

  /** Gives each key's callers its outcome, and says how many were errors. */
  settle(outcomeOf: (identity: unknown, index: number) => V | Error): number {
    let index = 0;
    let failures = 0;
    for (const [identity, entry] of this.#entries) {
      const outcome = outcomeOf(identity, index++);
      if (outcome instanceof Error) {
        failures++;
        entry.reject(outcome);
      } else {
        entry.resolve(outcome);
      }
    }
    return failures;
  }

  rejectAll(reason: unknown): void {
    for (const entry of this.#entries.values()) entry.reject(reason);
  }

  finish(): void {
    this.phase = "finished";
    this.#finished.resolve();
  }
}
