import { type Clock, systemClock } from "../../base/clock.ts";
import {
  option,
  type OptionRules,
  type ReadOptions,
} from "../../base/option_rules.ts";
import { stderrWarn } from "../../observe/log/stderr_log.ts";
import type { CacheSetOptions, CacheStore } from "../cache_store.ts";
import { ENTRY_OPTIONS } from "../lifetimes.ts";

/** Options of {@linkcode cached}. */
export interface CachedOptions<A extends readonly unknown[]>
  extends Pick<CacheSetOptions, "ttlMs" | "staleMs"> {
  /**
   * Time for which an error is remembered and thrown again, in milliseconds,
   * unless the function succeeds or the value is invalidated; by this process
   * only, whatever others load meanwhile. At 0 errors aren't remembered.
   * @default 0
   */
  negativeTtlMs?: number;
  /**
   * Store of the values. One that is handed in is shared and stays open when
   * the function is closed.
   * @default a MemoryCache of its own, with the default bounds
   */
  cache?: CacheStore;
  /**
   * Name in its statistics, and its keys in a shared cache begin
   * with: functions that share one need names of their own, closures of one
   * function as well. Where processes share it, the names have to outlast a
   * build: bundlers change those of functions.
   * @default the function's name
   */
  name?: string;
  /**
   * Key that tells one call from another: any value {@linkcode cacheKey} takes.
   * @default the arguments, without abort signals
   */
  key?: (...args: A) => unknown;
  /**
   * Names under which the value can be invalidated together with others. What a
   * function that tells them throws, a load fails with, but no look-up.
   */
  tags?: readonly string[] | ((...args: A) => readonly string[]);
  /**
   * Told once when a value can't be kept.
   * @default lines of `stderrLog`
   */
  log?: (message: string) => void;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
  /**
   * Gives a number from 0 up to 1.
   * @default Math.random
   */
  random?: () => number;
}

const { ttlMs, staleMs } = ENTRY_OPTIONS;

/** How they are read. */
export const CACHED_OPTIONS = {
  ttlMs,
  staleMs,
  negativeTtlMs: option.durationMs(0),
  cache: option.methods<CacheStore>("get", "set", "delete", "invalidateTag"),
  name: option.optional<string>(),
  key: option.optional(),
  tags: option.optional(),
  log: option.any<(message: string) => void>(stderrWarn),
  clock: option.any<Clock>(systemClock),
  random: option.any(Math.random),
} satisfies OptionRules<CachedOptions<never>>;

/** The options with their defaults. */
export type CachedSettings<A extends readonly unknown[]> =
  & Omit<ReadOptions<typeof CACHED_OPTIONS>, "key" | "tags">
  & Pick<CachedOptions<A>, "key" | "tags">;

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
