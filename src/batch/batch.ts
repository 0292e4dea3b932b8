import type { TimerHandle } from "../base/clock.ts";
import { BatchKeyMissingError, BatchResultsError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import { handled } from "../base/thenable.ts";
import { thrownText } from "../base/thrown.ts";
import { TimedEntry } from "../base/timed_queue.ts";
import type {
  BatchContext,
  BatcherSettings,
  BatchResults,
} from "./batch_options.ts";

/** Keys that are asked for together. */
export class Batch<K, V> extends TimedEntry implements BatchContext {
  phase: BatchPhase = "gathering";
  /** Until the batch is due, then until its loader is given up. */
  timer: TimerHandle;
  /** Then callers may join its keys to the end of the tick, be it running. */
  filledThisTick = false;
  /** Its place among the unfinished. */
  place = -1;
  readonly entries: BatchEntry<K, V>[] = [];
  #controller: AbortController | undefined;
  #finished: PromiseWithResolvers<void> | undefined;
  #abandoned = 0;

  constructor(readonly partition: unknown) {
    super();
  }

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

  /**
   * Gives each entry's callers what the loader has for them, and says how many
   * of these were errors.
   *
   * @throws {BatchResultsError} when the results can't be matched to the keys.
   */
  settle(results: BatchResults<V>, settings: BatcherSettings<K, V>): number {
    const outcomes = outcomesOf(this, results, settings);
    if (outcomes !== results) ignoreRejections(results);
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

/** The stations of a {@linkcode Batch}; it never goes back. */
export type BatchPhase = "gathering" | "due" | "running" | "finished";

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

/**
 * Results may be promises: of those that reach no caller, a rejection would end
 * the process.
 */
export function ignoreRejections(results: unknown): void {
  if (!Array.isArray(results) && !(results instanceof Map)) return;
  for (const result of results.values()) {
    if (result instanceof Promise) handled(result);
  }
}

/** Puts results in the order of the keys. */
function outcomesOf<K, V>(
  batch: Batch<K, V>,
  results: BatchResults<V>,
  settings: BatcherSettings<K, V>,
): readonly (V | Error)[] {
  const { name, resultKey } = settings;
  if (results instanceof Map) return outcomesByKey(batch, results, settings);
  if (!Array.isArray(results)) throw new BatchResultsError(name, batch.size);
  if (resultKey !== undefined) {
    const values = new Map(
      results.map((row) => [keyOfRow(row, batch, settings), row]),
    );
    const cause = strayError(results, batch, values);
    return outcomesByKey(batch, values, settings, cause);
  }
  if (results.length !== batch.size) {
    throw new BatchResultsError(name, batch.size, results.length);
  }
  return results;
}

/** The key that a row belongs to; an Error needn't have one. */
function keyOfRow<K, V>(
  row: V | Error,
  { size }: Batch<K, V>,
  { name, resultKey }: BatcherSettings<K, V>,
): unknown {
  try {
    return resultKey!(row as V);
  } catch (cause) {
    if (row instanceof Error) return undefined;
    const returned = `${quote(row)} as a row, which resultKey can't take: ${
      thrownText(cause)
    }`;
    throw new BatchResultsError(name, size, returned, { cause });
  }
}

/** The Errors among the rows that belong to no key: any may be theirs that have no row. */
function strayError<K, V>(
  rows: readonly (V | Error)[],
  { entries }: Batch<K, V>,
  values: ReadonlyMap<unknown, V | Error>,
): Error | undefined {
  const errors = rows.filter((row) => row instanceof Error);
  if (errors.length === 0) return undefined;
  const placed = new Set(entries.map(({ identity }) => values.get(identity)));
  const stray = errors.filter((error) => !placed.has(error));
  return stray.length > 1 ? new AggregateError(stray) : stray[0];
}

/** @param cause Why keys may be left out, if it isn't because there is nothing. */
function outcomesByKey<K, V>(
  batch: Batch<K, V>,
  values: ReadonlyMap<unknown, V | Error>,
  { name, missing }: BatcherSettings<K, V>,
  cause?: Error,
): (V | Error)[] {
  return batch.entries.map(({ identity, key }) => {
    if (values.has(identity)) return values.get(identity) as V | Error;
    if (cause !== undefined) {
      return new BatchKeyMissingError(name, key, { cause });
    }
    return missing === undefined
      ? new BatchKeyMissingError(name, key)
      : missing(key);
  });
}

/**
 * The batches somebody may wait for, in no order. Each knows its place, so that
 * taking it out is a matter of two writes: a Set makes batches of 1 take an
 * eighth longer (bench/batch.ts).
 */
export class UnfinishedBatches<K, V> {
  readonly #batches: Batch<K, V>[] = [];

  add(batch: Batch<K, V>): void {
    batch.place = this.#batches.push(batch) - 1;
  }

  remove({ place }: Batch<K, V>): void {
    const last = this.#batches.pop()!;
    if (place === this.#batches.length) return;
    this.#batches[place] = last;
    last.place = place;
  }

  async whenFinished(): Promise<void> {
    await Promise.all(this.#batches.map(({ whenFinished }) => whenFinished));
  }
}
