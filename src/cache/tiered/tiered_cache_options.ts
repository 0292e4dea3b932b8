import {
  option,
  type OptionRules,
  type ReadOptions,
  readOptions,
} from "../../base/option_rules.ts";
import { type Clock, systemClock } from "../../base/clock.ts";
import { type CacheValues, heldValues } from "../cache_kind.ts";
import type { CacheHit } from "../cache_store.ts";
import type {
  MemoryCacheOptions,
  MemoryCacheStats,
} from "../memory/memory_cache_options.ts";
import type { RedisCache } from "../redis/redis_cache.ts";
import type {
  RedisCacheOptions,
  RedisCacheStats,
} from "../redis/redis_cache_options.ts";

/** Options of a {@linkcode TieredCache}. */
export interface TieredCacheOptions {
  /** The bounds of the memory tier. */
  local?: Pick<MemoryCacheOptions, "maxEntries" | "maxBytes" | "sizeOf">;
  /**
   * The Redis tier, or how to make it. One that is handed in stays open when
   * this closes; it must have a `url`, or a client of node-redis or ioredis.
   */
  remote: RedisCache | RedisCacheOptions;
  /**
   * Name in its statistics; those of a Redis tier that it makes
   * too, unless that has a name.
   * @default "tiered"
   */
  name?: string;
  /**
   * The longest that the memory tier may serve a value which another process
   * has replaced, in milliseconds. While changes are heard of this takes no
   * longer than a message through Redis; the limit is for when they aren't, also
   * because the other process has lost Redis. Its `set` says `false` then, and
   * Redis serves what it has until it can be told. The same in every process that
   * shares a prefix: a fourth of it is how often each shows that it lives.
   * @default 1_000
   */
  maxStaleMs?: number;
  /**
   * The longest that a value stays in memory without being read from Redis
   * again, in milliseconds.
   * @default 60_000
   */
  localTtlMs?: number;
  /**
   * Source of the time.
   * @default systemClock
   */
  clock?: Clock;
}

const TIERED_CACHE_OPTIONS = {
  local: option.optional<TieredCacheOptions["local"]>(),
  remote: option.optional<TieredCacheOptions["remote"]>(),
  name: option.any("tiered"),
  maxStaleMs: option.durationMs(1_000, 10),
  localTtlMs: option.durationMs(60_000, 1),
  clock: option.any<Clock>(systemClock),
} satisfies OptionRules<TieredCacheOptions>;

/** A snapshot of what a {@linkcode TieredCache} has done. */
export interface TieredCacheStats {
  /** Its `name` option, to tell its figures from another's. */
  readonly name: string;
  /** Reads served from memory. */
  readonly localHits: number;
  /** Reads served from Redis. */
  readonly remoteHits: number;
  /** Reads that neither tier had a value for. */
  readonly misses: number;
  /**
   * True while changes made elsewhere are heard of, and whoever may make some
   * reaches Redis.
   */
  readonly coherent: boolean;
  /** Changes made elsewhere that were heard of. */
  readonly changesHeard: number;
  /** Times memory was emptied because changes may have been missed. */
  readonly flushes: number;
  /** Statistics of the memory tier. */
  readonly local: MemoryCacheStats;
  /** Statistics of the Redis tier, for others too if it was handed in. */
  readonly remote: RedisCacheStats;
}

/** A value in memory, and when it was known to be the one in Redis. */
export interface LocalEntry<V> extends CacheHit<V> {
  readonly knownAt: number;
}

/** Options of the memory tier. */
export function localOptions<V>(
  { local = {}, name = "tiered", clock }: TieredCacheOptions,
): MemoryCacheOptions<LocalEntry<V>> {
  const { maxBytes, maxEntries, sizeOf } = local;
  return {
    name: `${name} (memory)`,
    maxBytes,
    maxEntries,
    sizeOf: sizeOf && ((entry, key) => sizeOf(entry.value, key)),
    clock,
  };
}

/** Figures for operators: the memory tier's figures are among its own. */
export function tieredValues(
  { stats }: { readonly stats: TieredCacheStats },
): CacheValues {
  return {
    hits: stats.localHits + stats.remoteHits,
    memory_hits: stats.localHits,
    misses: stats.misses,
    changes_heard: stats.changesHeard,
    flushes: stats.flushes,
    incoherent: stats.coherent ? 0 : 1,
    ...heldValues(stats.local),
  };
}

/** Fills the defaults in. @throws {InvalidOptionError} for an option out of its range */
export function tieredSettings(
  options: TieredCacheOptions,
): ReadOptions<typeof TIERED_CACHE_OPTIONS> {
  return readOptions("TieredCache", options, TIERED_CACHE_OPTIONS);
}
