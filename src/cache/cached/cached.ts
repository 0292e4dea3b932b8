import type { CachedOptions, CachedStats } from "./cached_options.ts";
import { Loader } from "./loader.ts";

/** A function made by {@linkcode cached}. */
export interface CachedFunction<A extends readonly unknown[], R>
  extends AsyncDisposable {
  /**
   * The value, from the cache or the function. Callers of one missing key share
   * one load. An {@linkcode AbortSignal} among the arguments, or as the
   * `signal` of an options object, is not part of the key: it frees its caller
   * alone, and the function gets one that aborts when all of its callers are
   * gone.
   */
  (...args: A): Promise<R>;
  /** The cached value, fresh or stale, or `undefined`; never loads. */
  peek(...args: A): Promise<R | undefined>;
  /**
   * Loads the value anew, while other callers are still served the old one.
   * Calls for one key at the same time share a load: after changing the source,
   * `invalidate` instead.
   */
  refresh(...args: A): Promise<R>;
  /** Forgets the value; a load under way is finished but not kept. */
  invalidate(...args: A): Promise<void>;
  /** Forgets every value with this tag, likewise. */
  invalidateTag(tag: string): Promise<void>;
  /** The key of a call, as the cache knows it. */
  keyOf(...args: A): string;
  /** A snapshot of the counters. */
  readonly stats: CachedStats;
  /**
   * Ends what is under way, with a {@linkcode ClosedError} for those who wait for
   * it, and closes the cache unless it was handed in.
   */
  close(): Promise<void>;
}

/**
 * Remembers what an async function returns, by its arguments.
 *
 * Each key is loaded once at a time in this process, and over a
 * {@linkcode RedisCache} or {@linkcode TieredCache} once among all processes:
 * the others wait for the value, and one takes over if the loader dies. So a
 * function must not ask its own cached form for the key that it is loading, itself
 * or by way of others: it would wait for itself without end.
 *
 * @throws {InvalidOptionError} for an option out of its range, or a shared
 * cache without a name to file under, or with that of another function.
 *
 * @example
 * ```ts
 * import { cached } from "@sluice/mcp";
 *
 * async function loadUser(id: number, options: { signal?: AbortSignal } = {}) {
 *   await Promise.resolve(options.signal);
 *   return { id, name: "Ada" };
 * }
 *
 * await using findUser = cached(loadUser, {
 *   ttlMs: 60_000,
 *   tags: (id) => [`user:${id}`],
 * });
 * await findUser(1);
 * await findUser(1); // from the cache
 * await findUser.invalidateTag("user:1");
 * ```
 */
export function cached<F extends (...args: never[]) => unknown>(
  fn: F,
  options: CachedOptions<Parameters<F>> = {},
): CachedFunction<Parameters<F>, Awaited<ReturnType<F>>> {
  type A = Parameters<F>;
  type R = Awaited<ReturnType<F>>;
  const load = fn as unknown as (...args: A) => R | PromiseLike<R>;
  const loader = new Loader<A, R>(load, options);
  const members = {
    peek: (...args: A) => loader.peek(args),
    refresh: (...args: A) => loader.refresh(args),
    invalidate: (...args: A) => loader.invalidate(args),
    invalidateTag: (tag: string) => loader.invalidateTag(tag),
    keyOf: (...args: A) => loader.keyOf(args),
    close: () => loader.close(),
    [Symbol.asyncDispose]: () => loader.close(),
  };
  const call = Object.assign((...args: A) => loader.call(args), members);
  Object.defineProperty(call, "stats", { get: () => loader.stats });
  return call as unknown as CachedFunction<A, R>;
}
