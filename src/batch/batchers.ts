import { InvalidOptionError } from "../base/errors.ts";
import { quote } from "../base/options.ts";
import type {
  BatchContext,
  BatcherOptions,
  BatchFlushOptions,
  BatchLoadOptions,
  BatchResults,
} from "./batch_options.ts";
import { Batcher } from "./batcher.ts";
import type { BatcherStats } from "./batcher_stats.ts";

/** Any batch loader, whatever its keys. */
export type AnyBatchLoader = (
  keys: never[],
  context: BatchContext,
) => BatchResults<unknown> | PromiseLike<BatchResults<unknown>>;

/** The keys that a loader takes. */
export type BatchKeyOf<Loader extends AnyBatchLoader> = Parameters<
  Loader
>[0][number];

/** The values that a loader returns. */
export type BatchValueOf<Loader extends AnyBatchLoader> =
  Awaited<ReturnType<Loader>> extends infer Results
    ? Results extends ReadonlyMap<unknown, infer Value> ? Exclude<Value, Error>
    : Results extends readonly (infer Value)[] ? Exclude<Value, Error>
    : never
    : never;

/** The options of each operation, by name. */
export type BatchersOptions<Loaders extends Record<string, AnyBatchLoader>> = {
  [Name in keyof Loaders]?: BatcherOptions<
    BatchKeyOf<Loaders[Name]>,
    BatchValueOf<Loaders[Name]>
  >;
};

/** Options that make sense for any operation. */
export type BatchDefaults = Omit<
  BatcherOptions<unknown, unknown>,
  "key" | "partition" | "resultKey" | "missing" | "name"
>;

/**
 * Many batchers by the names of their operations, each gathering on its own.
 *
 * @example
 * ```ts
 * import { Batchers } from "@sluice/mcp";
 *
 * await using batchers = new Batchers({
 *   userName: (ids: number[]) => Promise.resolve(ids.map((id) => `user ${id}`)),
 *   stock: (skus: string[]) => Promise.resolve(skus.map(({ length }) => length)),
 * }, { maxSize: 10 });
 *
 * const name: string = await batchers.load("userName", 7);
 * const stock: number = await batchers.load("stock", "A-113");
 * ```
 */
export class Batchers<Loaders extends Record<string, AnyBatchLoader>>
  implements AsyncDisposable {
  readonly #batchers = new Map<string, Batcher<unknown, unknown>>();

  /**
   * Makes one batcher for each loader.
   *
   * @param loaders The loader of each operation.
   * @param defaults What they have in common.
   * @param options What is particular to one, over the defaults.
   * @throws {InvalidOptionError} when a loader is no function, or an option
   * makes no sense.
   */
  constructor(
    loaders: Loaders,
    defaults: BatchDefaults = {},
    options: BatchersOptions<Loaders> = {},
  ) {
    for (const [name, load] of Object.entries(loaders)) {
      const batcherOptions = { name, ...defaults, ...options[name] };
      this.#batchers.set(
        name,
        new Batcher(
          load as (keys: unknown[]) => BatchResults<unknown>,
          batcherOptions as BatcherOptions<unknown, unknown>,
        ),
      );
    }
  }

  /**
   * The batcher of one operation.
   *
   * @throws {InvalidOptionError} when there is no such operation.
   */
  get<Name extends keyof Loaders & string>(
    name: Name,
  ): Batcher<BatchKeyOf<Loaders[Name]>, BatchValueOf<Loaders[Name]>> {
    const batcher = this.#batchers.get(name);
    if (batcher === undefined) {
      const names = [...this.#batchers.keys()].map(quote).join(", ");
      throw new InvalidOptionError(
        `operation must be one of ${names}, got ${quote(name)}`,
      );
    }
    return batcher as Batcher<unknown, unknown> as Batcher<
      BatchKeyOf<Loaders[Name]>,
      BatchValueOf<Loaders[Name]>
    >;
  }

  /** Asks an operation for one key; see {@linkcode Batcher.load}. */
  async load<Name extends keyof Loaders & string>(
    name: Name,
    key: BatchKeyOf<Loaders[Name]>,
    options?: BatchLoadOptions,
  ): Promise<BatchValueOf<Loaders[Name]>> {
    return await this.get(name).load(key, options);
  }

  /** Asks an operation for many keys; see {@linkcode Batcher.loadMany}. */
  async loadMany<Name extends keyof Loaders & string>(
    name: Name,
    keys: Iterable<BatchKeyOf<Loaders[Name]>>,
    options?: BatchLoadOptions,
  ): Promise<(BatchValueOf<Loaders[Name]> | Error)[]> {
    return await this.get(name).loadMany(keys, options);
  }

  /** Loads what has gathered for all operations, and waits for it. */
  async flush(options?: BatchFlushOptions): Promise<void> {
    await Promise.all(
      Array.from(this.#batchers.values(), (each) => each.flush(options)),
    );
  }

  /** Takes no more keys, loads what has gathered, and waits for all of it. */
  async close(options?: BatchFlushOptions): Promise<void> {
    await Promise.all(
      Array.from(this.#batchers.values(), (each) => each.close(options)),
    );
  }

  /** Same as {@linkcode close}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  /** A snapshot of the counters, by operation. */
  get stats(): Record<keyof Loaders & string, BatcherStats> {
    const entries = Array.from(
      this.#batchers,
      ([name, batcher]) => [name, batcher.stats],
    );
    return Object.fromEntries(entries);
  }
}
