import type { Clock } from "../../base/clock.ts";
import type { CacheStore } from "../cache_store.ts";
import { Loader } from "./loader.ts";

/** How {@linkcode cached} keeps what a function returns. */
export interface CachedOptions<A extends readonly unknown[]> {
  /**
   * How long a value is fresh, in milliseconds; `Infinity` for ever.
   * @default the cache's `ttlMs`
   */
  ttlMs?: number;
  /**
   * How much longer it may be served while it is refreshed behind the scenes,
   * in milliseconds.
   * @default the cache's `staleMs`
   */
  staleMs?: number;
  /**
   * How long an error is remembered and thrown again, in milliseconds; by this
   * process only. At 0 errors aren't remembered.
   * @default 0
   */
  negativeTtlMs?: number;
  /**
   * Where values are kept. One that is handed in is shared and stays open when
   * the function is closed.
   * @default a MemoryCache of its own, with the default bounds
   */
  cache?: CacheStore;
  /**
   * What its statistics are filed under, and its keys in a shared cache begin
   * with: functions that share one need names of their own.
   * @default the function's name
   */
  name?: string;
  /**
   * What tells one call from another: any value {@linkcode cacheKey} takes.
   * @default the arguments, without abort signals
   */
  key?: (...args: A) => unknown;
  /** Names under which the value can be invalidated together with others. */
  tags?: readonly string[] | ((...args: A) => readonly string[]);
  /**
   * Told once when a value can't be kept.
   * @default lines of `stderrLog`
   */
  log?: (message: string) => void;
  /**
   * Where the time comes from.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * Gives a number from 0 up to 1.
   * @default Math.random
   */
  random?: () => number;
}

/** A snapshot of what a {@linkcode CachedFunction} has done. */
export interface CachedStats {
  /** Its `name` option, to tell its figures from another's. */
  readonly name: string;
  /** Calls served from the cache. */
  readonly hits: number;
  /** Of the hits, those that served a stale value. */
  readonly staleHits: number;
  /** Calls that began a search for, or a load of, their value. */
  readonly misses: number;
  /** Calls that joined one under way. */
  readonly coalesced: number;
  /** Calls that were thrown a remembered error. */
  readonly negativeHits: number;
  /** Times the function itself was called. */
  readonly loads: number;
  /** Of the loads, those that failed. */
  readonly failures: number;
  /** Values the cache refused. */
  readonly uncacheable: number;
  /** Loads under way now. */
  readonly inFlight: number;
}

/** A function made by {@linkcode cached}. */
export interface CachedFunction<A extends readonly unknown[], R>
  extends AsyncDisposable {
  /**
   * The value, from the cache or the function. Callers of one missing key share
   * one load. An {@linkcode AbortSignal} among the arguments, or as the `signal`
   * of an options object, is not part of the key: it frees its caller alone, and
   * the function gets one that aborts when all of its callers are gone.
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
  /** Ends what is under way, and closes the cache unless it was handed in. */
  close(): Promise<void>;
}

/**
 * Remembers what an async function returns, by its arguments.
 *
 * Each key is loaded once at a time in this process, and over a
 * {@linkcode RedisCache} or {@linkcode TieredCache} once among all processes:
 * the others wait for the value, and one takes over if the loader dies.
 *
 * @throws {InvalidOptionError} for an option out of its range, or a shared
 * cache without a name to file under.
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
