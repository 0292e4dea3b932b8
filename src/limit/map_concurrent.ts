import { abortable } from "../base/abort.ts";
import { option, type OptionRules, readOptions } from "../base/option_rules.ts";
import { type Permit, Semaphore } from "./semaphore.ts";

/** Options of {@linkcode mapConcurrent}. */
export interface MapConcurrentOptions {
  /** Number of items that are worked on at once; `Infinity` for all. */
  concurrency: number;
  /** Ends the mapping, and the work under way, with its reason. */
  signal?: AbortSignal;
  /**
   * True if the first failure ends the mapping: no further item is begun and
   * the work under way sees its signal abort. Otherwise all items are worked
   * on, and the failures reach the caller together in an `AggregateError`.
   * @default true
   */
  stopOnError?: boolean;
}

const MAP_OPTIONS = {
  concurrency: option.limit(undefined, 1),
  signal: option.signal,
  stopOnError: option.any(true),
} satisfies OptionRules<MapConcurrentOptions>;

/** Facts that {@linkcode mapConcurrent} tells about the item at hand. */
export interface MapConcurrentContext {
  /** The item's place, from 0. */
  index: number;
  /** Aborts when the mapping has ended before this item. */
  signal: AbortSignal;
}

/**
 * Maps items through an async function, so many at a time. Results keep the
 * items' order. Items are pulled one by one as there is room for them, so the
 * source may be an endless or slow generator.
 *
 * @example
 * ```ts
 * import { mapConcurrent } from "@sluice/mcp";
 *
 * const squares = await mapConcurrent(
 *   [1, 2, 3],
 *   (n) => Promise.resolve(n * n),
 *   { concurrency: 2 },
 * );
 * ```
 *
 * @throws {InvalidOptionError} naming the option
 * @throws {AggregateError} of all failures, in the items' order, unless
 * `stopOnError`.
 */
export async function mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: (item: T, context: MapConcurrentContext) => R | Promise<R>,
  options: MapConcurrentOptions,
): Promise<R[]> {
  const { concurrency, signal, stopOnError } = readOptions(
    "mapConcurrent",
    options,
    MAP_OPTIONS,
  );
  const mapping = new Mapping(fn, new Semaphore(concurrency), stopOnError);
  signal?.throwIfAborted();
  const onAbort = () => mapping.abort(signal!.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  try {
    return await mapping.run(items);
  } finally {
    signal?.removeEventListener("abort", onAbort);
  }
}

class Mapping<T, R> {
  readonly #controller = new AbortController();
  readonly #results: R[] = [];
  readonly #failures: unknown[] = [];
  readonly #running = new Set<Promise<void>>();

  constructor(
    readonly fn: (item: T, context: MapConcurrentContext) => R | Promise<R>,
    readonly semaphore: Semaphore,
    readonly stopOnError: boolean,
  ) {}

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  async run(items: Iterable<T> | AsyncIterable<T>): Promise<R[]> {
    try {
      await abortable(this.#pull(items), this.#controller.signal);
    } catch (error) {
      this.abort(error);
      throw error;
    }
    const failures = Object.values(this.#failures);
    if (failures.length === 0) return this.#results;
    throw new AggregateError(
      failures,
      `${failures.length} of ${this.#results.length} items failed`,
    );
  }

  /** Pulls an item whenever a permit is free, and waits for the last of them. */
  async #pull(items: Iterable<T> | AsyncIterable<T>): Promise<void> {
    const { signal } = this.#controller;
    let index = 0;
    let permit = await this.semaphore.acquire({ signal });
    for await (const item of items) {
      signal.throwIfAborted();
      this.#begin(item, index++, permit);
      permit = await this.semaphore.acquire({ signal });
    }
    await Promise.all(this.#running);
  }

  #begin(item: T, index: number, permit: Permit): void {
    this.#results.length = index + 1;
    const work = this.#work(item, index).finally(() => {
      permit.release();
      this.#running.delete(work);
    });
    this.#running.add(work);
  }

  async #work(item: T, index: number): Promise<void> {
    try {
      this.#results[index] = await this.fn(item, {
        index,
        signal: this.#controller.signal,
      });
    } catch (error) {
      if (this.stopOnError) this.abort(error);
      else this.#failures[index] = error;
    }
  }
}
