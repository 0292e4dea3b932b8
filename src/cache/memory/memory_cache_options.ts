import { option, type OptionRules } from "../../base/option_rules.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { LIFETIME_OPTIONS, type LifetimeOptions } from "../lifetimes.ts";

/** Options of a {@linkcode MemoryCache}. */
export interface MemoryCacheOptions<V = unknown> extends LifetimeOptions {
  /**
   * Name in its statistics.
   * @default "memory"
   */
  name?: string;
  /**
   * Number of entries that it holds before the least recently used go;
   * `Infinity` is allowed beside `maxBytes`.
   * @default 1_000
   */
  maxEntries?: number;
  /**
   * Number of bytes that its keys and values may take, as `sizeOf` counts them.
   * A value that is bigger than this by itself isn't kept.
   * @default Infinity
   */
  maxBytes?: number;
  /**
   * The size of a value in bytes; asked only where `maxBytes` is set.
   * @default an estimate of what the value takes in memory
   */
  sizeOf?: (value: V, key: string) => number;
  /**
   * Time that the one caller of `get` who was told that a stale entry is a miss
   * has to refresh it, in milliseconds, before another one is asked to.
   * @default 5_000
   */
  leaseMs?: number;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

/** How the options are read. */
export const MEMORY_CACHE_OPTIONS = {
  ...LIFETIME_OPTIONS,
  name: option.any("memory"),
  maxEntries: option.any(1_000),
  maxBytes: option.any(Infinity),
  sizeOf: option.any<NonNullable<MemoryCacheOptions<never>["sizeOf"]>>(
    byteSize,
  ),
  leaseMs: option.durationMs(5_000, 1),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<MemoryCacheOptions<never>>;

/** A snapshot of what a {@linkcode MemoryCache} holds and has done. */
export interface MemoryCacheStats {
  /** Its `name` option, to tell its figures from another's. */
  readonly name: string;
  /** Held now, those that expired unnoticed included. */
  readonly entries: number;
  /** Held now, in bytes; 0 where `maxBytes` isn't set. */
  readonly bytes: number;
  /** Reads that were given a value. */
  readonly hits: number;
  /** Of the hits, those that served a stale value. */
  readonly staleHits: number;
  /** Reads that were given none, to load or to refresh it. */
  readonly misses: number;
  /** Values that were kept. */
  readonly sets: number;
  /** Entries that went to make room. */
  readonly evictions: number;
  /** Entries found past their time. */
  readonly expirations: number;
  /** Values that were bigger than the cache. */
  readonly rejected: number;
}

/**
 * Estimates what a value takes in memory, in bytes: two for each character,
 * eight for each number and reference, and what buffers hold. What is shared
 * within the value counts once.
 */
export function byteSize(value: unknown): number {
  const seen = new Set<object>();
  const waiting: unknown[] = [value];
  let bytes = 0;
  while (waiting.length > 0) {
    const part = waiting.pop();
    bytes += 8;
    if (typeof part === "string") bytes += 2 * part.length;
    else if (typeof part === "object" && part !== null && !seen.has(part)) {
      seen.add(part);
      bytes += ownBytes(part, waiting);
    }
  }
  return bytes;
}

/** Counts what the object itself holds and leaves its parts in `waiting`. */
function ownBytes(part: object, waiting: unknown[]): number {
  if (part instanceof ArrayBuffer || ArrayBuffer.isView(part)) {
    return part.byteLength;
  }
  if (part instanceof Map) {
    for (const [key, value] of part) waiting.push(key, value);
    return 0;
  }
  if (Array.isArray(part) || part instanceof Set) {
    for (const value of part) waiting.push(value);
    return 0;
  }
  let bytes = 0;
  for (const [name, value] of Object.entries(part)) {
    bytes += 2 * name.length;
    waiting.push(value);
  }
  return bytes;
}
