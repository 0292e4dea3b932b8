import {
  counter,
  gauge,
  type InstrumentValues,
} from "../observe/instruments.ts";
import type { CachedStats } from "./cached/cached.ts";
import type { MemoryCacheStats } from "./memory/memory_cache_options.ts";
import type { RedisCacheStats } from "./redis/redis_cache_options.ts";
import type { TieredCacheStats } from "./tiered/tiered_cache_options.ts";

/**
 * What operators see of caches. The label `type` says of what a figure is:
 * `memory`, `redis`, `tiered`, or a `cached` function, whose calls count apart
 * from the reads of a cache that it shares with others.
 */
export const cacheKind = {
  kind: "cache",
  measures: {
    hits: counter("Reads that were given a value."),
    stale_hits: counter("Of the hits, those that served a stale value."),
    memory_hits: counter("Of the hits, those served by the memory tier."),
    misses: counter("Reads that were given no value."),
    coalesced: counter("Calls that joined a search or load under way."),
    negative_hits: counter("Calls that were thrown a remembered error."),
    loads: counter("Times the cached function was called."),
    load_errors: counter("Of the loads, those that failed."),
    uncacheable: counter("Loaded values that the cache refused."),
    sets: counter("Values that were to be kept."),
    evictions: counter("Entries that went to make room."),
    expirations: counter("Entries found past their time."),
    rejected: counter("Values that were bigger than the cache."),
    changes_heard: counter("Changes by other processes that were heard of."),
    flushes: counter(
      "Times memory was emptied because changes may have been missed.",
    ),
    lost_changes: counter(
      "Changes that were too many to remember until Redis came back.",
    ),
    entries: gauge("Entries in memory."),
    bytes: gauge("Bytes of the entries in memory, where they are bounded."),
    loading: gauge("Searches and loads under way."),
    pending_changes: gauge("Changes that Redis hasn't been told of yet."),
    incoherent: gauge(
      "1 while changes by other processes may go unheard, else 0.",
    ),
  },
};

type CacheValues = InstrumentValues<keyof typeof cacheKind.measures>;

/** What a MemoryCache shows. */
export function memoryValues(
  { stats }: { readonly stats: MemoryCacheStats },
): CacheValues {
  const { hits, staleHits, misses, sets } = stats;
  return { hits, stale_hits: staleHits, misses, sets, ...heldValues(stats) };
}

/** What a RedisCache shows, beside its circuit. */
export function redisValues(
  { stats }: { readonly stats: RedisCacheStats },
): CacheValues {
  const { hits, staleHits, misses, sets } = stats;
  return {
    hits,
    stale_hits: staleHits,
    misses,
    sets,
    pending_changes: stats.pendingChanges,
    lost_changes: stats.lostChanges,
  };
}

/** What a TieredCache shows: the memory tier's figures are among its own. */
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

/** What a cached function shows, and the cache that is its own. */
export function cachedValues(
  stats: CachedStats,
  own: MemoryCacheStats | undefined,
): CacheValues {
  const { hits, staleHits, misses, coalesced, loads, uncacheable } = stats;
  return {
    hits,
    stale_hits: staleHits,
    misses,
    coalesced,
    negative_hits: stats.negativeHits,
    loads,
    load_errors: stats.failures,
    uncacheable,
    loading: stats.inFlight,
    ...(own && heldValues(own)),
  };
}

/** What is, or was, in memory. */
function heldValues(
  { entries, bytes, evictions, expirations, rejected }: MemoryCacheStats,
): CacheValues {
  return { entries, bytes, evictions, expirations, rejected };
}
