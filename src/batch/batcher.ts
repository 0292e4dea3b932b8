import { abortable } from "../base/abort.ts";
import {
  ClosedError,
  InvalidOptionError,
  QueueFullError,
  TimeoutError,
} from "../base/errors.ts";
import { checkGiven, SIGNAL_OPTIONS } from "../base/option_rules.ts";
import { quote } from "../base/options.ts";
import { TimedQueue } from "../base/timed_queue.ts";
import { instruments } from "../observe/metrics/instruments.ts";
import {
  type Batch,
  type BatchEntry,
  ignoreRejections,
  UnfinishedBatches,
} from "./batch.ts";
import {
  type BatcherOptions,
  type BatcherSettings,
  type BatchFlushOptions,
  type BatchLoader,
  type BatchLoadOptions,
  type BatchResults,
  checkBatcherOptions,
  LOAD_OPTIONS,
} from "./batch_options.ts";
import {
  batcherKind,
  type BatcherStats,
  batcherValues,
} from "./batcher_stats.ts";
import { type Partition, Partitions } from "./partitions.ts";

/**
 * Gathers what many callers ask for one by one, and loads it together.
 *
 * A key that is asked for twice is loaded once per batch. The loader answers
 * for each key: a value for its callers, or an Error that hurts only them. What
 * the loader throws hurts all of that batch and no other.
 *
 * @example
 * ```ts
 * import { Batcher } from "@sluice/mcp";
 *
 * const names = new Batcher((ids: number[]) =>
 *   Promise.resolve(ids.map((id) => `user ${id}`))
 * );
 * const [one, two] = await Promise.all([names.load(1), names.load(2)]);
 * ```
 */
export class Batcher<K, V> implements AsyncDisposable {
  readonly #load: BatchLoader<K, V>;
  readonly #settings: BatcherSettings<K, V>;
  readonly #partitions = new Partitions<K, V>();
  /** Batches that filled up in this tick: callers may join their keys to its end. */
  readonly #full: Batch<K, V>[] = [];
  /** Batches whose time has come, while others hold the places. */
  readonly #due: TimedQueue<Batch<K, V>>;
  readonly #unfinished = new UnfinishedBatches<K, V>();
  readonly #untrack: () => void;
  #scheduled = false;
  #running = 0;
  #waiting = 0;
  #closed = false;
  #loads = 0;
  #keys = 0;
  #batches = 0;
  #largestBatch = 0;
  #failedBatches = 0;
  #failedKeys = 0;
  #abandonedBatches = 0;

  /**
   * Calls `load` with the keys of each batch, no key twice.
   *
   * @throws {InvalidOptionError} when `load` is no function, or an option makes
   * no sense.
   */
  constructor(load: BatchLoader<K, V>, options: BatcherOptions<K, V> = {}) {
    this.#settings = checkBatcherOptions(options);
    if (typeof load !== "function") {
      throw new InvalidOptionError(
        `the loader of ${this.#settings.name} must be a function, got ${
          quote(load)
        }`,
      );
    }
    this.#load = load;
    const { name, clock } = this.#settings;
    this.#due = new TimedQueue(clock, Infinity, () => {});
    this.#untrack = instruments.track(
      batcherKind,
      { name },
      this,
      batcherValues,
    );
  }

  /**
   * Asks for one key.
   *
   * @throws {BatchResultsError} when the loader's results don't fit its keys.
   * @throws {BatchKeyMissingError} when results by key leave this one out.
   * @throws {TimeoutError} when the loader took longer than `timeoutMs`.
   * @throws {QueueFullError} when `maxWaiting` keys wait already.
   * @throws {ClosedError} once closed.
   */
  load(key: K, options?: BatchLoadOptions): Promise<V> {
    try {
      return this.#join(key, options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /**
   * Asks for many keys; one outcome each, in their order, so that a failure
   * hides none of the values.
   *
   * @throws the signal's reason, if it aborts.
   * @throws {InvalidOptionError} naming the option.
   */
  async loadMany(
    keys: Iterable<K>,
    options?: BatchLoadOptions,
  ): Promise<(V | Error)[]> {
    if (options !== undefined) checkGiven("loadMany", options, LOAD_OPTIONS);
    const outcomes = await Promise.all(
      Array.from(keys, (key) => this.load(key, options).catch(toError)),
    );
    options?.signal?.throwIfAborted();
    return outcomes;
  }

  /** Loads what has gathered so far, and waits for it. */
  async flush(options: BatchFlushOptions = {}): Promise<void> {
    checkGiven("flush", options, SIGNAL_OPTIONS);
    const { signal } = options;
    const finished = this.#unfinished.whenFinished();
    this.#endGathering();
    await abortable(finished, signal);
  }

  /** Takes no more keys, loads what has gathered, and waits for all of it. */
  close(options?: BatchFlushOptions): Promise<void> {
    this.#closed = true;
    return this.flush(options).finally(this.#untrack);
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A snapshot of the counters. */
  get stats(): BatcherStats {
    return {
      name: this.#settings.name,
      loads: this.#loads,
      keys: this.#keys,
      batches: this.#batches,
      largestBatch: this.#largestBatch,
      running: this.#running,
      waiting: this.#waiting,
      failedBatches: this.#failedBatches,
      failedKeys: this.#failedKeys,
      abandonedBatches: this.#abandonedBatches,
    };
  }

  #join(key: K, options: BatchLoadOptions | undefined): Promise<V> {
    if (options !== undefined) checkGiven("load", options, LOAD_OPTIONS);
    const signal = options?.signal;
    if (this.#closed) throw new ClosedError(this.#settings.name);
    signal?.throwIfAborted();
    const identity = this.#identify(key);
    const partition = this.#partitions.of(
      options?.partition ?? this.#settings.partition?.(key),
    );
    const entry = partition.get(identity) ??
      this.#addKey(partition, identity, key);
    this.#loads++;
    return signal === undefined ? entry.join() : entry.joinUntil(
      signal,
      (reason) => this.#abandon(entry, reason),
    );
  }

  #identify(key: K): unknown {
    const { key: identify } = this.#settings;
    return identify === undefined ? key : identify(key);
  }

  #addKey(
    partition: Partition<K, V>,
    identity: unknown,
    key: K,
  ): BatchEntry<K, V> {
    const { name, maxWaiting, maxSize } = this.#settings;
    if (this.#waiting >= maxWaiting) throw new QueueFullError(name, maxWaiting);
    const batch = partition.open ?? this.#beginBatch(partition);
    const entry = partition.add(batch, identity, key);
    this.#waiting++;
    if (batch.size === 1) this.#begin(entry);
    if (batch.size === maxSize && partition.open === batch) {
      partition.open = undefined;
      batch.filledThisTick = true;
      this.#full.push(batch);
      this.#scheduleTick();
      this.#becomeDue(batch);
    }
    return entry;
  }

  #beginBatch(partition: Partition<K, V>): Batch<K, V> {
    const batch = this.#partitions.begin(partition);
    this.#unfinished.add(batch);
    return batch;
  }

  /** Lets a batch have its first key, if it can be told when it will be due. */
  #begin(entry: BatchEntry<K, V>): void {
    try {
      this.#setTime(entry.batch);
    } catch (error) {
      this.#abandon(entry, error);
      throw error;
    }
  }

  #setTime(batch: Batch<K, V>): void {
    const { maxWaitMs, clock } = this.#settings;
    if (maxWaitMs === 0) return this.#scheduleTick();
    batch.timer = clock.setTimeout(() => this.#becomeDue(batch), maxWaitMs);
  }

  #scheduleTick(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    try {
      this.#settings.schedule(this.#endTick);
    } catch (error) {
      this.#scheduled = false;
      throw error;
    }
  }

  readonly #endTick = (): void => {
    this.#scheduled = false;
    if (this.#full.length > 0) this.#forgetFull();
    if (this.#settings.maxWaitMs === 0) this.#endGathering();
  };

  #endGathering(): void {
    this.#partitions.forEachOpen((batch) => this.#becomeDue(batch));
  }

  #forgetFull(): void {
    for (const batch of this.#full) {
      batch.filledThisTick = false;
      if (batch.phase === "running") this.#partitions.forget(batch);
    }
    this.#full.length = 0;
  }

  #becomeDue(batch: Batch<K, V>): void {
    if (batch.phase !== "gathering") return;
    this.#clearTimer(batch);
    batch.phase = "due";
    if (this.#due.size === 0 && this.#hasPlace()) return this.#run(batch);
    this.#due.push(batch);
    this.#runDue();
  }

  #hasPlace(): boolean {
    return this.#running < this.#settings.concurrency;
  }

  #runDue(): void {
    while (this.#due.size > 0 && this.#hasPlace()) {
      this.#run(this.#due.shift()!);
    }
  }

  #run(batch: Batch<K, V>): void {
    const { timeoutMs, clock, name } = this.#settings;
    if (!batch.filledThisTick) this.#partitions.forget(batch);
    batch.phase = "running";
    this.#running++;
    this.#waiting -= batch.size;
    this.#batches++;
    this.#keys += batch.size;
    this.#largestBatch = Math.max(this.#largestBatch, batch.size);
    if (timeoutMs !== Infinity) {
      const giveUp = () => this.#fail(batch, new TimeoutError(name, timeoutMs));
      batch.timer = clock.setTimeout(giveUp, timeoutMs);
    }
    this.#callLoader(batch).then(
      (results) => this.#succeed(batch, results),
      (error) => this.#fail(batch, error),
    );
  }

  /** Not async: that would take two turns of the microtasks more. */
  #callLoader(batch: Batch<K, V>): Promise<BatchResults<V>> {
    try {
      const keys = batch.entries.map(({ key }) => key);
      return Promise.resolve(this.#load(keys, batch));
    } catch (error) {
      return Promise.reject(error);
    }
  }

  #succeed(batch: Batch<K, V>, results: BatchResults<V>): void {
    if (batch.phase === "finished") return ignoreRejections(results);
    try {
      this.#failedKeys += batch.settle(results, this.#settings);
      this.#finish(batch);
    } catch (error) {
      ignoreRejections(results);
      this.#fail(batch, error);
    }
  }

  #fail(batch: Batch<K, V>, error: unknown): void {
    if (batch.phase === "finished") return;
    this.#failedBatches++;
    batch.rejectAll(error);
    batch.abort(error);
    this.#finish(batch);
  }

  #abandon(entry: BatchEntry<K, V>, reason: unknown): void {
    const { batch } = entry;
    if (batch.phase === "finished") return;
    this.#partitions.forgetEntry(entry);
    if (batch.phase !== "running") this.#waiting--;
    if (!batch.abandon(entry)) return;
    this.#abandonedBatches++;
    batch.abort(reason);
    this.#finish(batch);
  }

  #finish(batch: Batch<K, V>): void {
    const wasRunning = batch.phase === "running";
    this.#clearTimer(batch);
    this.#due.delete(batch);
    if (!wasRunning || batch.filledThisTick) this.#partitions.forget(batch);
    this.#unfinished.remove(batch);
    batch.finish();
    if (wasRunning) {
      this.#running--;
      this.#runDue();
    }
  }

  #clearTimer(batch: Batch<K, V>): void {
    if (batch.timer === undefined) return;
    this.#settings.clock.clearTimeout(batch.timer);
    batch.timer = undefined;
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error
    ? reason
    : new Error(String(reason), { cause: reason });
}
